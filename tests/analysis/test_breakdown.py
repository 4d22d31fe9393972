"""Rows and totals of a report."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tokenaudit import schema
from tokenaudit.analysis.breakdown import Breakdown, breakdown, fold
from tokenaudit.analysis.cube import cube
from tokenaudit.errors import QueryError

Frames = Callable[..., pl.LazyFrame]

MILLION = 1_000_000

CONTRACT = [
    "billing_currency", "requests", "input_tokens", "uncached_input_tokens", "cache_read_input_tokens",
    "cache_creation_input_tokens", "output_tokens", "reasoning_output_tokens", "total_tokens", "list_cost",
    "contracted_cost", "billed_cost", "effective_cost", "unpriced_requests", "unpriced_tokens",
    "estimated_output_tokens", "estimated_cost",
]  # fmt: skip


def spent(user: str | None, amount: str | None, **more: Any) -> dict[str, Any]:
    """Return a row that was billed, or one without a price."""
    if amount is None:
        return {"user": user, "request_model": "no-such-model", "output_tokens": 1, **more}
    return {"user": user, "billed_cost": Decimal(amount), "cost_basis": "billed", **more}


def by_user(rows: pl.LazyFrame, book: Any, **options: Any) -> Breakdown:
    """Break rows down by user."""
    return breakdown(cube(rows, ["user"], book), ["user"], **options)


def test_columns_are_those_of_the_json_contract(usage: Frames, book: Any) -> None:
    """The dimensions, then the currency and the figures in a fixed order."""
    result = breakdown(cube(usage({}), ["user", "model", "project"], book), ["model", "user"])
    assert result.rows.columns == ["model", "user", *CONTRACT]
    assert result.totals.columns == result.totals_by_currency.columns == CONTRACT


def test_token_figures_add_up_their_classes(usage: Frames, book: Any) -> None:
    """Text, audio and images count in the figure they belong to, and the parts make the whole."""
    powers = {name: 2**i for i, name in enumerate(schema.TOKEN_CLASSES)}
    row = by_user(usage({**powers, "reasoning_output_tokens": 1}), book).totals.to_dicts()[0]
    parts = ("uncached_input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    assert row["input_tokens"] == sum(row[name] for name in parts)
    assert row["total_tokens"] == row["input_tokens"] + row["output_tokens"] == sum(powers.values())
    assert row["output_tokens"] == row["estimated_output_tokens"] == sum(powers[c] for c in schema.OUTPUT_CLASSES)
    assert row["reasoning_output_tokens"] == 1


def test_most_spend_comes_first_and_unknown_spend_last(usage: Frames, book: Any) -> None:
    """Among equals the values decide, missing ones last."""
    users = [("b", "1"), ("a", "1"), (None, "1"), ("z", "5"), ("y", None), ("x", None), ("w", "0")]
    rows = by_user(usage(*(spent(*user) for user in users)), book).rows
    assert rows.get_column("user").to_list() == ["z", "a", "b", None, "w", "x", "y"]


def test_another_cost_changes_the_order_and_nothing_else(usage: Frames, book: Any) -> None:
    """`--cost list_cost` ranks by list price; the columns stay."""
    cheap = spent("cheap", "9", output_tokens=1)
    dear = spent("dear", "1", output_tokens=MILLION)
    first = by_user(usage(cheap, dear), book)
    second = by_user(usage(cheap, dear), book, cost="list_cost")
    assert first.rows.get_column("user").to_list() == ["cheap", "dear"]
    assert second.rows.equals(first.rows.reverse())
    assert second.cost == "list_cost"


def test_an_unknown_cost_is_refused(usage: Frames, book: Any) -> None:
    """The hint names the nearest."""
    with pytest.raises(QueryError) as error:
        by_user(usage({}), book, cost="list")
    assert error.value.hint == "did you mean `list_cost`?"


def test_sums_ignore_what_is_unknown(usage: Frames, book: Any) -> None:
    """A sum is null only where every part is."""
    result = by_user(usage(spent("a", "1"), spent("a", None), spent("b", None)), book)
    assert result.rows.get_column("effective_cost").to_list() == [Decimal(1), None]
    assert result.totals.item(0, "effective_cost") == Decimal(1)
    assert result.totals.item(0, "unpriced_requests") == 2


def test_unlike_currencies_share_no_total(usage: Frames, book: Any) -> None:
    """Each has its rows and its own total; counts still add up."""
    result = by_user(usage(spent("a", "2"), spent("a", "3", billing_currency="EUR")), book)
    assert result.rows.select("user", "billing_currency", "effective_cost").rows() == [
        ("a", "EUR", Decimal(3)),
        ("a", "USD", Decimal(2)),
    ]
    assert result.totals.select(*schema.MONEY, "billing_currency").row(0) == (None,) * 6
    assert result.totals.item(0, "requests") == 2
    assert result.totals_by_currency.select("billing_currency", "billed_cost").rows() == [
        ("EUR", Decimal(3)),
        ("USD", Decimal(2)),
    ]


def test_one_currency_is_its_own_total(usage: Frames, book: Any) -> None:
    """Then both totals are the same."""
    result = by_user(usage(spent("a", "2"), spent("b", "3")), book)
    assert result.totals.equals(result.totals_by_currency)


def test_folding_keeps_totals(usage: Frames, book: Any) -> None:
    """`(other N)` holds exactly what the cut rows held."""
    rows = by_user(usage(*(spent(f"u{i}", f"{i}.07") for i in range(1, 8))), book).rows
    folded = fold(rows, ["user"], 3)
    assert folded.get_column("user").to_list() == ["u7", "u6", "u5", "(other 4)"]
    assert folded.drop("user", "billing_currency").sum().equals(rows.drop("user", "billing_currency").sum())


def test_folding_one_row_would_save_nothing(usage: Frames, book: Any) -> None:
    """A single row more than the limit is shown as it is."""
    rows = by_user(usage(*(spent(f"u{i}", "1") for i in range(4))), book).rows
    assert fold(rows, ["user"], 3).equals(rows)
    assert fold(rows, ["user"], 2).height == 3


def test_folding_keeps_currencies_apart(usage: Frames, book: Any) -> None:
    """One row for the rest of each currency; unknown money stays unknown."""
    euros = [spent(f"e{i}", "1", billing_currency="EUR") for i in range(3)]
    rows = by_user(usage(spent("a", "5"), *euros, spent("b", None), spent("c", None)), book).rows
    folded = fold(rows, ["user"], 1).select("user", "billing_currency", "effective_cost").rows()
    assert folded == [("a", "USD", Decimal(5)), ("(other 3)", "EUR", Decimal(3)), ("(other 2)", "USD", None)]


def test_folding_several_dimensions_leaves_the_others_empty(usage: Frames, book: Any) -> None:
    """The first dimension names the fold."""
    frame = usage(*(spent(f"u{i}", "1", project="p", batch=True) for i in range(5)))
    rows = breakdown(cube(frame, ["user", "batch"], book), ["user", "batch"]).rows
    assert fold(rows, ["user", "batch"], 2).select("user", "batch").rows()[-2:] == [("u1", "true"), ("(other 3)", "")]


def test_nothing_breaks_down_to_nothing(usage: Frames, book: Any) -> None:
    """Without rows the counts are 0 and the money is unknown."""
    result = by_user(usage({}).clear(), book)
    assert result.rows.is_empty()
    assert result.totals_by_currency.is_empty()
    assert result.totals.select("requests", "effective_cost").row(0) == (0, None)
