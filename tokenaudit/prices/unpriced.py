"""Why a row has no price."""

from __future__ import annotations

import polars as pl

from tokenaudit.prices.book import PriceBook

CURRENCY = "USD"
"""Currency of the price book, and of rows that name none."""
REASONS = ("model", "date", "unit", "currency")
"""The model is not known; it has no price on that day; none for such a unit; none in that currency."""


def reason(book: PriceBook) -> pl.Expr:
    """Return why a row has no price, one of REASONS, where its offer and the rates in force are joined to it.

    A model that is for sale at other times has no price on that day. A source that says ``unpriced`` counts units that
    no column holds.
    """
    priced = book.rates.group_by("offer").agg(least=pl.col("priced").min(), most=pl.col("priced").max())
    passing = priced.filter(pl.col("least") == 0, pl.col("most") > 0)["offer"]
    gone = (pl.col("priced") == 0) & pl.col("offer").is_in(passing.implode())
    return pl.coalesce(
        pl.when((pl.col("cost_basis") == "unpriced").fill_null(value=False)).then(pl.lit("unit")),
        pl.when(pl.col("offer").is_null()).then(pl.lit("model")),
        pl.when(pl.col("billing_currency") != CURRENCY).then(pl.lit("currency")),
        pl.when(gone).then(pl.lit("date")),
        pl.lit("unit"),
    )
