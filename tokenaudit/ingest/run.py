"""One ingest: from paths to a committed change of the store."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tokenaudit import schema
from tokenaudit.ingest.decode import Decoding
from tokenaudit.ingest.owners import Naming, Owning
from tokenaudit.ingest.plan import Job, Plan, is_orphan, is_unchanged, outdated, outdated_elsewhere, plan, rules, unread
from tokenaudit.ingest.summary import FileResult, RejectedLine, Summary, left_out_notes
from tokenaudit.ingest.walk import Found, walk
from tokenaudit.sources import by_name
from tokenaudit.sources.source import Log
from tokenaudit.store.catalog import NAME, Catalog, FileEntry, RejectEntry

if TYPE_CHECKING:
    from tokenaudit.ingest.read import Reading

Progress = Callable[[int, int], None]
"""Called with bytes read and bytes to read."""
Record = Callable[[Catalog, Sequence[Job], "Reading"], None]
"""Writes what is to be known of files that were read, inside the transaction."""


def ingest(
    paths: Sequence[str], folder: Path, *, naming: Naming | None = None, progress: Progress | None = None
) -> Summary:
    """Read what is new under files and folders into the store, which is created where there is none.

    `naming` says whose all these files are, those that are not read again included.

    SourceError where a path does not exist; StoreError where the store cannot be used. On any error the store is as
    before.
    """
    began = time.perf_counter()
    found = walk(paths)
    catalog = Catalog.open(folder, create=True)
    try:
        _bring_up_to_date(catalog)
        owning = Owning([os.path.abspath(path) for path in paths], {file.path for file in found}, naming)
        summary = _ingest(catalog, found, owning, progress)
    finally:
        catalog.close()
    summary.seconds = time.perf_counter() - began
    return summary


def _bring_up_to_date(catalog: Catalog) -> None:
    if catalog.schema_version() < schema.VERSION:
        from tokenaudit.store.upkeep import migrate

        migrate(catalog)


def refresh(
    folder: Path, *, first: Callable[[], Sequence[str]] | None = None, progress: Progress | None = None
) -> Summary:
    """Ingest what is new under every file and folder ingested before that still exists.

    `first` names where to begin where nothing was ever ingested. StoreError where there is no store, nor `first`.
    """
    known = [] if first is not None and not (folder / NAME).exists() else _roots(folder)
    roots = [path for path in known if os.path.exists(path)]
    return ingest(roots if known or first is None else first(), folder, progress=progress)


def _roots(folder: Path) -> list[str]:
    catalog = Catalog.open(folder)
    try:
        return catalog.roots()
    finally:
        catalog.close()


def _ingest(catalog: Catalog, found: list[Found], owning: Owning, progress: Progress | None) -> Summary:
    ledger = catalog.files()
    again, lost = outdated_elsewhere(ledger, owning.found)
    files = [*found, *(walk(again) if again else ())]
    decoding = Decoding(expected=unread(files, ledger))

    def record(catalog: Catalog, jobs: Sequence[Job], reading: Reading) -> None:
        _record(catalog, jobs, reading, ledger, owning)

    try:
        made = plan(files, ledger, lambda job: _begin(decoding, job))
        summary = _summary(catalog, made, decoding, record, progress)
    finally:
        decoding.close()
    _record_settled(catalog, made, ledger, owning)
    summary.notes += [*_lost_note(lost), *owning.notes()]
    summary.files.sort(key=lambda file: file.path)
    return summary


def _begin(decoding: Decoding, job: Job) -> None:
    if isinstance(by_name(job.source), Log):
        decoding.add(job)


def _summary(catalog: Catalog, made: Plan, decoding: Decoding, record: Record, progress: Progress | None) -> Summary:
    summary = Summary(files=[FileResult(file.path, name, status) for file, name, status in made.settled])
    if made.jobs:
        _read(catalog, made, decoding, record, summary, progress or (lambda _done, _total: None))
    return summary


def _lost_note(lost: list[str]) -> list[str]:
    if not lost:
        return []
    return [
        f"{len(lost)} files would be counted differently by today's rules but no longer exist: {', '.join(lost[:3])}"
    ]


def _read(
    catalog: Catalog, made: Plan, decoding: Decoding, record: Record, summary: Summary, progress: Progress
) -> None:
    # Polars' allocator keeps what it was given for ten seconds: on a long run half of the memory is kept for nothing.
    os.environ.setdefault("_RJEM_MALLOC_CONF", "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:1000")
    from tokenaudit.ingest.read import Reading  # polars comes with it: only after the processes were forked
    from tokenaudit.store.upkeep import upkeep

    reading = Reading(catalog, made.jobs, progress)
    reading.read(decoding)
    reading.commit(lambda catalog: record(catalog, made.jobs, reading))
    upkeep(catalog)
    for job in made.jobs:
        result = reading.results[job.found.path]
        result.empty = result.status == "read" and not result.rows and job.tail.offset == 0
        summary.files.append(result)
    summary.rejects += [
        RejectedLine(path, item.line, item.reason) for path, found in sorted(reading.rejects.items()) for item in found
    ]
    for path, found in sorted(reading.left_out.items()):
        summary.notes += left_out_notes(path, reading.results[path].rows, found)
    summary.bytes = reading.bytes


def _record(
    catalog: Catalog, jobs: Sequence[Job], reading: Reading, ledger: dict[str, FileEntry], owning: Owning
) -> None:
    """Write the ledger, the owners and the quarantine of the files that were read; inside the transaction."""
    catalog.clear_rejects(job.found.path for job in jobs if job.tail.offset == 0)
    catalog.put_rejects(
        RejectEntry(path, item.line, item.offset, item.reason)
        for path, found in reading.rejects.items()
        for item in found
    )
    forgotten = _forgotten(catalog, jobs, reading)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    read = [job for job in jobs if reading.results[job.found.path].status == "read" and job.found.path not in forgotten]
    entries = [_entry(job, reading, ledger.get(job.found.path), now) for job in read]
    catalog.put_files(entries)
    owning.record(catalog, entries)


def _forgotten(catalog: Catalog, jobs: Iterable[Job], reading: Reading) -> set[str]:
    """Return files whose earlier rows somebody has taken out while they were read on: the next ingest begins anew."""
    paths, contents = catalog.paths(), {version.file_id for version in catalog.versions()}
    return {
        job.found.path
        for job in jobs
        if (job.tail.offset and job.found.path not in paths) or reading.file_ids.get(job.found.path) not in contents
    }


def _entry(job: Job, reading: Reading, before: FileEntry | None, now: str) -> FileEntry:
    path, result, position = job.found.path, reading.results[job.found.path], reading.positions[job.found.path]
    head, tail = position.marks
    carried = before if before is not None and job.tail.offset else None
    return FileEntry(
        path=path,
        file_id=reading.file_ids[path],
        source=job.source,
        rules=rules(job.source),
        inode=job.found.inode,
        size=job.found.size,
        mtime_ns=job.found.mtime_ns,
        offset=position.offset,
        line=position.line,
        head=head,
        tail=tail,
        state=position.state,
        rows=result.rows + (carried.rows if carried else 0),
        rejected=result.rejected + (carried.rejected if carried else 0),
        merged=result.merged + (carried.merged if carried else 0),
        read_at=now,
    )


def _record_settled(catalog: Catalog, made: Plan, ledger: dict[str, FileEntry], owning: Owning) -> None:
    """Remember folders, owners of files that were not read, and files that no source reads, to look into none again."""
    tried = rules("")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    entries = [
        FileEntry(file.path, 0, "", tried, file.inode, file.size, file.mtime_ns, 0, 0, "", "", status, 0, 0, 0, now)
        for file, name, status in made.settled
        if not name and _is_news(file, ledger.get(file.path))
    ]
    new_roots = sorted(set(owning.roots) - set(catalog.roots()))
    if entries or new_roots or owning.naming is not None:
        with catalog.transaction():
            catalog.put_files(entries)
            catalog.put_roots(new_roots)
            if owning.record(catalog):
                catalog.advance()


def _is_news(file: Found, entry: FileEntry | None) -> bool:
    return entry is None or (not is_orphan(entry) and (not is_unchanged(file, entry) or outdated(entry)))
