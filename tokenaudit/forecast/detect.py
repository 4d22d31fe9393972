"""Days that do not fit: what was spent against what was expected, in units of what is usual for the series.

Four questions are asked of each of the last days, and each is answered by a score that can be worked out by hand. A
score of 1 and more is a flag:

* ``spike``: the day lies `SPIKE` standard deviations above the mean of the 28 days before it
* ``shift``: the last 3 or 7 days lie `SHIFT` usual misses above what was expected of them
* ``leak``: so do the last 14 days
* ``drop``: nothing for so long that, as often as the series usually is silent, it had a chance below exp(-`DROP`)

A usual miss is the 80 % quantile of the sizes of a series' own misses, over 1.28, mixed with what is usual around it,
and at least `LEAST_MISS`: a change below half as much again is no flag.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tokenaudit.forecast.calm import SPANS, Spans, calm_level, quantile_of, spans
from tokenaudit.forecast.experts import cumulated, weekday_profile
from tokenaudit.forecast.panel import MONTH, WEEK, Floats, Ints, Panel, window

SPIKE, SHIFT, DROP = 4.2, 2.24, 8.4
KINDS = ("spike", "shift", "shift", "leak", "drop")
"""Kind of each question, in the order of the first axis of `Judged`: of the spans, 14 days are a leak."""
LOOK = 7
"""Days that are judged."""
HISTORY = 28
"""Days a series must have before it is judged."""
LEAST_DEVIATION, LEAST_MISS = 0.02, 0.18
USUAL, NORMAL = 0.8, 1.2816
"""The quantile that stands for a usual miss, and where it lies in a normal distribution."""
REMEMBERED = 56
"""Days of misses that say what is usual."""
AROUND = 20
"""The other series count like so many misses of its own."""
FEW, ENOUGH = 7, 15
MOST_ACTIVE = 0.97
NEVER = -9.0


class Judged(NamedTuple):
    """Questions x series x the last `LOOK` days."""

    score: Floats
    actual: Floats
    expected: Floats
    low: Floats
    """The range that holds 80 %: from here to `high`."""
    high: Floats


class Flag(NamedTuple):
    """A series whose last days do not fit."""

    series: int
    question: int
    column: int
    """The day of the highest score."""
    first: int
    """The first of the flagged days in a row up to then, of those judged."""
    score: float
    actual: float
    expected: float
    low: float
    high: float

    @property
    def kind(self) -> str:
        """Return the kind, such as ``spike``."""
        return KINDS[self.question]

    @property
    def days(self) -> int:
        """Return how many days `actual` and `expected` are of."""
        return 1 if self.kind in {"spike", "drop"} else int(SPANS[self.question - 1])

    @property
    def excess(self) -> float:
        """Return what was spent beyond what was expected; of a drop, what was not."""
        return self.actual - self.expected


def flags(panel: Panel, threshold: float = 1.0) -> list[Flag]:
    """Return at most one flag for each series, the highest score first."""
    judged = judge(panel)
    best = judged.score.max(axis=(0, 2))
    found = [_flag(panel, judged, int(series), threshold) for series in np.flatnonzero(best >= threshold)]
    return sorted(found, key=lambda flag: -flag.score)


def _flag(panel: Panel, judged: Judged, series: int, threshold: float) -> Flag:
    scores = judged.score[:, series]
    question, day = (int(place) for place in np.unravel_index(scores.argmax(), scores.shape))
    calm = np.flatnonzero(scores.max(axis=0)[:day] < threshold)
    first = int(calm[-1]) + 1 if len(calm) else 0
    begin = panel.days - scores.shape[1]
    values = (float(values[question, series, day]) for values in judged)
    return Flag(series, question, begin + day, begin + first, *values)


def carried(parts: Panel, flag: Flag) -> Floats:
    """Return what each part of a flagged series spent beyond what was expected of it, over the days of the flag.

    `parts` has the same columns as the panel that the flag is of.
    """
    begin = flag.column - flag.days + 1
    seen = window(parts, begin)
    expected = calm_level(seen)[:, None] * cumulated(weekday_profile(seen), np.array([flag.days]))
    spent: Floats = parts.values[:, begin : flag.column + 1].sum(axis=1)
    return spent - expected[:, 0]


def judge(panel: Panel) -> Judged:
    """Return the answers to all questions about the last days of each series."""
    days = min(LOOK, panel.days)
    columns = range(panel.days - days, panel.days)
    found = spans(panel)
    answers = [Judged(*map(np.stack, zip(*_asked(panel, found, column), strict=True))) for column in columns]
    judged = Judged(*(np.stack(values, axis=-1) for values in zip(*answers, strict=True)))
    old = panel.days - panel.start >= HISTORY
    return judged._replace(score=np.where(old[:, None], judged.score, NEVER))


def _asked(panel: Panel, found: Spans, column: int) -> list[Judged]:
    totals = [_span(panel, found, column, place) for place in range(len(SPANS))]
    return [_spike(panel, column), *totals, _drop(panel, column)]


def _spike(panel: Panel, column: int) -> Judged:
    before = panel.values[:, max(0, column - MONTH) : column]
    if not before.shape[1]:
        return _unknown(panel)
    actual, mean = panel.values[:, column], before.mean(axis=1)
    deviation = np.maximum(before.std(axis=1), LEAST_DEVIATION * mean + 1e-9)
    around = NORMAL * deviation
    score = (actual - mean) / deviation / SPIKE
    return Judged(score, actual, mean, np.maximum(mean - around, 0), mean + around)


def _span(panel: Panel, found: Spans, column: int, place: int) -> Judged:
    """Judge the span that ends in a column by misses of spans that were over before it began."""
    usual = usual_miss(panel, found, column, place)
    actual, expected, miss = (values[place, :, column] for values in found)
    wide = np.exp(NORMAL * usual)
    score = np.where(np.isfinite(miss), miss / usual / SHIFT, NEVER)
    return Judged(score, actual, expected, expected / wide, expected * wide)


def usual_miss(panel: Panel, found: Spans, column: int, place: int) -> Floats:
    """Return by how much, in logs, the totals of a span usually miss what was expected."""
    begin = max(0, panel.days - REMEMBERED)
    around, count = _own(found.miss[place, :, begin : max(begin, panel.days - WEEK)])
    others = float(np.median(around[count > ENOUGH])) if (count > ENOUGH).any() else 1.0
    own, count = _own(found.miss[place, :, begin : max(begin, column - int(SPANS[place]) + 1)])
    mixed = np.sqrt((count * own**2 + AROUND * others**2) / (count + AROUND))
    return np.where(count > FEW, mixed, others)


def _own(miss: Floats) -> tuple[Floats, Ints]:
    size, count = quantile_of(np.abs(miss), np.isfinite(miss), USUAL)
    return np.maximum(size / NORMAL, LEAST_MISS), count


def _drop(panel: Panel, column: int) -> Judged:
    """Judge a silence by how often the series had a value in the four weeks before it."""
    active = panel.values[:, : column + 1] > 0
    gap = np.where(active.any(axis=1), active[:, ::-1].argmax(axis=1), column + 1)
    counted = np.concatenate([np.zeros((len(active), 1)), active.cumsum(axis=1)], axis=1)
    end = column + 1 - gap
    row = np.arange(len(active))
    share = (counted[row, end] - counted[row, np.maximum(end - MONTH, 0)]) / np.maximum(np.minimum(end, MONTH), 1)
    spent = panel.values[:, max(0, column - MONTH) : column].mean(axis=1) if column else np.zeros(len(active))
    score = -gap * np.log(1 - np.minimum(share, MOST_ACTIVE)) / DROP
    silent = (gap > 0) & (spent > 0)
    nothing = np.zeros(len(active))
    return Judged(np.where(silent, score, NEVER), panel.values[:, column], spent, nothing, spent)


def _unknown(panel: Panel) -> Judged:
    nothing = np.zeros(len(panel.names))
    return Judged(nothing + NEVER, nothing, nothing, nothing, nothing)
