"""GitHub Copilot reports: six generations, what is billed and what a plan covers, and days of persons."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tokenaudit.sources.copilot_usage import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.sources.table import detect_table

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText

EVENTS = "Timestamp,User,Model,Requests Used,Exceeds Monthly Quota,Total Monthly Quota"
SHORT = "date,username,model,quantity,exceeds_quota,total_monthly_quota"
REQUESTS = (
    "date,username,product,sku,model,quantity,unit_type,applied_cost_per_quantity,gross_amount,discount_amount,"
    "net_amount,exceeds_quota,total_monthly_quota,organization,cost_center_name"
)
PREVIEW = REQUESTS + ",aic_quantity,aic_gross_amount"
CREDITS = (
    "date,username,product,sku,model,quantity,unit_type,applied_cost_per_quantity,gross_amount,discount_amount,"
    "net_amount,total_monthly_quota,organization,repository,cost_center_name,aic_quantity,aic_gross_amount"
)
TOKENS = CREDITS + ",input,output,cache_read,cache_write"
SEATS = (
    "date,product,sku,quantity,unit_type,applied_cost_per_quantity,gross_amount,discount_amount,net_amount,organization"
)
CELLS = {
    "Timestamp": "2026-10-01T05:13:27.8766440Z", "User": "ann", "Model": "gpt-5", "Requests Used": "3",
    "Exceeds Monthly Quota": "False", "Total Monthly Quota": "Unlimited", "date": "2026-10-01", "username": "ann",
    "product": "copilot", "sku": "copilot_premium_request", "model": "Claude Opus 4.5", "quantity": "3",
    "unit_type": "requests", "applied_cost_per_quantity": "0.04", "gross_amount": "0.12", "discount_amount": "0.12",
    "net_amount": "0", "exceeds_quota": "False", "total_monthly_quota": "300", "organization": "acme",
    "repository": "acme/shop", "cost_center_name": "R&D", "aic_quantity": "9.36", "aic_gross_amount": "0.0936",
    "input": "198", "output": "8209", "cache_read": "223257", "cache_write": "30122",
}  # fmt: skip


def export(header: str, *rows: dict[str, str]) -> str:
    """Return a file of the row above with what each row changes: every cell quoted, CRLF."""
    names = header.split(",")
    lines = [names, *([(CELLS | row)[name] for name in names] for row in rows or ({},))]
    return "".join(",".join(f'"{cell}"' for cell in line) + "\r\n" for line in lines)


@pytest.mark.parametrize("header", [EVENTS, SHORT, REQUESTS, PREVIEW, CREDITS, TOKENS])
def test_generations(read_text: ReadText, tmp_path: Path, header: str) -> None:
    """Every generation is recognised, covered by the plan here, and at 0.04 USD a premium request."""
    path = tmp_path / "report.csv"
    path.write_text(export(header))
    read = read_text(SOURCE, export(header))
    row = read.row()

    assert detect_table(Head(str(path)), SOURCE)
    assert read.rejects == []
    assert (row["list_cost"], row["cost_basis"], row["user"]) == (Decimal("0.12"), "included", "ann")
    assert row["billed_cost"] == (Decimal(0) if "net_amount" in header else None)


def test_seats_are_another_report(tmp_path: Path) -> None:
    """The metered billing report, which has seats and build minutes, is not read as Copilot usage."""
    path = tmp_path / "metered.csv"
    path.write_text(export(SEATS))

    assert not detect_table(Head(str(path)), SOURCE)


def test_events(read_text: ReadText) -> None:
    """The first generation has one row an event: seven decimals, one request each."""
    row = read_text(SOURCE, export(EVENTS)).row()

    assert row["charge_period_start"] == datetime(2026, 10, 1, 5, 13, 27, 876_644, tzinfo=UTC)
    assert row["charge_period_end"] == row["charge_period_start"]
    assert (row["granularity"], row["requests"]) == ("request", 1)


@pytest.mark.parametrize("day", ["2026-10-01", "10/1/26", "10/1/2026"])
def test_days(read_text: ReadText, day: str) -> None:
    """A date is a UTC day, also as a spreadsheet writes it. Premium requests are a price, not a count."""
    row = read_text(SOURCE, export(REQUESTS, {"date": day, "quantity": "3.6300000000000003"})).row()

    assert row["charge_period_start"] == datetime(2026, 10, 1, tzinfo=UTC)
    assert row["charge_period_end"] == datetime(2026, 10, 2, tzinfo=UTC)
    assert (row["granularity"], row["requests"]) == ("day", 0)
    assert '"quantity":"3.6300000000000003"' in str(row["tags"])


BILLS = {
    ("0.12", "0.12", "0"): ("included", "0"),
    ("0.12", "0", "0.12"): ("billed", "0.12"),
    ("8.6870365", "6.42518375", "2.26185275"): ("billed", "2.26185275"),
    ("0", "0", "0"): ("billed", "0"),
}


@pytest.mark.parametrize("amounts", BILLS)
def test_what_is_billed(read_text: ReadText, amounts: tuple[str, str, str]) -> None:
    """Net is billed, gross is the list cost; the preview in the other unit is never added."""
    changes = dict(zip(("gross_amount", "discount_amount", "net_amount"), amounts, strict=True))
    row = read_text(SOURCE, export(PREVIEW, changes)).row()

    assert (row["cost_basis"], row["billed_cost"]) == (BILLS[amounts][0], Decimal(BILLS[amounts][1]))
    assert row["list_cost"] == Decimal(amounts[0])


def test_beyond_the_quota_without_amounts(read_text: ReadText) -> None:
    """Without money columns the public rate is the list cost, and nothing says it was billed."""
    beyond = read_text(SOURCE, export(SHORT, {"exceeds_quota": "True"})).row()

    assert (beyond["list_cost"], beyond["billed_cost"], beyond["cost_basis"]) == (Decimal("0.12"), None, None)


def test_credits(read_text: ReadText) -> None:
    """AI credits cost 0.01 USD; their rows may tell tokens, in disjoint classes, and the repository."""
    credit = {"sku": "copilot_ai_credit", "unit_type": "ai-credits"}
    row = read_text(SOURCE, export(TOKENS, credit)).row()
    bare = read_text(SOURCE, export("date,username,sku,model,quantity", credit)).row()

    classes = ("uncached_input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_5m_input_tokens")
    assert [row[name] for name in classes] == [198, 8209, 223257, 30122]
    assert (row["project"], row["account"]) == ("shop", "acme")
    assert bare["list_cost"] == Decimal("0.03")


def test_nobody_in_particular(read_text: ReadText) -> None:
    """Code review by nobody stays unattributed."""
    row = read_text(SOURCE, export(REQUESTS, {"username": "", "model": "Code Review model"})).row()

    assert (row["user"], row["request_model"]) == (None, "Code Review model")


def test_day_of_a_person_is_the_identity(read_text: ReadText) -> None:
    """Models and parts of one person's day are one bucket in every generation; rows in it all count."""
    rows = read_text(SOURCE, export(REQUESTS, {}, {}, {"model": "gpt-5"}, {"organization": "other"})).rows
    events = read_text(SOURCE, export(EVENTS)).rows
    others = read_text(
        SOURCE,
        export(
            REQUESTS, {"username": "bo"}, {"date": "2026-10-02"}, {"sku": "spark_premium_request"}, {"username": ""}
        ),
    ).rows
    nobody = read_text(SOURCE, export(REQUESTS, {"username": "", "organization": "other"})).rows

    assert (rows.height, rows["response_id"].n_unique()) == (4, 1)
    assert events["response_id"][0] == rows["response_id"][0]
    assert len({rows["response_id"][0], nobody["response_id"][0], *others["response_id"]}) == 6


