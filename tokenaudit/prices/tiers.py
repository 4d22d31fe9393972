"""Context tiers: what a request of a certain size costs, and what sums of requests would cost if all were as large.

A provider reprices a whole request whose input exceeds a threshold. A row that adds up several requests, such as a day
of an export, does not tell their sizes: it has the standard price, and beside it what it would cost at most.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from tokenaudit.schema import INPUT_CLASSES

TIERS = (1, 2)


def input_above(thresholds: Iterable[int]) -> pl.Expr:
    """Return the greatest threshold that the whole input of a row exceeds, else 0; below 0 for sums of requests."""
    size, above = pl.sum_horizontal(INPUT_CLASSES), pl.lit(0, pl.Int64)
    for threshold in sorted(thresholds):
        above = pl.when(size > threshold).then(pl.lit(threshold, pl.Int64)).otherwise(above)
    return pl.when(pl.col("granularity") == "request").then(above).otherwise(-above)


def context_tier() -> pl.Expr:
    """Return the context tier of a request by `input_above` and its offer's thresholds; 0 for sums of requests."""
    return _tier(pl.col("input_above"))


def top_tier() -> pl.Expr:
    """Return the highest tier that a request within a sum may be of, null where there is no doubt."""
    tier = _tier(-pl.col("input_above"))
    return pl.when(tier > 0).then(tier)


def _tier(above: pl.Expr) -> pl.Expr:
    first, second = ((above >= pl.col(f"tier_{n}_above")).fill_null(value=False).cast(pl.Int8) for n in TIERS)
    return first + second


def with_top_rates(rows: pl.LazyFrame, rates: pl.LazyFrame, suffix: str) -> pl.LazyFrame:
    """Join the rates of `top_tier`, all columns with a suffix: one row for each interval of theirs."""
    top = rates.filter(pl.col("context_tier") > 0).rename(lambda name: name + suffix)
    return rows.join(top, left_on=["offer", "top_tier"], right_on=["offer" + suffix, "context_tier" + suffix])
