"""Logs to columns, in other processes where there is much to read. Nothing here imports polars.

The decoders hold the interpreter's lock, so threads do not help. Where the platform allows it, processes are forked
before polars is imported, which is quick and safe in this order only; else they are spawned.
"""

from __future__ import annotations

import gc
import os
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from tokenaudit import schema
from tokenaudit.ingest.plan import Job, marks
from tokenaudit.sources import by_name
from tokenaudit.sources.identity import hash_all, hash_text
from tokenaudit.sources.source import Decoded, Log, Reject

if TYPE_CHECKING:
    from concurrent.futures import Executor

DEFAULTS: dict[str, Any] = {
    "granularity": "request",
    "tokens_basis": "reported",
    "billing_currency": "USD",
    "requests": 1,
    "finalized": True,
    "batch": False,
    "merged": False,
    "blank": False,
    "origin_rank": 0,
    **dict.fromkeys((*schema.TOKEN_CLASSES, "reasoning_output_tokens", "web_search_requests"), 0),
}
"""Values of the columns that a source leaves out; those of others are null."""
PARALLEL_BYTES = 1 << 26
BATCH_BYTES = 1 << 24
FRAME_ROWS = 20_000
PROCESSES = min(8, os.cpu_count() or 1)


@dataclass(slots=True)
class FileRead:
    """What was read of one log."""

    path: str
    rows: int
    merged: int
    offset: int
    line: int
    state: str
    marks: tuple[str, str]
    """Digests of what was read, see `plan.marks`."""
    rejects: list[Reject]


@dataclass(slots=True)
class LogBatch:
    """What was read of several logs of one source: columns over all files, and how many rows each file has."""

    source: str
    columns: Mapping[str, Sequence[Any]]
    files: list[FileRead]
    bytes: int

    def rows(self) -> int:
        """Return the number of rows."""
        return sum(file.rows for file in self.files)


class Decoding:
    """Logs being decoded. Begun before polars is imported, so that its processes can be forked."""

    def __init__(self, jobs: Iterable[Job] = (), *, expected: int | None = None) -> None:
        """Begin to decode jobs; with `add` more can follow while the first are under way.

        `expected` are the bytes to come, by default those of the jobs: from 64 MB on other processes are used.
        """
        first = sorted(jobs, key=lambda job: (job.source, -_unread(job), job.found.path))
        size = sum(map(_unread, first)) if expected is None else expected
        self._pool = _pool() if size >= PARALLEL_BYTES and PROCESSES > 1 else None
        self._open: dict[str, list[Job]] = {}
        self._sizes: dict[str, int] = {}
        self._results: list[Callable[[], LogBatch]] = []
        for job in first:
            self.add(job)

    def add(self, job: Job) -> None:
        """Decode one more log, together with others of its source."""
        self._open.setdefault(job.source, []).append(job)
        self._sizes[job.source] = self._sizes.get(job.source, 0) + _unread(job)
        if self._sizes[job.source] >= BATCH_BYTES:
            self._sizes[job.source] = 0
            self._submit(self._open.pop(job.source))

    def _submit(self, batch: list[Job]) -> None:
        run = partial(decode_batch, batch)
        self._results.append(run if self._pool is None else self._pool.submit(run).result)

    def batches(self) -> Iterator[LogBatch]:
        """Yield what was decoded, batch by batch; ends the processes."""
        while self._open:
            self._submit(self._open.popitem()[1])
        try:
            while self._results:
                yield self._results.pop(0)()
        finally:
            self.close()

    def close(self) -> None:
        """End the processes; what they have not begun is left."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def _pool() -> Executor:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    method = "fork" if sys.platform == "linux" and "polars" not in sys.modules else "spawn"
    return ProcessPoolExecutor(PROCESSES, mp_context=get_context(method))


def _unread(job: Job) -> int:
    return job.found.size - job.tail.offset


def decode_batch(jobs: list[Job]) -> LogBatch:
    """Decode some logs of one source."""
    with uncollected():
        return _decode(jobs)


@contextmanager
def uncollected() -> Iterator[None]:
    """Stop the garbage collector: rows are many small objects, none of them cyclic, that it would visit for nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _decode(jobs: list[Job]) -> LogBatch:
    name = jobs[0].source
    log = by_name(name)
    if not isinstance(log, Log):
        raise TypeError(name)
    parts: list[Mapping[str, Sequence[Any]]] = []
    files = []
    for job in jobs:
        made = log.decode(job.tail)
        files.append(_file_read(job.found.path, made))
        identities = made.columns.pop("identity")
        hashes: dict[str, Sequence[int]] = {
            "response_id": hash_all(name, identities),
            "file_id": array("q", [log_file_id(job.found.path)]) * len(identities),
        }
        parts.append(made.columns | hashes)
    columns = {column: _packed(values) for column, values in stacked(parts).items()}
    return LogBatch(name, columns, files, sum(map(_unread, jobs)))


def stacked(parts: Sequence[Mapping[str, Sequence[Any]]]) -> dict[str, list[Any]]:
    """Return the columns of several files one under the other; one that a file leaves out holds the usual value there.

    Every part has `response_id`.
    """
    names = dict.fromkeys(chain.from_iterable(parts))
    usual = {name: DEFAULTS.get(name) for name in names}
    return {
        name: list(
            chain.from_iterable(
                part[name] if name in part else repeat(usual[name], len(part["response_id"])) for part in parts
            )
        )
        for name in names
    }


def _file_read(path: str, made: Decoded) -> FileRead:
    rows = len(made.columns["identity"])
    return FileRead(path, rows, made.merged, made.offset, made.line, made.state, marks(path, made.offset), made.rejects)


def combined(batches: Iterable[LogBatch]) -> Iterator[LogBatch]:
    """Yield batches of one source each, joined to about 20,000 rows: building a frame has a fixed price."""
    held: list[LogBatch] = []
    for batch in batches:
        if held and (held[0].source != batch.source or sum(item.rows() for item in held) >= FRAME_ROWS):
            yield joined(held)
            held = []
        held.append(batch)
    if held:
        yield joined(held)


def joined(batches: list[LogBatch]) -> LogBatch:
    """Return the rows of several batches of one source as one."""
    columns = stacked([item.columns for item in batches])
    files = [file for item in batches for file in item.files]
    return LogBatch(batches[0].source, columns, files, sum(item.bytes for item in batches))


def log_file_id(path: str) -> int:
    """Return the id of a log: it stays while the file grows."""
    return hash_text(f"log\x1f{path}")


def _packed(values: list[Any]) -> list[Any] | array[int]:
    """Return whole numbers as an array, which travels between processes much faster."""
    if values and type(values[0]) is int:
        try:
            return array("q", values)
        except (OverflowError, TypeError):
            return values
    return values
