"""Continue: estimates with a time, each once, in a file that grows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.logged import Json, fitting, write_lines
from tests.sources.test_every_source import stored
from tokenaudit.ingest.run import ingest
from tokenaudit.sources.continue_dev import SOURCE

if TYPE_CHECKING:
    from tests.sources.conftest import ReadText


def line(prompt: object = 1500, generated: object = 20, **more: object) -> Json:
    """Return an answer."""
    return {
        "model": "codestral-latest", "provider": "mistral", "promptTokens": prompt, "generatedTokens": generated,
        "eventName": "tokensGenerated", "schema": "0.2.0", "userId": "ann@example.com", "selectedProfileId": "local",
        "timestamp": "2026-10-07T09:00:05.123Z", **more,
    }  # fmt: skip


def text(*lines: Json) -> str:
    """Return a file."""
    return "".join(f"{json.dumps(item)}\n" for item in lines)


@pytest.mark.parametrize("name", ["timestamp", "createdAt"])
def test_row(read_text: ReadText, name: str) -> None:
    """Counts are estimates, whatever the time is called."""
    row = read_text(SOURCE, text({**line(timestamp=None), name: "2026-10-07T09:00:05.123Z"})).row()

    assert (row["uncached_input_tokens"], row["output_tokens"], row["requests"]) == (1500, 20, 1)
    assert (row["tokens_basis"], row["provider"], row["request_model"]) == ("estimated", "mistral", "codestral-latest")
    assert (row["user"], row["workspace"]) == ("ann@example.com", "local")
    assert row["charge_period_start"] == datetime(2026, 10, 7, 9, 0, 5, 123_000, tzinfo=UTC)


def test_bad_lines(read_text: ReadText) -> None:
    """Lines without time or count are refused."""
    read = read_text(SOURCE, text(line(timestamp=None), line(None, None), line("x"), line(userId="")))

    assert [item.line for item in read.rejects] == [1, 2, 3]
    assert read.row()["user"] is None


def test_old_schema(tmp_path: Path) -> None:
    """The old schema has no time and is not read; the new one is."""
    old = {name: line()[name] for name in ("model", "provider", "promptTokens", "generatedTokens")}

    assert fitting(write_lines(tmp_path / "a.jsonl", [old, old])) == []
    assert fitting(write_lines(tmp_path / "b.jsonl", [line()])) == ["continue-dev"]


@settings(max_examples=20)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=5), st.data())
def test_a_file_grows(tmp_path_factory: pytest.TempPathFactory, counts: list[int], data: st.DataObject) -> None:
    """Equal lines all count; reading the file again, longer or not, adds only what is new."""
    folder = tmp_path_factory.mktemp("continue")
    lines = [line(count, 1) for count in counts]
    for end in (data.draw(st.integers(1, len(lines))), len(lines), len(lines)):
        ingest([str(write_lines(folder / "tokensGenerated.jsonl", lines[:end]))], folder / "store")

    assert sorted(stored(folder / "store")["uncached_input_tokens"]) == sorted(counts)
