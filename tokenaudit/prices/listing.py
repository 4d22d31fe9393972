"""The price book as people ask for it: what is for sale on a day, what a model has cost, what will change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import polars as pl

from tokenaudit.errors import QueryError, did_you_mean
from tokenaudit.prices.book import PRICE_CLASSES, PriceBook

MILLION = Decimal(10**6)
TOKENS = tuple(name for name in PRICE_CLASSES if name.endswith("_tokens"))
PER_MILLION, PER_UNIT = "_per_million", "_each"
PRICES = tuple(f"{name}{PER_MILLION if name in TOKENS else PER_UNIT}" for name in PRICE_CLASSES)
"""What a million of a token class costs, and one of what is paid by the call."""
OFFER = ("seller", "price_model", "variant", "context_tier", "tier_1_above", "tier_2_above")
WHEN = ("effective_from", "effective_to", "band_start", "band_end", "weekdays")
LISTED = (*OFFER, *WHEN, *PRICES)
INPUT, OUTPUT = f"uncached_input_tokens{PER_MILLION}", f"output_tokens{PER_MILLION}"
CACHED = f"cache_read_input_tokens{PER_MILLION}"


def listed(book: PriceBook, *, undated: bool = False) -> pl.DataFrame:
    """Return every row of the book with its offer: `LISTED`, by seller, model, variant, tier and date.

    With `undated` those of the list without dates, where the book has one.
    """
    whole = book.undated if undated and book.undated else book
    prices = [
        (pl.col(name) * (MILLION if name in TOKENS else Decimal(1))).cast(pl.Decimal(38, 18)).alias(shown)
        for name, shown in zip(PRICE_CLASSES, PRICES, strict=True)
    ]
    rows = whole.rates.filter(pl.col("priced") > 0).join(whole.offers, on="offer").with_columns(prices)
    return rows.select(*LISTED).sort(*OFFER[:4], "effective_from", "band_start")


def on_day(rows: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return the rows in force at the end of a UTC day."""
    end = midnight(day + timedelta(days=1)) - timedelta(microseconds=1)
    return rows.filter(pl.col("effective_from") <= end, pl.col("effective_to") > end)


def standard(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of ordinary requests of ordinary size."""
    return rows.filter(pl.col("variant") == "standard", pl.col("context_tier") == 0)


def of_seller(rows: pl.DataFrame, seller: str | None) -> pl.DataFrame:
    """Return the rows of a seller, all where none is named. QueryError for an unknown one."""
    known = rows["seller"].unique().sort().to_list()
    if seller is not None and seller not in known:
        hint = did_you_mean(seller, known) or f"known: {', '.join(known)}"
        raise QueryError(f"no price list of `{seller}`", hint)
    return rows if seller is None else rows.filter(pl.col("seller") == seller)


def found_in(rows: pl.DataFrame, text: str, book: PriceBook) -> pl.DataFrame:
    """Return the rows of models whose name, or another name that their seller lists, holds a text in any case."""
    wanted = text.strip().lower()
    spelt = {(seller, model) for (seller, name), model in book.names.spelt.items() if wanted in name.lower()}
    keys = pl.DataFrame(sorted(spelt), {"seller": pl.String, "price_model": pl.String}, orient="row")
    named = pl.col("price_model").str.to_lowercase().str.contains(wanted, literal=True)
    other = rows.join(keys, on=["seller", "price_model"], how="semi")
    return pl.concat([rows.filter(named), other]).unique(maintain_order=True).sort(*OFFER[:4], "effective_from")


def scheduled(rows: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return the changes of price after a day, soonest first: the rows to come, and `PRICES` before as `old_...`."""
    coming = rows.filter(pl.col("effective_from") >= midnight(day + timedelta(days=1)))
    keys = ["seller", "price_model", "variant", "context_tier", "band_start", "weekdays"]
    before = rows.select(
        *keys, pl.col("effective_to").alias("effective_from"), *(pl.col(p).alias(f"old_{p}") for p in PRICES)
    )
    both = coming.join(before, on=[*keys, "effective_from"], how="left", maintain_order="left")
    return both.sort("effective_from", *OFFER[:4])


def open_ends(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows whose `effective_from` and `effective_to` are null where a price has no beginning or no end."""
    ends = (("effective_from", 1), ("effective_to", 9999))
    return rows.with_columns(pl.when(pl.col(name).dt.year() != year).then(name).alias(name) for name, year in ends)


def used(rows: pl.DataFrame, pairs: pl.DataFrame, book: PriceBook) -> pl.DataFrame:
    """Return the rows that price the names in `pairs` (`provider`, `request_model`)."""
    found = {(name.seller, name.price_model) for name in (book.names.find(*pair) for pair in pairs.iter_rows())}
    keys = pl.DataFrame(list(found), {"seller": pl.String, "price_model": pl.String}, orient="row")
    return rows.join(keys, on=["seller", "price_model"], how="semi", maintain_order="left")


def midnight(day: date) -> datetime:
    """Return the beginning of a UTC day."""
    return datetime.combine(day, time(), UTC)
