"""Limits that are exceeded: since when, and by whom most of it was spent."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tokenaudit.analysis.measures import ratio
from tokenaudit.analysis.verdicts import COST

OVER = ("case", "key", "window", "unit", "currency", "cost", "fail_at", "spent")
"""What is known of a row that is over; `view` numbers its place among those looked at."""


def spent_by(over: pl.DataFrame, sums: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return `case`, `key`, `name` and `amount` in the unit of the case, for rows that are over.

    `sums` are those of `by_window` with `view`, `key` and the dimension `name`.
    """
    beside = over.join(sums, on=["view", "key", "window"], nulls_equal=True)
    cost = pl.coalesce(pl.when(pl.col("cost") == view).then(column) for view, column in COST.items())
    money = pl.when(pl.col("billing_currency") == pl.col("currency")).then(cost)
    tokens = pl.col("tokens").cast(pl.Decimal(38, 18))
    amount = pl.when(pl.col("unit") == "tokens").then(tokens).otherwise(money)
    return (
        beside.with_columns(amount=amount).group_by("case", "key", "fail_at", "unit", name).agg(pl.col("amount").sum())
    )


def crossed(days: pl.DataFrame) -> pl.DataFrame:
    """Return the first `day` on which the sum so far exceeded `fail_at`, for each `case` and `key` of `spent_by`."""
    so_far = pl.col("amount").cum_sum().over("case", "key", order_by="day")
    over = (
        days.filter(pl.col("unit") != "share").with_columns(so_far=so_far).filter(pl.col("so_far") > pl.col("fail_at"))
    )
    return over.group_by("case", "key").agg(crossed=pl.col("day").min().str.to_date())


def largest(parts: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return which value of `name` most was spent by, for each `case` and `key`: `by`, `value`, `amount`, `share`."""
    whole = pl.col("amount").sum().over("case", "key")
    shares = parts.with_columns(
        share=ratio(pl.col("amount"), whole), by=pl.lit(name), value=pl.col(name).cast(pl.String)
    )
    first = shares.sort("amount", "value", descending=[True, False], nulls_last=True)
    return (
        first.group_by("case", "key", maintain_order=True)
        .first()
        .select("case", "key", "by", "value", "amount", "share")
    )


def worst(rows: pl.DataFrame, limit: int) -> pl.DataFrame:
    """Return the rows that are over, of each case those with the largest values."""
    return rows.filter(pl.col("verdict") == "over").group_by("case", maintain_order=True).head(limit)


def keys(over: pl.DataFrame) -> Sequence[str]:
    """Return the values of `each` that are over."""
    return over["key"].drop_nulls().unique().sort().to_list()
