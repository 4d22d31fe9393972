"""Lines of a growing log, read in blocks of whole lines: bounded memory, torn ends left for next time.

A search for a needle decides which lines are worth decoding: in agent logs five bytes of six are tool output.
JSON escapes the quotes of text it carries, so that a quoted needle such as ``"usage"`` cannot come from a message.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from tokenaudit.sources._packed import ZSTANDARD, DamagedError, is_member, open_member, open_zstandard
from tokenaudit.sources.source import Reject, Tail

BLOCK_BYTES = 1 << 20
"""Stays in the processor's own cache between being read, searched and copied."""
LONGEST_LINE = 1 << 26
SHORT_LINE = 1 << 11
SKIP_BYTES = 1 << 10
START_BYTES = 1 << 15
BOM = b"\xef\xbb\xbf"
BLANK = b" \t\r\n\x00"
BRACE = ord("}")
GZIP = b"\x1f\x8b"
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, DamagedError)
"""What reading a compressed file raises that is cut off or broken."""


def open_binary(path: str) -> io.BufferedIOBase:
    """Open a file, or a member of a zip archive, for reading bytes; gzip and Zstandard are unpacked on the way."""
    if is_member(path):
        return open_member(path)
    file = open(path, "rb")  # noqa: SIM115 - whoever asked closes it
    start = file.read(len(ZSTANDARD))
    if start.startswith((GZIP, ZSTANDARD)):
        file.close()
        return gzip.GzipFile(path) if start.startswith(GZIP) else open_zstandard(path)
    file.seek(0)
    return file


_buffers: list[bytearray] = []
"""Buffers to read into, used again: fresh memory for every file costs more than searching it."""


def _borrowed() -> bytearray:
    while _buffers:
        buffer = _buffers.pop()
        if len(buffer) == BLOCK_BYTES:
            return buffer
    return bytearray(BLOCK_BYTES)


class Skip(NamedTuple):
    """How to know long lines that cannot hold a hit: `mark` stands in their first bytes, and `before` not before it."""

    mark: bytes
    before: bytes


Hit = tuple[int, int, bytes]
"""A line worth decoding: its number from 1, its byte offset, its bytes."""


