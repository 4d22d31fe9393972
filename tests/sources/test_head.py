"""The head of a file: what is seen of it, whatever it is, and that no file breaks it."""

from __future__ import annotations

import gzip
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.sources.logs import write_database
from tokenaudit.sources import detect, head
from tokenaudit.sources.head import Head, delimiter


def look(folder: Path, data: bytes, name: str = "file.bin") -> Head:
    """Return the head of a file with these bytes."""
    path = folder / name
    path.write_bytes(data)
    return Head(str(path))


# -- tables -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "data",
    [
        b"Date,User ,MODEL\n1,2,3\n",
        b"\xef\xbb\xbfdate,user,model\r\n1,2,3\r\n",
        b"\n\n date;user;model\n",
        b"date\tuser\tmodel",
        b'"date","user","Model"\r1,2,3\r',
    ],
)
def test_header(tmp_path: Path, data: bytes) -> None:
    """Column names are trimmed and in lower case, behind a byte order mark and blank lines, with any separator."""
    assert look(tmp_path, data).header == ("date", "user", "model")
    assert look(tmp_path, data).columns == {"date", "user", "model"}


@pytest.mark.parametrize("data", [b"", b"  \n", b'{"a":1}', b"[1]", b"\x89PNG\x00\x00", b"x" * 200_000])
def test_no_header(tmp_path: Path, data: bytes) -> None:
    """Empty files, JSON, pictures and one endless line have no columns."""
    assert look(tmp_path, data).header == ()


def test_a_quoted_separator_is_part_of_its_name(tmp_path: Path) -> None:
    """Names may hold commas."""
    assert look(tmp_path, b'"Input (w/ cache), total",user\n').header == ("input (w/ cache), total", "user")


@pytest.mark.parametrize(("line", "expected"), [("a,b;c,d", ","), ("a;b;c,d", ";"), ("a\tb", "\t"), ("a", ",")])
def test_delimiter(line: str, expected: str) -> None:
    """The most frequent of comma, tab and semicolon."""
    assert delimiter(line) == expected


# -- JSON lines -------------------------------------------------------------------------------------------------------
def test_records_are_the_first_objects_that_can_be_read(tmp_path: Path) -> None:
    """Torn lines, arrays and blank lines are passed over; eight are enough."""
    data = b'{"torn\n\n[1]\n' + b"".join(b'{"n":%d}\n' % number for number in range(20))
    seen = look(tmp_path, data)

    assert [record["n"] for record in seen.records] == list(range(8))
    assert [record["n"] for record in seen.records] == list(range(8)), "they can be asked for again"


@pytest.mark.parametrize(
    "line",
    [
        b'\xef\xbb\xbf{"n":1}',
        b'{"n":1}{"n":2}',
        b'{"n":1,"x":NaN}',
        b'{"n":1,"x":"\\ud83d"}',
        b'{"n":1,"x":"\xff"}',
        b'{"n":1}\r\n',
        b'\x00\x00{"n":1}\x00',
        b'\n \n{"n":1}',
    ],
)
def test_odd_records_are_read(tmp_path: Path, line: bytes) -> None:
    """What the decoders of logs can read is not lost at the door."""
    assert next(look(tmp_path, line).records)["n"] == 1


def test_a_record_longer_than_the_head_is_read(tmp_path: Path) -> None:
    """A first line of more than 16 KB is read to its end."""
    data = b'{"n":"' + b"x" * (head.HEAD_BYTES * 3) + b'"}\n{"n":2}\n'

    assert len(list(look(tmp_path, data).records)) == 2


# -- anything ---------------------------------------------------------------------------------------------------------
def test_gzip_is_unpacked(tmp_path: Path) -> None:
    """The head of a packed file is that of its content."""
    assert look(tmp_path, gzip.compress(b"a,b\n" + b"1,2\n" * 50_000)).header == ("a", "b")


def test_a_damaged_gzip_file_shows_what_is_whole(tmp_path: Path) -> None:
    """A file that was cut off is recognised by its beginning; one without any is not taken for an empty one."""
    cut = look(tmp_path, gzip.compress(b"a,b\n" + bytes(range(64, 128)) * 99)[:-9])
    broken = look(tmp_path, b"\x1f\x8bnonsense")

    assert (cut.header, cut.damaged) == (("a", "b"), True)
    assert (broken.header, broken.damaged, broken.is_empty()) == ((), True, False)


@given(data=st.binary(max_size=300))
@example(data=b"a,b\rc\r")
@example(data=b'{"a":' * 60_000)
@example(data=b"\x1f\x8b")
def test_no_file_breaks_detection(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Random bytes are of no source, and never an error."""
    seen = look(tmp_path_factory.mktemp("any"), data)

    assert detect(seen) is None
    assert isinstance(seen.header, tuple)
    assert seen.is_empty() == (not seen.damaged and not data.strip())


@pytest.mark.parametrize("lost", [1, 60])
def test_a_damaged_database_has_no_tables(tmp_path: Path, lost: int) -> None:
    """Cut off, or cut off in its packing, it is of no source, and nothing else fails with it."""
    whole = write_database(tmp_path / "whole.db", {"sessions": [{"id": str(number) * 99} for number in range(99)]})
    data = whole.read_bytes()
    cut, packed = tmp_path / "cut.db", tmp_path / "cut.db.gz"
    cut.write_bytes(data[:5000])
    packed.write_bytes(gzip.compress(data)[:-lost])

    assert "sessions.id" in Head(str(whole)).tables
    assert Head(str(cut)).tables == Head(str(packed)).tables == frozenset()


def test_a_packed_database_has_its_tables(tmp_path: Path) -> None:
    """Packed in one way or another, also one in write-ahead mode."""
    path = write_database(tmp_path / "whole.db", {"sessions": [{"id": "a"}]})
    with closing(sqlite3.connect(path)) as database:
        database.execute("pragma journal_mode = wal")
    packed = tmp_path / "sessions.db.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    with zipfile.ZipFile(tmp_path / "sessions.zip", "w") as archive:
        archive.write(path, "folder/sessions.db")

    assert "sessions.id" in Head(str(packed)).tables
    assert "sessions.id" in Head(f"{tmp_path}/sessions.zip!/folder/sessions.db").tables
