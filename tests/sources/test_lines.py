"""Lines of a log: which are worth decoding, where the next reading begins, and which are torn, by line and offset."""

from __future__ import annotations

import gzip
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenaudit.sources import lines
from tokenaudit.sources.lines import Hit, Lines, Skip, as_columns, is_whole, open_binary
from tokenaudit.sources.source import Reject, Tail

NEEDLE = b'"use"'
PROMPTS = Skip(mark=b'"type":"user"', before=b'"message"')


def read(path: Path, offset: int = 0, line: int = 0, *, skip: Skip | None = None) -> tuple[list[Hit], Lines]:
    """Return the hits of a file from an offset on, and where reading ended."""
    reader = Lines(Tail(str(path), offset, line))
    return list(reader.hits(NEEDLE, skip=skip)), reader


def write(folder: Path, data: bytes, name: str = "log.jsonl") -> Path:
    """Write bytes to a file."""
    path = folder / name
    path.write_bytes(data)
    return path


# -- what is found ----------------------------------------------------------------------------------------------------
def test_a_hit_names_its_line_and_offset(tmp_path: Path) -> None:
    """Numbers count from 1, offsets are bytes, and blank lines count as lines."""
    data = b'{"a":"\xc3\xa9"}\n\n{"use":1}\n{"b":2}\n{"use":2}\n'
    hits, reader = read(write(tmp_path, data))

    assert hits == [(3, 12, b'{"use":1}'), (5, 30, b'{"use":2}')]
    assert (reader.offset, reader.line, reader.rejects) == (len(data), 5, [])


@pytest.mark.parametrize("data", [b"", b"\n\n", b" \r\n\t\n", b"\x00\x00\n", b"\xef\xbb\xbf\n"])
def test_nothing_but_white_space_is_no_reject(tmp_path: Path, data: bytes) -> None:
    """Empty lines, NUL bytes that a crash left and a lone byte order mark are nothing."""
    hits, reader = read(write(tmp_path, data))

    assert (hits, reader.rejects) == ([], [])


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b" \n", b"\x00\x00\n", b""])
def test_line_ends(tmp_path: Path, end: bytes) -> None:
    """Unix and Windows line ends, trailing blanks, NUL bytes, and no end at all."""
    hits, reader = read(write(tmp_path, b'{"a":1}' + end + (b"" if end else b"\n") + b'{"use":1}' + end))

    assert [line for line, *_ in hits] == [2]
    assert reader.rejects == []


def test_a_long_prompt_is_passed_over(tmp_path: Path) -> None:
    """A long line that begins like a prompt is not searched, a short one and one that begins otherwise are."""
    filler = b"x" * lines.SHORT_LINE
    prompt = b'{"type":"user","message":"%b","use":1,"z":"%b"}\n' % (filler, filler)
    other = b'{"message":{"type":"user"},"use":1,"z":"%b"}\n' % filler
    short = b'{"type":"user","use":1}\n'

    assert [line for line, *_ in read(write(tmp_path, prompt + other + short), skip=PROMPTS)[0]] == [2, 3]


def test_a_document_glued_to_a_long_prompt_is_found(tmp_path: Path) -> None:
    """What follows a prompt on its own line is not lost with it."""
    glued = b'{"type":"user","message":"%b"}{"use":1}\n' % (b"x" * lines.SHORT_LINE)

    assert [line for line, *_ in read(write(tmp_path, glued), skip=PROMPTS)[0]] == [1]


# -- torn lines -------------------------------------------------------------------------------------------------------
def test_a_torn_line_in_the_middle_is_a_reject(tmp_path: Path) -> None:
    """It is named with line and offset; its neighbours are read."""
    hits, reader = read(write(tmp_path, b'{"use":1}\n{"type":"assi\n{"use":2}\n'))

    assert [line for line, *_ in hits] == [1, 3]
    assert reader.rejects == [Reject(2, 10, "torn line: no closing brace")]


def test_a_torn_long_prompt_is_a_reject(tmp_path: Path) -> None:
    """Lines that are passed over are checked for their end too."""
    torn = b'{"type":"user","message":"%b\n' % (b"x" * lines.SHORT_LINE)

    assert [item.line for item in read(write(tmp_path, b'{"a":1}\n' + torn), skip=PROMPTS)[1].rejects] == [2]


@pytest.mark.parametrize("cut", [1, 5, 12, 13, 14])
def test_a_torn_last_line_is_left_for_next_time(tmp_path: Path, cut: int) -> None:
    """Wherever it is cut, also behind an inner brace, the next reading begins before it and finds it whole."""
    whole = b'{"x":{"y":1},"use":{}}'
    path = write(tmp_path, b'{"use":1}\n' + whole[:cut])
    first, reader = read(path)
    path.write_bytes(b'{"use":1}\n' + whole + b"\n")
    second, rest = read(path, reader.offset, reader.line)

    assert [line for line, *_ in first] == [1]
    assert (reader.offset, reader.line, reader.rejects) == (10, 1, [])
    assert second == [(2, 10, whole)]
    assert (rest.line, rest.rejects) == (2, [])


