"""Facts that contradict what is published: other prices for a time, names that moved on, days without peak hours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from tokenaudit.prices import spelling
from tokenaudit.prices.making.facts import Fact, Overlay, concerns
from tokenaudit.prices.making.rates import ALL_DAYS, DAY, FIRST, LAST, TOKENS, History, Span, class_prices, scaled

STANDARD = "standard"
Sold = dict[str, History]
"""Histories of one model, by variant."""
Market = dict[tuple[str, str], Sold]
"""Everything that is for sale, by seller and model."""
WEEKEND = 0b110_0000


def corrected(market: Market, overlay: Overlay) -> Market:
    """Return what is for sale, with the corrections of the overlay, kind by kind in the order of `KINDS`."""
    parted = {(fact["seller"], fact["model"]): market[fact["seller"], fact["of"]] for fact in overlay.get("split", ())}
    market = market | parted
    for kind, correct in KINDS.items():
        for fact in overlay.get(kind, ()):
            market = market | {
                key: correct(sold, fact, key, market) for key, sold in market.items() if concerns(fact, *key)
            }
    return market


def clipped(history: History, first: datetime, last: datetime) -> History:
    """Return the part of a history between two instants."""
    starts = sorted({span.start for span in history})
    ends = dict(pairwise([*starts, LAST]))
    return [
        span._replace(start=max(span.start, first))
        for span in history
        if span.start < last and ends[span.start] > first
    ]


def spliced(history: History, inside: History, first: datetime, last: datetime) -> History:
    """Return a history with another in its place between two instants."""
    return [*clipped(history, FIRST, first), *clipped(inside, first, last), *clipped(history, last, LAST)]


def _time(fact: Fact, key: str, default: datetime) -> datetime:
    found = fact.get(key, default)
    if not isinstance(found, datetime):
        found = datetime.combine(found, time(), UTC)
    return found.astimezone(UTC) if found not in (FIRST, LAST) else found


def _started(sold: Sold, fact: Fact, _key: tuple[str, str], _market: Market) -> Sold:
    """Move a change of prices from midnight to the minute at which it was."""
    midnight = datetime.combine(fact["date"], time(), UTC)
    return {
        variant: [span._replace(start=fact["instant"]) if span.start == midnight else span for span in history]
        for variant, history in sold.items()
    }


def _priced(sold: Sold, fact: Fact, _key: tuple[str, str], _market: Market) -> Sold:
    """Put other prices in the place of those published; other ways to buy are not known to have been there."""
    first, last = _time(fact, "from", FIRST), _time(fact, "until", LAST)
    prices = class_prices({name: Decimal(price) for name, price in fact["prices"].items()})
    peaks, factor = fact.get("peak", []), Fraction(fact.get("peak_factor", 1))
    off_peak = Span(first, prices)
    inside = [
        scaled(off_peak._replace(band=band), factor if list(band) in peaks else Fraction(1)) for band in _bands(peaks)
    ]
    return {
        variant: spliced(history, inside if variant == STANDARD else [Span(first, {})], first, last)
        for variant, history in sold.items()
    }


def _bands(peaks: list[list[int]]) -> Iterator[tuple[int, int]]:
    """Yield the bands of a day, in minutes, that peaks make."""
    return pairwise(sorted({0, DAY, *(edge for peak in peaks for edge in peak)}))


def _multiplied(sold: Sold, fact: Fact, _key: tuple[str, str], _market: Market) -> Sold:
    """Multiply the rates of some classes for a time."""
    first, last = _time(fact, "from", FIRST), _time(fact, "until", LAST)
    factor = Fraction(fact["factor"])
    return {
        variant: spliced(history, [scaled(span, factor, fact["classes"]) for span in history], first, last)
        for variant, history in sold.items()
    }


def _moved(sold: Sold, fact: Fact, key: tuple[str, str], market: Market) -> Sold:
    """Give a name the prices of the model that it has meant since an instant."""
    target = market[key[0], fact["of"]]
    first, last = _time(fact, "from", FIRST), _time(fact, "until", LAST)
    gone = [Span(FIRST, {})]
    return {
        variant: spliced(sold.get(variant, gone), target.get(variant, gone), first, last)
        for variant in dict.fromkeys((*sold, *target))
    }


def _ended(sold: Sold, fact: Fact, _key: tuple[str, str], _market: Market) -> Sold:
    """Take a name off the market."""
    gone = [Span(FIRST, {})]
    return {variant: spliced(history, gone, _time(fact, "at", LAST), LAST) for variant, history in sold.items()}


def _weekdays(sold: Sold, fact: Fact, _key: tuple[str, str], _market: Market) -> Sold:
    """Let the price of midnight hold all day on weekends and holidays."""
    return {variant: _calm(history, fact) for variant, history in sold.items()}


def _calm(history: History, fact: Fact) -> History:
    first = _time(fact, "from", FIRST)
    since = clipped(history, first, LAST)
    weekend = [span._replace(band=(0, DAY), days=WEEKEND) for span in since if span.band[0] == 0]
    work = [span._replace(days=ALL_DAYS & ~WEEKEND) for span in since]
    found = spliced(history, sorted([*work, *weekend], key=lambda span: span.start), first, LAST)
    for day in fact["holidays"]:
        start = datetime.combine(day, time(), UTC)
        quiet = [span._replace(band=(0, DAY), days=ALL_DAYS) for span in found if span.band == (0, DAY)]
        found = spliced(found, quiet, start, start + timedelta(days=1))
    return found


def _passed_through(sold: Sold, fact: Fact, key: tuple[str, str], market: Market) -> Sold:
    """Give a reseller the maker's history before it was first looked at, where that changed and it takes no more."""
    maker = market.get(_made(key[1], market), {})
    first, before = FIRST, _time(fact, "before", LAST)
    if not maker or not _alike(sold[STANDARD][-1], now := maker[STANDARD][-1]):
        return sold
    if all(_alike(span, now) for span in clipped(maker[STANDARD], first, before)):
        return sold
    fees = {name: price for name, price in sold[STANDARD][0].prices.items() if name not in TOKENS}
    history = [span._replace(prices={**span.prices, **fees}) for span in maker[STANDARD]]
    return {**sold, STANDARD: spliced(sold[STANDARD], history, first, before)}


def _made(model: str, market: Market) -> tuple[str, str]:
    """Return what a reseller's model is called at its maker."""
    written = spelling.read(model)
    maker = written.maker or ""
    return maker, next((form for form in written.made_as if (maker, form) in market), "")


def _alike(one: Span, other: Span) -> bool:
    texts = ("uncached_input_tokens", "cache_read_input_tokens", "output_tokens")
    return all(one.prices.get(name) == other.prices.get(name) for name in texts)


KINDS: Mapping[str, Callable[[Sold, Fact, tuple[str, str], Market], Sold]] = {
    "start": _started,
    "price": _priced,
    "factor": _multiplied,
    "alias": _moved,
    "end": _ended,
    "weekday": _weekdays,
    "resold": _passed_through,
}
