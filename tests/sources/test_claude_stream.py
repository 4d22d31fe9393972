"""Captured stream-json of Claude Code: the session's responses again, told once, with the time of their neighbours."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.conftest import lab
from tokenaudit.sources import detect
from tokenaudit.sources._claude_stream import NO_TIME
from tokenaudit.sources.claude_code import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.sources.source import Decoded, Tail

if TYPE_CHECKING:
    from collections.abc import Iterable

Json = dict[str, Any]
CLASSES = (
    "uncached_input_tokens", "cache_read_input_tokens", "cache_creation_5m_input_tokens",
    "cache_creation_1h_input_tokens", "output_tokens",
)  # fmt: skip
INIT: Json = {
    "type": "system", "subtype": "init", "cwd": "/src/shop", "session_id": "s1", "claude_code_version": "2.1.201",
}  # fmt: skip
STAMPS = ("2026-10-05T10:00:00.000Z", "2026-10-05T10:05:00.000Z")


def usage(output: int, written: int = 40) -> Json:
    """Return the counts of a line: all writes live an hour."""
    life = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": written}
    flat = {"input_tokens": 10, "cache_creation_input_tokens": written, "cache_read_input_tokens": 900}
    return {**flat, "cache_creation": life, "output_tokens": output, "service_tier": "standard"}


def message(name: str, output: int = 3) -> Json:
    """Return a response as a line has it, not yet finished."""
    content = [{"type": "text", "text": "x" * 500}]
    return {"id": name, "model": "claude-haiku-4-5", "content": content, "stop_reason": None, "usage": usage(output)}


def reply(name: str = "msg_1", **more: object) -> Json:
    """Return a line of a response."""
    line = {"type": "assistant", "message": message(name), "parent_tool_use_id": None, "session_id": "s1"}
    return {**line, "request_id": f"req_{name}", "uuid": f"u-{name}", **more}


def event(kind: str, agent: str | None = None, **more: object) -> Json:
    """Return a line of a partial message."""
    return {"type": "stream_event", "event": {"type": kind, **more}, "session_id": "s1", "parent_tool_use_id": agent}


def delta(output: int, agent: str | None = None) -> Json:
    """Return the end of a response: final output, and cache writes whose life it does not name."""
    counts = {"input_tokens": 10, "cache_creation_input_tokens": 40, "cache_read_input_tokens": 900}
    return event("message_delta", agent, delta={"stop_reason": "end_turn"}, usage={**counts, "output_tokens": output})


def tool(at: str | None) -> Json:
    """Return a tool's result, which has a time in newer versions."""
    return {"type": "user", "message": {"role": "user"}, "session_id": "s1", **({"timestamp": at} if at else {})}


def test_lines_that_are_not_one_sound_document(tmp_path: Path) -> None:
    """A mark, two documents on a line and bytes that are no UTF-8 cost nothing; an endless number its line."""
    path = tmp_path / "run-2026-10-05.jsonl"
    one, two = (json.dumps(reply(name)).encode() for name in ("msg_1", "msg_2"))
    odd = json.dumps(reply("msg_3")).replace('"s1"', '"s\udcff1"').encode("utf-8", "surrogateescape")
    huge = json.dumps(reply("msg_4")).replace('"output_tokens": 3', '"output_tokens": ' + "9" * 5000).encode()
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(INIT).encode() + b"\n" + b"\n".join((one + two, odd, huge)) + b"\n")
    made = SOURCE.decode(Tail(str(path)))

    assert made.columns["identity"] == ["msg_1", "msg_2", "msg_3"]
    assert made.columns["project_path"] == ["/src/shop"] * 3
    assert [(item.line, item.reason.partition(":")[0]) for item in made.rejects] == [(4, "unreadable line")]


def write(path: Path, lines: Iterable[Json]) -> str:
    """Write a capture."""
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return str(path)


def read(folder: Path, *lines: Json, name: str = "run.jsonl") -> Decoded:
    """Read a capture."""
    return SOURCE.decode(Tail(write(folder / name, [INIT, *lines])))


def column(made: Decoded, name: str) -> list[Any]:
    """Return the values of a column by identity."""
    return [value for _, value in sorted(zip(made.columns["identity"], made.columns[name], strict=True))]


def test_a_streamed_response(tmp_path: Path) -> None:
    """Its events and lines are one response; the delta brings the output and does not move the cache writes."""
    begun = event("message_start", message=message("msg_1"))
    made = read(tmp_path, begun, reply(), reply(), delta(70), tool(STAMPS[0]))

    assert [column(made, name) for name in CLASSES] == [[10], [900], [0], [40], [70]]
    assert (column(made, "finalized"), column(made, "output_parts")) == ([True], [None])
    assert (column(made, "session"), column(made, "project_path")) == (["s1"], ["/src/shop"])
    assert (column(made, "charge_period_start"), made.merged) == ([STAMPS[0]], 3)
    assert (made.offset, made.line, made.rejects) == (0, 0, [])


