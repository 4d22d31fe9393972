"""Claude Code sessions: what a line adds, what names a response, and that a bad line costs nothing but itself."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tokenaudit.sources import _claude_estimate, detect, lines
from tokenaudit.sources._claude_origin import COPIED, FORKED, SIDECHAIN
from tokenaudit.sources.claude_code import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.sources.source import Decoded, Tail

Json = dict[str, Any]

SAMPLES = Path(__file__).parents[2] / "sample_logs" / "claude-code"
FULL: Json = {
    "input_tokens": 3,
    "cache_creation_input_tokens": 500,
    "cache_read_input_tokens": 2000,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 400},
    "output_tokens": 70,
    "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
    "output_tokens_details": {"thinking_tokens": 20},
    "service_tier": "standard",
    "inference_geo": "us",
    "speed": "standard",
}
TOKENS = (
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "cache_creation_5m_input_tokens",
    "cache_creation_1h_input_tokens",
    "output_tokens",
)


# -- building sessions ------------------------------------------------------------------------------------------------
def reply(name: str | None = "msg_1", usage: Json | None = None, **more: object) -> Json:
    """Return a line of a response; words of `more` that belong to the message go there."""
    inner: Json = {key: more.pop(key) for key in ("model", "stop_reason", "content") if key in more}
    message: Json = {
        "id": name,
        "role": "assistant",
        "model": "claude-opus-5-5",
        "stop_reason": "end_turn",
        "content": [],
        **inner,
        "usage": {"input_tokens": 10, "output_tokens": 5} if usage is None else usage,
    }
    return {
        "type": "assistant",
        "timestamp": "2026-10-05T10:00:00.000Z",
        "sessionId": "s1",
        "requestId": "req_1",
        "cwd": "/src/payments-api",
        "isSidechain": False,
        "uuid": "u1",
        "message": message,
        **more,
    }


def user(text: str = "go on", **more: object) -> Json:
    """Return a line of a person or of a tool."""
    return {"type": "user", "sessionId": "s1", "message": {"role": "user", "content": text}, **more}


def progress(inner: Json, **more: object) -> Json:
    """Return a line of a sub-agent inside its parent's log."""
    data = {"type": "agent_progress", "agentId": "a1", "message": inner}
    outer = {"timestamp": "2026-10-05T10:00:09.000Z", "sessionId": "s1", "cwd": "/src/payments-api"}
    return {"type": "progress", "data": data, **outer, **more}


def counts(prompt: int, output: int, read: int = 0) -> Json:
    """Return plain usage."""
    return {"input_tokens": prompt, "output_tokens": output, "cache_read_input_tokens": read}


def at(seconds: int, day: int = 5) -> str:
    """Return an instant of 10 o'clock and some seconds."""
    return f"2026-10-{day:02}T10:{seconds // 60:02}:{seconds % 60:02}.000Z"


# -- reading them -----------------------------------------------------------------------------------------------------
def write(path: Path, found: Iterable[Json | str | bytes]) -> str:
    """Write lines to a file and return its path."""
    texts = (row if isinstance(row, str | bytes) else json.dumps(row, separators=(",", ":")) for row in found)
    path.write_bytes(b"".join((text.encode() if isinstance(text, str) else text) + b"\n" for text in texts))
    return str(path)


def read(folder: Path, *found: Json | str | bytes, name: str = "s1.jsonl") -> Decoded:
    """Write lines and read them."""
    return SOURCE.decode(Tail(write(folder / name, found)))


def rows(decoded: Decoded) -> list[Json]:
    """Return the rows of a reading."""
    names, columns = decoded.columns.keys(), decoded.columns.values()
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def only(folder: Path, *found: Json | str | bytes) -> Json:
    """Return the only row that some lines make."""
    decoded = read(folder, *found)
    assert decoded.rejects == []
    (row,) = rows(decoded)
    return row


def outputs(folder: Path, *found: Json | str | bytes) -> list[int]:
    """Return the output tokens of each row that some lines make."""
    return sorted(row["output_tokens"] for row in rows(read(folder, *found)))


def follow(path: Path, *pieces: Iterable[Json]) -> list[Json]:
    """Return the rows of a file that is read each time a piece was added to it."""
    path.write_bytes(b"")
    tail, found = Tail(str(path)), []
    for piece in pieces:
        with path.open("a") as file:
            file.writelines(json.dumps(row) + "\n" for row in piece)
        decoded = SOURCE.decode(tail)
        tail = Tail(str(path), decoded.offset, decoded.line, decoded.state)
        found += rows(decoded)
    return found


