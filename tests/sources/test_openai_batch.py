"""OpenAI batch output: bodies of every shape, failures that cost nothing, and each response once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit import schema
from tokenaudit.ingest.run import ingest
from tokenaudit.sources import detect
from tokenaudit.sources.head import Head
from tokenaudit.sources.openai_batch import SOURCE
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from tests.sources.conftest import ReadText

CREATED = 1_790_812_800
"""2026-10-01."""
TIMED = f"{CREATED + 60:08x}" + "0123456789abcdef01234567"
"""An id of hexadecimal digits whose first eight are a minute later."""
CHAT = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": CREATED, "model": "gpt-5", "service_tier": "default",
    "choices": [{"message": {"content": "SECRET"}}], "usage": {"prompt_tokens": 100, "completion_tokens": 40},
}  # fmt: skip


def line(body: dict[str, Any] | None = None, **more: Any) -> str:
    """Return a line of an output file."""
    response = {"status_code": 200, "request_id": "r", "body": CHAT if body is None else body}
    return json.dumps({"id": "batch_req_1", "custom_id": "SECRET", "response": response, "error": None, **more}) + "\n"


def classes(row: dict[str, Any]) -> dict[str, int]:
    """Return the counts of tokens that are not 0."""
    return {name: row[name] for name in (*schema.TOKEN_CLASSES, "reasoning_output_tokens") if row[name]}


USAGES: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "chat": (
        {
            "prompt_tokens": 1000, "completion_tokens": 300, "total_tokens": 1300,
            "prompt_tokens_details": {"cached_tokens": 400, "cache_write_tokens": 100, "audio_tokens": 50},
            "completion_tokens_details": {"reasoning_tokens": 200, "audio_tokens": 30},
        },
        {
            "uncached_input_tokens": 450, "cache_read_input_tokens": 400, "cache_creation_5m_input_tokens": 100,
            "audio_input_tokens": 50, "output_tokens": 270, "audio_output_tokens": 30, "reasoning_output_tokens": 200,
        },
    ),
    "responses": (
        {
            "input_tokens": 1000, "output_tokens": 300, "total_tokens": 1300,
            "input_tokens_details": {
                "cached_tokens": 400, "cache_write_tokens": 90,
                "cache_write_tokens_details": {"ttl_30m_tokens": 60, "ttl_12h_tokens": 30},
            },
            "output_tokens_details": {"reasoning_tokens": 200},
        },
        {
            "uncached_input_tokens": 510, "cache_read_input_tokens": 400, "cache_creation_30m_input_tokens": 60,
            "cache_creation_12h_input_tokens": 30, "output_tokens": 300, "reasoning_output_tokens": 200,
        },
    ),
    "embeddings": ({"prompt_tokens": 8, "total_tokens": 8}, {"uncached_input_tokens": 8}),
}  # fmt: skip


@pytest.mark.parametrize("shape", USAGES)
def test_usage_of_a_body(read_text: ReadText, shape: str) -> None:
    """Input includes cache, audio and images; output includes reasoning and audio."""
    usage, expected = USAGES[shape]
    row = read_text(SOURCE, line({**CHAT, "usage": usage})).row()

    assert classes(row) == expected
    assert sum(row[name] for name in schema.TOKEN_CLASSES) == usage["total_tokens"]


def test_a_row_is_one_request_of_a_batch(read_text: ReadText) -> None:
    """The price is that of a batch, nobody's text comes along, and no money is claimed."""
    body = {**CHAT, "user": "ann@example.com", "conversation": {"id": "conv_1"}}
    row = read_text(SOURCE, line(body)).row()

    assert (row["requests"], row["batch"], row["service_tier"], row["granularity"]) == (1, True, "standard", "request")
    assert (row["user"], row["session"], row["provider"]) == ("ann@example.com", "conv_1", "openai")
    assert (row["billed_cost"], row["list_cost"], row["cost_basis"]) == (None, None, None)
    assert "SECRET" not in str(row)


