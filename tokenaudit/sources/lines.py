"""Lines of a growing log, read in blocks of whole lines: bounded memory, torn ends left for next time.

A search for a needle decides which lines are worth decoding: in agent logs five bytes of six are tool output.
JSON escapes the quotes of text it carries, so that a quoted needle such as ``"usage"`` cannot come from a message.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from tokenaudit.sources.source import Reject, Tail

BLOCK_BYTES = 1 << 24
LONGEST_LINE = 1 << 26
SHORT_LINE = 1 << 11
SKIP_BYTES = 1 << 10
BOM = b"\xef\xbb\xbf"
BLANK = b" \t\r\n\x00"
BRACE = ord("}")
GZIP = b"\x1f\x8b"


def open_binary(path: str) -> IO[bytes]:
    """Open a file for reading bytes; one that starts with gzip's magic number is unpacked on the way."""
    with Path(path).open("rb") as file:
        packed = file.read(2) == GZIP
    return gzip.open(path) if packed else Path(path).open("rb")  # type: ignore[return-value]


class Skip(NamedTuple):
    """How to know long lines that cannot hold a hit: `mark` stands in their first bytes, and `before` not before it."""

    mark: bytes
    before: bytes

    def fits(self, data: bytes, start: int) -> bool:
        """Say whether the line that starts here can be passed over."""
        found = data.find(self.mark, start, start + SKIP_BYTES)
        return found >= 0 and data.find(self.before, start, found) < 0


class Hit(NamedTuple):
    """A line worth decoding: its number from 1, its byte offset, its bytes."""

    line: int
    offset: int
    data: bytes


class Lines:
    """The unread lines of one file.

    After `hits` is exhausted, `offset` and `line` say where the next read starts, and `rejects` holds torn lines.
    """

    def __init__(self, tail: Tail) -> None:
        self.path = tail.path
        self.offset = tail.offset
        self.line = tail.line
        self.rejects: list[Reject] = []

    def hits(self, *needles: bytes, skip: Skip | None = None) -> Iterator[Hit]:
        """Yield each line that holds one of the needles.

        Lines that `skip` recognises by their first bytes are not searched: they may be most of the file.
        Lines that hold none are only checked to be whole (they end in ``}``); those that are not become rejects.
        A last line without its newline is yielded where it is whole, else left unread.
        """
        with open_binary(self.path) as file:
            file.seek(self.offset)
            rest = b""
            while block := file.read(BLOCK_BYTES):
                data = rest + block if rest else block
                end = data.rfind(b"\n") + 1
                yield from self._block(data, end, needles, skip)
                rest = self._rest(data, end)
            if _is_whole(rest):
                yield from self._block(rest, len(rest), needles, skip)

    def _rest(self, data: bytes, end: int) -> bytes:
        """Return the unfinished last line; one without end is given up."""
        if len(data) - end > LONGEST_LINE:
            self.reject("line longer than 64 MB")
            self.offset += len(data) - end
            return b""
        return data[end:]

    def reject(self, reason: str, line: int | None = None, offset: int | None = None) -> None:
        """Count a line as unreadable; by default the one about to be read."""
        self.rejects.append(Reject(line or self.line + 1, self.offset if offset is None else offset, reason))

    def _block(
        self, data: bytes, end: int, needles: tuple[bytes, ...], skip: Skip | None
    ) -> Iterator[Hit]:
        base, number, start = self.offset, self.line, 0
        find, stop = data.find, 0
        while start < end:
            stop = find(b"\n", start, end)
            if stop < 0:
                stop = end
            number += 1
            if skip is None or stop - start < SHORT_LINE or not skip.fits(data, start):
                for needle in needles:
                    if find(needle, start, stop) >= 0:
                        yield Hit(number, base + start, data[start:stop])
                        break
                else:
                    self._check(data, start, stop, number)
            elif data[stop - 1] != BRACE:
                self._check(data, start, stop, number)
            start = stop + 1
        self.offset, self.line = base + end, number - (end > 0 and stop == end)

    def _check(self, data: bytes, start: int, stop: int, number: int) -> None:
        """Reject a line that does not end in a brace."""
        if data[stop - 1] == BRACE:
            return
        text = data[start:stop].removeprefix(BOM).strip(BLANK)
        if text and not text.endswith(b"}"):
            self.reject("torn line: no closing brace", number, self.offset + start)


def _is_whole(line: bytes) -> bool:
    """Say whether a last line without its newline is a whole JSON document: a writer may still be at it."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def as_columns(names: tuple[str, ...], rows: list[Any]) -> dict[str, list[Any]]:
    """Turn rows (sequences in the order of `names`) into one list a column."""
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {name: [] for name in names}
