"""The price book: list prices of all sellers, dated, as three small tables, and three more of undated prices.

The tables are made by `scripts/build_prices.py` from genai-prices and LiteLLM (both MIT) and the facts of
`overlay.toml`; every fallback (no cache price: the input price; no price for a cache life: the shorter life's) and
every factor (batch, fast mode, region) is already in them. All prices are in US dollars.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from tokenaudit.prices.names import Names
from tokenaudit.schema import TOKEN_CLASSES

DATA = Path(__file__).with_name("data")
FORMAT = 2
"""Version of the tables; a book of another one cannot be read."""
TABLES = tuple(f"{kind}{table}.parquet" for kind in ("", "undated_") for table in ("offers", "rates", "names"))
UNDATED_OFFERS = 1_000_000
"""Number of the first undated offer: those of dated prices are below."""
PRICE_CLASSES = (*TOKEN_CLASSES, "reasoning_output_tokens", "web_search_requests", "requests")
"""What is priced by the unit: usage columns, and columns of `PriceBook.rates`."""
INPUT, OUTPUT, SEARCH = 1, 2, 4
"""Bits of `priced`: which of input tokens, output tokens and web searches have a price."""


class Undated:
    """Prices of a list without dates, for models that no dated source knows. Read when first asked for."""

    def __init__(self, folder: Path) -> None:
        """Remember the folder, and read nothing yet."""
        self.folder = folder

    @cached_property
    def offers(self) -> pl.DataFrame:
        """As `PriceBook.offers`, numbered from UNDATED_OFFERS; `price_model` is the model's key in the list."""
        return pl.read_parquet(self.folder / TABLES[3])

    @cached_property
    def rates(self) -> pl.DataFrame:
        """As `PriceBook.rates`."""
        return pl.read_parquet(self.folder / TABLES[4])

    @cached_property
    def names(self) -> Names:
        """Find models; those that say themselves who sells them are listed under the seller ``""``, too."""
        return names_of(pl.read_parquet(self.folder / TABLES[5]), {})

    @property
    def needed(self) -> bool:
        """Say whether any offer has been asked for."""
        return "offers" in vars(self)


class PriceBook(NamedTuple):
    """Prices and names of models."""

    version: str
    """Where the prices come from, with version, for people."""
    date: date
    """Day of the youngest fact in the book."""
    offers: pl.DataFrame
    """What is for sale. `offer` (Int32, its number), `seller`, `price_model` (its name there), `variant` (``standard``,
    ``batch``, ``flex``, ``priority``, ``fast``, ``ultrafast``, each also with `` us`` or `` regional`` where inference
    is kept there), `tier_1_above` and `tier_2_above` (Int64: a request with more input tokens is of that context tier;
    null: none)."""
    rates: pl.DataFrame
    """What it costs. `offer`, `context_tier` (Int8), `effective_from` and `effective_to` (UTC, half-open; the years 1
    and 9999 where there is no end), `band_start` and `band_end` (Int16, minutes of the UTC day, half-open), `weekdays`
    (Int8, bits from Monday, 1, to Sunday, 64), `priced` (Int8, bits INPUT, OUTPUT, SEARCH; 0: not for sale then) and
    one column for each of `PRICE_CLASSES` (Decimal(38, 18), USD per unit; 0 without a price; of reasoning, which is
    part of the output, what it costs beyond that). The intervals, bands and days of a tier of an offer cover all time
    once."""
    names: Names
    """Finds what logs call the models."""
    undated: Undated | None = None
    """The last resort; None for a book without it."""
    about: Mapping[str, Any] = {}
    """What `book.json` says: releases, days and licences of what the book is made of."""

    def all_rates(self) -> pl.DataFrame:
        """Return the rates, those of undated offers among them if any has been asked for."""
        return pl.concat([self.rates, self.undated.rates]) if self.undated and self.undated.needed else self.rates


def load_book(folder: Path | None = None) -> PriceBook:
    """Return the price book in a folder, by default the one that came with this version."""
    return _loaded(folder or DATA)


@cache
def _loaded(folder: Path) -> PriceBook:
    about = json.loads((folder / "book.json").read_text(encoding="utf-8"))
    offers, rates, names = (pl.read_parquet(folder / table) for table in TABLES[:3])
    undated = Undated(folder) if about["undated"] else None
    return PriceBook(
        version=_version(about),
        date=date.fromisoformat(max(about["dated"]["released"], about["overlay"])),
        offers=offers,
        rates=rates,
        names=names_of(names, about["fallbacks"], undated),
        undated=undated,
        about=about,
    )


def _version(about: Mapping[str, Any]) -> str:
    releases = [
        f"{release['source']} {release['version']}" for release in (about["dated"], about["undated"]) if release
    ]
    return f"{', '.join(releases)}, overlay {about['overlay']}"


def names_of(table: pl.DataFrame, fallbacks: Mapping[str, list[str]], undated: Undated | None = None) -> Names:
    """Return what finds the names of a table."""
    spelt = table.filter(pl.col("kind") == "is")
    keys = zip(spelt["seller"].to_list(), spelt["text"].to_list(), strict=True)
    patterns = table.filter(pl.col("kind") != "is").rows()
    return Names(dict(zip(keys, spelt["model"].to_list(), strict=True)), patterns, fallbacks, undated)
