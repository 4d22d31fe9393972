"""Which name in which column is whose, and when: the aliases of people and projects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache
from typing import NamedTuple

from tokenaudit.org.records import ALWAYS, Entries, Entry, Person, Place, Project
from tokenaudit.schema import DIMENSIONS, ORG_DIMENSIONS

TAG = "tags."
"""How a tag is written where a column may stand."""
GLOB = re.compile(r"[*?]")
COLUMNS = tuple(name for name in DIMENSIONS if name not in ORG_DIMENSIONS)
PLAIN = ("user", "api_key")
"""Where an alias is looked for that names no column."""


class Claim(NamedTuple):
    """A value of a column that means somebody or something, for some days."""

    column: str
    value: str
    """Folded to lower case; a glob where `is_glob`."""
    owner: str
    first: date
    last: date
    place: Place

    @property
    def is_glob(self) -> bool:
        """Tell whether the value is a pattern."""
        return "*" in self.value or "?" in self.value


def folded(name: str) -> str:
    """Return a name as names are compared."""
    return name.strip().lower()


def like(name: str, pattern: str) -> bool:
    """Tell whether a folded name is a folded pattern, in which ``*`` is any text and ``?`` any character.

    >>> like("ci-web-7", "ci-*"), like("dependabot[bot]", "dependabot[bot]")
    (True, True)
    """
    return _regex(pattern).fullmatch(name) is not None


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def column_of(alias: str) -> tuple[str | None, str]:
    """Split ``column=value``; None where an alias names no column.

    >>> column_of("tags.host=mbp-7"), column_of("alice")
    (('tags.host', 'mbp-7'), (None, 'alice'))
    """
    column, equals, value = alias.partition("=")
    return (column, value) if equals and (column in COLUMNS or column.startswith(TAG)) else (None, alias)


class Claims(NamedTuple):
    """All claims of an org map."""

    people: list[Claim]
    projects: list[Claim]


def claims(entries: Entries) -> Claims:
    """Return the claims of people and of projects."""
    return Claims(claims_of_people(entries.people), claims_of_projects(entries.projects))


def claims_of_people(people: Iterable[Person]) -> list[Claim]:
    """Return the claims of all people. A name is theirs at all times, or where several claim it as long as their entry.

    Somebody's own name is an alias like any other.
    """
    return _settled(_told((item.user, item.names, item, PLAIN) for item in people))


def claims_of_projects(projects: Iterable[Project]) -> list[Claim]:
    """Return the claims of all projects, as `claims_of_people`."""
    return _settled(_told((item.name, item.aliases, item, ("project",)) for item in projects))


def _told(items: Iterable[tuple[str, tuple[str, ...], Entry, tuple[str, ...]]]) -> Iterator[Claim]:
    for owner, aliases, entry, plain in items:
        yield Claim(plain[0], folded(owner), owner, *ALWAYS, entry.place)
        days = entry.days
        for alias in aliases:
            column, value = column_of(alias)
            for name in (column,) if column else plain:
                yield Claim(name, folded(value), owner, *days, entry.place)


def _settled(told: Iterable[Claim]) -> list[Claim]:
    """Free the claims of all that only one has of their dates; one that is told twice stands once."""
    found: dict[tuple[str, str], list[Claim]] = {}
    for claim in told:
        found.setdefault(claim[:2], []).append(claim)
    return [claim for same in found.values() for claim in _freed(same)]


def _freed(same: list[Claim]) -> list[Claim]:
    first, *others = same
    if all(folded(other.owner) == folded(first.owner) for other in others):
        return [Claim(*first[:3], *ALWAYS, first.place)]
    return list({(folded(claim.owner), *claim[3:5]): claim for claim in reversed(same)}.values())[::-1]
