"""Segments: immutable Parquet files of usage rows, one month each, sorted by time, on disk before they count."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import polars as pl
import xxhash

from tokenaudit import schema
from tokenaudit.errors import StoreError
from tokenaudit.store.catalog import Segment

FOLDER = "segments"
MONTH = "%Y-%m"
SEVERAL = 2
ROW_GROUP = 1 << 18
COMPRESSION_LEVEL = 1


def write(folder: Path, rows: pl.DataFrame, tier: str) -> list[Segment]:
    """Write usage rows as one segment a month and flush them to disk; they do not count until the catalog names them.

    A write that fails leaves at most files that nobody names (see `orphans`).
    """
    written = [_write_month(folder, part, tier) for part in _by_month(rows)]
    if written:
        sync(folder / FOLDER)
    return written


def _by_month(rows: pl.DataFrame) -> list[pl.DataFrame]:
    if rows.select(pl.col("charge_period_start").dt.month_start().n_unique() < SEVERAL).item():
        return [rows] if rows.height else []
    months = pl.col("charge_period_start").dt.year() * 12 + pl.col("charge_period_start").dt.month()
    return rows.with_columns(month=months).partition_by("month", include_key=False)


def _write_month(folder: Path, rows: pl.DataFrame, tier: str) -> Segment:
    ordered = rows.select(schema.NAMES)
    if not ordered["charge_period_start"].is_sorted():
        ordered = ordered.sort("charge_period_start")
    month = f"{ordered.item(0, 'charge_period_start'):{MONTH}}"
    name = f"month={month}/{uuid.uuid4().hex}.parquet"
    path = folder / FOLDER / name
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
        sync(path.parent.parent)
    ordered.write_parquet(path, compression="zstd", compression_level=COMPRESSION_LEVEL, row_group_size=ROW_GROUP)
    sync(path)
    sync(path.parent)
    starts = ordered["charge_period_start"].to_physical()
    return Segment(name, tier, month, ordered.height, starts[0], starts[-1], path.stat().st_size, digest(path))


def scan(folder: Path, segments: Sequence[Segment]) -> pl.LazyFrame:
    """Return the rows of segments, lazily; an empty frame of the same schema where there are none.

    StoreError where the file of one is gone.
    """
    if not segments:
        return empty().lazy()
    paths = [folder / FOLDER / segment.name for segment in segments]
    gone = next((path for path in paths if not path.exists()), None)
    if gone:
        raise StoreError(f"the store lacks its file `{gone}`", "see `tokenaudit doctor --verify`, and restore a copy")
    return pl.scan_parquet(paths, schema=schema.dtypes())


def holding(folder: Path, segments: Sequence[Segment], chosen: pl.Expr) -> list[Segment]:
    """Return the segments that hold any of the chosen rows."""
    paths = {str(folder / FOLDER / segment.name): segment for segment in segments}
    if not paths:
        return []
    rows = pl.scan_parquet(list(paths), schema=schema.dtypes(), include_file_paths="path")
    held = rows.filter(chosen).select(pl.col("path").unique()).collect(engine="streaming")
    return [paths[path] for path in sorted(held["path"])]


def empty() -> pl.DataFrame:
    """Return a usage frame without rows."""
    return pl.DataFrame(schema=schema.dtypes())


def digest(path: Path) -> str:
    """Return the 128-bit XXH3 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, xxhash.xxh3_128).hexdigest()


def sync(path: Path) -> None:
    """Flush a file or folder to disk. Windows cannot open folders and flushes their entries by itself."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def unlink(folder: Path, names: Iterable[str]) -> None:
    """Remove segment files that no longer count; those already gone are no error."""
    for name in names:
        (folder / FOLDER / name).unlink(missing_ok=True)


def on_disk(folder: Path) -> dict[str, float]:
    """Return every segment file by name, with the time of its last change (seconds since 1970)."""
    base, found = folder / FOLDER, {}
    for path in base.glob("month=*/*.parquet"):
        with suppress(FileNotFoundError):  # another process has just removed it
            found[path.relative_to(base).as_posix()] = path.stat().st_mtime
    return found
