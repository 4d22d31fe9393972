"""LiteLLM's daily activity: two spellings and four variants of one day, whose entity is whose, tags, guards."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.ingested import totals_of
from tokenaudit import schema
from tokenaudit.sources.litellm_daily import SOURCE, records

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText

PLAIN = (
    "date,entity_id,entity_alias,api_key,key_alias,user_id,user_email,model,spend,flat_cost,prompt_tokens,"
    "completion_tokens,api_requests,successful_requests,failed_requests,cache_read_input_tokens,"
    "cache_creation_input_tokens"
)
COUNTS = "Total Tokens,Prompt Tokens,Completion Tokens,Cache Read Input Tokens,Cache Creation Input Tokens"
DAILY = f"Date,Team,Team ID,Spend ($),Requests,Successful Requests,Failed Requests,{COUNTS}"
KEYS = (
    "Date,Team,Team ID,Key Alias,Key ID,User ID,User Email,Spend ($),Flat Cost ($),Total Cost ($),Requests,"
    f"Successful Requests,Failed Requests,{COUNTS}"
)
USERS = f"Date,Team,Team ID,User ID,User Email,Keys,Spend ($),Requests,Successful Requests,Failed Requests,{COUNTS}"
MODELS = f"Date,Team,Team ID,Model,Spend ($),Requests,Successful,Failed,{COUNTS}"
OLD = "Date,Team,Team ID,Model,Spend ($),Requests,Successful,Failed,Total Tokens"
CELLS = {
    "date": "2026-10-01", "entity_id": "team-1", "entity_alias": "Platform", "api_key": "hash-1",
    "key_alias": "backend", "user_id": "u-1", "user_email": "alice@example.com", "model": "gpt-5-mini", "spend": "2.5",
    "flat_cost": "10", "prompt_tokens": "5000", "completion_tokens": "300", "api_requests": "7",
    "successful_requests": "6", "failed_requests": "1", "cache_read_input_tokens": "3500",
    "cache_creation_input_tokens": "1000", "total_tokens": "5300", "total_cost": "12.5", "keys": "2",
}  # fmt: skip
TITLES = {
    "Team": "entity_alias", "Team ID": "entity_id", "Key ID": "api_key", "Spend ($)": "spend",
    "Flat Cost ($)": "flat_cost", "Total Cost ($)": "total_cost", "Requests": "api_requests",
    "Successful": "successful_requests", "Failed": "failed_requests",
}  # fmt: skip


def export(header: str, *rows: dict[str, str]) -> str:
    """Return an export of the row above, by the plain names, with what each row changes."""
    names = [TITLES.get(name, name.lower().replace(" ", "_")) for name in header.split(",")]
    lines = [header, *(",".join((CELLS | row).get(name, "") for name in names) for row in rows or ({},))]
    return "\r\n".join(lines) + "\r\n"


@pytest.mark.parametrize("header", [PLAIN, DAILY, KEYS, USERS, MODELS])
def test_spellings_and_variants(read_text: ReadText, header: str) -> None:
    """Cache reads and writes are part of the prompt; flat cost is part of what LiteLLM computes."""
    row = read_text(SOURCE, export(header)).row()

    assert {name: row[name] for name in schema.COUNTS if row[name]} == {
        "uncached_input_tokens": 500, "cache_read_input_tokens": 3500, "cache_creation_5m_input_tokens": 1000,
        "output_tokens": 300, "requests": 7,
    }  # fmt: skip
    assert (row["reported_cost"], row["billed_cost"]) == (Decimal("12.5" if "lat" in header else "2.5"), None)
    assert row["user"] == ("alice@example.com" if "mail" in header else None)
    assert row["api_key"] == ("backend" if header in (PLAIN, KEYS) else None)
    assert row["request_model"] == ("gpt-5-mini" if header in (PLAIN, MODELS) else None)
    assert (row["charge_period_start"], row["granularity"]) == (datetime(2026, 10, 1, tzinfo=UTC), "day")
    assert (row["workspace"], row["tokens_basis"]) == ("Platform", "reported")


def test_only_totals(read_text: ReadText) -> None:
    """An old export tells no classes: the total is a guess."""
    row = read_text(SOURCE, export(OLD)).row()

    assert (row["uncached_input_tokens"], row["output_tokens"], row["tokens_basis"]) == (5300, 0, "estimated")


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("team-usage-2026-10-01-2026-10-31-daily.csv", "workspace", "Platform"),
        ("some file.csv", "workspace", "Platform"),
        ("organization-usage-2026-10-01-2026-10-31-daily.csv", "tags", '{"organization":"Platform"}'),
        ("customer_usage_daily_2026-10-31.csv", "tags", '{"end_user":"Platform"}'),
        ("agent_usage_daily_2026-10-31.csv", "tags", '{"agent":"Platform"}'),
        ("user_usage_daily_2026-10-31.csv", "user", "Platform"),
    ],
)
def test_entities(read_file: ReadFile, tmp_path: Path, name: str, column: str, value: str) -> None:
    """The plain spelling leaves it to the file's name what an entity is; the identity does not depend on it."""
    for path in (tmp_path / name, tmp_path / "copy.csv"):
        path.write_text(export(PLAIN, {"user_id": "", "user_email": ""}))
    row, copy = (read_file(SOURCE, path).row() for path in (tmp_path / name, tmp_path / "copy.csv"))

    assert row[column] == value
    assert row["response_id"] == copy["response_id"]


