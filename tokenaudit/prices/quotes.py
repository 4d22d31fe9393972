"""Which offer a logged name is priced by, for every way in which it can be bought."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import polars as pl

from tokenaudit.prices.book import PriceBook
from tokenaudit.prices.names import Name

PURCHASES = ("standard", "batch", "flex", "priority", "fast", "ultrafast", "other")
"""How a request can be bought, as far as its price depends on it. ``other``: in a way the book does not know."""
REGIONS: tuple[tuple[str, ...], ...] = (("",), (" us", " regional", ""), (" regional", ""))
"""Where inference was kept, as far as prices depend on it: not said, or anywhere; in the United States; in another
region. For each the ends of the names of the variants that fit, best first."""
US = len(PURCHASES)
"""Added to the number of a purchase where inference was kept in the United States."""
REGION = 2 * US
"""Added to the number of a purchase where it was kept in another region."""
WISH = pl.Int8
"""A `wish` is the number of a purchase in PURCHASES, plus US or REGION."""


ORDINARY = ("standard", "default", "auto", "on_demand")
"""Service tiers at the standard price."""
ANYWHERE = ("", "global")
"""Regions that do not say where inference was kept."""


def wish() -> pl.Expr:
    """Return the number of the way in which a usage row was bought, see `quotes`."""
    tier, numbers = pl.col("service_tier"), {name: pl.lit(n, WISH) for n, name in enumerate(PURCHASES)}
    purchase = pl.when(pl.col("batch")).then(numbers["batch"]).when(pl.col("speed") == "fast").then(numbers["fast"])
    for name in PURCHASES[1:-1]:
        purchase = purchase.when(tier == name).then(numbers[name])
    bought = purchase.when(tier.is_null() | tier.is_in(ORDINARY)).then(numbers["standard"]).otherwise(numbers["other"])
    region = pl.col("region").cast(pl.String)
    anywhere = region.is_null() | region.is_in(ANYWHERE)
    place = pl.when(anywhere).then(pl.lit(0, WISH)).when(region.str.starts_with("us")).then(pl.lit(US, WISH))
    return bought + place.otherwise(pl.lit(REGION, WISH))


def quotes(pairs: pl.DataFrame, book: PriceBook) -> pl.DataFrame:
    """Return the offers for distinct pairs of `provider` and `request_model`.

    One row for each pair and each `wish`: `seller_named` (the provider, filled where the log has none), `model` (the
    canonical name), `offer` (Int32, null where there is no price), `assumed` (the wish or the seller is not in the
    book: another price stands in), `tier_1_above` and `tier_2_above` (Int64).
    """
    found = [book.names.find(*pair) for pair in pairs.select("provider", "request_model").rows()]
    named = pl.DataFrame(found, NAMED, orient="row").with_row_index("pair")
    chosen = (
        named.join(_offers(found, book), on=["seller", "price_model", "undated"])
        .join(_wishes(), on=["variant", "fast"])
        .filter(~(pl.col("resold") & pl.col("variant").str.contains(" ", literal=True)))
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


NAMED = {
    "seller_named": pl.String,
    "model": pl.String,
    "seller": pl.String,
    "price_model": pl.String,
    "fast": pl.Boolean,
    "lent": pl.Boolean,
    "resold": pl.Boolean,
    "undated": pl.Boolean,
}
"""The fields of `Name`, as columns."""


def _offers(found: list[Name], book: PriceBook) -> pl.DataFrame:
    """Return all offers, those of undated prices only where a name needs them."""
    offers = book.offers.with_columns(undated=pl.lit(value=False))
    if book.undated is None or not any(name.undated for name in found):
        return offers
    return pl.concat([offers, book.undated.offers.with_columns(undated=pl.lit(value=True))])


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
            for region, suffixes in enumerate(REGIONS):
                choices = [name + suffix for name in dict.fromkeys((wanted, "standard")) for suffix in suffixes]
                for rank, choice in enumerate(choices):
                    yield number + region * US, fast, choice, rank, not choice.startswith(wanted)
