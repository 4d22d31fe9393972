"""Copilot CLI: requests of the database, and the cumulative sums of the event log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.logs import Row, decoded, read_rows, reasons, rows_of, write_database, write_lines
from tokenaudit.sources import _events, copilot_cli, copilot_cli_events
from tokenaudit.sources.head import Head
from tokenaudit.sources.source import Tail

if TYPE_CHECKING:
    from pathlib import Path

AT = "2026-10-05T0{}:00:00.000Z"


def request(number: int, **more: object) -> Row:
    """Return a request as the database has it."""
    return {
        "id": number, "session_id": "s1", "model": "auto", "copilot_usage_model": "gpt-5.2", "input_tokens": 100,
        "output_tokens": 9, "cache_read_tokens": 60, "cache_write_tokens": 30, "reasoning_tokens": 4,
        "created_at": "2026-10-05 08:00:00", "initiator": "user", "total_nano_aiu": 5, **more,
    }  # fmt: skip


def test_database(tmp_path: Path) -> None:
    """One row a request, its input split; who and where from the table of sessions."""
    sessions = [{"id": "s1", "cwd": "/src/web", "repository": "example/web-app", "branch": "main"}]
    requests = [
        request(1),
        request(2, copilot_usage_model=None, session_id="s2"),
        request(3, input_tokens=0, output_tokens=0),
    ]
    requests.append(request(4, cache_read_tokens=200))
    tables = {"sessions": sessions, copilot_cli.TABLE: requests}
    made = decoded("copilot-cli", write_database(tmp_path / "session-store.db", tables))
    first, second = rows_of(made)
    assert first == {
        "uncached_input_tokens": 10, "cache_read_input_tokens": 60, "cache_creation_5m_input_tokens": 30,
        "output_tokens": 9, "reasoning_output_tokens": 4, "charge_period_start": "2026-10-05T08:00:00.000Z",
        "session": "s1", "project": "web-app", "project_path": "/src/web", "provider": "github-copilot",
        "tags": '{"git_branch":"main","initiator":"user"}', "request_model": "gpt-5.2", "identity": "s1\x1f1",
    }  # fmt: skip
    assert (second["session"], second["request_model"], "project" in second) == ("s2", "auto", False)
    assert reasons(made) == ["impossible count: uncached_input_tokens is -130"]
    assert copilot_cli.SOURCE.detect(Head(str(tmp_path / "session-store.db")))


def test_older_database(tmp_path: Path) -> None:
    """Columns and tables that a version lacks are nothing."""
    old = [
        {
            "id": 1,
            "session_id": "s1",
            "model": "gpt-5",
            "created_at": AT.format(1),
            "input_tokens": 5,
            "output_tokens": 2,
        }
    ]
    (row,) = read_rows("copilot-cli", write_database(tmp_path / "store.db", {copilot_cli.TABLE: old}))
    assert (row["uncached_input_tokens"], row["output_tokens"]) == (5, 2)


def event(kind: str, hour: int, **data: object) -> Row:
    """Return an event of a session's log."""
    return {"type": kind, "data": data, "id": str(hour), "timestamp": AT.format(hour), "parentId": None}


def start(hour: int = 1) -> Row:
    """Return the first event of a session."""
    context = {"cwd": "/src/web", "repository": "example/web-app", "branch": "main"}
    return event("session.start", hour, sessionId="s1", selectedModel="gpt-5.2", context=context)


