"""GitHub metered billing: Copilot's rows only, two reports and the API of one day, and what is billed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenaudit.ingest.run import ingest
from tokenaudit.sources import fits, sources
from tokenaudit.sources.github_metered import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sources.conftest import ReadText

AMOUNTS = "quantity,unit_type,applied_cost_per_quantity,gross_amount,discount_amount,net_amount"
SUMMARISED = f"date,product,sku,{AMOUNTS},organization,repository,cost_center_name"
DETAILED = f"date,product,sku,{AMOUNTS},username,organization,repository,workflow_path,cost_center_name"
CELLS = {
    "date": "2026-10-01", "product": "copilot", "sku": "copilot_for_business", "quantity": "0.032258065",
    "unit_type": "user-months", "applied_cost_per_quantity": "19", "gross_amount": "0.612903235",
    "discount_amount": "0", "net_amount": "0.612903235", "username": "ann", "organization": "acme",
    "repository": "acme/shop", "workflow_path": "", "cost_center_name": "R&D",
}  # fmt: skip
ITEM: dict[str, Any] = {
    "date": "2026-10-01T00:00:00Z", "product": "Copilot", "sku": "Copilot Business", "quantity": 0.032258065,
    "unitType": "UserMonths", "pricePerUnit": 19, "grossAmount": 0.612903235, "discountAmount": 0,
    "netAmount": 0.612903235, "organizationName": "acme", "repositoryName": "acme/shop",
}  # fmt: skip


def report(header: str = DETAILED, *rows: dict[str, str]) -> str:
    """Return a report of the row above with what each row changes: every cell quoted, a byte order mark in front."""
    names = header.split(",")
    lines = [names, *([(CELLS | row)[name] for name in names] for row in rows or ({},))]
    return "\ufeff" + "".join(",".join(f'"{cell}"' for cell in line) + "\n" for line in lines)


def answer(*items: dict[str, Any]) -> str:
    """Return what the billing API gives for the item above with what each item changes."""
    return json.dumps({"usageItems": [ITEM | item for item in items or ({},)]})


@pytest.mark.parametrize("text", [report(), report(SUMMARISED), answer()])
def test_generations(read_text: ReadText, tmp_path: Path, text: str) -> None:
    """Both reports and the API are recognised and hold the same seat, to the last digit, on the same day."""
    path = tmp_path / "report"
    path.write_text(text)
    read = read_text(SOURCE, text)
    row = read.row()

    assert [item.name for item in sources().values() if fits(item, Head(str(path)))] == ["github-metered"]
    assert read.rejects == []
    assert (row["list_cost"], row["billed_cost"]) == (Decimal("0.612903235"), Decimal("0.612903235"))
    assert (row["cost_basis"], row["requests"], row["granularity"]) == ("billed", 0, "day")
    assert row["charge_period_start"] == datetime(2026, 10, 1, tzinfo=UTC)
    assert row["charge_period_end"] == datetime(2026, 10, 2, tzinfo=UTC)
    assert (row["account"], row["project"], row["request_model"]) == ("acme", "shop", None)
    assert row["response_id"] == read_text(SOURCE, report()).rows["response_id"][0]


KINDS = {
    ("copilot", "copilot_for_business"): True,
    ("Copilot", "Copilot AI Credits"): True,
    ("spark", "spark_premium_request"): True,
    ("models", "models_inference"): True,
    ("ai_credits", "ai_credit"): True,
    ("actions", "actions_linux"): False,
    ("Actions", "Actions macOS 12-core"): False,
    ("codespaces", "codespaces_compute_32_core"): False,
    ("git_lfs", "git_lfs_storage"): False,
    ("ghas", "ghas_code_security_licenses"): False,
    ("ghec", "ghec_licenses"): False,
}


@pytest.mark.parametrize("kind", KINDS)
def test_other_products_are_no_spend_on_models(read_text: ReadText, kind: tuple[str, str]) -> None:
    """They are left out without an error."""
    read = read_text(SOURCE, report(DETAILED, {"product": kind[0], "sku": kind[1]}))

    assert (bool(read.row()), read.rejects) == (KINDS[kind], [])


@pytest.mark.parametrize(
    ("discount", "net", "expected"),
    [
        ("1.205", "0", (Decimal(0), "included")),
        ("0.205", "1", (Decimal(1), "billed")),
        ("0", "0", (Decimal(0), "billed")),
    ],
)
def test_what_is_billed(read_text: ReadText, discount: str, net: str, expected: tuple[Decimal, str]) -> None:
    """Net is billed; what a discount covers is included, at its gross amount."""
    credit = {"sku": "copilot_ai_credit", "gross_amount": "1.205", "discount_amount": discount, "net_amount": net}
    row = read_text(SOURCE, report(DETAILED, credit)).row()

    assert (row["billed_cost"], row["cost_basis"], row["list_cost"]) == (*expected, Decimal("1.205"))


def test_a_row_without_amount_or_date(read_text: ReadText) -> None:
    """It is a reject."""
    read = read_text(SOURCE, report(DETAILED, {}, {"net_amount": ""}, {"date": "soon"}))

    assert [(item.line, item.reason) for item in read.rejects] == [
        (3, "no net_amount"),
        (4, '"date" is not a date or time: "soon"'),
    ]


def test_identity(read_text: ReadText) -> None:
    """A day of an organisation and a sku: persons are parts of it; who has no organisation stands alone."""
    same: list[dict[str, str]] = [{}, {"username": "bo"}, {"cost_center_name": ""}, {"net_amount": "0.1"}]
    other = [{"date": "2026-10-02"}, {"organization": "other"}, {"sku": "copilot_enterprise"}]
    alone = [{"organization": ""}, {"organization": "", "username": "bo"}]
    rows = read_text(SOURCE, report(DETAILED, *same, *other, *alone)).rows

    assert rows.height == len(same) + len(other) + len(alone)
    assert rows["response_id"].n_unique() == 1 + len(other) + len(alone)


def stored(folder: Path) -> list[tuple[object, ...]]:
    """Return who is billed what in a store."""
    with Store.open(folder) as store:
        rows = store.rows().collect().with_columns(pl.col("user").cast(pl.String))
    return sorted(rows.select(pl.col("user").fill_null("-"), "billed_cost").rows())


def test_detailed_goes_before_summarised(tmp_path: Path) -> None:
    """In whatever order they come, one day's money counts once, and by person where a report tells."""
    total = {"gross_amount": "1.22580647", "net_amount": "1.22580647"}
    texts = {
        "detailed": report(DETAILED, {}, {"username": "bo"}),
        "summarised": report(SUMMARISED, total, total | {"date": "2026-10-02"}),
        "api": answer({"netAmount": 1.22580647}),
    }
    for order in permutations(texts):
        for name in order:
            path = tmp_path / name
            path.write_text(texts[name])
            ingest([str(path)], tmp_path / "-".join(order))
        assert stored(tmp_path / "-".join(order)) == [
            ("-", Decimal("1.22580647")),
            ("ann", Decimal("0.612903235")),
            ("bo", Decimal("0.612903235")),
        ]


@given(st.lists(st.sampled_from(range(6)), min_size=1, max_size=12))
def test_all_rows_of_a_file_count(read_text: ReadText, chosen: list[int]) -> None:
    """Equal rows of one file are different things, in a report and on the one line of an API's answer."""
    amounts = [f"{number}.{number}" for number in chosen]
    listed = read_text(SOURCE, report(DETAILED, *({"net_amount": amount} for amount in amounts)))
    told = read_text(SOURCE, answer(*({"netAmount": float(amount)} for amount in amounts)))

    assert listed.rows["billed_cost"].sum() == told.rows["billed_cost"].sum() == sum(map(Decimal, amounts))
    assert listed.rows.height == told.rows.height == len(chosen)


def test_an_answer_on_one_line_is_stored_whole(tmp_path: Path) -> None:
    """Two equal items of a bucket stay two when an older file has that bucket too."""
    texts = [report(SUMMARISED), answer({}, {}, {"date": "2026-10-05T00:00:00Z"})]
    for number, text in enumerate(texts):
        (tmp_path / str(number)).write_text(text)
        ingest([str(tmp_path / str(number))], tmp_path / "store")

    assert [cost for _, cost in stored(tmp_path / "store")] == [Decimal("0.612903235")] * 3
