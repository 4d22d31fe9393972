"""What an ingest did, file by file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from tokenaudit.ingest.plan import Status
from tokenaudit.sources.source import LeftOut


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
    empty: bool = False
    """It was recognised and read from its start, and yielded no row."""


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


def left_out_notes(path: str, rows: int, found: Iterable[LeftOut]) -> list[str]:
    """Say what a file holds beside its usage `rows`: how many rows of what, and what they cost in each currency."""
    counts: dict[str, int] = {}
    costs: dict[str, dict[str, Decimal]] = {}
    for reason, count, cost, currency in found:
        counts[reason] = counts.get(reason, 0) + count
        sums = costs.setdefault(reason, {})
        sums[currency] = sums.get(currency, Decimal()) + cost
    whole = not rows and len(counts) == 1
    amounts = {
        reason: ", ".join(f"{cost:,.2f} {unit}" for unit, cost in sums.items()) for reason, sums in costs.items()
    }
    return [
        f"{os.path.basename(path)}: {_rows(count, whole=whole)} left out: {reason} ({amounts[reason]})"
        for reason, count in counts.items()
    ]


def _rows(count: int, *, whole: bool) -> str:
    """Return a number of rows, and whether they are all that their file holds."""
    if count == 1:
        return "its only row" if whole else "1 row"
    return f"all {count:,} rows" if whole else f"{count:,} rows"
