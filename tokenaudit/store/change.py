"""One change of the store: rows come in, sightings go out, all in one transaction.

A change is prepared without a lock against a snapshot: rows whose `response_id` nobody else claims are written as they
are; the others are resolved together with what the store holds of them. Then the catalog is locked for the moment of
the commit. Where somebody else has committed meanwhile, the change is prepared again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import polars as pl

from tokenaudit.store import segments
from tokenaudit.store.catalog import Catalog, Segment, Version
from tokenaudit.store.resolve import resolve
from tokenaudit.store.staging import Staging

LISTS = ("output_parts",)
"""Columns that a join cannot compare; what they say shows in `estimated_output_tokens`."""
VERSION_SCHEMA = {
    "file_id": pl.Int64,
    "path": pl.String,
    "source": pl.String,
    "covers_to": pl.Int64,
    "rows": pl.Int64,
    "digest": pl.Int64,
}
PATIENCE = 3
"""Preparations without a lock; the next one keeps others out."""


class Claims(NamedTuple):
    """What is claimed by more than one row: keys, and the rows that claim them."""

    incoming: pl.DataFrame
    live: pl.DataFrame
    superseded: pl.DataFrame


@dataclass(slots=True)
class Prepared:
    """Segments to add and to retire, and the incoming rows that others claimed too."""

    add: list[Segment] = field(default_factory=list)
    retire: list[str] = field(default_factory=list)
    claims: Claims | None = None


def commit(
    catalog: Catalog,
    staging: Staging,
    versions: list[Version],
    record: Callable[[Catalog], None],
    drop: pl.Expr | None = None,
) -> Claims | None:
    """Apply a change: the staged rows come in, stored sightings that `drop` selects go out.

    `versions` are the incoming files' contents; `record` writes the ledger inside the transaction. Returns the claims
    that were resolved, None where there were none. On any error the store is as before.
    """
    for _ in range(PATIENCE):
        generation = catalog.generation()
        prepared = _prepare(catalog, staging, versions, drop)
        with catalog.transaction():
            if catalog.generation() == generation:
                _apply(catalog, prepared, versions, record)
                break
        _discard(catalog.folder, prepared.add, keep=staging.spilled)
    else:
        with catalog.transaction():
            prepared = _prepare(catalog, staging, versions, drop)
            _apply(catalog, prepared, versions, record)
    _discard(catalog.folder, staging.spilled, keep=prepared.add)
    return prepared.claims


def _apply(catalog: Catalog, prepared: Prepared, versions: list[Version], record: Callable[[Catalog], None]) -> None:
    catalog.add_segments(prepared.add)
    catalog.retire_segments(prepared.retire, time.time())
    catalog.put_versions(versions)
    record(catalog)
    catalog.advance()


def _discard(folder: Path, written: list[Segment], keep: list[Segment]) -> None:
    segments.unlink(folder, {segment.name for segment in written} - {segment.name for segment in keep})


def _prepare(catalog: Catalog, staging: Staging, versions: list[Version], drop: pl.Expr | None) -> Prepared:
    folder = catalog.folder
    live, superseded = catalog.segments("usage"), catalog.segments("superseded")
    stored = [segments.scan(folder, live), segments.scan(folder, superseded)]
    keys = claimed(pl.concat(stored), staging, drop)
    rows = staging.rows()
    if keys.height == 0:
        return Prepared(add=staging.spilled + segments.write(folder, rows, "usage"))
    incoming = [rows.join(keys, on="response_id", how="semi"), pick(segments.scan(folder, staging.spilled), keys)]
    claims = Claims(pl.concat(incoming), pick(stored[0], keys), pick(stored[1], keys))
    prepared = _settle(catalog, claims, [*catalog.versions(), *versions], staging.newest, drop)
    prepared.add += segments.write(folder, rows.join(keys, on="response_id", how="anti"), "usage")
    rewritten, outdated = _without(folder, staging.spilled, keys)
    prepared.add += [*rewritten, *(segment for segment in staging.spilled if segment.name not in outdated)]
    return prepared


def claimed(stored: pl.LazyFrame, staging: Staging, drop: pl.Expr | None) -> pl.DataFrame:
    """Return each `response_id` (one column) that has to be resolved: claimed twice, or touched by `drop`."""
    known = stored.select("response_id").join(staging.keys().lazy(), on="response_id", how="semi")
    parts = [known.collect(engine="streaming")["response_id"], staging.repeated()]
    if drop is not None:
        parts.append(stored.filter(drop).select("response_id").collect(engine="streaming")["response_id"])
    return pl.concat(parts).unique().to_frame()


def pick(rows: pl.LazyFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of some responses."""
    return rows.join(keys.lazy(), on="response_id", how="semi").collect(engine="streaming")


def _settle(
    catalog: Catalog, claims: Claims, versions: list[Version], newest: set[str], drop: pl.Expr | None
) -> Prepared:
    """Resolve the claims and write what changed of them."""
    sightings = pl.concat([claims.live.filter(~pl.col("merged")), claims.superseded])
    sightings = pl.concat([sightings if drop is None else sightings.filter(~drop), claims.incoming])
    result = resolve(sightings, ranks(versions), newest)
    prepared = Prepared(claims=claims)
    tiers = {"usage": (claims.live, result.usage), "superseded": (claims.superseded, result.superseded)}
    for tier, (before, after) in tiers.items():
        touched = pl.concat([difference(before, after), difference(after, before)]).select("response_id").unique()
        outdated = before.join(touched, on="response_id", how="semi").select("response_id").unique()
        rewritten, retired = _without(catalog.folder, catalog.segments(tier), outdated)
        fresh = segments.write(catalog.folder, after.join(touched, on="response_id", how="semi"), tier)
        prepared.add += [*rewritten, *fresh]
        prepared.retire += retired
    return prepared


def ranks(versions: list[Version]) -> pl.DataFrame:
    """Return what decides between the contents of files, one row a version."""
    return pl.DataFrame(versions, schema=VERSION_SCHEMA, orient="row")


def difference(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `left` that do not stand in `right` with all their values."""
    compared = [name for name in left.columns if name not in LISTS]
    return left.join(right.select(compared), on=compared, how="anti", nulls_equal=True)


def _without(folder: Path, found: list[Segment], keys: pl.DataFrame) -> tuple[list[Segment], list[str]]:
    """Rewrite the segments that hold any of the keys, without them; return the new ones and the names of the old."""
    old = [segment for segment in found if keys.height and _holds(folder, segment, keys)]
    written: list[Segment] = []
    for segment in old:
        kept = segments.scan(folder, [segment]).join(keys.lazy(), on="response_id", how="anti")
        written += segments.write(folder, kept.collect(engine="streaming"), segment.tier)
    return written, [segment.name for segment in old]


def _holds(folder: Path, segment: Segment, keys: pl.DataFrame) -> bool:
    held = segments.scan(folder, [segment]).select("response_id").join(keys.lazy(), on="response_id", how="semi")
    return held.head(1).collect().height > 0
