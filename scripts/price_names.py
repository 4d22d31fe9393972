"""From the match logic of genai-prices to a table of names: what a model is called, at which seller.

A name that is spelt out is looked up; its row is the first model that the full logic would have found. What is left
are patterns, in the order of the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseEndsWith,
    ClauseEquals,
    ClauseOr,
    ClauseRegex,
    ClauseStartsWith,
    ModelInfo,
    Provider,
)

DATED = re.compile(r"(-(\\d\{8\}|\\d\{4\}-\\d\{2\}-\\d\{2\})|\[-@\]\\d\{8\})\$$")
"""End of a regular expression that says no more than: the same name with a date."""
PATTERNS = {ClauseStartsWith: "starts", ClauseEndsWith: "ends", ClauseContains: "contains"}


class Name(NamedTuple):
    """One way to call a model, in lower case.

    `text` is the name (kind ``is``), or what a name ``starts`` or ``ends`` with, ``contains`` or matches (``regex``).
    """

    seller: str
    kind: str
    text: str
    model: str


def names(provider: Provider) -> list[Name]:
    """Return the names of all models of a provider: those spelt out, sorted, then the patterns in their order."""
    spelt = {text for model in provider.models for text in _spelt(model)}
    return [
        *(Name(provider.id, "is", text, found.id) for text in sorted(spelt) if (found := _first(provider, text))),
        *(Name(provider.id, kind, text, model.id) for model in provider.models for kind, text in _patterns(model)),
    ]


def _first(provider: Provider, text: str) -> ModelInfo | None:
    return next((model for model in provider.models if model.is_match(text)), None)


def _spelt(model: ModelInfo) -> Iterator[str]:
    yield model.id.lower()
    yield from (clause.equals.lower() for clause in _clauses(model.match) if isinstance(clause, ClauseEquals))
    yield from (text for clause in _clauses(model.match) if (text := _literal(clause)))


def _clauses(match: Any) -> Iterator[Any]:
    if isinstance(match, ClauseOr):
        for clause in match.or_:
            yield from _clauses(clause)
    else:
        yield match


def _literal(clause: Any) -> str | None:
    """Return the text that a regular expression spells out, if it is that simple."""
    if not isinstance(clause, ClauseRegex) or not (clause.regex.startswith("^") and clause.regex.endswith("$")):
        return None
    text = re.sub(r"\\([^\w])", r"\1", clause.regex[1:-1])
    return text if "^" + _escaped(text) + "$" == clause.regex else None


def _escaped(text: str) -> str:
    return re.sub(r"([.\[\]])", r"\\\1", text)


def _patterns(model: ModelInfo) -> Iterator[tuple[str, str]]:
    known = set(_spelt(model))
    for clause in _clauses(model.match):
        if kind := PATTERNS.get(type(clause)):
            yield kind, _value(clause).lower()
        elif isinstance(clause, ClauseAnd):
            yield "regex", "".join(_ahead(part) for part in clause.and_)
        elif isinstance(clause, ClauseRegex) and not _literal(clause) and not _only_dated(clause.regex, known):
            yield "regex", clause.regex


def _value(clause: Any) -> str:
    (text,) = vars(clause).values()
    return str(text)


def _ahead(clause: Any) -> str:
    """Return one part of a conjunction as a regular expression that takes up no text."""
    if isinstance(clause, ClauseRegex):
        return f"(?={clause.regex})"
    if isinstance(clause, ClauseStartsWith):
        return f"(?=^{re.escape(clause.starts_with)})"
    raise TypeError(f"a conjunction with {clause}")


def _only_dated(regex: str, known: set[str]) -> bool:
    """Say whether a regular expression only adds a date to a name that is spelt out: dates are taken off anyway."""
    head = DATED.sub("", regex)
    return head != regex and re.sub(r"\\([^\w])", r"\1", head.removeprefix("^")) in known
