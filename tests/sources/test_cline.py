"""Cline, Roo Code and Kilo Code: what input means for each, each request once, sums of others never."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.logged import (
    Json,
    classes,
    fitting,
    pieces,
    reasons,
    row_of,
    rows_of,
    together,
    totals,
    write_document,
)
from tokenaudit.sources.cline import SOURCE

START = 1791363600000
TASK = {"ts": START, "type": "say", "say": "task", "text": "Paint"}
NAMES = ("tokensIn", "cacheReads", "cacheWrites", "tokensOut")


def request(
    counts: tuple[Any, ...] = (100, 30, 20, 5), ts: int = START + 1000, provider: str | None = None, **more: object
) -> Json:
    """Return a request; `more` goes into the JSON of its text."""
    text = json.dumps({"request": "x", **dict(zip(NAMES, counts, strict=False)), **more})
    message = {"ts": ts, "type": "say", "say": "api_req_started", "text": text}
    return message | ({"modelInfo": {"providerId": provider, "modelId": "m"}} if provider else {})


def session(*messages: Json, **more: object) -> Json:
    """Return a session of the newer Cline."""
    return {"version": 1, "agent": "lead", "sessionId": "s1", "messages": list(messages), **more}


def measured(counts: tuple[Any, ...], id_: str = "m1", ts: object = START) -> Json:
    """Return a message with metrics."""
    names = ("inputTokens", "cacheReadTokens", "cacheWriteTokens", "outputTokens")
    told = {"id": "claude-opus-4-5", "provider": "cline"}
    metrics = {**dict(zip(names, counts, strict=True)), "cost": 0.1}
    return {"id": id_, "role": "assistant", "ts": ts, "modelInfo": told, "metrics": metrics}


OLD, NEW = 1761900000000, 1762000000000
"""The day before Roo's input held the cache for everyone, and a day after."""


@pytest.mark.parametrize(
    ("line", "uncached"),
    [
        (request(provider="anthropic"), 100),
        (request(provider="openrouter"), 100),
        (request(provider="openai"), 50),
        (request((10, 30, 20, 5), provider="openai"), 10),
        (request(), 100),
        (request(ts=NEW, apiProtocol="anthropic"), 50),
        (request(ts=OLD, apiProtocol="anthropic"), 100),
        (request((10, 30, 20, 5), ts=NEW, apiProtocol="anthropic"), 10),
        (request(ts=NEW, apiProtocol="openai"), 50),
        (request(ts=OLD, apiProtocol="openai"), 50),
    ],
    ids=[
        "cline", "cline, openrouter", "cline, as it comes", "less than the cache", "nobody named", "roo", "old roo",
        "roo, less than the cache", "roo, openai", "old roo, openai",
    ],
)  # fmt: skip
def test_input(tmp_path: Path, line: Json, uncached: int) -> None:
    """Who wrote an entry, and when, says whether its input holds the cache."""
    row = row_of(SOURCE, write_document(tmp_path / "ui_messages.json", [TASK, line]))

    assert classes(row) == {
        "uncached_input_tokens": uncached, "cache_read_input_tokens": 30, "cache_creation_5m_input_tokens": 20,
        "output_tokens": 5,
    }  # fmt: skip


def test_what_counts(tmp_path: Path) -> None:
    """A request that has not ended and sums of other requests do not count."""
    sums = ("deleted_api_reqs", "api_req_deleted", "subagent_usage", "subtask_result", "api_req_finished")
    lines = [
        TASK,
        request(cost=0.0382),
        *({**request(ts=START + n), "say": say} for n, say in enumerate(sums)),
        request(()),
        request((0, 0, 0, 0), cost=0),
        {**request(), "text": ""},
    ]
    row = row_of(SOURCE, write_document(tmp_path / "t1" / "ui_messages.json", lines))

    assert (row["identity"], row["session"], row["line"]) == (f"{START}\x1f{START + 1000}", "t1", 2)
    assert (row["reported_cost"], row["charge_period_start"]) == ("0.0382", "2026-10-07T09:00:01.000Z")


def test_bad_counts(tmp_path: Path) -> None:
    """A request that cannot be counted leaves the others alone."""
    lines = [
        TASK,
        request(("x", 0, 0, 1)),
        request(ts=START + 2000),
        request((-1, 0, 0, 1), ts=START + 3000),
        {**request(), "text": "?"},
    ]
    path = write_document(tmp_path / "ui_messages.json", lines)

    assert [row["line"] for row in rows_of(SOURCE, path)] == [3]
    assert reasons(SOURCE, path) == [
        "impossible count: tokensIn is 'x'", "impossible count: tokensIn is -1",
        "api_req_started without JSON in its text",
    ]  # fmt: skip


