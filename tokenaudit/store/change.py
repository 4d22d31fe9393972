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
from tokenaudit.store.repeats import repeats
from tokenaudit.store.resolve import SIGHTING, resolve
from tokenaudit.store.staging import Staging

LISTS = ("output_parts",)
"""Columns that a join cannot compare; their sums tell them apart."""
VERSION_SCHEMA = {
    "file_id": pl.Int64,
    "path": pl.String,
    "source": pl.String,
    "covers_to": pl.Int64,
    "rows": pl.Int64,
    "digest": pl.Int64,
}
PART_KEYS = 250_000
"""Things that are resolved at once: what bounds the memory of a change."""
PATIENCE = 3
"""Preparations without a lock; the next one keeps others out."""


class Claims(NamedTuple):
    """What is claimed by more than one row: keys, and the rows that claim them."""

    incoming: pl.DataFrame
    live: pl.DataFrame
    superseded: pl.DataFrame


Tally = dict[int, tuple[int, int]]
"""Counts by `file_id`."""


@dataclass(slots=True)
class Prepared:
    """Segments to add and to retire, and what was counted of the claims."""

    add: list[Segment] = field(default_factory=list)
    retire: list[str] = field(default_factory=list)
    outdated: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: {"usage": [], "superseded": []})
    """Keys whose stored rows are replaced, by tier."""
    tallies: list[Tally] = field(default_factory=list)


def commit(
    catalog: Catalog,
    staging: Staging,
    versions: list[Version],
    record: Callable[[Catalog], None],
    drop: pl.Expr | None = None,
    tally: Callable[[Claims], Tally] | None = None,
) -> list[Tally]:
    """Apply a change: the staged rows come in, stored sightings that `drop` selects go out.

    `versions` are the incoming files' contents; `record` writes the ledger inside the transaction. Returns what `tally`
    counted of the claims, part by part. On any error the store is as before.
    """
    change = Change(catalog, staging, versions, drop, tally)
    for _ in range(PATIENCE):
        generation = catalog.generation()
        prepared = change.prepare()
        with catalog.transaction():
            if catalog.generation() == generation:
                _apply(catalog, prepared, versions, record)
                break
        _discard(catalog.folder, prepared.add, keep=staging.spilled)
    else:
        with catalog.transaction():
            prepared = change.prepare()
            _apply(catalog, prepared, versions, record)
    _discard(catalog.folder, staging.spilled, keep=prepared.add)
    return prepared.tallies


def _apply(catalog: Catalog, prepared: Prepared, versions: list[Version], record: Callable[[Catalog], None]) -> None:
    catalog.add_segments(prepared.add)
    catalog.retire_segments(prepared.retire, time.time())
    catalog.put_versions(versions)
    record(catalog)
    catalog.advance()


