"""Upkeep: small segments of a month are joined, retired ones unlinked after a grace period, orphans removed."""

from __future__ import annotations

import time
from collections import defaultdict

import polars as pl

from tokenaudit import schema
from tokenaudit.store import segments
from tokenaudit.store.catalog import Catalog, Segment

MANY = 24
"""Small segments of one month and tier that are worth joining: each costs a reader about 45 microseconds."""
SMALL_ROWS = 500_000
JOINED_ROWS = 2_000_000
GRACE_SECONDS = 60.0
"""Readers that listed the segments before they were retired may still open them."""
ORPHAN_SECONDS = 3600.0
"""A file that no catalog names and that is older than this was left by a crash: no commit takes so long."""


def upkeep(catalog: Catalog, *, now: float | None = None, many: int = MANY) -> None:
    """Do what is due: cheap where nothing is."""
    moment = time.time() if now is None else now
    for group in crowded(catalog, many):
        join(catalog, group, moment)
    sweep(catalog, moment)


def crowded(catalog: Catalog, many: int = MANY) -> list[list[Segment]]:
    """Return groups of small segments of one tier and month that should be one."""
    groups: dict[tuple[str, str], list[Segment]] = defaultdict(list)
    for tier in ("usage", "superseded"):
        for segment in catalog.segments(tier):
            if segment.rows < SMALL_ROWS:
                groups[tier, segment.month].append(segment)
    return [part for group in groups.values() if len(group) >= many for part in _parts(group)]


def _parts(group: list[Segment]) -> list[list[Segment]]:
    parts: list[list[Segment]] = [[]]
    for segment in group:
        if parts[-1] and sum(item.rows for item in parts[-1]) + segment.rows > JOINED_ROWS:
            parts.append([])
        parts[-1].append(segment)
    return [part for part in parts if len(part) > 1]


def join(catalog: Catalog, group: list[Segment], now: float) -> None:
    """Replace segments by one with the same rows; left for another time where one of them no longer counts."""
    names = {segment.name for segment in group}
    written = segments.write(catalog.folder, segments.scan(catalog.folder, group).collect(), group[0].tier)
    with catalog.transaction():
        current = names <= {segment.name for segment in catalog.segments(group[0].tier)}
        if current:
            catalog.add_segments(written)
            catalog.retire_segments(names, now)
            catalog.advance()
    if not current:
        segments.unlink(catalog.folder, [segment.name for segment in written])


def sweep(catalog: Catalog, now: float) -> None:
    """Unlink segments retired longer ago than the grace period, and orphans."""
    dead = catalog.dead_segments(now - GRACE_SECONDS)
    segments.unlink(catalog.folder, dead)
    if dead:
        with catalog.transaction():
            catalog.drop_segments(dead)
    segments.unlink(catalog.folder, orphans(catalog, now))


def orphans(catalog: Catalog, now: float) -> list[str]:
    """Return segment files that the catalog does not name and that no running commit can still be writing."""
    found = segments.on_disk(catalog.folder)
    known = catalog.segment_names()
    return sorted(name for name, changed in found.items() if name not in known and changed < now - ORPHAN_SECONDS)


def migrate(catalog: Catalog) -> None:
    """Rewrite a store of an older physical schema in today's, in one transaction; one of today is left alone."""
    if catalog.schema_version() < schema.VERSION:
        with catalog.transaction():
            if catalog.schema_version() < schema.VERSION:
                _rewrite(catalog)


def _rewrite(catalog: Catalog) -> None:
    for segment in (*catalog.segments("usage"), *catalog.segments("superseded")):
        rows = pl.read_parquet(catalog.folder / segments.FOLDER / segment.name)
        catalog.add_segments(segments.write(catalog.folder, conformed(rows), segment.tier))
        catalog.retire_segments([segment.name], time.time())
    catalog.set_schema_version(schema.VERSION)
    catalog.advance()


def conformed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows in today's columns and types: new counts are 0, new flags false, all else null; dropped ones go."""
    made = []
    for name, kind in schema.dtypes().items():
        default = 0 if name in schema.COUNTS else False if kind == pl.Boolean() else None
        made.append(pl.col(name).cast(kind) if name in rows.columns else pl.lit(default, kind).alias(name))
    return rows.select(made)
