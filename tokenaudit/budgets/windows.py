"""Which days a limit is about, seen from a day: local dates of the calendar, half-open instants of a time zone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from tokenaudit.budgets.declarations import Limit, Window
from tokenaudit.periods import YEARS, Period, parse_period

DAY = timedelta(days=1)
FIRST, LAST = date(YEARS[0], 1, 1), date(YEARS[1], 12, 31)
"""What a `total` without `from` or `until` is bounded by."""
LENGTHS: dict[Window, int] = {
    "day": 1,
    "week": 7,
    "month": 28,
    "billing-month": 28,
    "quarter": 90,
    "year": 365,
    "fiscal-year": 365,
    "total": 0,
}
"""The fewest days of a window; a `total` has those it says."""


class Calendar(NamedTuple):
    """When months of the bill and fiscal years begin."""

    billing_day: int = 1
    fiscal_month: int = 1


def window(limit: Limit, day: date, calendar: Calendar, zone: str) -> Period | None:
    """Return the window of a limit that holds a day; None where that is outside of its days.

    >>> month = Limit("billing-month")
    >>> window(month, date(2026, 1, 3), Calendar(billing_day=15), "UTC").name
    '15 December 2025 to 14 January 2026'
    >>> window(Limit("fiscal-year"), date(2026, 1, 3), Calendar(fiscal_month=2), "UTC").name
    'February 2025 to January 2026'
    """
    if limit.period == "total":
        first, last = limit.first or FIRST, limit.last or LAST
    else:
        first, last = SPANS[limit.period](day, calendar)
    return between(first, last, zone) if first <= day <= last else None


def windows(limit: Limit, first: date, last: date, calendar: Calendar, zone: str) -> Iterator[Period]:
    """Yield every window of a limit that holds a day from `first` to `last`, in order."""
    if limit.period == "total":
        first = max(first, limit.first or FIRST)
    while first <= last:
        found = window(limit, first, calendar, zone)
        if found is None:
            return
        yield found
        first = found.last + DAY


def before(limit: Limit, found: Period, calendar: Calendar) -> Period | None:
    """Return the window of a limit before one of its windows."""
    return None if limit.period == "total" else window(limit, found.first - DAY, calendar, found.timezone)


def between(first: date, last: date, zone: str) -> Period:
    """Return the days from `first` to `last`, both inclusive."""
    return parse_period(f"{first}..{last}", last, zone)


def _months(day: date, start: int, count: int) -> tuple[date, date]:
    """Return the first and the last day of the `count` months around a day, where such spans begin in month `start`."""
    first = _month(day, -((day.month - start) % count))
    return first, _month(first, count) - DAY


def _month(day: date, steps: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + steps, 12)
    return date(year, month + 1, 1)


def _billing(day: date, calendar: Calendar) -> tuple[date, date]:
    first = _month(day, 0 if day.day >= calendar.billing_day else -1)
    after = _month(first, 1)
    return first.replace(day=calendar.billing_day), after.replace(day=calendar.billing_day) - DAY


def _week(day: date, _: Calendar) -> tuple[date, date]:
    monday = day - day.weekday() * DAY
    return monday, monday + 6 * DAY


SPANS: dict[Window, Callable[[date, Calendar], tuple[date, date]]] = {
    "day": lambda day, _: (day, day),
    "week": _week,
    "month": lambda day, _: _months(day, 1, 1),
    "billing-month": _billing,
    "quarter": lambda day, _: _months(day, 1, 3),
    "year": lambda day, _: _months(day, 1, 12),
    "fiscal-year": lambda day, calendar: _months(day, calendar.fiscal_month, 12),
}
"""First and last day of the window that holds a day."""
