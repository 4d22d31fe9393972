"""Cursor usage events: eight headers, disjoint input columns, what is billed, and one event in many downloads."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenaudit import schema
from tokenaudit.ingest.run import ingest
from tokenaudit.sources.cursor_usage import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.sources.table import detect_table
from tokenaudit.store.store import Store

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


# -- Admin API and dashboard API --------------------------------------------------------------------------------------
EVENT: dict[str, Any] = {
    "timestamp": "1790847000123", "userEmail": "ann@example.com", "conversationId": "c-1", "model": "auto",
    "kind": "Usage-based", "maxMode": False, "requestsCosts": 5, "isTokenBasedCall": True, "isChargeable": True,
    "tokenUsage": {
        "inputTokens": 30, "outputTokens": 6, "cacheWriteTokens": 400, "cacheReadTokens": 5000, "totalCents": 20.18232,
    },
    "chargedCents": 21.36232, "cursorTokenFee": 1.18,
}  # fmt: skip
"""The event of the CSV above: 2026-10-01T09:30:00.123Z."""


def page(*changes: dict[str, Any], name: str = "usageEvents") -> str:
    """Return a page of the event above with what each change changes; a value of None takes a key out."""
    events = [{key: value for key, value in (EVENT | change).items() if value is not None} for change in changes]
    return json.dumps({"totalUsageEventsCount": 113, "pagination": {"hasNextPage": True}, name: events})


@pytest.mark.parametrize("name", ["usageEvents", "usageEventsDisplay"])
@pytest.mark.parametrize("indent", [None, 2])
def test_api_page(read_text: ReadText, tmp_path: Path, name: str, indent: int | None) -> None:
    """A page holds the event that the CSV holds, in the same classes, and the session that the CSV does not name."""
    text = json.dumps(json.loads(page({}, name=name)), indent=indent)
    (tmp_path / "page.json").write_text(text)
    read = read_text(SOURCE, text)
    row, listed = read.row(), read_text(SOURCE, export()).row()

    assert detect_table(Head(str(tmp_path / "page.json")), SOURCE)
    assert read.rejects == []
    same = ("response_id", "charge_period_start", "user", "request_model", *schema.TOKEN_CLASSES, "tokens_basis")
    assert [row[key] for key in same] == [listed[key] for key in same]
    assert (row["session"], row["tags"]) == ("c-1", '{"kind":"Usage-based","max_mode":"No"}')


API_BILLS: list[tuple[dict[str, Any], tuple[str | None, str | None, str | None]]] = [
    ({}, ("0.2018232", "0.2136232", "billed")),
    ({"cursorTokenFee": None, "chargedCents": None}, ("0.2018232", "0.2018232", "billed")),
    ({"chargedCents": None}, ("0.2018232", "0.2136232", "billed")),
    ({"kind": "Included in Business", "isChargeable": False}, ("0.2018232", None, "included")),
    ({"kind": "USAGE_EVENT_KIND_INCLUDED_IN_ULTRA"}, ("0.2018232", None, "included")),
    ({"kind": "USAGE_EVENT_KIND_FREE_CREDIT"}, ("0.2018232", None, "included")),
    ({"kind": "USAGE_EVENT_KIND_USAGE_BASED"}, ("0.2018232", "0.2136232", "billed")),
    ({"kind": "USAGE_EVENT_KIND_ERRORED_NOT_CHARGED", "isChargeable": False}, ("0.2018232", "0", "billed")),
    ({"kind": "USAGE_EVENT_KIND_USER_API_KEY"}, ("0.2018232", "0", "billed")),
    ({"kind": "A kind of tomorrow", "isChargeable": False}, ("0.2018232", None, "included")),
    ({"kind": "Usage-based", "isFreeBugbot": True}, ("0.2018232", None, "included")),
    ({"kind": None, "chargedCents": None, "usageBasedCosts": "-"}, ("0.2018232", None, "included")),
    ({"kind": None, "chargedCents": None, "usageBasedCosts": "$0.21"}, ("0.2018232", "0.21", "billed")),
    ({"tokenUsage": None, "isTokenBasedCall": False, "chargedCents": 8}, ("0.08", "0.08", "billed")),
    (
        {"chargedCents": 0.1 + 0.2, "tokenUsage": {"totalCents": 1e-7}},
        ("0.000000001", "0.003", "billed"),
    ),
]


@pytest.mark.parametrize(("changes", "expected"), API_BILLS)
def test_what_the_api_bills(
    read_text: ReadText, changes: dict[str, Any], expected: tuple[str | None, str | None, str | None]
) -> None:
    """Cents with fractions, exactly; `chargedCents` stands in covered and failed events too, where nobody pays it."""
    row = read_text(SOURCE, page(changes)).row()
    listed, billed, basis = expected

    assert row["list_cost"] == (listed and Decimal(listed))
    assert row["billed_cost"] == (billed and Decimal(billed))
    assert (row["cost_basis"], row["requests"]) == (basis, 1)


def test_keys_that_are_absent(read_text: ReadText) -> None:
    """Classes that are 0 are left out; a call on a request plan has none and says what it costs in requests."""
    few = read_text(SOURCE, page({"tokenUsage": {"inputTokens": 30}})).row()
    plan = {"tokenUsage": None, "isTokenBasedCall": False, "requestsCosts": 1.4, "kind": "Included in Business"}
    bare = read_text(SOURCE, page(plan)).row()

    assert [few[name] for name in ("uncached_input_tokens", "output_tokens", "cache_read_input_tokens")] == [30, 0, 0]
    assert sum(bare[name] for name in schema.TOKEN_CLASSES) == 0
    assert '"plan_requests":"1.4"' in bare["tags"]


def test_api_events_that_cannot_count(read_text: ReadText) -> None:
    """An event without a time or a model is a reject with its reason; the others count."""
    events = json.loads(page({}, {"timestamp": "soon"}, {"timestamp": None, "chargedCents": 1}, {"model": None}))
    read = read_text(SOURCE, "\n".join(map(json.dumps, events["usageEvents"])))

    assert read.rows.height == 1
    assert [(item.line, item.reason) for item in read.rejects] == [
        (2, '"date" is not a date or time: "soon"'),
        (3, "no Date"),
        (4, "no Model"),
    ]


def test_empty_page(read_text: ReadText, tmp_path: Path) -> None:
    """A day without events is a page of this source, and no row."""
    (tmp_path / "page.json").write_text(page())

    assert detect_table(Head(str(tmp_path / "page.json")), SOURCE)
    assert (read_text(SOURCE, page()).rows.height, read_text(SOURCE, page()).rejects) == (0, [])


@given(st.lists(st.sampled_from("abcd"), min_size=1), st.randoms())
def test_pages_that_overlap(read_text: ReadText, seen: list[str], random: Any) -> None:
    """However often and in whatever order events stand in pages of one file, each counts once."""
    events = {name: {"timestamp": str(1790847000000 + number)} for number, name in enumerate("abcd")}
    random.shuffle(seen)
    pages = [page(*(events[name] for name in seen[at : at + 3])) for at in range(0, len(seen), 3)]
    read = read_text(SOURCE, "\n".join(pages))

    assert read.rows.height == read.rows["response_id"].n_unique() == len(set(seen))


def test_api_sample(shared: Path, read_file: ReadFile) -> None:
    """The documented example: 18,652 tokens, 21.36232 cents."""
    path = shared / "samples" / "exports" / "cursor_admin_api" / "filtered_usage_events_doc_example.json"
    read = read_file(SOURCE, path)
    (event,) = json.loads(path.read_text())["usageEvents"]
    stated = sum(value for key, value in event["tokenUsage"].items() if key.endswith("Tokens"))

    assert detect_table(Head(str(path)), SOURCE)
    assert sum(read.row()[name] for name in schema.TOKEN_CLASSES) == stated == 18_652
    assert (read.row()["billed_cost"], read.rejects) == (Decimal("0.2136232"), [])


# -- real files -------------------------------------------------------------------------------------------------------
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


def test_real_downloads_overlap(shared: Path, tmp_path: Path) -> None:
    """Five downloads hold 438 rows of 250 events; each counts once, whatever order they come in."""
    paths = sorted((shared / "samples" / "exports" / "cursor_usage_events").glob("*.csv"))
    events: set[tuple[str, str, int]] = set()
    for path in paths:
        with path.open(newline="") as file:
            events |= {(row["Date"], row["Model"], int(row[REAL[path.name]])) for row in csv.DictReader(file)}
    for label, order in (("forward", paths), ("backward", paths[::-1])):
        for path in order:
            ingest([str(path)], tmp_path / label)
        with Store.open(tmp_path / label) as store:
            rows = store.rows().collect()
        assert rows.height == len(events) == 250
        assert rows.select(pl.sum_horizontal(schema.TOKEN_CLASSES).sum()).item() == sum(total for *_, total in events)
