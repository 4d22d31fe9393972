"""One provider, two exports: money from the bill, tokens from the usage, nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tokenaudit.analysis.cube import cube
from tokenaudit.schema import MONEY

Frames = Callable[..., pl.LazyFrame]
Row = dict[str, Any]

DAY = timedelta(days=1)
MILLION = 1_000_000
MODEL = "gpt-5"


def used(day: int, **more: Any) -> Row:
    """Return a bucket of the usage export: a million tokens out, $10 by the list."""
    return {"source": "openai-usage", **bucket(day), "output_tokens": MILLION, **more}


def billed(day: int, amount: str | None = "4", **more: Any) -> Row:
    """Return a bucket of the cost export; without an amount one that says nothing was spent."""
    money = {"billed_cost": Decimal(amount), "cost_basis": "billed"} if amount else {"blank": True}
    return {"source": "openai-cost", **bucket(day), "requests": 0, **money, **more}


def bucket(day: int) -> Row:
    """Return what all buckets of a UTC day share."""
    start = datetime(2026, 10, day, tzinfo=UTC)
    times = {"charge_period_start": start, "charge_period_end": start + DAY, "granularity": "day"}
    return {**times, "provider": "openai", "request_model": MODEL}


def totals(rows: pl.LazyFrame, book: Any) -> dict[str, Any]:
    """Return the sums over all rows, blank ones only as bills."""
    result = cube(rows.filter(~pl.col("blank")), [], book, bills=rows)
    return result.select(
        pl.col("output_tokens", "settled_tokens", *MONEY, "unpriced_tokens", "unpriced_requests").sum()
    ).to_dicts()[0]


def test_a_bill_takes_the_place_of_computed_spend(usage: Frames, book: Any) -> None:
    """$4 billed and $10 by the list are $4; the tokens and their list value stay."""
    result = totals(usage(used(1), billed(1)), book)
    assert result["effective_cost"] == result["billed_cost"] == result["estimated_cost"] == Decimal(4)
    assert result["output_tokens"] == MILLION
    assert result["list_cost"] == Decimal(10)
    assert result["settled_tokens"] == MILLION


def test_days_without_a_bill_are_computed(usage: Frames, book: Any) -> None:
    """Only days that the cost export covers are settled."""
    assert totals(usage(used(1), billed(1), used(2)), book)["effective_cost"] == Decimal(14)
    assert totals(usage(used(1)), book)["effective_cost"] == Decimal(10)


def test_a_day_that_the_bill_calls_empty_is_settled(usage: Frames, book: Any) -> None:
    """Tokens that the provider billed with nothing, such as free ones, cost nothing."""
    assert totals(usage(used(1), billed(1, None)), book)["effective_cost"] == 0


def test_settled_tokens_count_as_priced(usage: Frames, book: Any) -> None:
    """A model without a price is no gap where its bill is known."""
    rows = usage(used(1, request_model="no-such-model"), billed(1))
    result = totals(rows, book)
    assert (result["unpriced_tokens"], result["unpriced_requests"]) == (0, 0)
    by_basis = cube(rows.filter(~pl.col("blank")), ["cost_basis"], book, bills=rows)
    assert by_basis.get_column("cost_basis").to_list() == ["billed"]


def test_hours_belong_to_their_day(usage: Frames, book: Any) -> None:
    """Hourly usage is settled by the bill of its UTC day, in every time zone."""
    late = {"charge_period_start": datetime(2026, 10, 1, 23, tzinfo=UTC), "granularity": "hour"}
    early = {**late, "charge_period_start": datetime(2026, 10, 2, tzinfo=UTC)}
    assert totals(usage(used(1, **late), billed(1)), book)["effective_cost"] == Decimal(4)
    assert totals(usage(used(1, **early), billed(1)), book)["effective_cost"] == Decimal(14)


@pytest.mark.parametrize(
    ("of_usage", "of_bill", "spend"),
    [("a", "a", 4), ("a", "b", 14), (None, "b", 4), ("a", None, 4), (None, None, 4)],
)
def test_workspaces_tie_rows_where_both_name_one(
    usage: Frames, book: Any, of_usage: str | None, of_bill: str | None, spend: int
) -> None:
    """The bill of one workspace settles no other; a bill or usage without workspaces means all of them."""
    rows = usage(used(1, workspace=of_usage), billed(1, workspace=of_bill))
    assert totals(rows, book)["effective_cost"] == Decimal(spend)


def test_an_empty_day_speaks_for_the_workspaces_of_its_account(usage: Frames, book: Any) -> None:
    """Nothing spent in one organisation settles nothing of another, unless no bill tells workspaces apart."""
    ours = billed(2, workspace="a", account="us")
    rows = [used(1, workspace="a"), used(1, workspace="b"), billed(1, None, account="us")]
    assert totals(usage(*rows, ours), book)["effective_cost"] == Decimal(10 + 4)
    assert totals(usage(*rows), book)["effective_cost"] == 0
    assert totals(usage(*rows, {**ours, "account": "them"}), book)["effective_cost"] == Decimal(4)
    nameless = [{**row, "account": None} for row in (*rows, ours)]
    assert totals(usage(*nameless), book)["effective_cost"] == Decimal(10 + 4)


def test_what_a_plan_covers_stays_covered(usage: Frames, book: Any) -> None:
    """Included tokens cost 0 with or without a bill, and are still told apart from billed ones."""
    rows = usage(used(1, cost_basis="included"), billed(1))
    result = cube(rows.filter(~pl.col("blank")), ["cost_basis"], book, bills=rows)
    assert sorted(result.select("cost_basis", "effective_cost").rows()) == [("billed", 4), ("included", 0)]


def test_a_bill_settles_only_the_usage_of_its_own_provider(usage: Frames, book: Any) -> None:
    """Other sources on the same day keep their spend, even of the same provider."""
    rows = usage(used(1, source="anthropic-usage"), used(1, source="usage"), billed(1))
    assert totals(rows, book)["effective_cost"] == Decimal(24)


def test_a_list_price_in_the_bill_is_not_added_to_the_computed_one(usage: Frames, book: Any) -> None:
    """Where the bill states list prices, they are the list value of the day."""
    assert totals(usage(used(1), billed(1, list_cost=Decimal(5))), book)["list_cost"] == Decimal(5)


def test_rows_of_the_bill_are_not_multiplied(usage: Frames, book: Any) -> None:
    """Many rows of a bill settle many rows of usage, each once."""
    rows = [*(used(1, workspace=p) for p in "aab"), *(billed(1, workspace=p) for p in ("a", "a", "b", None))]
    result = totals(usage(*rows), book)
    assert (result["effective_cost"], result["output_tokens"]) == (Decimal(16), 3 * MILLION)


def test_settling_happens_before_grouping(usage: Frames, book: Any) -> None:
    """A cube by month, without days and workspaces, comes to the same spend."""
    rows = usage(
        used(1, workspace="a"), used(2, workspace="b"), used(3), billed(1, workspace="a"), billed(2, workspace="a")
    )
    result = cube(rows, ["month"], book, bills=rows)
    assert result.get_column("effective_cost").sum() == Decimal(4 + 4 + 10 + 10)
