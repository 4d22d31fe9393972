"""Daily series side by side, and the recent weeks of them as windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

WEEKS, WEEK = 12, 7
WINDOW = WEEKS * WEEK
"""Days that a forecast looks back."""
MONTH = 28
"""Days of the mean that everything is measured against: four whole weeks."""


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Series of one value a day, all of them up to the same day. A day without a value is 0 since a series began."""

    names: Sequence[str]
    dims: Sequence[str]
    """What each series is a key of: ``user``, ``model``, ..., or ``total``."""
    first: date
    """The day of the first column."""
    values: Floats
    """One row for each series, one column for each day; never negative."""
    start: Ints
    """The column in which each series begins."""

    @property
    def days(self) -> int:
        """Return the number of columns."""
        return self.values.shape[1]

    @property
    def last(self) -> date:
        """Return the day of the last column."""
        return self.day(self.days - 1)

    def day(self, column: int) -> date:
        """Return the date of a column; columns after the last one lie ahead."""
        return self.first + timedelta(days=column)

    def until(self, days: int) -> Panel:
        """Return the same series as they stood after so many columns."""
        return Panel(self.names, self.dims, self.first, self.values[:, :days], self.start)

    def recent(self, length: int) -> Floats:
        """Return the sum of the last `length` days of each series."""
        return self.values[:, max(0, self.days - length) :].sum(axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The last `WINDOW` days before a column. Days before a series began are 0, and not `lived`."""

    values: Floats
    lived: Bools

    @property
    def age(self) -> Ints:
        """Return how many days of each series there are, at most `WINDOW`."""
        return self.lived.sum(axis=1)

    def mean(self, length: int) -> Floats:
        """Return the mean of the last `length` days, of those that a series lived."""
        return self.values[:, -length:].sum(axis=1) / np.maximum(self.lived[:, -length:].sum(axis=1), 1)

    def weeks(self, count: int) -> tuple[Floats, Bools]:
        """Return the totals of the last `count` weeks, oldest first, and which of them a series lived whole."""
        shape = (len(self.values), count, WEEK)
        days = count * WEEK
        lived = self.lived[:, -days:].reshape(shape).min(axis=2)
        return self.values[:, -days:].reshape(shape).sum(axis=2), lived


def window(panel: Panel, column: int) -> Window:
    """Return the days before `column`; nothing of the column itself or later is in it."""
    begin = max(0, column - WINDOW)
    values = np.zeros((len(panel.names), WINDOW))
    values[:, WINDOW - (column - begin) :] = panel.values[:, begin:column]
    ages = np.arange(WINDOW)[::-1]
    lived = ages < np.clip(column - panel.start, 0, WINDOW)[:, None]
    return Window(values * lived, lived)
