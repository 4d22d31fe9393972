"""Decoders of simple logs: lines, documents and databases to rows, checked and folded."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenaudit import schema
from tokenaudit.ingest.decode import LogBatch
from tokenaudit.ingest.frames import log_frame
from tokenaudit.ingest.walk import walk
from tokenaudit.sources import _events as events
from tokenaudit.sources._instant import moment
from tokenaudit.sources._money import amount, scaled
from tokenaudit.sources._packed import DamagedError, is_member, open_member
from tokenaudit.sources.head import Head
from tokenaudit.sources.lines import open_binary
from tokenaudit.sources.source import Decoded, Tail

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = "2026-10-01T00:00:00.000Z"


def rows(record: dict[str, Any], memory: events.Memory) -> Iterator[events.Row]:
    """Take the model from an earlier line."""
    if "model" in record:
        memory.facts["model"] = record["model"]
    if "id" in record:
        yield {
            "identity": record["id"],
            "charge_period_start": record.get("at", AT),
            "request_model": memory.facts.get("model"),
            "output_tokens": record.get("out"),
            "reported_cost": record.get("cost"),
        }


decode = events.lines(rows)


def write(path: Path, *records: object) -> Path:
    """Write JSON lines."""
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


def test_lines(tmp_path: Path) -> None:
    """Facts of earlier lines are remembered, equal identities fold, bad records are rejects."""
    path = write(
        tmp_path / "log.jsonl",
        {"model": "m"},
        {"id": "a", "out": 1, "cost": 4e-05},
        {"id": "a", "out": 3},
        {"id": "b", "out": "7"},
        {"id": "c", "out": -1},
        {"id": "d", "at": "never"},
    )
    made = decode(Tail(str(path)))
    assert made.columns["identity"] == ["a", "b"]
    assert made.columns["output_tokens"] == [3, 7]
    assert made.columns["request_model"] == ["m", "m"]
    assert made.columns["reported_cost"] == ["0.00004", None]
    assert made.columns["line"] == [2, 4]
    assert made.merged == 1
    assert [(item.line, item.reason) for item in made.rejects] == [
        (5, "impossible count: output_tokens is -1"),
        (6, "usage without a usable timestamp: 'never'"),
    ]


def test_lines_go_on(tmp_path: Path) -> None:
    """A second reading starts where the first ended, with what it remembered."""
    path = write(tmp_path / "log.jsonl", {"model": "m"})
    first = decode(Tail(str(path)))
    with path.open("a") as file:
        file.write('{"id": "a", "out": 1}\n{"id": "b"')
    second = decode(Tail(str(path), first.offset, first.line, first.state))
    assert second.columns["request_model"] == ["m"]
    assert second.line == 2
    assert second.rejects == []


def test_lines_or_document(tmp_path: Path) -> None:
    """The same records come of lines, which stop at a broken one's end, of an array, and of one document."""

    def each(value: Any, memory: events.Memory) -> Iterator[events.Row]:
        for record in value if isinstance(value, list) else [value]:
            yield from rows(record, memory)

    read = events.lines_or_document(each)
    path = tmp_path / "file"
    for text, expected in (
        ('{"id": "a"}\n{"id"\n{"id": "b"}\n', ["a", "b"]),
        ('[{"id": "a"}]', ["a"]),
        ('{\n"id": "a"}', ["a"]),
    ):
        path.write_text(text)
        assert read(Tail(str(path))).columns["identity"] == expected


def test_a_file_without_rows(tmp_path: Path) -> None:
    """It is a frame without rows."""
    made = decode(Tail(str(write(tmp_path / "log.jsonl", {"model": "m"}))))
    made.columns.pop("identity")
    found = LogBatch("codex", {**made.columns, "response_id": [], "file_id": []}, [], 0)
    rows, refused = log_frame(found)
    assert (rows.height, rows.columns, refused) == (0, list(schema.NAMES), {})


def test_what_stands_around_json(tmp_path: Path) -> None:
    """A source may trim its lines; those that then hold nothing are passed over."""
    path = tmp_path / "log.txt"
    path.write_text('12:00 {"id": "a", "out": 1}\nid of {nobody}\n')
    read = events.lines(rows, b"id", trim=lambda line: line.partition(b"12:00")[2])
    assert read(Tail(str(path))).columns["output_tokens"] == [1]


