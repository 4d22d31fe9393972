"""Anthropic tokens exports: the columns are disjoint as they stand; hours and days, keys and workspaces."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tokenaudit import schema
from tokenaudit.sources.anthropic_usage import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.sources.table import detect_table

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText

COUNTS = (
    "usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,"
    "usage_input_tokens_cache_read,usage_output_tokens,web_search_count"
)
V1 = f"usage_date_utc,model_version,api_key,workspace,usage_type,{COUNTS}\n"
V2 = V1.replace("usage_type", "usage_type,context_window")
V3 = V2.replace("web_search_count", "web_search_count,inference_geo,speed")
CLASSES = {
    "uncached_input_tokens": 100, "cache_creation_5m_input_tokens": 20, "cache_creation_1h_input_tokens": 30,
    "cache_read_input_tokens": 4000, "output_tokens": 50,
}  # fmt: skip
CELLS = "100,20,30,4000,50,2"


@pytest.mark.parametrize(
    "text",
    [
        f"{V1}2026-10-01,claude-haiku-4-5,web,Default,standard,{CELLS}\n",
        f"{V2}2026-10-01,claude-haiku-4-5,web,Default,standard,≤ 200k,{CELLS}\n",
        f"{V3}2026-10-01,claude-haiku-4-5,web,Default,standard,≤ 200k,{CELLS},global,\n",
    ],
)
def test_generations(read_text: ReadText, text: str) -> None:
    """Each generation gives the same classes; requests are not in the file and stay 0."""
    row = read_text(SOURCE, text).row()

    assert {name: row[name] for name in schema.TOKEN_CLASSES if row[name]} == CLASSES
    assert (row["requests"], row["web_search_requests"], row["service_tier"], row["batch"]) == (0, 2, "standard", False)
    assert (row["workspace"], row["api_key"], row["user"], row["granularity"]) == ("Default", "web", None, "day")


def test_dropped_columns(read_text: ReadText) -> None:
    """The Console leaves out columns that do not apply; without workspaces all is in the default one."""
    row = read_text(SOURCE, "usage_date_utc,model_version,usage_output_tokens\n2026-10-01,claude-haiku-4-5,7\n").row()

    assert (row["output_tokens"], row["workspace"], row["api_key"]) == (7, "Default", None)


@pytest.mark.parametrize(
    ("text", "grain", "end"),
    [("2026-10-01", "day", (2026, 10, 2, 0)), ("2026-10-01 00:00", "hour", (2026, 10, 1, 1))],
)
def test_hours_and_days(read_text: ReadText, text: str, grain: str, end: tuple[int, int, int, int]) -> None:
    """A date is a day; a date with a time is an hour, midnight too."""
    row = read_text(SOURCE, f"{V1}{text},claude-haiku-4-5,web,Default,standard,{CELLS}\n").row()

    assert row["granularity"] == grain
    assert row["charge_period_end"] == datetime(*end, tzinfo=UTC)


def test_terms(read_text: ReadText) -> None:
    """Batch is a way of sending, not a tier; a geography that is not available is none."""
    rows = read_text(
        SOURCE,
        f"{V3}2026-10-01,claude-haiku-4-5,web,,batch,≤ 200k,{CELLS},not_available,\n"
        f"2026-10-01,claude-opus-5-5,web,,priority,> 200k,{CELLS},us,Fast\n",
    ).rows

    assert rows.select("service_tier", "batch", "region", "speed", "tags").rows() == [
        ("standard", True, None, None, '{"context_window":"≤ 200k"}'),
        ("priority", False, "us", "fast", '{"context_window":"> 200k"}'),
    ]


def test_developer_of_a_key(read_text: ReadText) -> None:
    """The keys that Claude Code makes name their developer."""
    row = read_text(SOURCE, f"{V1}2026-10-01,m,claude_code_key_ann.lee_x1y2,Claude Code,standard,{CELLS}\n").row()

    assert (row["user"], row["api_key"]) == ("ann.lee", "claude_code_key_ann.lee_x1y2")


def test_bucket_of_a_key_is_the_identity(read_text: ReadText) -> None:
    """A key's day in a workspace is one thing whatever its counts; another key, workspace or day is another."""
    texts = ["01,m,a,Default", "01,n,a,", "01,m,b,Default", "01,m,a,Lab", "02,m,a,Default"]
    rows = [read_text(SOURCE, f"{V1}2026-10-{text},standard,{n},0,0,0,1,0\n").rows for n, text in enumerate(texts)]

    same, again, *others = [row["response_id"][0] for row in rows]

    assert same == again
    assert len({same, *others}) == 4


@pytest.mark.parametrize("text", ["yesterday", "", "2026-10"])
def test_unreadable_date(read_text: ReadText, text: str) -> None:
    """A row without its date is a reject that shows what stood there."""
    read = read_text(SOURCE, f"{V1}{text},m,web,Default,standard,{CELLS}\n")

    assert [reject.reason for reject in read.rejects] == [f'"usage_date_utc" is not a date or hour: "{text}"']


@pytest.mark.parametrize("name", ["real_rows_2026-03-31.csv", "token-xray_usage_v3_header.csv"])
def test_real_files(shared: Path, read_file: ReadFile, name: str) -> None:
    """Every count of the file is in one class, hour by hour."""
    path = shared / "samples" / "exports" / "anthropic_console_usage" / name
    with path.open(newline="", encoding="utf-8") as file:
        stated = sum(int(cell) for row in csv.DictReader(file) for key, cell in row.items() if "tokens" in key)
    read = read_file(SOURCE, path)

    assert detect_table(Head(str(path)), SOURCE)
    assert read.rejects == []
    assert sum(read.rows[name].sum() for name in schema.TOKEN_CLASSES) == stated
    assert read.rows["granularity"].unique().to_list() == ["hour"]