def test_sub_agents_and_main_stream_side_by_side(tmp_path: Path) -> None:
    """A delta ends the response that began under the same agent."""
    starts = [event("message_start", agent, message=message(name)) for name, agent in (("msg_1", None), ("msg_2", "t"))]
    made = read(tmp_path, *starts, delta(8, "t"), delta(70), tool(STAMPS[0]))

    assert column(made, "output_tokens") == [70, 8]
    assert column(made, "origin_rank")[0] < column(made, "origin_rank")[1]


def test_without_partial_messages(tmp_path: Path) -> None:
    """Then only a placeholder of the output is known, and what it may have been is estimated."""
    made = read(tmp_path, reply(), tool(STAMPS[0]))

    assert (column(made, "output_tokens"), column(made, "finalized")) == ([3], [False])
    assert len(column(made, "output_parts")[0]) == 1


def test_totals_are_no_usage(tmp_path: Path) -> None:
    """Results are cumulative: neither they nor the session's cost state add anything."""
    totals = {"usage": usage(500), "total_cost_usd": 1.5, "session_id": "s1", "timestamp": STAMPS[0]}
    made = read(
        tmp_path, tool(STAMPS[0]), reply(), *[{"type": "result", **totals}] * 2, {"type": "cost-state", **totals}
    )

    assert column(made, "output_tokens") == [3]
    assert made.rejects == []


@pytest.mark.parametrize(
    ("lines", "name", "times"),
    [
        ([reply("msg_1"), tool(STAMPS[0]), reply("msg_2"), tool(STAMPS[1])], "run.jsonl", [STAMPS[0], STAMPS[0]]),
        ([tool(STAMPS[0]), tool(None), reply("msg_1"), tool(STAMPS[1])], "run.jsonl", [STAMPS[0]]),
        ([tool(STAMPS[0]), reply("msg_1", timestamp=STAMPS[1])], "run.jsonl", [STAMPS[1]]),
        ([reply("msg_1"), tool(None)], "run-2026-10-07.jsonl", ["2026-10-07T12:00:00.000Z"]),
        ([tool(STAMPS[0]), reply("msg_1")], "run-2026-10-07.jsonl", [STAMPS[0]]),
    ],
)
def test_time(tmp_path: Path, lines: list[Json], name: str, times: list[str]) -> None:
    """The last time before a response, else the first after it, else noon of the day in the file's name."""
    assert column(read(tmp_path, *lines, name=name), "charge_period_start") == times


def test_no_time(tmp_path: Path) -> None:
    """Where nothing tells the time, each response is one reject with the way out."""
    made = read(tmp_path, reply(), reply(), reply("msg_2"), {"type": "result", "session_id": "s1", "usage": usage(9)})

    assert made.columns["identity"] == []
    assert [(item.line, item.reason) for item in made.rejects] == [(2, NO_TIME), (4, NO_TIME)]


@pytest.mark.parametrize("line", ['{"type":"assistant","message":{"usage":{"output_tokens":"many"}}}', "plain words"])
def test_bad_lines(tmp_path: Path, line: str) -> None:
    """A line that cannot be read is named and costs nothing else."""
    path = Path(write(tmp_path / "run.jsonl", [INIT, tool(STAMPS[0]), reply()]))
    path.write_text(f"{path.read_text()}{line}\n")
    made = SOURCE.decode(Tail(str(path)))

    assert ([item.line for item in made.rejects], len(made.columns["identity"])) == ([4], 1)


@pytest.mark.parametrize(
    ("line", "ours"),
    [
        (INIT, True),
        (reply(), True),
        ({**INIT, "claude_code_version": None, "session_id": 1}, False),
        ({key: value for key, value in INIT.items() if key != "claude_code_version"}, False),
        ({**reply(), "message": {"role": "assistant", "content": []}}, False),
        ({"type": "result", "session_id": "s1", "total_cost_usd": 1}, False),
    ],
)
def test_detected(tmp_path: Path, line: Json, ours: bool) -> None:  # noqa: FBT001
    """A capture is known by its first line or its responses; those of tools that imitate it are not."""
    assert (detect(Head(write(tmp_path / "a.jsonl", [line]))) is SOURCE) is ours