@pytest.mark.parametrize("kind", ["Organization", "Customer", "Agent"])
def test_titled_entities(read_text: ReadText, kind: str) -> None:
    """The titled spelling names the entity in its header."""
    row = read_text(SOURCE, export(DAILY).replace("Team", kind)).row()

    assert row["workspace"] is None
    assert "Platform" in row["tags"]
    assert row["account"] is None


@pytest.mark.parametrize("text", [export(DAILY).replace("Team,Team ID", "Tag Alias,Tag ID"), export(PLAIN)])
def test_tags_overlap(read_file: ReadFile, tmp_path: Path, text: str) -> None:
    """A call stands in an export by tag once for each of its tags: its rows are no spend."""
    path = tmp_path / "tag_usage_daily.csv"
    path.write_text(text)
    read = read_file(SOURCE, path)

    assert read.rows.height == 0
    assert [item.reason for item in read.rejects] == [
        "a call counts here once for each of its tags: export by team or user"
    ]


@pytest.mark.parametrize(
    ("cell", "expected"), [("'=cmd", "=cmd"), ("'-1", "-1"), ("-", "hash-1"), ("o'neil", "o'neil")]
)
def test_guards_of_spreadsheets(read_text: ReadText, cell: str, expected: str) -> None:
    """An apostrophe before a formula is no part of a name, and a dash is none."""
    assert read_text(SOURCE, export(KEYS, {"key_alias": cell})).row()["api_key"] == expected


def test_json(read_text: ReadText) -> None:
    """The API's JSON of an export by user holds the same rows."""
    row = {name: int(value) if value.isdigit() else value for name, value in CELLS.items() if "entity" not in name}
    found = read_text(SOURCE, json.dumps({"metadata": {"total_spend": 2.5}, "data": [row | {"spend": 2.5}]})).row()

    assert (found["user"], found["uncached_input_tokens"], found["workspace"]) == ("alice@example.com", 500, None)
    assert found["reported_cost"] == Decimal("12.5")


def test_variants_of_a_day_are_one_day() -> None:
    """Of exports of the same days the fuller one stands, also for calls without a team; other teams stay."""
    nobody = {"entity_alias": "-", "entity_id": "-"}
    daily = export(DAILY, {"api_requests": "10"}, nobody | {"api_requests": "4"})
    keys = [{"api_key": f"hash-{n}", "user_id": f"u-{n}", "api_requests": "5"} for n in (1, 2)]
    by_key = export(KEYS, *keys, nobody | {"api_requests": "3"}, nobody | {"user_id": "u-9", "api_requests": "1"})
    other = export(DAILY, {"entity_id": "team-2", "api_requests": "100"})

    for texts in ([daily, by_key, other], [other, by_key, daily], [by_key, daily, by_key, other]):
        assert totals_of(texts)["requests"] == 114


@settings(max_examples=6)
@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["a", "b"]), st.integers(0, 99)), min_size=1, max_size=9))
def test_pieces_add_up(found: list[tuple[int, str, int]]) -> None:
    """A file for each day and team, in any order and again, gives what one file gives."""
    rows = {key: [row for row in found if row[:2] == key] for key in {row[:2] for row in found}}

    def text(*cells: tuple[int, str, int]) -> str:
        return export(PLAIN, *({"date": f"2026-10-0{d}", "entity_id": t, "api_requests": str(n)} for d, t, n in cells))

    pieces = [text(*part) for part in rows.values()]
    for texts in ([text(*found)], pieces, [*pieces[::-1], text(*found)]):
        assert totals_of(texts)["requests"] == sum(row[2] for row in found)


@pytest.mark.parametrize("document", [None, {"data": [{"date": "2026-10-01", "spend": 1}]}, {"results": []}, [1]])
def test_foreign_documents(document: object) -> None:
    """What is no export yields nothing."""
    assert list(records(document)) == []
