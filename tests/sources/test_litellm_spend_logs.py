"""LiteLLM's calls: two shapes with one id, parts of the prompt in the metadata, hits of its cache, summaries."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.ingested import rows_of, totals_of
from tokenaudit import schema
from tokenaudit.sources.head import Head
from tokenaudit.sources.litellm_spend_logs import SOURCE, records
from tokenaudit.sources.table import detect_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sources.conftest import ReadFile, ReadText

START = datetime(2026, 10, 1, 9, 30, 0, 123_000, tzinfo=UTC)
METADATA = {
    "user_api_key_alias": "backend", "user_api_key_team_alias": "Platform", "user_api_key_team_id": "team-1",
    "user_api_key_user_email": "alice@example.com", "user_api_key_user_id": "u-1", "user_api_key_org_id": "org-1",
    "user_api_key_project_alias": "Checkout", "user_api_key_project_id": "p-1",
}  # fmt: skip
COMMON = {
    "call_type": "acompletion", "model": "anthropic/claude-sonnet-4-5", "model_group": "sonnet", "status": "success",
    "custom_llm_provider": "anthropic", "prompt_tokens": 5000, "completion_tokens": 300, "end_user": "customer-7",
    "request_tags": ["support", "env:prod"],
}  # fmt: skip
ROW = COMMON | {
    "request_id": "chatcmpl-1", "spend": 0.0105, "startTime": "2026-10-01 09:30:00.123", "user": "u-1",
    "api_key": "hash-1", "team_id": "team-1", "organization_id": "org-1", "session_id": "s-1", "cache_hit": "False",
}  # fmt: skip
PAYLOAD = COMMON | {
    "id": "chatcmpl-1", "response_cost": 0.0105, "startTime": START.timestamp() + 0.000456, "trace_id": "s-1",
    "cache_hit": None, "messages": [{"role": "user", "content": "a secret"}],
}  # fmt: skip
ANTHROPIC = {
    "prompt_tokens": 5000, "completion_tokens": 300, "cache_creation_input_tokens": 1000,
    "cache_read_input_tokens": 3500, "prompt_tokens_details": {
        "cached_tokens": 3500, "cache_creation_tokens": 1000,
        "cache_creation_token_details": {"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 400},
    },
}  # fmt: skip
CLASSES = {
    "uncached_input_tokens": 500, "cache_read_input_tokens": 3500, "cache_creation_5m_input_tokens": 600,
    "cache_creation_1h_input_tokens": 400, "output_tokens": 300, "requests": 1,
}  # fmt: skip


def row(usage: object = None, where: str = "usage_object", **changes: object) -> dict[str, Any]:
    """Return a row of the spend logs."""
    return ROW | {"metadata": METADATA | {where: usage}} | changes


def payload(usage: object = None, **changes: object) -> dict[str, Any]:
    """Return a payload of a log sink."""
    return PAYLOAD | {"metadata": METADATA | {"user_api_key_hash": "hash-1", "usage_object": usage}} | changes


def as_csv(*rows: dict[str, Any]) -> str:
    """Return a dump of the table."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for cells in rows:
        writer.writerow({k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in cells.items()})
    return text.getvalue()


def as_page(*rows: dict[str, Any]) -> str:
    """Return a page of the API."""
    return json.dumps({"data": rows, "total": len(rows), "page": 1})


def as_lines(*rows: dict[str, Any]) -> str:
    """Return JSON lines, the metadata as text as the database holds it."""
    return "".join(json.dumps(cells | {"metadata": json.dumps(cells["metadata"])}) + "\n" for cells in rows)


SHAPES: tuple[Callable[..., str], ...] = (as_csv, as_page, as_lines)


@pytest.mark.parametrize("where", ["usage_object", "additional_usage_values"])
@pytest.mark.parametrize("shape", SHAPES)
def test_spend_logs(read_text: ReadText, shape: Callable[..., str], where: str) -> None:
    """The parts of the prompt stand in the metadata, in new and in old versions, as JSON or as its text."""
    found = read_text(SOURCE, shape(row(ANTHROPIC, where))).row()

    assert {name: found[name] for name in schema.COUNTS if found[name]} == CLASSES
    assert (found["reported_cost"], found["billed_cost"], found["provider"]) == (Decimal("0.0105"), None, "anthropic")
    assert (found["user"], found["api_key"], found["workspace"]) == ("alice@example.com", "backend", "Platform")
    assert (found["account"], found["project"], found["session"]) == (None, "Checkout", "s-1")
    assert json.loads(found["tags"]) == {
        "end_user": "customer-7", "request_tags": "support,env:prod", "model_group": "sonnet",
        "call_type": "acompletion", "organization": "org-1",
    }  # fmt: skip
    assert found["charge_period_start"] == START


