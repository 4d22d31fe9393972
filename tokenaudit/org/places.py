"""On which line of a TOML file a table stands: the parser does not tell."""

from __future__ import annotations

import re
from functools import cache, cached_property
from pathlib import Path

from tokenaudit.org.records import Place

OWN = r"(?:tool\s*\.\s*tokenaudit\s*\.\s*)?"
"""How our part of a pyproject.toml begins."""


class Places:
    """The lines of one configuration file."""

    def __init__(self, path: Path | None) -> None:
        """Begin with a file, which is read when a line is asked for; None has no lines."""
        self.path = path or Path("the configuration")

    @cached_property
    def lines(self) -> list[str]:
        """Return the lines of the file."""
        return self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else []

    def entry(self, table: str, number: int) -> Place:
        """Return where the record of an array begins, such as the second (1) of ``org.person``."""
        heads = self._heads(table)
        return Place(self.path, heads[number] if number < len(heads) else self._inline(table))

    @cache  # noqa: B019 - as long as the file is looked at
    def _heads(self, table: str) -> list[int]:
        return self._lines_like(rf"\s*\[\[\s*{OWN}{_spelt(table)}\s*\]\]")

    @cache  # noqa: B019 - as above
    def _inline(self, table: str) -> int:
        return (self._lines_like(rf"\s*({_spelt(table)}|{_spelt(table.rpartition('.')[2])})\s*=") or [1])[0]

    def table(self, name: str) -> Place:
        """Return where a table begins, such as ``org``; the first line where it has no heading."""
        return Place(self.path, (self._lines_like(rf"\s*\[\s*{OWN}{re.escape(name)}\s*\]") or [1])[0])

    def key(self, start: Place, key: str) -> Place:
        """Return where a key stands in the record that begins at `start`; its beginning where that is not clear."""
        for number in range(start.line, len(self.lines) + 1):
            text = self.lines[number - 1]
            if number > start.line and text.lstrip().startswith("["):
                break
            if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", text):
                return Place(self.path, number)
        return start

    def _lines_like(self, pattern: str) -> list[int]:
        like = re.compile(pattern)
        return [number for number, text in enumerate(self.lines, 1) if like.match(text)]


def _spelt(table: str) -> str:
    """Return the pattern of a dotted name."""
    return r"\s*\.\s*".join(map(re.escape, table.split(".")))
