"""The store as readers see it: usage rows of a period, lazily."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

from tokenaudit.store import segments
from tokenaudit.store.catalog import Catalog, Segment
from tokenaudit.store.upkeep import migrate

EPOCH_DAYS_BEFORE_ZONE = 86_400_000_000 * 2
"""Microseconds added on both sides when segments are chosen: daily rows keep UTC dates in every zone."""


class Store:
    """An open store. Use it as a context manager, or call `close`."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.folder = catalog.folder

    @classmethod
    def open(cls, folder: str | Path) -> Store:
        """Open the store in a folder; one of an older version is brought up to date. StoreError where there is none."""
        catalog = Catalog.open(Path(folder))
        migrate(catalog)
        return cls(catalog)

    def close(self) -> None:
        """Close the catalog."""
        self.catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def rows(self, start: datetime | None = None, end: datetime | None = None) -> pl.LazyFrame:
        """Return usage rows that may touch [start, end), UTC; blank buckets included, rows around it too."""
        return segments.scan(self.folder, self.segments(start, end))

    def usage(self, start: datetime | None = None, end: datetime | None = None) -> pl.LazyFrame:
        """Return the usage rows that may touch [start, end), UTC, blank buckets left out."""
        return self.rows(start, end).filter(~pl.col("blank"))

    def segments(self, start: datetime | None = None, end: datetime | None = None) -> list[Segment]:
        """Return the live segments whose rows may touch [start, end): a row's end may lie far after its start."""
        low = _microseconds(start) - 400 * EPOCH_DAYS_BEFORE_ZONE if start else None
        high = _microseconds(end) + EPOCH_DAYS_BEFORE_ZONE if end else None
        return [
            segment
            for segment in self.catalog.segments()
            if (low is None or segment.start_max >= low) and (high is None or segment.start_min < high)
        ]


def _microseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1_000_000)