def _discard(folder: Path, written: list[Segment], keep: list[Segment]) -> None:
    segments.unlink(folder, {segment.name for segment in written} - {segment.name for segment in keep})


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be changed, prepared against the store as it is at the moment."""

    catalog: Catalog
    staging: Staging
    versions: list[Version]
    drop: pl.Expr | None
    tally: Callable[[Claims], Tally] | None

    def prepare(self) -> Prepared:
        """Write every new segment; nothing counts yet."""
        folder, spilled, prepared = self.catalog.folder, self.staging.spilled, Prepared()
        tiers = {tier: self.catalog.segments(tier) for tier in prepared.outdated}
        stored = {tier: segments.scan(folder, found) for tier, found in tiers.items()}
        keys = claimed(pl.concat(stored.values()), self.staging, self.drop)
        rows = self.staging.rows()
        incoming = pl.concat([rows.lazy(), segments.scan(folder, spilled)])
        versions = ranks([*self.catalog.versions(), *self.versions])
        for part in keys.iter_slices(PART_KEYS):
            self._settle(Claims(*(pick(tier, part) for tier in (incoming, *stored.values()))), versions, prepared)
        prepared.add += segments.write(folder, rows_without(rows, keys), "usage")
        rewritten, replaced = _without(folder, spilled, keys)
        prepared.add += [*rewritten, *(segment for segment in spilled if segment.name not in replaced)]
        for tier, found in tiers.items():
            rewritten, replaced = _without(folder, found, pl.concat([keys.clear(), *prepared.outdated[tier]]))
            prepared.add += rewritten
            prepared.retire += replaced
        return prepared

    def _settle(self, claims: Claims, versions: pl.DataFrame, prepared: Prepared) -> None:
        """Resolve some claims; write what is new of them and note what is outdated."""
        folder, newest = self.catalog.folder, self.staging.newest
        if self.tally is not None:
            prepared.tallies.append(self.tally(claims))
        if self.drop is None:
            known = repeats(*claims, newest)
            prepared.add += segments.write(folder, known.sightings, "superseded")
            claims = Claims(*(rows_without(rows, known.keys) for rows in claims))
        sightings = pl.concat([claims.live.filter(~pl.col("merged")), claims.superseded])
        kept = sightings if self.drop is None else sightings.filter(~self.drop)
        kept = kept.join(read_again(claims.incoming, newest), on=SIGHTING, how="anti")
        result = resolve(pl.concat([kept, claims.incoming]), versions, newest)
        tiers = {"usage": (claims.live, result.usage), "superseded": (claims.superseded, result.superseded)}
        for tier, (before, after) in tiers.items():
            touched = pl.concat([difference(before, after), difference(after, before)]).select("response_id").unique()
            prepared.outdated[tier].append(before.select("response_id").unique().join(touched, on="response_id"))
            prepared.add += segments.write(folder, after.join(touched, on="response_id", how="semi"), tier)


def claimed(stored: pl.LazyFrame, staging: Staging, drop: pl.Expr | None) -> pl.DataFrame:
    """Return each `response_id` (one column) that has to be resolved: claimed twice, or touched by `drop`."""
    known = stored.select("response_id").join(staging.keys().lazy(), on="response_id", how="semi")
    parts = [known.collect(engine="streaming")["response_id"], staging.repeated()]
    if drop is not None:
        parts.append(stored.filter(drop).select("response_id").collect(engine="streaming")["response_id"])
    return pl.concat(parts).unique().to_frame()


def read_again(incoming: pl.DataFrame, newest: set[str]) -> pl.DataFrame:
    """Return the buckets that come in with all that their file has of them: they replace what it had before."""
    return incoming.filter(pl.col("source").cast(pl.String).is_in(newest)).select(SIGHTING).unique()


def pick(rows: pl.LazyFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of some responses. A filter reads the other columns only where a key fits; a join reads all."""
    return rows.filter(_among(keys)).collect(engine="streaming")


def _among(keys: pl.DataFrame) -> pl.Expr:
    return pl.col("response_id").is_in(keys["response_id"].implode())


def rows_without(rows: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of all other responses."""
    return rows.join(keys, on="response_id", how="anti")


def ranks(versions: list[Version]) -> pl.DataFrame:
    """Return what decides between the contents of files, one row a version."""
    return pl.DataFrame(versions, schema=VERSION_SCHEMA, orient="row")


def difference(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `left` that do not stand in `right` with all their values; lists as their sums."""
    sums = pl.col(LISTS).list.sum()
    return left.with_columns(sums).join(right.with_columns(sums), on=left.columns, how="anti", nulls_equal=True)


def _without(folder: Path, found: list[Segment], keys: pl.DataFrame) -> tuple[list[Segment], list[str]]:
    """Rewrite the segments that hold any of the keys, without them; return the new ones and the names of the old."""
    old = segments.holding(folder, found, _among(keys)) if keys.height else []
    written: list[Segment] = []
    for segment in old:
        kept = segments.scan(folder, [segment]).filter(~_among(keys))
        written += segments.write(folder, kept.collect(engine="streaming"), segment.tier)
    return written, [segment.name for segment in old]