# -- one response -----------------------------------------------------------------------------------------------------
def test_a_response(tmp_path: Path) -> None:
    """Every field that leaves a line, and nothing else."""
    row = only(tmp_path, reply(usage=FULL, gitBranch="main", costUSD=0.25))

    assert row == {
        "identity": "msg_1",
        "line": 1,
        "charge_period_start": "2026-10-05T10:00:00.000Z",
        "session": "s1",
        "project_path": "/src/payments-api",
        "tags": '{"git_branch":"main"}',
        "provider": "anthropic",
        "request_model": "claude-opus-5-5",
        "service_tier": "standard",
        "speed": "standard",
        "region": "us",
        "batch": False,
        "reported_cost": "0.25",
        "origin_rank": 0,
        "finalized": True,
        "uncached_input_tokens": 3,
        "cache_read_input_tokens": 2000,
        "cache_creation_5m_input_tokens": 100,
        "cache_creation_1h_input_tokens": 400,
        "output_tokens": 70,
        "reasoning_output_tokens": 20,
        "web_search_requests": 2,
        "output_parts": None,
    }


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"input_tokens": 10, "output_tokens": 5}, [10, 0, 0, 0, 5]),
        (dict.fromkeys(FULL), [0, 0, 0, 0, 0]),
        ({**FULL, "cache_creation": None}, [3, 2000, 500, 0, 70]),
        ({**FULL, "cache_creation": {}}, [3, 2000, 500, 0, 70]),
        ({**FULL, "cache_creation": {"ephemeral_1h_input_tokens": 400}}, [3, 2000, 100, 400, 70]),
        ({**FULL, "cache_creation_input_tokens": None}, [3, 2000, 100, 400, 70]),
        ({**FULL, "cache_creation_input_tokens": 700}, [3, 2000, 300, 400, 70]),
        ({"input_tokens": "12", "output_tokens": 5.0}, [12, 0, 0, 0, 5]),
    ],
)
def test_token_classes(tmp_path: Path, usage: Json, tokens: list[int]) -> None:
    """Classes are disjoint; null and absent are 0; what a breakdown leaves out of the flat total is 5 minutes."""
    row = only(tmp_path, reply(usage=usage))

    assert [row[name] for name in TOKENS] == tokens


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"service_tier": "batch"}, {"batch": True, "service_tier": "batch"}),
        ({"service_tier": None}, {"batch": False, "service_tier": None}),
        ({"speed": "fast"}, {"speed": "fast"}),
        ({"inference_geo": "not_available"}, {"region": None}),
        ({"inference_geo": ""}, {"region": None}),
        ({"inference_geo": "global"}, {"region": None}),
    ],
)
def test_what(tmp_path: Path, more: Json, expected: Json) -> None:
    """Tier, speed and region; a region only where it changes the price."""
    assert only(tmp_path, reply(usage={**FULL, **more})).items() >= expected.items()


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("claude-haiku-4-5", "anthropic"),
        ("deepseek-v4-pro", None),
        ("us.anthropic.claude-opus-4-5", None),
        (None, None),
    ],
)
def test_provider(tmp_path: Path, model: str | None, provider: str | None) -> None:
    """A provider is named only where the model's name says so: gateways sell others' models too."""
    row = only(tmp_path, reply(model=model))

    assert (row["request_model"], row["provider"]) == (model, provider)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-05T10:00:00.123Z", "2026-10-05T10:00:00.123Z"),
        ("2026-10-05T10:00:00Z", "2026-10-05T10:00:00.000Z"),
        ("2026-10-05T10:00:00.123456Z", "2026-10-05T10:00:00.123Z"),
        ("2026-10-05T19:00:00.000+09:00", "2026-10-05T10:00:00.000Z"),
        ("2026-10-05T10:00:00", "2026-10-05T10:00:00.000Z"),
    ],
)
def test_instants(tmp_path: Path, text: str, expected: str) -> None:
    """ISO 8601 with and without milliseconds and offset; no zone means UTC."""
    assert only(tmp_path, reply(timestamp=text))["charge_period_start"] == expected


@pytest.mark.parametrize(
    ("cost", "expected"),
    [(0.1, "0.1"), ("0.10", "0.10"), (4e-05, "0.00004"), (None, None), ("much", None), (float("nan"), None)],
)
def test_reported_cost(tmp_path: Path, cost: object, expected: str | None) -> None:
    """What the client thought it cost is exact decimal text, whatever way it was written."""
    assert only(tmp_path, reply(costUSD=cost))["reported_cost"] == expected


