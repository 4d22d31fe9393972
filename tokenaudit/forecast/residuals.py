"""How far totals lie from their forecasts, as counts in bins: what intervals are made of.

A residual is log((actual + cushion) / (forecast + cushion)) of the total of a horizon. Bins are fine around 0 and
coarse far out; bin 0 holds totals of exactly nothing. Counts are kept apart by horizon, class of silence and class of
volatility, and are smoothed over neighbouring classes when they are asked for.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tokenaudit.forecast.panel import Bools, Floats, Ints
from tokenaudit.forecast.traits import CLASSES, STATES, VOLATILITY_LOGS

HORIZONS = np.array([1, 3, 7, 14, 21, 30, 60, 90])
"""Days whose totals are compared with their forecasts; others lie between."""
INNER = 160
BINS = INNER + 1
SCALE, FARTHEST = 0.03, 9.0
EDGE = float(np.arcsinh(FARTHEST / SCALE))
STEP = 2 * EDGE / INNER
NOTHING = -FARTHEST
"""Residual that stands for a total of nothing."""
UPPER = np.concatenate([[NOTHING], SCALE * np.sinh(-EDGE + STEP * np.arange(1, BINS))])
"""Upper bound of each bin."""
BANDWIDTH = 0.35
"""How far volatilities may differ to tell of one another, in logs."""
NEIGHBOUR = 0.25
"""What a residual counts in the next class of silence."""
LEVELS = np.concatenate([[0.005, 0.01], np.linspace(0.025, 0.975, 39), [0.99, 0.995]])
"""Levels of the quantiles that a distribution is kept as."""

NEAR_SILENCE = NEIGHBOUR ** np.abs(np.subtract.outer(np.arange(STATES), np.arange(STATES)))
NEAR_VOLATILITY = np.exp(-0.5 * (np.subtract.outer(VOLATILITY_LOGS, VOLATILITY_LOGS) / BANDWIDTH) ** 2)
SHAPE = (len(HORIZONS), STATES, CLASSES, BINS)


class Residuals(NamedTuple):
    """What was missed: one value for each series, origin and horizon."""

    horizon: Ints
    """Place in `HORIZONS`."""
    bin: Ints
    silence: Ints
    volatility: Ints
    series: Ints
    age: Ints
    """Days since the window ended."""
    column: Ints
    """The first column of the window."""

    def where(self, chosen: Bools) -> Residuals:
        """Return those that are chosen."""
        return Residuals(*(values[chosen] for values in self))


def binned(actual: Floats, forecast: Floats, cushion: Floats) -> Ints:
    """Return the bin of each residual."""
    miss = np.log((actual + cushion) / (forecast + cushion))
    place = ((np.arcsinh(miss / SCALE) + EDGE) / STEP).astype(np.int64)
    return np.where(actual <= 0, 0, 1 + np.clip(place, 0, INNER - 1))


def counted(found: Residuals, weight: Floats) -> Floats:
    """Return the sum of weights by horizon, silence, volatility and bin: an array of `SHAPE`."""
    place = np.ravel_multi_index((found.horizon, found.silence, found.volatility, found.bin), SHAPE)
    return np.bincount(place, weight, int(np.prod(SHAPE))).astype(np.float64).reshape(SHAPE)


def smoothed(counts: Floats) -> Floats:
    """Let residuals tell of neighbouring classes of silence and volatility, the less the farther."""
    near = np.einsum("st,...tvb->...svb", NEAR_SILENCE, counts)
    return np.einsum("uv,...vb->...ub", NEAR_VOLATILITY, near)


def quantiles(counts: Floats) -> Floats:
    """Return the residuals at `LEVELS` of each row of counts; within a bin they lie evenly.

    Where the level falls on totals of nothing it is `NOTHING`.
    """
    reached = counts.cumsum(axis=-1)
    reached /= reached[..., -1:]
    return np.stack([_quantile(reached, level) for level in LEVELS], axis=-1)


def middles(bins: Ints) -> Floats:
    """Return the residual in the middle of each bin."""
    lower = np.concatenate([[NOTHING, -FARTHEST], UPPER[1:-1]])
    middle: Floats = ((UPPER + lower) / 2)[bins]
    return middle


def _quantile(reached: Floats, level: float) -> Floats:
    place = (reached < level).sum(axis=-1)
    before = np.maximum(place - 1, 0)
    low = np.where(place > 0, np.take_along_axis(reached, before[..., None], -1)[..., 0], 0.0)
    high = np.take_along_axis(reached, place[..., None], -1)[..., 0]
    part = (level - low) / np.maximum(high - low, 1e-12)
    return np.where(place == 0, NOTHING, UPPER[before] + (UPPER[place] - UPPER[before]) * part)