def session_line(name: str, output: int) -> Json:
    """Return a line of the session's own log."""
    inner = {**message(name), "usage": usage(output), "stop_reason": "end_turn"}
    where = {"timestamp": "2026-10-05T09:59:30.000Z", "sessionId": "s1", "cwd": "/src/own", "uuid": f"u-{name}"}
    return {"type": "assistant", "message": inner, "requestId": f"req_{name}", **where}


@settings(max_examples=15)
@given(st.permutations(["own.jsonl", "run.jsonl", "own.jsonl"]), st.integers(1, 6))
def test_log_and_capture_count_once(order: list[str], cut: int) -> None:
    """In any order, and with the capture read while it grows: each response once, placed by the session's own log."""
    capture = [INIT, reply("msg_1"), reply("msg_1"), tool(STAMPS[0]), reply("msg_2"), tool(STAMPS[1]), reply("msg_3")]
    text = [f"{json.dumps(line)}\n" for line in capture]
    own = "".join(f"{json.dumps(session_line(name, 60))}\n" for name in ("msg_1", "msg_2"))
    with lab() as made:
        made.add("own.jsonl", own)
        made.add("run.jsonl", "".join(text[:cut]))
        for name in order:
            made.ingest(name)
        made.add("run.jsonl", "".join(text[cut:]))
        made.ingest()
        rows = {(row["project_path"], row["output_tokens"]): row for row in made.rows()}
        assert len(made.rows()) == 3
    assert sorted(rows) == [("/src/own", 60), ("/src/shop", 3)]
    assert rows["/src/own", 60]["charge_period_start"].minute == 59


@settings(max_examples=30)
@given(st.integers(1, 6))
def test_pieces_give_the_whole(cut: int) -> None:
    """A capture that is read while it grows gives in the end what it gives whole."""
    capture = [INIT, reply("msg_1"), tool(STAMPS[0]), reply("msg_2"), delta(9), tool(STAMPS[1]), reply("msg_3")]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        first = SOURCE.decode(Tail(write(path, capture[:cut])))
        again = SOURCE.decode(Tail(write(path, capture), first.offset, first.line, first.state))
        assert again == read(Path(folder), *capture[1:], name="whole.jsonl")


REAL = {
    "bash-run.jsonl": (18, 37_992, 0, 144, 153),
    "edit-declined.jsonl": (42, 94_477, 0, 4621, 785),
    "subagent-task.jsonl": (38, 55_363, 11_214, 5822, 1200),
}
"""What the last result line tells of the main model; of a sub-agent's output only the placeholder 4 is told, not 49."""


@pytest.mark.parametrize("name", REAL)
def test_real_captures(shared: Path, name: str) -> None:
    """All classes add up to what the run's own total says."""
    path = shared / "samples/agent-logs/stream_json_harness/claude" / name
    made = SOURCE.decode(Tail(str(path)))
    results = [line for line in map(json.loads, path.read_text().splitlines()) if line["type"] == "result"]
    told = results[-1]["modelUsage"]["claude-haiku-4-5-20251001"]
    sums = tuple(sum(made.columns[column]) for column in CLASSES)

    assert detect(Head(str(path))) is SOURCE
    assert (sums, made.rejects) == (REAL[name], [])
    assert (told["inputTokens"], told["cacheReadInputTokens"], told["cacheCreationInputTokens"]) == (
        sums[0], sums[1], sums[2] + sums[3],
    )  # fmt: skip
    assert told["outputTokens"] == sums[4] + (45 if name == "subagent-task.jsonl" else 0)


@pytest.mark.parametrize("name", ["abort-mid-tool.jsonl", "text-reply.jsonl"])
def test_real_captures_without_a_time(shared: Path, tmp_path: Path, name: str) -> None:
    """No line of them tells the time: rejected, and whole under a name with a date."""
    path = shared / "samples/agent-logs/stream_json_harness/claude" / name
    copy = tmp_path / f"2026-08-05-{name}"
    copy.write_bytes(path.read_bytes())

    assert [item.reason for item in SOURCE.decode(Tail(str(path))).rejects] == [NO_TIME]
    made = SOURCE.decode(Tail(str(copy)))
    assert (made.columns["output_tokens"], made.rejects) == ([322 if name.startswith("abort") else 41], [])


def test_real_cost_states(shared: Path) -> None:
    """They are cumulative and repeat; only the two responses of the session count."""
    (path,) = (shared / "samples/agent-logs/claude_code/cost_state_2.1.280").glob("*.jsonl")
    made = SOURCE.decode(Tail(str(path)))

    assert [sum(made.columns[name]) for name in CLASSES] == [1122, 17_306_752, 0, 551_857, 91_811]
    assert (made.columns["reported_cost"], made.rejects) == ([None, None], [])