def test_lines_that_are_no_responses_add_nothing(tmp_path: Path) -> None:
    """Synthetic replies, tool results that quote usage, results of sub-agents, cost states and unknown lines."""
    decoded = read(
        tmp_path,
        reply(model="<synthetic>", usage=counts(0, 0)),
        user(toolUseResult={"usage": FULL, "totalTokens": 9999}),
        user('{"type":"assistant","message":{"usage":{"output_tokens":1000}}}'),
        {"type": "cost-state", "sessionId": "s1", "modelUsage": {"claude-opus-5-5": {"outputTokens": 5}}},
        {"type": "system", "sessionId": "s1", "message": "a text", "usage": {"output_tokens": 7}},
        {"type": "something new", "sessionId": "s1", "data": [1, 2], "message": 3, "output_tokens": 5},
        {"type": "progress", "data": {"type": "hook_progress", "message": {"message": {"usage": FULL}}}},
        {"type": "progress", "data": {"type": "agent_progress", "message": {"type": "user", "message": {}}}},
        {"type": "assistant", "message": {"id": "msg_9", "content": []}},
    )

    assert (rows(decoded), decoded.rejects, decoded.merged) == ([], [], 0)


# -- several lines a response -----------------------------------------------------------------------------------------
def test_each_count_is_the_largest(tmp_path: Path) -> None:
    """Lines of a response repeat and grow; the first gives the instant; another request id changes nothing."""
    row = only(
        tmp_path,
        reply(usage=counts(10, 1, 100), timestamp=at(5), stop_reason=None),
        user(),
        reply(usage=counts(12, 9), timestamp=at(3), requestId="req_2"),
        reply(usage=counts(0, 4, 90), timestamp=at(9), stop_reason=None),
    )

    assert [row[name] for name in TOKENS] == [12, 100, 0, 0, 9]
    assert (row["charge_period_start"], row["finalized"], row["line"]) == (at(3), True, 1)


def test_repeated_lines_are_counted_as_merged(tmp_path: Path) -> None:
    """Each line beyond the first of a response is one."""
    assert read(tmp_path, reply(), reply(), reply("msg_2"), reply()).merged == 2


def test_a_fast_line_makes_a_fast_response(tmp_path: Path) -> None:
    """And what the first line leaves open, a later one fills in."""
    first, second = ({"output_tokens": 1, "speed": speed} for speed in (None, "standard"))
    third = {"output_tokens": 1, "speed": "fast", "service_tier": "batch", "inference_geo": "us"}

    assert only(tmp_path, reply(usage=first), reply(usage=second))["speed"] == "standard"
    row = only(tmp_path, reply(usage=first), reply(usage=second), reply(usage=third))
    assert (row["speed"], row["service_tier"], row["batch"], row["region"]) == ("fast", "batch", True, "us")


def test_the_largest_reported_cost_stands(tmp_path: Path) -> None:
    """Old versions wrote a growing cost beside growing counts; ten is more than nine."""
    assert only(tmp_path, *(reply(costUSD=cost) for cost in (9.5, 10, None)))["reported_cost"] == "10"


def test_the_earliest_line_says_where(tmp_path: Path) -> None:
    """A response whose lines stand in two directories belongs to the first of them in time, not in the file."""
    row = only(tmp_path, reply(cwd="/src/b", timestamp=at(2)), reply(cwd="/src/a", timestamp=at(1)))

    assert row["project_path"] == "/src/a"


@pytest.mark.parametrize("order", [1, -1])
def test_the_main_line_says_where(tmp_path: Path, order: int) -> None:
    """A side question repeats a response of its parent: the parent's line counts, whichever comes first."""
    pair = [reply(cwd="/src/main", timestamp=at(2)), reply(isSidechain=True, cwd="/src/side", timestamp=at(1))]

    assert only(tmp_path, *pair[::order])["project_path"] == "/src/main"


# -- what names a response --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "identity"),
    [
        (reply("msg_bdrk_1", requestId="req_9"), "msg_bdrk_1"),
        (reply("msg_1", requestId=None), "msg_1"),
        (reply("gen-7", requestId="req_9"), "gen-7\x1freq_9"),
        (reply("gen-7", requestId=None, agentId="a1"), "s1\x1fa1\x1fgen-7\x1f10,0,0"),
        (reply("", requestId=None), "s1\x1f\x1f\x1f10,0,0"),
        (reply(None, requestId="req_9"), "line\x1freq_9"),
        (reply(None, requestId=None), "line\x1fu1"),
    ],
)
def test_identity(tmp_path: Path, line: Json, identity: str) -> None:
    """Anthropic's id alone; else with the request id; else with session, agent and prompt; else the line's own id."""
    assert only(tmp_path, line)["identity"] == identity


def relay(usage: Json, seconds: int, **more: object) -> Json:
    """Return a line of a gateway that answers with one constant id and no request id."""
    return reply("ocgo", usage, requestId=None, timestamp=at(seconds), uuid=f"u{seconds}", **more)