TIMES: dict[str, tuple[dict[str, Any], str, datetime | None]] = {
    "chat": ({"created": CREATED}, "x", datetime(2026, 10, 1, tzinfo=UTC)),
    "responses": ({"created_at": f"{CREATED}.0"}, "x", datetime(2026, 10, 1, tzinfo=UTC)),
    "id of the response": ({"id": f"resp_{TIMED}"}, "x", datetime(2026, 10, 1, 0, 1, tzinfo=UTC)),
    "id of the line": ({"id": None}, f"batch_req_{TIMED}", datetime(2026, 10, 1, 0, 1, tzinfo=UTC)),
    "random id": ({"id": "chatcmpl-ABC"}, "batch_req_wnaDysXkQ2", None),
    "short id": ({"id": None}, f"batch_req_{TIMED[:12]}", None),
}


@pytest.mark.parametrize("case", TIMES)
def test_time(read_text: ReadText, case: str) -> None:
    """The response's own second, else the one its id or its line's id begins with; without any it is rejected."""
    told, name, expected = TIMES[case]
    body = {key: value for key, value in CHAT.items() if key != "created"} | told
    read = read_text(SOURCE, line(body, id=name))

    assert [row["charge_period_start"] for row in read.rows.to_dicts()] == ([expected] if expected else [])
    assert [reject.reason for reject in read.rejects] == ([] if expected else ["the row names no time"])


FAILURES: dict[str, dict[str, Any]] = {
    "refused": {"response": {"status_code": 400, "request_id": "r", "body": {"error": {"message": "no"}}}},
    "expired": {"response": None, "error": {"code": "batch_expired", "message": "too late"}},
    "both": {"error": {"code": "server_error", "message": "no"}},
}


@pytest.mark.parametrize("case", FAILURES)
def test_failures_are_nothing(read_text: ReadText, tmp_path: Path, case: str) -> None:
    """A line that failed is no request and no reject; a file of nothing else is still recognised."""
    text = line(**FAILURES[case])
    (tmp_path / "errors.jsonl").write_text(text)

    assert detect(Head(str(tmp_path / "errors.jsonl"))) is SOURCE
    read = read_text(SOURCE, text + line())
    assert (read.rows.height, read.rejects) == (1, [])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({**CHAT, "usage": None}, "the response holds no usage"),
        ({**CHAT, "usage": {"prompt_tokens": "many", "completion_tokens": 1}}, '"uncached_input_tokens" is negative'),
        (
            {**CHAT, "usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2}}},
            '"uncached_input_tokens" is negative',
        ),
    ],
)
def test_what_cannot_be_counted(read_text: ReadText, body: dict[str, Any], reason: str) -> None:
    """A response without a sound usage is named, with its line, and not taken for free."""
    read = read_text(SOURCE, line() + line({**body, "id": "chatcmpl-2"}))

    assert [(reject.line, reject.reason.split(":")[0]) for reject in read.rejects] == [(2, reason)]
    assert read.rows.height == 1


@pytest.mark.parametrize(
    "record",
    [
        {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": CHAT},
        {"custom_id": "1", "result": {"type": "succeeded", "message": {"id": "msg_1", "usage": {"input_tokens": 1}}}},
        {"request": {}, "response": {"status_code": 200, "body": CHAT}},
    ],
)
def test_what_is_not_ours(tmp_path: Path, record: dict[str, Any]) -> None:
    """The input file of a batch, another vendor's output and other logs of responses are not."""
    (tmp_path / "other.jsonl").write_text(json.dumps(record) + "\n")
    found = detect(Head(str(tmp_path / "other.jsonl")))
    assert found is None or found.name != SOURCE.name


@settings(max_examples=10)
@given(files=st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=6), min_size=1, max_size=3), data=st.data())
def test_each_response_once(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[int]], data: st.DataObject
) -> None:
    """However files repeat, order, cut or mix responses, each counts once."""
    folder = tmp_path_factory.mktemp("batch")
    for number in data.draw(st.permutations(range(len(files)))):
        lines = [line({**CHAT, "id": f"chatcmpl-{n}", "usage": {"prompt_tokens": 10**n}}) for n in files[number]]
        (folder / f"{number}.jsonl").write_text("".join(lines))
        ingest([str(folder / f"{number}.jsonl")], folder / "store")
    with Store.open(folder / "store") as store:
        rows = store.usage().collect()
    seen = {n for file in files for n in file}
    assert rows["uncached_input_tokens"].sum() == sum(10**n for n in seen)
    assert rows["requests"].sum() == len(seen)