def test_payload(read_text: ReadText) -> None:
    """A payload tells the same, with seconds since 1970."""
    found = read_text(SOURCE, json.dumps(payload(ANTHROPIC), indent=2)).row()

    assert {name: found[name] for name in schema.COUNTS if found[name]} == CLASSES
    assert (found["reported_cost"], found["session"], found["api_key"]) == (Decimal("0.0105"), "s-1", "backend")
    assert found["charge_period_start"].replace(microsecond=0) == START.replace(microsecond=0)


USAGES = {
    "openai": (
        {"prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 100, "image_tokens": 50},
         "completion_tokens_details": {"reasoning_tokens": 200, "audio_tokens": 40}},
        {"uncached_input_tokens": 3826, "cache_read_input_tokens": 1024, "audio_input_tokens": 100,
         "image_input_tokens": 50, "output_tokens": 260, "audio_output_tokens": 40, "reasoning_output_tokens": 200},
    ),
    "one name says 0": (
        {"prompt_tokens_details": {"cached_tokens": 0}, "cache_read_input_tokens": 4000},
        {"uncached_input_tokens": 1000, "cache_read_input_tokens": 4000, "output_tokens": 300},
    ),
    "left out of the prompt": (
        {"cache_read_input_tokens": 90_000, "cache_creation_input_tokens": 10},
        {"uncached_input_tokens": 5000, "cache_read_input_tokens": 90_000, "cache_creation_5m_input_tokens": 10,
         "output_tokens": 300},
    ),
    "searches": (
        {"server_tool_use": {"web_search_requests": 2}},
        {"uncached_input_tokens": 5000, "output_tokens": 300, "web_search_requests": 2},
    ),
    "nothing": ({}, {"uncached_input_tokens": 5000, "output_tokens": 300}),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("case", USAGES)
def test_classes(read_text: ReadText, case: str, shape: Callable[..., str]) -> None:
    """Whatever the provider, the classes are disjoint; what exceeds the prompt was not in it."""
    used, expected = USAGES[case]
    found = read_text(SOURCE, shape(row(used))).row()

    assert {name: found[name] for name in schema.COUNTS if found[name]} == expected | {"requests": 1}


def test_broken_metadata(read_text: ReadText) -> None:
    """A cell that a spreadsheet cut off tells nothing, and the row counts all the same."""
    found = read_text(SOURCE, as_csv(row() | {"metadata": '{"usage_object": {"prompt_tok'})).row()

    assert (found["uncached_input_tokens"], found["user"], found["api_key"]) == (5000, "u-1", "hash-1")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("hit", [{"cache_hit": "True"}, {"request_id": "chatcmpl-1_cache_hit1790848900.53"}])
def test_hits_of_the_cache(read_text: ReadText, shape: Callable[..., str], hit: dict[str, str]) -> None:
    """What no provider answered has no tokens and no cost, whatever the row repeats; it is a request."""
    found = read_text(SOURCE, shape(row(ANTHROPIC) | hit)).row()

    assert {name: found[name] for name in schema.COUNTS if found[name]} == {"requests": 1}
    assert found["reported_cost"] == 0
    assert json.loads(found["tags"])["cache_hit"] == "true"


@pytest.mark.parametrize(
    ("changes", "requests", "batch", "provider"),
    [
        ({"call_type": "call_mcp_tool", "model": "MCP: search", "custom_llm_provider": ""}, 0, False, None),
        ({"call_type": "aretrieve_batch"}, 1, True, "anthropic"),
        ({"custom_llm_provider": "vertex_ai"}, 1, False, "google"),
        ({"custom_llm_provider": "bedrock"}, 1, False, "aws"),
        ({"custom_llm_provider": "litellm_proxy", "model": "gpt-5"}, 1, False, "openai"),
        ({"custom_llm_provider": "openai", "model": "", "model_group": "fast"}, 1, False, "openai"),
    ],
)
def test_what_was_called(
    read_text: ReadText,
    changes: dict[str, str],
    requests: int,
    batch: bool,  # noqa: FBT001
    provider: str | None,
) -> None:
    """A tool call is no model request; sellers go by their own names."""
    found = read_text(SOURCE, as_csv(row(**changes))).row()

    assert (found["requests"], found["batch"], found["provider"]) == (requests, batch, provider)


def test_failures(read_text: ReadText) -> None:
    """A failed call is a request, with what it used, and says so."""
    failed = row({}, status="failure", prompt_tokens=0, completion_tokens=0, spend=0)
    found = read_text(SOURCE, as_page(failed)).row()

    assert {name: found[name] for name in schema.COUNTS if found[name]} == {"requests": 1}
    assert json.loads(found["tags"])["status"] == "failure"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (json.dumps([{"startTime": "2026-10-01", "spend": 3.5, "users": {"u-1": 3.5}, "models": {"gpt-5": 3.5}}]),
         "a daily summary, whose rows count by themselves: export them with summarize=false"),
        (as_page(row(request_id=None)), "no id of the call"),
        (as_csv(row(startTime="")), "no startTime"),
        (as_page(row(startTime="soon")), '"starttime" is not a date or time: "soon"'),
    ],
)  # fmt: skip
def test_rejects(read_text: ReadText, text: str, reason: str) -> None:
    """Sums of rows, and rows without id or time, are said."""
    read = read_text(SOURCE, text)

    assert (read.rows.height, [item.reason for item in read.rejects]) == (0, [reason])


