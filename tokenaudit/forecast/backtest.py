"""How good forecasts would have been: made on many past days from what was known then, and compared with what came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tokenaudit.forecast.contract import BANDS, days_left
from tokenaudit.forecast.engine import learn
from tokenaudit.forecast.panel import Floats, Ints, Panel
from tokenaudit.forecast.rivals import Rival
from tokenaudit.forecast.traits import CUSHION, TINY

TARGETS = {"next_7": 7, "next_14": 14, "next_30": 30, "month_end": 0}
EVERY, MOST = 3, 40
"""Days between the origins, and how many of them are looked at, the newest ones."""
FIRST = 21
"""Days of history before the first origin."""
NEAREST = 3
"""Days that must be left of a month for its end to be a forecast."""


class Past(NamedTuple):
    """Forecasts of one target on past days: one value for each series and day."""

    series: Ints
    actual: Floats
    point: Floats
    rate: Floats
    """What the run-rate of the month to date says."""
    cushion: Floats
    bands: Floats
    """Forecasts x `BANDS`."""
    others: Floats
    """What rivals say: forecasts x rivals."""

    def of(self, chosen: np.typing.NDArray[np.bool_]) -> Past:
        """Return those that are chosen."""
        values = (part[chosen] for part in (self.actual, self.point, self.rate, self.cushion, self.bands, self.others))
        return Past(self.series[chosen], *values)


class Scores(NamedTuple):
    """What became of a number of forecasts."""

    windows: int
    error: float
    """Sum of misses over sum of totals (WAPE)."""
    rate_error: float
    """The same of the month's run-rate."""
    rate_better: float
    """Share of windows in which the run-rate came closer."""
    covered80: float
    covered95: float
    others: tuple[float, ...]
    """The error of each rival."""


def backtest(panel: Panel, rivals: Sequence[Rival] = ()) -> dict[str, Past]:
    """Return the forecasts of past days by target; targets without any are left out."""
    columns = range(panel.days - TARGETS["next_7"], FIRST, -EVERY)
    found: dict[str, list[Past]] = {name: [] for name in TARGETS}
    for column in list(columns)[:MOST]:
        for name, past in _origin(panel, column, rivals).items():
            found[name].append(past)
    return {name: Past(*map(np.concatenate, zip(*parts, strict=True))) for name, parts in found.items() if parts}


def _origin(panel: Panel, column: int, rivals: Sequence[Rival]) -> dict[str, Past]:
    """Return the forecasts of one day: of series that could be forecast then, of windows that are over."""
    then = panel.until(column)
    today = then.last
    spans = {name: days or days_left(today) for name, days in TARGETS.items()}
    over = {name: days for name, days in spans.items() if column + days <= panel.days and days >= NEAREST}
    if not over:
        return {}
    outlook = learn(then, max(over.values())).outlook()
    known = np.flatnonzero(outlook.known)
    rate = outlook.now.ahead.rates[1][known]
    mean = outlook.now.traits.mean[known]
    paths = _paths(then, known, rivals, max(over.values()))
    found = {}
    for name, days in over.items():
        base = then.recent(today.day) if name == "month_end" else np.zeros(len(panel.names))
        totals = outlook.next(days, base)
        actual = base + panel.values[:, column : column + days].sum(axis=1)
        bands = np.stack([totals.at(level)[known] for level in BANDS.values()], axis=1)
        cushion = CUSHION * mean * days + TINY
        point, run_rate = totals.middle[known], base[known] + rate * days
        found[name] = Past(
            known, actual[known], point, run_rate, cushion, bands, base[known][:, None] + paths[..., days - 1]
        )
    return found


def _paths(then: Panel, known: Ints, rivals: Sequence[Rival], days: int) -> Floats:
    """Return what rivals expect to be spent after each day: series x rivals x days."""
    histories = [then.values[row, then.start[row] :] for row in known]
    paths = np.zeros((len(known), len(rivals), days))
    for row, values in enumerate(histories):
        for place, rival in enumerate(rivals):
            paths[row, place] = rival(values, days).cumsum()
    return paths


def scores(past: Past) -> Scores:
    """Return how good forecasts were."""
    miss, rate_miss = np.abs(past.actual - past.point), np.abs(past.actual - past.rate)
    total = max(float(past.actual.sum()), TINY)
    inside80, inside95 = (covered(past, low, high) for low, high in (("lo80", "hi80"), ("lo95", "hi95")))
    return Scores(
        windows=len(past.actual),
        error=float(miss.sum()) / total,
        rate_error=float(rate_miss.sum()) / total,
        rate_better=float((rate_miss < miss).mean()),
        covered80=float(inside80.mean()),
        covered95=float(inside95.mean()),
        others=tuple(float(np.abs(past.actual - other).sum()) / total for other in past.others.T),
    )


def covered(past: Past, low: str, high: str) -> np.typing.NDArray[np.bool_]:
    """Return which totals lay within a range."""
    place = {name: number for number, name in enumerate(BANDS)}
    slack = 1e-9 + 1e-6 * past.actual
    begin, end = past.bands[:, place[low]] - slack, past.bands[:, place[high]] + slack
    return (past.actual >= begin) & (past.actual <= end)


def widening(past: Past, level: float = 0.8) -> float:
    """Return how many times as wide, in logs, the range of 80 % would have had to be to hold so often; 1 at least."""
    place = {name: number for number, name in enumerate(BANDS)}
    logs = [np.log(past.bands[:, place[name]] + past.cushion) for name in ("lo80", "hi80")]
    middle, actual = np.log(past.point + past.cushion), np.log(past.actual + past.cushion)
    half = np.where(actual < middle, middle - logs[0], logs[1] - middle)
    return max(1.0, float(np.quantile(np.abs(actual - middle) / np.maximum(half, 1e-9), level)))


def confidence(share: float, count: float) -> tuple[float, float]:
    """Return the range in which the true share lies 95 times in 100 (Wilson), for `count` independent cases.

    >>> [round(value, 2) for value in confidence(0.8, 20)]
    [0.58, 0.92]
    """
    z = 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))) / (1 + z * z / count)
    return max(0.0, middle - half), min(1.0, middle + half)
