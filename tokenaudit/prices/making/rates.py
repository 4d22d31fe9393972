"""From published prices to rates: what one token of each class costs, when, and how much more in a long context.

All fallbacks and factors are worked out here, once, so that pricing is a join and a sum. Rates are exact fractions of a
US dollar per unit until they are written as decimals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from tokenaudit.prices.making.published import Stated, Tiered
from tokenaudit.schema import TOKEN_CLASSES

Ladder = tuple[tuple[int, Fraction], ...]
"""Rates by size of a request: (more input tokens than, USD per unit), from (0, ...) up. Crossing a step moves all."""
Prices = Mapping[str, Ladder | None]
"""Price class to its rates; None where it cannot be priced."""

DAY = 24 * 60
ALL_DAYS = 0b111_1111
"""All days of the week: Monday is 1, Tuesday 2, Wednesday 4 and so on."""
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
"""Beginning and end of prices that have none."""
LATTICE: dict[str, tuple[str, ...]] = {
    "uncached_input_tokens": ("input_mtok",),
    "cache_read_input_tokens": ("cache_read_mtok", "input_mtok"),
    "cache_creation_5m_input_tokens": ("cache_write_5m_mtok", "cache_write_mtok", "input_mtok"),
    "cache_creation_30m_input_tokens": ("cache_write_mtok", "input_mtok"),
    "cache_creation_1h_input_tokens": ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
    "cache_creation_12h_input_tokens": ("cache_write_12h_mtok", "cache_write_mtok", "input_mtok"),
    "audio_input_tokens": ("input_audio_mtok", "input_mtok"),
    "cache_read_audio_input_tokens": ("cache_audio_read_mtok", "cache_read_mtok", "input_audio_mtok", "input_mtok"),
    "image_input_tokens": ("input_image_mtok", "input_mtok"),
    "cache_read_image_input_tokens": ("cache_image_read_mtok", "cache_read_mtok", "input_image_mtok", "input_mtok"),
    "output_tokens": ("output_mtok",),
    "audio_output_tokens": ("output_audio_mtok", "output_mtok"),
    "image_output_tokens": ("output_image_mtok", "output_mtok"),
    "reasoning_output_tokens": ("output_reasoning_mtok",),
    "web_search_requests": ("web_searches_kcount",),
    "requests": ("requests_kcount",),
}
"""Price class to the prices that hold for it, the first that exists: the unit lattice of genai-prices."""
CLASSES = tuple(LATTICE)
REASONING = "reasoning_output_tokens"
"""Part of the output: its rate is what a token of it costs more than one of the rest, or less."""
TOKENS = (*TOKEN_CLASSES, REASONING)
UNRECORDED = "output_citation_mtok"
"""Price of a part of the output that usage rows do not hold apart: models with it are not priced."""
PLACES = Decimal("0.000001")
"""List prices have at most six decimals per million tokens; more are an artefact of binary floats."""


class Span(NamedTuple):
    """Prices that hold from an instant on, on some days of the week, between two minutes of the UTC day."""

    start: datetime
    prices: Prices
    band: tuple[int, int] = (0, DAY)
    days: int = ALL_DAYS


History = list[Span]
"""All spans of one way to buy a model: every start with every band. Without prices it cannot be bought."""


def class_prices(stated: Stated) -> dict[str, Ladder | None]:
    """Return what each class costs by stated prices."""
    ladders = {key: _ladder(key, value) for key, value in stated.items()}
    if UNRECORDED in ladders:
        return dict.fromkeys(CLASSES)
    prices = {name: next((ladders[key] for key in keys if key in ladders), None) for name, keys in LATTICE.items()}
    prices[REASONING] = _surplus(prices[REASONING], prices["output_tokens"])
    return prices


def _ladder(key: str, value: Decimal | Tiered) -> Ladder:
    per = 1000 if key.endswith("_kcount") else 1_000_000
    base, tiers = (value, ()) if isinstance(value, Decimal) else value
    return tuple((above, Fraction(price.quantize(PLACES)) / per) for above, price in [(0, base), *tiers])


def _surplus(reasoning: Ladder | None, output: Ladder | None) -> Ladder | None:
    """Return what reasoning costs beyond other output, None where it costs the same."""
    if reasoning is None or output is None:
        return None
    above = sorted({step for ladder in (reasoning, output) for step, _ in ladder})
    return tuple((step, rate(reasoning, step + 1) - rate(output, step + 1)) for step in above)


def times(ladder: Ladder, factor: Fraction) -> Ladder:
    """Return rates multiplied by a factor."""
    return tuple((above, found * factor) for above, found in ladder)


def scaled(span: Span, factor: Fraction, classes: Iterable[str] = TOKENS) -> Span:
    """Return a span with the rates of some classes multiplied: by default of tokens, never of fees for calls."""
    prices = {name: times(ladder, factor) if ladder and name in classes else ladder for name, ladder in _known(span)}
    return span._replace(prices=prices)


def _known(span: Span) -> Iterable[tuple[str, Ladder | None]]:
    return span.prices.items()


def steps(history: Sequence[Span]) -> list[int]:
    """Return the request sizes, in input tokens, above which any price of a history changes."""
    return sorted({above for span in history for ladder in span.prices.values() if ladder for above, _ in ladder[1:]})


def rate(ladder: Ladder, tokens: int) -> Fraction:
    """Return the rate for a request with so many input tokens."""
    return next(found for above, found in reversed(ladder) if tokens > above or not above)


def at(prices: Prices, tokens: int) -> tuple[Fraction | None, ...]:
    """Return the rate of each class for a request with so many input tokens, in the order of CLASSES."""
    ladders = (prices.get(name) for name in CLASSES)
    return tuple(rate(ladder, tokens) if ladder else None for ladder in ladders)


class Rate(NamedTuple):
    """Rates of one offer within one context tier, from one instant to another, exclusive."""

    tier: int
    start: datetime
    end: datetime
    band: tuple[int, int]
    days: int
    rates: tuple[Fraction | None, ...]


Hours = dict[tuple[tuple[int, int], int], tuple[Fraction | None, ...]]
"""Rates by band of the day and days of the week."""


def rates(history: History) -> Iterator[Rate]:
    """Yield the rates of a history; spans that follow each other at the same prices are one."""
    for tier, tokens in enumerate([0, *(above + 1 for above in steps(history))]):
        hours: dict[datetime, Hours] = {}
        for span in history:
            hours.setdefault(span.start, {})[span.band, span.days] = at(span.prices, tokens)
        merged = _merged([(start, _joined(found)) for start, found in hours.items()])
        ends = [*(start for start, _ in merged[1:]), LAST]
        for (start, found), end in zip(merged, ends, strict=True):
            yield from (Rate(tier, start, end, band, days, values) for (band, days), values in found.items())


def _joined(hours: Hours) -> Hours:
    return {((0, DAY), ALL_DAYS): next(iter(hours.values()))} if len(set(hours.values())) == 1 else hours


def _merged(found: list[tuple[datetime, Hours]]) -> list[tuple[datetime, Hours]]:
    kept = found[:1]
    kept.extend(now for before, now in pairwise(found) if now[1] != before[1])
    return kept
