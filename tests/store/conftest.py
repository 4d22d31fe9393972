"""A small store, and files to put into it: rows of ``log`` grow (largest), of ``export`` are replaced (newest)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tokenaudit import schema
from tokenaudit.store.catalog import Catalog, FileEntry, RejectEntry, Version
from tokenaudit.store.change import Claims, Tally, commit
from tokenaudit.store.resolve import with_estimate
from tokenaudit.store.segments import scan
from tokenaudit.store.staging import Staging
from tokenaudit.store.verify import Finding, verify

NEWEST = {"export"}
DEFAULTS: dict[str, Any] = {
    "source": "log",
    "charge_period_start": datetime(2026, 10, 5, 10, tzinfo=UTC),
    "granularity": "request",
    "request_model": "claude-opus-5-5",
    "requests": 1,
    "finalized": True,
    "batch": False,
    "merged": False,
    "blank": False,
    "origin_rank": 0,
    **dict.fromkeys(schema.COUNTS, 0),
}
BUSINESS = [name for name in schema.NAMES if name not in {"file_id", "line", "origin_rank", "merged"}]
"""What must not depend on how, when and from which files the rows came."""


def frame(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """Return usage rows; what a row leaves out has its default."""
    complete = []
    for number, row in enumerate(rows, 1):
        full = {"line": number, **DEFAULTS, **row}
        complete.append({"charge_period_end": full["charge_period_start"], **full})
    return with_estimate(pl.DataFrame(complete, schema=schema.dtypes(), orient="row")).select(schema.NAMES)


def heights(claims: Claims) -> Tally:
    """Return how many rows were claimed: incoming, then live and superseded, under their places."""
    return {place: (rows.height, 0) for place, rows in enumerate(claims)}


class Box:
    """A store and what was put into it."""

    def __init__(self, folder: Path) -> None:
        """Create an empty store."""
        self.folder = folder
        self.catalog = Catalog.open(folder, create=True)

    def put(self, file_id: int, *rows: dict[str, Any], drop: pl.Expr | None = None, covers_to: int = 0) -> list[Tally]:
        """Commit the rows of one file."""
        staging = self.staged(file_id, *rows)
        return self.commit(file_id, staging, drop=drop, covers_to=covers_to, rows=len(rows))

    def staged(self, file_id: int, *rows: dict[str, Any]) -> Staging:
        """Return the rows of a file on their way into the store."""
        staging = Staging(self.folder, NEWEST)
        for part in frame({"file_id": file_id, **row} for row in rows).partition_by("source"):
            staging.add(part)
        return staging

    def commit(
        self, file_id: int, staging: Staging, *, drop: pl.Expr | None = None, covers_to: int = 0, rows: int = 0
    ) -> list[Tally]:
        """Commit staged rows with the ledger entry of their file."""
        version = Version(file_id, f"/data/{file_id}", "log", covers_to, rows, file_id)

        def record(catalog: Catalog) -> None:
            catalog.put_files([entry(file_id)])

        return commit(self.catalog, staging, [version], record, drop, heights)

    def usage(self) -> list[dict[str, Any]]:
        """Return all rows that count, by response and values."""
        rows = scan(self.folder, self.catalog.segments()).filter(~pl.col("blank")).select(BUSINESS).collect()
        return sorted(rows.to_dicts(), key=lambda row: (row["response_id"], str(row)))

    def outputs(self) -> dict[int, list[int]]:
        """Return the output tokens of each response."""
        found: dict[int, list[int]] = {}
        for row in self.usage():
            found.setdefault(row["response_id"], []).append(row["output_tokens"])
        return {key: sorted(values) for key, values in found.items()}

    def findings(self) -> list[Finding]:
        """Return what `verify` says."""
        return verify(self.catalog, NEWEST)


def entry(file_id: int, path: str = "", **more: Any) -> FileEntry:
    """Return a ledger entry."""
    blank = FileEntry(path or f"/data/{file_id}", file_id, "log", 1, 1, 10, 5, 10, 1, "h", "t", "", 1, 0, 0, "now")
    return blank._replace(**more)


def reject(path: str, line: int) -> RejectEntry:
    """Return a line that could not be read."""
    return RejectEntry(path, line, line * 10, "not JSON")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Give an empty store."""
    made = Box(tmp_path / "store")
    yield made
    made.catalog.close()


@pytest.fixture(name="frame")
def build_frame() -> Callable[[Iterable[dict[str, Any]]], pl.DataFrame]:
    """Give the builder of usage rows."""
    return frame


@pytest.fixture(scope="session")
def new_box() -> type[Box]:
    """Give the maker of stores, for tests that need several."""
    return Box
