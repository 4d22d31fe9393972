"""Keys whose hours ran away: the hours of the last four weeks, out of a store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from tokenaudit.forecast.hours import Runaway, runaways
from tokenaudit.forecast.panel import MONTH
from tokenaudit.periods import parse_period
from tokenaudit.reports.anomaly import Anomaly
from tokenaudit.reports.history import Read, name_of
from tokenaudit.reports.question import Question, ask

if TYPE_CHECKING:
    from tokenaudit.store.store import Store

HOUR = timedelta(hours=1)
LEAST = 5.0
"""What an excess must be worth."""


def hour_flags(
    store: Store, question: Question, read: Read, as_of: date, groups: Sequence[tuple[str, ...]]
) -> list[Anomaly]:
    """Return the keys that ran away in the last 24 hours with rows; none where rows are coarser than hours."""
    last = read.partial or read.last
    period = parse_period(f"{last - timedelta(days=MONTH)}..{min(last, as_of)}", as_of, question.period.timezone)
    cube = ask(store, replace(question, period=period, by=("hour", *question.by))).cube
    hours = cube.filter(pl.col("hour").is_not_null(), pl.col(question.cost).is_not_null())
    if hours.is_empty():
        return []
    stamped = hours.with_columns(hour=pl.col("hour").str.to_datetime("%Y-%m-%dT%H:%M%:z", time_zone="UTC"))
    return [
        item
        for (currency,), rows in stamped.group_by("billing_currency", maintain_order=True)
        for by in groups
        for item in _of_group(rows, str(currency), by, question.cost)
    ]


def _of_group(rows: pl.DataFrame, currency: str, by: tuple[str, ...], cost: str) -> Iterator[Anomaly]:
    sums = rows.group_by(pl.col(by).cast(pl.String), "hour").agg(pl.col(cost).sum().cast(pl.Float64))
    first, last = sums["hour"].min(), sums["hour"].max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return
    keys = sums.select(by).unique().sort(by, nulls_last=True).rows()
    place = {key: row for row, key in enumerate(keys)}
    table = np.zeros((len(keys), int((last - first) / HOUR) + 1))
    for *key, hour, value in sums.iter_rows():
        table[place[tuple(key)], int((hour - first) / HOUR)] = max(value, 0.0)
    for found in runaways(table):
        if found.actual - found.expected >= LEAST:
            yield _anomaly(found, keys[found.series], by, currency, first)


def _anomaly(
    found: Runaway, key: tuple[str | None, ...], by: tuple[str, ...], currency: str, first: datetime
) -> Anomaly:
    begun, at = (first + HOUR * column for column in (found.first, found.column))
    return Anomaly(
        dimension=",".join(by),
        key=None if all(value is None for value in key) else name_of(key),
        billing_currency=currency,
        date=at.date().isoformat(),
        kind="runaway",
        score=found.score,
        days=1,
        actual=found.actual,
        expected=found.expected,
        low=0.0,
        high=found.expected,
        first=f"{begun:%Y-%m-%dT%H:%MZ}",
        going=found.going,
    )
