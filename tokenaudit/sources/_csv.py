"""Delimited text to pieces: polars where the file is clean, line by line where it is not.

A block is read three ways, each only where the one before does not hold: numbers parsed by polars; every cell as
text; each line on its own, which keeps the good lines of a broken file and says what is wrong with the others.
"""

from __future__ import annotations

import csv
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tokenaudit.sources._blocks import QUOTE, Block, line_offsets, split_header, text_of
from tokenaudit.sources._cells import NATIVE
from tokenaudit.sources._piece import Piece, Reading, known_names, need_one
from tokenaudit.sources.head import delimiter
from tokenaudit.sources.source import Reject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenaudit.sources.source import Table

LONGEST_RECORD = 20_000
"""Lines that one quoted cell may span: a prompt with all that it quotes."""
csv.field_size_limit((1 << 31) - 1)
OPEN_QUOTE = "a quote is never closed"


class Layout(NamedTuple):
    """How a file's lines are cut into cells."""

    names: tuple[str, ...]
    """The source's name of each column, or a name of its own where the source does not know it."""
    known: tuple[str, ...]
    delimiter: str


class Record(NamedTuple):
    """One record of a block: its first line, and its cells, or why it has none."""

    line: int
    cells: list[str]
    reason: str = ""


def read_csv(source: Table, path: str) -> Reading:
    """Return how to read a delimited file. SourceError for columns that cannot be the source's."""
    header, blocks = split_header(path)
    mark = delimiter(header)
    cells = _split(header.replace("\r", " "), mark) or []
    names = known_names(source, cells, path)
    need_one(source, names, path)
    layout = Layout(tuple(names.get(cell, f"unknown {at}") for at, cell in enumerate(cells)), (*names.values(),), mark)
    labels = {name: spelling.strip() for spelling, name in names.items()}
    return Reading(labels, blocks, partial(_piece, source, layout))


def _piece(source: Table, layout: Layout, block: Block) -> Piece:
    for kinds in (NATIVE, {}):
        frame = _whole(
            block, layout, {name: kinds.get(source.columns.get(name, "text"), pl.String()) for name in layout.known}
        )
        if frame is not None:
            return Piece(frame, [], block, block.plain, layout.delimiter == ";")
    return _by_line(block, layout)


def _whole(block: Block, layout: Layout, dtypes: dict[str, pl.DataType]) -> pl.DataFrame | None:
    """Read a block at once; None where a cell does not fit its type or a line is not exactly one full row."""
    schema = {name: dtypes.get(name, pl.String()) for name in layout.names}
    wanted = [at for at, name in enumerate(layout.names) if name in layout.known or name == layout.names[-1]]
    try:
        frame = pl.read_csv(block.data, has_header=False, schema=schema, separator=layout.delimiter, columns=wanted)
    except pl.exceptions.PolarsError:
        return None
    if frame.height != block.lines or not _full(block, layout, frame):
        return None
    lines = pl.int_range(block.line, block.line + frame.height, dtype=pl.Int64)
    return frame.select(*layout.known, line=lines)


def _full(block: Block, layout: Layout, frame: pl.DataFrame) -> bool:
    """Say whether every line has all its cells: polars takes the missing ones of a short line for blank."""
    if frame[layout.names[-1]].null_count() == 0:
        return True
    delimiters = block.data.count(layout.delimiter.encode())
    return QUOTE not in block.data and delimiters == frame.height * (len(layout.names) - 1)


def _by_line(block: Block, layout: Layout) -> Piece:
    """Read a block line by line."""
    records = [record for record in _records(block, layout) if record.cells or record.reason]
    good = [record for record in records if not record.reason]
    columns = {name: [record.cells[at] for record in good] for at, name in enumerate(layout.names)}
    frame = pl.DataFrame({name: columns[name] for name in layout.known}, dict.fromkeys(layout.known, pl.String()))
    lines = pl.Series("line", [record.line for record in good], dtype=pl.Int64)
    return Piece(frame.with_columns(lines), _rejects(block, records), block, comma_decimals=layout.delimiter == ";")


def _rejects(block: Block, records: list[Record]) -> list[Reject]:
    bad = {record.line: record.reason for record in records if record.reason}
    return [Reject(line, offset, bad[line]) for line, offset in line_offsets(block, set(bad)).items()]


def _records(block: Block, layout: Layout) -> Iterator[Record]:
    lines = text_of(block.data).split("\n")
    at = 0
    while at < len(lines):
        cells, taken = _record(lines, at, layout)
        yield Record(block.line + at, cells or [], OPEN_QUOTE if cells is None else _wrong(cells, layout))
        at += taken


def _record(lines: list[str], at: int, layout: Layout) -> tuple[list[str] | None, int]:
    """Return the cells of the record that starts at a line (None: its quotes never close), and the lines it takes."""
    if _closed(lines[at]) or _literal_quote(lines[at], layout.delimiter):
        return _split(lines[at], layout.delimiter), 1
    for end in range(at + 1, min(at + LONGEST_RECORD, len(lines))):
        if not _closed(lines[end]):
            cells = _split("\n".join(lines[at : end + 1]), layout.delimiter, strict=True)
            return (None, 1) if cells is None or _wrong(cells, layout) else (cells, end + 1 - at)
    return None, 1


def _closed(text: str) -> bool:
    return text.count('"') % 2 == 0


def _literal_quote(line: str, mark: str) -> bool:
    """Say whether the quotes of a line stand inside bare cells, such as ``5" disk``, and so open nothing."""
    return not any(cell.strip().startswith('"') for cell in line.split(mark))


def _split(text: str, mark: str, *, strict: bool = False) -> list[str] | None:
    """Return the cells of one record: none where all are blank, None where it is no record."""
    bounded = text.rstrip("\r").replace("\r\n", "\n")
    try:
        cells = next(csv.reader([bounded], delimiter=mark, skipinitialspace=True, strict=strict), [])
    except csv.Error:
        return None
    return cells if any(cell.strip() for cell in cells) else []


def _wrong(cells: list[str], layout: Layout) -> str:
    """Return what is wrong with a record, or nothing."""
    width = len(layout.names)
    if not cells or len(cells) == width or (len(cells) > width and not any(cells[width:])):
        return ""
    return f"{len(cells)} cells where the header has {width}"
