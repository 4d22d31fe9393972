"""The simple forecasts that are pooled: run-rates, weekday profiles, a damped trend and one for intermittent spend.

All of them look at the same window and give totals of the days ahead, for all series at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tokenaudit.forecast.panel import MONTH, WEEK, WEEKS, WINDOW, Bools, Floats, Ints, Panel, Window
from tokenaudit.forecast.traits import CUSHION, TINY, Traits

EXPERTS = ("rate_7", "rate_month", "weekdays_7", "weekdays_14", "weekdays_28", "trend", "intermittent")
"""Names, in the order of the first axis of `totals`: mean of 7 days on a weekday profile, and of the month to
date; weekday profile times a level that forgets half in 7, 14 and 28 days; with a damped trend; TSB."""
HALF_LIVES = (7, 14, 28)
TREND_HALF_LIFE = 10
LEAST_WEEKDAY = 0.02
PROFILE_DECAY, PROFILE_SHRINK, PROFILE_WEEKS = 0.9, 4.0, 2
TREND_WEEKS, TREND_DECAY, TREND_FROM = 8, 0.8, 3
STEEPEST = 0.07
"""Greatest growth a day that a trend may go on with, in logs."""
DAMPING, LAG = 0.97, 7.2
"""A trend keeps this share of its slope from day to day; the level that it starts from is about so many days old."""
GAPPY = 0.4
"""Share of days without a value from which there is no trend."""
TSB = 0.2
"""How much of the newest value TSB takes."""
WAKE, DEATH = 0.35, 0.03
"""How much less likely a silent day is than usual for a series that goes on, and how likely an end is."""


class Ahead(NamedTuple):
    """What the experts need to give totals of any number of days."""

    rates: Floats
    """Level a day: of the two run-rates and TSB, one row each."""
    levels: Floats
    """Level of the three weekday experts, one row each."""
    profile: Floats
    """Factor of each of the next seven days."""
    trend_level: Floats
    slope: Floats
    """Growth a day in logs, already gated."""

    def totals(self, horizons: Ints) -> Floats:
        """Return totals of the next so many days: experts x series x horizons."""
        week, *levels = cumulated(self.profile, horizons) * np.concatenate([self.rates[:1], self.levels])[:, :, None]
        month, sporadic = self.rates[1:, :, None] * horizons
        return np.stack([week, month, *levels, self._trend(horizons), sporadic])

    def _trend(self, horizons: Ints) -> Floats:
        days = np.arange(1, int(horizons.max()) + 1)
        growth = np.exp(self.slope[:, None] * (np.cumsum(DAMPING**days) + LAG))
        path = self.trend_level[:, None] * self.profile[:, (days - 1) % WEEK] * growth
        return path.cumsum(axis=1)[:, horizons - 1]


def cumulated(profile: Floats, horizons: Ints) -> Floats:
    """Return the sum of a weekly profile over the next so many days.

    >>> cumulated(np.array([[2.0, 1, 1, 1, 1, 1, 0]]), np.array([1, 7, 8])).tolist()
    [[2.0, 7.0, 9.0]]
    """
    days = np.concatenate([np.zeros((len(profile), 1)), profile.cumsum(axis=1)], axis=1)
    return (horizons // WEEK) * days[:, -1:] + days[:, horizons % WEEK]


def ahead(seen: Window, found: Traits, day_of_month: int, sporadic: Floats) -> Ahead:
    """Return what all experts expect after a window, whose last day has that number in its month.

    `sporadic` is the level of TSB, which is carried along from day to day: see `sporadic_levels`.
    """
    profile = weekday_profile(seen)
    past = profile[:, (np.arange(WINDOW) - WINDOW) % WEEK]
    levels = {life: level(seen, past, life) for life in (*HALF_LIVES, TREND_HALF_LIFE)}
    slope, steady = _slope(seen)
    trend_level = np.where(steady, levels[TREND_HALF_LIFE], levels[HALF_LIVES[1]]) * _alive(found)
    rates = np.stack([seen.mean(WEEK), seen.mean(min(day_of_month, WINDOW)), sporadic])
    return Ahead(rates, np.stack([levels[life] for life in HALF_LIVES]), profile, trend_level, slope)


def weekday_profile(seen: Window) -> Floats:
    """Return the factor of each of the next seven days, shrunk to 1 where weeks are few and unlike each other."""
    days = seen.values.reshape(-1, WEEKS, WEEK)
    mean = days.mean(axis=2)
    known = seen.lived.reshape(-1, WEEKS, WEEK).all(axis=2) & (mean > 0)
    weight = PROFILE_DECAY ** np.arange(WEEKS)[::-1] * known
    ratio = days / np.where(known, mean, 1.0)[:, :, None]
    average = (weight[:, :, None] * ratio).sum(axis=1) / np.maximum(weight.sum(axis=1), TINY)[:, None]
    count = known.sum(axis=1)
    unlike = (weight[:, :, None] * (ratio - average[:, None]) ** 2).sum(axis=(1, 2)) / np.maximum(count, 1)
    alike = 1 - unlike / np.maximum(((average - 1) ** 2).sum(axis=1) * weight.sum(axis=1), TINY)
    trust = np.where(count >= PROFILE_WEEKS, np.maximum(count / (count + PROFILE_SHRINK), alike), 0.0)
    return np.maximum(1 + trust[:, None] * (average - 1), LEAST_WEEKDAY)


def level(seen: Window, profile: Floats, half_life: float) -> Floats:
    """Return the level a day that forgets half in `half_life` days; `profile` holds the factor of each day."""
    weight = 0.5 ** (np.arange(WINDOW)[::-1] / half_life) * seen.lived
    return (weight * seen.values).sum(axis=1) / np.maximum((weight * profile).sum(axis=1), TINY)


def _slope(seen: Window) -> tuple[Floats, Bools]:
    """Return the gated growth a day in logs, and which series are steady enough to have one.

    A weighted regression of weekly log totals; the gate shrinks it by how uncertain it is.
    """
    totals, whole = seen.weeks(TREND_WEEKS)
    count = whole.sum(axis=1)
    week = np.arange(TREND_WEEKS) - (TREND_WEEKS - 1.0)
    weight = TREND_DECAY**-week * whole
    sums = np.maximum(weight.sum(axis=1), TINY)
    mean = (totals * whole).sum(axis=1) / np.maximum(count, 1)
    logs = np.log(totals + (CUSHION * mean + TINY)[:, None])
    across = week - ((weight * week).sum(axis=1) / sums)[:, None]
    up = logs - ((weight * logs).sum(axis=1) / sums)[:, None]
    spread = np.maximum((weight * across**2).sum(axis=1), 1e-9)
    slope = (weight * across * up).sum(axis=1) / spread
    missed = (weight * (up - slope[:, None] * across) ** 2).sum(axis=1) / sums
    variance = missed * count / np.maximum(count - 2, 1) * (sums / np.maximum(count, 1)) / spread + 1e-18
    idle = ((seen.values == 0) & seen.lived)[:, -MONTH:].sum(axis=1)
    steady = idle <= GAPPY * np.maximum(seen.lived[:, -MONTH:].sum(axis=1), 1)
    gate = np.where((count >= TREND_FROM) & steady, 0.8 * slope**2 / (slope**2 + 4 * variance), 0.0)
    return gate * np.clip(slope / WEEK, -STEEPEST, STEEPEST), steady


def _alive(found: Traits) -> Floats:
    """Return how likely it is that a silent series goes on."""
    silent = (1 - found.activity) ** (found.gap * WAKE)
    return np.where(found.gap == 0, 1.0, (1 - DEATH) * silent / ((1 - DEATH) * silent + DEATH))


def sporadic_levels(panel: Panel) -> Floats:
    """Return the level of TSB (Teunter, Syntetos, Babai) before each column: series x (columns + 1)."""
    count, days = panel.values.shape
    levels = np.zeros((count, days + 1))
    size, chance, seen = np.zeros(count), np.zeros(count), np.zeros(count, bool)
    for column in range(days):
        value = panel.values[:, column]
        some = value > 0
        chance = np.where(seen, chance + TSB * (some - chance), np.where(some, 0.5, 0.0))
        size = np.where(some, np.where(seen, size + TSB * (value - size), value), size)
        seen |= some
        levels[:, column + 1] = chance * size
    return levels
