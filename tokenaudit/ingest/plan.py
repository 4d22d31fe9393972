"""What of each file is new: the ledger's memory against the file system, then the file's own content."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import xxhash

from tokenaudit.ingest.walk import Found
from tokenaudit.sources import by_name, detect, fits, goes_before, names, tried
from tokenaudit.sources._packed import archive_of, is_member
from tokenaudit.sources.head import Head
from tokenaudit.sources.source import Table, Tail

if TYPE_CHECKING:
    from tokenaudit.store.catalog import FileEntry

Status = Literal["read", "unchanged", "skipped", "unrecognised"]
Settled = tuple[Found, str, Status]
"""A file that is not read: the file, its source or "", and why."""
HEAD_BYTES = 4096
TAIL_BYTES = 64
PACKED = (".gz", ".zst")
LOOKS_LIKE_DATA = (
    ".csv",
    ".tsv",
    ".json",
    ".jsonl",
    ".ndjson",
    ".parquet",
    ".gz",
    ".zst",
    ".zip",
    ".xlsx",
    ".xls",
    ".ods",
    ".db",
)


@dataclass(slots=True)
class Job:
    """A file to read, and what is known of it."""

    found: Found
    source: str
    tail: Tail
    """For a log: where to go on. For a table: from the start."""
    drop: bool = False
    """The rows read of it before were counted by other rules: they go out."""


@dataclass(slots=True)
class Plan:
    """What an ingest will do with each file."""

    jobs: list[Job] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Files counted by older rules that no longer exist: their rows stay as they are."""


def unread(found: Iterable[Found], ledger: dict[str, FileEntry]) -> int:
    """Return about how many bytes an ingest will have to read."""
    news = ((file, ledger.get(file.path)) for file in found)
    return sum(
        max(0, file.size - (entry.offset if entry else 0))
        for file, entry in news
        if entry is None or not is_unchanged(file, entry)
    )


def plan(found: Iterable[Found], ledger: dict[str, FileEntry], begin: Callable[[Job], None] | None = None) -> Plan:
    """Compare files with the ledger and look into those that are new or changed. Reads at most their heads.

    `begin` is called with each job as soon as it is known.
    """
    made = Plan()
    for file in sorted(found, key=lambda file: (-file.size, file.path)):
        entry = ledger.get(file.path)
        if entry is not None and is_unchanged(file, entry) and not outdated(entry) and not _taken_over(entry):
            made.settled.append((file, entry.source, _settled(file, entry)))
        else:
            job = _look(made, file, entry)
            if job is not None and begin is not None:
                begin(job)
    made.jobs.sort(key=lambda job: job.found.path)
    made.settled = sorted(_without_agents_own(made.settled), key=lambda item: item[0].path)
    return made


def _without_agents_own(settled: list[Settled]) -> list[Settled]:
    """Pass over unrecognised files in the folders of agents, who keep more there than usage."""
    if not any(map(_is_unrecognised, settled)):
        return settled
    from tokenaudit.sources._folders import agent_folders, lies_in

    folders = agent_folders()
    own = {item[0].path for item in settled if _is_unrecognised(item) and lies_in(item[0].path, folders)}
    return [(file, name, "skipped" if file.path in own else status) for file, name, status in settled]


def _is_unrecognised(item: Settled) -> bool:
    return item[2] == "unrecognised" and not item[0].named


def _settled(file: Found, entry: FileEntry) -> Status:
    if entry.source:
        return "unchanged"
    return "unrecognised" if entry.state == "unrecognised" or (file.named and file.size) else "skipped"


def is_unchanged(file: Found, entry: FileEntry) -> bool:
    """Say whether a file's size, time and inode are as the ledger has them."""
    return (file.size, file.mtime_ns, file.inode) == (entry.size, entry.mtime_ns, entry.inode)


def outdated(entry: FileEntry) -> bool:
    """Say whether the file was counted by rules, or refused by a list of sources, that have changed since."""
    return not is_orphan(entry) and entry.rules != rules(entry.source)


def _taken_over(entry: FileEntry) -> bool:
    """Say whether the configuration now declares a source for a file that was read as a general one."""
    rivals = goes_before(entry.source)
    try:
        return bool(rivals) and any(fits(rival, Head(entry.path)) for rival in rivals)
    except FileNotFoundError:  # gone since the folder was walked
        return False


def is_orphan(entry: FileEntry) -> bool:
    """Say whether a file was read as a source that is not known now: its rows and its entry stay as they are."""
    return bool(entry.source) and entry.source not in names()


def rules(source: str) -> int:
    """Return the version of a source's rules; for a file of no source, a number that tells which were tried."""
    return by_name(source).rules if source else tried()


def _look(made: Plan, file: Found, entry: FileEntry | None) -> Job | None:
    try:
        head = Head(file.path)
    except FileNotFoundError:  # gone since the folder was walked
        return None
    source = detect(head, by_name(made.jobs[-1].source) if made.jobs else None)
    if source is None:
        looks = bool(file.size) and (file.named or file.path.lower().endswith(LOOKS_LIKE_DATA)) and not head.is_empty()
        made.settled.append((file, "", "unrecognised" if looks else "skipped"))
        return None
    drop = entry is not None and _replaces(file, entry, source.name)
    goes_on = entry is not None and not isinstance(source, Table) and not drop and _grew(file, entry, source.name)
    tail = Tail(file.path, entry.offset, entry.line, entry.state) if entry and goes_on else Tail(file.path)
    made.jobs.append(Job(file, source.name, tail, drop))
    return made.jobs[-1]


def _replaces(file: Found, entry: FileEntry, source: str) -> bool:
    """Say whether what was read of a file must go: by older rules, or as another source though it begins the same."""
    if entry.source == source:
        return outdated(entry)
    begins_same = 0 < entry.offset <= file.size and marks(file.path, entry.offset) == (entry.head, entry.tail)
    return bool(entry.source) and begins_same


def _grew(file: Found, entry: FileEntry, source: str) -> bool:
    """Say whether a log still begins with what was read of it; one of the same size was rewritten or only touched."""
    shrunk = file.size < entry.offset or file.size == entry.size
    packed = file.path.endswith(PACKED) or is_member(file.path)
    if entry.source != source or shrunk or entry.offset == 0 or packed:
        return False
    return marks(file.path, entry.offset) == (entry.head, entry.tail)


def marks(path: str, offset: int) -> tuple[str, str]:
    """Return the digests of a file's first 4 KB and of the 64 bytes before an offset, both within what was read."""
    with open(archive_of(path), "rb") as file:
        head = file.read(min(HEAD_BYTES, offset))
        file.seek(max(0, offset - TAIL_BYTES))
        tail = file.read(min(TAIL_BYTES, offset))
    return xxhash.xxh3_64_hexdigest(head), xxhash.xxh3_64_hexdigest(tail)


def outdated_elsewhere(ledger: dict[str, FileEntry], known: set[str]) -> tuple[list[str], list[str]]:
    """Return files of the ledger, outside `known`, that were counted by older rules: those that exist, those lost."""
    old = sorted(
        entry.path for entry in ledger.values() if entry.source and entry.path not in known and outdated(entry)
    )
    here = [path for path in old if os.path.exists(archive_of(path))]
    return list(dict.fromkeys(map(archive_of, here))), [path for path in old if path not in here]
