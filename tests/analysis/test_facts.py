"""What a reader must know beside the figures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from tokenaudit.analysis.cube import cube
from tokenaudit.analysis.facts import Facts, facts

Frames = Callable[..., pl.LazyFrame]

BILLED = {"billed_cost": Decimal(3), "cost_basis": "billed"}


def about(rows: pl.LazyFrame, book: Any, *by: str) -> Facts:
    """Return the facts about rows."""
    return facts(cube(rows, by, book))


def test_shares_by_origin_of_the_cost(usage: Frames, book: Any) -> None:
    """Billed, computed and covered by plans, largest first; a plan keeps the list value beside."""
    million = {"uncached_input_tokens": 3_000_000}
    rows = usage(
        BILLED,
        BILLED,
        BILLED,
        million,
        {**million, "cost_basis": "included"},
        {"request_model": "x", "output_tokens": 1},
    )
    by_basis = about(rows, book).by_basis
    assert by_basis.select("cost_basis", "effective_cost", "share").rows() == [
        ("billed", 9, Decimal("0.75")),
        ("list", 3, Decimal("0.25")),
        ("included", 0, 0),
        ("unpriced", None, None),
    ]
    assert by_basis.filter(cost_basis="included").item(0, "list_cost") == 3


def test_shares_are_of_the_spend_in_one_currency(usage: Frames, book: Any) -> None:
    """Euros and dollars have no sum."""
    by_basis = about(usage(BILLED, {**BILLED, "billing_currency": "EUR"}), book).by_basis
    assert by_basis.select("billing_currency", "share").rows() == [("EUR", 1), ("USD", 1)]


def test_models_without_a_price_are_named(usage: Frames, book: Any) -> None:
    """Most tokens first, with their share of all tokens."""
    rows = usage(
        *({"request_model": f"unknown-{n}", "output_tokens": n} for n in (1, 2, 2)),
        {"output_tokens": 5},
    )
    assert about(rows, book).unpriced.rows() == [
        ("unknown-2", "model", 2, 4, Decimal("0.4")),
        ("unknown-1", "model", 1, 1, Decimal("0.1")),
    ]


def test_estimates_stand_beside_what_was_recorded(usage: Frames, book: Any) -> None:
    """At least what was recorded, likely the estimate."""
    result = about(usage({"output_tokens": 1, "estimated_output_tokens": 4}, {"output_tokens": 4}), book)
    assert result.estimated_share.row(0) == (5, 8, Decimal("0.375"))


def test_people_are_counted_where_rows_name_them(usage: Frames, book: Any) -> None:
    """Rows without a user are no person; a cube without users cannot tell."""
    rows = usage({"user": "a"}, {"user": "b"}, {"user": "a"}, {})
    assert about(rows, book, "user").users == {"USD": 2}
    assert about(rows, book).users is None


def test_age_and_dates_of_the_data(usage: Frames, book: Any) -> None:
    """The newest instant, and whether some rows name UTC dates only."""
    start = datetime(2026, 10, 20, tzinfo=UTC)
    event = {"charge_period_start": start}
    assert about(usage(event), book).data_to == start
    assert about(usage(event), book).utc_dates is False
    day = about(usage(event, {**event, "granularity": "day"}), book)
    assert (day.data_to, day.utc_dates) == (datetime(2026, 10, 21, tzinfo=UTC), True)


def test_facts_about_nothing(usage: Frames, book: Any) -> None:
    """An empty cube has facts too."""
    result = about(usage({}).clear(), book, "user")
    assert (result.data_to, result.users, result.utc_dates) == (None, {}, False)
    assert result.estimated_share.item(0, "share") is None