@pytest.mark.parametrize("end", [b"", b"\x00\x00\x00", b'{"b":2}', b"\r"])
def test_a_whole_last_line_without_its_newline_is_read(tmp_path: Path, end: bytes) -> None:
    """Also with NUL bytes or a second document behind it; the numbers go on as if its newline had been there."""
    path = write(tmp_path, b'{"use":1}' + end)
    first, reader = read(path)
    path.write_bytes(path.read_bytes() + b'\n{"use":2}\n')
    second, _ = read(path, reader.offset, reader.line)

    assert [line for line, *_ in first] == [1]
    assert [(line, data) for line, _, data in second] == [(2, b'{"use":2}')]


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        (b'{"a":1}', True),
        (b'\xef\xbb\xbf{"a":1}', True),
        (b'{"a":1}{"b":2}', True),
        (b'{"a":"\\ud83d","b":NaN,"c":"\xff"}', True),
        (b'{"a":{"b":1}', False),
        (b'{"a":1}{"b":{}', False),
        (b"", False),
        (b"[" * 100_000, False),
    ],
)
def test_whole(line: bytes, whole: bool) -> None:  # noqa: FBT001
    """Whole is what a JSON reader takes, document after document; halves of characters do not matter."""
    assert is_whole(line) is whole


# -- blocks, long lines and gzip --------------------------------------------------------------------------------------
@given(
    texts=st.lists(st.sampled_from([b'{"use":1}', b'{"a":1}', b"", b'{"torn', b'{"use":"' + b"x" * 40 + b'"}'])),
    block=st.integers(1, 60),
    cuts=st.lists(st.integers(0, 400), max_size=4),
)
def test_blocks_and_pieces_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, texts: list[bytes], block: int, cuts: list[int]
) -> None:
    """Whatever the size of a block, and however the file grew, the same lines are found and rejected."""
    data = b"".join(text + b"\n" for text in texts)
    path = tmp_path_factory.mktemp("grow") / "log.jsonl"
    path.write_bytes(data)
    expected, whole = read(path)
    found: list[Hit] = []
    rejects: list[Reject] = []
    offset = line = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK_BYTES", block)
        for size in sorted({min(cut, len(data)) for cut in cuts} | {len(data)}):
            path.write_bytes(data[:size])
            hits, reader = read(path, offset, line)
            found, rejects = [*found, *hits], [*rejects, *reader.rejects]
            offset, line = reader.offset, reader.line

    assert found == expected
    assert rejects == whole.rejects
    assert (offset, line) == (whole.offset, whole.line)


def test_a_line_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One reject for a line longer than the limit, however long; the lines behind it are read."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", 64)
    monkeypatch.setattr(lines, "LONGEST_LINE", 100)
    long = b'{"use":"' + b"x" * 1000 + b'"}'
    hits, reader = read(write(tmp_path, b'{"use":1}\n' + long + b'\n{"use":2}\n{"use":3}'))

    assert [(line, data) for line, _, data in hits] == [(1, b'{"use":1}'), (3, b'{"use":2}'), (4, b'{"use":3}')]
    assert reader.rejects == [Reject(2, 10, "line longer than 64 MB")]


def test_a_long_line_that_is_still_written_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line longer than the limit is given up when its end is known, once."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", 64)
    monkeypatch.setattr(lines, "LONGEST_LINE", 100)
    path = write(tmp_path, b'{"use":1}\n{"use":"' + b"x" * 1000)
    _, first = read(path)
    path.write_bytes(path.read_bytes() + b'"}\n{"use":2}\n')
    hits, second = read(path, first.offset, first.line)

    assert (first.offset, first.rejects) == (10, [])
    assert [line for line, *_ in hits] == [3]
    assert [item.line for item in second.rejects] == [2]


def test_gzip_is_unpacked(tmp_path: Path) -> None:
    """A file is packed when it begins so, whatever its name; several members are one file."""
    path = write(tmp_path, gzip.compress(b'{"use":1}\n') + gzip.compress(b'{"use":2}\n'))
    with open_binary(str(path)) as file:
        assert file.read() == b'{"use":1}\n{"use":2}\n'

    assert [line for line, *_ in read(path)[0]] == [1, 2]


@pytest.mark.parametrize("damage", [slice(0, -9), slice(0, 2), slice(0, 40)])
def test_a_damaged_gzip_file_is_a_reject(tmp_path: Path, damage: slice) -> None:
    """What was unpacked before the damage is read, and the damage is named."""
    data = gzip.compress(b"".join(b'{"use":%d}\n' % number for number in range(5000)))
    hits, reader = read(write(tmp_path, data[damage], "log.jsonl.gz"))

    assert [line for line, *_ in hits] == list(range(1, len(hits) + 1))
    assert [item.reason.partition(":")[0] for item in reader.rejects] == ["damaged file"]


def test_gzip_with_a_broken_checksum_is_a_reject(tmp_path: Path) -> None:
    """All lines count, and the reader is told that they may be wrong."""
    data = bytearray(gzip.compress(b'{"use":1}\n'))
    data[-8] ^= 0xFF
    hits, reader = read(write(tmp_path, bytes(data)))

    assert [line for line, *_ in hits] == [1]
    assert "damaged" in reader.rejects[0].reason


def test_memory_is_bounded_by_block_and_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of whole lines follow each other without a gap."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", 100)
    hits, _ = read(write(tmp_path, b'{"use":1}\n' * 1000))

    assert all(second[1] - first[1] == 10 for first, second in pairwise(hits))
    assert len(hits) == 1000


def test_rows_to_columns() -> None:
    """Every name has its list, also where there is no row."""
    assert as_columns(("a", "b"), [(1, 2), (3, 4)]) == {"a": [1, 3], "b": [2, 4]}
    assert as_columns(("a", "b"), []) == {"a": [], "b": []}
