"""Cursor usage events: eight headers, disjoint input columns, what is billed, and one event in many downloads."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tokenaudit import schema
from tokenaudit.sources.cursor_usage import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.sources.table import detect_table

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText

INPUT = "Input (w/ Cache Write),Input (w/o Cache Write),Cache Read"
HEADERS = (
    "Date,User,Kind,Max Mode,Model,Tokens,Cost ($)",
    f"Date,User,Kind,Model,{INPUT},Output,Total Tokens,Cost ($)",
    f"Date,Model,{INPUT},Output Tokens,Total Tokens,Cost,Cost to you",
    f"Date,Kind,Model,Max Mode,{INPUT},Output Tokens,Total Tokens,Cost",
    f"Date,User,Kind,Model,Max Mode,{INPUT},Output Tokens,Total Tokens,Requests",
    f"Date,User,Kind,Model,Max Mode,{INPUT},Output Tokens,Total Tokens,Cost",
    f"Date,Cloud Agent ID,Automation ID,Kind,Model,Max Mode,{INPUT},Output Tokens,Total Tokens,Cost",
    f"Date,User,Cloud Agent ID,Automation ID,Kind,Model,Max Mode,{INPUT},Output Tokens,Total Tokens,Cost",
)
TOTAL_ONLY, TEAM = HEADERS[0], HEADERS[5]
CELLS = {
    "Date": "2026-10-01T09:30:00.123Z", "User": "ann@example.com", "Kind": "Included", "Max Mode": "No",
    "Model": "auto", "Input (w/ Cache Write)": "400", "Input (w/o Cache Write)": "30", "Cache Read": "5000",
    "Output Tokens": "6", "Output": "6", "Total Tokens": "5436", "Tokens": "5436", "Cost": "0.13", "Cost ($)": "0.13",
    "Cost to you": "0.13", "Requests": "1", "Cloud Agent ID": "ca-1", "Automation ID": "au-1",
}  # fmt: skip
REAL = {
    "team-requests-usage.csv": "Total Tokens",
    "usage-details-2025-08-30.csv": "Tokens",
    "usage-events-2025-08-31.csv": "Total Tokens",
    "usage-events-2025-09-12.csv": "Total Tokens",
    "usage-tokens-2025-08-30.csv": "Total Tokens",
}


def export(header: str = TEAM, *rows: dict[str, str]) -> str:
    """Return a file, every cell quoted, of the event above with what each row changes."""
    lines = [header, *(",".join(f'"{(CELLS | row)[name]}"' for name in header.split(",")) for row in rows or ({},))]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("header", HEADERS)
def test_headers(read_text: ReadText, tmp_path: Path, header: str) -> None:
    """Every header is recognised, gives the total of its row, and names the same event."""
    path = tmp_path / "usage-events.csv"
    path.write_text(export(header))
    read = read_text(SOURCE, export(header))
    row = read.row()

    assert detect_table(Head(str(path)), SOURCE)
    assert read.rejects == []
    assert sum(row[name] for name in schema.TOKEN_CLASSES) == 5436
    assert row["response_id"] == read_text(SOURCE, export()).rows["response_id"][0]
    assert (row["requests"], row["granularity"], row["request_model"]) == (1, "request", "auto")
    assert row["charge_period_start"] == datetime(2026, 10, 1, 9, 30, 0, 123_000, tzinfo=UTC)


def test_input_columns_are_disjoint(read_text: ReadText) -> None:
    """Input with a cache write was written to the cache; input without one was not; neither holds the other."""
    row = read_text(SOURCE, export()).row()

    assert {name: row[name] for name in schema.TOKEN_CLASSES if row[name]} == {
        "uncached_input_tokens": 30, "cache_creation_5m_input_tokens": 400, "cache_read_input_tokens": 5000,
        "output_tokens": 6,
    }  # fmt: skip
    assert row["tokens_basis"] == "reported"


def test_only_a_total(read_text: ReadText) -> None:
    """A row that tells its total only says so: its class is a guess."""
    row = read_text(SOURCE, export(TOTAL_ONLY)).row()

    assert (row["uncached_input_tokens"], row["tokens_basis"], row["origin_rank"]) == (5436, "estimated", 2)


BILLS = {
    ("Included", "0.13"): ("0.13", None, "included"),
    ("Included in Pro", "Included"): (None, None, "included"),
    ("free", "0.13"): ("0.13", None, "included"),
    ("On-Demand", "$1.50"): ("1.5", "1.5", "billed"),
    ("Usage-based", "1.5"): ("1.5", "1.5", "billed"),
    ("On-Demand", "-"): (None, None, None),
    ("Errored, Not Charged", "0.28"): ("0.28", "0", "billed"),
    ("Errored, No Charge", "NaN"): (None, "0", "billed"),
    ("Aborted, Not Charged", ""): (None, "0", "billed"),
    ("User API Key", "0.13"): ("0.13", "0", "billed"),
    ("A kind of tomorrow", "0.13"): ("0.13", "0.13", "billed"),
}


@pytest.mark.parametrize("case", BILLS)
def test_what_is_billed(read_text: ReadText, case: tuple[str, str]) -> None:
    """The cost is nominal; the kind says whether anybody pays it here. Every kind is a request."""
    row = read_text(SOURCE, export(TEAM, {"Kind": case[0], "Cost": case[1]})).row()
    listed, billed, basis = BILLS[case]

    assert row["list_cost"] == (listed and Decimal(listed))
    assert row["billed_cost"] == (billed and Decimal(billed))
    assert (row["cost_basis"], row["requests"]) == (basis, 1)


@pytest.mark.parametrize(("own", "basis"), [("0.05", "billed"), ("0", "included")])
def test_cost_to_you(read_text: ReadText, own: str, basis: str) -> None:
    """Where the file says what the person pays, that is billed; nothing of something is covered."""
    row = read_text(SOURCE, export(HEADERS[2], {"Cost to you": own})).row()

    assert (row["list_cost"], row["cost_basis"]) == (Decimal("0.13"), basis)
    assert row["billed_cost"] == (Decimal(own) if basis == "billed" else None)


def test_cells_as_cursor_writes_them(read_text: ReadText) -> None:
    """Tokens may be blank or have separators; ``You`` is nobody in particular; models may hold commas."""
    odd = {"User": "You", "Cache Read": "1,200", "Output Tokens": "", "Model": "GPT-5.6 Sol (Auto, high)"}
    row = read_text(SOURCE, export(TEAM, odd)).row()

    assert (row["user"], row["cache_read_input_tokens"], row["output_tokens"]) == (None, 1200, 0)
    assert (row["request_model"], row["origin_rank"]) == ("GPT-5.6 Sol (Auto, high)", 1)


def test_cloud_agents(read_text: ReadText) -> None:
    """A cloud agent is a session; the automation and the kind stay as tags."""
    row = read_text(SOURCE, export(HEADERS[7])).row()

    assert row["session"] == "ca-1"
    assert row["tags"] == '{"kind":"Included","max_mode":"No","automation_id":"au-1"}'


def test_event_is_its_time_model_and_tokens(read_text: ReadText) -> None:
    """Cost and kind change afterwards and users are not always there; none of them makes another event."""
    same: list[dict[str, str]] = [{}, {"Cost": "0.99"}, {"Kind": "On-Demand"}, {"User": "You"}]
    other = [{"Date": "2026-10-01T09:30:00.124Z"}, {"Model": "gpt-5"}, {"Output Tokens": "7", "Total Tokens": "5437"}]

    rows = read_text(SOURCE, export(TEAM, *same, *other)).rows

    assert rows["response_id"].n_unique() == 1 + len(other)
    assert rows.height == len(same) + len(other)


@pytest.mark.parametrize("name", REAL)
def test_real_files(shared: Path, read_file: ReadFile, name: str) -> None:
    """Classes add up to the total column; on these files nobody pays by the event."""
    path = shared / "samples" / "exports" / "cursor_usage_events" / name
    with path.open(newline="") as file:
        stated = [int(row[REAL[name]]) for row in csv.DictReader(file)]
    read = read_file(SOURCE, path)

    assert detect_table(Head(str(path)), SOURCE)
    assert read.rejects == []
    assert read.rows.select(pl.sum_horizontal(schema.TOKEN_CLASSES)).to_series().to_list() == stated
    assert (read.rows["requests"].sum(), read.rows["billed_cost"].sum()) == (len(stated), 0)


def test_real_generations_hold_the_same_events(shared: Path, read_file: ReadFile) -> None:
    """One person's two old downloads hold the same 96 events, and 92 of them stand in the newer one."""
    folder = shared / "samples" / "exports" / "cursor_usage_events"
    names = ("usage-details-2025-08-30.csv", "usage-tokens-2025-08-30.csv", "usage-events-2025-08-31.csv")
    details, tokens, events = (set(read_file(SOURCE, folder / name).rows["response_id"]) for name in names)

    assert details == tokens
    assert (len(details), len(details & events)) == (96, 92)