def test_a_constant_id_is_several_responses(tmp_path: Path) -> None:
    """Without a request id, another prompt after a user line is another response."""
    found = [
        relay(counts(10, 1), 1),
        relay(counts(10, 8), 2),
        user(),
        relay(counts(20, 6), 3),
        user(),
        relay(counts(30, 7), 4),
        relay(counts(30, 2), 5),
    ]

    assert outputs(tmp_path, *found) == [6, 7, 8]


def test_lines_of_one_prompt_are_one_response(tmp_path: Path) -> None:
    """Tool results may stand between the lines of a response, and prompts may be completed without a user line."""
    assert outputs(tmp_path, relay(counts(10, 1), 1), user(), relay(counts(10, 8), 2)) == [8]
    assert outputs(tmp_path, relay(counts(10, 1), 1), relay(counts(10, 8, 50), 2)) == [8]


def test_zeros_belong_to_the_response_that_follows(tmp_path: Path) -> None:
    """Some gateways write zeros first and the real counts on the last line, also across tool results."""
    found = [relay(counts(0, 0), 1), user(), relay(counts(0, 0), 2), user(), relay(counts(40, 9), 3), user()]

    assert outputs(tmp_path, *found) == [9]
    assert outputs(tmp_path, *found, relay(counts(50, 4), 4)) == [4, 9]
    assert outputs(tmp_path, *found[:3]) == []


def test_agents_and_sessions_share_no_constant_id(tmp_path: Path) -> None:
    """Equal prompts of two sessions or two sub-agents are two responses."""
    found = [relay(counts(10, n), n, sessionId=f"s{n % 2}", agentId=f"a{n // 2}") for n in range(1, 5)]

    assert outputs(tmp_path, *found) == [1, 2, 3, 4]


CONSTANT = [
    relay(counts(10, 1), 1),
    relay(counts(10, 8), 2),
    user(),
    relay(counts(0, 0), 3),
    user(),
    relay(counts(20, 6), 4),
    user(),
    relay(counts(20, 7), 5),
    relay(counts(30, 2), 6),
    user(),
    relay(counts(40, 5), 7),
]


@pytest.mark.parametrize("cut", range(1, len(CONSTANT)))
def test_a_constant_id_in_a_growing_file(tmp_path: Path, cut: int) -> None:
    """Wherever a file is cut, its pieces name the same responses as the whole."""
    pieces = follow(tmp_path / "s1.jsonl", CONSTANT[:cut], CONSTANT[cut:])
    largest: dict[str, int] = defaultdict(int)
    for row in pieces:
        largest[row["identity"]] = max(largest[row["identity"]], row["output_tokens"])

    assert largest == {row["identity"]: row["output_tokens"] for row in rows(read(tmp_path, *CONSTANT))}


# -- sub-agents -------------------------------------------------------------------------------------------------------
def test_progress_lines_carry_sub_agents(tmp_path: Path) -> None:
    """The response inside is read with the outer line's session and directory, and its own instant."""
    inner = reply("msg_7", FULL, timestamp=at(4), uuid="inner")
    row = only(tmp_path, reply(timestamp=at(0), model="<synthetic>"), progress(inner))

    assert row["identity"] == "msg_7"
    assert (row["session"], row["project_path"], row["charge_period_start"]) == ("s1", "/src/payments-api", at(4))
    assert row["origin_rank"] == SIDECHAIN + 4000


def test_progress_lines_and_the_agents_own_file_are_one(tmp_path: Path) -> None:
    """Both name the same response, with equal counts and the same rank beside the main line's."""
    own = reply("msg_7", FULL, timestamp=at(4), isSidechain=True, agentId="a1", requestId="req_7")
    carried = progress({key: own[key] for key in ("message", "requestId", "timestamp", "uuid")})
    (first,), (second,) = (rows(read(tmp_path, line)) for line in (own, carried))

    assert first == second


def test_progress_without_instant_takes_the_outer(tmp_path: Path) -> None:
    """An inner line may leave out its timestamp and uuid."""
    row = only(tmp_path, progress({"message": reply("msg_7")["message"]}))

    assert row["charge_period_start"] == "2026-10-05T10:00:09.000Z"


