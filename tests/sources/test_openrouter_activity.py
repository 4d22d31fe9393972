"""OpenRouter activity: two shapes of a day, what is billed and what is paid elsewhere, a day replaced whole."""

from __future__ import annotations

import csv
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
from tokenaudit.sources.head import Head
from tokenaudit.sources.openrouter_activity import SOURCE, records
from tokenaudit.sources.table import detect_table

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText

HEADER = "Date,Slug,Usage,BYOK Usage,Requests,Prompt Tokens,Completion Tokens,Reasoning Tokens"
ITEM = {
    "date": "2026-10-03", "model": "a/b", "model_permaslug": "a/b-20251124", "endpoint_id": "e-1",
    "provider_name": "Acme", "usage": 12.5, "byok_usage_inference": 0, "requests": 120, "prompt_tokens": 2000,
    "completion_tokens": 90, "reasoning_tokens": 40, "cached_tokens": 1500, "workspace_id": "ws-1",
}  # fmt: skip


def export(*rows: tuple[object, ...]) -> str:
    """Return a CSV as OpenRouter writes it."""
    return "\n".join([HEADER, *(",".join(f'"{cell}"' for cell in row) for row in rows)]) + "\n"


def page(**changes: object) -> str:
    """Return a page of the API with one item."""
    return json.dumps({"data": [ITEM | changes]})


def test_csv(read_text: ReadText) -> None:
    """A row is a day of a model; usage is the bill, BYOK usage is paid elsewhere."""
    row = read_text(SOURCE, export(("2026-10-02 00:00:00", "a/b", "0.31", "6.2", "52", "980", "205", "300"))).row()

    assert {name: row[name] for name in schema.COUNTS if row[name]} == {
        "uncached_input_tokens": 980, "output_tokens": 205, "reasoning_output_tokens": 205, "requests": 52,
    }  # fmt: skip
    assert (row["billed_cost"], row["reported_cost"]) == (Decimal("0.31"), Decimal("6.2"))
    assert (row["request_model"], row["provider"], row["granularity"]) == ("a/b", "openrouter", "day")
    assert row["charge_period_start"] == datetime(2026, 10, 2, tzinfo=UTC)
    assert row["charge_period_end"] == datetime(2026, 10, 3, tzinfo=UTC)


@pytest.mark.parametrize(("cached", "read", "uncached"), [(1500, 1500, 500), (2600, 2000, 0), (None, 0, 2000)])
@pytest.mark.parametrize("date", ["2026-10-03", "2026-10-03 00:00:00"])
def test_json(read_text: ReadText, date: str, cached: int | None, read: int, uncached: int) -> None:
    """Cache reads are part of the prompt, and never more than it; both spellings of a date are a day."""
    row = read_text(SOURCE, page(date=date, cached_tokens=cached)).row()

    assert (row["cache_read_input_tokens"], row["uncached_input_tokens"], row["output_tokens"]) == (read, uncached, 90)
    assert (row["billed_cost"], row["reported_cost"], row["workspace"]) == (Decimal("12.5"), None, "ws-1")
    assert row["charge_period_start"] == datetime(2026, 10, 3, tzinfo=UTC)


@pytest.mark.parametrize(("at", "reason"), [(0, "no date"), (2, "no usage")])
def test_rejects(read_text: ReadText, at: int, reason: str) -> None:
    """A row without its day or its amount is not a row of nothing."""
    cells = ["2026-10-02", "a/b", "1", "0", "1", "1", "1", "0"]
    cells[at] = ""
    read = read_text(SOURCE, export(tuple(cells)))

    assert [item.reason for item in read.rejects] == [reason]


def test_a_day_is_replaced_whole() -> None:
    """CSV and JSON cut a day differently: of two downloads the newer stands, and other days stay."""
    first = export(
        ("2026-10-02", "a/b", "1", "0", "1", "1", "1", "0"), ("2026-10-03", "a/b", "5", "0", "7", "9", "9", "0")
    )
    later = json.dumps({"data": [ITEM, ITEM | {"workspace_id": "ws-2"}, ITEM | {"date": "2026-10-04"}]})

    for texts in ([first, later], [later, first]):
        found = totals_of(texts)
        assert (found["billed_cost"], found["requests"]) == (1 + 3 * Decimal("12.5"), 361)


@settings(max_examples=10)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9)), min_size=1, max_size=8), st.randoms())
def test_pieces_add_up(found: list[tuple[int, int]], random: object) -> None:
    """Equal rows of one file all count; whole days in files of their own, in any order, give the same totals."""
    rows = [(f"2026-10-0{day}", "a/b", amount, 0, 1, amount, 1, 0) for day, amount in sorted(found)]
    days = {row[0] for row in rows}
    pieces = [export(*(row for row in rows if row[0] == day)) for day in days]
    random.shuffle(pieces)  # type: ignore[attr-defined]

    expected = sum(amount for _, amount in found)
    assert totals_of([export(*rows)])["billed_cost"] == expected
    assert totals_of([*pieces, export(*rows)])["billed_cost"] == expected
    assert totals_of(pieces)["requests"] == len(found)


@pytest.mark.parametrize("document", [None, [ITEM], {"data": [{"date": "2026-10-01"}, 3]}, {"date": 1}, "text"])
def test_foreign_documents(document: object) -> None:
    """What is no activity yields nothing."""
    assert list(records(document)) == []


def test_real_file(shared: Path, read_file: ReadFile) -> None:
    """The published sample: two days of one model, to the cent."""
    path = shared / "samples" / "exports" / "openrouter" / "activity_by_model_daily.csv"
    with path.open(newline="") as file:
        cells = list(csv.DictReader(file))
    read = read_file(SOURCE, path)

    assert detect_table(Head(str(path)), SOURCE)
    assert read.rejects == []
    assert read.rows["billed_cost"].sum() == sum(Decimal(row["Usage"]) for row in cells) == Decimal("935.94")
    assert read.rows["requests"].sum() == sum(int(row["Requests"]) for row in cells) == 8369
    assert read.rows["uncached_input_tokens"].sum() == 158_165_158
