"""Days of agreements: the periods in which volumes, commitments and fees are counted. All days are UTC dates.

A month, quarter or year of an agreement is counted from the day on which it begins; without such a day it is that of
the calendar. The last one ends with the agreement.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

DAY = timedelta(days=1)
MONTHS = {"month": 1, "quarter": 3, "year": 12}
PERIODS = (*MONTHS, "term")
"""Periods in which something is counted."""
YEAR = 12


class Span(NamedTuple):
    """Days from `first` to `last`, both inclusive."""

    first: date
    last: date

    def __contains__(self, day: object) -> bool:
        """Say whether a day is one of them."""
        return isinstance(day, date) and self.first <= day <= self.last

    def days(self) -> Iterator[date]:
        """Yield the days."""
        yield from (self.first + n * DAY for n in range(self.length))

    @property
    def length(self) -> int:
        """Return the number of days."""
        return max(0, (self.last - self.first).days + 1)

    @property
    def after(self) -> date:
        """Return the first day after them."""
        return self.last + DAY

    def within(self, other: Span) -> Span:
        """Return the days that are of both."""
        return Span(max(self.first, other.first), min(self.last, other.last))


def term(first: date | None, last: date | None) -> Span:
    """Return the days of something that may have no beginning or no end."""
    return Span(first or date.min, last or date.max)


def period_of(whole: Span, unit: str, day: date) -> Span:
    """Return the period of `whole` that a day of it lies in.

    >>> period_of(Span(date(2026, 2, 10), date(2027, 2, 9)), "quarter", date(2026, 5, 9)).last
    datetime.date(2026, 5, 9)
    >>> period_of(term(None, None), "month", date(2026, 5, 9)).first
    datetime.date(2026, 5, 1)
    """
    if unit == "term":
        return whole
    start = whole.first if whole.first > date.min else date(day.year, 1, 1)
    step = MONTHS[unit]
    count = _months_between(start, day) // step * step
    return Span(later(start, count), later(start, count + step) - DAY).within(whole)


def month_of(day: date) -> Span:
    """Return the calendar month of a day."""
    return Span(day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1]))


def calendar_period(unit: str, day: date) -> Span:
    """Return the calendar month, quarter or year of a day."""
    return period_of(term(None, None), unit, day)


def later(day: date, months: int) -> date:
    """Return the same day some months later, or the last of that month where it is shorter."""
    year, month = divmod(day.year * YEAR + day.month - 1 + months, YEAR)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _months_between(start: date, day: date) -> int:
    """Return the whole months from one day to a later one."""
    months = (day.year - start.year) * YEAR + day.month - start.month
    return months - (later(start, months) > day)
