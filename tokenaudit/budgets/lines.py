"""Where things stand in a TOML file: the line of each key and list item, which tomllib does not tell.

The text has been parsed before, so that it is known to be TOML: only brackets, keys and the ends of values are looked
for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

Place: TypeAlias = tuple[str | int, ...]
"""Keys and list positions that lead to a value: ``("budget", 0, "limits", 1, "amount")``."""

BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
KEY = re.compile(r"""[ \t]*("(?:[^"\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*""")
TEXT = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL)
PLAIN = re.compile(r"[^,\]}#\n]*")


def lines(text: str) -> dict[Place, int]:
    r"""Return the line of each table, key and list item of a TOML text, counted from 1.

    >>> lines("a = 1\n[[b]]\nc = [\n  { d = 2 },\n]")
    {('a',): 1, ('b', 0): 2, ('b', 0, 'c'): 3, ('b', 0, 'c', 0): 4, ('b', 0, 'c', 0, 'd'): 4}
    """
    return _Walk(text.replace("\r\n", "\n")).found


def nearest(found: Mapping[Place, int], place: Place) -> int:
    """Return the line of a place, or of what it stands in; 1 where nothing is known of it."""
    return next((found[place[:end]] for end in range(len(place), 0, -1) if place[:end] in found), 1)


class _Walk:
    """A walk through a text, noting what is passed."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.found: dict[Place, int] = {}
        self.counts: dict[Place, int] = {}
        table: Place = ()
        while self._skip() < len(text):
            if text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _skip(self) -> int:
        self.at = BLANK.match(self.text, self.at).end()  # type: ignore[union-attr]
        return self.at

    def _note(self, place: Place) -> Place:
        self.found.setdefault(place, self.text.count("\n", 0, self.at) + 1)
        return place

    def _key(self) -> Place:
        """Read a dotted key."""
        parts: list[str] = []
        while match := KEY.match(self.text, self.at):
            self.at = match.end()
            parts.append(match[1].strip("\"'"))
            if self.text[self.at : self.at + 1] != ".":
                break
            self.at += 1
        return tuple(parts)

    def _header(self) -> Place:
        """Read ``[table]`` or ``[[table]]``; keys of lists of tables stand for their last table."""
        start, several = self.at, self.text.startswith("[[", self.at)
        self.at += 2 if several else 1
        *above, last = self._key()
        place = self._inside((*above,))
        place = (*place, last)
        if several:
            self.counts[place] = self.counts.get(place, -1) + 1
            place = (*place, self.counts[place])
        else:
            place = self._inside((last,), place[:-1])
        self.at, end = start, self.text.find("\n", self.at)
        self._note(place)
        self.at = len(self.text) if end < 0 else end
        return place

    def _inside(self, keys: Place, place: Place = ()) -> Place:
        for key in keys:
            place = (*place, key)
            place = (*place, self.counts[place]) if place in self.counts else place
        return place

    def _pair(self, table: Place) -> None:
        start = self.at
        place = (*table, *self._key())
        after, self.at = self.at, start
        self._note(place)
        self.at = after + 1  # past the equals sign
        self._value(place)

    def _value(self, place: Place) -> None:
        if self.text[self._inline()] == "[":
            self._items(place, "]")
        elif self.text[self.at] == "{":
            self._items(place, "}")
        elif match := TEXT.match(self.text, self.at):
            self.at = match.end()
        else:
            self.at = PLAIN.match(self.text, self.at).end()  # type: ignore[union-attr]

    def _inline(self) -> int:
        while self.text[self.at] in " \t":
            self.at += 1
        return self.at

    def _items(self, place: Place, close: str) -> None:
        self.at += 1
        number = 0
        while self.text[self._skip()] != close:
            if self.text[self.at] == ",":
                self.at += 1
            elif close == "]":
                self._value(self._note((*place, number)))
                number += 1
            else:
                self._pair(place)
        self.at += 1
