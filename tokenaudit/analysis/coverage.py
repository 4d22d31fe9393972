"""What a store holds of each source, and on which days it holds nothing: frames to frames."""

from __future__ import annotations

import polars as pl

from tokenaudit.schema import TOKEN_CLASSES

DAY = pl.duration(days=1)
MICROSECOND = pl.duration(microseconds=1)


def held(rows: pl.LazyFrame) -> pl.DataFrame:
    """Return one row for each `source` of usage rows, in order of name.

    Columns: `rows`, `tokens`, `first` (start of the earliest row), `newest_start` (of the latest), `newest` (instant up
    to which the rows reach), `unfinished` (rows whose output is a placeholder), `nobody` (that name no user),
    `nowhere` (that name no project).
    """
    start = pl.col("charge_period_start")
    return (
        rows.filter(~pl.col("blank"))
        .group_by(pl.col("source").cast(pl.String))
        .agg(
            rows=pl.len().cast(pl.Int64),
            tokens=pl.sum_horizontal(pl.col(TOKEN_CLASSES).sum()),
            first=start.min(),
            newest_start=start.max(),
            newest=pl.max_horizontal(start, "charge_period_end").max(),
            unfinished=(~pl.col("finalized")).sum().cast(pl.Int64),
            nobody=pl.col("user").null_count().cast(pl.Int64),
            nowhere=pl.col("project").null_count().cast(pl.Int64),
        )
        .sort("source")
        .collect(engine="streaming")
    )


def gaps(rows: pl.LazyFrame) -> pl.DataFrame:
    """Return the stretches of UTC days, between a source's first and last, that none of its rows covers.

    Columns: `source`, `first`, `last` (inclusive), `days`, `weekdays` (Monday to Friday among them). A bucket covers
    all its days, and so does one that its file declares empty.
    """
    following = pl.col("day").shift(-1).over("source", order_by="day")
    first, last = pl.col("first"), pl.col("last")
    return (
        _covered(rows)
        .select("source", first=pl.col("day") + DAY, last=following - DAY)
        .filter(first <= last)
        .with_columns(
            days=(last - first).dt.total_days() + 1,
            weekdays=pl.business_day_count("first", last + DAY).cast(pl.Int64),
        )
        .sort("source", "first")
        .collect()
    )


def _covered(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return each `day` that a row of a `source` touches, once."""
    start = pl.col("charge_period_start")
    last = pl.max_horizontal(start, pl.col("charge_period_end") - MICROSECOND)
    spans = rows.select(pl.col("source").cast(pl.String), first=start.dt.date(), last=last.dt.date()).unique()
    return spans.select("source", day=pl.date_ranges("first", "last")).explode("day").unique()