@pytest.mark.parametrize(
    ("kind", "expected"), [("advisor_message", "claude-sonnet-5-5"), ("compaction", "claude-opus-5-5")]
)
def test_separate_iterations_are_rows_of_their_own(tmp_path: Path, kind: str, expected: str) -> None:
    """An advisor's and a compaction's usage is not in the top level; what an iteration `message` says is."""
    model = {"model": "claude-sonnet-5-5"} if kind == "advisor_message" else {}
    parts = [{"type": "message", **counts(10, 5)}, {"type": kind, **model, **FULL}, {"type": "message"}]
    usage = {**counts(10, 5), "iterations": parts}
    main, part = rows(read(tmp_path, reply(usage=usage, costUSD=1, stop_reason=None)))

    assert (main["identity"], main["output_tokens"], main["request_model"]) == ("msg_1", 5, "claude-opus-5-5")
    assert (part["identity"], part["output_tokens"], part["request_model"]) == ("msg_1\x1fadv:1", 70, expected)
    assert (part["finalized"], part["reported_cost"], part["cache_creation_1h_input_tokens"]) == (True, None, 400)


def test_separate_iterations_grow(tmp_path: Path) -> None:
    """The lines of a response repeat its iterations; the largest counts stand, and the last list may be longer."""
    lists = [[counts(10, 1)], [counts(10, 9), counts(20, 3)], [counts(10, 2)]]
    found = [
        reply(usage={**counts(1, 1), "iterations": [{"type": "advisor_message", **part} for part in parts]})
        for parts in lists
    ]

    assert outputs(tmp_path, *found) == [1, 3, 9]


# -- unfinished responses ---------------------------------------------------------------------------------------------
def block(**fields: object) -> list[Json]:
    """Return the content of a line."""
    return [fields]


@pytest.mark.parametrize(
    ("content", "thousandths"),
    [
        (block(type="text", text="x" * 10), 2920),
        (block(type="thinking", thinking="x" * 10, signature="y" * 99), 3240),
        (block(type="thinking", thinking="", signature="y" * 10), 3920),
        (block(type="tool_use", id="t", name="Bash", input={"a": "e"}), 13_900 + 9 * 294),
        (block(type="text", text="a path: C:\\ud83d"), 292 * 16),
        ("x" * 10, 2920),
        ([], 0),
        (block(type="image", source={"data": "z" * 999}), 0),
        (block(type="text", text="half a character: \ud83d"), 292 * 19),
    ],
)
def test_estimated_parts(tmp_path: Path, content: object, thousandths: int) -> None:
    """What a line shows of its response, in thousandths of a token."""
    row = only(tmp_path, json.dumps(reply(content=content, stop_reason=None), separators=(",", ":")))

    assert [part & _claude_estimate.LARGEST for part in row["output_parts"]] == [thousandths]


def test_a_finished_response_needs_no_estimate(tmp_path: Path) -> None:
    """A stop reason on any line is enough, in any order."""
    text = block(type="text", text="x" * 10)
    unfinished, finished = reply(content=text, stop_reason=None), reply(content=text)

    for pair in ([unfinished, finished], [finished, unfinished], [unfinished, finished, unfinished]):
        assert only(tmp_path, *pair)["output_parts"] is None


def test_parts_are_equal_in_copies(tmp_path: Path) -> None:
    """A line that a resumed session copied gives the same part, another line another."""
    text = block(type="text", text="x" * 10)
    first, copy, other = (
        reply(content=text, stop_reason=None, uuid=uuid, sessionId=session)
        for uuid, session in (("u1", "s1"), ("u1", "s2"), ("u2", "s1"))
    )
    parts = [only(tmp_path, line)["output_parts"] for line in (first, copy, other)]

    assert parts[0] == parts[1] != parts[2]


def test_many_unfinished_lines_stay_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered for estimates is worked off in between, with the same result."""
    found = [
        reply(f"msg_{n % 7}", stop_reason=None, uuid=f"u{n}", content=block(type="text", text="x" * n))
        for n in range(60)
    ]
    expected = {row["identity"]: row["output_parts"] for row in rows(read(tmp_path, *found))}
    monkeypatch.setattr(_claude_estimate, "OPEN_BYTES", 2000)

    assert {row["identity"]: row["output_parts"] for row in rows(read(tmp_path, *found))} == expected


# -- how far a line stands from its original --------------------------------------------------------------------------
def ranks(folder: Path, *found: Json) -> dict[str, int]:
    """Return the rank of each response."""
    return {row["identity"]: row["origin_rank"] for row in rows(read(folder, *found))}


def snapshot(seconds: int, day: int = 5) -> Json:
    """Return the line that a session begins with."""
    return {"type": "file-history-snapshot", "messageId": "m", "snapshot": {"timestamp": at(seconds, day)}}


def test_own_lines_are_near_the_start(tmp_path: Path) -> None:
    """All lines of a session have the rank of its first response: its distance from the start in milliseconds."""
    found = [reply(f"msg_{n}", timestamp=at(60 * n + 7)) for n in range(3)]

    assert set(ranks(tmp_path, snapshot(2), *found).values()) == {5000}


def test_a_resumed_session_copies_older_lines(tmp_path: Path) -> None:
    """Copies rank behind the original, the session's own lines before another copy of them."""
    own = reply("msg_2", timestamp=at(4, day=9))
    resumed = ranks(tmp_path, snapshot(0, day=9), reply("msg_1", timestamp=at(3, day=6)), own)
    again = ranks(tmp_path, snapshot(0, day=12), reply("msg_1", timestamp=at(3, day=6)), own)

    assert ranks(tmp_path, snapshot(0, day=6), reply("msg_1", timestamp=at(3, day=6))) == {"msg_1": 3000}
    assert COPIED < resumed["msg_1"] < again["msg_1"] < FORKED
    assert resumed["msg_2"] == 4000 < again["msg_2"]


