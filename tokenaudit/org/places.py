"""On which line of a TOML file a table stands: the parser does not tell."""

from __future__ import annotations

import re
from functools import cached_property
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
        name = r"\s*\.\s*".join(map(re.escape, table.split(".")))
        heads = self._lines_like(rf"\s*\[\[\s*{OWN}{name}\s*\]\]")
        inline = self._lines_like(rf"\s*({name}|{re.escape(table.rpartition('.')[2])})\s*=")
        found = heads[number : number + 1] or inline or [1]
        return Place(self.path, found[0])

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
        return [number for number, text in enumerate(self.lines, 1) if re.match(pattern, text)]
