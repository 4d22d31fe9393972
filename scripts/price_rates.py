"""From genai-prices and the overlay to rates: what one token of each class costs, when, and how it was bought.

All fallbacks and factors are worked out here, once, so that pricing is a join and a sum. Rates are exact fractions of a
US dollar per unit until they are written as decimals.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from genai_prices.types import ModelInfo, ModelPrice, StartDateConstraint, TieredPrices, TimeOfDateConstraint

Ladder = tuple[tuple[int, Fraction], ...]
"""Rates by size of a request: (more input tokens than, USD per unit), from (0, ...) up. Crossing a step moves all."""
Prices = dict[str, Ladder | None]
"""Price class to its rates; None where it cannot be priced."""

DAY = 24 * 60
LATTICE: dict[str, tuple[str, ...]] = {
    "uncached_input_tokens": ("input_mtok",),
    "cache_read_input_tokens": ("cache_read_mtok", "input_mtok"),
    "cache_creation_5m_input_tokens": ("cache_write_5m_mtok", "cache_write_mtok", "input_mtok"),
    "cache_creation_30m_input_tokens": ("cache_write_mtok", "input_mtok"),
    "cache_creation_1h_input_tokens": ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
    "cache_creation_12h_input_tokens": ("cache_write_mtok", "input_mtok"),
    "audio_input_tokens": ("input_audio_mtok", "input_mtok"),
    "cache_read_audio_input_tokens": ("cache_audio_read_mtok", "cache_read_mtok", "input_audio_mtok", "input_mtok"),
    "image_input_tokens": ("input_image_mtok", "input_mtok"),
    "cache_read_image_input_tokens": ("cache_image_read_mtok", "cache_read_mtok", "input_image_mtok", "input_mtok"),
    "output_tokens": ("output_mtok",),
    "audio_output_tokens": ("output_audio_mtok", "output_mtok"),
    "image_output_tokens": ("output_image_mtok", "output_mtok"),
    "web_search_requests": ("web_searches_kcount",),
    "requests": ("requests_kcount",),
}
"""Price class to the prices that hold for it, the first that exists: the unit lattice of genai-prices."""
CLASSES = tuple(LATTICE)
TOKENS = tuple(name for name in CLASSES if name.endswith("_tokens"))
UNRECORDED = ("output_reasoning_mtok", "output_citation_mtok")
"""Prices of parts of the output that usage rows do not hold apart: models with them are not priced."""
VARIANTS: dict[tuple[str, str], str] = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("service_tier", "fast"): "fast",
    ("speed", "fast"): "fast",
}
"""Context of a price in genai-prices to the variant of the same model."""
STANDARD = "standard"
PLACES = Decimal("0.000001")
"""List prices have at most six decimals per million tokens; more are an artefact of binary floats."""


class Span(NamedTuple):
    """Prices that hold from a UTC date on (None: always did), between two minutes of the UTC day."""

    start: date | None
    band: tuple[int, int]
    prices: Prices


History = list[Span]
"""All spans of one variant of one model: every date with every band."""


class Overlay(NamedTuple):
    """The facts of `price_overlay.toml` that concern one model of one seller, by kind."""

    variant: list[dict[str, Any]]
    history: list[dict[str, Any]]
    region: list[dict[str, Any]]
    classes: list[dict[str, Any]]
    tier: list[dict[str, Any]]


def read_overlay(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the tables of the overlay file, by kind."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def overlay_of(facts: Mapping[str, list[dict[str, Any]]], seller: str, model: str) -> Overlay:
    """Return what the overlay says about one model."""
    kinds = ("variant", "history", "region", "class", "tier")
    return Overlay(*([fact for fact in facts[kind] if _concerns(fact, seller, model)] for kind in kinds))


def _concerns(fact: Mapping[str, Any], seller: str, model: str) -> bool:
    return fact["seller"] in ("*", seller) and any(fnmatchcase(model, pattern) for pattern in fact.get("models", ["*"]))


def histories(model: ModelInfo, overlay: Overlay) -> dict[str, History]:
    """Return the prices of all variants of a model, by variant; empty where it has none."""
    found = {variant: list(_spans(model, context, overlay)) for variant, context in _contexts(model).items()}
    if not any(ladder for span in found[STANDARD] for ladder in span.prices.values()):
        return {}
    recorded = {variant: _back(found[STANDARD], history, overlay) for variant, history in found.items()}
    tiered = {variant: [_tiered(span, overlay) for span in history] for variant, history in recorded.items()}
    bought = tiered | {
        fact["variant"]: [_scaled(span, Fraction(fact["factor"])) for span in tiered[STANDARD]]
        for fact in overlay.variant
        if fact["variant"] not in tiered
    }
    return bought | {
        f"{variant} {fact['region']}": [_scaled(span, Fraction(fact["factor"])) for span in history]
        for fact in overlay.region
        for variant, history in bought.items()
    }


def _contexts(model: ModelInfo) -> dict[str, dict[str, str]]:
    """Return the variants that genai-prices has of a model, and the context that asks for each."""
    found: dict[str, dict[str, str]] = {STANDARD: {}}
    for variant in model.price_variants or ():
        (condition,) = variant.when.items()
        if condition in VARIANTS:
            found.setdefault(VARIANTS[condition], dict([condition]))
    return found


def _spans(model: ModelInfo, context: dict[str, str], overlay: Overlay) -> Iterator[Span]:
    """Yield the prices of one variant at every date and band at which any price of the model may change."""
    edges = sorted({0, DAY, *(edge for c in _constraints(model) for edge in _edges(c))})
    for start in _starts(model):
        for band in pairwise(edges):
            instant = _instant(start, band[0], model)
            active = not context or any(
                v.when == context and (v.constraint is None or v.constraint.active(instant))
                for v in model.price_variants or ()
            )
            yield Span(start, band, class_prices(model.get_prices(instant, context), overlay) if active else {})


def _constraints(model: ModelInfo) -> list[StartDateConstraint | TimeOfDateConstraint]:
    prices = model.prices if isinstance(model.prices, list) else []
    found = [*(price.constraint for price in prices), *(variant.constraint for variant in model.price_variants or ())]
    return [constraint for constraint in found if constraint is not None]


def _starts(model: ModelInfo) -> list[date | None]:
    return [None, *sorted({c.start_date for c in _constraints(model) if isinstance(c, StartDateConstraint)})]


def _edges(constraint: StartDateConstraint | TimeOfDateConstraint) -> tuple[int, ...]:
    if isinstance(constraint, StartDateConstraint):
        return ()
    return _minute(constraint.start_time), _minute(constraint.end_time)


def _minute(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def _instant(start: date | None, minute: int, model: ModelInfo) -> datetime:
    """Return an instant of a span; one before all dates where the span has no start."""
    known = [day for day in _starts(model) if day]
    day = start or min(known, default=date(2000, 1, 2)) - timedelta(days=1)
    return datetime.combine(day, time(), UTC) + timedelta(minutes=minute)


def class_prices(price: ModelPrice, overlay: Overlay) -> Prices:
    """Return what each class costs by a price of genai-prices, completed by the overlay."""
    stated = {key: _ladder(key, value) for key, value in vars(price).items() if value is not None}
    if any(key in stated for key in UNRECORDED):
        return dict.fromkeys(CLASSES)
    prices: Prices = {name: next((stated[k] for k in keys if k in stated), None) for name, keys in LATTICE.items()}
    for fact in overlay.classes:
        base = prices[fact["of"]]
        if fact["unless"] not in stated and base is not None:
            prices[fact["class"]] = _times(base, Fraction(fact["factor"]))
    return prices


def _ladder(key: str, value: Decimal | TieredPrices) -> Ladder:
    per = 1000 if key.endswith("_kcount") else 1_000_000
    tiers = [] if isinstance(value, Decimal) else [(tier.start, tier.price) for tier in value.tiers]
    base = value if isinstance(value, Decimal) else value.base
    return tuple((above, Fraction(price.quantize(PLACES)) / per) for above, price in [(0, base), *tiers])


def _times(ladder: Ladder, factor: Fraction) -> Ladder:
    return tuple((above, rate * factor) for above, rate in ladder)


def _scaled(span: Span, factor: Fraction) -> Span:
    prices: Prices = {
        name: _times(ladder, factor) if ladder and name in TOKENS else ladder for name, ladder in span.prices.items()
    }
    return span._replace(prices=prices)


def _tiered(span: Span, overlay: Overlay) -> Span:
    prices = dict(span.prices)
    for fact in overlay.tier:
        for name in TOKENS:
            factor = Fraction(fact["input"] if name.endswith("input_tokens") else fact["output"])
            if ladder := prices[name]:
                prices[name] = (*ladder, (fact["above"], ladder[0][1] * factor))
    return span._replace(prices=prices)


def _back(standard: History, history: History, overlay: Overlay) -> History:
    """Fill the spans before a variant was first recorded, in its first recorded proportion to the standard price."""
    first = next((pair for pair in zip(standard, history, strict=True) if pair[1].prices), None)
    if first is None or not overlay.history:
        return history
    return [
        span if span.prices else span._replace(prices={name: _before(base, first, name) for name in CLASSES})
        for base, span in zip(standard, history, strict=True)
    ]


def _before(base: Span, first: tuple[Span, Span], name: str) -> Ladder | None:
    then, recorded, now = first[0].prices[name], first[1].prices[name], base.prices[name]
    if now == then or not (then and recorded and now) or not then[0][1]:
        return recorded if now == then else now
    return _times(now, recorded[0][1] / then[0][1])


def steps(history: Sequence[Span]) -> list[int]:
    """Return the request sizes, in input tokens, above which any price of a variant changes."""
    return sorted({above for span in history for ladder in span.prices.values() if ladder for above, _ in ladder[1:]})


def at(prices: Prices, tokens: int) -> tuple[Fraction | None, ...]:
    """Return the rate of each class for a request with so many input tokens, in the order of CLASSES."""
    return tuple(_rate(prices[name], tokens) for name in CLASSES)


def _rate(ladder: Ladder | None, tokens: int) -> Fraction | None:
    return next((rate for above, rate in reversed(ladder) if tokens > above or not above), None) if ladder else None


class Rate(NamedTuple):
    """Rates of one variant within one context tier, from one UTC date (None: always) to another, exclusive."""

    tier: int
    start: date | None
    end: date | None
    band: tuple[int, int]
    rates: tuple[Fraction | None, ...]


def rates(history: History) -> Iterator[Rate]:
    """Yield the rates of a variant; spans that follow each other at the same prices are one."""
    for tier, tokens in enumerate([0, *(above + 1 for above in steps(history))]):
        days: dict[date | None, dict[tuple[int, int], tuple[Fraction | None, ...]]] = {}
        for span in history:
            days.setdefault(span.start, {})[span.band] = at(span.prices, tokens)
        merged = _merged([(start, _joined(bands)) for start, bands in days.items()])
        ends = [*(start for start, _ in merged[1:]), None]
        for (start, bands), end in zip(merged, ends, strict=True):
            yield from (Rate(tier, start, end, band, found) for band, found in bands.items())


Bands = dict[tuple[int, int], tuple[Fraction | None, ...]]


def _joined(bands: Bands) -> Bands:
    return {(0, DAY): next(iter(bands.values()))} if len(set(bands.values())) == 1 else bands


def _merged(days: list[tuple[date | None, Bands]]) -> list[tuple[date | None, Bands]]:
    kept = days[:1]
    kept.extend(day for before, day in pairwise(days) if day[1] != before[1])
    return kept