def shutdown(hour: int, whole: int, shown: int, requests: int = 1, model: str = "gpt-5.2") -> Row:
    """Return an event with the sums of a session."""
    usage = {"inputTokens": whole, "outputTokens": shown, "cacheReadTokens": whole // 2, "cacheWriteTokens": 0}
    return event("session.shutdown", hour, modelMetrics={model: {"requests": {"count": requests}, "usage": usage}})


def answer(hour: int, shown: int, **more: str) -> Row:
    """Return an answer, which tells its output only."""
    return event("assistant.message", hour, outputTokens=shown, **more)


def counts(rows: list[Row]) -> list[tuple[Any, ...]]:
    """Return what is told apart, and the counts."""
    names = ("uncached_input_tokens", "cache_read_input_tokens", "output_tokens", "requests")
    return [tuple(row.get(name, 0) for name in names) for row in rows]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([start(), shutdown(2, 100, 9), shutdown(3, 160, 12, 2)], [(80, 80, 12, 2)]),
        ([start(), shutdown(2, 100, 9), shutdown(3, 40, 3)], [(50, 50, 9, 1), (20, 20, 3, 1)]),
        ([start(), shutdown(2, 100, 9), shutdown(2, 100, 9)], [(50, 50, 9, 1)]),
        ([start(), answer(2, 4), answer(2, 5), shutdown(3, 100, 9, 2)], [(50, 50, 9, 2)]),
        ([start(), answer(2, 4), answer(2, 5)], [(0, 0, 9, 2)]),
        ([start(), shutdown(2, 100, 9), answer(3, 50)], [(50, 50, 9, 1)]),
        ([start(), answer(2, 4, model="m1"), answer(2, 5)], [(0, 0, 4, 1), (0, 0, 5, 1)]),
        ([start(), event("session.model_change", 2, newModel="m1"), answer(2, 4)], [(0, 0, 4, 1)]),
        ([start(), shutdown(2, 0, 0)], []),
        ([start(), event("session.shutdown", 2)], []),
    ],
)
def test_events(tmp_path: Path, events: list[Row], expected: list[tuple[int, ...]]) -> None:
    """The last sums count, sums begun anew are rows of their own, answers count until the first sums."""
    path = write_lines(tmp_path / "events.jsonl", *events)
    assert counts(read_rows("copilot-cli-events", path)) == expected
    assert copilot_cli_events.SOURCE.detect(Head(str(path)))


def test_place_and_period(tmp_path: Path) -> None:
    """A row lasts from the session's start, or the sums before it, to the sums it is of."""
    path = write_lines(tmp_path / "events.jsonl", start(), shutdown(2, 100, 9), shutdown(5, 40, 3))
    made = decoded("copilot-cli-events", path)
    first, second = rows_of(made)
    first.pop("identity")
    assert first == {
        "uncached_input_tokens": 50, "cache_read_input_tokens": 50, "output_tokens": 9, "requests": 1,
        "charge_period_start": AT.format(1), "granularity": "period", "session": "s1", "project": "web-app",
        "project_path": "/src/web", "provider": "github-copilot", "request_model": "gpt-5.2",
        "tags": '{"git_branch":"main"}',
    }  # fmt: skip
    assert made.columns["charge_period_end"] == [AT.format(2), AT.format(5)]
    assert second["charge_period_start"] == AT.format(2)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(0, 8))
def test_pieces(totals: list[int], cut: int) -> None:
    """A log read in two pieces gives what it gives as a whole: every sum before it began anew, and the last."""
    log = [start(), answer(1, totals[0]), *(shutdown(2, 10 * total, total) for total in totals)]

    def folded(pieces: list[list[Row]]) -> list[tuple[Any, ...]]:
        fold, memory = _events.Folded(), _events.Memory("events.jsonl")
        for piece in pieces:
            for number, record in enumerate(piece):
                for row in copilot_cli_events.rows(record, memory):
                    fold.add(_events.checked(row), number)
        return sorted((name, *row) for name, row in zip(fold.rows, counts([*fold.rows.values()]), strict=True))

    whole = folded([log])
    assert folded([log[:cut], log[cut:]]) == whole
    ends = [total for total, after in zip(totals, [*totals[1:], 0], strict=True) if after < total]
    assert sum(row[3] for row in whole) == sum(ends)


def test_growing_log(tmp_path: Path) -> None:
    """What an earlier reading remembered holds for the next."""
    path = write_lines(tmp_path / "events.jsonl", start(), shutdown(2, 100, 9))
    first = copilot_cli_events.SOURCE.decode(Tail(str(path)))
    with path.open("a") as file:
        file.write(write_lines(tmp_path / "more.jsonl", shutdown(3, 40, 3)).read_text())
    second = copilot_cli_events.SOURCE.decode(Tail(str(path), first.offset, first.line, first.state))
    assert first.columns["identity"] + second.columns["identity"] == ["s1\x1fgpt-5.2\x1f0", "s1\x1fgpt-5.2\x1f1"]
