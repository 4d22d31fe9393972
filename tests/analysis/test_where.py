"""Which usage rows a question is about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from tokenaudit.analysis.where import charge_filter, in_period, usage_filter
from tokenaudit.conditions import combined, parse_condition
from tokenaudit.errors import QueryError
from tokenaudit.periods import Period, parse_period

Frames = Callable[..., pl.LazyFrame]

DAY = timedelta(days=1)


def period(text: str, zone: str = "UTC") -> Period:
    """Return a period of 2026."""
    return parse_period(text, date(2026, 11, 1), zone)


OCTOBER = period("2026-10")


def lines(frame: pl.LazyFrame) -> list[int]:
    """Return the line numbers of the rows, in order."""
    return frame.select(pl.col("line").sort()).collect().to_series().to_list()


def chosen(frame: pl.LazyFrame, *texts: str) -> list[int]:
    """Return the line numbers of the rows that the conditions `texts` keep."""
    return lines(frame.filter(usage_filter(combined(map(parse_condition, texts)))))


def at(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """Return an instant of 2026, UTC."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def week(start: datetime) -> dict[str, object]:
    """Return the times of a row of seven days."""
    return {"charge_period_start": start, "charge_period_end": start + 7 * DAY, "granularity": "period"}


def test_rows_are_chosen_by_value_and_by_absence(usage: Frames) -> None:
    """An empty value means no value; a row without a user is not alice's."""
    frame = usage({"line": 1, "user": "alice"}, {"line": 2, "user": "bob"}, {"line": 3})
    assert chosen(frame, "user=alice") == [1]
    assert chosen(frame, "user=alice", "user=bob") == [1, 2]
    assert chosen(frame, "user=") == [3]
    assert chosen(frame, "user!=alice") == [2, 3]
    assert chosen(frame, "user!=") == [1, 2]
    assert chosen(frame, "user=alice", "user=") == [1, 3]
    assert chosen(frame, "user=nobody") == []
    assert chosen(frame) == [1, 2, 3]


def test_value_may_hold_an_equals_sign_and_flags_are_words(usage: Frames) -> None:
    """Only the first `=` divides; batch is `true` or `false`."""
    frame = usage({"line": 1, "user": "a=b", "batch": True}, {"line": 2, "user": "a", "batch": False})
    assert chosen(frame, "user=a=b") == [1]
    assert chosen(frame, "batch=true") == [1]
    assert chosen(frame, "batch!=true") == [2]


def test_charges_are_chosen_by_what_pricing_decides() -> None:
    """`model` and `cost_basis` are columns of charges."""
    conditions = [parse_condition(text) for text in ("model=b", "cost_basis=list")]
    charges = pl.DataFrame({"model": ["a", "b", "b"], "cost_basis": ["list", "list", "billed"]})
    assert charges.filter(charge_filter(conditions)).rows() == [("b", "list")]


@pytest.mark.parametrize("text", ["model=gpt-5", "model!=gpt-5", "cost_basis=list"])
def test_stored_rows_are_not_chosen_by_what_pricing_decides(text: str) -> None:
    """Left out silently, such a condition would choose every row."""
    with pytest.raises(QueryError) as error:
        usage_filter([parse_condition(text)])
    assert error.value.hint


def test_events_belong_to_their_instant(usage: Frames) -> None:
    """The end of a period is exclusive."""
    frame = usage(
        {"line": 1, "charge_period_start": at(9, 30, 23, 59)},
        {"line": 2, "charge_period_start": at(10, 1)},
        {"line": 3, "charge_period_start": at(10, 31, 23, 59)},
        {"line": 4, "charge_period_start": at(11, 1)},
    )
    inside, left_out = in_period(frame, OCTOBER)
    assert lines(inside) == [2, 3]
    assert lines(left_out) == []


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Kolkata"])
def test_days_keep_their_date_in_every_zone(usage: Frames, zone: str) -> None:
    """An event is read in the zone of the report, a bucket of a day by the provider's date."""
    asked = period("2026-10-14", zone)
    day = {"granularity": "day"}
    frame = usage(
        {"line": 1, "charge_period_start": at(10, 13), "charge_period_end": at(10, 14), **day},
        {"line": 2, "charge_period_start": at(10, 14), "charge_period_end": at(10, 15), **day},
        {"line": 3, "charge_period_start": at(10, 15), "charge_period_end": at(10, 16), **day},
        {"line": 4, "charge_period_start": asked.start},
        {"line": 5, "charge_period_start": asked.end},
    )
    assert lines(in_period(frame, asked).inside) == [2, 4]
    assert lines(in_period(frame, asked).left_out) == []


def test_rows_longer_than_the_period_are_left_out_and_told(usage: Frames) -> None:
    """A quarter is no part of a month; whatever reaches into the period uncounted is told."""
    whole = {"granularity": "period"}
    frame = usage(
        {"line": 1, "charge_period_start": at(7, 1), "charge_period_end": at(11, 1), **whole},
        {"line": 2, "charge_period_start": at(10, 1), "charge_period_end": at(11, 1), **whole},
        {"line": 3, "charge_period_start": at(10, 1), "charge_period_end": at(11, 2), **whole},
        {"line": 4, "charge_period_start": at(10, 28), "charge_period_end": at(11, 4), **whole},
        {"line": 5, "charge_period_start": at(9, 28), "charge_period_end": at(10, 5), **whole},
        {"line": 6, "charge_period_start": at(9, 1), "charge_period_end": at(10, 1), **whole},
        {"line": 7, "charge_period_start": at(11, 1), "charge_period_end": at(12, 1), **whole},
    )
    inside, left_out = in_period(frame, OCTOBER)
    assert lines(inside) == [2, 4]
    assert lines(left_out) == [1, 3, 5]


def test_rows_not_longer_than_a_month_count_in_exactly_one(usage: Frames) -> None:
    """Consecutive periods share no row and lose none."""
    months = [period(text, "Asia/Tokyo") for text in ("2026-09", "2026-10", "2026-11")]
    starts = [at(9, 1) + timedelta(hours=31 * step) for step in range(60)]
    frame = usage(
        *({"line": 2 * i, "charge_period_start": start} for i, start in enumerate(starts)),
        *({"line": 2 * i + 1, **week(at(9, 1) + i * DAY)} for i in range(60)),
    )
    found = [line for month in months for line in lines(in_period(frame, month).inside)]
    assert sorted(found) == lines(frame)


def test_all_time_takes_every_row(usage: Frames) -> None:
    """The period `all` has no bounds."""
    frame = usage({"line": 1, "charge_period_start": datetime(1970, 1, 1, tzinfo=UTC)}, {"line": 2, **week(at(9, 1))})
    assert lines(in_period(frame, period("all")).inside) == [1, 2]
    assert lines(in_period(frame, period("all")).left_out) == []
