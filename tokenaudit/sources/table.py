"""Read a file with named columns into usage rows: CSV, TSV, JSON or Parquet, in batches of bounded memory.

The way of a file: pieces of text or typed columns (one module per kind of file), cells typed by the source's kinds,
the source's own expressions, the defaults of the usage table, and the identity hashed. A cell or row that cannot be
read becomes a `Reject` that names its line, its column and its text; all other rows count.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tokenaudit.errors import SourceError
from tokenaudit.sources._ahead import ahead
from tokenaudit.sources._blocks import line_offsets
from tokenaudit.sources._complete import complete, refused, set_aside
from tokenaudit.sources._csv import read_csv
from tokenaudit.sources._identity import Occurrences, Seen, identified
from tokenaudit.sources._jsonl import read_jsonl
from tokenaudit.sources._nested import read_nested
from tokenaudit.sources._packed import DamagedError
from tokenaudit.sources._parquet import read_parquet
from tokenaudit.sources._signature import PARQUET, detect_table
from tokenaudit.sources._typed import typed_rows
from tokenaudit.sources.lines import BOM, DAMAGED, open_binary
from tokenaudit.sources.source import FILE_NAME, LeftOut, Reject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tokenaudit.sources._piece import Reading
    from tokenaudit.sources.source import Table

__all__ = ["Batch", "detect_table", "read_table"]


class Batch(NamedTuple):
    """Some rows of a file, and the lines given up on the way."""

    rows: pl.DataFrame
    """Every usage column; `file_id` is 0."""
    rejects: list[Reject]
    left_out: list[LeftOut]


def read_table(source: Table, path: str) -> Iterator[Batch]:
    """Read a whole file of a table source.

    Out: batches in the order of the file, each about 16 MB of it; the next ones are read meanwhile.
    SourceError where the file is damaged, or its columns cannot be those of the source.
    """
    occurrences, seen = Occurrences(), Seen()
    try:
        with _damage():
            reading = _reader(source, path)(source, path)
        work = partial(_usage, source, reading, os.path.basename(path))
        for batch in ahead(work, _parts(reading)):
            rows = identified(source.name, batch.rows, occurrences)
            yield batch._replace(rows=seen.first(rows) if source.once else rows)
    except DAMAGED as error:
        raise SourceError(f"{path}: damaged file ({error})", "copy or download it again") from error


@contextmanager
def _damage() -> Iterator[None]:
    """Tell what polars cannot read of a file from what it cannot do with a source's expressions."""
    try:
        yield
    except pl.exceptions.PolarsError as error:
        raise DamagedError(str(error)) from error


def _parts(reading: Reading) -> Iterator[object]:
    with _damage():
        yield from reading.parts


def _reader(source: Table, path: str) -> Callable[[Table, str], Reading]:
    """Return how to read a file, by its first bytes."""
    with open_binary(path) as file:
        start = file.read(1 << 12)
    if start.startswith(PARQUET):
        return read_parquet
    if not start.removeprefix(BOM).lstrip().startswith((b"{", b"[")):
        return read_csv
    return read_jsonl if source.records is None else read_nested


def _usage(source: Table, reading: Reading, file_name: str, part: object) -> Batch:
    """Return a part's usage rows, their `identity` still as text, and everything of it that is rejected."""
    with _damage():
        piece = reading.piece(part)
    sound, unreadable = typed_rows(source, reading.labels, piece)
    if FILE_NAME in source.columns:
        sound = sound.with_columns(pl.lit(file_name).alias(FILE_NAME))
    ours, left_out = set_aside(complete(source, source.usage(sound.lazy())).collect())
    usage, uncountable = refused(ours)
    reasons = unreadable | uncountable
    offsets = line_offsets(piece.block, set(reasons)) if piece.block else dict.fromkeys(reasons, 0)
    rejects = [Reject(line, offsets[line], reason) for line, reason in reasons.items()]
    return Batch(usage, sorted([*piece.rejects, *rejects]), left_out)
