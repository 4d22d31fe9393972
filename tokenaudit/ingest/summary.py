"""What an ingest did, file by file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tokenaudit.ingest.plan import Status


@dataclass(slots=True)
class FileResult:
    """One file: ``rows`` billable things read = ``new`` + ``duplicate``; ``merged`` and ``rejected`` are lines."""

    path: str
    source: str
    status: Status
    rows: int = 0
    new: int = 0
    duplicate: int = 0
    merged: int = 0
    rejected: int = 0
    reason: str = ""
    """Why a file that looked like one of a source could not be read at all."""


class RejectedLine(NamedTuple):
    """A line that could not be read."""

    path: str
    line: int
    reason: str


@dataclass(slots=True)
class Summary:
    """The whole run."""

    files: list[FileResult] = field(default_factory=list)
    rejects: list[RejectedLine] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bytes: int = 0
    seconds: float = 0.0

    def total(self, name: str) -> int:
        """Return the sum of a count over all files."""
        return sum(getattr(file, name) for file in self.files)

    def with_status(self, *statuses: Status) -> list[FileResult]:
        """Return the files that ended so."""
        return [file for file in self.files if file.status in statuses]
