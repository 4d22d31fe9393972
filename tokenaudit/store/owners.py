"""Whose files are whose: the owner of each file that was read, and how files of each root get theirs.

An owner belongs to what was read at a path, so that a table that two paths hold, and one that changed in its place,
keep theirs. No user (``""``) is written where somebody took an owner away.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tokenaudit.store.catalog import Catalog


class Owner(NamedTuple):
    """Whose the content is that was read at a path; "" is nobody's."""

    path: str
    file_id: int
    user: str


class Rule(NamedTuple):
    """How the files of a root get an owner: the same for all, or by a template. The greatest `turn` is the latest."""

    root: str
    user: str
    template: str
    turn: int


def owners(catalog: Catalog) -> list[Owner]:
    """Return what is noted of each content of each file, those of nobody included."""
    return [Owner(*row) for row in catalog.run("select path, file_id, user from owner order by path, file_id")]


def named(catalog: Catalog) -> dict[int, str]:
    """Return the owner by `file_id`; of a table that lies in folders of two people, the first by name."""
    found = catalog.run("select file_id, min(user) from owner where user != '' group by file_id")
    return {int(file_id): str(user) for file_id, user in found}


def put(catalog: Catalog, found: Iterable[Owner]) -> None:
    """Write owners; inside a transaction."""
    for item in found:
        catalog.run("insert or replace into owner values (?, ?, ?)", item)


def rules(catalog: Catalog) -> list[Rule]:
    """Return the rules of all roots, the latest first."""
    return [Rule(*row) for row in catalog.run("select * from naming order by turn desc, length(root) desc, root")]


def put_rules(catalog: Catalog, found: Iterable[Rule]) -> None:
    """Write rules, each in the place of its root's; inside a transaction."""
    for item in found:
        catalog.run("insert or replace into naming values (?, ?, ?, ?)", item)


def forget_owners(catalog: Catalog, paths: Iterable[str]) -> None:
    """Forget owners and rules of files; inside a transaction."""
    for path in paths:
        catalog.run("delete from owner where path = ?", (path,))
        catalog.run("delete from naming where root = ?", (path,))
