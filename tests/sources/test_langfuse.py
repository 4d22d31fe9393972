"""Langfuse: two exports and API pages, generations only, disjoint usage maps, one observation in every export."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from tokenaudit.sources.head import Head
from tokenaudit.sources.langfuse import SOURCE
from tokenaudit.sources.table import detect_table

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText

USAGE = {"input": 30, "cache_read_input_tokens": 5000, "cache_creation_input_tokens": 600, "output": 200}
UI: dict[str, Any] = {
    "id": "obs-1", "traceId": "t-1", "startTime": "2026-10-05T08:00:01.250Z", "projectId": "p-1", "type": "GENERATION",
    "name": "answer", "model": "claude-sonnet-4-6", "usageDetails": USAGE, "inputUsage": 5630, "outputUsage": 200,
    "totalCost": 0.00684, "environment": "production", "traceName": "search", "traceTags": ["a", "b"],
    "userId": "ann@example.com", "helpfulness": "0.9",
}  # fmt: skip
BLOB: dict[str, Any] = {
    "id": "obs-1", "trace_id": "t-1", "project_id": "p-1", "environment": "production", "type": "GENERATION",
    "start_time": "2026-10-05 08:00:01.250000", "name": "answer", "provided_model_name": "claude-sonnet-4-6",
    "usage_details": USAGE, "total_cost": 0.00684, "model_id": "inner",
}  # fmt: skip


def as_csv(row: dict[str, Any]) -> str:
    """Return a CSV file of a row, every cell quoted, objects as JSON."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(row)
    writer.writerow([json.dumps(value) if isinstance(value, dict | list) else value for value in row.values()])
    return text.getvalue()


DRESSES = {
    "UI lines": json.dumps(UI),
    "UI array": json.dumps([UI], indent=1),
    "UI table": as_csv(UI),
    "API page": json.dumps({"data": [UI], "meta": {}}),
    "blob lines": json.dumps(BLOB),
    "blob table": as_csv(BLOB),
}


@pytest.mark.parametrize("dress", DRESSES)
def test_every_export_holds_the_same_call(read_text: ReadText, tmp_path: Path, dress: str) -> None:
    """Each export is recognised and gives the same observation, classes and cost."""
    path = tmp_path / "export"
    path.write_text(DRESSES[dress])
    read = read_text(SOURCE, DRESSES[dress])
    row = read.row()

    assert detect_table(Head(str(path)), SOURCE)
    assert read.rejects == []
    assert row["response_id"] == read_text(SOURCE, DRESSES["UI lines"]).row()["response_id"]
    assert row["charge_period_start"] == datetime(2026, 10, 5, 8, 0, 1, 250_000, tzinfo=UTC)
    assert (row["request_model"], row["provider"], row["project"]) == ("claude-sonnet-4-6", "anthropic", "p-1")
    assert (row["uncached_input_tokens"], row["cache_read_input_tokens"], row["output_tokens"]) == (30, 5000, 200)
    assert row["cache_creation_5m_input_tokens"] == 600
    assert (row["reported_cost"], row["billed_cost"], row["requests"]) == (Decimal("0.00684"), None, 1)


def test_parquet(tmp_path: Path, read_file: ReadFile) -> None:
    """A Parquet file holds its map as a list of keys and values, or as a structure."""
    entries = [{"key": key, "value": value} for key, value in USAGE.items()]
    for number, usage in enumerate((entries, USAGE)):
        path = tmp_path / f"{number}.parquet"
        pl.DataFrame([{**BLOB, "usage_details": usage, "total_cost": Decimal("0.00684")}]).write_parquet(path)
        row = read_file(SOURCE, path).row()
        assert detect_table(Head(str(path)), SOURCE)
        assert (row["uncached_input_tokens"], row["cache_read_input_tokens"]) == (30, 5000)
        assert row["reported_cost"] == Decimal("0.00684")


def test_who_and_where(read_text: ReadText) -> None:
    """The UI's export names the user; the enriched one user and session; the older one neither."""
    ui, old = read_text(SOURCE, json.dumps(UI)).row(), read_text(SOURCE, json.dumps(BLOB)).row()
    enriched = {**BLOB, "user_id": "bob@example.com", "session_id": "s-1", "tags": ["x"], "trace_name": "search"}
    new = read_text(SOURCE, json.dumps(enriched)).row()

    assert [(row["user"], row["session"], row["origin_rank"]) for row in (ui, old, new)] == [
        ("ann@example.com", "t-1", 0),
        (None, "t-1", 1),
        ("bob@example.com", "s-1", 0),
    ]
    assert ui["tags"] == '{"environment":"production","trace_name":"search","name":"answer","tags":"a,b"}'
    assert new["tags"] == '{"environment":"production","trace_name":"search","name":"answer","tags":"x"}'


@pytest.mark.parametrize("kind", ["SPAN", "AGENT", "CHAIN", "TOOL", "EVENT", "RETRIEVER", "EVALUATOR", "GUARDRAIL"])
def test_what_is_around_a_call_does_not_count(read_text: ReadText, kind: str) -> None:
    """Observations around generations repeat their totals; embeddings are calls of a model."""
    text = "\n".join(json.dumps(UI | {"id": kind, "type": kind}) for kind in (kind, "EMBEDDING"))
    assert read_text(SOURCE, text).rows["requests"].to_list() == [1]


def test_a_total_alone_is_a_guess(read_text: ReadText) -> None:
    """Tokens of no named class count as input, marked as estimated; a call without usage counts as a request."""
    row = read_text(SOURCE, json.dumps(UI | {"usageDetails": {"total": 512}})).row()
    assert (row["uncached_input_tokens"], row["tokens_basis"]) == (512, "estimated")
    empty = read_text(SOURCE, json.dumps(UI | {"usageDetails": {}})).row()
    assert (empty["uncached_input_tokens"], empty["tokens_basis"], empty["requests"]) == (0, "reported", 1)


def test_bad_rows(read_text: ReadText) -> None:
    """A generation without an id or a time is refused, with its line and reason."""
    rows = [UI, UI | {"id": None}, UI | {"startTime": None}, UI | {"totalCost": "free"}]
    read = read_text(SOURCE, "\n".join(map(json.dumps, rows)))
    assert read.rows.height == 1
    assert [(item.line, item.reason) for item in read.rejects] == [
        (2, "no id"),
        (3, "the row names no time"),
        (4, '"totalcost" is not an amount of money: "free"'),
    ]
