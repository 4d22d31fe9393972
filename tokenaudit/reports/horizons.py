"""What is asked of a forecast: the month, the next days, the quarter, the fiscal year."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from tokenaudit.periods import name_of

NEXT = (7, 14, 30)
YEAR = 12


class Horizon(NamedTuple):
    """A span that a forecast is asked for; both days are in it."""

    target: str
    """As machines call it: ``month_end``, ``next_7``, ..."""
    name: str
    """As people call it."""
    first: date
    last: date

    def ahead(self, known: date) -> int:
        """Return how many of its days lie after the last known one."""
        return max(0, (self.last - known).days)


def horizons(today: date, known: date, fiscal_year_start: int = 1) -> list[Horizon]:
    """Return the spans of a day: those of the calendar hold `today`, the next days begin after the last known one.

    >>> [(item.target, str(item.last)) for item in horizons(date(2026, 11, 5), date(2026, 11, 4), 4)]
    [('month_end', '2026-11-30'), ('next_7', '2026-11-11'), ('next_14', '2026-11-18'), ('next_30', '2026-12-04'), \
('quarter_end', '2026-12-31'), ('year_end', '2027-03-31')]
    """
    spans = [_whole("month_end", today, 1, 1), *map(_next, NEXT, [known] * len(NEXT))]
    return [
        *spans,
        _whole("quarter_end", today, 3, fiscal_year_start),
        _whole("year_end", today, 12, fiscal_year_start),
    ]


def _next(days: int, known: date) -> Horizon:
    return Horizon(f"next_{days}", f"next {days} days", known + timedelta(days=1), known + timedelta(days=days))


def _whole(target: str, today: date, months: int, start: int) -> Horizon:
    """Return the span of whole months that holds a day; spans begin in the month `start`."""
    begin = today.year * YEAR + today.month - 1 - (today.month - start) % months
    first, after = (date(place // YEAR, place % YEAR + 1, 1) for place in (begin, begin + months))
    last = after - timedelta(days=1)
    return Horizon(target, name_of(first, last), first, last)
