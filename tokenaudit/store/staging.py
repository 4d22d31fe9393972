"""Rows on their way into the store: kept in memory up to a limit, then written as segments that do not count yet."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import polars as pl

from tokenaudit import schema
from tokenaudit.store import segments
from tokenaudit.store.catalog import Segment
from tokenaudit.store.resolve import SIGHTING

SPILL_ROWS = 150_000


class Staging:
    """Usage rows of one ingest, in bounded memory."""

    def __init__(self, folder: Path, newest: set[str]) -> None:
        """Stage for the store in `folder`; `newest` names the sources whose newest file wins."""
        self.folder = folder
        self.newest = newest
        self._writer = ThreadPoolExecutor(1)
        self._written: list[Segment] = []
        self._writing: Future[list[Segment]] | None = None
        self._frames: list[pl.DataFrame] = []
        self._rows = 0
        self._events: list[pl.DataFrame] = []
        self._buckets: list[pl.DataFrame] = []

    def add(self, rows: pl.DataFrame) -> None:
        """Take in usage rows of one source."""
        if rows.height == 0:
            return
        keys = rows.select(SIGHTING)
        if str(rows["source"][0]) in self.newest:
            self._buckets.append(keys.unique())
        else:
            self._events.append(keys)
        self._frames.append(rows)
        self._rows += rows.height
        if self._rows >= SPILL_ROWS:
            self._spill()

    def drop(self, file_id: int) -> None:
        """Take the rows of one file out again."""
        others = pl.col("file_id") != file_id
        self._frames, self._events, self._buckets = (
            [frame.filter(others) for frame in frames] for frames in (self._frames, self._events, self._buckets)
        )
        self._rows = sum(frame.height for frame in self._frames)
        kept: list[Segment] = []
        for segment in self.spilled:
            rows = segments.scan(self.folder, [segment]).filter(others).collect()
            whole = rows.height == segment.rows
            kept += [segment] if whole else segments.write(self.folder, rows, segment.tier)
            segments.unlink(self.folder, [] if whole else [segment.name])
        self._written = kept

    def _spill(self) -> None:
        """Write what is in memory while the next rows are read; polars does not need the interpreter for that."""
        self._finish()
        self._writing = self._writer.submit(segments.write, self.folder, self.rows(), "usage")
        self._frames, self._rows = [], 0

    def _finish(self) -> None:
        if self._writing is not None:
            writing, self._writing = self._writing, None
            self._written += writing.result()

    @property
    def spilled(self) -> list[Segment]:
        """Segments that were written and do not count yet."""
        self._finish()
        return self._written

    def rows(self) -> pl.DataFrame:
        """Return the rows that are still in memory."""
        return pl.concat(self._frames).select(schema.NAMES) if self._frames else segments.empty()

    def keys(self) -> pl.DataFrame:
        """Return each `response_id` that was staged, once."""
        return _keys([*self._events, *self._buckets]).unique().to_frame()

    def repeated(self) -> pl.Series:
        """Return each `response_id` that two rows (events) or two files (buckets) claim."""
        parts = (_keys(frames) for frames in (self._events, self._buckets))
        return pl.concat([_twice(series) for series in parts]).unique()

    def is_empty(self) -> bool:
        """Say whether nothing was staged."""
        return not self._rows and not self.spilled

    def discard(self) -> None:
        """Remove what was written; for an ingest that does not commit."""
        segments.unlink(self.folder, (segment.name for segment in self.spilled))


def _twice(series: pl.Series) -> pl.Series:
    """Return the values that stand more than once; sorting ten million is much quicker than hashing them."""
    ordered = series.sort()
    return ordered.filter(ordered == ordered.shift())


def _keys(frames: list[pl.DataFrame]) -> pl.Series:
    none = pl.Series("response_id", [], dtype=pl.Int64)
    return pl.concat([none, *(frame["response_id"] for frame in frames)])
