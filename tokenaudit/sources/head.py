"""The first bytes of a file, looked at once and shared by every source's detection."""

from __future__ import annotations

import csv
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cached_property
from typing import Any

from tokenaudit.sources._database import SQLITE, connect
from tokenaudit.sources._documents import beginning, documents, starts_document
from tokenaudit.sources._packed import ZSTANDARD, is_member
from tokenaudit.sources.lines import BLANK, BOM, DAMAGED, GZIP, open_binary

HEAD_BYTES = 1 << 14
LONG_HEAD_BYTES = 1 << 22
RECORDS = 8
LINES = 4 * RECORDS
"""Lines that are looked at for them."""
PACKED = (GZIP, ZSTANDARD)
COLUMNS = "select m.name, c.name from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'"


class Head:
    """The beginning of a file, decompressed: raw bytes, CSV column names, first JSON records."""

    def __init__(self, path: str) -> None:
        """Read the head of `path`. OSError where it cannot be opened."""
        self.path = path
        self.name = os.path.basename(path)
        self.damaged = False
        """The file is gzip, and cut off or broken within its head."""
        self.data = self._read()
        self._records = self._objects()
        self._found: list[dict[str, Any]] = []

    def is_empty(self) -> bool:
        """Say whether there is nothing but white space."""
        return not self.damaged and not self.data.strip()

    @cached_property
    def header(self) -> tuple[str, ...]:
        """Column names of the first line that is not blank, trimmed and in lower case; () where it is no table."""
        start = self.data.removeprefix(BOM).lstrip()
        if start[:1] in (b"", b"{", b"["):
            return ()
        first = start.splitlines()[0].decode("utf-8", "replace")
        if not first or first[0] in "{[" or "\x00" in first or len(first) > HEAD_BYTES:
            return ()
        cells = next(csv.reader([first], delimiter=delimiter(first)), [])
        return tuple(cell.strip().lower() for cell in cells)

    @cached_property
    def columns(self) -> frozenset[str]:
        """The header as a set."""
        return frozenset(self.header)

    @cached_property
    def tables(self) -> frozenset[str]:
        """Names of the tables of an SQLite database, `table.column` of each beside them; none of any other file."""
        if not self.data.startswith(SQLITE):
            return frozenset()
        try:
            with closing(connect(self.path)) as database:
                found = database.execute(COLUMNS).fetchall()
        except sqlite3.DatabaseError:
            return frozenset()
        return frozenset(name for table, column in found for name in (table, f"{table}.{column}"))

    @property
    def records(self) -> Iterator[dict[str, Any]]:
        """The first JSON objects, up to eight: on lines of their own, elements of an array, or the file itself.

        Broken lines are passed over; a document that is cut off after the head counts as far as it goes.
        """
        for index in range(RECORDS):
            while len(self._found) <= index:
                record = next(self._records, None)
                if record is None:
                    return
                self._found.append(record)
            yield self._found[index]

    def _read(self) -> bytes:
        """Return the first 16 KB; where the first line is longer than that, up to its end or 4 MB."""
        start = _start(self.path)
        if start is not None and (len(start) < HEAD_BYTES or b"\n" in start):
            return start
        data = bytearray()
        with open_binary(self.path) as file:
            try:
                while block := file.read1(min(HEAD_BYTES, LONG_HEAD_BYTES - len(data))):
                    data += block
                    if len(data) >= HEAD_BYTES and b"\n" in block:
                        break
            except DAMAGED:
                self.damaged = True
        return bytes(data)

    def _objects(self) -> Iterator[dict[str, Any]]:
        data = self.data.removeprefix(BOM).lstrip(BLANK)
        if not data.startswith((b"{", b"[")) and b"\n{" not in data:
            return
        found = _document(data) if starts_document(data) else _line_objects(data)
        yield from (record for record in found if isinstance(record, dict))


def _start(path: str) -> bytes | None:
    """Return the first 16 KB of a file as it lies on disk, by the shortest way; None of one that is packed."""
    if is_member(path):
        return None
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        data = os.read(handle, HEAD_BYTES)
    finally:
        os.close(handle)
    return None if data.startswith(PACKED) else data


def _document(data: bytes) -> Iterator[Any]:
    """Yield the first elements of an array, or the one document."""
    whole = beginning(data)
    yield from whole[:RECORDS] if isinstance(whole, list) else [whole]


def _line_objects(data: bytes) -> Iterator[Any]:
    """Yield the documents of the first lines; of a single line that is cut off, what there is of it."""
    start = 0
    for _ in range(LINES):
        stop = data.find(b"\n", start)
        yield from documents(data[start:] if stop < 0 else data[start:stop], [])
        if stop < 0:
            break
        start = stop + 1
    if start == 0 and len(data) > HEAD_BYTES and not data.rstrip(BLANK).endswith(b"}"):
        yield beginning(data)


def delimiter(header: str) -> str:
    """Return the separator of a header line: the most frequent of comma, tab and semicolon."""
    return max(",\t;", key=header.count)
