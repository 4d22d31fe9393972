"""Logs that grow: each ingest reads the new bytes only, and the store is that of the whole file read at once."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tokenaudit.sources import lines

if TYPE_CHECKING:
    from tests.ingest.conftest import World


def whole(world: World, new_world: type[World], folder: Path) -> World:
    """Return a world that reads the same files once."""
    other = new_world(folder)
    for path in world.logs.rglob("*"):
        if path.is_file():
            other.write(path.relative_to(world.logs).as_posix(), path.read_text(), end="")
    other.ingest()
    return other


def test_only_new_bytes_are_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read before is passed over; lines and offsets go on."""
    path = world.write("a.jsonl", *(world.reply(f"msg_{n}", uuid="x" * 500) for n in range(50)))
    world.ingest()
    first = world.ledger()["a.jsonl"]
    world.append("a.jsonl", world.reply("msg_50"), "torn", world.reply("msg_51"))
    read: list[int] = []
    real = lines.Lines._read

    def count(*args: Any) -> int:
        read.append(real(*args))
        return read[-1]

    monkeypatch.setattr(lines.Lines, "_read", count)
    result = world.one()
    last = world.ledger()["a.jsonl"]

    assert (result.rows, result.new, result.rejected) == (2, 2, 1)
    assert sum(read) == path.stat().st_size - first.offset < 1000
    assert (first.offset, last.offset) == (first.size, path.stat().st_size)
    assert (first.line, last.line, [item.line for item in world.rejects()]) == (50, 53, [52])
    assert (first.rows, last.rows, last.rejected) == (50, 52, 1)


def test_a_response_that_goes_on(world: World) -> None:
    """Its first lines were counted in an earlier ingest: it is known, and grows."""
    world.write("a.jsonl", world.reply(output=3, stop_reason=None))
    world.ingest()
    world.append("a.jsonl", world.reply(output=40), world.reply("msg_2"))
    result = world.one()

    assert (result.rows, result.new, result.duplicate) == (2, 1, 1)
    assert world.outputs() == [5, 40]
    assert world.rows()[0]["finalized"] is True


def test_a_torn_end_is_read_when_it_is_whole(world: World) -> None:
    """An ingest in the middle of a write loses nothing and rejects nothing."""
    line = world.reply("msg_2", 70)
    world.write("a.jsonl", world.reply(), line[:150], end="")
    assert world.one().rejected == 0
    assert world.outputs() == [5]
    world.append("a.jsonl", line[150:], end="")
    assert world.one().new == 1
    world.append("a.jsonl", "", world.reply("msg_3"))
    assert world.one().new == 1

    assert world.outputs() == [5, 5, 70]
    assert world.rejects() == []
    assert world.ledger()["a.jsonl"].line == 3


def test_a_file_that_begins_torn(world: World) -> None:
    """Nothing could be read of it yet."""
    world.write("a.jsonl", '{"type":"user","sessionId":"s1"}', world.reply()[:100], end="")
    world.ingest()
    world.write("b.jsonl", world.reply("msg_2")[:100], end="")
    assert world.read() == {"a.jsonl": "unchanged", "b.jsonl": "unrecognised"}
    world.write("a.jsonl", '{"type":"user","sessionId":"s1"}', world.reply())
    world.write("b.jsonl", world.reply("msg_2"))

    assert world.read() == {"a.jsonl": "read", "b.jsonl": "read"}
    assert world.outputs() == [5, 5]


def test_unfinished_responses_are_estimated_alike(world: World, new_world: type[World], tmp_path: Path) -> None:
    """The text of a response comes in pieces; its estimate is that of the whole, and goes when it is finished."""

    def said(n: int) -> str:
        content = [{"type": "text", "text": "x" * 100 * n}]
        return world.reply("msg_1", 1, uuid=f"u{n}", stop_reason=None, content=content)

    world.write("a.jsonl", said(1))
    world.ingest()
    for n in (2, 3):
        world.append("a.jsonl", said(n), said(1))
        world.ingest()
    estimate = world.rows()[0]["estimated_output_tokens"]

    assert estimate == (600 * 292 + 55_600 + 500) // 1000
    assert world.rows() == whole(world, new_world, tmp_path / "other").rows()
    world.append("a.jsonl", world.reply("msg_1", 9))
    world.ingest()
    assert world.rows()[0]["estimated_output_tokens"] == 9
    assert world.rows() == whole(world, new_world, tmp_path / "finished").rows()
    assert world.sound()


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_line_by_line(world: World, new_world: type[World], tmp_path: Path, size: int) -> None:
    """A file that is ingested after every few lines: constant ids, sub-agents, copies, iterations."""
    advice = {"iterations": [{"type": "advisor_message", "model": "claude-haiku-4-5", "output_tokens": 30}]}
    relay = [
        world.reply("ocgo", n * (prompt > 0), requestId=None, usage={"input_tokens": prompt}, uuid=f"r{n}")
        for n, prompt in enumerate((0, 7, 7, 8, 0, 9), 1)
    ]
    said = [
        world.reply("msg_1", 1, stop_reason=None, cwd="/src/a", gitBranch="main"),
        relay[0],
        relay[1],
        '{"type": "user", "sessionId": "s1", "message": {"role": "user", "content": "x"}}',
        relay[2],
        world.reply("msg_1", 8, cwd="/src/b", timestamp="2026-10-05T10:00:01.000Z"),
        world.reply("msg_2", 4, usage={"speed": "fast", **advice}),
        '{"type": "user", "sessionId": "s1", "message": {"role": "user", "content": "x"}}',
        relay[3],
        relay[4],
        world.reply("msg_2", 6, usage={"service_tier": "standard", **advice}, costUSD=0.5),
        "torn",
        relay[5],
        world.reply("msg_1", 2, isSidechain=True, timestamp="2026-10-04T10:00:01.000Z"),
    ]
    world.write("a.jsonl", *said[:size])
    for start in range(size, len(said), size):
        world.ingest()
        world.append("a.jsonl", *said[start : start + size])
    world.ingest()
    other = whole(world, new_world, tmp_path / "other")

    assert world.rows() == other.rows()
    assert [item.line for item in world.rejects()] == [item.line for item in other.rejects()] == [12]
    assert world.ledger()["a.jsonl"].offset == other.ledger()["a.jsonl"].offset
    assert world.sound()


def test_a_packed_log_is_read_whole(world: World) -> None:
    """Gzip cannot be entered in the middle: it is read again, and what it held is known."""
    path = world.logs / "a.jsonl.gz"
    path.write_bytes(gzip.compress(f"{world.reply()}\n".encode()))
    world.ingest()
    path.write_bytes(path.read_bytes() + gzip.compress(f"{world.reply('msg_2')}\ntorn\n".encode()))
    result = world.one()

    assert (result.rows, result.new, result.duplicate, result.rejected) == (2, 1, 1, 1)
    assert world.outputs() == [5, 5]


def test_a_log_that_grows_under_another_name(world: World) -> None:
    """Renamed and longer: all is read, only the new counts."""
    path = world.write("a.jsonl", world.reply())
    world.ingest()
    path.rename(world.logs / "b.jsonl")
    world.append("b.jsonl", world.reply("msg_2"))
    result = world.one()

    assert (result.new, result.duplicate) == (1, 1)
    assert world.outputs() == [5, 5]
    assert world.sound()
