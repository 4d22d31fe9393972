"""From the published match logic to a table of names: what a model is called, at which seller.

A name that is spelt out is looked up; its row is the first model that the full logic would have found. What is left
are patterns, in the order of the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tokenaudit.prices.making.facts import Fact
from tokenaudit.prices.making.published import Clause, Model, Provider

DATED = re.compile(r"(-(\\d\{8\}|\\d\{4\}-\\d\{2\}-\\d\{2\})|\[-@\]\\d\{8\})\$$")
"""End of a regular expression that says no more than: the same name with a date."""
PATTERNS = ("starts", "ends", "contains")


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
    known = {text for model in provider.models for text in spelt(model)}
    return [
        *(Name(provider.id, "is", text, found.id) for text in sorted(known) if (found := provider.find(text))),
        *(Name(provider.id, kind, text, model.id) for model in provider.models for kind, text in _patterns(model)),
    ]


def parted(found: Iterable[Name], splits: Iterable[Fact]) -> list[Name]:
    """Give the names that a fact parts from their model to one of their own."""
    moved = {(fact["seller"], text): fact["model"] for fact in splits for text in fact["names"]}
    own = [Name(seller, "is", text, model) for (seller, text), model in moved.items()]
    rest = [_moved(name, moved) for name in found]
    return [*(name for name in own if name not in rest), *rest]


def _moved(name: Name, moved: dict[tuple[str, str], str]) -> Name:
    model = next(
        (model for (seller, text), model in moved.items() if name.seller == seller and name.text.startswith(text)), None
    )
    return name._replace(model=model) if model and name.kind in ("is", "starts") else name


def spelt(model: Model) -> Iterator[str]:
    """Yield the names of a model that are spelt out, its id among them."""
    yield model.id.lower()
    yield from (value.lower() for kind, value in _clauses(model.match) if kind == "is")
    yield from (text for clause in _clauses(model.match) if (text := _literal(clause)))


def _clauses(match: Clause) -> Iterator[Clause]:
    kind, value = match
    if kind == "or":
        for clause in value:
            yield from _clauses(clause)
    else:
        yield match


def _literal(clause: Clause) -> str | None:
    """Return the text that a regular expression spells out, if it is that simple."""
    kind, regex = clause
    if kind != "regex" or not (regex.startswith("^") and regex.endswith("$")):
        return None
    text = re.sub(r"\\([^\w])", r"\1", regex[1:-1])
    return text if "^" + _escaped(text) + "$" == regex else None


def _escaped(text: str) -> str:
    return re.sub(r"([.\[\]])", r"\\\1", text)


def _patterns(model: Model) -> Iterator[tuple[str, str]]:
    known = set(spelt(model))
    for kind, value in _clauses(model.match):
        if kind in PATTERNS:
            yield kind, value.lower()
        elif kind == "and":
            yield "regex", "".join(map(_ahead, value))
        elif kind == "regex" and not _literal((kind, value)) and not _only_dated(value, known):
            yield "regex", value


def _ahead(clause: Clause) -> str:
    """Return one part of a conjunction as a regular expression that takes up no text."""
    kind, value = clause
    if kind == "regex":
        return f"(?={value})"
    if kind == "starts":
        return f"(?=^{re.escape(value)})"
    if kind == "contains":
        return f"(?=.*{re.escape(value)})"
    raise TypeError(f"a conjunction with {clause}")


def _only_dated(regex: str, known: set[str]) -> bool:
    """Say whether a regular expression only adds a date to a name that is spelt out: dates are taken off anyway."""
    head = DATED.sub("", regex)
    return head != regex and re.sub(r"\\([^\w])", r"\1", head.removeprefix("^")) in known
