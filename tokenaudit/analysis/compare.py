"""A breakdown beside the one of the period before: shares, changes, what is new and what is gone."""

from __future__ import annotations

import polars as pl

from tokenaudit.analysis.breakdown import Breakdown
from tokenaudit.analysis.measures import EXACT, MEASURES, ratio
from tokenaudit.schema import MONEY, TIME_DIMENSIONS


def compare(now: Breakdown, before: Breakdown | None = None) -> pl.DataFrame:
    """Return the rows of `now` with two columns more, and after them the rows that only `before` has.

    `share`: ratio of the spend of its currency. `previous`: the spend before, 0 where the row is new, null where it is
    not known or there is nothing to compare with (`before` is None, or the rows are times). Rows that are gone hold 0
    everywhere but in `previous`.
    """
    spend = pl.col(now.cost)
    rows = now.rows.with_columns(share=ratio(spend, spend.sum().over("billing_currency")))
    if before is None or set(now.by) & set(TIME_DIMENSIONS):
        return rows.with_columns(previous=pl.lit(None, EXACT))
    return _beside(rows, before.rows, list(dict.fromkeys((*now.by, "billing_currency"))), now.cost)


def compare_totals(now: Breakdown, before: Breakdown | None = None) -> pl.DataFrame:
    """Return `totals_by_currency` of `now` with `previous` as in `compare`, for headings."""
    if before is None:
        return now.totals_by_currency.with_columns(previous=pl.lit(None, EXACT))
    return _beside(now.totals_by_currency, before.totals_by_currency, ["billing_currency"], now.cost)


def _beside(rows: pl.DataFrame, before: pl.DataFrame, keys: list[str], cost: str) -> pl.DataFrame:
    zero = pl.lit(0, EXACT)
    earlier = before.select(*keys, previous=cost)
    known = earlier.with_columns(known=True)
    previous = pl.when("known").then("previous").otherwise(zero).alias("previous")
    kept = rows.join(known, on=keys, how="left", nulls_equal=True, maintain_order="left").with_columns(previous)
    gone = earlier.join(rows, on=keys, how="anti", nulls_equal=True).sort(
        "previous", *keys, descending=_first(keys), nulls_last=True
    )
    nothing = [zero.alias(name) if name in MONEY else pl.lit(0, pl.Int64).alias(name) for name in MEASURES]
    return pl.concat([kept.drop("known"), gone.with_columns(nothing, share=zero).select(kept.drop("known").columns)])


def _first(keys: list[str]) -> list[bool]:
    return [True, *(False for _ in keys)]
