"""Every file format tokenaudit reads. A module here with a constant ``SOURCE`` is a source; nothing else lists them.

Beside these stand the sources that a configuration declares, for as long as it is in force.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from tokenaudit.errors import QueryError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tokenaudit.config import Declared
    from tokenaudit.sources.head import Head
    from tokenaudit.sources.source import Source, Table

TOOLS = {"expressions", "head", "identity", "lines", "log", "source", "table"}
"""Modules of this package that are no sources."""


GENERAL = ("api-response", "usage")
"""Sources that are there for files of one's own, and take any that say the least: declared ones go before them."""

_own: dict[str, Table] = {}
"""Sources of the configuration that is in force in this process, in its order."""


def declare(declarations: Iterable[Declared], path: Path | None = None) -> None:
    """Make the sources that a configuration declares known in this process, and those of any other unknown.

    ConfigError where one of them cannot be a source.
    """
    found = tuple(declarations)
    _own.clear()
    _forget()
    if found:
        from tokenaudit.sources._declared import tables

        _own.update(tables(found, names(), path))
        _forget()


def _forget() -> None:
    for registry in (names, sources, in_turn):
        registry.cache_clear()


@cache
def names() -> dict[str, str]:
    """Return the module of each source by its name, in order of name; none is loaded."""
    built_in = {module.replace("_", "-"): module for module in _modules()}
    return dict(sorted((built_in | dict.fromkeys(_own, "_declared")).items()))


@cache
def _load(module: str) -> Source:
    source: Source = import_module(f"{__name__}.{module}").SOURCE
    return source


def _source(name: str) -> Source:
    return _own[name] if name in _own else _load(names()[name])


@cache
def sources() -> dict[str, Source]:
    """Return every source by name, in order of name."""
    return named(names())


def named(chosen: Iterable[str]) -> dict[str, Source]:
    """Return some sources by name, without loading the others; those that no longer exist are left out."""
    known = names()
    return {name: _source(name) for name in sorted(chosen) if name in known}


def newest_wins(read: Mapping[str, int]) -> set[str]:
    """Return those of some sources whose newest file replaces what older ones say.

    In: the rules that they were read by; these also tell of sources that no configuration declares any more.
    """
    from tokenaudit.sources.source import DECLARED_RULES

    found = named(read)
    lost = {name for name, rules in read.items() if name not in found and rules >= DECLARED_RULES and rules % 2}
    return lost | {source.name for source in found.values() if source.merge == "newest"}


def by_name(name: str) -> Source:
    """Return the source of that name. QueryError with a did-you-mean where there is none."""
    known = names()
    if name not in known:
        raise QueryError(f"unknown source `{name}`", did_you_mean(name, tuple(known)) or "see `tokenaudit sources`")
    return _source(name)


def tried() -> int:
    """Return a number that changes with the sources that are tried on a file."""
    return len(names()) + sum(source.rules for source in _own.values())


@cache
def in_turn() -> tuple[Source, ...]:
    """Return every source in the order in which they are tried: built in, declared, general.

    ConfigError for a declared one whose turn can never come.
    """
    found = sources()
    if not _own:
        return (*found.values(),)
    from tokenaudit.sources._declared_checks import check_order

    first = [source for name, source in found.items() if name not in {*GENERAL, *_own}]
    check_order(_own.values(), first)
    return (*first, *_own.values(), *map(_source, GENERAL))


def detect(head: Head, first: Source | None = None) -> Source | None:
    """Return the source whose signature the beginning of a file fits, or None.

    `first` is tried before all others: the source of a file's neighbour is nearly always its own.
    """
    if first is not None and not _waits(first.name) and fits(first, head):
        return first
    return next((source for source in in_turn() if fits(source, head)), None)


def _waits(name: str) -> bool:
    """Say whether other sources must be tried before this one."""
    return bool(_own) and (name in _own or name in GENERAL)


def goes_before(name: str) -> tuple[Source, ...]:
    """Return the declared sources that would have read a file before the source that did; none where nobody would."""
    return (*_own.values(),) if name in GENERAL else ()


def fits(source: Source, head: Head) -> bool:
    """Say whether the beginning of a file is of this source. At most one that is built in fits any file."""
    from tokenaudit.sources._signature import detect_table
    from tokenaudit.sources.source import Table

    return detect_table(head, source) if isinstance(source, Table) else source.detect(head)


def _modules() -> list[str]:
    return [
        found.name for found in iter_modules(__path__) if found.name not in TOOLS and not found.name.startswith("_")
    ]
