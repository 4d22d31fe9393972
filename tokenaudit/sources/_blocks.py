"""A big text table cut into blocks of whole records, so that memory stays bounded however long the file is."""

from __future__ import annotations

import io
from io import SEEK_CUR
from typing import TYPE_CHECKING, NamedTuple

from tokenaudit.sources.lines import BOM, is_whole, open_binary

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK_BYTES = 1 << 24
"""About 100,000 rows of usage, and less than the C library takes from and gives back to the system each time."""
LONGEST_HEADER = LONGEST_RECORD = 1 << 20
QUOTE = b'"'


class Block(NamedTuple):
    """Consecutive whole lines of a file."""

    data: bytes
    line: int
    """Number of the first line, from 1."""
    offset: int
    """Byte at which it starts, after decompression."""
    lines: int = 0

    @property
    def plain(self) -> bool:
        """Whether no cell can have blanks around it."""
        return b" " not in self.data and b"\t" not in self.data


def split_header(path: str) -> tuple[str, Iterator[Block]]:
    """Return the first line of a table that is not blank, and the rest of the file in blocks."""
    line, header = 0, b""
    with open_binary(path) as file:
        while not header.strip() and (raw := file.readline(LONGEST_HEADER)):
            line, header = line + 1, raw.removeprefix(BOM)
    return text_of(header).strip("\r\n"), _blocks(path, line, quoted=True)


def all_blocks(path: str) -> Iterator[Block]:
    """Return a whole file of lines in blocks; a byte order mark is left out."""
    return _blocks(path, 0, quoted=False)


def text_of(data: bytes) -> str:
    """Decode UTF-8, or what a spreadsheet on Windows writes."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def lines_of(block: Block) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of JSON lines with their numbers; not a last one that is still being written."""
    *lines, last = block.data.split(b"\n")
    yield from enumerate(lines, block.line)
    if is_whole(last):
        yield block.line + len(lines), last


def line_offsets(block: Block, lines: set[int]) -> dict[int, int]:
    """Return the byte offset of each asked line of a block."""
    found, at = {}, 0
    for number in range(block.line, max(lines, default=0) + 1):
        if number in lines:
            found[number] = block.offset + at
        at = block.data.find(b"\n", at) + 1
    return found


def _blocks(path: str, header: int, *, quoted: bool) -> Iterator[Block]:
    """Yield what follows the first `header` lines."""
    with open_binary(path) as file:
        offset = sum(len(file.readline()) for _ in range(header))
        if not header:
            offset = _skip_mark(file)
        line, rest = header + 1, b""
        while read := _whole_lines(file):
            data = rest + read if rest else read
            end = _last_record(data) if quoted and QUOTE in data else len(data)
            rest = data[end:]
            if end:
                block = Block(data[:end], line, offset, _count_lines(data[:end]))
                yield block
                line, offset = line + block.lines, offset + end
        if rest:
            yield Block(rest, line, offset, _count_lines(rest))


def _skip_mark(file: io.BufferedIOBase) -> int:
    """Move behind a byte order mark, if there is one; return the offset."""
    marked = file.read(len(BOM)) == BOM
    return file.seek(len(BOM) if marked else 0)


def _whole_lines(file: io.BufferedIOBase) -> bytes:
    """Read about `BLOCK_BYTES`, to the end of a line; a plain file is looked at first, to copy nothing twice."""
    if not isinstance(file, io.BufferedReader):
        return file.read(BLOCK_BYTES) + file.readline()
    start = file.tell()
    file.seek(BLOCK_BYTES, SEEK_CUR)
    tail = len(file.readline())
    file.seek(start)
    return file.read(BLOCK_BYTES + tail)


def _count_lines(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


def _last_record(data: bytes) -> int:
    """Return where the last whole record of whole lines ends: after a line break that no quotes enclose.

    Where quotes never balance over a megabyte, one of them is stray and each line counts as a record.
    """
    end = len(data)
    odd = data.count(QUOTE) % 2
    while odd and end:
        start = data.rfind(b"\n", 0, end - 1) + 1
        odd ^= data.count(QUOTE, start, end) % 2
        end = start
    return end or (len(data) if len(data) >= LONGEST_RECORD else 0)
