"""The tables of a price book: made of published prices and the overlay, checked, and written down."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from tokenaudit.prices import spelling
from tokenaudit.prices.book import FORMAT, TABLES, UNDATED_OFFERS, names_of
from tokenaudit.prices.making import corrections, facts, names, rates, undated, variants
from tokenaudit.prices.making.facts import Overlay
from tokenaudit.prices.making.published import Provider
from tokenaudit.prices.making.rates import CLASSES, History, Rate

HIGHEST_TIER = 2
ATTO = 10**18
PRICED = {1: "uncached_input_tokens", 2: "output_tokens", 4: "web_search_requests"}
"""Bits of the column `priced`: all input classes are priced or none, and so the output classes."""
Schema = dict[str, pl.DataType | type[pl.DataType]]
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
    "weekdays": pl.Int8,
    "priced": pl.Int8,
    **dict.fromkeys(CLASSES, pl.Decimal(38, 18)),
}
NAME_SCHEMA: Schema = dict.fromkeys(names.Name._fields, pl.String())
Sold = tuple[str, str, str, History]
"""Seller, model, variant and prices of something that is for sale."""


class Tables(NamedTuple):
    """The three tables of one kind of prices."""

    offers: pl.DataFrame
    rates: pl.DataFrame
    names: pl.DataFrame


class Release(NamedTuple):
    """What prices were published as."""

    source: str
    version: str
    released: date
    url: str


class Made(NamedTuple):
    """A price book as it is written down."""

    dated: Tables
    undated: Tables
    about: dict[str, Any]


def dated(providers: Sequence[Provider], overlay: Overlay) -> Tables:
    """Return the tables of dated prices."""
    market = {
        (provider.id, model.id): found
        for provider in providers
        for model in provider.models
        if (found := variants.histories(model, facts.of_model(overlay, provider.id, model.id)))
    }
    sold = (
        (*key, variant, history)
        for key, found in sorted(corrections.corrected(market, overlay).items())
        for variant, history in sorted(found.items())
        if any(span.prices for span in history)
    )
    known = [name for provider in providers for name in names.names(provider)]
    return _tables(sold, names.parted(known, overlay.get("split", ())), 0)


def undated_of(prices: Mapping[str, undated.Entry], known: Tables, fallbacks: dict[str, list[str]]) -> Tables:
    """Return the tables of undated prices: of models that the dated ones do not know at their seller."""
    there = names_of(known.names, fallbacks)
    priced = set(known.offers.select("seller", "price_model").iter_rows())
    found = []
    for offer in undated.offers(prices):
        name = there.find(offer.seller, offer.model)
        steps = max(len(rates.steps(history)) for history in offer.histories.values())
        zoned = spelling.is_zoned(offer.seller, spelling.read(offer.model))
        if steps <= HIGHEST_TIER and (zoned or name.assumed or (name.seller, name.price_model) not in priced):
            found.append(offer)
    called = _undated_names(found)
    reachable = {name.model for name in called}
    sold = (
        (item.seller, item.model, variant, history)
        for item in found
        if item.model in reachable
        for variant, history in item.histories.items()
    )
    return _tables(sold, called, UNDATED_OFFERS)


def _undated_names(found: Iterable[undated.Offer]) -> list[names.Name]:
    """Return the names of undated offers, those that say themselves who sells under no seller; the first counts."""
    rows: dict[tuple[str, str], names.Name] = {}
    for offer in found:
        for seller in (offer.seller, *([""] if offer.bare else [])):
            for text in offer.texts:
                rows.setdefault((seller, text), names.Name(seller, "is", text, offer.model))
    return sorted(rows.values())


def _tables(sold: Iterable[Sold], known: Iterable[names.Name], first: int) -> Tables:
    offers: list[tuple[Any, ...]] = []
    rows: list[tuple[Any, ...]] = []
    for number, (seller, model, variant, history) in enumerate(sold, first):
        above = rates.steps(history)
        offers.append((number, seller, model, variant, *above, *[None] * (HIGHEST_TIER - len(above))))
        rows.extend(_row(number, rate) for rate in rates.rates(history))
    return Tables(
        pl.DataFrame(offers, OFFER_SCHEMA, orient="row"),
        pl.DataFrame(rows, RATE_SCHEMA, orient="row"),
        pl.DataFrame(list(known), NAME_SCHEMA, orient="row"),
    )


def _row(offer: int, rate: Rate) -> tuple[Any, ...]:
    spans = (rate.start, rate.end, *rate.band, rate.days)
    return (offer, rate.tier, *spans, _priced(rate), *map(_decimal, rate.rates))


def _priced(rate: Rate) -> int:
    """Return as bits which of input tokens, output tokens and web searches have a price."""
    found = dict(zip(CLASSES, rate.rates, strict=True))
    return sum(bit for bit, name in PRICED.items() if found[name] is not None)


def _decimal(rate: Fraction | None) -> Decimal:
    """Return USD per unit to 18 places, which holds every list price and every product of factors exactly."""
    return Decimal(round((rate or 0) * ATTO)).scaleb(-18)


def about(genai: Release, litellm: Release | None, providers: Sequence[Provider], overlay: Overlay) -> dict[str, Any]:
    """Return what `book.json` says: where prices are from, and whose models a seller resells."""
    return {
        "format": FORMAT,
        "dated": described(genai),
        "undated": described(litellm) if litellm else None,
        "overlay": checked(overlay).isoformat(),
        "moved": [
            {"seller": fact["seller"], "model": model, "of": fact["of"], "from": fact["from"].isoformat()}
            for fact in overlay.get("alias", ())
            for model in fact["models"]
        ],
        "licence": "MIT, see THIRD-PARTY-NOTICES.md",
        "fallbacks": {provider.id: found for provider in providers if (found := _resold(provider, overlay))},
    }


def _resold(provider: Provider, overlay: Overlay) -> list[str]:
    """Return whose models a seller resells at their price."""
    own = {seller for fact in overlay.get("own", ()) if fact["seller"] == provider.id for seller in fact["not_of"]}
    return [seller for seller in provider.fallbacks if seller not in own]


def checked(overlay: Overlay) -> date:
    """Return the day on which a fact was last checked."""
    found: date = max(fact["checked"] for kind in overlay.values() for fact in kind)
    return found


def described(release: Release) -> dict[str, str]:
    """Return what `book.json` says of a release."""
    return {**release._asdict(), "released": release.released.isoformat()}


def files(made: Made) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the name of each table's file, and the table."""
    yield from zip(TABLES, (*made.dated, *made.undated), strict=True)


def write(made: Made, folder: Path) -> None:
    """Write the tables and `book.json` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in files(made):
        frame.write_parquet(folder / name, compression="zstd", compression_level=19, statistics=False)
    text = json.dumps(made.about, indent=2, sort_keys=True)
    (folder / "book.json").write_text(f"{text}\n", encoding="utf-8")