def history(*sent: tuple[int, str]) -> list[Json]:
    """Return what was sent to the model."""
    return [{"role": "user", "ts": ts, "content": [{"type": "text", "text": text}]} for ts, text in sent]


def test_models_beside_the_task(tmp_path: Path) -> None:
    """A request without a model has the last one that was named before the next request."""
    place = "# Current Workspace Directory (/src/shop) Files\n<model>first</model>"
    path = write_document(tmp_path / "t1" / "ui_messages.json", [TASK, request(), request(ts=START + 5000)])
    write_document(
        tmp_path / "t1" / "api_conversation_history.json", history((START + 1100, place), (START + 5100, "no model"))
    )
    first, second = rows_of(SOURCE, path)
    assert (first["request_model"], second["request_model"], second["project_path"]) == ("first", "first", "/src/shop")

    used = {"model_usage": [{"ts": START + 5050, "model_id": "second", "model_provider_id": "openai"}]}
    write_document(tmp_path / "t1" / "task_metadata.json", used)
    first, second = rows_of(SOURCE, path)
    assert [(row["request_model"], row["provider"]) for row in (first, second)] == [
        ("first", None), ("second", "openai"),
    ]  # fmt: skip
    assert second["uncached_input_tokens"] == 50


def test_nothing_beside_a_copy(tmp_path: Path) -> None:
    """Files beside a task that was copied under another name are not its own."""
    write_document(tmp_path / "api_conversation_history.json", history((START, "<model>other</model>")))
    row = row_of(SOURCE, write_document(tmp_path / "copy.json", [TASK, request()]))

    assert (row["request_model"], row["session"], row["origin_rank"]) == (None, str(START), 1)


def test_sessions(tmp_path: Path) -> None:
    """The newer Cline's input holds the cache; model and directory may stand in the session's other file."""
    told = session(
        measured((100, 30, 20, 5)),
        {**measured((10, 30, 0, 5), "m2"), "modelInfo": None},
        {"id": "m3", "role": "assistant", "ts": START, "metadata": {"displayOnly": True}},
        measured((1, 0, 0, 1), "m4", ts=None),
    )
    path = write_document(tmp_path / "s1.messages.json", told)
    write_document(
        tmp_path / "s1.json", {"session_id": "s1", "cwd": "/src/shop", "model": "m", "metadata": {"usage": {}}}
    )
    first, second = rows_of(SOURCE, path)

    assert fitting(path) == ["cline"]
    assert classes(first) == {
        "uncached_input_tokens": 50, "cache_read_input_tokens": 30, "cache_creation_5m_input_tokens": 20,
        "output_tokens": 5,
    }  # fmt: skip
    assert (first["request_model"], first["provider"], first["project_path"]) == (
        "claude-opus-4-5", "cline", "/src/shop",
    )  # fmt: skip
    assert (second["uncached_input_tokens"], second["request_model"]) == (10, "m")
    assert reasons(SOURCE, path) == ["usage without a usable timestamp: None"]


def test_files_beside_are_no_tasks(tmp_path: Path) -> None:
    """What stands beside a task or a session is of no source."""
    beside = {
        "api_conversation_history.json": history((START, "hello")),
        "task_metadata.json": {"files_in_context": [], "model_usage": []},
        "s1.json": {"session_id": "s1", "metadata": {"usage": {"inputTokens": 1}}},
    }

    assert [fitting(write_document(tmp_path / name, told)) for name, told in beside.items()] == [[], [], []]


@given(st.data())
def test_snapshots_in_any_order(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """A task in several editors, at several moments, adds up to the whole; unfinished requests grow."""
    folder = tmp_path_factory.mktemp("cline")
    lines = [request((n, 0, 1, n + 1), START + n) for n in range(1, data.draw(st.integers(2, 7)))]
    whole = rows_of(SOURCE, write_document(folder / "whole.json", [TASK, *lines]))
    files = []
    for n, part in enumerate(pieces(data, lines)):
        unfinished = [request((), item["ts"]) for item in part if n % 2]
        files.append(write_document(folder / f"{n}.json", [TASK, *sorted([*part, *unfinished], key=lambda i: i["ts"])]))

    assert totals(together(SOURCE, files).values()) == totals(whole)
