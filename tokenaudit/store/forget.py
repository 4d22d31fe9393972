"""Forgetting: rows go out with the ledger entries that brought them; what another file also holds stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from tokenaudit.store import segments
from tokenaudit.store.catalog import Catalog, FileEntry
from tokenaudit.store.change import commit
from tokenaudit.store.staging import Staging


class Forgotten(NamedTuple):
    """What went out, or would."""

    rows: int
    """Usage rows that no longer count."""
    kept: int
    """Rows of the forgotten files that stay because another file holds them."""
    files: list[str]


def files_of(catalog: Catalog, paths: Sequence[str], source: str | None) -> list[FileEntry]:
    """Return the ledger entries of files (or all under a folder) and of a source."""
    prefixes = tuple(path.rstrip("/") + "/" for path in paths)
    return [
        entry
        for entry in catalog.files().values()
        if entry.path in paths or (prefixes and entry.path.startswith(prefixes)) or entry.source == source
    ]


def forget(
    catalog: Catalog,
    entries: Sequence[FileEntry],
    condition: pl.Expr | None,
    newest: set[str],
    *,
    dry_run: bool = False,
) -> Forgotten:
    """Take out all sightings of some files, and all that fit a condition on usage columns.

    A file that the ledger still knows under another path (a copy) keeps its rows.
    """
    drop = _drop(catalog, entries, condition)
    staging = Staging(catalog.folder, newest)
    before = _touched(catalog, drop)
    paths = [entry.path for entry in entries]
    if dry_run:
        kept = _also_elsewhere(catalog, drop)
        return Forgotten(before - kept, kept, paths)
    rows = _live_rows(catalog)
    gone = {entry.file_id for entry in entries} - _still_known(catalog, paths)

    def record(catalog: Catalog) -> None:
        catalog.delete_files(paths)
        catalog.delete_roots(paths)
        catalog.delete_versions(gone)

    commit(catalog, staging, [], record, drop)
    removed = rows - _live_rows(catalog)
    return Forgotten(removed, before - removed, paths)


def _drop(catalog: Catalog, entries: Sequence[FileEntry], condition: pl.Expr | None) -> pl.Expr:
    still_known = _still_known(catalog, [entry.path for entry in entries])
    ids = sorted({entry.file_id for entry in entries} - still_known)
    by_file = pl.col("file_id").is_in(ids)
    return by_file if condition is None else by_file | condition.fill_null(value=False)


def _still_known(catalog: Catalog, paths: Sequence[str]) -> set[int]:
    return {entry.file_id for entry in catalog.files().values() if entry.path not in paths}


def _live_rows(catalog: Catalog) -> int:
    return sum(segment.rows for segment in catalog.segments())


def _touched(catalog: Catalog, drop: pl.Expr) -> int:
    """Count the live rows that a sighting to be dropped has a part in."""
    live, aside = (segments.scan(catalog.folder, catalog.segments(tier)) for tier in ("usage", "superseded"))
    keys = pl.concat([live.filter(drop).select("response_id"), aside.filter(drop).select("response_id")]).unique()
    return live.join(keys, on="response_id", how="semi").select(pl.len()).collect().item()  # type: ignore[no-any-return]


def _also_elsewhere(catalog: Catalog, drop: pl.Expr) -> int:
    """Count the things touched that have a sighting which stays."""
    live, aside = (segments.scan(catalog.folder, catalog.segments(tier)) for tier in ("usage", "superseded"))
    sightings = pl.concat([live.filter(~pl.col("merged")), aside]).with_columns(dropped=drop)
    per_key = sightings.group_by("response_id").agg(some=pl.col("dropped").any(), every=pl.col("dropped").all())
    return per_key.filter(pl.col("some") & ~pl.col("every")).select(pl.len()).collect().item()  # type: ignore[no-any-return]
