"""Aider: its messages and nothing else, without the running total."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.logged import Json, classes, fitting, pieces, reasons, row_of, rows_of, together, totals, write_lines
from tokenaudit.sources.aider import SOURCE


def sent(prompt: object = 1200, completion: object = 90, time: object = 1791363640, **more: object) -> Json:
    """Return the event of a message."""
    told = {"main_model": "gpt-5.1", "prompt_tokens": prompt, "completion_tokens": completion, "cost": 0.0495}
    return {
        "event": "message_send", "properties": {**told, "total_cost": 1.5, "aider_version": "0.86.2", **more},
        "user_id": "u1", "time": time,
    }  # fmt: skip


def test_message(tmp_path: Path) -> None:
    """Counts are estimates; the message's cost is compared, the session's is left."""
    path = write_lines(tmp_path / "analytics.jsonl", [sent()])
    row = row_of(SOURCE, path)

    assert fitting(path) == ["aider"]
    assert classes(row) == {"uncached_input_tokens": 1200, "output_tokens": 90}
    assert (row["tokens_basis"], row["reported_cost"], row["request_model"], row["user"]) == (
        "estimated", "0.0495", "gpt-5.1", "u1",
    )  # fmt: skip
    assert row["charge_period_start"] == "2026-10-07T09:00:40.000Z"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([{**sent(), "event": "message_send_exception"}], 0),
        ([sent(0, 0)], 0),
        ([sent(), sent()], 1),
        ([sent(), sent(total_cost=1.6)], 2),
        ([sent(), sent(time=1791363641)], 2),
        ([sent(main_model=None)], 1),
    ],
)
def test_what_counts(tmp_path: Path, lines: list[Json], found: int) -> None:
    """Only messages count; the running total tells two messages of one second apart."""
    assert len(rows_of(SOURCE, write_lines(tmp_path / "analytics.jsonl", lines))) == found


def test_other_lines(tmp_path: Path) -> None:
    """A price of 0 is unknown; what cannot be counted is refused."""
    path = write_lines(tmp_path / "analytics.jsonl", [sent(cost=0), sent("many"), sent(time=None)])

    assert row_of(SOURCE, path)["reported_cost"] is None
    assert len(reasons(SOURCE, path)) == 2


@given(st.data())
def test_pieces(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Copies of parts of a log, in any order, add up to the whole."""
    folder = tmp_path_factory.mktemp("aider")
    lines = [sent(n, n, 1791363640 + n // 2, total_cost=n / 10) for n in range(1, data.draw(st.integers(2, 7)))]
    whole = rows_of(SOURCE, write_lines(folder / "whole.jsonl", lines))
    files = [write_lines(folder / f"{n}.jsonl", part) for n, part in enumerate(pieces(data, lines))]

    assert totals(together(SOURCE, files).values()) == totals(whole)
