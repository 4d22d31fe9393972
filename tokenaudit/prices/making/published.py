"""What genai-prices publishes, read from its `data.py` without running it.

The file is one Python literal made of calls. It is parsed, never imported: neither pydantic nor the package itself is
needed, and a file that somebody hands over cannot do anything.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

from tokenaudit.errors import PriceError

Clause = tuple[str, Any]
"""How a name is matched: ``is``, ``starts``, ``ends``, ``contains`` or ``regex`` a text; ``or``, ``and`` of parts."""
Constraint = date | tuple[time, time] | None
"""When a price holds: from a UTC date on, between two times of the UTC day, or always."""


class Tiered(NamedTuple):
    """A price that depends on the size of the request."""

    base: Decimal
    tiers: tuple[tuple[int, Decimal], ...]
    """(more input tokens than, price)."""


Stated = Mapping[str, Decimal | Tiered]
"""Prices by their key at genai-prices, such as `input_mtok`."""


class Variant(NamedTuple):
    """Prices of another way to buy: those that it states replace the standard ones."""

    when: tuple[str, str]
    constraint: Constraint
    prices: Stated


class Model(NamedTuple):
    """One model of one seller."""

    id: str
    match: Clause
    prices: tuple[tuple[Constraint, Stated], ...]
    """The last that holds counts."""
    variants: tuple[Variant, ...] = ()
    """The first that holds and states a price counts."""

    def stated(self, instant: datetime, when: tuple[str, str] | None = None) -> Stated:
        """Return the prices at an instant, of a variant if one is named."""
        holding = [prices for constraint, prices in self.prices if holds(constraint, instant)]
        standard = holding[-1] if holding else self.prices[0][1]
        overrides = [
            variant.prices for variant in self.variants if variant.when == when and holds(variant.constraint, instant)
        ]
        return {key: price for prices in (standard, *reversed(overrides)) for key, price in prices.items()}


class Provider(NamedTuple):
    """One seller."""

    id: str
    models: tuple[Model, ...]
    fallbacks: tuple[str, ...]
    """Sellers whose models it resells at their price."""

    def find(self, text: str) -> Model | None:
        """Return the first model that a name matches."""
        return next((model for model in self.models if matches(model.match, text)), None)


def holds(constraint: Constraint, instant: datetime) -> bool:
    """Say whether a price holds at an instant (UTC)."""
    if constraint is None:
        return True
    if isinstance(constraint, date):
        return instant.date() >= constraint
    start, end = constraint
    now = instant.time()
    return start <= now < end if start <= end else now >= start or now < end


def matches(clause: Clause, text: str) -> bool:
    """Say whether a name, in lower case, is matched."""
    kind, value = clause
    return MATCHES[kind](text, value)


MATCHES: dict[str, Callable[[str, Any], bool]] = {
    "is": lambda text, value: text == value.lower(),
    "starts": lambda text, value: text.startswith(value.lower()),
    "ends": lambda text, value: text.endswith(value.lower()),
    "contains": lambda text, value: value.lower() in text,
    "regex": lambda text, value: re.search(value, text) is not None,
    "or": lambda text, value: any(matches(clause, text) for clause in value),
    "and": lambda text, value: all(matches(clause, text) for clause in value),
}


UTC_NAMES = ("datetime.UTC", "datetime.timezone.utc")


class Call(NamedTuple):
    """A call in the literal: what is made, of what."""

    name: str
    fields: dict[str, Any]


def read(source: str) -> tuple[Provider, ...]:
    """Return the providers in the text of `data.py`. Raises PriceError for any other text."""
    try:
        values = [node.value for node in ast.parse(source).body if isinstance(node, ast.AnnAssign) and node.value]
        (providers,) = (_value(value) for value in values)
        return tuple(map(_provider, providers))
    except (SyntaxError, ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "give a wheel of genai-prices 0.2 or newer"
        raise PriceError(f"these are no prices as genai-prices publishes them: {error}", hint) from error


def _value(node: ast.expr) -> Any:  # noqa: ANN401 - a literal of anything
    if isinstance(node, ast.Call):
        return _made(ast.unparse(node.func), list(map(_value, node.args)), dict(_fields(node)))
    if isinstance(node, ast.List):
        return list(map(_value, node.elts))
    if isinstance(node, ast.Dict):
        return {_value(key): _value(value) for key, value in zip(node.keys, node.values, strict=True) if key}
    return UTC if ast.unparse(node) in UTC_NAMES else ast.literal_eval(node)


def _fields(node: ast.Call) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a call that matter: how usage is extracted does not."""
    yield from ((item.arg, _value(item.value)) for item in node.keywords if item.arg and item.arg != "extractors")


def _made(name: str, arguments: list[Any], fields: dict[str, Any]) -> Any:  # noqa: ANN401 - a literal of anything
    if name == "Decimal":
        return Decimal(*arguments)
    if name == "datetime.date":
        return date(*arguments)
    if name == "datetime.time":
        return time(*arguments)
    return Call(name, fields)


def _provider(call: Call) -> Provider:
    models = tuple(map(_model, call.fields["models"]))
    return Provider(call.fields["id"], models, tuple(call.fields.get("fallback_model_providers") or ()))


def _model(call: Call) -> Model:
    prices = call.fields.get("prices")
    spans = prices if isinstance(prices, list) else [Call("ConditionalPrice", {"prices": prices})]
    return Model(
        call.fields["id"],
        _clause(call.fields["match"]),
        tuple((_constraint(span), _stated(span.fields["prices"])) for span in spans),
        tuple(map(_variant, call.fields.get("price_variants") or ())),
    )


def _variant(call: Call) -> Variant:
    (when,) = call.fields["when"].items()
    return Variant(when, _constraint(call), _stated(call.fields["prices"]))


def _constraint(call: Call) -> Constraint:
    found = call.fields.get("constraint")
    if found is None:
        return None
    if found.name == "StartDateConstraint":
        start: date = found.fields["start_date"]
        return start
    return found.fields["start_time"], found.fields["end_time"]


def _stated(call: Call) -> Stated:
    return {key: _price(value) for key, value in call.fields.items() if value is not None}


def _price(value: Decimal | Call) -> Decimal | Tiered:
    if isinstance(value, Decimal):
        return value
    tiers = tuple((tier.fields["start"], tier.fields["price"]) for tier in value.fields["tiers"])
    return Tiered(value.fields["base"], tiers)


CLAUSES = {
    "ClauseEquals": ("is", "equals"),
    "ClauseStartsWith": ("starts", "starts_with"),
    "ClauseEndsWith": ("ends", "ends_with"),
    "ClauseContains": ("contains", "contains"),
    "ClauseRegex": ("regex", "regex"),
    "ClauseOr": ("or", "or_"),
    "ClauseAnd": ("and", "and_"),
}


def _clause(call: Call) -> Clause:
    kind, field = CLAUSES[call.name]
    value = call.fields[field]
    return kind, tuple(map(_clause, value)) if kind in ("or", "and") else value
