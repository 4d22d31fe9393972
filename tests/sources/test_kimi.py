"""Kimi CLI and Kimi Code: disjoint classes, sub-agents and forks once, calls outside a turn not lost."""

from __future__ import annotations

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
    write_lines,
)
from tokenaudit.sources.kimi import SOURCE

CLASSES = {
    "uncached_input_tokens": 10, "cache_read_input_tokens": 20, "cache_creation_5m_input_tokens": 30,
    "output_tokens": 4,
}  # fmt: skip
GREETING = {"type": "metadata", "protocol_version": "1.3"}


def status(counts: tuple[Any, ...] = (10, 20, 30, 4), id_: str | None = "m1", at: object = 1791363605.5) -> Json:
    """Return a line of Kimi CLI."""
    names = ("input_other", "input_cache_read", "input_cache_creation", "output")
    payload = {"token_usage": dict(zip(names, counts, strict=True)), "message_id": id_}
    return {"timestamp": at, "message": {"type": "StatusUpdate", "payload": payload}}


def wrapped(line: Json) -> Json:
    """Return a line as its parent's file holds a sub-agent's."""
    return {**line, "message": {"type": "SubagentEvent", "payload": {"agent_id": "a1", "event": line["message"]}}}


def record(counts: tuple[Any, ...] = (10, 20, 30, 4), at: object = 1791450005123, **more: object) -> Json:
    """Return a line of Kimi Code."""
    names = ("inputOther", "inputCacheRead", "inputCacheCreation", "output")
    usage = dict(zip(names, counts, strict=True))
    return {"type": "usage.record", "model": "alias", "usage": usage, "usageScope": "turn", "time": at, **more}


@pytest.mark.parametrize(
    ("line", "instant", "model"),
    [
        (status(), "2026-10-07T09:00:05.500Z", None),
        (wrapped(status()), "2026-10-07T09:00:05.500Z", None),
        (record(), "2026-10-08T09:00:05.123Z", "alias"),
        (record(usageScope="session"), "2026-10-08T09:00:05.123Z", "alias"),
    ],
)
def test_classes(tmp_path: Path, line: Json, instant: str, model: str | None) -> None:
    """Both programs tell four disjoint counts; a call outside a turn is one."""
    path = write_lines(tmp_path / "wire.jsonl", [line])
    row = row_of(SOURCE, path)

    assert fitting(path) == ["kimi"]
    assert classes(row) == CLASSES
    assert (row["charge_period_start"], row["request_model"], row["provider"]) == (instant, model, "moonshotai")


def test_what_counts_once(tmp_path: Path) -> None:
    """A sub-agent's call stands in two files, a fork copies records; without an id the counts name a call."""
    lines = [status(), status((10, 20, 30, 5)), wrapped(status()), status(id_=None), status((0, 0, 0, 0), "m2")]
    records = [record(), record(), record(at=1791450005124), record(model="other"), record((1, 2, 3, 4))]

    rows = rows_of(SOURCE, write_lines(tmp_path / "wire.jsonl", lines))
    assert [row["output_tokens"] for row in rows] == [5, 4]
    assert len(rows_of(SOURCE, write_lines(tmp_path / "code.jsonl", records))) == 4


def test_models(tmp_path: Path) -> None:
    """A request tells what an alias means and who sells it, from there on."""
    request = {"type": "llm.request", "modelAlias": "alias", "model": "kimi-k2.7", "provider": "kimi", "time": 1}
    other = {**request, "modelAlias": "mine", "model": "gpt-5.1", "provider": "openai"}
    lines = [record(), request, other, record(at=1791450005124), record(at=1791450005125, model="mine")]
    rows = rows_of(SOURCE, write_lines(tmp_path / "wire.jsonl", lines))

    assert [(row["request_model"], row["provider"]) for row in rows] == [
        ("alias", "moonshotai"), ("kimi-k2.7", "moonshotai"), ("gpt-5.1", "openai"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("folder", "place"),
    [
        ("sessions/d41d8cd9/s1", ("s1", None, 0)),
        ("sessions/d41d8cd9/s1/subagents/a1", ("s1", None, 0)),
        ("sessions/wd_my-shop_a1b2c3d4e5f6/s1/agents/main", ("s1", "my-shop", 0)),
        ("backup", (None, None, 1)),
    ],
)
def test_places(tmp_path: Path, folder: str, place: tuple[object, ...]) -> None:
    """The path names session and project; a copy elsewhere names neither."""
    row = row_of(SOURCE, write_lines(tmp_path / folder / "wire.jsonl", [GREETING, record()]))

    assert (row["session"], row["project"], row["origin_rank"]) == place


def test_bad_lines(tmp_path: Path) -> None:
    """What cannot be counted is refused."""
    lines = [GREETING, status((-1, 0, 0, 1)), record(at=None), record(("x", 0, 0, 0))]

    assert [reason.partition(":")[0] for reason in reasons(SOURCE, write_lines(tmp_path / "wire.jsonl", lines))] == [
        "impossible count", "usage without a usable timestamp", "impossible count",
    ]  # fmt: skip


@given(st.data())
def test_copies_add_nothing(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Parts of a log in any order, wrapped or not, add up to the whole."""
    folder = tmp_path_factory.mktemp("kimi")
    lines = [
        data.draw(st.sampled_from([status((n, 1, 0, 2), f"m{n}"), record((n, 0, 1, 2), 1791450005000 + n)]))
        for n in range(data.draw(st.integers(1, 6)))
    ]
    whole = rows_of(SOURCE, write_lines(folder / "whole.jsonl", lines))
    files = [
        write_lines(folder / f"{n}.jsonl", [wrapped(i) if "message" in i and n % 2 else i for i in part])
        for n, part in enumerate(pieces(data, lines))
    ]

    assert totals(together(SOURCE, files).values()) == totals(whole)


def test_other_files_of_a_session(tmp_path: Path) -> None:
    """What stands beside a wire log is none."""
    context = [{"role": "_system_prompt", "content": "x"}, {"role": "_usage", "token_count": {"input_tokens": 12}}]
    state = {"version": 1, "custom_title": "", "wire_mtime": None}

    assert fitting(write_lines(tmp_path / "context.jsonl", context)) == []
    assert fitting(write_document(tmp_path / "state.json", state, indent=2)) == []


def test_real_files(shared: Path) -> None:
    """Wire logs are known, and these hold no usage; the files beside them are of no source."""
    folder = shared / "samples" / "agent-logs" / "kimi_cli_fixtures" / "kimi"
    found = {(path.name, tuple(fitting(path))) for path in folder.rglob("*.json*")}

    assert found == {("wire.jsonl", ("kimi",)), ("context.jsonl", ()), ("state.json", ())}
    assert [rows_of(SOURCE, path) for path in folder.rglob("wire.jsonl")] == [[], []]
    assert [reasons(SOURCE, path) for path in folder.rglob("wire.jsonl")] == [[], []]
