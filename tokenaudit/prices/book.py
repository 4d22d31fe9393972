"""The bundled price book: list prices of all sellers, dated, as three small tables.

The tables are made by `scripts/build_prices.py` from genai-prices (MIT) and the few facts of
`scripts/price_overlay.toml`; every fallback (no cache price: the input price; no price for a cache life: the shorter
life's) and every factor (batch, fast mode, region) is already in them. All prices are in US dollars.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import polars as pl

from tokenaudit.prices.names import Names
from tokenaudit.schema import TOKEN_CLASSES

DATA = Path(__file__).with_name("data")
PRICE_CLASSES = (*TOKEN_CLASSES, "web_search_requests", "requests")
"""What is priced by the unit: usage columns, and columns of `PriceBook.rates`."""
INPUT, OUTPUT, SEARCH = 1, 2, 4
"""Bits of `priced`: which of input tokens, output tokens and web searches have a price."""
ALWAYS = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class PriceBook:
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
    """What it costs. `offer`, `context_tier` (Int8), `effective_from` and `effective_to` (UTC, half-open), `band_start`
    and `band_end` (Int16, minutes of the UTC day, half-open), one column for each of `PRICE_CLASSES` (Decimal(38, 18),
    USD per unit; 0 without a price) and `priced` (Int8, bits INPUT, OUTPUT, SEARCH). The intervals and bands of an
    offer's tier cover all time once."""
    names: Names
    """Finds what logs call the models."""


@cache
def load_book(folder: Path = DATA) -> PriceBook:
    """Return the price book in a folder, by default the one that came with this version."""
    about = json.loads((folder / "book.json").read_text(encoding="utf-8"))
    names = pl.read_parquet(folder / "names.parquet")
    return PriceBook(
        version=f"{about['source']} {about['version']}, overlay {about['overlay']}",
        date=date.fromisoformat(max(about["released"], about["overlay"])),
        offers=pl.read_parquet(folder / "offers.parquet"),
        rates=_open_ended(pl.read_parquet(folder / "rates.parquet")),
        names=Names(zip(*(column.to_list() for column in names), strict=True), about["fallbacks"]),
    )


def _open_ended(rates: pl.DataFrame) -> pl.DataFrame:
    """Put instants in place of open ends and zeros in place of prices that do not exist, which `priced` remembers."""
    parts = ((INPUT, "uncached_input_tokens"), (OUTPUT, "output_tokens"), (SEARCH, "web_search_requests"))
    priced = pl.sum_horizontal(pl.col(name).is_not_null() * pl.lit(bit, pl.Int8) for bit, name in parts)
    bounds = zip(("effective_from", "effective_to"), ALWAYS, strict=True)
    open_ends = [pl.col(name).fill_null(pl.lit(end, rates.schema[name])) for name, end in bounds]
    return rates.with_columns(priced.alias("priced"), *open_ends).with_columns(pl.col(PRICE_CLASSES).fill_null(0))
