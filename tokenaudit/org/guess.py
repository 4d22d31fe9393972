"""Who a name may be: by what stands before the @, by its words, by initials, by likeness. A guess, never applied."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import NamedTuple, TypeVar

from tokenaudit.org.claims import GLOB, column_of, folded

ALIKE = 0.85
"""How alike two names must be that share no word."""
SHORTEST = 3
"""Letters of the shortest word that tells somebody."""


class Guess(NamedTuple):
    """Who a name may be, and why; no `users` where nobody comes near."""

    users: tuple[str, ...]
    why: str


NOBODY = Guess((), "")


def local(name: str) -> str:
    """Return what stands before the @, without a ``+`` part.

    >>> local("Alice.Smith+dev@example.com")
    'alice.smith'
    """
    return re.split(r"[@+]", folded(name))[0]


def words(name: str) -> frozenset[str]:
    """Return the words of a name that tell somebody.

    >>> sorted(words("Smith, Alice"))
    ['alice', 'smith']
    """
    return frozenset(word for word in re.split(r"[^a-z0-9]+", local(name)) if len(word) >= SHORTEST)


def initials(name: str) -> Iterator[str]:
    """Yield how names of two words are shortened: ``asmith``, ``alices``, ``a.smith``."""
    parts = [part for part in re.split(r"[^a-z0-9]+", local(name)) if part]
    if len(parts) > 1:
        first, last = parts[0], parts[-1]
        yield from (first[0] + last, first + last[0], f"{first[0]}.{last}", first + last)


Key = TypeVar("Key", bound=Hashable)
Table = dict[Key, dict[str, None]]
"""Users by what tells them, each once and in order."""


def _put(table: Table[Key], keys: Iterable[Key], user: str) -> None:
    for key in keys:
        table.setdefault(key, {})[user] = None


class Known:
    """People to choose from: each user with all names."""

    def __init__(self, people: Mapping[str, Iterable[str]]) -> None:
        self.locals: Table[str] = {}
        self.words: Table[frozenset[str]] = {}
        self.shorts: Table[str] = {}
        self.single: Table[str] = {}
        for user, names in people.items():
            for name in names:
                self.add(user, column_of(name)[1])

    def add(self, user: str, name: str) -> None:
        """Remember one more name of a user; patterns are nobody's name."""
        if GLOB.search(name):
            return
        told = words(name)
        _put(self.locals, [local(name)], user)
        _put(self.words, [told] if told else [], user)
        _put(self.shorts, initials(name), user)
        _put(self.single, told if len(told) == 1 else [], user)

    def guess(self, name: str) -> Guess:
        """Return who a name may be."""
        own, told = local(name), words(name)
        steps = (
            (self.locals.get(own), "same name before the @"),
            (self.words.get(told) if told else None, "same words"),
            (self.shorts.get(own), "initial and name"),
            (self._shortened(name), "initial and name"),
            (self._holding(told), "holds the name"),
            (self._like(own), "alike"),
        )
        return next((Guess(tuple(users), why) for users, why in steps if users), NOBODY)

    def _shortened(self, name: str) -> Iterable[str] | None:
        return next((self.locals[short] for short in initials(name) if short in self.locals), None)

    def _holding(self, told: frozenset[str]) -> list[str]:
        """Return people all of whose words stand in a longer name, such as that of a key or a machine."""
        whole = [users for known, users in self.words.items() if len(known) > 1 and known < told] if told else []
        found = whole or [self.single[word] for word in sorted(told) if word in self.single]
        return list(dict.fromkeys(user for users in found for user in users))

    def _like(self, own: str) -> Iterable[str] | None:
        near = [other for other in self.locals if other[:1] == own[:1]]
        found = get_close_matches(own, near, n=1, cutoff=ALIKE) if len(own) > SHORTEST else []
        return self.locals[found[0]] if found else None
