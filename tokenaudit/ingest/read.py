"""Files to staged rows, and the commit that counts each billable thing once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl
import xxhash

from tokenaudit.errors import SourceError
from tokenaudit.ingest.decode import Decoding, LogBatch, combined, log_file_id, uncollected
from tokenaudit.ingest.frames import log_frame
from tokenaudit.ingest.plan import Job, marks, rules
from tokenaudit.ingest.summary import FileResult
from tokenaudit.sources import by_name, newest_wins
from tokenaudit.sources._packed import is_member, open_member
from tokenaudit.sources.identity import hash_text
from tokenaudit.sources.source import FILE_NAME, LeftOut, Log, Reject, Table
from tokenaudit.sources.table import read_table
from tokenaudit.store.catalog import Catalog, Version
from tokenaudit.store.change import Claims, Tally, commit
from tokenaudit.store.staging import Staging

NOTHING = (0, 0)


class Position(NamedTuple):
    """Where reading of a file ended, and the digests of what was read."""

    offset: int
    line: int
    state: str
    marks: tuple[str, str]


class Reading:
    """The files of one ingest as they are read."""

    def __init__(self, catalog: Catalog, jobs: Sequence[Job], progress: Callable[[int, int], None]) -> None:
        self.catalog = catalog
        self.jobs = jobs
        self.progress = progress
        read = catalog.rules() | {job.source: rules(job.source) for job in jobs}
        self.staging = Staging(catalog.folder, newest_wins(read))
        self.results = {job.found.path: FileResult(job.found.path, job.source, "read") for job in jobs}
        self.rejects: dict[str, list[Reject]] = {}
        self.left_out: dict[str, list[LeftOut]] = {}
        self.positions: dict[str, Position] = {}
        self.file_ids: dict[str, int] = {}
        self.versions: dict[int, Version] = {}
        self.known = {version.file_id: version for version in catalog.versions()}
        self.total = sum(job.found.size - job.tail.offset for job in jobs)
        self.bytes = 0

    def read(self, decoding: Decoding) -> None:
        """Read every file into the staging area; on an error nothing stays behind."""
        logs = [job for job in self.jobs if isinstance(by_name(job.source), Log)]
        self.file_ids.update({job.found.path: log_file_id(job.found.path) for job in logs})
        try:
            with uncollected():
                for batch in combined(decoding.batches()):
                    self._add_logs(batch)
            for job in self.jobs:
                kind = by_name(job.source)
                if isinstance(kind, Table):
                    self._add_table(job, kind)
        except BaseException:
            self.staging.discard()
            raise

    def commit(self, record: Callable[[Catalog], None]) -> None:
        """Commit what was staged together with the ledger that `record` writes, and count what was new."""
        outdated = [self._outdated(job) for job in self.jobs if job.drop]
        drop = pl.col("file_id").is_in(outdated) if outdated else None
        order = list(self.file_ids.values())
        versions = list(self.versions.values())

        def tally(claims: Claims) -> Tally:
            return duplicates(claims, order, self.staging.newest)

        try:
            self._count(commit(self.catalog, self.staging, versions, record, drop, tally))
        except BaseException:
            self.staging.discard()
            raise

    def _outdated(self, job: Job) -> int:
        entry = self.catalog.files()[job.found.path]
        return entry.file_id

    def _add_logs(self, batch: LogBatch) -> None:
        rows, refused = log_frame(batch)
        for file in batch.files:
            lost = refused.get(file.path, [])
            result = self.results[file.path]
            result.rows, result.merged = file.rows - len(lost), file.merged
            self._reject(file.path, [*file.rejects, *lost])
            self.positions[file.path] = Position(file.offset, file.line, file.state, file.marks)
            self._version(file.path, batch.source, result.rows, 0)
        self.staging.add(rows)
        self._advance(batch.bytes)

    def _add_table(self, job: Job, table: Table) -> None:
        path = job.found.path
        digest = file_digest(path)
        file_id = content_id(table, path, digest)
        self.file_ids[path] = file_id
        self.positions[path] = Position(job.found.size, 0, "", marks(path, job.found.size))
        seen = self.known.get(file_id) or self.versions.get(file_id)
        if seen is not None and not job.drop:
            self.results[path].rows = self.results[path].duplicate = seen.rows
        else:
            self._try_table(path, table, file_id, digest)
        self._advance(job.found.size)

    def _try_table(self, path: str, table: Table, file_id: int, digest: int) -> None:
        """Read a table; one that turns out to be unreadable leaves nothing behind and is reported with its reason."""
        try:
            self._read_table(path, table, file_id, digest)
        except SourceError as error:
            self.staging.drop(file_id)
            self.rejects.pop(path, None)
            self.left_out.pop(path, None)
            reason = f"{error.message} ({error.hint})" if error.hint else error.message
            self.results[path] = FileResult(path, "", "unrecognised", reason=reason)

    def _read_table(self, path: str, table: Table, file_id: int, digest: int) -> None:
        covers_to, counted = 0, 0
        for batch in read_table(table, path):
            rows = batch.rows.with_columns(file_id=pl.lit(file_id, dtype=pl.Int64))
            if rows.height:
                last = rows["charge_period_end"].to_physical().max()
                covers_to = max(covers_to, last if isinstance(last, int) else 0)
            counted += rows.height - int(rows["blank"].sum())
            self._reject(path, batch.rejects)
            self.left_out.setdefault(path, []).extend(batch.left_out)
            self.staging.add(rows)
        self.results[path].rows = counted
        self._version(path, table.name, counted, covers_to, digest)

    def _version(self, path: str, name: str, rows: int, covers_to: int, digest: int = 0) -> None:
        file_id = self.file_ids[path]
        self.versions[file_id] = Version(file_id, path, name, covers_to, rows, digest)

    def _reject(self, path: str, rejects: list[Reject]) -> None:
        if rejects:
            self.rejects.setdefault(path, []).extend(rejects)
            self.results[path].rejected += len(rejects)

    def _advance(self, size: int) -> None:
        self.bytes += size
        self.progress(self.bytes, self.total)

    def _count(self, tallies: list[Tally]) -> None:
        """Tell new things from those that the store, or an earlier file of this run, already had."""
        by_id: dict[int, FileResult] = {}
        for path, result in sorted(self.results.items()):
            file_id = self.file_ids[path]
            if by_id.setdefault(file_id, result) is result and not result.duplicate:
                result.duplicate = sum(tally.get(file_id, NOTHING)[0] for tally in tallies)
                folded = sum(tally.get(file_id, NOTHING)[1] for tally in tallies)
                result.merged, result.rows = result.merged + folded, result.rows - folded
            result.new = result.rows - result.duplicate


def duplicates(claims: Claims, order: list[int], newest: set[str]) -> Tally:
    """Return, by file_id, (rows the store or an earlier file had, rows folded into another of the same file)."""
    sequence = pl.DataFrame({"file_id": order, "turn": range(len(order))}).unique("file_id", keep="first")
    stored = pl.concat([claims.live.select("response_id"), claims.superseded.select("response_id")]).unique()
    rows = claims.incoming.filter(~pl.col("blank")).join(sequence, on="file_id", how="left")
    by_file = rows.group_by("response_id", "file_id", "turn").agg(
        rows=pl.len(), bucket=pl.col("source").cast(pl.String).is_in(newest).first()
    )
    known = by_file.join(stored.with_columns(stored=pl.lit(value=True)), on="response_id", how="left")
    again = pl.col("stored").is_not_null() | (pl.col("turn") > pl.col("turn").min().over("response_id"))
    things = pl.when("bucket").then("rows").otherwise(1)
    counted = known.with_columns(again=again, things=things)
    counts = counted.group_by("file_id").agg(
        again=pl.col("things").filter("again").sum(), folded=(pl.col("rows") - pl.col("things")).sum()
    )
    return {file_id: (int(again), int(folded)) for file_id, again, folded in counts.iter_rows()}


def content_id(table: Table, path: str, digest: int) -> int:
    """Return the id of a table's content: of its bytes, and of its name where the source reads that too."""
    name = f"\x1f{os.path.basename(path)}" if FILE_NAME in table.columns else ""
    return hash_text(f"{table.name}\x1f{rules(table.name)}\x1f{digest}{name}")


def file_digest(path: str) -> int:
    """Return the signed 64-bit XXH3 of a file's bytes, as it lies on disk or in its archive."""
    with open_member(path) if is_member(path) else Path(path).open("rb") as file:
        return int.from_bytes(hashlib.file_digest(file, xxhash.xxh3_64).digest(), "big", signed=True)
