"""From one published model to the histories of all ways to buy it: batch, flex, priority, fast, kept in a region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise

from tokenaudit.prices.making.facts import Fact, Facts
from tokenaudit.prices.making.published import Constraint, Model, holds
from tokenaudit.prices.making.rates import (
    CLASSES,
    DAY,
    FIRST,
    TOKENS,
    History,
    Ladder,
    Prices,
    Span,
    class_prices,
    scaled,
    times,
)

VARIANTS: dict[tuple[str, str], str] = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("service_tier", "fast"): "fast",
    ("speed", "fast"): "fast",
}
"""What a price is for, at genai-prices, to the variant of the same model."""
STANDARD = "standard"


def histories(model: Model, facts: Facts) -> dict[str, History]:
    """Return the prices of all ways to buy a model, by variant; empty where it has none."""
    found = {variant: list(_spans(model, when, facts)) for variant, when in _bought(model).items()}
    if not any(ladder for span in found[STANDARD] for ladder in span.prices.values()):
        return {}
    if facts.history:
        found = {variant: _back(found[STANDARD], history) for variant, history in found.items()}
    tiered = {variant: [_tiered(span, facts) for span in history] for variant, history in found.items()}
    return with_regions(with_factors(tiered, facts), facts)


def with_factors(found: Mapping[str, History], facts: Facts) -> dict[str, History]:
    """Add the variants whose price is a factor of the standard one, where they are not there yet."""
    added = {
        fact["variant"]: [scaled(span, Fraction(fact["factor"]), _factored(fact)) for span in found[STANDARD]]
        for fact in facts.variant
        if fact["variant"] not in found
    }
    return {**found, **added}


def _factored(fact: Fact) -> list[str]:
    """Return the classes that a factor holds for: all tokens but those that keep the standard price."""
    return [name for name in TOKENS if name not in fact.get("keep", ())]


def with_regions(found: Mapping[str, History], facts: Facts) -> dict[str, History]:
    """Add each variant as it is sold for inference kept in a region."""
    added = {
        f"{variant} {region}": [scaled(span, Fraction(fact["factor"])) for span in history]
        for fact in facts.region
        for region in fact["regions"]
        for variant, history in found.items()
    }
    return {**found, **added}


def _bought(model: Model) -> dict[str, tuple[str, str] | None]:
    """Return the variants that are published of a model, and what asks for each."""
    asked = (variant.when for variant in model.variants)
    found: dict[str, tuple[str, str] | None] = {STANDARD: None}
    for when in asked:
        if when in VARIANTS:
            found.setdefault(VARIANTS[when], when)
    return found


def _spans(model: Model, when: tuple[str, str] | None, facts: Facts) -> Iterator[Span]:
    """Yield the prices of one variant at every date and band at which any price of the model may change."""
    edges = sorted({0, DAY, *(edge for constraint in _constraints(model) for edge in _edges(constraint))})
    days = sorted({constraint for constraint in _constraints(model) if isinstance(constraint, date)})
    before = _midnight(days[0]) - timedelta(days=1) if days else datetime(2000, 1, 1, tzinfo=UTC)
    for start, known in [(FIRST, before), *((_midnight(day), _midnight(day)) for day in days)]:
        for band in pairwise(edges):
            instant = known + timedelta(minutes=band[0])
            sold = when is None or any(v.when == when and holds(v.constraint, instant) for v in model.variants)
            yield Span(start, class_prices_of(model, instant, when, facts) if sold else {}, band)


def class_prices_of(model: Model, instant: datetime, when: tuple[str, str] | None, facts: Facts) -> Prices:
    """Return what each class costs at an instant, completed by what is not published."""
    stated = model.stated(instant, when)
    prices = class_prices(stated)
    for fact in facts.class_:
        base = prices[fact["of"]]
        if fact["unless"] not in stated and base is not None:
            prices[fact["class"]] = times(base, Fraction(fact["factor"]))
    fees = {fact["class"]: ((0, Fraction(fact["thousand"]) / 1000),) for fact in facts.fee}
    return prices | {name: fee for name, fee in fees.items() if prices[name] is None}


def _constraints(model: Model) -> Iterator[Constraint]:
    yield from (constraint for constraint, _ in model.prices)
    yield from (variant.constraint for variant in model.variants)


def _edges(constraint: Constraint) -> tuple[int, ...]:
    return tuple(moment.hour * 60 + moment.minute for moment in constraint) if isinstance(constraint, tuple) else ()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _tiered(span: Span, facts: Facts) -> Span:
    prices = dict(span.prices)
    for fact in facts.tier:
        for name in TOKENS:
            factor = Fraction(fact["input"] if name.endswith("input_tokens") else fact["output"])
            if ladder := prices.get(name):
                prices[name] = (*ladder, (fact["above"], ladder[0][1] * factor))
    return span._replace(prices=prices)


def _back(standard: History, history: History) -> History:
    """Fill the spans before a variant was first recorded, in its first recorded proportion to the standard price."""
    first = next((pair for pair in zip(standard, history, strict=True) if pair[1].prices), None)
    if first is None:
        return history
    return [
        span if span.prices else span._replace(prices={name: _before(base, first, name) for name in CLASSES})
        for base, span in zip(standard, history, strict=True)
    ]


def _before(base: Span, first: tuple[Span, Span], name: str) -> Ladder | None:
    then, recorded, now = first[0].prices[name], first[1].prices[name], base.prices[name]
    if now == then or not (then and recorded and now) or not then[0][1]:
        return recorded if now == then else now
    return times(now, recorded[0][1] / then[0][1])
