"""What a series is like just before a forecast: how unsteady, how long silent, how large, whether long enough known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tokenaudit.forecast.panel import MONTH, WEEK, WINDOW, Bools, Floats, Ints, Window

CUSHION = 0.05
"""Share of a mean month that is added before logarithms are taken: a miss far below the usual spend is no miss."""
TINY = 1e-12
ENOUGH_DAYS, ENOUGH_ACTIVE = 14, 5
"""Days of history, and days with a value among them, from which a series can be forecast by itself."""
SILENT_WEEKS, VOLATILE_WEEKS = 8, 9
ACTIVE_SHARE = (0.02, 0.97)
VOLATILITY = (0.03, 6.0)
"""Least and greatest volatility that is told apart."""
CLASSES = 21
VOLATILITY_LOGS = np.linspace(np.log(VOLATILITY[0]), np.log(VOLATILITY[1]), CLASSES)
"""The middle of each class of volatility."""
SILENCES = np.array([0.1, 1.5, 4.0, 8.0])
"""Bounds between the classes of silence: days without a value, times the root of the share of days with one."""
STATES = len(SILENCES) + 1


class Traits(NamedTuple):
    """One value for each series."""

    mean: Floats
    """Mean of the last `MONTH` days."""
    volatility: Ints
    """Class of the typical change of weekly totals, in logs."""
    silence: Ints
    """Class of how long there was nothing, seen from how often there usually is something."""
    gap: Ints
    """Days without a value up to now."""
    activity: Floats
    """Share of days with a value, before the gap."""
    enough: Bools
    """There is enough history to learn from."""

    def cushion(self, days: int) -> Floats:
        """Return what is added to totals of so many days before logarithms are taken."""
        return CUSHION * self.mean * days + TINY


def traits(seen: Window) -> Traits:
    """Return what the series of a window are like."""
    active = seen.values > 0
    gap = _gap(active, seen.age)
    activity = _activity(active, seen, gap)
    enough = (seen.age >= ENOUGH_DAYS) & (active.sum(axis=1) >= ENOUGH_ACTIVE) & active[:, -MONTH:].any(axis=1)
    silence = np.searchsorted(SILENCES, gap * np.sqrt(activity), side="left")
    return Traits(seen.mean(MONTH), _volatility(seen), silence, gap, activity, enough)


def _gap(active: Bools, age: Ints) -> Ints:
    since = np.where(active.any(axis=1), active[:, ::-1].argmax(axis=1), WINDOW)
    return np.minimum(since, age)


def _activity(active: Bools, seen: Window, gap: Ints) -> Floats:
    days = SILENT_WEEKS * WEEK
    lived = np.maximum(seen.lived[:, -days:].sum(axis=1) - gap, 1)
    return np.clip(active[:, -days:].sum(axis=1) / lived, *ACTIVE_SHARE)


def _volatility(seen: Window) -> Ints:
    """Return the class of the root mean square change of weekly log totals; 1 where there are no two weeks."""
    totals, whole = seen.weeks(VOLATILE_WEEKS)
    mean = (totals * whole).sum(axis=1) / np.maximum(whole.sum(axis=1), 1)
    changes = np.diff(np.log(totals + (CUSHION * mean + TINY)[:, None]), axis=1)
    both = whole[:, 1:] & whole[:, :-1]
    count = both.sum(axis=1)
    size = np.sqrt((changes**2 * both).sum(axis=1) / np.maximum(count, 1))
    return volatility_class(np.where(count > 0, size, 1.0))


def volatility_class(size: Floats) -> Ints:
    """Return the number of the nearest class."""
    step = VOLATILITY_LOGS[1] - VOLATILITY_LOGS[0]
    place = (np.log(np.clip(size, *VOLATILITY)) - VOLATILITY_LOGS[0]) / step
    return np.rint(place).astype(np.int64)
