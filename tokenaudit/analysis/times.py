"""Hours, days, weeks and months as columns of a report, in the time zone of the report.

Rows of a day or coarser name UTC dates: they keep them in every time zone, and they name no hour.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from tokenaudit.analysis.where import DATED
from tokenaudit.schema import TIME_DIMENSIONS

LABELS = {"hour": "%Y-%m-%dT%H:%M%:z", "day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}
"""How a unit is written, each in a form that `--period` reads; the hour with its offset, as clocks go back."""

LENGTHS = {"minute": "1m", "hour": "1h", "day": "1d", "month": "1mo"}
"""How long after its start a bucket of a granularity ends."""


def units(by: Iterable[str], timezone: str) -> list[pl.Expr]:
    """Return the time dimensions of `by` as expressions on usage rows, typed so that they group fast."""
    day = local_day(timezone)
    start = pl.col("charge_period_start").dt.convert_time_zone(timezone)
    expressions = {
        "hour": pl.when(~_dated()).then(start.dt.truncate("1h")),
        "day": day,
        "week": day.dt.truncate("1w"),
        "month": day.dt.month_start(),
    }
    return [expressions[name].alias(name) for name in by if name in TIME_DIMENSIONS]


def labels(by: Iterable[str]) -> list[pl.Expr]:
    """Return the time dimensions of `by`, made by `units`, as ISO 8601 text: ``2026-10``, ``2026-W41``."""
    return [pl.col(name).dt.strftime(LABELS[name]) for name in by if name in TIME_DIMENSIONS]


def bucket_end(start: pl.Expr) -> pl.Expr:
    """Return the end of the bucket that begins at `start`, by its `granularity`; an event ends where it starts."""
    ends = start
    for granularity, length in LENGTHS.items():
        ends = pl.when(pl.col("granularity") == granularity).then(start.dt.offset_by(length)).otherwise(ends)
    return ends


def local_day(timezone: str) -> pl.Expr:
    """Return the day of usage rows in a time zone; rows of a day or coarser keep their UTC dates."""
    start = pl.col("charge_period_start")
    return pl.when(_dated()).then(start.dt.date()).otherwise(start.dt.convert_time_zone(timezone).dt.date())


def _dated() -> pl.Expr:
    return pl.col("granularity").is_in(DATED).fill_null(value=False)
