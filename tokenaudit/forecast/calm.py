"""What a day and a few days were expected to cost, from the time before them, with single outliers held down."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tokenaudit.forecast.experts import HALF_LIVES, cumulated, level, weekday_profile
from tokenaudit.forecast.panel import MONTH, WEEK, WINDOW, Bools, Floats, Ints, Panel, Window, window
from tokenaudit.forecast.traits import ENOUGH_DAYS, TINY

SPANS = np.array([3, 7, 14])
"""Days whose totals are compared with what was expected of them."""
TALLEST = 6.0
"""A day counts for the level at most so many times the median of days with a value."""
CUSHION = 0.1
"""Share of a mean month that is added before logarithms are taken."""
LEARNED = 70
"""Days back from which totals were expected."""


class Spans(NamedTuple):
    """Totals of each span that ends in a column, and what was expected of them; NaN where nothing could be."""

    actual: Floats
    """Spans x series x columns, as the others."""
    expected: Floats
    miss: Floats
    """log((actual + cushion) / (expected + cushion))"""


def spans(panel: Panel) -> Spans:
    """Return the spans that end in the columns of a panel, as far back as is learned from."""
    shape = (len(SPANS), *panel.values.shape)
    found = Spans(np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan))
    for column in range(max(ENOUGH_DAYS, panel.days - LEARNED), panel.days):
        seen = window(panel, column)
        forecast = calm_level(seen)[:, None] * cumulated(weekday_profile(seen), SPANS)
        for place, days in enumerate(SPANS):
            if column + days <= panel.days:
                _note(found, panel, seen, column, place, forecast[:, place])
    return found


def _note(found: Spans, panel: Panel, seen: Window, column: int, place: int, forecast: Floats) -> None:
    days = int(SPANS[place])
    known = seen.age >= ENOUGH_DAYS
    actual = panel.values[:, column : column + days].sum(axis=1)
    cushion = CUSHION * days * seen.values[:, -MONTH:].sum(axis=1) / MONTH + TINY
    last = column + days - 1
    found.actual[place, :, last] = actual
    found.expected[place, :, last] = forecast
    found.miss[place, :, last] = np.where(known, np.log((actual + cushion) / (forecast + cushion)), np.nan)


def calm_level(seen: Window) -> Floats:
    """Return a level a day, half of a quick and half of a slow one, in which no day counts for more than a few."""
    profile = weekday_profile(seen)[:, (np.arange(WINDOW) - WINDOW) % WEEK]
    plain = seen.values / profile
    median = median_of(plain[:, -MONTH:], plain[:, -MONTH:] > 0)
    capped = np.minimum(plain, np.where(median > 0, TALLEST * median, np.inf)[:, None])
    calm = replace(seen, values=capped * profile)
    return (level(calm, profile, HALF_LIVES[0]) + level(calm, profile, HALF_LIVES[-1])) / 2


def median_of(values: Floats, chosen: Bools) -> Floats:
    """Return the median of the chosen values of each row, 0 where there is none."""
    return quantile_of(values, chosen, 0.5)[0]


def quantile_of(values: Floats, chosen: Bools, part: float) -> tuple[Floats, Ints]:
    """Return a quantile of the chosen values of each row, 0 where there is none, and how many they are."""
    count = chosen.sum(axis=1)
    if not values.shape[1]:
        return np.zeros(len(values)), count
    ordered = np.sort(np.where(chosen, values, np.inf), axis=1)
    place = part * (np.maximum(count, 1) - 1)
    low = place.astype(np.int64)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    row = np.arange(len(values))
    below = np.where(count > 0, ordered[row, low], 0.0)
    above = np.where(count > 0, ordered[row, high], 0.0)
    return below + (above - below) * (place - low), count
