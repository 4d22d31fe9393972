"""Windows of limits on the calendar: half-open in any time zone, without gaps, and grants that count a dollar once."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise, permutations
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenaudit.budgets.credit import Piece, Source, granted
from tokenaudit.budgets.declarations import Limit, Window
from tokenaudit.budgets.windows import LENGTHS, Calendar, before, window, windows

ZONES = ("UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns")
DAYS = st.dates(date(2000, 1, 1), date(2035, 12, 31))
CALENDARS = st.builds(Calendar, st.integers(1, 28), st.integers(1, 12))
PERIODS = [period for period in get_args(Window) if period != "total"]


@given(DAYS, st.sampled_from(PERIODS), CALENDARS, st.sampled_from(ZONES))
def test_every_instant_is_in_one_window(day: date, period: Window, calendar: Calendar, zone: str) -> None:
    """A window holds its day, begins where the one before ends, days of changed clocks included."""
    limit = Limit(period)
    found = window(limit, day, calendar, zone)
    assert found is not None
    earlier = before(limit, found, calendar)
    assert earlier is not None

    assert found.first <= day <= found.last
    assert earlier.end == found.start < found.end
    assert window(limit, found.last, calendar, zone) == found == window(limit, found.first, calendar, zone)
    assert LENGTHS[period] <= found.days


@given(DAYS, st.integers(0, 800), st.sampled_from(PERIODS), CALENDARS)
def test_windows_of_a_span_meet(first: date, length: int, period: Window, calendar: Calendar) -> None:
    """The windows that touch a span cover it, one after the other."""
    last = first + timedelta(days=length)
    found = list(windows(Limit(period), first, last, calendar, "Europe/Berlin"))

    assert all(one.end == two.start for one, two in pairwise(found))
    assert found[0].first <= first <= found[0].last
    assert found[-1].first <= last <= found[-1].last


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("day", "2026-11-02", "2026-11-02"),
        ("week", "2026-11-02", "2026-11-08"),
        ("month", "2026-11-01", "2026-11-30"),
        ("billing-month", "2026-10-15", "2026-11-14"),
        ("quarter", "2026-10-01", "2026-12-31"),
        ("year", "2026-01-01", "2026-12-31"),
        ("fiscal-year", "2026-02-01", "2027-01-31"),
    ],
)
def test_windows_of_a_monday_in_november(period: Window, first: str, last: str) -> None:
    """The windows of 2 November 2026, a Monday, with months of the bill from the 15th and years from February."""
    found = window(Limit(period), date(2026, 11, 2), Calendar(15, 2), "UTC")
    assert found is not None

    assert (str(found.first), str(found.last)) == (first, last)


def test_a_total_ends() -> None:
    """A total is one window of its days, both inclusive; outside of them there is none, and open ends are open."""
    limit = Limit("total", first=date(2026, 7, 1), last=date(2026, 12, 31))
    days = [date(2026, 6, 30), date(2026, 7, 1), date(2026, 12, 31), date(2027, 1, 1)]

    assert [window(limit, day, Calendar(), "UTC") is not None for day in days] == [False, True, True, False]
    assert list(windows(limit, days[-1], days[-1], Calendar(), "UTC")) == []
    assert window(Limit("total"), days[0], Calendar(), "UTC") is not None
    assert before(limit, window(limit, days[1], Calendar(), "UTC"), Calendar()) is None  # type: ignore[arg-type]


# -- grants: what is drawn on first, and that nothing is drawn twice
NOVEMBER = (date(2026, 11, 1), date(2026, 11, 30))


def source(first: int, last: int, amount: int) -> Source:
    """Return a grant of some days of November."""
    return Source(date(2026, 11, first), date(2026, 11, last), Decimal(amount), granted=True)


def spent(*amounts: int) -> list[Piece]:
    """Return what was spent on the first days of November."""
    days = [date(2026, 11, number + 1) for number in range(len(amounts))]
    return [Piece(day, day, Decimal(amount)) for day, amount in zip(days, amounts, strict=True)]


LIMIT = Source(*NOVEMBER, Decimal(100), granted=False)


@pytest.mark.parametrize(
    ("grants", "amounts", "today", "added"),
    [
        ([source(1, 30, 50)], [20], 1, 50),  # holds still: all of it is there
        ([source(1, 2, 50)], [20, 10, 5], 3, 30),  # gone: what was used of it stays
        ([source(2, 3, 50)], [20], 1, 0),  # not begun
        (
            [source(1, 2, 10), source(1, 3, 10)],
            [5, 5, 5, 5],
            4,
            15,
        ),  # the first to go is used first, and no dollar twice
        ([source(1, 1, 10), source(1, 1, 10)], [15, 50], 2, 15),
    ],
)
def test_what_grants_add(grants: list[Source], amounts: list[int], today: int, added: int) -> None:
    """A grant adds what was drawn on it, and what is left of it while it holds."""
    assert granted([LIMIT, *grants], spent(*amounts), NOVEMBER, date(2026, 11, today)) == added


def test_a_grant_that_outlives_a_window_waits() -> None:
    """The limit of November goes first, as it ends first; in December the rest of the grant is there."""
    grant = Source(date(2026, 11, 1), date(2026, 12, 31), Decimal(50), granted=True)
    december = (date(2026, 12, 1), date(2026, 12, 31))
    limits = [LIMIT, Source(*december, Decimal(100), granted=False)]
    pieces = [Piece(*NOVEMBER, Decimal(120)), Piece(date(2026, 12, 1), date(2026, 12, 5), Decimal(10))]

    assert granted([*limits, grant], pieces[:1], NOVEMBER, date(2026, 11, 30)) == 50
    assert granted([*limits, grant], pieces, december, date(2026, 12, 5)) == 30


@given(
    st.lists(st.tuples(st.integers(1, 28), st.integers(0, 28), st.integers(0, 60)), min_size=1, max_size=4),
    st.lists(st.integers(0, 50), min_size=1, max_size=28),
)
def test_no_dollar_is_drawn_twice(spans: list[tuple[int, int, int]], amounts: list[int]) -> None:
    """Whatever the grants and their order: they add at most what they are, and once gone at most what was spent."""
    grants = [source(first, min(28, first + length), amount) for first, length, amount in spans]
    end = date(2026, 11, 29)  # all grants are gone
    found = {granted([LIMIT, *order], spent(*amounts), NOVEMBER, end) for order in permutations(grants)}

    assert len(found) == 1
    assert found.pop() <= min(sum(amount for _, _, amount in spans), sum(amounts))
