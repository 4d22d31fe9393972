"""From what was spent to a verdict on every limit: frames to frames, all limits at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from tokenaudit.analysis.measures import EXACT, ratio

COST = {"effective": "effective_cost", "list": "list_cost", "billed": "billed_cost"}
CASE: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "case": pl.Int64,
    "view": pl.Int64,
    "whole": pl.Int64,
    "window": pl.Int64,
    "pace": pl.Int64,
    "unit": pl.String,
    "currency": pl.String,
    "covered": pl.List(pl.String),
    "cost": pl.String,
    "limit": EXACT,
    "warn_at": EXACT,
    "fail_at": EXACT,
    "last": pl.Date,
    "each": pl.Boolean,
}
"""A limit in one of its windows: numbers of its view, of the view a share is a part of, of its window and of the window
of the run-rate; what is spent may not exceed `fail_at`. `covered` are currencies that other limits judge there."""
EXEMPT: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "case": pl.Int64,
    "key": pl.String,
    "limit": EXACT,
    "warn_at": EXACT,
    "fail_at": EXACT,
}
"""Other limits of single values."""
PACE_DAYS = 7
FAR = 1_000_000


def judged(cases: pl.DataFrame, exempt: pl.DataFrame, spending: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return a row for each case, and for each value where a case is about single ones.

    In: `CASE`, `EXEMPT`, and what was spent by `view`, `key`, `window` and `billing_currency` as `by_window` has it.
    Out: `case`, `key`, `limit`, `fail_at`, `spent`, `used` (ratio), `pace_spent` (in the last days), `tokens`, `other`
    (money in another currency), `verdict` and `over_on` (the day on which the run-rate exceeds the limit).
    """
    rows = _sums(cases, spending, "view", "window").filter(~pl.col("each") | (pl.col("key").is_not_null() & _any()))
    paced = _sums(cases, spending, "view", "pace").select("case", "key", pace_spent="spent", pace_tokens="tokens")
    wholes = _sums(cases.filter(pl.col("whole").is_not_null()), spending, "whole", "window")
    full = (
        rows.join(wholes.select("case", "key", of="spent"), on=["case", "key"], how="left", nulls_equal=True)
        .join(paced, on=["case", "key"], how="left", nulls_equal=True)
        .join(exempt, on=["case", "key"], how="left", suffix="_exempt")
        .with_columns(pl.coalesce(f"{name}_exempt", name).alias(name) for name in ("limit", "warn_at", "fail_at"))
        .with_columns(spent=_spent())
    )
    return full.with_columns(used=ratio(pl.col("spent"), pl.col("limit")), verdict=_verdict(), over_on=_over_on(as_of))


def _sums(cases: pl.DataFrame, spending: pl.DataFrame, view: str, window: str) -> pl.DataFrame:
    """Return what was spent in a window of each case; nothing at all is one row of nulls."""
    beside = cases.join(spending, left_on=[view, window], right_on=["view", "window"], how="left")
    cost = pl.coalesce(pl.when(pl.col("cost") == name).then(column) for name, column in COST.items())
    own = pl.col("billing_currency") == pl.col("currency")
    other = ~own & ~pl.col("billing_currency").is_in(pl.col("covered"))
    money = beside.with_columns(own_cost=pl.when(own).then(cost), other_cost=pl.when(other).then(cost))
    names = [*(name for name in CASE if name != "covered"), "key"]
    known = pl.col("own_cost").count() > 0
    return money.group_by(names).agg(
        spent=pl.when(known).then(pl.col("own_cost").sum()),
        other=pl.col("other_cost").abs().sum(),
        tokens=pl.col("tokens").sum(),
        requests=pl.col("requests").sum(),
        unpriced_tokens=pl.col("unpriced_tokens").sum(),
    )


def _any() -> pl.Expr:
    return (pl.col("requests") != 0) | (pl.col("tokens") != 0) | pl.col("spent").is_not_null()


def _spent() -> pl.Expr:
    """Return what was spent in the unit of the limit: nothing is 0, only what has no price is not known."""
    nothing = pl.lit(0).cast(EXACT)
    money = pl.when(~_any()).then(nothing).otherwise("spent")
    part = pl.when((pl.col("of") != 0).fill_null(value=False)).then(ratio(pl.col("spent").fill_null(0), pl.col("of")))
    share = pl.when(~_any()).then(nothing).otherwise(part)
    unit = pl.col("unit")
    return (
        pl.when(unit == "tokens").then(pl.col("tokens").cast(EXACT)).when(unit == "share").then(share).otherwise(money)
    )


def _verdict() -> pl.Expr:
    spent = pl.col("spent")
    unknown = spent.is_null() | ((pl.col("unit") != "tokens") & (pl.col("other") != 0))
    return (
        pl.when(spent > pl.col("fail_at"))
        .then(pl.lit("over"))
        .when(unknown)
        .then(pl.lit("unjudged"))
        .when(spent > pl.col("warn_at"))
        .then(pl.lit("warn"))
        .otherwise(pl.lit("ok"))
    )


def _over_on(as_of: date) -> pl.Expr:
    """Return the first day on which spending as in the last days exceeds the limit, if the window lasts till then."""
    tokens = pl.col("pace_tokens").cast(EXACT)
    pace = pl.when(pl.col("unit") == "tokens").then(tokens).otherwise("pace_spent").cast(EXACT).to_physical()
    left = (pl.col("fail_at") - pl.col("spent")).to_physical()
    days = left * PACE_DAYS // pl.when(pace > 0).then(pace) + 1
    day = pl.lit(as_of) + pl.duration(days=days.clip(0, FAR).cast(pl.Int64))
    comes = (left >= 0) & (day <= pl.col("last")) & (pl.col("unit") != "share")
    return pl.when(comes).then(day)
