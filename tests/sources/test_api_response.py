"""Logged API responses: envelopes, chunks, times and names, one row a response whatever the order of its lines."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.logs import decoded, read_rows, reasons, rows_of, write_lines
from tokenaudit import schema
from tokenaudit.ingest.run import ingest
from tokenaudit.sources.api_response import NO_TIME, NO_USAGE, ONE_EVENT, SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

AT, INSTANT = "2026-10-05T10:00:00Z", "2026-10-05T10:00:00.000Z"
SECONDS = 1_791_194_400
CHAT: dict[str, Any] = {
    "id": "chatcmpl-0000000000000001", "object": "chat.completion", "created": SECONDS, "model": "gpt-5.2",
    "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
}  # fmt: skip
MESSAGE: dict[str, Any] = {
    "id": "msg_01AAAAAAAAAAAAAAAAAA", "type": "message", "role": "assistant", "model": "claude-sonnet-5",
    "usage": {"input_tokens": 10, "cache_read_input_tokens": 0, "output_tokens": 2},
}  # fmt: skip
GEMINI: dict[str, Any] = {
    "candidates": [{"content": {}}], "modelVersion": "gemini-2.5-pro", "responseId": "AAAAAAAAAAAAAAAAAAAAAA",
    "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 2, "totalTokenCount": 12},
}  # fmt: skip
CONVERSE: dict[str, Any] = {
    "output": {"message": {"role": "assistant"}},
    "usage": {"inputTokens": 10, "outputTokens": 2, "totalTokens": 12},
}
TOKENS = {"uncached_input_tokens": 10, "output_tokens": 2}


def read(path: Path, *records: object) -> list[dict[str, Any]]:
    """Return the rows of JSON lines, none of which is refused."""
    made = decoded("api-response", write_lines(path / "log.jsonl", *records))
    assert reasons(made) == []
    return rows_of(made)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (CHAT, {"request_model": "gpt-5.2"}),
        (MESSAGE, {"request_model": "claude-sonnet-5"}),
        (GEMINI, {"request_model": "gemini-2.5-pro"}),
        (CONVERSE, {"provider": "aws"}),
    ],
)
def test_forms_of_envelopes(tmp_path: Path, body: dict[str, Any], expected: dict[str, Any]) -> None:
    """A body stands under one of several names, as itself, as text, as the answer of an HTTP client."""
    forms: list[dict[str, Any]] = [
        {"response": body}, {"response_body": body}, {"body": body}, {"result": body}, {"response": json.dumps(body)},
        {"response": {"status_code": 200, "headers": {}, "body": body}}, body,
    ]  # fmt: skip
    for form in forms:
        (row,) = read(tmp_path, {"timestamp": AT, **form})
        row.pop("identity")
        assert row == {**TOKENS, **expected, "charge_period_start": INSTANT}


@pytest.mark.parametrize(
    ("envelope", "expected"),
    [
        ({"user": "ann"}, {"user": "ann"}),
        ({"user": {"id": "7", "email": "ann@example.com"}}, {"user": "ann@example.com"}),
        ({"metadata": {"user_id": 7}}, {"user": "7"}),
        ({"request": {"metadata": {"user_id": "ann"}}}, {"user": "ann"}),
        ({"user": "ann", "request": {"user": "service"}}, {"user": "ann"}),
        ({"user": "two\nlines"}, {}),
        ({"user": "x" * 201}, {}),
        ({"user": True}, {}),
        ({"project": "shop", "api_key_name": "ci", "workspace": "w", "account_id": "a", "session_id": "s"},
         {"project": "shop", "api_key": "ci", "workspace": "w", "account": "a", "session": "s"}),
        ({"api_key": "sk-secret", "prompt": "secret", "metadata": {"note": "secret"}}, {}),
        ({"metadata": {"team": "core", "feature": "search"}}, {"tags": '{"team":"core","feature":"search"}'}),
        ({"tags": {"ticket": "T-1"}, "team": "core"}, {"tags": '{"team":"core","ticket":"T-1"}'}),
        ({"tags": ["a", "b"]}, {}),
        ({"provider": "Azure"}, {"provider": "azure"}),
    ],
)  # fmt: skip
def test_who(tmp_path: Path, envelope: dict[str, Any], expected: dict[str, str]) -> None:
    """Names are taken from the envelope outwards in; texts and secrets are not."""
    (row,) = read(tmp_path, {"timestamp": AT, "response": MESSAGE, **envelope})
    usual = {"identity", "charge_period_start", "request_model", *TOKENS}
    assert {name: value for name, value in row.items() if name not in usual} == expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"timestamp": AT, "response": MESSAGE}, INSTANT),
        ({"ts": SECONDS, "response": MESSAGE}, INSTANT),
        ({"ts": SECONDS * 1000 + 250, "response": MESSAGE}, "2026-10-05T10:00:00.250Z"),
        ({"ts": f"{SECONDS}.25", "response": MESSAGE}, "2026-10-05T10:00:00.250Z"),
        ({"metadata": {"timestamp": "2026-10-05T12:00:00+02:00"}, "response": MESSAGE}, INSTANT),
        ({"timestamp": "2026-10-09T00:00:00Z", "response": CHAT}, INSTANT),
        ({"response": {**CHAT, "created": 0}, "timestamp": AT}, INSTANT),
        ({**GEMINI, "createTime": "2026-10-05T10:00:00.000000Z"}, INSTANT),
        ({**CONVERSE, "ResponseMetadata": {"HTTPHeaders": {"date": "Mon, 05 Oct 2026 10:00:00 GMT"}}}, INSTANT),
    ],
)
def test_when(tmp_path: Path, record: dict[str, Any], expected: str) -> None:
    """The provider's clock goes before the envelope's, in any unit."""
    assert read(tmp_path, record)[0]["charge_period_start"] == expected


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (MESSAGE, NO_TIME),
        (GEMINI, NO_TIME),
        ({"timestamp": "yesterday", "response": CONVERSE}, NO_TIME),
        ({"timestamp": AT, "response": [{"object": "chat.completion.chunk", "id": "x", "usage": None}]}, NO_USAGE),
        ({**CHAT, "usage": None}, NO_USAGE),
        ({"timestamp": AT, "response": {"type": "message_delta", "usage": {"output_tokens": 7}}}, ONE_EVENT),
        ({"timestamp": AT, "event": 1, "type": "message_start", "message": MESSAGE}, ONE_EVENT),
        ({**CHAT, "usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2}}},
         "impossible count: uncached_input_tokens is -1"),
        ({"timestamp": AT, "response": {"error": {"message": "no"}}}, None),
        ({**CHAT, "object": "chat.completion.chunk", "usage": None}, None),
        ({"timestamp": AT, "level": "info"}, None),
    ],
)  # fmt: skip
def test_refused(tmp_path: Path, record: dict[str, Any], reason: str | None) -> None:
    """What should count and cannot is a reject that says what to do; a failed call is nothing."""
    made = decoded("api-response", write_lines(tmp_path / "log.jsonl", record))
    assert reasons(made) == ([reason] if reason else [])
    assert made.columns["identity"] == []


def test_vertex_batch(tmp_path: Path) -> None:
    """The output of a batch job is an envelope with a time."""
    (row,) = read(tmp_path, {"status": "", "processed_time": AT, "request": {}, "response": GEMINI})
    assert (row["batch"], row["charge_period_start"]) == (True, INSTANT)


# -- streams ----------------------------------------------------------------------------------------------------------
EVENTS = [
    {"type": "message_start", "message": {**MESSAGE, "usage": {"input_tokens": 10, "output_tokens": 1}}},
    {"type": "message_delta", "usage": {"output_tokens": 30}},
    {"type": "message_delta", "usage": {"output_tokens": 50, "cache_read_input_tokens": 7}},
]
STREAMS: dict[str, tuple[list[dict[str, Any]], dict[str, int]]] = {
    "openai": ([{**CHAT, "usage": None}, {**CHAT, "usage": None}, CHAT], {}),
    "azure": ([{**CHAT, "id": "", "created": 0, "model": "", "usage": None}, CHAT], {}),
    "responses": (
        [
            {"type": "response.created", "response": {"id": "resp_1", "object": "response", "usage": None}},
            {"type": "response.completed", "response": {
                "id": "resp_1", "object": "response", "model": "gpt-5.2", "created_at": SECONDS,
                "usage": {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12},
            }},
        ],
        {},
    ),
    "anthropic": (EVENTS, {"cache_read_input_tokens": 7, "output_tokens": 50}),
    "gemini": (
        [{**GEMINI, "usageMetadata": {"promptTokenCount": 10, "thoughtsTokenCount": 9}}, GEMINI],
        {},
    ),
    "converse": ([{"messageStart": {"role": "assistant"}}, {"metadata": {"usage": CONVERSE["usage"]}}], {}),
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
def test_streams(tmp_path: Path, name: str) -> None:
    """Chunks of one response are one row: cumulative counts overwrite."""
    chunks, expected = STREAMS[name]
    (row,) = read(tmp_path, {"timestamp": AT, "response": chunks})
    assert {column: row[column] for column in ("uncached_input_tokens", "output_tokens", "charge_period_start")} == {
        "uncached_input_tokens": 10,
        "output_tokens": 2,
        "charge_period_start": INSTANT,
    } | {column: value for column, value in expected.items() if column == "output_tokens"}
    assert row.get("cache_read_input_tokens", 0) == expected.get("cache_read_input_tokens", 0)


# -- identity ---------------------------------------------------------------------------------------------------------
def test_identity(tmp_path: Path) -> None:
    """One id is one response; ids that cannot be unique need time and model; without an id the content names it."""
    nameless = {"timestamp": AT, "response": CONVERSE}
    short = {**CHAT, "id": "chatcmpl-417"}
    records: list[dict[str, Any]] = [
        CHAT, {"timestamp": AT, "user": "ann", "response": CHAT},
        short, short, {**short, "created": SECONDS + 1}, {**short, "model": "other"},
        nameless, nameless, {"response": CONVERSE, "timestamp": AT}, {**nameless, "user": "ann"},
        {**nameless, "request_id": "r-00000000000000000"}, {**nameless, "requestId": "r-00000000000000000"},
    ]  # fmt: skip
    rows = read(tmp_path, *records)
    assert len(rows) == 1 + 3 + 2 + 1
    assert rows[0]["user"] == "ann"


def test_parts_and_money(tmp_path: Path) -> None:
    """An advisor's call is a row without the response's money; a router's charge is billed, an own key's is its fee."""
    advisor = {"type": "advisor_message", "model": "claude-opus-4-8", "input_tokens": 5, "output_tokens": 1}
    paid = {"cost": 0.1, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.1}}
    fee = {"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}
    rows = read(
        tmp_path,
        {"timestamp": AT, "response": {**MESSAGE, "usage": {**MESSAGE["usage"], "iterations": [advisor]}}},
        {**CHAT, "id": "gen-1-aaaaaaaaaaaaaaaaaaaaaa", "usage": {**CHAT["usage"], **paid}},
        {**CHAT, "id": "gen-2-aaaaaaaaaaaaaaaaaaaaaa", "usage": {**CHAT["usage"], **fee}},
        {**CHAT, "usage": {**CHAT["usage"], "cost_in_usd_ticks": 25_000_000}},
    )
    names = ("request_model", "provider", "billed_cost", "reported_cost", "cost_basis")
    assert [tuple(row.get(name) for name in names) for row in rows] == [
        ("claude-sonnet-5", None, None, None, None),
        ("claude-opus-4-8", None, None, None, None),
        ("gpt-5.2", "openrouter", "0.1", None, "billed"),
        ("gpt-5.2", "openrouter", "0.01", "0.2", "billed"),
        ("gpt-5.2", None, None, "0.0025000000", None),
    ]


def test_documents(tmp_path: Path) -> None:
    """A file may be one body, an array, a list page, the events of one stream, or a list of chunks a line."""
    other = {**CHAT, "id": "chatcmpl-0000000000000002"}
    files = {
        "one.json": (json.dumps(CHAT, indent=2), 1),
        "array.json": (json.dumps([CHAT, {"timestamp": AT, "response": MESSAGE}, other]), 3),
        "page.json": (json.dumps({"object": "list", "data": [CHAT, other]}, indent=2), 2),
        "lists.jsonl": (f"{json.dumps([CHAT])}\n{json.dumps([other])}\n", 2),
    }
    for name, (text, count) in files.items():
        path = tmp_path / name
        path.write_text(text)
        assert SOURCE.detect(Head(str(path))), name
        assert len(read_rows("api-response", path)) == count, name
    events = tmp_path / "events.json"
    events.write_text(json.dumps(EVENTS))
    assert reasons(decoded("api-response", events)) == [NO_TIME]


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9), st.booleans()), min_size=1, max_size=9), st.randoms())
def test_lines_in_any_order(calls: list[tuple[int, int, bool]], shuffler: random.Random) -> None:
    """Repeated, shuffled, enveloped or not, growing: a response is one row with its largest counts."""
    from tokenaudit.sources import _events
    from tokenaudit.sources.api_response import rows

    records: list[dict[str, Any]] = []
    for number, out, enveloped in calls:
        body = {
            **CHAT,
            "id": f"chatcmpl-000000000000{number}",
            "usage": {"prompt_tokens": number, "completion_tokens": out},
        }
        records.append({"timestamp": AT, "user": "ann", "response": body} if enveloped else body)
    expected: Counter[int] = Counter()
    for number, out, _ in calls:
        expected[number] = max(expected[number], out)

    def folded(items: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        fold = _events.Folded()
        for line, record in enumerate(items):
            for row in rows(record, None):
                fold.add(_events.checked(row), line)
        columns = fold.decoded(0, 0, "", []).columns
        return sorted(zip(columns["uncached_input_tokens"], columns["output_tokens"], strict=True))

    again = [*records, *records]
    shuffler.shuffle(again)
    assert folded(records) == folded(again) == sorted(expected.items())


# -- recognising ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "record",
    [
        {"custom_id": "1", "response": {"status_code": 200, "body": CHAT}},
        {"custom_id": "1", "result": {"type": "succeeded", "message": MESSAGE}},
        {"schemaType": "ModelInvocationLog", "output": {"outputBodyJson": CONVERSE}},
        {"id": "1", "call_type": "acompletion", "response": CHAT, "response_cost": 1},
        {"ai_org": "openai", "response": CHAT, "req_units": 1},
        {"organisation_id": "1", "response": {"body": CHAT}},
        {"type": "assistant", "sessionId": "s", "message": MESSAGE, "uuid": "u"},
        {"type": "assistant", "session_id": "s", "message": MESSAGE},
        {"type": "result", "usage": MESSAGE["usage"], "result": "text"},
        {"type": "turn.completed", "usage": {"input_tokens": 1, "cached_input_tokens": 0, "output_tokens": 1}},
        {"type": "event_msg", "payload": {"type": "token_count"}},
        {"resourceSpans": [{"response": CHAT}]},
        {"traceId": "1", "usageDetails": {}, "response": CHAT},
        {"object": "page", "data": [{"object": "bucket", "results": [{"input_tokens": 1}]}]},
        {"type": "message", "message": {"role": "assistant", "usage": {"input": 1}}},
        {"timestamp": AT, "response": {"error": {}}},
        {"prompt_tokens": 1, "model": "m"},
    ],
)
def test_files_of_others(tmp_path: Path, record: dict[str, Any]) -> None:
    """Records of other sources that hold a response too are not taken."""
    assert not SOURCE.detect(Head(str(write_lines(tmp_path / "other.jsonl", record))))


@pytest.mark.parametrize("body", [CHAT, MESSAGE, GEMINI, {**CONVERSE, "ResponseMetadata": {}}])
def test_long_documents(tmp_path: Path, body: dict[str, Any]) -> None:
    """A pretty-printed response is recognised although its usage stands far behind."""
    path = tmp_path / "long.json"
    long = {name: value for name, value in body.items() if name != "usage"}
    path.write_text(json.dumps({**long, "text": ["x" * 100] * 1000, "usage": body.get("usage")}, indent=2))
    assert SOURCE.detect(Head(str(path)))


# -- real bodies ------------------------------------------------------------------------------------------------------
def test_real_bodies(shared: Path, tmp_path: Path) -> None:
    """Bodies without a time are refused; in envelopes each counts, and the store has their sum."""
    folder = shared / "samples/agent-logs/raw_api_responses"
    bodies = [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
    assert len(bodies) == 1577
    bare = decoded("api-response", write_lines(tmp_path / "bare.jsonl", *bodies))
    assert Counter(reasons(bare)) == {NO_TIME: 1577}
    envelopes = [
        {
            "timestamp": AT,
            "request_id": f"request-{number:012}",
            "response": {k: v for k, v in body.items() if k != "file"},
        }
        for number, body in enumerate(bodies)
    ]
    ingest([str(write_lines(tmp_path / "log.jsonl", *envelopes))], tmp_path / "store")
    with Store.open(tmp_path / "store") as store:
        rows = store.rows().collect()
    classes = rows.select(pl.sum_horizontal(schema.TOKEN_CLASSES).sum()).item()
    parts = 2540 + 2567 + 2663 + 55278 + 55321
    assert rows.height == 1577 + 5
    assert classes == 206_782 + 452_323 + 1_365_928 + 408_856 + 224_070 + 4_240 + parts
    assert (
        rows.filter(pl.col("provider").cast(pl.String) == "openrouter").select(pl.col("billed_cost").sum()).item() > 0
    )


# -- text without counts ----------------------------------------------------------------------------------------------
ASKED = {
    "messages": [
        {"role": "user", "content": "hello world"},
        {"role": "user", "content": [{"type": "text", "text": "hello"}]},
    ]
}
ANSWER = {**CHAT, "model": "gpt-5", "choices": [{"message": {"content": "hello world"}}], "usage": None}


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        (ANSWER, 2),
        ([{**ANSWER, "choices": [{"delta": {"content": piece}}]} for piece in ("hel", "lo wor", "ld")], 2),
        ({**ANSWER, "choices": [{"message": {"tool_calls": [{"function": {"arguments": "hello"}}]}}]}, 1),
        ({"object": "response", "id": "resp_0000000000000001", "model": "gpt-5",
          "output": [{"type": "message", "content": [{"type": "output_text", "text": "hello world"}]}]}, 2),
    ],
)  # fmt: skip
def test_text_without_counts_is_counted(tmp_path: Path, answer: Any, output: int) -> None:
    """Whole, streamed, a tool's call: what was asked is input, what was answered is output, and the row says so."""
    (row,) = read(tmp_path, {"timestamp": AT, "request": ASKED, "response": answer})
    counts = {name: row[name] for name in ("uncached_input_tokens", "output_tokens", "tokens_basis")}
    assert counts == {"uncached_input_tokens": 3, "output_tokens": output, "tokens_basis": "estimated"}


def test_text_by_characters(tmp_path: Path) -> None:
    """35 characters of Claude are 10 tokens; a picture counts none."""
    answer = {
        **MESSAGE,
        "model": "claude-sonnet-4-5",
        "usage": None,
        "content": [{"type": "text", "text": "x" * 34 + "."}],
    }
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    (row,) = read(tmp_path, {"timestamp": AT, "request": {"messages": [{"content": [picture]}]}, "response": answer})
    assert (row.get("uncached_input_tokens", 0), row["output_tokens"]) == (0, 11)


@pytest.mark.parametrize("turned", [False, True])
def test_reported_counts_stand(tmp_path: Path, turned: bool) -> None:  # noqa: FBT001
    """Of a response with counts and the same without, the counts hold, even where the estimate is larger."""
    told = {**ANSWER, "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
    records = [{"timestamp": AT, "request": ASKED, "response": one} for one in (ANSWER, told)]
    (row,) = read(tmp_path, *(reversed(records) if turned else records))
    assert (row["uncached_input_tokens"], row["output_tokens"], row["tokens_basis"]) == (1, 1, "reported")
