"""Charges in one currency, each converted with the rate of its day; what has no rate keeps its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tokenaudit.analysis.agreed import DAY
from tokenaudit.analysis.allot import scaled
from tokenaudit.analysis.measures import AMOUNTS
from tokenaudit.terms.exchange import conversion
from tokenaudit.terms.records import Fx

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

BY_DAY = ("billing_currency", DAY)
RATES: dict[str, PolarsDataType] = {
    "billing_currency": pl.String,
    DAY: pl.Date,
    "fx_rate": pl.Decimal(38, 18),
    "fx_divided": pl.Boolean,
    "fx_pair": pl.String,
    "fx_on": pl.Date,
}


class Converted(NamedTuple):
    """Charges in one currency as far as there are rates."""

    charges: pl.DataFrame
    rates: pl.DataFrame
    """Each day's rate, null where there is none: RATES."""


def converted(charges: pl.DataFrame, rates: Sequence[Fx], currency: str) -> Converted:
    """Return charges with `billing_currency`, `on_day` and AMOUNTS in `currency`."""
    texts = charges.with_columns(pl.col("billing_currency").cast(pl.String))
    days = texts.filter(pl.col("billing_currency") != currency).select(BY_DAY).unique().sort(BY_DAY)
    found = pl.DataFrame([_row(rates, base, day, currency) for base, day in days.iter_rows()], RATES, orient="row")
    beside = texts.join(found, on=BY_DAY, how="left", maintain_order="left")
    known = pl.col("fx_rate").is_not_null()
    changed = scaled(beside.filter(known), AMOUNTS, _changed, [*BY_DAY, "fx_rate", "fx_divided"])
    whole = pl.concat([changed.with_columns(billing_currency=pl.lit(currency)), beside.filter(~known)])
    return Converted(whole.drop("^fx_.*$"), found)


def _changed(amount: pl.Expr) -> pl.Expr:
    rate = pl.col("fx_rate")
    return pl.when("fx_divided").then(amount / rate).otherwise(amount * rate)


def _row(rates: Sequence[Fx], base: str, day: date, currency: str) -> tuple[object, ...]:
    found = conversion(rates, base, currency, day)
    if found is None:
        return base, day, None, None, None, None
    rate = found.rate
    return base, day, rate.rate, found.divided, f"{rate.base}/{rate.quote}", rate.on
