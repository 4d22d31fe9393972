"""Use that runs away inside a day: a key's hours against its own hours of the weeks before.

Two questions are asked of each of the last hours, and a score of 1 and more is a flag:

* a burst: the last three hours together exceed `BURST` times the most that any three hours held before
* no end: hours in a row, each at least half as heavy as the mean hour of use, number `ENDLESS` times the longest such
  row before, and at least `LEAST_ROW`; a loop that burns all night is seen while it runs
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tokenaudit.forecast.panel import Bools, Floats, Ints

SPAN = 3
BURST, ENDLESS, LEAST_ROW = 2.0, 1.5, 9
HEAVY = 0.5
KNOWN = 24
"""Hours of use that a key must have had before it is judged."""
LOOK = 24
"""Hours that are judged, the newest ones."""


class Runaway(NamedTuple):
    """A key whose hours ran away."""

    series: int
    column: int
    """The hour of the highest score."""
    first: int
    """The first hour that is flagged, of those in a row up to the one of the highest score."""
    going: bool
    """The last hour is flagged as well."""
    score: float
    actual: float
    """Use of the hours that are judged: three for a burst, those in a row otherwise."""
    expected: float
    """The most that as many hours held before."""
    hours: int


class _Judged(NamedTuple):
    score: Floats
    actual: Floats
    expected: Floats
    hours: Floats


def runaways(values: Floats) -> list[Runaway]:
    """Return the keys that ran away in the last hours of a table of series x hours, the highest score first."""
    look = min(LOOK, values.shape[1] - 1)
    if look < 1:
        return []
    columns = range(values.shape[1] - look, values.shape[1])
    judged = [_judge(values, column) for column in columns]
    scores = np.stack([item.score for item in judged], axis=1)
    found = [_runaway(judged, scores, int(row), columns[0]) for row in np.flatnonzero(scores.max(axis=1) >= 1)]
    return sorted(found, key=lambda item: -item.score)


def _runaway(judged: list[_Judged], scores: Floats, row: int, begin: int) -> Runaway:
    best = int(scores[row].argmax())
    calm = np.flatnonzero(scores[row, :best] < 1)
    first = int(calm[-1]) + 1 if len(calm) else 0
    top = judged[best]
    actual, expected = float(top.actual[row]), float(top.expected[row])
    going = bool(scores[row, -1] >= 1)
    return Runaway(
        row, begin + best, begin + first, going, float(scores[row, best]), actual, expected, int(top.hours[row])
    )


def _judge(values: Floats, column: int) -> _Judged:
    """Judge the hours that end with a column by those before it; hours of the last day are no measure of themselves."""
    past = values[:, : max(0, column + 1 - LOOK)]
    used = (past > 0).sum(axis=1)
    known = used >= KNOWN
    burst = _burst(values, past, column)
    endless = _endless(values, past, column, np.maximum(used, 1))
    longer = endless.score > burst.score
    best = _Judged(*(np.where(longer, one, other) for one, other in zip(endless, burst, strict=True)))
    return best._replace(score=np.where(known, best.score, 0.0))


def _burst(values: Floats, past: Floats, column: int) -> _Judged:
    now = values[:, max(0, column + 1 - SPAN) : column + 1].sum(axis=1)
    most = _most(past, SPAN)
    score = now / np.maximum(BURST * most, 1e-12)
    return _Judged(np.where(most > 0, score, 0.0), now, most, np.full(len(values), float(SPAN)))


def _endless(values: Floats, past: Floats, column: int, used: Ints) -> _Judged:
    heavy = HEAVY * past.sum(axis=1) / used
    flags = values[:, : column + 1] >= np.maximum(heavy, 1e-12)[:, None]
    row = _rows(flags)
    longest = _rows(past >= np.maximum(heavy, 1e-12)[:, None]).max(axis=1, initial=0)
    now = row[:, -1]
    totals = np.array([values[key, column + 1 - length : column + 1].sum() for key, length in enumerate(now)])
    usual = past.sum(axis=1) / max(past.shape[1], 1)
    return _Judged(now / np.maximum(ENDLESS * longest, LEAST_ROW), totals, usual * now, now.astype(np.float64))


def _most(past: Floats, span: int) -> Floats:
    if past.shape[1] < span:
        return np.zeros(len(past))
    sums = np.concatenate([np.zeros((len(past), 1)), past.cumsum(axis=1)], axis=1)
    most: Floats = (sums[:, span:] - sums[:, :-span]).max(axis=1)
    return most


def _rows(flags: Bools) -> Ints:
    """Return how many flagged columns in a row end with each column."""
    count = np.cumsum(flags, axis=1)
    before = np.maximum.accumulate(np.where(flags, 0, count), axis=1)
    rows: Ints = count - before
    return rows
