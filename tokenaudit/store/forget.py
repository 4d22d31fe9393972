"""Forgetting: rows go out with the ledger entries that brought them; what another file also holds stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from tokenaudit.store import segments
from tokenaudit.store.catalog import Catalog, FileEntry
from tokenaudit.store.change import claimed, commit, pick, ranks
from tokenaudit.store.owners import forget_owners
from tokenaudit.store.resolve import resolve
from tokenaudit.store.staging import Staging


class Forgotten(NamedTuple):
    """What went out, or would."""

    rows: int
    """Usage rows that no longer count."""
    kept: int
    """Rows that another file holds too: they stay, or make way for that file's."""
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
    """Take out all sightings of some files, with all that was ever read at their paths, and all that fit a condition.

    A file that the ledger still knows under another path (a copy) keeps its rows. `condition` is on usage columns.
    """
    paths = [entry.path for entry in entries]
    while True:
        gone = _contents(catalog, entries)
        by_file = pl.col("file_id").is_in(sorted(gone))
        drop = by_file if condition is None else by_file | condition.fill_null(value=False)
        done = _outcome(catalog, drop, newest, paths)
        if dry_run or _commit(catalog, entries, gone, newest, drop):
            return done


class _ChangedError(Exception):
    """Somebody has ingested what is to be forgotten, or a copy of it, in the meantime."""


def _commit(catalog: Catalog, entries: Sequence[FileEntry], gone: set[int], newest: set[str], drop: pl.Expr) -> bool:
    """Take rows and ledger entries out; False, and nothing done, where the files are no longer the same."""
    paths = [entry.path for entry in entries]

    def record(catalog: Catalog) -> None:
        if _contents(catalog, entries) != gone:
            raise _ChangedError
        catalog.delete_files(paths)
        catalog.delete_roots(paths)
        forget_owners(catalog, paths)
        catalog.delete_versions(gone)

    try:
        commit(catalog, Staging(catalog.folder, newest), [], record, drop)
    except _ChangedError:
        return False
    return True


def _contents(catalog: Catalog, entries: Sequence[FileEntry]) -> set[int]:
    """Return the ids of everything read at the paths of some files, but for what another path holds too."""
    paths = {entry.path for entry in entries}
    read = {entry.file_id for entry in entries} | {item.file_id for item in catalog.versions() if item.path in paths}
    return read - {entry.file_id for entry in catalog.files().values() if entry.path not in paths}


def _outcome(catalog: Catalog, drop: pl.Expr, newest: set[str], paths: list[str]) -> Forgotten:
    """Say what a change will do: resolve what it touches, without what it takes out."""
    live, aside = (segments.scan(catalog.folder, catalog.segments(tier)) for tier in ("usage", "superseded"))
    keys = claimed(pl.concat([live, aside]), Staging(catalog.folder, newest), drop)
    counted = pick(live, keys)
    sightings = pl.concat([counted.filter(~pl.col("merged")), pick(aside, keys)]).filter(~drop)
    after = resolve(sightings, ranks(catalog.versions()), newest).usage.filter(~pl.col("blank"))
    counted = counted.filter(~pl.col("blank"))
    kept = counted.join(after, on="response_id", how="semi").height
    return Forgotten(counted.height - kept, kept, paths)
