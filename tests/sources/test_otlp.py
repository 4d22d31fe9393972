"""OpenTelemetry traces and logs: one row a model call, whatever signals and spans repeat it."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.logs import Row, decoded, read_rows, reasons, rows_of, write_lines
from tests.sources.otlp_lines import START, attributes, counter, log, logs, metrics, point, span, spans
from tokenaudit.sources import _events
from tokenaudit.sources.head import Head
from tokenaudit.sources.otlp import SOURCE, rows

if TYPE_CHECKING:
    from pathlib import Path

Object = dict[str, Any]
CHAT: Object = {
    "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.2",
    "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 9,
}  # fmt: skip
CLAUDE: Object = {
    "event.name": "api_request", "session.id": "s1", "event.sequence": 3, "model": "claude-sonnet-5",
    "input_tokens": 10, "output_tokens": 2, "cache_read_tokens": 300, "cache_creation_tokens": 40, "cost_usd": 0.25,
}  # fmt: skip
CODEX: Object = {
    "event.name": "codex.sse_event", "event.kind": "response.completed", "conversation.id": "c1",
    "model": "gpt-5.6-sol", "input_token_count": 100, "cached_token_count": 40, "cache_write_token_count": 20,
    "output_token_count": 10,
    "reasoning_token_count": 5, "tool_token_count": 110,
}  # fmt: skip
GEMINI: Object = {
    "event.name": "gemini_cli.api_response", "session.id": "g1", "model": "gemini-3-pro",
    "input_token_count": 100, "cached_content_token_count": 40, "output_token_count": 10, "thoughts_token_count": 5,
    "tool_token_count": 3, "total_token_count": 118,
}  # fmt: skip
INFERENCE = "gen_ai.client.inference.operation.details"
CLASSES = ("uncached", "read", "5m", "30m", "output", "reasoning")


def read(path: Path, *records: object) -> list[Row]:
    """Return the rows of lines, none of which is refused."""
    made = decoded("otlp", write_lines(path / "otlp.jsonl", *records))
    assert reasons(made) == []
    return rows_of(made)


def classes(row: Row) -> tuple[int, ...]:
    """Return the counts of a row, in the order of CLASSES."""
    names = ("uncached_input", "cache_read_input", "cache_creation_5m_input", "cache_creation_30m_input", "output")
    return tuple(row.get(f"{name}_tokens", 0) for name in (*names, "reasoning_output"))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (CHAT, (100, 0, 0, 0, 9, 0)),
        # the cache inside the input, in new and older names
        (
            {
                **CHAT, "gen_ai.usage.cache_read.input_tokens": 60, "gen_ai.usage.cache_creation.input_tokens": 30,
                "gen_ai.usage.reasoning.output_tokens": 4,
            },
            (10, 60, 30, 0, 9, 4),
        ),
        (
            {"llm.request.type": "chat", "gen_ai.usage.prompt_tokens": 100, "gen_ai.usage.completion_tokens": 9},
            (100, 0, 0, 0, 9, 0),
        ),
        (
            {
                "openinference.span.kind": "LLM", "llm.token_count.prompt": 100, "llm.token_count.completion": 9,
                "llm.token_count.prompt_details.cache_read": 60, "llm.token_count.total": 109,
            },
            (40, 60, 0, 0, 9, 0),
        ),
        # the cache beside the input: more than it, or by the total
        ({**CHAT, "gen_ai.usage.cache_read_input_tokens": 500}, (100, 500, 0, 0, 9, 0)),
        (
            {**CHAT, "gen_ai.usage.cache_read.input_tokens": 60, "gen_ai.usage.total_tokens": 169},
            (100, 60, 0, 0, 9, 0),
        ),
        ({**CHAT, "gen_ai.usage.cache_read.input_tokens": 60, "gen_ai.usage.total_tokens": 109}, (40, 60, 0, 0, 9, 0)),
        # hidden thinking
        ({**CHAT, "gen_ai.usage.total_tokens": 150}, (100, 0, 0, 0, 50, 41)),
        ({**CHAT, "gen_ai.usage.input_tokens": "100", "gen_ai.usage.output_tokens": 9.0}, (100, 0, 0, 0, 9, 0)),
    ],
)  # fmt: skip
def test_classes_of_spans(tmp_path: Path, told: Object, expected: tuple[int, ...]) -> None:
    """Old and new names; the cache is part of the input unless the counts say that it is not."""
    (row,) = read(tmp_path, spans(span(told)))
    assert classes(row) == expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (logs(log(CLAUDE), service="claude-code"), (10, 300, 40, 0, 2, 0)),
        (
            logs(log({**CLAUDE, "input_tokens": "10", "event.name": ""}, "claude_code.api_request")),
            (10, 300, 40, 0, 2, 0),
        ),
        (logs(log(CODEX), service="codex_cli_rs"), (40, 40, 0, 20, 10, 5)),
        (logs(log(GEMINI), service="gemini-cli"), (63, 40, 0, 0, 15, 5)),
        (logs(log({**GEMINI, "event.name": "qwen-code.api_response"})), (63, 40, 0, 0, 15, 5)),
        (logs(log(CHAT, eventName=INFERENCE)), (100, 0, 0, 0, 9, 0)),
    ],
)
def test_classes_of_events(tmp_path: Path, record: Object, expected: tuple[int, ...]) -> None:
    """Each tool's events count as its vendor does."""
    (row,) = read(tmp_path, record)
    assert classes(row) == expected