def test_table_of_records(tmp_path: Path) -> None:
    """Records that a source reads by itself keep their numbers; one bad record and a damaged end are rejects."""

    def read(_: str) -> Iterator[tuple[int, dict[str, Any]]]:
        yield from enumerate([{"id": "a", "out": 1}, {"id": "b", "out": -1}, {"id": "a", "out": 2}], 2)
        raise DamagedError("no end")

    made = events.table(rows, read)(Tail(str(tmp_path / "any")))
    assert (made.columns["output_tokens"], made.columns["line"]) == ([2], [2])
    assert [(item.line, item.reason) for item in made.rejects] == [
        (3, "impossible count: output_tokens is -1"),
        (5, "damaged file: no end"),
    ]


def test_document(tmp_path: Path) -> None:
    """A document that is rewritten is read whole; one in the writing is a reject until it is whole."""
    path = tmp_path / "session.json"
    path.write_text(json.dumps({"calls": [{"id": "a", "out": 1}, {"id": "b", "out": 2}]}, indent=2))

    def calls(value: Any, memory: events.Memory) -> Iterator[events.Row]:
        for call in value["calls"]:
            yield from rows(call, memory)

    read = events.document(calls)
    assert read(Tail(str(path), 5, 1)).columns["output_tokens"] == [1, 2]
    path.write_text('{"calls": [')
    made = read(Tail(str(path)))
    assert made.columns["identity"] == []
    assert len(made.rejects) == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1790000000, "2026-09-21T14:13:20.000Z"),
        ("1790000000.25", "2026-09-21T14:13:20.250Z"),
        (1790000000123, "2026-09-21T14:13:20.123Z"),
        (1770983427.123, "2026-02-13T11:50:27.123Z"),
        (None, None),
        ("soon", None),
        ("nan", None),
        (1e300, None),
    ],
)
def test_numbers_since_1970(value: object, expected: str | None) -> None:
    """Seconds and milliseconds are told apart by their size."""
    assert moment(value) == expected


def calls_of(database: sqlite3.Connection) -> Iterator[events.Row]:
    """Read the table of calls."""
    for id_, out in database.execute("select id, out from call"):
        yield {"identity": id_, "charge_period_start": AT, "output_tokens": out}


def new_database(path: Path) -> sqlite3.Connection:
    """Return an open database in write-ahead mode with one row on disk and one in the log."""
    opened = sqlite3.connect(path, isolation_level=None)
    opened.execute("pragma journal_mode = wal")
    opened.execute("create table call(id text, out integer)")
    opened.execute("insert into call values ('a', 1)")
    return opened


def test_database(tmp_path: Path) -> None:
    """An open database is read with its log, is one file to walk, and changes with its log."""
    path = tmp_path / "calls.db"
    opened = new_database(path)
    read = events.database(calls_of)
    assert read(Tail(str(path))).columns["output_tokens"] == [1]
    before = walk([str(tmp_path)])
    assert [file.path for file in before] == [str(path)]
    opened.execute("insert into call values ('b', 2)")
    assert read(Tail(str(path))).columns["output_tokens"] == [1, 2]
    assert walk([str(tmp_path)]) != before
    assert Head(str(path)).tables == {"call", "call.id", "call.out"}
    opened.close()


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write everywhere")
def test_database_in_a_folder_without_write_access(tmp_path: Path) -> None:
    """What cannot be shared is copied."""
    opened = new_database(tmp_path / "calls.db")
    tmp_path.chmod(0o500)
    try:
        assert events.database(calls_of)(Tail(str(tmp_path / "calls.db"))).columns["output_tokens"] == [1]
    finally:
        tmp_path.chmod(0o700)
        opened.close()


def test_one_bad_row_costs_no_other(tmp_path: Path) -> None:
    """Rows after one that cannot count are read."""
    path = tmp_path / "calls.json"
    path.write_text('["a", "b", "c", "d"]')
    odd: dict[str, dict[str, object]] = {
        "b": {"charge_period_start": "never"},
        "c": {"reject": "no model"},
        "d": {"reject": None},
    }
    read = events.document(
        lambda names, _: ({"identity": name, "charge_period_start": AT, **odd.get(name, {})} for name in names)
    )
    made = read(Tail(str(path)))
    assert made.columns["identity"] == ["a", "d"]
    assert "reject" not in made.columns
    assert [reject.reason for reject in made.rejects] == ["usage without a usable timestamp: 'never'", "no model"]


