"""From daily series to the distribution of what they will total: the whole forecast.

`outlook(panel)` looks at many past days as if each were today, weighs the experts by how they did, collects what their
pool missed by, and lays those misses around the pool's forecast of today.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tokenaudit.forecast.experts import EXPERTS, sporadic_levels
from tokenaudit.forecast.panel import Bools, Floats, Ints, Panel
from tokenaudit.forecast.pool import Origin, actual, origin, pooled, weights
from tokenaudit.forecast.prior import kind_of, shipped
from tokenaudit.forecast.residuals import (
    BINS,
    HORIZONS,
    LEVELS,
    NEAR_SILENCE,
    NEAR_VOLATILITY,
    Residuals,
    binned,
    counted,
    middles,
    quantiles,
    smoothed,
)
from tokenaudit.forecast.traits import ENOUGH_DAYS, Traits

EVERY, BACK = 3, 150
"""Days between the origins looked at, and how far they reach back."""
MEMORY = 90.0
"""Days after which a residual counts half."""
OVERLAP = 4.0
"""Windows that overlap tell the same: a residual counts at most this, times days between origins over its length."""
OWN, OTHER_DIMENSION = 4.0, 0.2
"""What residuals of the series itself, and of other dimensions, count."""
PRIOR, TENANT = 50.0, 400.0
"""How many residuals the prior counts, and the tenant's own at most."""
UNSEEN = 0.5
"""What a miss beyond all that were seen counts, on each side: few residuals do not show their extremes."""
JUDGED, FEW = 14, 5
"""Days of the windows that tell how good forecasts were, and how many there must be."""
FARTHEST = 366
FLOOR = 1e-9
WIDENED_BY = np.array([7, 14, 21, 30])
"""Horizons whose past totals say whether ranges held."""
WIDEST, DOUBT = 4.0, 4.0
"""The most that a range is widened, and how many independent windows say half of the deficit."""


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """What series will total: exact so far, and a distribution ahead."""

    so_far: Floats
    middle: Floats
    """What is as likely to be exceeded as not: the forecast."""
    spread: Floats
    """Totals at `LEVELS`: series x levels, never falling."""

    def at(self, level: float) -> Floats:
        """Return the total that is not exceeded with probability `level`, between 0 and 1."""
        return np.array([np.interp(level, LEVELS, row) for row in self.spread])

    def over(self, amount: Floats | float) -> Floats:
        """Return how likely it is that each total exceeds `amount`."""
        limits = np.broadcast_to(np.asarray(amount, float), self.middle.shape)
        pairs = zip(limits, self.spread, self.so_far, strict=True)
        chance = [1.0 if spent > limit else _above(limit, row) for limit, row, spent in pairs]
        return np.array(chance)


def _above(limit: float, row: Floats) -> float:
    """Return the chance of more than `limit`; a limit that many levels share is exceeded by the levels above it."""
    return 1 - float(np.interp(limit, row, LEVELS, left=0.0, right=1.0)) if row[0] < row[-1] else float(row[0] > limit)