@pytest.mark.parametrize(
    "record",
    [
        spans(span({**CHAT, "gen_ai.operation.name": "invoke_agent"})),
        spans(span({**CHAT, "gen_ai.operation.name": "execute_tool"})),
        spans(span({**CHAT, "openinference.span.kind": "CHAIN", "gen_ai.operation.name": ""})),
        spans(span({"gen_ai.usage.input_tokens": 5}, kind=1)),
        spans(span({"gen_ai.operation.name": "chat", "error.type": "timeout"})),
        *(spans(span(CHAT), service=name) for name in ("claude-code", "codex_exec", "gemini-cli", "qwen-code")),
        *(
            logs(log(CHAT, eventName=INFERENCE), service=name)
            for name in ("github-copilot", "copilot-chat", "codex-tui")
        ),
        logs(log({**CHAT, "event.name": "copilot_chat.agent.turn"})),
        logs(log({**CLAUDE, "event.name": "api_error"}), service="claude-code"),
        logs(log({**CLAUDE, "event.name": "api_request"}), service="other"),
        logs(log({**CODEX, "event.kind": "response.created"})),
        metrics(counter("claude_code.token.usage", point({"type": "input"}, 5))),
        {"type": "metric", "name": "gen_ai.client.token.usage", "resource": {}},
    ],
)
def test_what_does_not_count(tmp_path: Path, record: Object) -> None:
    """Outer spans, failed calls, and the signals of a program whose other signal counts."""
    assert read(tmp_path, record) == []


def test_identity(tmp_path: Path) -> None:
    """A response id goes before the span; short ids are none; a batch sent twice folds; cost is no part of a name."""
    long, short = {**CHAT, "gen_ai.response.id": "resp-0000000000000001"}, {**CHAT, "gen_ai.response.id": "resp-1"}
    lines = [
        spans(span(long, 1), span(long, 2)), logs(log(long, eventName=INFERENCE)),
        spans(span(short, 3), span(short, 4)), spans(span(short, 3)),
        logs(log(CHAT, eventName=INFERENCE, traceId=f"{5:032x}", spanId=f"{5:016x}")), spans(span(CHAT, 5)),
        logs(log(CLAUDE), service="claude-code"), logs(log({**CLAUDE, "cost_usd": 0.3}), service="claude-code"),
        logs(log({**CLAUDE, "event.sequence": 4}), log(CLAUDE, second=1), service="claude-code"),
        logs(*(log({**CLAUDE, "request_id": "req_1"}, second=second) for second in (0, 1)), service="claude-code"),
    ]  # fmt: skip
    found = read(tmp_path, *lines)
    assert len(found) == 1 + 2 + 1 + 3 + 1
    assert [row["reported_cost"] for row in found if "reported_cost" in row] == ["0.3", "0.25", "0.25", "0.25"]


def test_who(tmp_path: Path) -> None:
    """User, session, organisation, project; labels that a company made up are tags, those of conventions are not."""
    resource = {
        "team": "core",
        "team.id": "t-1",
        "repo": "shop",
        "host.name": "h",
        "os.type": "linux",
        "user.email": "a@x",
    }
    told = {**CLAUDE, "organization.id": "o1", "query_source": "main", "speed": "fast", "prompt": "secret"}
    (row,) = read(tmp_path, logs(log(told), service="claude-code", **resource))
    assert json.loads(row.pop("tags")) == {
        "team": "core", "team.id": "t-1", "service": "claude-code", "query_source": "main",
    }  # fmt: skip
    names = ("user", "session", "account", "project", "request_model", "provider", "speed", "reported_cost")
    assert tuple(row[name] for name in names) == (
        "a@x", "s1", "o1", "shop", "claude-sonnet-5", "anthropic", "fast", "0.25",
    )  # fmt: skip
    assert row["charge_period_start"] == "2026-10-06T09:00:00.000Z"
    assert "secret" not in json.dumps(row)