def test_nothing_else_leaves_the_file(read_text: ReadText) -> None:
    """Prompts, answers and addresses are not read."""
    noisy = payload(ANTHROPIC, response={"content": "a secret"}, requester_ip_address="203.0.113.9")

    assert "a secret" not in str(read_text(SOURCE, json.dumps(noisy)).rows.rows())
    assert "203.0.113.9" not in str(read_text(SOURCE, as_csv(row(requester_ip_address="203.0.113.9"))).rows.rows())


def test_spend_log_and_payload_are_one_call() -> None:
    """The same calls from the database and from the bucket count once; so do hits, whose ids two clocks differ in."""
    logs = as_csv(row(ANTHROPIC), row(ANTHROPIC, request_id="chatcmpl-1_cache_hit1790848900.5312", cache_hit="True"))
    sink = as_lines(payload(ANTHROPIC), payload(ANTHROPIC, id="chatcmpl-1_cache_hit1790848900.5298", cache_hit=True))

    for texts in ([logs, sink], [sink, logs], [logs, sink, logs]):
        rows = rows_of(texts)
        assert rows.height == 2
        assert (rows["uncached_input_tokens"].sum(), rows["requests"].sum()) == (500, 2)
        assert rows["reported_cost"].sum() == Decimal("0.0105")


def test_two_hits_of_one_answer() -> None:
    """Two hits at two times are two requests."""
    hits = [row(request_id=f"chatcmpl-1_cache_hit{n}", startTime=f"2026-10-01 09:30:0{n}") for n in (1, 2)]

    assert totals_of([as_csv(*hits)])["requests"] == 2


@settings(max_examples=12)
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0, 1, 2])), min_size=1, max_size=10))
def test_each_call_counts_once(sightings: list[tuple[int, int]]) -> None:
    """Calls in any number of files, shapes and repetitions count once."""
    shapes = (
        lambda ids: as_csv(*(row(ANTHROPIC, request_id=f"c-{n}") for n in ids)),
        lambda ids: as_page(*(row(ANTHROPIC, request_id=f"c-{n}") for n in ids)),
        lambda ids: as_lines(*(payload(ANTHROPIC, id=f"c-{n}") for n in ids)),
    )
    texts = [shapes[kind]([n for n, at in sightings if at == kind]) for kind in {at for _, at in sightings}]
    calls = len({n for n, _ in sightings})

    found = totals_of(texts)
    assert (found["requests"], found["cache_read_input_tokens"]) == (calls, 3500 * calls)
    assert found["reported_cost"] == Decimal("0.0105") * calls


@pytest.mark.parametrize(
    "document",
    [None, [row()], {"data": [1, {"id": "x"}]}, {"request_id": "a", "spend": 1}, {"call_type": "x", "startTime": 1}],
)
def test_foreign_documents(document: object) -> None:
    """What is no call yields nothing."""
    assert list(records(document)) == []


def test_lines_of_a_callback(shared: Path, read_file: ReadFile) -> None:
    """A public file with LiteLLM's names: tokens and cost as plain reading gives them, failures included."""
    path = shared / "samples" / "exports" / "litellm" / "synthetic_proxy_log.jsonl"
    calls = [json.loads(line, parse_float=Decimal) for line in path.read_text().splitlines()]
    read = read_file(SOURCE, path)

    assert detect_table(Head(str(path)), SOURCE)
    assert read.rejects == []
    prompt, completion = (sum(call["usage"][name] for call in calls) for name in ("prompt_tokens", "completion_tokens"))
    assert (read.rows["uncached_input_tokens"].sum(), read.rows["output_tokens"].sum()) == (prompt, completion)
    assert (prompt, completion) == (47_007, 1_719)
    assert read.rows["reported_cost"].sum() == sum(call["response_cost"] for call in calls) == Decimal("0.13086")
    assert (read.rows["requests"].sum(), read.rows["response_id"].n_unique()) == (14, 14)
