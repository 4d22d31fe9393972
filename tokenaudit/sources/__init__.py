"""Every file format tokenaudit reads. A module here with a constant ``SOURCE`` is a source; nothing else lists them."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from tokenaudit.errors import QueryError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tokenaudit.sources.head import Head
    from tokenaudit.sources.source import Source

TOOLS = {"expressions", "head", "identity", "lines", "log", "source", "table"}
"""Modules of this package that are no sources."""


@cache
def names() -> dict[str, str]:
    """Return the module of each source by its name, in order of name; none is loaded."""
    return {module.replace("_", "-"): module for module in sorted(_modules())}


@cache
def _load(module: str) -> Source:
    source: Source = import_module(f"{__name__}.{module}").SOURCE
    return source


@cache
def sources() -> dict[str, Source]:
    """Return every source by name, in order of name."""
    return named(names())


def named(chosen: Iterable[str]) -> dict[str, Source]:
    """Return some sources by name, without loading the others; those that no longer exist are left out."""
    known = names()
    return {name: _load(known[name]) for name in sorted(chosen) if name in known}


def newest_wins(chosen: Iterable[str]) -> set[str]:
    """Return those of some sources whose newest file replaces what older ones say."""
    return {source.name for source in named(chosen).values() if source.merge == "newest"}


def by_name(name: str) -> Source:
    """Return the source of that name. QueryError with a did-you-mean where there is none."""
    known = names()
    if name not in known:
        raise QueryError(f"unknown source `{name}`", did_you_mean(name, tuple(known)) or "see `tokenaudit sources`")
    return _load(known[name])


def detect(head: Head, first: Source | None = None) -> Source | None:
    """Return the source whose signature the beginning of a file fits, or None.

    `first` is tried before all others: the source of a file's neighbour is nearly always its own.
    """
    if first is not None and fits(first, head):
        return first
    return next((source for source in sources().values() if source is not first and fits(source, head)), None)


def fits(source: Source, head: Head) -> bool:
    """Say whether the beginning of a file is of this source. At most one source fits any file."""
    from tokenaudit.sources._signature import detect_table
    from tokenaudit.sources.source import Table

    return detect_table(head, source) if isinstance(source, Table) else source.detect(head)


def _modules() -> list[str]:
    return [
        found.name for found in iter_modules(__path__) if found.name not in TOOLS and not found.name.startswith("_")
    ]
