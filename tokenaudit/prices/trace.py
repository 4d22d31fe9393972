"""Why a name has the price it has: every step from the name in a log to an entry of the price book."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from datetime import UTC, date, datetime, time
from typing import NamedTuple

import polars as pl

from tokenaudit.prices import spelling
from tokenaudit.prices.book import PriceBook
from tokenaudit.prices.names import Name

RULES = ("user", "prefix", "exact", "snapshot", "alias", "fallback_source", "none")
"""What a step does: the user's own list says so; a prefix is taken off; a list has the name as it stands; a date is
taken off; it is written another way; an undated list has it; nothing fits, or nothing has a price on that day. The rule
of the last step is that of the whole match."""


class Step(NamedTuple):
    """One step of the look-up of a name."""

    rule: str
    """One of `RULES`."""
    text: str
    """The name as it was looked up."""
    found: str | None
    """What the rule makes of it, or the model that a list has for it; None where it has none."""
    seller: str | None = None
    """Whose list is searched, or who sells, as the prefix says."""


def trace(provider: str | None, name: str | None, on: date, book: PriceBook) -> list[Step]:
    """Return every step by which the price of a logged name is found, the deciding one last.

    It is the very look-up that pricing does, noted down. A step of it without `found` is a list that has no such name.
    """
    seen: list[tuple[str, str, str | None, bool]] = []
    names = copy(book.names)
    names.note = lambda *attempt: seen.append(attempt)
    meant = names.find(provider, name)
    written = names.renamed(provider, name or "")
    kinds = _kinds(written)
    looked_up = (Step(_rule(kinds, *attempt), *attempt[1:3], attempt[0]) for attempt in dict.fromkeys(seen))
    steps = [*_renamed(name or "", written), *_without_prefix(written), *looked_up]
    return [*steps, *_moved(meant, on, book), *_missing(meant, on, book)]


def _renamed(name: str, written: str) -> Iterator[Step]:
    if name != written:
        yield Step("user", name, written)


def _without_prefix(name: str) -> Iterator[Step]:
    written = spelling.read(name)
    plain = spelling.FAST.sub(r"\1", written.listed)
    rest = written.made_as[0] if written.maker else plain
    if rest != spelling.FAST.sub(r"\1", name.strip().lower()):
        yield Step("prefix", name, rest, written.seller or written.maker)
    if written.fast:
        yield Step("alias", written.listed, plain)


def _kinds(name: str) -> dict[str, str]:
    """Return what has been done to a name, by the text that came of it."""
    written = spelling.read(name)
    bases = (written.listed, *written.sold_as[:1], *written.made_as[:1])
    found = dict(pair for base in reversed(bases) for pair in reversed(list(spelling.rewritten(base))))
    place = written.sold_as[0].removesuffix(written.made_as[0])
    return {place + text: kind for text, kind in found.items()} | found


def _rule(kinds: dict[str, str], _seller: str, text: str, model: str | None, undated: bool) -> str:  # noqa: FBT001
    """Return what a look-up did; a list may itself know a name by another than the model's, or by its beginning."""
    if undated:
        return "fallback_source"
    kind = kinds.get(text, "alias")
    if kind != "exact" or model is None or model.lower() == text:
        return kind
    return "snapshot" if spelling.DATE.search(text) else "alias"


def _moved(meant: Name, on: date, book: PriceBook) -> Iterator[Step]:
    """Tell of a name that has meant another model since some day, such as one that ends with ``-latest``."""
    for fact in book.about.get("moved", ()):
        known = (fact["seller"], fact["model"]) == (meant.seller, meant.price_model)
        if known and date.fromisoformat(fact["from"]) <= on and _has_price(meant, on, book):
            yield Step("alias", fact["model"], fact["of"], fact["seller"])


def _missing(meant: Name, on: date, book: PriceBook) -> Iterator[Step]:
    if meant.price_model is None:
        yield Step("none", meant.model or "", None, meant.provider)
    elif not _has_price(meant, on, book):
        yield Step("none", f"{meant.price_model} on {on}", None, meant.seller)


def _has_price(name: Name, on: date, book: PriceBook) -> bool:
    """Say whether anything of a model has a price at any time of a UTC day."""
    day = datetime.combine(on, time(), UTC)
    if name.undated:
        return True
    offers = book.offers.filter(seller=name.seller, price_model=name.price_model)["offer"]
    rates = book.rates.filter(pl.col("offer").is_in(offers.implode()), pl.col("effective_to") > day)
    return not rates.filter(pl.col("effective_from").dt.date() <= on, pl.col("priced") > 0).is_empty()
