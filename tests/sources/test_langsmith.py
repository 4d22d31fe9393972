"""LangSmith: calls and not what is around them, details within their wholes, metadata in several places."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from tokenaudit.ingest.run import ingest
from tokenaudit.sources.head import Head
from tokenaudit.sources.langsmith import SOURCE
from tokenaudit.sources.table import detect_table
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText

METADATA = {
    "ls_provider": "openai", "ls_model_name": "gpt-5.4", "user_id": "ann@example.com", "thread_id": "chat-1",
    "team": "core", "question": "never a tag",
}  # fmt: skip
RUN: dict[str, Any] = {
    "id": "run-1", "name": "ChatOpenAI", "run_type": "llm", "start_time": "2026-10-05T08:00:00.123456",
    "session_id": "project-1", "trace_id": "trace-1", "prompt_tokens": 1000, "completion_tokens": 300,
    "total_tokens": 1300, "prompt_token_details": {"cache_read": 600, "audio": 50},
    "completion_token_details": {"reasoning": 120, "audio": 10}, "total_cost": "0.00635",
    "tags": ["prod", "seq:step:2"], "extra": {"metadata": METADATA, "runtime": {"sdk": "x"}},
}  # fmt: skip
AMOUNTS = (
    "uncached_input_tokens", "cache_read_input_tokens", "audio_input_tokens", "output_tokens", "audio_output_tokens",
    "reasoning_output_tokens",
)  # fmt: skip


def test_a_run(read_text: ReadText) -> None:
    """Details are parts of their wholes; the session is the project; the metadata names the rest."""
    row = read_text(SOURCE, json.dumps(RUN)).row()
    assert [row[name] for name in AMOUNTS] == [350, 600, 50, 290, 10, 120]
    assert row["charge_period_start"] == datetime(2026, 10, 5, 8, 0, 0, 123_456, tzinfo=UTC)
    assert (row["project"], row["session"], row["user"]) == ("project-1", "chat-1", "ann@example.com")
    assert (row["provider"], row["request_model"]) == ("openai", "gpt-5.4")
    assert (row["reported_cost"], row["billed_cost"], row["requests"]) == (Decimal("0.00635"), None, 1)
    assert row["tags"] == '{"name":"ChatOpenAI","tags":"prod","team":"core"}'


def test_parquet(tmp_path: Path, read_file: ReadFile, read_text: ReadText) -> None:
    """The bulk export holds instants, decimals and lists of their own, and objects as text or structures."""
    known = RUN | {"start_time": datetime.fromisoformat(RUN["start_time"]), "total_cost": Decimal("0.00635")}
    texts = {name: json.dumps(RUN[name]) for name in ("extra", "prompt_token_details", "completion_token_details")}
    for number, run in enumerate((known, known | texts)):
        path = tmp_path / f"{number}.parquet"
        pl.DataFrame([run]).write_parquet(path)
        assert detect_table(Head(str(path)), SOURCE)
        assert read_file(SOURCE, path).rows.drop("line").equals(read_text(SOURCE, json.dumps(RUN)).rows.drop("line"))


@pytest.mark.parametrize("kind", ["chain", "tool", "retriever", "prompt", "parser"])
def test_what_is_around_a_call_does_not_count(read_text: ReadText, kind: str) -> None:
    """A run around a call repeats its tokens."""
    runs = [RUN, RUN | {"id": "run-2", "run_type": kind}, RUN | {"id": "run-3", "run_type": "embedding"}]
    assert read_text(SOURCE, "\n".join(map(json.dumps, runs))).rows["requests"].to_list() == [1, 1]


DETAILS: list[tuple[dict[str, Any], tuple[int, int, int, int]]] = [
    ({"prompt_token_details": {"cache_read": 600, "cache_creation": 100}}, (300, 600, 100, 0)),
    ({"prompt_token_details": {"cache_read": 600, "ephemeral_1h_input_tokens": 100}}, (300, 600, 0, 100)),
    ({"prompt_token_details": {"cache_read": 3000}}, (1000, 3000, 0, 0)),
    ({"prompt_token_details": {"cache_read": 600}, "total_tokens": 1900}, (1000, 600, 0, 0)),
    ({"prompt_token_details": {"over_200k": 100, "cache_read_over_200k": 20}}, (980, 20, 0, 0)),
    ({"prompt_token_details": None}, (1000, 0, 0, 0)),
    ({"prompt_tokens": None, "completion_tokens": None, "prompt_token_details": None}, (1300, 0, 0, 0)),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), DETAILS)
def test_details(read_text: ReadText, change: dict[str, Any], expected: tuple[int, ...]) -> None:
    """Parts that exceed their whole, or that the total adds, stand beside it; unknown parts stay in it."""
    row = read_text(SOURCE, json.dumps(RUN | {"completion_token_details": None} | change)).row()
    names = ("cache_read_input_tokens", "cache_creation_5m_input_tokens", "cache_creation_1h_input_tokens")
    assert tuple(row[name] for name in ("uncached_input_tokens", *names)) == expected
    assert row["tokens_basis"] == ("estimated" if expected[0] == 1300 else "reported")


@pytest.mark.parametrize(
    "place",
    [
        {"extra": {"metadata": METADATA}},
        {"extra": json.dumps({"metadata": METADATA})},
        {"extra": None, "metadata": METADATA},
        {"extra": None, "extra.metadata": json.dumps(METADATA)},
        {"extra": {"metadata": {**METADATA, "ls_model_name": None}, "invocation_params": {"model": "gpt-5.4"}}},
    ],
)
def test_where_metadata_stands(read_text: ReadText, place: dict[str, Any]) -> None:
    """Metadata may be an object or text, in `extra` or by itself."""
    row = read_text(SOURCE, json.dumps(RUN | place)).row()
    assert (row["user"], row["session"], row["request_model"]) == ("ann@example.com", "chat-1", "gpt-5.4")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_export_without_details_gives_way(tmp_path: Path, order: tuple[int, int]) -> None:
    """Cached input is not added to an older sighting that held it all as plain input."""
    bare = {name: value for name, value in RUN.items() if not name.endswith("details")}
    files = [[RUN], [bare, bare | {"id": "run-9", "start_time": "2026-10-09T00:00:00"}]]
    for number in order:
        path = tmp_path / f"{number}.jsonl"
        path.write_text("\n".join(map(json.dumps, files[number])))
        ingest([str(path)], tmp_path / "store")
    with Store.open(tmp_path / "store") as store:
        rows = store.rows().collect().sort("charge_period_start")
    assert rows["uncached_input_tokens"].to_list() == [350, 1000]


def test_costs_by_side(read_text: ReadText) -> None:
    """Without a total the costs of both sides are added; with one side alone there is no cost."""
    both = {"total_cost": None, "prompt_cost": "0.1", "completion_cost": "0.2"}
    assert read_text(SOURCE, json.dumps(RUN | both)).row()["reported_cost"] == Decimal("0.3")
    assert read_text(SOURCE, json.dumps(RUN | both | {"prompt_cost": None})).row()["reported_cost"] is None
