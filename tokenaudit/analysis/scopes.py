"""What a scope is about: a filter on sums, with ``*`` and ``?`` in its values standing for any letters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

import polars as pl

from tokenaudit.analysis.cube import FREE
from tokenaudit.analysis.where import charge_filter
from tokenaudit.conditions import NOTHING, Condition
from tokenaudit.schema import DIMENSIONS

Meant: TypeAlias = Callable[[Condition], Condition]
Known: TypeAlias = Callable[[str], Sequence[str]]
"""Gives the values that a dimension has."""

BESIDE = {"team": "team_path"}
"""What conditions on a dimension look at besides."""

Scope: TypeAlias = Mapping[str, str | Sequence[str]]
"""Values by dimension: any of a list, all of several keys."""


class View(NamedTuple):
    """A part of the usage, as one or by the values of a dimension."""

    scopes: tuple[Scope, ...] = ()
    """All of them must be met: a budget's own, and those of its parents."""
    each: str | None = None

    @property
    def columns(self) -> frozenset[str]:
        """The dimensions that sums must be split by to be looked at so."""
        own = [*(column for scope in self.scopes for column in scope), *([self.each] if self.each else [])]
        return frozenset(own) | {BESIDE[name] for name in own if BESIDE.get(name) in DIMENSIONS}

    def by(self, *names: str) -> frozenset[str]:
        """Return the dimensions for a look at the parts of it."""
        return self.columns | set(names)

    def rows(self, sums: pl.DataFrame, known: Known, meant: Meant) -> pl.LazyFrame:
        """Return the rows of some sums that it is about.

        `known` gives the values of their dimensions, `meant` a condition in the names that these have.
        """
        own = {column: pl.col(column) for column in self.columns}
        met = charge_filter([meant(item) for scope in self.scopes for item in conditions(scope, known)], own)
        return sums.lazy().filter(met)


def conditions(scope: Scope, known: Known) -> list[Condition]:
    """Return a scope as conditions, with the values that its patterns fit."""
    return [Condition(column, _values(values, partial(known, column))) for column, values in scope.items()]


def _values(values: str | Sequence[str], known: Callable[[], Sequence[str]]) -> tuple[str, ...]:
    words = ["" if word in NOTHING else word for word in ([values] if isinstance(values, str) else values)]
    patterns = [_pattern(word) for word in words if "*" in word or "?" in word]
    if not patterns:
        return tuple(words)
    found = [value for value in known() if any(pattern.fullmatch(value) for pattern in patterns)]
    return (*(word for word in words if "*" not in word and "?" not in word), *found)


def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(re.escape(word).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def groups(wanted: Sequence[frozenset[str]]) -> list[tuple[str, ...]]:
    """Return as few groups of dimensions as hold all that are wanted, each with those that cost nothing.

    >>> groups([frozenset({"user"}), frozenset({"user", "model"}), frozenset({"project"})])
    [('project',), ('user', 'model')]
    """
    dear: dict[frozenset[str], set[str]] = {}
    for columns in sorted(set(wanted), key=lambda columns: (-len(columns - FREE), sorted(columns))):
        key = columns - FREE
        home = next((found for found in dear if key <= found), key)
        dear.setdefault(home, set()).update(columns & FREE)
    return sorted((*sorted(key), *sorted(free)) for key, free in dear.items())