def test_forked_lines_say_so(tmp_path: Path) -> None:
    """A line that names what it was forked from is a copy, however near it is to the file's start."""
    fork = reply(forkedFrom={"sessionId": "s0", "messageUuid": "u0"})

    assert ranks(tmp_path, fork)["msg_1"] >= FORKED
    assert ranks(tmp_path, reply(forkedFrom=None))["msg_1"] == 0


def test_ranks_go_on_in_a_growing_file(tmp_path: Path) -> None:
    """What is added later has the rank that it has in the whole file."""
    found = [snapshot(0, day=9), reply("msg_1", timestamp=at(3, day=6)), reply("msg_2", timestamp=at(4, day=9))]
    found += [reply("msg_3", timestamp=at(8, day=10))]
    expected = ranks(tmp_path, *found)
    for cut in range(1, len(found)):
        pieces = follow(tmp_path / "grow.jsonl", found[:cut], found[cut:])
        assert {row["identity"]: row["origin_rank"] for row in pieces} == expected


# -- lines that are not as they should be -----------------------------------------------------------------------------
GOOD = json.dumps(reply("msg_2", counts(1, 77)))


@pytest.mark.parametrize(
    "line",
    [
        GOOD,
        GOOD.replace(",", " , ").replace(":", " : ").replace(" : 00", ":00"),
        GOOD + "\r",
        "\ufeff" + GOOD,
        "\x00\x00" + GOOD + "\x00",
        GOOD + '{"type":"summary","summary":"x","leafUuid":"y"}',
        json.dumps(user()) + GOOD,
        json.dumps(user("x" * 9000)) + GOOD,
        GOOD + "\x00\x00" + json.dumps(user()),
        GOOD[:-1] + ',"costUSD":NaN,"x":-Infinity}',
        GOOD[:-1] + ',"slug":"\\ud83d"}',
        GOOD[:-1] + ',"toolUseResult":"\\udc00 \\ud83d\\ude00"}',
    ],
)
def test_odd_lines_are_read(tmp_path: Path, line: str) -> None:
    """Spaces, line ends, byte order marks, NUL bytes, glued documents, NaN and halves of characters."""
    decoded = read(tmp_path, json.dumps(reply()), line)

    assert decoded.rejects == []
    assert sorted(row["output_tokens"] for row in rows(decoded)) == [5, 77]


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    """Invalid UTF-8 and halves of characters cannot leave the file in a name."""
    line = json.dumps(reply(cwd="/src/HERE", gitBranch="\ud83d")).encode().replace(b"HERE", b"caf\xe9")
    row = only(tmp_path, line)

    assert row["output_tokens"] == 5
    row["project_path"].encode()
    row["tags"].encode()


def test_bytes_that_are_no_text_in_a_call(tmp_path: Path) -> None:
    """A tool's input is measured for the estimate of an unfinished response: also where it is not UTF-8."""
    call = [{"type": "tool_use", "input": {"command": "HERE"}}]
    line = json.dumps(reply(stop_reason=None, content=call), separators=(",", ":"))
    odd, plain = (only(tmp_path, line.encode().replace(b"HERE", text)) for text in (b"caf\xe9", b"cafe"))

    assert odd["output_parts"] == plain["output_parts"]


def test_two_responses_on_one_line(tmp_path: Path) -> None:
    """Both glued documents count."""
    assert outputs(tmp_path, GOOD + json.dumps(reply())) == [5, 77]


