"""The heavy query: usage rows to priced sums."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tokenaudit.analysis.cube import DETAILS, SUMS, cube
from tokenaudit.conditions import parse_condition
from tokenaudit.errors import QueryError
from tokenaudit.schema import MONEY

Frames = Callable[..., pl.LazyFrame]

MILLION = 1_000_000
NIGHT = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)


def cells(frame: pl.DataFrame, *columns: str) -> list[Any]:
    """Return the sorted rows of some columns; plain values where there is one column."""
    rows = sorted(frame.select(columns).rows(), key=str)
    return [row[0] for row in rows] if len(columns) == 1 else rows


def test_columns_and_types_are_fixed(usage: Frames, book: Any) -> None:
    """Whatever is asked for, a cube has its dimensions, details, sums, money and instant."""
    result = cube(usage({}), ["model", "day"], book)
    assert result.columns == ["model", "day", *DETAILS, *SUMS, *MONEY, "dearest_cost", "data_to"]
    assert all(result.schema[name] == pl.Int64 for name in SUMS)
    assert all(result.schema[name] == pl.Decimal(38, 18) for name in MONEY)


def test_tokens_are_added_up_and_then_priced(usage: Frames, book: Any) -> None:
    """Haiku 4.5 is $1 per million tokens in and $5 out."""
    row = {"user": "alice", "uncached_input_tokens": MILLION, "output_tokens": MILLION}
    result = cube(usage(row, row, {**row, "user": "bob"}), ["user"], book)
    assert cells(result, "user", "effective_cost") == [("alice", Decimal(12)), ("bob", Decimal(6))]
    assert cells(result, "requests") == [1, 2]
    assert cells(result, "cost_basis") == ["list", "list"]


def test_what_the_provider_billed_is_the_spend(usage: Frames, book: Any) -> None:
    """A billed amount is spent, the list price stays beside; unknown amounts add nothing and hide nothing."""
    row = {"uncached_input_tokens": MILLION}
    billed = {**row, "billed_cost": Decimal("1.25"), "cost_basis": "billed"}
    result = cube(usage(row, billed, billed), ["cost_basis"], book)
    assert cells(result, "cost_basis", "billed_cost", "list_cost", "effective_cost") == [
        ("billed", Decimal("2.5"), Decimal(2), Decimal("2.5")),
        ("list", None, Decimal(1), Decimal(1)),
    ]


def test_what_has_no_price_is_unpriced_and_named(usage: Frames, book: Any) -> None:
    """An unknown model costs null, not 0, and is named beside the model a price is known for."""
    result = cube(usage({"request_model": "no-such-model", "output_tokens": 7}, {"output_tokens": 1}), [], book)
    assert cells(result, "unpriced_model", "unpriced_tokens", "unpriced_requests") == [
        ("no-such-model", 7, 1),
        (None, 0, 0),
    ]
    assert None in cells(result, "effective_cost")


def test_currencies_stay_apart(usage: Frames, book: Any) -> None:
    """Money of unlike currencies is never added; rows that name none are priced in dollars."""
    euro = {"billed_cost": Decimal(2), "cost_basis": "billed", "billing_currency": "EUR"}
    result = cube(usage(euro, {"output_tokens": MILLION, "billing_currency": None}), [], book)
    assert cells(result, "billing_currency", "effective_cost") == [("EUR", Decimal(2)), ("USD", Decimal(5))]


def test_conditions_apply_before_and_after_pricing(usage: Frames, book: Any) -> None:
    """`model` is the canonical name, known once priced; `user` is in the row."""
    rows = [{"user": user, "request_model": f"gpt-5{kind}", "line": 1} for user in "ab" for kind in ("", "-mini")]
    conditions = [parse_condition("user=a"), parse_condition("model=gpt-5")]
    result = cube(usage(*rows), ["user", "request_model"], book, conditions=conditions)
    assert cells(result, "user", "request_model") == [("a", "gpt-5")]


def test_a_provider_is_found_though_the_log_names_none(usage: Frames, book: Any) -> None:
    """Pricing fills it from the model's name, and conditions see it filled."""
    rows = usage({"provider": None}, {"provider": None, "request_model": "gpt-5"})
    result = cube(rows, ["request_model"], book, conditions=[parse_condition("provider=openai")])
    assert cells(result, "request_model") == ["gpt-5"]
    assert cells(cube(rows, ["provider"], book), "provider") == ["anthropic", "openai"]


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", ("2026-10-24T23:00+00:00", "2026-10-24", "2026-W43", "2026-10")),
        ("Asia/Kolkata", ("2026-10-25T05:00+05:30", "2026-10-25", "2026-W43", "2026-10")),
        ("Pacific/Auckland", ("2026-10-25T12:00+13:00", "2026-10-25", "2026-W43", "2026-10")),
    ],
)
def test_times_are_read_in_the_zone_of_the_report(
    usage: Frames, book: Any, zone: str, expected: tuple[str, ...]
) -> None:
    """An event stands in its local hour, day, ISO week and month."""
    by = ["hour", "day", "week", "month"]
    assert cells(cube(usage({"charge_period_start": NIGHT}), by, book, timezone=zone), *by) == [expected]