def test_real_form_file(shared: Path, read_file: ReadFile) -> None:
    """1,693 rows: billed is net, list is gross, and the quota decides which rows are covered."""
    path = shared / "samples" / "exports" / "github_copilot_premium_requests" / "pru-example.csv"
    with path.open(newline="") as file:
        stated = list(csv.DictReader(file))
    read = read_file(SOURCE, path)
    billed = read.rows.filter(read.rows["cost_basis"] == "billed").height

    assert detect_table(Head(str(path)), SOURCE)
    assert (read.rejects, read.rows.height) == ([], 1693)
    assert read.rows["list_cost"].sum() == sum(Decimal(row["gross_amount"]) for row in stated)
    assert read.rows["billed_cost"].sum() == sum(Decimal(row["net_amount"]) for row in stated)
    assert billed == sum(row["exceeds_quota"] == "True" for row in stated)


def test_real_form_rows_repeat(shared: Path, read_file: ReadFile) -> None:
    """99 times a person has a model twice on a day, within the quota and beyond it: all rows count."""
    path = shared / "samples" / "exports" / "github_copilot_premium_requests" / "pru-example.csv"
    with path.open(newline="") as file:
        seen = Counter((row["date"], row["username"], row["model"]) for row in csv.DictReader(file))
    rows = read_file(SOURCE, path).rows
    counted = Counter(
        (str(start.date()), user or "", model)
        for start, user, model in rows.select("charge_period_start", "user", "request_model").iter_rows()
    )

    assert counted == seen
    assert sum(times - 1 for times in seen.values()) == 99