@pytest.mark.parametrize(
    ("named", "expected"), [("aws.bedrock", "aws"), ("gcp.vertex_ai", "google"), ("OpenAI", "openai"), ("", None)]
)
def test_provider(tmp_path: Path, named: str, expected: str | None) -> None:
    """The convention's names of providers, and the older attribute."""
    assert read(tmp_path, spans(span({**CHAT, "gen_ai.system": named})))[0].get("provider") == expected


def test_file_exporter(tmp_path: Path) -> None:
    """The JavaScript SDK writes plain attributes and pairs of seconds and nanoseconds; the inner span counts."""
    line = {"type": "span", "traceId": "t", "spanId": "a", "name": "chat", "kind": 2, "startTime": [START, 250_000_000]}
    agent = {**line, "spanId": "b", "attributes": {**CHAT, "gen_ai.operation.name": "invoke_agent"}}
    chat = {**line, "attributes": CHAT, "resource": {"attributes": {"service.name": "github-copilot"}}}
    (row,) = read(tmp_path, chat, agent)
    assert (row["charge_period_start"], classes(row)) == ("2026-10-06T09:00:00.250Z", (100, 0, 0, 0, 9, 0))
    assert SOURCE.detect(Head(str(tmp_path / "otlp.jsonl")))


def test_documents_and_bad_calls(tmp_path: Path) -> None:
    """A pretty-printed request is read; one bad call costs no other; a call without a time is a reject."""
    timeless = {"traceId": "1", "spanId": "1", "kind": 3, "attributes": attributes(CHAT)}
    bad = span({**CHAT, "gen_ai.usage.output_tokens": "many"}, 2)
    path = tmp_path / "request.json"
    path.write_text(json.dumps(spans(timeless, bad, span(CHAT, 3)), indent=1))
    made = decoded("otlp", path)
    assert len(made.columns["identity"]) == 1
    assert [reason.split(":")[0] for reason in reasons(made)] == ["a model call without a time", "impossible count"]
    assert SOURCE.detect(Head(str(path)))


LINES = st.sampled_from(
    [
        spans(span(CHAT, 1)),
        spans(span({**CHAT, "gen_ai.response.id": "resp-0000000000000001"}, 2)),
        logs(log({**CHAT, "gen_ai.response.id": "resp-0000000000000001"}, eventName=INFERENCE)),
        spans(span({**CHAT, "gen_ai.operation.name": "invoke_agent"}, 9)),
        logs(log(CLAUDE), service="claude-code"),
        logs(log(CODEX), service="codex_cli_rs"),
        metrics(counter("claude_code.token.usage", point({"type": "input"}, 5))),
    ]
)


@given(st.lists(LINES, min_size=1, max_size=12), st.randoms(), st.integers(1, 3))
def test_order_repetition_and_pieces(lines: list[Object], shuffler: random.Random, pieces: int) -> None:
    """The same calls come of lines in any order, repeated, and cut into files that are folded."""

    def totals(parts: list[list[Object]]) -> list[tuple[Any, ...]]:
        folded = _events.Folded()
        for part in parts:
            for row in rows(part, None):
                folded.add(_events.checked(row), 1)
        return sorted((name, *classes(row)) for name, row in folded.rows.items())

    again = [*lines, *lines]
    shuffler.shuffle(again)
    assert totals([again[start::pieces] for start in range(pieces)]) == totals([lines])


def test_real_copilot_traces(shared: Path) -> None:
    """Visual Studio's traces hold agent turns and tools without a token: known, and nothing to count."""
    found = sorted((shared / "samples/agent-logs/copilot_visualstudio_otel").glob("*.jsonl"))
    text = "".join(path.read_text() for path in found)
    assert (len(found), text.count('"spanId"'), text.lower().count("token")) == (4, 16, 0)
    for path in found:
        assert SOURCE.detect(Head(str(path)))
        assert read_rows("otlp", path) == []
