"""How much each expert counts: by what it missed of windows that are over, at the same kind of series.

Weights fall exponentially with the loss, measured in units of the best expert's: no expert has to be chosen, and the
pool is never much worse than the best one (no regret).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tokenaudit.forecast.experts import EXPERTS, Ahead, ahead
from tokenaudit.forecast.panel import Floats, Ints, Panel, window
from tokenaudit.forecast.residuals import HORIZONS
from tokenaudit.forecast.traits import Traits, traits

ANCHORS = np.array([7, 14, 30])
"""Days of the windows that experts are judged by, each of them in `HORIZONS`; others take weights between them."""
EAGERNESS = 6.0
"""How strongly weights follow losses."""
WORST = 2.5
"""A window counts as missed by at most this, in logs."""
MEMORY = 90.0
"""Days after which a window counts half."""
OTHERS = 40.0
"""The windows of all series of a dimension count like so many of a series' own."""
OTHER_DIMENSION, FULL_TRUST, LEAST_LOSS = 0.1, 20.0, 0.02


class Origin(NamedTuple):
    """A day from which totals ahead were, or are, forecast."""

    column: int
    """The first column ahead."""
    traits: Traits
    ahead: Ahead
    totals: Floats
    """What the experts expected of `HORIZONS`: experts x series x horizons."""


def origin(panel: Panel, column: int, sporadic: Floats) -> Origin:
    """Return what could be known before a column."""
    seen = window(panel, column)
    found = traits(seen)
    expected = ahead(seen, found, panel.day(column - 1).day, sporadic[:, column])
    return Origin(column, found, expected, expected.totals(HORIZONS))


def weights(panel: Panel, origins: Sequence[Origin]) -> Floats:
    """Return the weight of each expert: anchors x series x experts."""
    return np.stack([_weights(panel, origins, int(days)) for days in ANCHORS])


def pooled(weight: Floats, totals: Floats, horizons: Ints) -> Floats:
    """Return the forecast of each series and horizon, of experts' totals (experts x series x horizons)."""
    place = np.interp(np.log(horizons), np.log(ANCHORS), np.arange(len(ANCHORS)))
    low = np.minimum(place.astype(np.int64), len(ANCHORS) - 2)
    by_anchor = np.einsum("ase,esh->ash", weight, totals)
    at = np.arange(len(horizons))
    part = place - low
    forecast: Floats = by_anchor[low, :, at].T * (1 - part) + by_anchor[low + 1, :, at].T * part
    return forecast


def actual(panel: Panel, column: int, days: int) -> Floats:
    """Return the total of so many days from a column on."""
    total: Floats = panel.values[:, column : column + days].sum(axis=1)
    return total


class _Losses(NamedTuple):
    """What each expert missed, of windows that are over."""

    loss: Floats
    """Windows x experts."""
    series: Ints
    recent: Floats


def _losses(panel: Panel, origins: Sequence[Origin], days: int) -> _Losses:
    parts = [_loss(panel, item, days) for item in origins if item.column + days <= panel.days]
    nothing = _Losses(np.zeros((0, len(EXPERTS))), np.zeros(0, np.int64), np.zeros(0))
    return _Losses(*map(np.concatenate, zip(nothing, *parts, strict=True)))


def _loss(panel: Panel, item: Origin, days: int) -> _Losses:
    known = np.flatnonzero(item.traits.enough)
    cushion = item.traits.cushion(days)
    expected = item.totals[:, :, days == HORIZONS][:, :, 0] + cushion
    missed = np.abs(np.log((actual(panel, item.column, days) + cushion) / expected))
    recent = 0.5 ** ((panel.days - item.column - days) / MEMORY)
    return _Losses(np.minimum(missed, WORST)[:, known].T, known, np.full(len(known), recent))


def _weights(panel: Panel, origins: Sequence[Origin], days: int) -> Floats:
    found, count = _losses(panel, origins, days), len(panel.names)
    if not len(found.series):
        return np.full((count, len(EXPERTS)), 1 / len(EXPERTS))
    usual, trust = _usual(found, panel.dims)
    own = np.stack([np.bincount(found.series, found.recent * loss, count) for loss in found.loss.T], axis=1)
    number = np.bincount(found.series, found.recent, count)[:, None]
    mean = (OTHERS * usual + own) / (OTHERS + number)
    behind = mean / np.maximum(mean.min(axis=1, keepdims=True), LEAST_LOSS) - 1
    weight = np.exp(-EAGERNESS * trust[:, None] * (behind - behind.min(axis=1, keepdims=True)))
    result: Floats = weight / weight.sum(axis=1, keepdims=True)
    return result


def _usual(found: _Losses, dims: Sequence[str]) -> tuple[Floats, Floats]:
    """Return the mean loss of each expert at the dimension of each series, and how far it can be trusted."""
    names = np.array(dims)
    usual, trust = np.zeros((len(names), len(EXPERTS))), np.zeros(len(names))
    for name in set(dims):
        weight = found.recent * np.where(names[found.series] == name, 1.0, OTHER_DIMENSION)
        usual[names == name] = (found.loss * weight[:, None]).sum(axis=0) / weight.sum()
        trust[names == name] = min(1.0, weight.sum() / FULL_TRUST)
    return usual, trust
