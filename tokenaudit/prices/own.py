"""Prices of one's own, for models that the price book lacks: they never take the place of a price it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from tokenaudit.prices import spelling
from tokenaudit.prices.book import INPUT, OUTPUT, PRICE_CLASSES, SEARCH, PriceBook
from tokenaudit.prices.names import Name, Names
from tokenaudit.terms import patterns
from tokenaudit.terms.records import INSTEAD, UNITS, Price, Prices

OWN = "(your prices)"
"""Seller of what is priced so."""
BEGINNING, END = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
MINUTES_OF_DAY, ALL_DAYS = 24 * 60, 0b111_1111
MILLION, THOUSAND = Decimal(10**6), Decimal(10**3)


class Filled(Names):
    """The names of a price book, and behind them those that one's own prices are for."""

    def __init__(self, names: Names, prices: Iterable[Price]) -> None:
        self.__dict__.update(vars(names))
        self.own: dict[tuple[bool, str | None, str], Price] = {key_of(price): price for price in prices}

    def find(self, provider: str | None, request_model: str | None) -> Name:
        """Return what a name means; where it has no price, with that of the pattern that says most."""
        named = super().find(provider, request_model)
        if named.price_model is not None or request_model is None:
            return named
        fitting = [price for price in self.own.values() if price.provider is None or sells(price.provider, named)]
        for assumed in (False, True):
            choices = [(price.model, price) for price in fitting if price.assumed == assumed]
            if found := patterns.best(choices, (request_model, named.model)):
                price = found[1]
                self.note(OWN, price.model, request_model, False)  # noqa: FBT003 - as `Names` notes its look-ups
                seller = named.provider or price.provider
                return named._replace(
                    provider=seller, seller=OWN, price_model=title_of(key_of(price)), fast=False, assumed=assumed
                )
        return named


def sells(provider: str, named: Name) -> bool:
    """Say whether a provider, as people write it, is the one of a name; nobody knows where the name has none."""
    return named.provider is None or provider.strip().lower() in spellings(named.provider)


def spellings(provider: str) -> tuple[str, ...]:
    """Return what people may call a provider of a log: as logged, and as the price book has it.

    >>> spellings("aws.bedrock")
    ('aws.bedrock', 'aws')
    """
    name = provider.strip().lower()
    return tuple(dict.fromkeys((name, *(seller for part, seller in spelling.SELLERS if part in name))))


def key_of(price: Price) -> tuple[bool, str | None, str]:
    """Return what prices of one model, each of other days, have in common."""
    return price.assumed, price.provider, price.model


def title_of(key: tuple[bool, str | None, str]) -> str:
    """Return what such prices are called in the price book.

    >>> title_of((True, "openai", "gpt-9"))
    'gpt-9 of openai, assumed'
    """
    assumed, provider, model = key
    return f"{model}{f' of {provider}' if provider else ''}{', assumed' if assumed else ''}"


def with_own_prices(book: PriceBook, prices: Sequence[Price]) -> PriceBook:
    """Return the price book with one's own prices behind its own."""
    if not prices:
        return book
    groups: dict[tuple[bool, str | None, str], list[Price]] = {}
    for price in prices:
        groups.setdefault(key_of(price), []).append(price)
    first = int(book.offers.select(pl.col("offer").max()).item()) + 1
    numbered = list(enumerate(groups.items(), start=first))
    offers = [
        {"offer": number, "seller": OWN, "price_model": title_of(key), "variant": "standard"}
        for number, (key, _) in numbered
    ]
    rates = [row for number, (_, group) in numbered for row in _dated(number, group)]
    return book._replace(
        offers=_longer(book.offers, offers), rates=_longer(book.rates, rates), names=Filled(book.names, prices)
    )


def per_unit(prices: Prices) -> dict[str, Decimal]:
    """Return a price for each usage column that has one: of a token, or a search; others stand in for missing ones."""
    stated = prices.stated()
    found = {}
    for key, column in UNITS.items():
        amount = _instead(stated, key)
        if amount is not None:
            found[column] = amount / (THOUSAND if key == "web_search" else MILLION)
    return found


def priced(rates: Mapping[str, Decimal]) -> int:
    """Return the bits of what has a price, as in `PriceBook.rates`."""
    bits = {"uncached_input_tokens": INPUT, "output_tokens": OUTPUT, "web_search_requests": SEARCH}
    return sum(bit for column, bit in bits.items() if column in rates)


def always(offer: int | None) -> dict[str, Any]:
    """Return a rate row without a price that holds at all times."""
    nothing = dict.fromkeys(PRICE_CLASSES, Decimal(0))
    days = {"effective_from": BEGINNING, "effective_to": END, "weekdays": ALL_DAYS}
    hours = {"band_start": 0, "band_end": MINUTES_OF_DAY}
    return {"offer": offer, "context_tier": 0, "priced": 0, **days, **hours, **nothing}


def midnight(day: date) -> datetime:
    """Return the first instant of a UTC day."""
    return datetime.combine(day, time(), UTC)


def _instead(stated: Mapping[str, Decimal], key: str) -> Decimal | None:
    while key not in stated:
        if key not in INSTEAD:
            return None
        key = INSTEAD[key]
    return stated[key]


def _dated(offer: int, group: Iterable[Price]) -> Iterator[dict[str, Any]]:
    """Yield the rates of an offer; between the days of its prices it has none."""
    at = BEGINNING
    for price in sorted(group, key=lambda price: price.first or date.min):
        begins = midnight(price.first) if price.first else BEGINNING
        ends = midnight(price.last + timedelta(days=1)) if price.last else END
        if at < begins:
            yield {**always(offer), "effective_from": at, "effective_to": begins}
        rates = per_unit(price)
        yield {**always(offer), "effective_from": begins, "effective_to": ends, "priced": priced(rates), **rates}
        at = ends
    if at < END:
        yield {**always(offer), "effective_from": at}


def _longer(table: pl.DataFrame, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return a table with more rows; what they do not name is null."""
    more = pl.DataFrame([dict(row) for row in rows], schema_overrides=table.schema)
    return pl.concat([table, more.cast({name: table.schema[name] for name in more.columns})], how="diagonal")
