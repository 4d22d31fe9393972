"""Does the store hold what its catalog says? Segments are read whole and compared: digests, counts, times, keys."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import polars as pl

from tokenaudit.store import segments
from tokenaudit.store.catalog import Catalog, Segment
from tokenaudit.store.change import difference, ranks
from tokenaudit.store.resolve import resolve


class Finding(NamedTuple):
    """Something that is not as it should be."""

    where: str
    what: str


def verify(catalog: Catalog, newest: set[str]) -> list[Finding]:
    """Return every finding; none for a sound store. `newest`: sources whose newest file wins."""
    _, live, aside = catalog.snapshot()
    broken = [finding for segment in (*live, *aside) for finding in check_segment(catalog.folder, segment)]
    if broken:
        return broken
    return [*check_keys(catalog, live, newest), *check_merged(catalog, live, aside, newest)]


def check_segment(folder: Path, segment: Segment) -> list[Finding]:
    """Compare one segment file with its catalog entry."""
    path = folder / segments.FOLDER / segment.name
    if not path.exists():
        return [Finding(segment.name, "the file is gone")]
    if segments.digest(path) != segment.digest:
        return [Finding(segment.name, "the file is not the one that was written: its digest differs")]
    start = pl.col("charge_period_start").to_physical()
    found = pl.scan_parquet(path).select(pl.len(), start.min().alias("min"), start.max().alias("max")).collect().row(0)
    expected = (segment.rows, segment.start_min, segment.start_max)
    return [] if found == expected else [Finding(segment.name, f"holds {found}, the catalog says {expected}")]


def check_keys(catalog: Catalog, live: list[Segment], newest: set[str]) -> list[Finding]:
    """Look for things that count more than once: an event in two rows, a bucket from two files."""
    by_file = pl.col("source").cast(pl.String).is_in(newest)
    keyed = segments.scan(catalog.folder, live).select("response_id", "file_id", by_file.alias("by_file"))
    twice = (
        keyed.group_by("response_id")
        .agg(rows=pl.len(), files=pl.col("file_id").n_unique(), by_file=pl.col("by_file").first())
        .filter(pl.when("by_file").then(pl.col("files") > 1).otherwise(pl.col("rows") > 1))
        .collect()
    )
    return [Finding("usage", f"{twice.height} keys count more than once")] if twice.height else []


def check_merged(catalog: Catalog, live: list[Segment], aside: list[Segment], newest: set[str]) -> list[Finding]:
    """Resolve the sightings of every merged row again and compare."""
    merged = segments.scan(catalog.folder, live).filter("merged").collect()
    stored = segments.scan(catalog.folder, [*live, *aside]).filter(~pl.col("merged"))
    own = stored.join(merged.lazy().select("response_id"), on="response_id", how="semi")
    again = resolve(own.collect(), ranks(catalog.versions()), newest).usage.filter("merged")
    wrong = difference(merged, again).height
    return [Finding("usage", f"{wrong} merged rows do not follow from their sightings")] if wrong else []