def test_estimates_of_glued_lines(tmp_path: Path) -> None:
    """What a line shows of an unfinished response is the same whether it has its line for itself."""
    content = [{"type": "text", "text": "x" * 400}, {"type": "tool_use", "input": {"a": [1, "é"]}}]
    open_lines = [reply(name, stop_reason=None, content=content) for name in ("msg_1", "msg_2")]
    texts = [json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in open_lines]
    apart, together = read(tmp_path, *texts), read(tmp_path, "".join(texts))

    assert together.columns["output_parts"] == apart.columns["output_parts"]
    assert all(apart.columns["output_parts"])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (GOOD[:-30], "not JSON"),
        (GOOD[:40], "not JSON"),
        (json.dumps(user())[:20], "torn line: no closing brace"),
        (GOOD[: GOOD.index("usage") - 3] + "}", "not JSON"),
        (GOOD[:-1] + "}}", "not JSON"),
        (GOOD + '{"type":"assist', "not JSON"),
        (json.dumps(reply(timestamp=None)), "usage without a usable timestamp: None"),
        (json.dumps(reply(timestamp="yesterday")), "usage without a usable timestamp: 'yesterday'"),
        (json.dumps(reply(timestamp="2026-13-41T10:00:00.000Z")), "usage without a usable timestamp"),
        (json.dumps(reply(timestamp="0001-01-01T00:00:00+09:00")), "usage without a usable timestamp"),
        (json.dumps(reply(timestamp=1790000000)), "unexpected value"),
        (json.dumps(reply(usage={"output_tokens": -5})), "unexpected value: Expected `int` >= 0"),
        (json.dumps(reply(usage={"input_tokens": 10**16, "output_tokens": 1})), "unexpected value: Expected `int` <= "),
        (json.dumps(reply(usage={"input_tokens": 10**30, "output_tokens": 1})), ""),
        (json.dumps(reply(usage={"output_tokens": 1.5})), "unexpected value"),
        (json.dumps(reply(usage={"output_tokens": "many"})), "unexpected value"),
        (json.dumps(reply(usage={"output_tokens": [1]})), "unexpected value"),
        (json.dumps(reply(usage=counts(1, 1) | {"iterations": [{"type": "compaction", "output_tokens": -1}]})), "unex"),
        ('{"type":"assistant","output_tokens":' + "[" * 100_000 + "]" * 100_000 + "}", "unexpected value"),
    ],
)
def test_a_bad_line_is_named_and_costs_nothing_else(tmp_path: Path, line: str, reason: str) -> None:
    """It is rejected with its number, its offset and a reason; the lines around it, also of its response, count."""
    first = reply("msg_1", counts(10, 40), stop_reason=None)
    decoded = read(tmp_path, first, line, reply("msg_3", counts(1, 3)), reply("msg_1", counts(10, 60)))

    assert [(item.line, item.offset) for item in decoded.rejects] == [
        (2, len(json.dumps(first, separators=(",", ":"))) + 1)
    ]
    assert decoded.rejects[0].reason.startswith(reason)
    assert {row["output_tokens"] for row in rows(decoded)} >= {60, 3}
    assert all(row["charge_period_start"] == at(0) for row in rows(decoded))


def test_a_torn_end_waits_for_the_rest(tmp_path: Path) -> None:
    """A half-written last line is neither counted nor rejected; with its rest it counts once."""
    path = tmp_path / "s1.jsonl"
    for cut in range(0, len(GOOD), 7):
        path.write_text(json.dumps(reply()) + "\n" + GOOD[:cut])
        first = SOURCE.decode(Tail(str(path)))
        path.write_text(json.dumps(reply()) + "\n" + GOOD)
        second = SOURCE.decode(Tail(str(path), first.offset, first.line, first.state))

        assert [*first.rejects, *second.rejects] == []
        assert [row["output_tokens"] for row in rows(first) + rows(second)] == [5, 77]


def test_a_long_line_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line beyond the limit is rejected, its neighbours count."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", 500)
    monkeypatch.setattr(lines, "LONGEST_LINE", 2000)
    decoded = read(tmp_path, reply(), reply("msg_9", content="x" * 5000), GOOD)

    assert [row["output_tokens"] for row in rows(decoded)] == [5, 77]
    assert [(item.line, item.reason) for item in decoded.rejects] == [(2, "line longer than 64 MB")]


def test_a_packed_session(tmp_path: Path) -> None:
    """Gzip is unpacked on the way, and a file that was cut off says so."""
    data = gzip.compress(b"".join(json.dumps(reply(f"msg_{n}")).encode() + b"\n" for n in range(500)))
    (tmp_path / "a.jsonl.gz").write_bytes(data)
    (tmp_path / "b.jsonl").write_bytes(data[:-20])
    whole, cut = (SOURCE.decode(Tail(str(tmp_path / name))) for name in ("a.jsonl.gz", "b.jsonl"))

    assert (len(rows(whole)), whole.rejects) == (500, [])
    assert len(cut.rejects) == 1