class Lines:
    """The unread lines of one file.

    After `hits` is exhausted, `offset` and `line` say where the next read starts, and `rejects` holds torn lines.
    """

    def __init__(self, tail: Tail) -> None:
        self.path = tail.path
        self.offset = tail.offset
        self.line = tail.line
        self.rejects: list[Reject] = []
        self.from_start = tail.offset == 0
        self.start = b""
        """The first bytes that were read, once there are any."""

    def hits(self, *needles: bytes, skip: Skip | None = None) -> Iterator[Hit]:
        """Yield each line that holds one of the needles.

        Lines that `skip` recognises by their first bytes are not searched, but for their last 2 KB, where a line that
        was glued to them would end: they may be most of the file.
        Lines that hold none are only checked to be whole (they end in ``}``); those that are not become rejects.
        A last line without its newline is yielded where it is whole, else left unread.
        """
        buffer = _borrowed()
        try:
            with open_binary(self.path) as file:
                file.seek(self.offset)
                yield from self._blocks(file, buffer, needles, skip)
        finally:
            _buffers.append(buffer)

    def _blocks(
        self, file: io.BufferedIOBase, buffer: bytearray, needles: tuple[bytes, ...], skip: Skip | None
    ) -> Iterator[Hit]:
        """Search a file block by block; what follows a block's last newline moves to the front of the next."""
        size = 0
        while count := self._read(file, buffer, size):
            size += count
            self.start = self.start or _copy(buffer, min(size, START_BYTES))
            end = buffer.rfind(b"\n", 0, size) + 1
            yield from self._block(buffer, end, needles, skip)
            rest = size - end
            buffer[:rest] = buffer[end:size]
            size = rest if rest <= LONGEST_LINE else self._pass_over(file, buffer, rest)
        end = size if size and is_whole(bytes(buffer[:size])) else buffer.rfind(b"\n", 0, size) + 1
        yield from self._block(buffer, end, needles, skip)

    def _read(self, file: io.BufferedIOBase, buffer: bytearray, start: int) -> int:
        """Fill the buffer from `start` on, which makes room where there is none, and return how many bytes came.

        None come where a gzip file is cut off or broken, which is a reject.
        """
        if start == len(buffer):
            buffer.extend(bytes(len(buffer)))
        try:
            with memoryview(buffer)[start:] as room:
                return _fill(file, room)
        except DAMAGED as error:
            self.reject(f"damaged file: {error}")
            return 0

    def _pass_over(self, file: io.BufferedIOBase, buffer: bytearray, size: int) -> int:
        """Give up a line that is too long; what follows it moves to the front of the buffer, its size is returned.

        A line that has no end yet is left unread.
        """
        while count := self._read(file, buffer, 0):
            end = buffer.find(b"\n", 0, count) + 1
            if end:
                self.reject("line longer than 64 MB")
                self.offset, self.line = self.offset + size + end, self.line + 1
                buffer[: count - end] = buffer[end:count]
                return count - end
            size += count
        return 0

    def reject(self, reason: str, line: int | None = None, offset: int | None = None) -> None:
        """Count a line as unreadable; by default the one about to be read."""
        self.rejects.append(Reject(line or self.line + 1, self.offset if offset is None else offset, reason))

    def _block(self, data: bytearray, end: int, needles: tuple[bytes, ...], skip: Skip | None) -> Iterator[Hit]:
        """Search whole lines. This loop is half of the time that a large log takes: it calls nothing of ours."""
        base, number, start, stop = self.offset, self.line, 0, 0
        find, rfind, (needle, *others) = data.find, data.rfind, needles
        with memoryview(data) as view:
            while start < end:
                stop = find(b"\n", start, end)
                if stop < 0:
                    stop = end
                number += 1
                if stop - start < SHORT_LINE:
                    hit = find(needle, start, stop) >= 0 or any(find(other, start, stop) >= 0 for other in others)
                elif rfind(needle, stop - SHORT_LINE, stop) >= 0:
                    hit = True
                elif (
                    skip is not None
                    and (mark := find(skip.mark, start, start + SKIP_BYTES)) >= 0
                    and find(skip.before, start, mark) < 0
                ):
                    hit = False
                else:
                    hit = any(find(sought, start, stop) >= 0 for sought in needles)
                if hit:
                    yield number, base + start, bytes(view[start:stop])
                elif data[stop - 1] != BRACE:
                    self._check(data, start, stop, number)
                start = stop + 1
        self.offset, self.line = base + end, number - (end > 0 and stop == end)

    def _check(self, data: bytearray, start: int, stop: int, number: int) -> None:
        """Reject a line that does not end in a brace, but for white space behind it."""
        text = bytes(data[start:stop]).removeprefix(BOM).strip(BLANK)
        if text and not text.endswith(b"}"):
            self.reject("torn line: no closing brace", number, self.offset + start)


def _fill(file: io.BufferedIOBase, room: memoryview) -> int:
    """Read into `room`; of a broken compressed file, all that comes before the break."""
    if not isinstance(file, io.BufferedReader):
        data = file.read1(len(room))
        room[: len(data)] = data
        return len(data)
    return file.readinto(room)


def _copy(buffer: bytearray, size: int) -> bytes:
    """Return the first bytes of a buffer, copied once."""
    with memoryview(buffer) as view:
        return bytes(view[:size])


def is_whole(line: bytes) -> bool:
    """Say whether a last line without its newline is made of whole JSON documents: a writer may still be at it."""
    text = line.decode("utf-8-sig", "replace").strip("\x00 \t\r\n")
    decode = json.JSONDecoder().raw_decode
    try:
        while text:
            text = text[decode(text)[1] :].lstrip("\x00 \t\r\n")
    except (ValueError, RecursionError):
        return False
    return bool(line)


def as_columns(names: tuple[str, ...], rows: list[Any]) -> dict[str, list[Any]]:
    """Turn rows (sequences in the order of `names`, what follows is left out) into one list a column."""
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=False)) if rows else {name: [] for name in names}
