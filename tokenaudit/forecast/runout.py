"""When a budget runs out: how likely, on which day, and in which range of days."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np

from tokenaudit.forecast.engine import Outlook, Totals, outlook
from tokenaudit.forecast.panel import Floats, Panel
from tokenaudit.forecast.residuals import LEVELS

EARLY, LATE = 0.1, 0.9


class RunOut(NamedTuple):
    """Days ahead on which an amount is exceeded, counted from 1; None where it is not within the window."""

    chance: float
    """How likely it is that the window's total exceeds the amount."""
    early: int | None
    """One time in ten it is earlier."""
    middle: int | None
    late: int | None
    """One time in ten it is later, or never."""


class WindowForecast(NamedTuple):
    """What the window of a budget will come to."""

    totals: Totals
    run_out: RunOut


def run_out(found: Outlook, days: int, amount: float, so_far: float, row: int = 0) -> RunOut:
    """Return when one series, which has spent `so_far`, exceeds an amount within the next `days` days."""
    totals = found.next(days, so_far)
    chance = float(totals.over(amount)[row])
    if days < 1 or so_far > amount:
        return RunOut(chance, *([1 if so_far > amount else None] * 3))
    path = found.path(days, so_far)[row]
    early, middle, late = (_day(path, level, amount) for level in (1 - EARLY, 0.5, 1 - LATE))
    return RunOut(chance, early, middle, late)


def _day(path: Floats, level: float, amount: float) -> int | None:
    over = path[:, int(np.abs(LEVELS - level).argmin())] > amount
    return int(over.argmax()) + 1 if over.any() else None


def window_forecast(spent: Panel, end: date, amount: float, begin: date) -> WindowForecast:
    """Return what one series of daily spend, the first row of a panel, comes to in a window, both days included.

    The panel ends with the last known day. This is what `check --forecast` and budgets ask.
    """
    days = max(0, (end - spent.last).days)
    column = max(0, (begin - spent.first).days)
    so_far = float(spent.values[0, column:].sum())
    found = outlook(spent, max(1, days))
    return WindowForecast(found.next(days, so_far), run_out(found, days, amount, so_far))
