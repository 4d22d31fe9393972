"""How far a line stands from its original: copies in resumed and forked sessions must not take its place.

A resumed session copies lines of other times to its beginning; what it adds itself lies near its own start. So the
rank of a line is how near the lines so far came to the file's first instant, in milliseconds; it only falls. Lines
before that instant are copies, and so are lines that name what they were forked from.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from tokenaudit.sources._claude_line import ABSENT, NOTHING
from tokenaudit.sources._instant import instant, milliseconds
from tokenaudit.sources.lines import DAMAGED, open_binary

if TYPE_CHECKING:
    from tokenaudit.sources._claude_line import Line
    from tokenaudit.sources.lines import Lines

FIRST = re.compile(rb'"timestamp":\s*"([^"]{10,40})"')
LATEST_FIRST_BYTES = 1 << 20
SIDECHAIN, FORKED, COPIED = 1 << 50, 1 << 49, 1 << 48
LATEST = "~"
"""Later than any instant."""


class Origin:
    """The ranks of one file's lines, as they come."""

    def __init__(self, lines: Lines, start: str | None, rank: int | None) -> None:
        """Begin a file, or go on where `start` and `rank` were left."""
        self.lines = lines
        self.start = start
        self.rank = rank
        self._nearest = LATEST

    def of(self, line: Line, at: str) -> int:
        """Return the rank of a line of the instant `at`; the smaller, the closer to its original."""
        rank = self.rank
        if rank is None or rank >= COPIED or at < self._nearest:
            rank = self._approach(at)
        if line.isSidechain:
            rank += SIDECHAIN
        if line.forkedFrom is not NOTHING and line.forkedFrom not in ABSENT:
            rank += FORKED
        return rank

    def _approach(self, at: str) -> int:
        self.start = self.start or first_instant(self.lines)
        gap = milliseconds(at) - milliseconds(self.start or at)
        rank = gap if gap >= 0 else COPIED - gap
        self.rank = rank if self.rank is None else min(self.rank, rank)
        if gap >= 0:
            self._nearest = min(self._nearest, at)
        return self.rank


def first_instant(lines: Lines) -> str | None:
    """Return the first timestamp in a file, of whatever line, or None."""
    found = FIRST.search(lines.start if lines.from_start else b"") or _search(lines.path)
    return instant(found[1].decode("ascii", "replace")) if found else None


def _search(path: str) -> re.Match[bytes] | None:
    """Look for the first timestamp in the first megabyte of a file."""
    with open_binary(path) as file, suppress(*DAMAGED):
        return FIRST.search(file.read(LATEST_FIRST_BYTES))
    return None
