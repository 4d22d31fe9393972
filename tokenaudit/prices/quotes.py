"""Which offer a logged name is priced by, for every way in which it can be bought."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import polars as pl

from tokenaudit.prices.book import PriceBook

PURCHASES = ("standard", "batch", "flex", "priority", "fast", "ultrafast", "other")
"""How a request can be bought, as far as its price depends on it. ``other``: in a way the book does not know."""
US = len(PURCHASES)
"""Added to the number of a purchase where inference was kept in the United States."""
WISH = pl.Int8
"""A `wish` is the number of a purchase in PURCHASES, plus US."""


def quotes(pairs: pl.DataFrame, book: PriceBook) -> pl.DataFrame:
    """Return the offers for distinct pairs of `provider` and `request_model`.

    One row for each pair and each `wish`: `seller_named` (the provider, filled where the log has none), `model` (the
    canonical name), `offer` (Int32, null where there is no price), `assumed` (the wish or the seller is not in the
    book: another price stands in), `tier_1_above` and `tier_2_above` (Int64).
    """
    found = [book.names.find(*pair) for pair in pairs.select("provider", "request_model").rows()]
    fields = {"seller_named": pl.String, "model": pl.String, "seller": pl.String, "price_model": pl.String}
    named = pl.DataFrame(found, {**fields, "fast": pl.Boolean, "lent": pl.Boolean}, orient="row").with_row_index("pair")
    chosen = (
        named.join(book.offers, on=["seller", "price_model"])
        .join(_wishes(), on=["variant", "fast"])
        .sort("rank")
        .unique(["pair", "wish"], keep="first")
        .select("pair", "wish", "offer", pl.col("assumed") | pl.col("lent"), "^tier_._above$")
    )
    seller, model = (
        pl.col("seller_named").cast(pairs.schema["provider"]),
        pl.col("model").cast(pairs.schema["request_model"]),
    )
    keys = pairs.select("provider", "request_model").with_columns(named.select("pair", seller, model))
    every = keys.join(_wishes().select("wish").unique(), how="cross")
    return every.join(chosen, on=["pair", "wish"], how="left").drop("pair")


@cache
def _wishes() -> pl.DataFrame:
    """Return the variants that fulfil each wish, best first.

    `wish`, `fast` (the name itself asks for the fast variant), `variant`, `rank`, `assumed` (not what was asked for).
    """
    schema = {"wish": WISH, "fast": pl.Boolean, "variant": pl.String, "rank": pl.Int8, "assumed": pl.Boolean}
    return pl.DataFrame(list(_preferences()), schema, orient="row")


def _preferences() -> Iterator[tuple[int, bool, str, int, bool]]:
    for number, purchase in enumerate(PURCHASES):
        for fast in (False, True):
            wanted = "fast" if fast and purchase == "standard" else purchase
            for region, suffixes in enumerate((("",), (" us", ""))):
                choices = [name + suffix for name in dict.fromkeys((wanted, "standard")) for suffix in suffixes]
                for rank, choice in enumerate(choices):
                    yield number + region * US, fast, choice, rank, not choice.startswith(wanted)
