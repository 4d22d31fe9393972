"""Which source an unrecognised file comes nearest to, and what it lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

from tokenaudit.sources import sources
from tokenaudit.sources._documents import flat
from tokenaudit.sources._signature import field_names
from tokenaudit.sources.head import RECORDS, Head
from tokenaudit.sources.source import Log, Table

RARE = 2
"""A name that at most so many sources know tells a file apart."""


class Near(NamedTuple):
    """A source, and the columns or keys without which a file is not of it."""

    source: str
    lacks: list[str]


def nearest(head: Head) -> Near | None:
    """Return the source with named columns that a file shares most with; None where all it shares says too little.

    At least half of the names by which a source is recognised must be there, and beside them one that few sources
    know: `date`, `model` and `sku` tell nothing. Of logs only databases come into question: the others are recognised
    by other means than names.
    """
    if head.tables:
        return _database(head.tables)
    names = names_of(head)
    found = [
        ((_weight(names & source.columns.keys()), _weight(signature & names), source.name), sorted(signature - names))
        for source in _tables()
        if any(_known_by()[name] <= RARE for name in names & source.columns.keys())
        for signature in source.signatures
        if 2 * len(signature & names) >= len(signature)
    ]
    (_, _, name), lacks = max(found, key=itemgetter(0), default=((0, 0, ""), []))
    return Near(name, lacks) if lacks else None


def _database(tables: frozenset[str]) -> Near | None:
    """Return the source whose columns a database has at least half of, but not all."""
    logs = [item for item in sources().values() if isinstance(item, Log) and item.tables]
    found = [
        (Fraction(len(item.tables & tables), len(item.tables)), item.name, sorted(item.tables - tables))
        for item in logs
        if 2 * len(item.tables & tables) >= len(item.tables)
    ]
    _, name, lacks = max(found, default=(Fraction(), "", []))
    return Near(name, lacks) if lacks else None


def names_of(head: Head) -> frozenset[str]:
    """Return the column names of a file, and the keys of its first JSON objects, nested ones joined with dots."""
    keys = (key for record in islice(head.records, RECORDS) for leaves in flat(record) for key in leaves)
    return field_names(head) | frozenset(keys)


def own_names(head: Head) -> Iterator[str]:
    """Yield what a file calls things: its columns, or the outermost keys of its first JSON objects."""
    yield from head.header
    yield from (key for record in islice(head.records, RECORDS) for key in record)


def _tables() -> list[Table]:
    return [item for item in sources().values() if isinstance(item, Table)]


@cache
def _known_by() -> Counter[str]:
    """Return how many sources know each name."""
    return Counter(name for item in _tables() for name in item.columns)


def _weight(names: Iterable[str]) -> Fraction:
    """Return how much names say: each the less, the more sources know it."""
    return sum((Fraction(1, _known_by()[name] or 1) for name in names), Fraction())