def test_weeks_are_those_of_iso_8601(usage: Frames, book: Any) -> None:
    """The first days of a year may belong to the last week of the year before."""
    new_year = {"charge_period_start": datetime(2027, 1, 1, tzinfo=UTC)}
    assert cells(cube(usage(new_year), ["week"], book), "week") == ["2026-W53"]


def test_days_of_a_provider_keep_their_date(usage: Frames, book: Any) -> None:
    """A bucket of a day stays on its UTC date in every zone, and names no hour."""
    day = {"granularity": "day", "charge_period_start": datetime(2026, 10, 1, tzinfo=UTC)}
    by = ["hour", "day", "month"]
    for zone in ("America/New_York", "UTC", "Asia/Tokyo"):
        assert cells(cube(usage(day), by, book, timezone=zone), *by) == [(None, "2026-10-01", "2026-10")]


def test_the_hour_that_clocks_show_twice_is_two_hours(usage: Frames, book: Any) -> None:
    """When summer time ends, the offset tells the hours apart."""
    rows = [{"charge_period_start": datetime(2026, 10, 25, hour, 30, tzinfo=UTC)} for hour in (0, 1)]
    result = cube(usage(*rows), ["hour"], book, timezone="Europe/Berlin")
    assert cells(result, "hour") == ["2026-10-25T02:00+01:00", "2026-10-25T02:00+02:00"]


def test_data_reach_to_the_last_event_or_the_end_of_the_last_bucket(usage: Frames, book: Any) -> None:
    """A bucket holds what happened until it ended."""
    hour = {"granularity": "hour", "charge_period_start": datetime(2026, 10, 24, 23, tzinfo=UTC)}
    result = cube(usage({"charge_period_start": NIGHT}, hour), ["granularity"], book)
    assert cells(result, "granularity", "data_to") == [
        ("hour", datetime(2026, 10, 25, tzinfo=UTC)),
        ("request", NIGHT),
    ]


def test_unknown_dimensions_are_refused(usage: Frames, book: Any) -> None:
    """The hint names the nearest dimension; asking twice for one asks once."""
    with pytest.raises(QueryError, match="unknown dimension `modle`") as error:
        cube(usage({}), ["modle"], book)
    assert error.value.hint == "did you mean `model`?"
    assert cube(usage({}), ["user", "user"], book).columns[:2] == ["user", "billing_currency"]


def test_no_rows_make_an_empty_cube(usage: Frames, book: Any) -> None:
    """Nothing in, nothing out, with the same columns."""
    assert cube(usage({}).clear(), ["user", "week"], book).is_empty()
