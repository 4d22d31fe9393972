"""The bundled price book: list prices of all sellers, dated, as three small tables.

The tables are made by `scripts/build_prices.py` from genai-prices (MIT) and the few facts of
`scripts/price_overlay.toml`; every fallback (no cache price: the input price; no price for a cache life: the shorter
life's) and every factor (batch, fast mode, region) is already in them. All prices are in US dollars.
"""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

import polars as pl

from tokenaudit.prices.names import Names
from tokenaudit.schema import TOKEN_CLASSES

DATA = Path(__file__).with_name("data")
PRICE_CLASSES = (*TOKEN_CLASSES, "web_search_requests", "requests")
"""What is priced by the unit: usage columns, and columns of `PriceBook.rates`."""
INPUT, OUTPUT, SEARCH = 1, 2, 4
"""Bits of `priced`: which of input tokens, output tokens and web searches have a price."""


class PriceBook(NamedTuple):
    """Prices and names of models."""

    version: str
    """Where the prices come from, with version, for people."""
    date: date
    """Day of the youngest fact in the book."""
    offers: pl.DataFrame
    """What is for sale. `offer` (Int32, its number), `seller`, `price_model` (its name there), `variant` (``standard``,
    ``batch``, ``flex``, ``priority``, ``fast``, ``ultrafast``, each also with `` us`` where inference is kept there),
    `tier_1_above` and `tier_2_above` (Int64: a request with more input tokens is of that context tier; null: none)."""
    rates: pl.DataFrame
    """What it costs. `offer`, `context_tier` (Int8), `effective_from` and `effective_to` (UTC, half-open; the years 1
    and 9999 where there is no end), `band_start` and `band_end` (Int16, minutes of the UTC day, half-open), `priced`
    (Int8, bits INPUT, OUTPUT, SEARCH) and one column for each of `PRICE_CLASSES` (Decimal(38, 18), USD per unit; 0
    without a price). The intervals and bands of a tier of an offer cover all time once."""
    names: Names
    """Finds what logs call the models."""


@cache
def load_book(folder: Path = DATA) -> PriceBook:
    """Return the price book in a folder, by default the one that came with this version."""
    about = json.loads((folder / "book.json").read_text(encoding="utf-8"))
    tables = (pl.scan_parquet(folder / f"{table}.parquet") for table in ("offers", "rates", "names"))
    offers, rates, names = pl.collect_all(tables)
    return PriceBook(
        version=f"{about['source']} {about['version']}, overlay {about['overlay']}",
        date=date.fromisoformat(max(about["released"], about["overlay"])),
        offers=offers,
        rates=rates,
        names=_names(names, about["fallbacks"]),
    )


def _names(table: pl.DataFrame, fallbacks: dict[str, list[str]]) -> Names:
    spelt = table.filter(pl.col("kind") == "is")
    keys = zip(spelt["seller"].to_list(), spelt["text"].to_list(), strict=True)
    patterns = table.filter(pl.col("kind") != "is").rows()
    return Names(dict(zip(keys, spelt["model"].to_list(), strict=True)), patterns, fallbacks)
