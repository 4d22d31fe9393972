"""Gemini CLI: classes, both ways a session is written, and each message once."""

from __future__ import annotations

import json
from collections import Counter
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
from tokenaudit.sources.gemini_cli import SOURCE
from tokenaudit.sources.source import Tail

HEAD = {"sessionId": "s1", "projectHash": "p1", "startTime": "2026-10-05T09:00:00Z"}
NAMES = ("input", "output", "cached", "thoughts", "tool")


def message(id_: str = "m1", counts: tuple[Any, ...] | None = (100, 20, 30, 5, 7), **more: object) -> Json:
    """Return a message of the model."""
    tokens = None if counts is None else dict(zip(NAMES, counts, strict=True))
    at = "2026-10-05T09:00:07.120Z"
    return {"id": id_, "timestamp": at, "type": "gemini", "model": "gemini-3.5-flash", "tokens": tokens, **more}


def document(*messages: Json) -> Json:
    """Return a whole session."""
    return {**HEAD, "messages": list(messages)}


def test_classes(tmp_path: Path) -> None:
    """Cached input is inside the input, tool results beside it, thoughts beside the output."""
    row = row_of(SOURCE, write_document(tmp_path / "s.json", document(message()), indent=2))

    assert classes(row) == {
        "uncached_input_tokens": 77,
        "cache_read_input_tokens": 30,
        "output_tokens": 25,
        "reasoning_output_tokens": 5,
    }
    assert (row["session"], row["project"]) == ("s1", "p1")
    assert (row["provider"], row["request_model"]) == ("google", "gemini-3.5-flash")
    assert row["charge_period_start"] == "2026-10-05T09:00:07.120Z"


@pytest.mark.parametrize("indent", [None, 2])
def test_both_ways_name_the_same(tmp_path: Path, indent: int | None) -> None:
    """A session that was a document and went on as lines holds each message once."""
    old = write_document(tmp_path / "s.json", document(message("m1"), message("m2")), indent)
    new = write_lines(tmp_path / "s.jsonl", [HEAD, message("m1"), message("m2"), message("m3")])

    assert fitting(old) == fitting(new) == ["gemini-cli"]
    assert len(together(SOURCE, [old, new])) == 3


def test_lines(tmp_path: Path) -> None:
    """Tokens that come later, updates that repeat all messages, and what was rewound: each message once, none lost."""
    lines = [
        HEAD,
        message("m1", None),
        message("m1"),
        {"$rewindTo": "m1"},
        {"$set": {"messages": [message("m2"), message("m1")], "lastUpdated": "2026-10-05T09:01:00Z"}},
        {"id": "u1", "timestamp": "2026-10-05T09:00:00Z", "type": "user", "content": "tokens"},
        message("m3", (0, 0, 0, 0, 0)),
    ]
    rows = rows_of(SOURCE, write_lines(tmp_path / "s.jsonl", lines))

    assert sorted(row["identity"] for row in rows) == ["s1\x1fm1", "s1\x1fm2"]


def test_lines_go_on(tmp_path: Path) -> None:
    """A file that grew is read on, with the session of its first line."""
    path = write_lines(tmp_path / "s.jsonl", [{**HEAD, "directories": ["C:\\src\\shop"]}, message("m1")])
    first = SOURCE.decode(Tail(str(path)))
    with path.open("a") as file:
        file.write(json.dumps(message("m2")) + "\n")
    second = SOURCE.decode(Tail(str(path), first.offset, first.line, first.state))

    assert second.columns["identity"] == ["s1\x1fm2"]
    assert (second.columns["project"], second.columns["project_path"]) == ([None], ["C:\\src\\shop"])


def test_bad_counts(tmp_path: Path) -> None:
    """More cached than input, and what is no number, are refused with a reason; the rest of the document counts."""
    bad = [message("m1", (10, 1, 11, 0, 0)), message("m2", ("many", 1, 0, 0, 0)), message("m3")]
    path = write_document(tmp_path / "s.json", document(*bad), indent=1)

    assert [row["identity"] for row in rows_of(SOURCE, path)] == ["s1\x1fm3"]
    assert all(reason.startswith("impossible count: uncached_input_tokens") for reason in reasons(SOURCE, path))
    assert len(reasons(SOURCE, path)) == 2


def test_input_history_is_not_a_session(tmp_path: Path) -> None:
    """What the user typed stands beside the sessions, and is of no source."""
    typed = {"sessionId": "s1", "messageId": 0, "type": "user", "message": "hello", "timestamp": "2026-10-05T09:00:00Z"}

    assert fitting(write_document(tmp_path / "logs.json", [typed, typed], indent=2)) == []


@given(st.data())
def test_snapshots_in_any_order(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Snapshots that overlap and repeat, as documents or lines, add up to the whole."""
    folder = tmp_path_factory.mktemp("gemini")
    messages = [message(f"m{n}", (100 + n, n, n, 1, 0)) for n in range(data.draw(st.integers(1, 6)))]
    whole = rows_of(SOURCE, write_document(folder / "whole.json", document(*messages)))
    files = [
        write_document(folder / f"{n}.json", document(*part), data.draw(st.sampled_from([None, 1])))
        if data.draw(st.booleans())
        else write_lines(folder / f"{n}.jsonl", [HEAD, *part])
        for n, part in enumerate(pieces(data, messages))
    ]

    assert totals(together(SOURCE, files).values()) == totals(whole)


def test_real_sessions(shared: Path) -> None:
    """Totals of real sessions: each message once, though one session was kept three times, longer each time."""
    files = sorted((shared / "samples" / "agent-logs" / "gemini_cli").glob("session-*.json"))
    messages: dict[tuple[str, str], Json] = {}
    for path in files:
        told = json.loads(path.read_text())
        messages.update({(told["sessionId"], m["id"]): m["tokens"] for m in told["messages"] if m.get("tokens")})
    expected: Counter[str] = Counter()
    for tokens in messages.values():
        assert tokens["total"] == sum(tokens[name] for name in ("input", "output", "thoughts", "tool"))
        expected.update(tokens)
    rows = together(SOURCE, files)
    found = totals(rows.values())

    assert {name for path in files for name in fitting(path)} == {"gemini-cli"}
    assert (len(messages), len(rows)) == (17, 16), "one answer was broken off and has no tokens"
    assert found["cache_read_input_tokens"] == expected["cached"]
    assert found["uncached_input_tokens"] == expected["input"] + expected["tool"] - expected["cached"]
    assert found["output_tokens"] == expected["output"] + expected["thoughts"]
    assert found["reasoning_output_tokens"] == expected["thoughts"]
    assert totals(rows_of(SOURCE, files[3])).total() > totals(rows_of(SOURCE, files[2])).total()


def test_real_fixtures(shared: Path) -> None:
    """Sessions without tokens are known and give nothing; those with tokens give their messages."""
    found = {
        path.stem: len(rows_of(SOURCE, path))
        for path in sorted((shared / "samples" / "agent-logs" / "gemini_cli" / "agentsview_fixtures").glob("*.json"))
        if fitting(path) == ["gemini-cli"]
    }

    assert found == {
        "standard_session": 2, "system_messages": 0, "thinking_only": 0, "tool_calls": 0, "tool_calls_with_results": 0,
    }  # fmt: skip