class Typical(NamedTuple):
    """By how much totals of past windows were typically missed, in logs: the median of each series, or NaN."""

    days: int
    own: Floats
    """By the pool."""
    rate: Floats
    """By the run-rate of the month to date."""


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What series will do after the last day of a panel."""

    panel: Panel
    now: Origin
    weights: Floats
    """Anchors x series x experts."""
    misses: Floats
    """Residuals: series x `HORIZONS` x `LEVELS`."""
    expected: Floats
    """The pool's forecast of the total of the next 1, 2, ... days: series x days."""
    typical: Typical

    @property
    def known(self) -> Bools:
        """Return which series have enough history to be forecast by themselves."""
        return self.now.traits.enough

    def repriced(self, factors: Floats) -> Outlook:
        """Return the outlook where each of the days ahead costs so many times as much: series x days."""
        days = self.expected.shape[1]
        steps = np.diff(self.expected, axis=1, prepend=0.0) * factors[:, :days]
        return replace(self, expected=np.cumsum(steps, axis=1))

    def next(self, days: int, so_far: Floats | float = 0.0) -> Totals:
        """Return the totals of the next `days` days, on top of what is spent `so_far`."""
        base = np.broadcast_to(np.asarray(so_far, float), (len(self.panel.names),))
        if days < 1:
            return Totals(base, base, np.repeat(base[:, None], len(LEVELS), axis=1))
        spread = base[:, None] + self._spread(days)
        return Totals(base, spread[:, len(LEVELS) // 2], spread)

    def path(self, days: int, so_far: Floats | float = 0.0) -> Floats:
        """Return the totals after 1 to `days` days at `LEVELS`: series x days x levels, never falling with time."""
        base = np.broadcast_to(np.asarray(so_far, float), (len(self.panel.names),))
        steps = np.stack([self._spread(day) for day in range(1, days + 1)], axis=1)
        return np.maximum.accumulate(base[:, None, None] + steps, axis=1)

    def _spread(self, days: int) -> Floats:
        cushion = self.now.traits.cushion(days)[:, None]
        middle = self.expected[:, days - 1][:, None] + cushion
        return np.maximum(np.exp(self._misses(days)) * middle - cushion, 0.0)

    def _misses(self, days: int) -> Floats:
        """Return the residuals of any horizon: between those known, beyond them as wide as a random walk makes them."""
        place = float(np.interp(np.log(days), np.log(HORIZONS), np.arange(len(HORIZONS))))
        low = min(int(place), len(HORIZONS) - 2)
        between: Floats = self.misses[:, low] * (low + 1 - place) + self.misses[:, low + 1] * (place - low)
        return between * max(1.0, days / int(HORIZONS[-1])) ** 0.5


class Learned(NamedTuple):
    """What the history of a panel says, before what is known of others is added."""

    panel: Panel
    now: Origin
    weights: Floats
    counts: Floats
    """The tenant's residuals that tell of each series: series x horizons x bins."""
    expected: Floats
    typical: Typical
    missed: Residuals

    def outlook(self, prior: Floats | None = None) -> Outlook:
        """Return the outlook; `prior` is what `prior.ready` makes, by default the one that came with this version."""
        counts = self.counts + prior_counts(self.panel, self.now.traits, prior) + FLOOR
        counts[..., [1, -1]] += UNSEEN
        misses = widened(self.panel, self.missed, self.now.traits, quantiles(counts))
        return Outlook(self.panel, self.now, self.weights, misses, self.expected, self.typical)


def outlook(panel: Panel, farthest: int = FARTHEST) -> Outlook:
    """Return the outlook of the series of a panel, up to `farthest` days ahead."""
    return learn(panel, farthest).outlook()


def learn(panel: Panel, farthest: int = FARTHEST) -> Learned:
    """Learn from many past days as if each were today."""
    sporadic = sporadic_levels(panel)
    origins = past_origins(panel, sporadic)
    weight = weights(panel, origins)
    found = missed(panel, origins, weight)
    now = origin(panel, panel.days, sporadic)
    days = np.arange(1, farthest + 1)
    expected = pooled(weight, now.ahead.totals(days), days)
    counts = tenant_counts(panel, found, now.traits)
    return Learned(panel, now, weight, counts, expected, typically_missed(panel, origins, weight), found)


def typically_missed(panel: Panel, origins: list[Origin], weight: Floats) -> Typical:
    """Return what past windows of `JUDGED` days were missed by; NaN where fewer than `FEW` are over."""
    place = int(np.flatnonzero(HORIZONS == JUDGED)[0])
    over = [item for item in origins if item.column + JUDGED <= panel.days]
    if len(over) < FEW:
        nothing = np.full(len(panel.names), np.nan)
        return Typical(JUDGED, nothing, nothing)
    horizon = HORIZONS[place : place + 1]
    pool = [pooled(weight, item.totals[:, :, place : place + 1], horizon)[:, 0] for item in over]
    rates = [item.totals[EXPERTS.index("rate_month"), :, place] for item in over]
    own, rate = (np.median(_sizes(panel, over, found), axis=0) for found in (pool, rates))
    return Typical(JUDGED, own, rate)


def _sizes(panel: Panel, over: list[Origin], forecasts: list[Floats]) -> Floats:
    """Return the size of each miss in logs: origins x series."""
    pairs = zip(over, forecasts, strict=True)
    return np.stack([_size(panel, item, forecast) for item, forecast in pairs])


def _size(panel: Panel, item: Origin, forecast: Floats) -> Floats:
    cushion = item.traits.cushion(JUDGED)
    return np.abs(np.log((actual(panel, item.column, JUDGED) + cushion) / (forecast + cushion)))


def past_origins(panel: Panel, sporadic: Floats, every: int = EVERY, back: int = BACK) -> list[Origin]:
    """Return past days to learn from, the newest first."""
    columns = range(panel.days - 1, max(ENOUGH_DAYS, panel.days - back), -every)
    return [origin(panel, column, sporadic) for column in columns]


def missed(panel: Panel, origins: list[Origin], weight: Floats) -> Residuals:
    """Return the residuals of the pool, of all windows that are over."""
    parts = [_missed(panel, item, weight) for item in origins]
    nothing = Residuals(*(np.zeros(0, np.int64) for _ in Residuals._fields))
    return Residuals(*map(np.concatenate, zip(nothing, *parts, strict=True)))


def _missed(panel: Panel, item: Origin, weight: Floats) -> Residuals:
    """Return the residuals of all windows that began at an origin and are over."""
    over = HORIZONS[item.column + HORIZONS <= panel.days]
    known = np.flatnonzero(item.traits.enough)
    forecast = pooled(weight, item.totals[:, :, : len(over)], over)
    size = (len(over), len(known))

    def repeated(values: Ints) -> Ints:
        return np.broadcast_to(values, size).ravel()

    return Residuals(
        horizon=np.repeat(np.arange(len(over)), len(known)),
        bin=np.array([_bins(panel, item, forecast, place)[known] for place in range(len(over))], np.int64).ravel(),
        silence=repeated(item.traits.silence[known]),
        volatility=repeated(item.traits.volatility[known]),
        series=repeated(known),
        age=np.repeat(panel.days - item.column - over, len(known)),
        column=repeated(np.array(item.column)),
    )


def _bins(panel: Panel, item: Origin, forecast: Floats, place: int) -> Ints:
    days = int(HORIZONS[place])
    return binned(actual(panel, item.column, days), forecast[:, place], item.traits.cushion(days))


def tenant_counts(panel: Panel, found: Residuals, now: Traits) -> Floats:
    """Return the tenant's residuals that tell of each series: series x horizons x bins, at most `TENANT` each."""
    weight = 0.5 ** (found.age / MEMORY) * np.minimum(1.0, OVERLAP * EVERY / HORIZONS[found.horizon])
    names = sorted(set(panel.dims))
    dim = np.array([names.index(name) for name in panel.dims])
    by_dim = np.stack([_counted(found, weight, dim[found.series] == number) for number in range(len(names))])
    near = smoothed(by_dim * (1 - OTHER_DIMENSION) + OTHER_DIMENSION * by_dim.sum(axis=0))
    counts = near[dim, :, now.silence, now.volatility] + _own(panel, found, weight, now)
    result: Floats = counts * np.minimum(1.0, TENANT / np.maximum(counts.sum(axis=2, keepdims=True), FLOOR))
    return result


def _counted(found: Residuals, weight: Floats, chosen: Bools) -> Floats:
    return counted(found.where(chosen), weight[chosen])


def _own(panel: Panel, found: Residuals, weight: Floats, now: Traits) -> Floats:
    """Return what a series' own residuals count more than those of others."""
    near = NEAR_SILENCE[now.silence[found.series], found.silence]
    near = near * NEAR_VOLATILITY[now.volatility[found.series], found.volatility]
    shape = (len(panel.names), len(HORIZONS), BINS)
    place: Ints = np.ravel_multi_index((found.series, found.horizon, found.bin), shape)
    return np.bincount(place, (OWN - 1) * weight * near, int(np.prod(shape))).astype(np.float64).reshape(shape)


def widened(panel: Panel, found: Residuals, now: Traits, misses: Floats) -> Floats:
    """Widen the ranges of series whose own past totals lay outside of them too often, by the deficit that was seen.

    `misses` are quantiles, series x horizons x `LEVELS`. Few windows that overlap say little: the factor is drawn to 1.
    """
    low, middle, high = (misses[..., int(np.abs(LEVELS - level).argmin())] for level in (0.1, 0.5, 0.9))
    at = found.series, found.horizon
    miss = middles(found.bin) - middle[at]
    half = np.where(miss < 0, (middle - low)[at], (high - middle)[at])
    size = np.abs(miss) / np.maximum(half, 1e-6)
    weight = 0.5 ** (found.age / MEMORY) * np.minimum(1.0, EVERY / HORIZONS[found.horizon])
    weight *= NEAR_SILENCE[now.silence[found.series], found.silence] * np.isin(HORIZONS[found.horizon], WIDENED_BY)
    needed, number = _needed(size, weight, found.series, len(panel.names))
    factor = np.exp(np.log(np.clip(needed, 1.0, WIDEST)) * number / (number + DOUBT))[:, None, None]
    return middle[..., None] + (misses - middle[..., None]) * factor


def _needed(size: Floats, weight: Floats, series: Ints, count: int) -> tuple[Floats, Floats]:
    """Return the size that 80 % of the weight of each series lies within, and the sum of its weights."""
    order = np.lexsort((size, series))
    size, weight, series = size[order], weight[order], series[order]
    total = np.bincount(series, weight, count).astype(np.float64)
    before = np.concatenate([[0.0], np.cumsum(total)])[series]
    reached = (np.cumsum(weight) - before) / np.maximum(total[series], 1e-12)
    needed = np.ones(count)
    inside = reached <= 0.8  # noqa: PLR2004 - the range that is widened
    np.maximum.at(needed, series[inside], size[inside])
    return needed, total


def prior_counts(panel: Panel, now: Traits, prior: Floats | None = None) -> Floats:
    """Return the prior's residuals that tell of each series: series x horizons x bins, `PRIOR` each."""
    known = shipped() if prior is None else prior
    kind = np.array([kind_of(name) for name in panel.dims])
    counts = known[kind, :, now.silence, now.volatility]
    result: Floats = PRIOR * counts / np.maximum(counts.sum(axis=2, keepdims=True), FLOOR)
    return result