def test_broken_database(tmp_path: Path) -> None:
    """A broken database is a reject."""
    path = tmp_path / "calls.db"
    path.write_bytes(b"SQLite format 3\x00" + b"x" * 100)
    made = events.database(calls_of)(Tail(str(path)))
    assert made.columns["identity"] == []
    assert "not a sound database" in made.rejects[0].reason


@pytest.mark.parametrize(("granularity", "minute"), [(None, 0), ("request", 0), ("period", 5)])
def test_end_of_a_folded_row(granularity: str | None, minute: int) -> None:
    """A request has no width, whenever its lines were written; a period grows."""
    folded = events.Folded()
    for end in (3, 5, 4):
        row = {"identity": "a", "charge_period_start": AT, "charge_period_end": f"2026-10-01T00:0{end}:00.000Z"}
        folded.add(events.checked({**row, "granularity": granularity}), end)
    assert folded.rows["a"]["charge_period_end"] == f"2026-10-01T00:0{minute}:00.000Z"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.integers(0, 9)), min_size=1), st.randoms())
def test_folding_knows_no_order(found: list[tuple[str, int, int]], random: Any) -> None:
    """Rows of one identity give the same row in any order."""

    def fold(items: list[tuple[int, tuple[str, int, int]]]) -> list[tuple[object, ...]]:
        folded = events.Folded()
        for line, (identity, out, minute) in items:
            at = f"2026-10-01T00:0{minute}:00.000Z"
            row = {"identity": identity, "charge_period_start": at, "charge_period_end": at, "output_tokens": out}
            folded.add({**row, "session": f"s{line}"}, line)
        made: Decoded = folded.decoded(0, 0, "", [])
        return sorted(zip(*made.columns.values(), strict=True))

    numbered = list(enumerate(found, 1))
    shuffled = [*numbered]
    random.shuffle(shuffled)
    assert fold(shuffled) == fold(numbered)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.1, "0.1"),
        ("1E-7", "0.0000001"),
        (4, "4"),
        (None, None),
        (True, None),
        ("free", None),
        ("nan", None),
        ("$1.50", "1.50"),
        (f"0.{'1' * 36}", f"0.{'1' * 18}"),
        ("1e99", None),
    ],
)
def test_amount(value: object, expected: str | None) -> None:
    """Amounts are plain decimal text."""
    assert amount(value) == expected


def test_scaled() -> None:
    """Cents are hundredths."""
    assert scaled("123.78912", -2) == "1.2378912"
    assert scaled(None, -2) is None


# -- packed files -----------------------------------------------------------------------------------------------------
def test_zstandard_and_gzip(tmp_path: Path) -> None:
    """Both are unpacked on the way, whatever the file is called; a broken one is a reject after what came before."""
    lines = b'{"id": "a", "out": 1}\n' * 10_000
    for pack in (zstd.compress, gzip.compress):
        path = tmp_path / "log"
        path.write_bytes(pack(lines))
        assert open_binary(str(path)).read() == lines
        assert decode(Tail(str(path))).columns["output_tokens"] == [1]
        path.write_bytes(pack(lines)[:-9])
        assert "damaged file" in decode(Tail(str(path))).rejects[-1].reason


def test_archive(tmp_path: Path) -> None:
    """The files of an archive are files."""
    archive = tmp_path / "logs.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("inner/log.jsonl", '{"id": "a", "out": 1}\n')
    (found,) = walk([str(tmp_path)])
    assert found.path == f"{archive}!/inner/log.jsonl"
    assert is_member(found.path)
    assert decode(Tail(found.path)).columns["output_tokens"] == [1]
    with pytest.raises(DamagedError):
        open_member(f"{archive}!/other")


@pytest.mark.parametrize("damage", ["broken", "bomb"])
def test_archives_that_are_refused(tmp_path: Path, damage: str) -> None:
    """A broken archive and a bomb stand for themselves, unread."""
    archive = tmp_path / "logs.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("log.jsonl", b"0" * (1 << 25))
    if damage == "broken":
        archive.write_bytes(archive.read_bytes()[:-30])
    assert [file.path for file in walk([str(tmp_path)])] == [str(archive)]
