"""Qwen Code: its lines are not Claude Code's, and its thoughts may stand inside the output."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.logged import Json, classes, fitting, pieces, row_of, rows_of, together, totals, write_lines
from tokenaudit.sources.qwen_code import SOURCE

NAMES = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "cachedContentTokenCount", "totalTokenCount")


def line(uuid: str = "u1", counts: tuple[int, ...] = (100, 20, 0, 30, 120), **more: object) -> Json:
    """Return a response."""
    return {
        "uuid": uuid, "sessionId": "s1", "timestamp": "2026-10-06T08:00:05.000Z", "type": "assistant",
        "cwd": "/src/shop", "gitBranch": "main", "model": "qwen3-coder-plus",
        "message": {"role": "model", "parts": [{"text": "Sure."}]},
        "usageMetadata": dict(zip(NAMES, counts, strict=True)), **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "output", "reasoning"),
    [
        ((100, 20, 0, 30, 120), 20, 0),
        ((100, 20, 15, 30, 120), 20, 15),
        ((100, 20, 15, 30, 135), 35, 15),
        ((100, 0, 15, 30, 115), 15, 15),
        ((100, 20, 15, 30, 0), 35, 15),
    ],
    ids=["no thoughts", "inside", "beside", "only thoughts", "no total: as Gemini"],
)
def test_thoughts(tmp_path: Path, counts: tuple[int, ...], output: int, reasoning: int) -> None:
    """The total tells whether thoughts are part of the candidates; cached input is part of the prompt."""
    row = row_of(SOURCE, write_lines(tmp_path / "s.jsonl", [line(counts=counts)]))

    assert classes(row) == {
        "uncached_input_tokens": 70, "cache_read_input_tokens": 30, "output_tokens": output,
        **({"reasoning_output_tokens": reasoning} if reasoning else {}),
    }  # fmt: skip
    assert (row["session"], row["project_path"], row["tags"], row["request_model"]) == (
        "s1", "/src/shop", '{"git_branch":"main"}', "qwen3-coder-plus",
    )  # fmt: skip


def test_only_responses_count(tmp_path: Path) -> None:
    """Telemetry repeats the calls, and answers without tokens are none."""
    telemetry = {"uiEvent": {"event.name": "qwen-code.api_response", "input_token_count": 100}}
    lines = [
        line(),
        {**line("u2"), "type": "system", "subtype": "ui_telemetry", "systemPayload": telemetry},
        line("u3", (0, 0, 0, 0, 0)),
    ]

    assert [row["identity"] for row in rows_of(SOURCE, write_lines(tmp_path / "s.jsonl", lines))] == ["u1"]


@pytest.mark.parametrize("keys", [("message",), ("usageMetadata",), ("message", "usageMetadata")])
def test_never_claude_code(tmp_path: Path, keys: tuple[str, ...]) -> None:
    """A user's line in front, without any token count, does not make the file one of Claude Code's."""
    user = {**line(), "type": "user", "message": {"role": "user", "parts": []}}
    first = {key: value for key, value in user.items() if key != "usageMetadata"}
    second = {key: value for key, value in line("u2").items() if key in keys or key in ("uuid", "sessionId", "type")}

    assert fitting(write_lines(tmp_path / "s.jsonl", [first, second])) == ["qwen-code"]
    assert fitting(write_lines(tmp_path / "t.jsonl", [{**user, "message": {"role": "user", "content": ""}}] * 2)) == [
        "qwen-code"
    ]


@given(st.data())
def test_forks_and_copies(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """A fork copies lines into another session, in part: responses keep their ids and count once."""
    folder = tmp_path_factory.mktemp("qwen")
    lines = [line(f"u{n}", (100 + n, n + 1, 0, n, 101 + 2 * n)) for n in range(data.draw(st.integers(1, 6)))]
    whole = rows_of(SOURCE, write_lines(folder / "whole.jsonl", lines))
    files = [
        write_lines(folder / f"{n}.jsonl", [{**item, "sessionId": f"s{n}"} for item in part])
        for n, part in enumerate(pieces(data, lines))
    ]

    assert totals(together(SOURCE, files).values()) == totals(whole)
