"""Lines that could not be read, grouped by reason."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tokenaudit.conditions import Condition
    from tokenaudit.store.catalog import Catalog, RejectEntry

STABLE = re.compile(r"""(?:[`"'][^`"']*[`"'])?[^`"':{(\d]*""")
"""What of a reason is the same for every line: its column, if it begins with one, and the words up to a value."""


class Refused(NamedTuple):
    """Lines of one reason."""

    reason: str
    """What they have in common."""
    lines: int
    files: int
    example: RejectEntry
    """The first of them, by path and line."""


def by_reason(rejects: Iterable[RejectEntry]) -> list[Refused]:
    """Return the reasons with their lines, the most frequent first."""
    found: dict[str, list[RejectEntry]] = {}
    for item in sorted(rejects):
        found.setdefault(stable(item.reason), []).append(item)
    groups = [Refused(key, len(items), len({item.path for item in items}), items[0]) for key, items in found.items()]
    return sorted(groups, key=lambda group: (-group.lines, group.reason))


def rejects_of(catalog: Catalog, conditions: Iterable[Condition]) -> list[RejectEntry]:
    """Return the lines that could not be read, in files of sources that may have what conditions choose."""
    found, chosen = catalog.rejects(), [item for item in conditions if item.column in ("source", "provider")]
    if not found or not chosen:
        return found
    from tokenaudit.sources import named

    sources = {path: entry.source for path, entry in catalog.files().items()}
    facts = {name: {"source": name, "provider": item.provider} for name, item in named(set(sources.values())).items()}

    def may_meet(path: str, one: Condition) -> bool:
        value = facts.get(sources.get(path, ""), {}).get(one.column)
        return value is None or (value in one.values) != one.negated

    return [item for item in found if all(may_meet(item.path, one) for one in chosen)]


def stable(reason: str) -> str:
    """Return the part of a reason that does not change from line to line.

    >>> stable("`tokens` is no number: `x1`"), stable("torn line: no closing brace"), stable("12 of 3 are missing")
    ('`tokens` is no number', 'torn line', '12 of 3 are missing')
    """
    found = STABLE.match(reason)
    return (found.group().strip() if found else "") or reason
