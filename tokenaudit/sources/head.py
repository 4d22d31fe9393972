"""The first bytes of a file, looked at once and shared by every source's detection."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import msgspec

from tokenaudit.sources.lines import BLANK, BOM, DAMAGED, open_binary

HEAD_BYTES = 1 << 14
LONG_HEAD_BYTES = 1 << 22
RECORDS = 8
HEADER_START = 256


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

    @property
    def records(self) -> Iterator[dict[str, Any]]:
        """The first JSON objects that stand on a line of their own, up to eight; broken lines are passed over."""
        for index in range(RECORDS):
            while len(self._found) <= index:
                record = next(self._records, None)
                if record is None:
                    return
                self._found.append(record)
            yield self._found[index]

    def _read(self) -> bytes:
        """Return the first 16 KB, or 4 MB where the first line is longer than that."""
        data, limit = bytearray(), HEAD_BYTES
        with open_binary(self.path) as file:
            try:
                while len(data) < limit and (block := file.read1(limit - len(data))):
                    data += block
                    if len(data) == HEAD_BYTES and b"\n" not in data:
                        limit = HEAD_BYTES + LONG_HEAD_BYTES
            except DAMAGED:
                self.damaged = True
        return bytes(data)

    def _objects(self) -> Iterator[dict[str, Any]]:
        data = self.data.removeprefix(BOM).lstrip(BLANK)
        if not data.startswith(b"{") and b"\n{" not in data:
            return
        start = 0
        for _ in range(4 * RECORDS):
            stop = data.find(b"\n", start)
            record = _object(data[start:] if stop < 0 else data[start:stop])
            if record is not None:
                yield record
            if stop < 0:
                return
            start = stop + 1


def delimiter(header: str) -> str:
    """Return the separator of a header line: the most frequent of comma, tab and semicolon."""
    return max(",\t;", key=header.count)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        record = msgspec.json.decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError):
        record = _first_of(line.decode("utf-8-sig", "replace").strip("\x00 \t\r\n"))
    return record if isinstance(record, dict) else None


def _first_of(text: str) -> object:
    """Return the first document of a line that the quick decoder refuses; None where there is none."""
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None
