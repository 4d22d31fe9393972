"""Braintrust: spans of models only, metrics within their wholes, times with decimals, the proxy's own cache."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from tokenaudit.sources.braintrust import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.sources.table import detect_table

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText

METRICS: dict[str, Any] = {
    "start": 1791187200.250001, "end": 1791187201.75, "prompt_tokens": 1000, "prompt_cached_tokens": 600,
    "completion_tokens": 200, "completion_reasoning_tokens": 80, "tokens": 1200, "estimated_cost": 5e-05,
    "time_to_first_token": 0.4, "prompt_length": 9999,
}  # fmt: skip
SPAN: dict[str, Any] = {
    "id": "span-1", "span_id": "span-1", "root_span_id": "root-1", "project_id": "p-1",
    "created": "2026-10-05T07:59:59Z", "span_attributes": {"name": "Chat Completion", "type": "llm"},
    "metadata": {
        "model": "gpt-5.4", "provider": "openai", "user_id": "ann@example.com", "team": "core",
        "tools": [{"description": "never a tag"}],
    },
    "metrics": METRICS, "tags": ["prod"], "input": "never read",
}  # fmt: skip
AMOUNTS = (
    "uncached_input_tokens", "cache_read_input_tokens", "cache_creation_5m_input_tokens",
    "cache_creation_1h_input_tokens", "output_tokens", "reasoning_output_tokens",
)  # fmt: skip


def span(metrics: dict[str, Any] | None = None, **change: Any) -> str:
    """Return a line of the span above with other metrics and fields."""
    return json.dumps(SPAN | {"metrics": METRICS | (metrics or {})} | change)


def test_a_span(read_text: ReadText) -> None:
    """Metrics give disjoint classes, the exact time and cost; metadata gives the model and who."""
    row = read_text(SOURCE, span()).row()
    assert [row[name] for name in AMOUNTS] == [400, 600, 0, 0, 200, 80]
    assert row["charge_period_start"] == datetime(2026, 10, 5, 8, 0, 0, 250_001, tzinfo=UTC)
    assert (row["reported_cost"], row["billed_cost"], row["requests"]) == (Decimal("0.00005"), None, 1)
    assert (row["provider"], row["request_model"], row["user"]) == ("openai", "gpt-5.4", "ann@example.com")
    assert (row["project"], row["session"]) == ("p-1", "root-1")
    assert row["tags"] == '{"name":"Chat Completion","tags":"prod","team":"core"}'


@pytest.mark.parametrize(
    "text", [json.dumps({"events": [SPAN]}), json.dumps({"data": [SPAN]}, indent=1), f"[{span()}]"]
)
def test_pages(read_text: ReadText, tmp_path: Path, text: str) -> None:
    """Pages of the API and arrays hold the same spans, and are recognised."""
    path = tmp_path / "spans.json"
    path.write_text(text)
    assert detect_table(Head(str(path)), SOURCE)
    assert (
        read_text(SOURCE, text).rows["response_id"].to_list() == read_text(SOURCE, span()).rows["response_id"].to_list()
    )


def test_parquet(tmp_path: Path, read_file: ReadFile, read_text: ReadText) -> None:
    """Parquet holds objects as structures or as text."""
    expected = read_text(SOURCE, span()).rows.drop("line")
    nested = ("metrics", "metadata", "span_attributes")
    for number, text in enumerate((SPAN, SPAN | {name: json.dumps(SPAN[name]) for name in nested})):
        path = tmp_path / f"{number}.parquet"
        pl.DataFrame([text]).write_parquet(path)
        assert read_file(SOURCE, path).rows.drop("line").equals(expected)


@pytest.mark.parametrize("kind", ["task", "eval", "tool", "function", "score", None])
def test_what_is_around_a_call_does_not_count(read_text: ReadText, kind: str | None) -> None:
    """Spans around a call repeat its tokens."""
    assert read_text(SOURCE, span(span_attributes={"name": "x", "type": kind})).rows.height == 0


CACHES: list[tuple[dict[str, Any], list[int]]] = [
    ({"prompt_cache_creation_tokens": 100}, [300, 600, 100, 0]),
    (
        {
            "prompt_cache_creation_tokens": 100,
            "prompt_cache_creation_5m_tokens": 60,
            "prompt_cache_creation_1h_tokens": 40,
        },
        [300, 600, 60, 40],
    ),
    ({"prompt_cache_creation_tokens": 100, "prompt_cache_creation_1h_tokens": 40}, [300, 600, 60, 40]),
    ({"prompt_tokens": 19, "prompt_cached_tokens": 3000, "tokens": 219}, [19, 3000, 0, 0]),
    ({"tokens": 1800}, [1000, 600, 0, 0]),
    ({"prompt_tokens": 1000.0, "prompt_cached_tokens": None}, [1000, 0, 0, 0]),
]


@pytest.mark.parametrize(("metrics", "expected"), CACHES)
def test_cached_input(read_text: ReadText, metrics: dict[str, Any], expected: list[int]) -> None:
    """Cached input is part of the prompt, unless its size or the total tells that it stands beside it."""
    row = read_text(SOURCE, span(metrics)).row()
    assert [row[name] for name in AMOUNTS[:4]] == expected


def test_the_proxys_own_cache(read_text: ReadText) -> None:
    """What the proxy answered by itself is no call."""
    row = read_text(SOURCE, span({"cached": 1})).row()
    assert [row[name] for name in ("requests", "reported_cost", *AMOUNTS)] == [0] * 8
    assert row["tags"] == '{"cache":"hit","name":"Chat Completion","tags":"prod","team":"core"}'


def test_spans_without_a_start(read_text: ReadText) -> None:
    """The time is else that of the record."""
    row = read_text(SOURCE, span({"start": None})).row()
    assert row["charge_period_start"] == datetime(2026, 10, 5, 7, 59, 59, tzinfo=UTC)


def test_a_span_counts_once_in_a_file(read_text: ReadText) -> None:
    """Pages may overlap."""
    assert read_text(SOURCE, "\n".join([span(), span(id="span-2"), span()])).rows["requests"].sum() == 2
