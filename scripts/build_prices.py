"""Build the price book that tokenaudit ships: ``python scripts/build_prices.py``.

Reads the installed genai-prices (a build-time dependency, pinned in pyproject.toml) and `price_overlay.toml`, and
writes the Parquet tables and `book.json` of `tokenaudit/prices/data`. The same inputs give the same tables; a test
holds what is shipped against what is built. See `tokenaudit/prices/book.py` for the columns.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from importlib.metadata import version
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from genai_prices.data import providers

sys.path.insert(0, str(Path(__file__).parent))

import price_names
import price_rates
from price_rates import CLASSES, Rate

SCRIPTS = Path(__file__).parent
DATA = SCRIPTS.parent / "tokenaudit" / "prices" / "data"
OVERLAY = SCRIPTS / "price_overlay.toml"
RELEASED = {"0.2.3": date(2026, 11, 10)}
"""Day on which a release of genai-prices was published."""
HIGHEST_TIER = 2
ATTO = 10**18
PRICED = {1: "uncached_input_tokens", 2: "output_tokens", 4: "web_search_requests"}
"""Bits of the column `priced`: all input classes are priced or none, and so the output classes."""
Schema = dict[str, pl.DataType | type[pl.DataType]]
RATE = pl.Decimal(38, 18)
UTC_TIME = pl.Datetime("us", "UTC")

OFFER_SCHEMA: Schema = {
    "offer": pl.Int32,
    "seller": pl.String,
    "price_model": pl.String,
    "variant": pl.String,
    "tier_1_above": pl.Int64,
    "tier_2_above": pl.Int64,
}
RATE_SCHEMA: Schema = {
    "offer": pl.Int32,
    "context_tier": pl.Int8,
    "effective_from": UTC_TIME,
    "effective_to": UTC_TIME,
    "band_start": pl.Int16,
    "band_end": pl.Int16,
    "priced": pl.Int8,
    **dict.fromkeys(CLASSES, RATE),
}
ALWAYS = (date(1, 1, 1), date(9999, 1, 1))
"""Beginning and end of prices that have none."""


class Book(NamedTuple):
    """The tables of a price book, and where they come from."""

    offers: pl.DataFrame
    rates: pl.DataFrame
    names: pl.DataFrame
    about: dict[str, Any]


def build() -> Book:
    """Return the price book made of the installed genai-prices and the overlay."""
    facts = price_rates.read_overlay(OVERLAY)
    offers: list[tuple[Any, ...]] = []
    rates: list[tuple[Any, ...]] = []
    for seller, model, variant, history in _histories(facts):
        above = price_rates.steps(history)
        offers.append((len(offers), seller, model, variant, *above, *[None] * (HIGHEST_TIER - len(above))))
        rates.extend(_row(len(offers) - 1, rate) for rate in price_rates.rates(history))
    names = [name for provider in providers for name in price_names.names(provider)]
    return Book(
        pl.DataFrame(offers, OFFER_SCHEMA, orient="row"),
        pl.DataFrame(rates, RATE_SCHEMA, orient="row"),
        pl.DataFrame(names, dict.fromkeys(price_names.Name._fields, pl.String), orient="row"),
        _about(facts),
    )


def _histories(facts: dict[str, list[dict[str, Any]]]) -> list[tuple[str, str, str, price_rates.History]]:
    """Return seller, model, variant and prices of everything that is for sale, sorted."""
    found = (
        (provider.id, model.id, variant, history)
        for provider in providers
        for model in provider.models
        for variant, history in price_rates.histories(
            model, price_rates.overlay_of(facts, provider.id, model.id)
        ).items()
    )
    return sorted(found, key=itemgetter(0, 1, 2))


def _row(offer: int, rate: Rate) -> tuple[Any, ...]:
    days = (day or end for day, end in zip((rate.start, rate.end), ALWAYS, strict=True))
    bounds = (datetime.combine(day, time(), UTC) for day in days)
    return (offer, rate.tier, *bounds, *rate.band, _priced(rate), *map(_decimal, rate.rates))


def _priced(rate: Rate) -> int:
    """Return as bits which of input tokens, output tokens and web searches have a price."""
    found = dict(zip(CLASSES, rate.rates, strict=True))
    return sum(bit for bit, name in PRICED.items() if found[name] is not None)


def _decimal(rate: Fraction | None) -> Decimal:
    """Return USD per unit to 18 places, which holds every list price and every product of factors exactly."""
    return Decimal(round((rate or 0) * ATTO)).scaleb(-18)


def _about(facts: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    release = version("genai-prices")
    return {
        "source": "genai-prices",
        "version": release,
        "released": RELEASED[release].isoformat(),
        "licence": "MIT, see THIRD-PARTY-NOTICES.md",
        "url": "https://github.com/pydantic/genai-prices",
        "overlay": max(fact["checked"] for kind in facts.values() for fact in kind).isoformat(),
        "fallbacks": {p.id: p.fallback_model_providers for p in providers if p.fallback_model_providers},
    }


def write(book: Book, folder: Path) -> None:
    """Write the tables and `book.json` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("offers", "rates", "names"):
        frame: pl.DataFrame = getattr(book, name)
        frame.write_parquet(folder / f"{name}.parquet", compression="zstd", compression_level=12, statistics=False)
    text = json.dumps(book.about, indent=2, sort_keys=True)
    (folder / "book.json").write_text(f"{text}\n", encoding="utf-8")


def main() -> None:
    """Build and write the price book, and say how large it is."""
    book = build()
    write(book, DATA)
    print(f"{book.offers.height} offers, {book.rates.height} rates, {book.names.height} names -> {DATA}")


if __name__ == "__main__":
    main()