# -- detection --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "line",
    [
        reply(),
        user(),
        snapshot(0),
        {"type": "summary", "summary": "x", "leafUuid": "y"},
        {"type": "queue-operation", "operation": "enqueue", "sessionId": "s1"},
        progress({}),
    ],
)
def test_detected(tmp_path: Path, line: Json) -> None:
    """A session is known by any of its lines, also behind a torn one."""
    assert detect(Head(write(tmp_path / "a.jsonl", [line]))) is SOURCE
    assert detect(Head(write(tmp_path / "b.jsonl", ['{"type":"assist', line]))) is SOURCE


@pytest.mark.parametrize(
    "line",
    [
        {"display": "a prompt", "timestamp": 1, "project": "/src", "sessionId": "s1"},
        {"agentType": "Explore", "description": "x", "toolUseId": "t"},
        {"type": "result", "session_id": "s1", "total_cost_usd": 1},
        {"id": "msg_1", "usage": FULL},
        {"type": "session_meta", "payload": {"id": "x"}},
    ],
)
def test_not_detected(tmp_path: Path, line: Json) -> None:
    """Prompt histories, sub-agents' descriptions, streams and API bodies are no sessions."""
    assert detect(Head(write(tmp_path / "a.jsonl", [line]))) is not SOURCE


# -- whole files ------------------------------------------------------------------------------------------------------
def sessions(folder: Path) -> list[Path]:
    """Return the logs below a folder."""
    return sorted(path for path in folder.rglob("*.jsonl"))


def test_our_samples_are_read_whole() -> None:
    """The files we ship are of this source and hold no line that cannot be read."""
    found = sessions(SAMPLES)
    decoded = [SOURCE.decode(Tail(str(path))) for path in found]

    assert all(detect(Head(str(path))) is SOURCE for path in found)
    assert [item.rejects for item in decoded] == [[]] * len(found)
    assert {row["request_model"] for item in decoded for row in rows(item)} == {
        "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-4-5",
    }  # fmt: skip
    assert any(row["output_parts"] for item in decoded for row in rows(item)), "one session is unfinished"
    assert any(row["origin_rank"] >= SIDECHAIN for item in decoded for row in rows(item)), "one has a sub-agent"
    names = [row["identity"] for item in decoded for row in rows(item)]
    assert len(names) > len(set(names)), "one is resumed"


def test_real_sessions_are_read_whole(shared: Path) -> None:
    """Every version's lines are understood; responses are those that distinct ids in the files name."""
    for path in sessions(shared / "samples" / "agent-logs" / "claude_code" / "entireio_cli"):
        decoded = SOURCE.decode(Tail(str(path)))
        assert decoded.rejects == []
        assert {row["identity"] for row in rows(decoded)} == set(_ids(path))


def _ids(path: Path) -> Iterator[str]:
    for text in path.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        inner = (line.get("data") or {}).get("message") if line["type"] == "progress" else line
        message = inner.get("message") if isinstance(inner, dict) else None
        if isinstance(message, dict) and "usage" in message and message["model"] != "<synthetic>":
            yield message["id"]


TRUTH = ("input", "output", "cache_5m", "cache_1h", "cache_read", "web_search")
OURS = (
    "uncached_input_tokens", "output_tokens", "cache_creation_5m_input_tokens", "cache_creation_1h_input_tokens",
    "cache_read_input_tokens", "web_search_requests",
)  # fmt: skip


@pytest.mark.parametrize(
    ("seed", "options"), [(1, ""), (2, "--old-style --long-context"), (3, "--spaces --new-models")]
)
def test_generated_homes_have_their_true_counts(shared: Path, tmp_path: Path, seed: int, options: str) -> None:
    """Tokens by session, project and model, after folding the rows of all files, are those of the generator."""
    script = shared / "bench" / "gen_claude_logs.py"
    made = [str(script), "--out", str(tmp_path), "--size-mb", "1.5", "--seed", str(seed), *options.split()]
    subprocess.run([sys.executable, *made], check=True, stdout=subprocess.DEVNULL)
    folded: dict[str, Json] = {}
    for path in sessions(tmp_path):
        for row in rows(SOURCE.decode(Tail(str(path)))):
            known = folded.get(row["identity"])
            first, last = (row, known) if known is None or row["origin_rank"] < known["origin_rank"] else (known, row)
            folded[row["identity"]] = {**first, **{name: max(first[name], (last or first)[name]) for name in OURS}}
    found: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0] * len(OURS))
    for row in folded.values():
        key = (row["project_path"], row["session"], row["request_model"])
        found[key] = [old + row[name] for old, name in zip(found[key], OURS, strict=True)]
    expected: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0] * len(OURS))
    with (tmp_path / "truth.csv").open(newline="") as file:
        for truth in csv.DictReader(file):
            key = (truth["project"], truth["session"], truth["model"])
            expected[key] = [old + int(truth[name]) for old, name in zip(expected[key], TRUTH, strict=True)]

    assert found == expected
