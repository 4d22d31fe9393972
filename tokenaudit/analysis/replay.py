"""Limits against the past: on which day of each window they would have warned and failed."""

from __future__ import annotations

import polars as pl

from tokenaudit.analysis.measures import EXACT, ratio


def fired(days: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each `limit`, `key` and window: when it warned and failed first, and how it ended.

    In: `limit` (its number), `key`, `start` (of the window), `day`, `amount`, `of` (what a share is a part of, null for
    others), `cap`, `warn_at` and `fail_at`. Out: `warned`, `over` (days, null for never), `ended` (over at the end) and
    `used` (ratio, at the end).
    """
    so_far = pl.col("amount", "of").cum_sum().over("limit", "key", "start", order_by="day")
    spent = pl.when(pl.col("of").is_null()).then("amount").otherwise(ratio(pl.col("amount"), pl.col("of")))
    rows = days.with_columns(so_far).with_columns(spent=spent.fill_null(0).cast(EXACT))
    late = pl.col("spent").last()
    return (
        rows.sort("day")
        .group_by("limit", "key", "start", maintain_order=True)
        .agg(
            warned=pl.col("day").filter(pl.col("spent") > pl.col("warn_at")).first(),
            over=pl.col("day").filter(pl.col("spent") > pl.col("fail_at")).first(),
            ended=late > pl.col("fail_at").last(),
            used=ratio(late, pl.col("cap").last()),
        )
    )


def summed(windows: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each `limit` of `fired`.

    Columns: `windows` (with usage, of each value one by one), `warned`, `over`, `notice` (days between warning and
    failing, the median), `for_nothing` (warned, and kept in the end), `worst` (ratio).
    """
    both = pl.col("over").is_not_null() & pl.col("warned").is_not_null()
    notice = (pl.col("over") - pl.col("warned")).dt.total_days().filter(both).sort()
    return (
        windows.group_by("limit")
        .agg(
            windows=pl.len().cast(pl.Int64),
            warned=pl.col("warned").count().cast(pl.Int64),
            over=pl.col("over").count().cast(pl.Int64),
            notice=notice.get((both.sum() - 1).clip(0) // 2, null_on_oob=True),
            for_nothing=(pl.col("warned").is_not_null() & ~pl.col("ended")).sum().cast(pl.Int64),
            worst=pl.col("used").max(),
        )
        .sort("limit")
    )
