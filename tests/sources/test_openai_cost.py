"""OpenAI cost exports: every generation bills what its rows say, and a day of an organisation counts once."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tokenaudit.sources import openai_usage
from tokenaudit.sources.head import Head
from tokenaudit.sources.openai_cost import SOURCE
from tokenaudit.sources.table import detect_table

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText

V1 = (
    "start_time,end_time,amount_value,amount_currency,line_item,project_id,organization_id,project_name,"
    "organization_name\n"
)
V2 = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id,"
    "organization_id,organization_name\n"
)
V3 = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,"
    "user_id,api_key_id,project_id,organization_id,project_name,organization_name,user_email\n"
)
V4 = V3.replace("user_email", "user_email,api_source")
BUCKET = "1790812800,1790899200,"
DATES = "2026-10-01T00:00:00,2026-10-02T00:00:00,"
SHOWN = ("billed_cost", "request_model", "user", "project", "workspace", "account", "api_key", "tags")
REAL = (
    "openai_cost_csv/cost_2024-12-01_2024-12-31.csv",
    "openai_cost_csv/cost_2025-01-01_2025-01-31.csv",
    "openai_cost_csv/cost_2025-02-01_2025-03-03.csv",
    "openai_platform_dashboard/cost_2026-08-01_2026-08-31.csv",
    "openai_platform_dashboard/cost_ungrouped_2025-10.tsv",
)


def shown(row: dict[str, object]) -> tuple[object, ...]:
    """Return what a cost row fills."""
    return tuple(row[name] for name in SHOWN)


def test_v1(read_text: ReadText) -> None:
    """December 2024: no ISO columns; the model stands before the last comma of the line item."""
    row = read_text(SOURCE, f'{V1}{BUCKET}0.05,usd,"gpt-4o-2024-08-06, cached input",proj_a,org-1,Shop,Us\n').row()

    tags = '{"line_item":"gpt-4o-2024-08-06, cached input"}'
    assert shown(row) == (Decimal("0.05"), "gpt-4o-2024-08-06", None, "Shop", "proj_a", "org-1", None, tags)
    assert (row["cost_basis"], row["billing_currency"], row["requests"], row["granularity"]) == (
        "billed",
        "USD",
        0,
        "day",
    )


def test_v2_ungrouped(read_text: ReadText) -> None:
    """October 2025: a download that is not grouped names no model and no project."""
    row = read_text(SOURCE, f"{V2}{BUCKET}{DATES}0.8958740000000000,usd,,,org-1,Us\n").row()

    assert shown(row) == (Decimal("0.895874"), None, None, None, None, "org-1", None, None)


@pytest.mark.parametrize("header", [V3, V4])
def test_v3_and_v4(read_text: ReadText, header: str) -> None:
    """August 2026: e-mail before id, name before id, quantity kept beside the amount; September adds `api_source`."""
    cells = '0.0034,usd,31422.0,tokens,"gpt-5-nano, input_tokens",user-1,key_1,proj_a,org-1,,Us,ann@example.com'
    row = read_text(SOURCE, f"{header}{BUCKET}{DATES}{cells}{',' * (header is V4)}\n").row()

    tags = '{"line_item":"gpt-5-nano, input_tokens","quantity":"31422.0","quantity_unit":"tokens","user_id":"user-1"}'
    assert shown(row) == (
        Decimal("0.0034"), "gpt-5-nano", "ann@example.com", "proj_a", "proj_a", "org-1", "key_1", tags,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("item", "model"),
    [("dall-e 2, 1024x1024", "dall-e 2"), ("web search tool calls", "web search tool calls"), ("a, b, output", "a, b")],
)
def test_model_of_a_line_item(read_text: ReadText, item: str, model: str) -> None:
    """A line item is split at its last comma; without one it stands for itself."""
    assert read_text(SOURCE, f'{V1}{BUCKET}1,usd,"{item}",p,o,P,O\n').row()["request_model"] == model


def test_36_decimals_and_float_noise(read_text: ReadText) -> None:
    """An amount is its digits, however many and however odd."""
    amounts = ("0.003400000000000000000000000000000000", "13.799301149999998", "1e-05", "0.11657000000000001")
    rows = read_text(SOURCE, V1 + "".join(f"{BUCKET}{amount},usd,,p,o,P,O\n" for amount in amounts)).used()

    assert rows["billed_cost"].to_list() == [Decimal(amount) for amount in amounts]


def test_day_of_a_project_is_the_identity(read_text: ReadText) -> None:
    """However a download is grouped, a project's day is one bucket; another project's day is another."""
    items = read_text(SOURCE, f'{V1}{BUCKET}1,usd,"m, input",p,org-1,P,O\n{BUCKET}2,usd,"m, output",p,org-1,P,O\n')
    whole = read_text(SOURCE, f"{V2}{BUCKET}{DATES}3,usd,,p,org-1,O\n")
    other = read_text(SOURCE, f"{V2}{BUCKET}{DATES}3,usd,,q,org-1,O\n")

    assert items.used()["response_id"].unique().to_list() == whole.used()["response_id"].to_list()
    assert other.row()["response_id"] != whole.row()["response_id"]


def test_blank_day_empties_its_projects(read_text: ReadText) -> None:
    """A day without spend has the identities its rows would have, and adds nothing; it is one of all projects."""
    tomorrow = "1790899200,1790985600,"
    rows = read_text(SOURCE, f"{V1}{BUCKET},,,,,,\n{tomorrow}5,usd,,p,org-1,P,O\n").rows
    filled = read_text(SOURCE, f"{V1}{BUCKET}5,usd,,p,org-1,P,O\n").row()
    idle = rows.filter(pl.col("charge_period_start").dt.day() == 1)

    assert idle["blank"].all()
    assert idle["billed_cost"].null_count() == idle.height
    assert filled["response_id"] in set(idle["response_id"])
    assert set(idle.select("account", "workspace").rows()) == {("org-1", "p"), ("org-1", None)}


def test_broken_amount(read_text: ReadText) -> None:
    """An amount that is none, or missing beside a line item, is a reject and not a zero."""
    read = read_text(SOURCE, f'{V1}{BUCKET}free,usd,,p,o,P,O\n{BUCKET},usd,"m, input",p,o,P,O\n')

    assert [reject.reason for reject in read.rejects] == [
        '"amount_value" is not an amount of money: "free"',
        "amount_value is blank",
    ]


def test_empty_export(tmp_path: Path, read_file: ReadFile) -> None:
    """The empty export of costs differs from that of usage by its name only."""
    path = tmp_path / "cost_2026-10-01_2026-10-31.csv"
    path.write_text(f"start_time,end_time,start_time_iso,end_time_iso\n{BUCKET}{DATES[:-1]}\n")

    assert detect_table(Head(str(path)), SOURCE)
    assert not detect_table(Head(str(path)), openai_usage.SOURCE)
    assert read_file(SOURCE, path).rows.height == 0


@pytest.mark.parametrize("name", REAL)
def test_real_files_sum_to_what_their_rows_say(shared: Path, read_file: ReadFile, name: str) -> None:
    """Exact decimals to 18 places, one row for each amount, and no day of the file that it does not speak for."""
    path = shared / "samples" / "exports" / name
    with path.open(newline="") as file:
        stated = list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))
    amounts = [Decimal(row["amount_value"]).quantize(Decimal("1e-18")) for row in stated if row["amount_value"]]
    read = read_file(SOURCE, path)

    assert detect_table(Head(str(path)), SOURCE)
    assert read.rejects == []
    assert read.rows["billed_cost"].sum() == sum(amounts)
    assert read.used().height == len(amounts)
    assert read.rows["charge_period_start"].n_unique() == len({row["start_time"] for row in stated})


def test_sample_bills_the_sample_usage(root: Path, read_file: ReadFile) -> None:
    """The two OpenAI samples tell one story: the same tokens by day, project and class."""
    samples = root / "sample_logs"
    usage = read_file(openai_usage.SOURCE, samples / "openai-usage.csv").used()
    cost = read_file(SOURCE, samples / "openai-cost.csv").used()
    classes = {
        "input_tokens": "uncached_input_tokens",
        "input_cached_tokens": "cache_read_input_tokens",
        "input_cache_write_tokens": "cache_creation_5m_input_tokens",
        "output_tokens": "output_tokens",
    }
    tags = pl.col("tags").cast(pl.String)
    by = ["charge_period_start", "workspace", "class"]
    billed = (
        cost.select(
            "charge_period_start",
            pl.col("workspace").cast(pl.String),
            tags.str.extract(r", ([a-z_]+)").replace(classes).alias("class"),
            tags.str.extract(r'"quantity":"(\d+)').cast(pl.Int64).alias("tokens"),
        )
        .group_by(by)
        .agg(pl.col("tokens").sum())
    )
    used = (
        usage.with_columns(pl.col("workspace").cast(pl.String))
        .unpivot([*classes.values()], index=by[:2], variable_name="class", value_name="tokens")
        .group_by(by)
        .agg(pl.col("tokens").sum())
        .filter(pl.col("tokens") > 0)
    )

    assert billed.sort(by).equals(used.sort(by))
