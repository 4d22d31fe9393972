"""Whose files are whose: a name for all files of an ingest, or the part of each path that a template marks.

What an ingest is told stays with its files and its roots. A file that comes later gets the owner of its path, else that
of the latest rule of a root around it that names somebody. Nothing here reads a file.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from tokenaudit.errors import QueryError
from tokenaudit.sources._packed import MEMBER
from tokenaudit.store.catalog import Catalog, FileEntry
from tokenaudit.store.owners import Owner, Rule, owners, put, put_rules, rules

USER = "{user}"
ANY = "*"
ARCHIVED = "\0"
"""What stands behind an archive's name while a path is compared."""
INTO = f"{ARCHIVED}/"
INSIDE = f"[^/{ARCHIVED}]"
EXAMPLE = "write the part of the path that names people as {user}: --user-from '/logs/{user}/.claude'"


class Naming(NamedTuple):
    """How files get an owner: `user` for all of them, or a `template`."""

    user: str = ""
    template: str = ""

    def of(self, path: str) -> str | None:
        """Return the owner of a file: "" for nobody, None where the template does not fit its path."""
        return matched(self.template, path) if self.template else self.user


def naming(user: str | None, template: str | None) -> Naming | None:
    """Return what --user and --user-from say together, None for neither. QueryError for what cannot be meant."""
    if user is not None and template is not None:
        raise QueryError("--user and --user-from exclude each other", "leave one of them out")
    if template is None:
        return None if user is None else Naming(user.strip())
    if template.count(USER) != 1:
        raise QueryError(f"--user-from needs {USER} once: `{template}`", EXAMPLE)
    return Naming(template=os.path.expanduser(template))


def matched(template: str, path: str) -> str | None:
    r"""Return the user that a template finds in a path, None where it does not fit.

    It fits anywhere between two folders; ``*`` is one part or a piece of one. ``{user}`` alone is a folder, neither the
    file itself nor an archive.

    >>> matched("/logs/{user}/.claude", "/mnt/logs/alice/.claude/projects/a.jsonl")
    'alice'
    >>> matched("*/{user}.csv", "/exports/2026-10/bob.csv")
    'bob'
    """
    found = _pattern(template).search(path.replace(MEMBER, INTO).replace(os.sep, "/"))
    return found["user"] if found else None


@cache
def _pattern(template: str) -> re.Pattern[str]:
    parts = template.replace(os.sep, "/").strip("/").split("/")
    return re.compile(f"(?:^|/){f'{ARCHIVED}?/'.join(map(_part, parts))}(?:{ARCHIVED}?/|$)")


def _part(text: str) -> str:
    if text == USER:
        return f"(?P<user>{INSIDE}+)(?=/)"
    if text == ANY:
        return f"{INSIDE}+"
    return re.escape(text).replace(re.escape(USER), f"(?P<user>{INSIDE}+)").replace(re.escape(ANY), f"{INSIDE}*")


class Owning:
    """The owners that one ingest gives to files."""

    def __init__(self, roots: Sequence[str], found: set[str], naming: Naming | None) -> None:
        """Begin with the files and folders that were named, the files found under them, and what is said of them."""
        self.roots = sorted(set(roots))
        self.found = found
        self.naming = naming
        self.changed: dict[str, str] = {}
        """New owners by path."""
        self.unlike: list[str] = []
        """Files that the template does not fit."""
        self.fitting = 0

    def record(self, catalog: Catalog, read: Iterable[FileEntry] = ()) -> bool:
        """Write the owners of all files that are meant, of `read` ones in any case; say whether any was new.

        Inside a transaction, after the ledger was written.
        """
        news = []
        if self.naming is not None:
            self._remember(catalog, self.naming)
            news = self._claimed(catalog, self.naming)
            put(catalog, news)
        inherited = list(_inherited(catalog, read))
        put(catalog, inherited)
        self.changed |= {item.path: item.user for item in (*news, *inherited)}
        return bool(news or inherited)

    def _remember(self, catalog: Catalog, naming: Naming) -> None:
        """Keep the rule with its roots, as the latest; one that is so already is left."""
        known = {rule.root: rule for rule in rules(catalog)}
        turn = max((rule.turn for rule in known.values()), default=0)
        if any(known.get(root) != Rule(root, *naming, turn) for root in self.roots):
            put_rules(catalog, (Rule(root, *naming, turn + 1) for root in self.roots))

    def _claimed(self, catalog: Catalog, naming: Naming) -> list[Owner]:
        """Return the owners, where they are new, of all that was ever read at the paths that are meant."""
        inside = under(self.roots)
        paths = [item.path for item in catalog.files().values() if item.source]
        meant = {path: naming.of(path) for path in paths if path in self.found or inside(path)}
        self.unlike = [path for path, user in meant.items() if user is None]
        self.fitting = len(meant) - len(self.unlike)
        known = {(item.path, item.file_id): item.user for item in owners(catalog)}
        contents = sorted({*known, *_contents(catalog)})
        wanted = (Owner(path, file_id, user) for path, file_id in contents if (user := meant.get(path)) is not None)
        return [item for item in wanted if known.get((item.path, item.file_id), "") != item.user]

    def notes(self) -> Iterator[str]:
        """Yield what to say: whose files are whose from now on, and where the template does not fit."""
        for user, files in sorted(Counter(self.changed.values()).items()):
            yield f"{_files(files)} now belong{'s' if files == 1 else ''} to {user or 'nobody'}"
        if self.naming and self.unlike:
            of = f"{self.fitting} of {_files(self.fitting + len(self.unlike))}" if self.fitting else "none of the files"
            yield f"--user-from `{self.naming.template}` fits {of}: not {', '.join(sorted(self.unlike)[:3])}"


def under(roots: Sequence[str]) -> Callable[[str], bool]:
    """Return the test whether a file is one of `roots`, or lies in one: in a folder or an archive."""
    prefixes = tuple(prefix for root in roots for prefix in (os.path.join(root, ""), f"{root}{MEMBER}"))
    return lambda path: path in roots or path.startswith(prefixes)


def _files(number: int) -> str:
    return f"{number:,} file{'' if number == 1 else 's'}"


def _contents(catalog: Catalog) -> Iterator[tuple[str, int]]:
    """Yield path and id of all that was ever read."""
    yield from ((item.path, item.file_id) for item in catalog.files().values() if item.source)
    yield from ((item.path, item.file_id) for item in catalog.versions())


def _inherited(catalog: Catalog, read: Iterable[FileEntry]) -> Iterator[Owner]:
    """Yield the owners of contents that are new: that of their path, else by the latest rule that names somebody."""
    known, ruled = owners(catalog), rules(catalog)
    if not (known or ruled):
        return
    pairs, by_path = {(item.path, item.file_id) for item in known}, {item.path: item.user for item in known}
    for entry in read:
        user = by_path[entry.path] if entry.path in by_path else _by_rule(entry.path, ruled)
        if user and (entry.path, entry.file_id) not in pairs:
            yield Owner(entry.path, entry.file_id, user)


def _by_rule(path: str, ruled: Sequence[Rule]) -> str | None:
    named = (Naming(rule.user, rule.template).of(path) for rule in ruled if under([rule.root])(path))
    return next((user for user in named if user is not None), None)
