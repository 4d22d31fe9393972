"""What is read again: the ledger against the file system, then the file's own content."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tokenaudit.ingest import plan as module
from tokenaudit.ingest import walk
from tokenaudit.ingest.plan import marks, plan
from tokenaudit.sources import names
from tokenaudit.sources.head import Head
from tokenaudit.sources.source import Tail

if TYPE_CHECKING:
    from tests.ingest.conftest import World

CSV = "charge_period_start,request_model,output_tokens\n2026-10-05T10:00:00Z,claude-opus-5-5,{}\n"


def touch(path: Path, seconds: int = 5) -> None:
    """Give a file another time."""
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + seconds * 10**9))


# -- status -----------------------------------------------------------------------------------------------------------
def test_unchanged_files_are_not_opened(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run asks the file system and opens nothing; what is no data is remembered too."""
    world.write("a.jsonl", world.reply())
    world.write("b.md", "# notes")
    world.write("c.json", '{"some": "thing"}')
    world.write("d.csv", "", end="")
    expected = {"a.jsonl": "read", "b.md": "skipped", "c.json": "unrecognised", "d.csv": "skipped"}
    assert world.read() == expected

    def refuse(path: str) -> None:
        raise AssertionError(path)

    monkeypatch.setattr(module, "Head", refuse)
    assert world.read() == {**expected, "a.jsonl": "unchanged"}


def test_a_named_file_is_unrecognised_however_it_is_called(world: World) -> None:
    """What lies about in a folder is skipped; what a person names is expected to be data, also the second time."""
    notes = world.write("b.md", "# notes")

    assert world.read() == {"b.md": "skipped"}
    assert world.read(notes) == {"b.md": "unrecognised"}
    assert world.read(notes) == {"b.md": "unrecognised"}


def test_files_that_vanish_are_passed_over(world: World) -> None:
    """Agents delete old logs while we look at new ones."""
    world.write("a.jsonl", world.reply())
    gone = world.write("b.jsonl", world.reply("msg_2"))
    found = walk.walk([str(world.logs)])
    gone.unlink()

    assert [job.found.path for job in plan(found, {}).jobs] == [str(world.logs / "a.jsonl")]


def test_a_new_format_is_tried_on_what_was_unrecognised(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With more sources than before, files that none could read are looked at again, once."""
    world.write("c.json", '{"some": "thing"}')
    world.read()
    monkeypatch.setattr(module, "tried", lambda: len(names()) + 1)
    looks: list[str] = []

    def look(path: str) -> Head:
        looks.append(path)
        return Head(path)

    monkeypatch.setattr(module, "Head", look)
    for _ in range(3):
        assert world.read() == {"c.json": "unrecognised"}

    assert len(looks) == 1


# -- growth -----------------------------------------------------------------------------------------------------------
def jobs(world: World) -> list[Tail]:
    """Return from where each file would be read."""
    ledger = world.catalog(lambda catalog: catalog.files())
    return [job.tail for job in plan(walk.walk([str(world.logs)]), ledger).jobs]


def test_a_grown_log_is_read_from_where_it_ended(world: World) -> None:
    """Offset, line and the decoder's memory come from the ledger."""
    path = world.write("a.jsonl", world.reply())
    world.ingest()
    world.append("a.jsonl", world.reply("msg_2"))
    (tail,) = jobs(world)
    entry = world.ledger()["a.jsonl"]

    assert tail == Tail(str(path), entry.offset, entry.line, entry.state)
    assert (tail.offset, tail.line) == (len(world.reply()) + 1, 1)


@pytest.mark.parametrize("change", ["head", "tail", "shorter", "touched", "packed"])
def test_anything_else_is_read_from_the_start(world: World, change: str) -> None:
    """A rewritten beginning or end of what was read, a truncated file, a touched one of the same size, gzip."""
    lines = [world.reply(f"msg_{n}") for n in range(9)]
    name = "a.jsonl.gz" if change == "packed" else "a.jsonl"
    path = world.write(name, *lines)
    world.ingest()
    other = {"head": ["", *lines, "{}"], "tail": [*lines[:-1], "{}" * 99, "{}"], "shorter": lines[:3]}
    world.write(name, *other.get(change, [*lines, "{}"] if change == "packed" else lines))
    touch(path)

    assert jobs(world) == [Tail(str(path))]


def test_a_log_that_grew_while_it_was_read_goes_on(world: World) -> None:
    """What was read beyond the size that the walk saw is not read again."""
    path = world.write("a.jsonl", world.reply(), world.reply("msg_2"))
    world.ingest()
    entry = world.ledger()["a.jsonl"]
    with_less = {str(path): entry._replace(size=len(world.reply()) + 1)}
    (job,) = plan(walk.walk([str(world.logs)]), with_less).jobs

    assert job.tail.offset == entry.offset == path.stat().st_size


def test_tables_are_read_whole(world: World) -> None:
    """A CSV file that grew is another file."""
    path = world.write("a.csv", CSV.format(5), end="")
    world.ingest()
    world.append("a.csv", "2026-10-06T10:00:00Z,claude-opus-5-5,6")

    assert jobs(world) == [Tail(str(path))]


@pytest.mark.parametrize("offset", [0, 3, 64, 100, 5000, 9000])
def test_marks(tmp_path: Path, offset: int) -> None:
    """They depend on the first 4 KB and the last 64 bytes of what was read, and on nothing behind it."""
    path = tmp_path / "log"
    data = bytes(range(250)) * 40
    path.write_bytes(data)
    before = marks(str(path), offset)
    path.write_bytes(data[:offset] + b"something else")
    assert marks(str(path), offset) == before
    for place in {0, offset - 1, offset - 60} & set(range(offset)):
        path.write_bytes(data[:place] + b"\xff" + data[place + 1 :])
        assert marks(str(path), offset) != before


# -- rules ------------------------------------------------------------------------------------------------------------
def test_files_of_older_rules_are_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the start, and what they brought before goes out."""
    world.write("a.jsonl", world.reply())
    world.ingest()
    assert jobs(world) == []
    monkeypatch.setattr(module, "rules", lambda source: 99 if source == "claude-code" else 1)
    ledger = world.catalog(lambda catalog: catalog.files())
    (job,) = plan(walk.walk([str(world.logs)]), ledger).jobs

    assert (job.drop, job.tail.offset) == (True, 0)


def test_files_of_older_rules_elsewhere(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those outside the folders given are found by the ledger; those that are gone are named."""
    here, gone = world.write("a.jsonl", world.reply()), world.write("b.jsonl", world.reply("msg_2"))
    world.ingest()
    gone.unlink()
    monkeypatch.setattr(module, "rules", lambda _: 99)
    ledger = world.catalog(lambda catalog: catalog.files())

    assert module.outdated_elsewhere(ledger, set()) == ([str(here)], [str(gone)])
    assert module.outdated_elsewhere(ledger, {str(here), str(gone)}) == ([], [])
