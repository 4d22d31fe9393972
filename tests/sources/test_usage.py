"""Canonical rows: defaults, checks, refusals, and the identity of rows that have no id."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit import schema
from tokenaudit.errors import SourceError
from tokenaudit.sources import _blocks
from tokenaudit.sources.head import Head
from tokenaudit.sources.table import detect_table
from tokenaudit.sources.usage import COLUMNS, OURS, SOURCE

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText

HEADER = "charge_period_start,request_model,output_tokens\n"


def line(output_tokens: int = 10) -> str:
    """Return a row under the header."""
    return f"2026-10-01T09:30:00Z,gpt-5,{output_tokens}\n"


def one(read_text: ReadText, **cells: Any) -> dict[str, Any]:
    """Return the row that a file of one row with these cells gives."""
    known = {"charge_period_start": "2026-10-01T09:30:00Z", "request_model": "gpt-5", **cells}
    return read_text(SOURCE, f"{','.join(known)}\n{','.join(map(str, known.values()))}\n").row()


def reasons(read_text: ReadText, **cells: Any) -> list[str]:
    """Return why a row with these cells is rejected."""
    known = {"charge_period_start": "2026-10-01T09:30:00Z", "request_model": "gpt-5", "output_tokens": 1} | cells
    read = read_text(SOURCE, f"{','.join(known)}\n{','.join(map(str, known.values()))}\n")
    return [reject.reason for reject in read.rejects]


# -- defaults ---------------------------------------------------------------------------------------------------------
def test_least_row(read_text: ReadText) -> None:
    """Three columns are enough; all else takes its default."""
    row = one(read_text, output_tokens=10)

    assert row["charge_period_start"] == row["charge_period_end"] == datetime(2026, 10, 1, 9, 30, tzinfo=UTC)
    assert (row["granularity"], row["provider"], row["billing_currency"]) == ("request", "openai", "USD")
    assert (row["requests"], row["output_tokens"], row["estimated_output_tokens"]) == (1, 10, 10)
    assert {row[name] for name in schema.COUNTS} == {0, 1, 10}
    assert {row[name] for name in ("user", "project", "session", "tags", "cost_basis", "billed_cost", "batch")} == {
        None
    }


def test_every_column(read_text: ReadText) -> None:
    """Each column of the usage table but our own is read under its name."""
    values = {
        name: {"integer": "7", "money": "0.5", "flag": "true", "zoned": "2026-10-01T00:00:00Z"}.get(kind, "x")
        for name, kind in COLUMNS.items()
    } | {"granularity": "day", "cost_basis": "included", "tokens_basis": "estimated", "billing_currency": "eur"}
    row = one(read_text, **{name: value for name, value in values.items() if name not in {"input_tokens", "tags"}})

    assert set(COLUMNS) | set(OURS) == {*schema.NAMES, "input_tokens"}
    assert all(row[name] == 7 for name in schema.COUNTS)
    assert (row["reported_cost"], row["billing_currency"], row["batch"]) == (Decimal("0.5"), "EUR", True)
    assert (row["cost_basis"], row["tokens_basis"], row["workspace"]) == ("included", "estimated", "x")


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("claude-sonnet-5-5", "anthropic"),
        ("o4-mini", "openai"),
        ("GPT-5", "openai"),
        ("gemini-3.8-flash", "google"),
        ("models/gemini-3.8-flash", "google"),
        ("grok-4", "x-ai"),
        ("in-house", None),
    ],
)
def test_provider_from_the_model(read_text: ReadText, model: str, provider: str | None) -> None:
    """Without a provider the model's name tells it, where it can."""
    assert one(read_text, request_model=model, output_tokens=1)["provider"] == provider
    assert one(read_text, request_model=model, output_tokens=1, provider="gateway")["provider"] == "gateway"


@pytest.mark.parametrize(("grain", "requests"), [("request", 1), ("Day", 0), ("", 1)])
def test_requests(read_text: ReadText, grain: str, requests: int) -> None:
    """A row of a request is one request; a bucket counts none unless it says so."""
    assert one(read_text, output_tokens=1, granularity=grain)["requests"] == requests
    assert one(read_text, output_tokens=1, granularity=grain, requests=5)["requests"] == 5


def test_billed(read_text: ReadText) -> None:
    """A row with its bill is billed; alone it is enough."""
    row = one(read_text, billed_cost="0.1234567890123456789")

    assert (row["billed_cost"], row["cost_basis"]) == (Decimal("0.123456789012345679"), "billed")


@pytest.mark.parametrize(
    ("cells", "uncached"),
    [
        ({"input_tokens": 10}, 10),
        ({"input_tokens": 10, "output_tokens": 4}, 10),
        ({"input_tokens": 10, "cache_read_input_tokens": 4, "uncached_input_tokens": 6}, 6),
        ({"input_tokens": "", "uncached_input_tokens": 6}, 6),
    ],
)
def test_input_tokens(read_text: ReadText, cells: dict[str, object], uncached: int) -> None:
    """All input alone is uncached; beside classes it only has to be their sum."""
    assert one(read_text, **cells)["uncached_input_tokens"] == uncached


# -- rejects and refusals ---------------------------------------------------------------------------------------------
WRONG: dict[str, dict[str, Any]] = {
    "no request_model": {"request_model": ""},
    "no charge_period_start": {"charge_period_start": ""},
    "no token class, requests or billed_cost": {"output_tokens": ""},
    "input_tokens is not the sum of the input classes": {"input_tokens": 5, "cache_read_input_tokens": 4},
    "charge_period_end is before charge_period_start": {"charge_period_end": "2026-10-01T09:29:59Z"},
    "tags is not a JSON object of strings": {"tags": "team=a"},
    "granularity is none of request, minute, hour, day, month, period": {"granularity": "week"},
    "cost_basis is none of billed, included": {"cost_basis": "list"},
    "tokens_basis is none of reported, estimated": {"tokens_basis": "guessed"},
    '"output_tokens" is negative: "-1"': {"output_tokens": -1},
    '"charge_period_start" is not a time with a zone, such as 2026-10-01T09:30:00Z: "2026-10-01"': {
        "charge_period_start": "2026-10-01"
    },
    '"charge_period_start" is not a time with a zone, such as 2026-10-01T09:30:00Z: "2026-10-01T09:30:00"': {
        "charge_period_start": "2026-10-01T09:30:00"
    },
}


@pytest.mark.parametrize("reason", WRONG)
def test_rejects(read_text: ReadText, reason: str) -> None:
    """Each thing that can be wrong with a row has its sentence."""
    assert reasons(read_text, **WRONG[reason]) == [reason]


@pytest.mark.parametrize(
    ("column", "hint"),
    [
        ("output_token", "did you mean `output_tokens`?"),
        ("model", "did you mean `request_model`?"),
        ("latency_ms", "see `tokenaudit sources usage`"),
        ("file_id", "see `tokenaudit sources usage`"),
    ],
)
def test_unknown_columns_are_refused(read_text: ReadText, column: str, hint: str) -> None:
    """A misspelt or foreign column is an error, in CSV and in any line of JSON."""
    record = {"charge_period_start": "2026-10-01T09:30:00Z", "request_model": "gpt-5", "requests": 1}
    sound, foreign = json.dumps(record) + "\n", json.dumps(record | {column: 1}) + "\n"

    for text in (f"{HEADER.strip()},{column}\n{line().strip()},1\n", foreign, sound * 3 + foreign):
        with pytest.raises(SourceError, match=f"unknown column `{column}`") as error:
            read_text(SOURCE, text)
        assert error.value.hint == hint


def test_nothing_to_count(read_text: ReadText) -> None:
    """A table without any amount is an error, not a list of requests."""
    with pytest.raises(SourceError, match="no column to count"):
        read_text(SOURCE, "charge_period_start,request_model,user\n2026-10-01T09:30:00Z,gpt-5,ann\n")


# -- identity ---------------------------------------------------------------------------------------------------------
def test_id_is_the_identity(read_text: ReadText) -> None:
    """Rows with one id are one thing, whatever else they say; the store keeps the largest."""
    lines = [f"2026-10-01T09:30:00Z,gpt-5,{count},{name}\n" for count, name in ((10, "a"), (20, "a"), (10, "b"))]
    rows = read_text(SOURCE, HEADER.replace("\n", ",response_id\n") + "".join(lines)).rows

    assert SOURCE.merge == "largest"
    assert rows["response_id"].n_unique() == 2
    assert rows["response_id"][0] == rows["response_id"][1]


def test_equal_rows_without_ids_all_count(read_text: ReadText) -> None:
    """The third equal line of a file is the third in every file that holds it; another value is another row."""
    three = read_text(SOURCE, HEADER + line() * 3).rows["response_id"]
    five = read_text(SOURCE, HEADER + line() * 5).rows["response_id"]

    assert three.n_unique() == 3
    assert five.to_list()[:3] == three.to_list()
    assert read_text(SOURCE, HEADER + line(11)).rows["response_id"][0] not in five


def test_identity_does_not_depend_on_the_dress(tmp_path: Path, read_file: ReadFile, read_text: ReadText) -> None:
    """The same values have one identity as CSV, JSON or Parquet, with or without columns that say the default."""
    record = {
        "charge_period_start": "2026-10-01T09:30:00Z",
        "request_model": "gpt-5",
        "billed_cost": 0.1,
        "batch": True,
    }
    columnar = tmp_path / "t.parquet"
    start = pl.Series([datetime(2026, 10, 1, 9, 30)], dtype=pl.Datetime("ms"))  # noqa: DTZ001 - Parquet without a zone
    pl.DataFrame(record | {"charge_period_start": start, "requests": [1]}).write_parquet(columnar)
    texts = [
        "charge_period_start,request_model,billed_cost,batch\n2026-10-01T11:30:00+02:00,gpt-5,0.10,TRUE\n",
        "batch,user,requests,request_model,charge_period_start,billed_cost\ntrue,,1,gpt-5,2026-10-01T09:30:00Z,0.1\n",
        json.dumps(record) + "\n",
        json.dumps(record | {"output_tokens": 0, "user": None}).replace(" ", "") + "\n",
    ]

    found = [read_file(SOURCE, columnar), *(read_text(SOURCE, text) for text in texts)]

    assert len({read.rows["response_id"][0] for read in found}) == 1


@settings(max_examples=8)
@given(rows=st.lists(st.integers(0, 2), max_size=8), size=st.integers(1, 100))
def test_occurrences_go_on_from_block_to_block(read_text: ReadText, rows: list[int], size: int) -> None:
    """Equal rows are numbered through a whole file, however it is cut while reading; order does not matter."""
    text, in_order = (HEADER + "".join(map(line, each)) for each in (rows, sorted(rows)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_blocks, "BLOCK_BYTES", size)
        pieces = read_text(SOURCE, text).rows["response_id"]
    ordered = read_text(SOURCE, in_order).rows["response_id"]

    assert pieces.n_unique() == len(rows)
    assert sorted(pieces) == sorted(ordered)


# -- kinds of files ---------------------------------------------------------------------------------------------------
def test_tags_as_text_and_as_object(read_text: ReadText) -> None:
    """Tags are JSON text in a table, and may be an object in JSON lines."""
    tags = {"team": 'the "A" team', "env": "prod"}
    record = {"charge_period_start": "2026-10-01T09:30:00Z", "request_model": "m", "requests": 1}
    quoted = json.dumps(tags).replace('"', '""')

    for text in (
        f'charge_period_start,request_model,requests,tags\n2026-10-01T09:30:00Z,m,1,"{quoted}"\n',
        json.dumps(record | {"tags": tags}) + "\n",
        json.dumps(record | {"tags": json.dumps(tags)}) + "\n",
    ):
        assert json.loads(str(read_text(SOURCE, text).row()["tags"])) == tags


def test_parquet_with_types_of_its_own(tmp_path: Path, read_file: ReadFile) -> None:
    """Categories, small integers, decimals, zones and missing values come through."""
    path = tmp_path / "t.parquet"
    pl.DataFrame(
        {
            "charge_period_start": pl.Series(["2026-10-01 11:30"]).str.to_datetime(time_zone="Europe/Berlin"),
            "request_model": pl.Series(["gpt-5"], dtype=pl.Categorical),
            "output_tokens": pl.Series([10], dtype=pl.UInt32),
            "billed_cost": pl.Series([Decimal("1.25")], dtype=pl.Decimal(10, 2)),
            "response_id": [99],
            "user": pl.Series([None], dtype=pl.Null),
            "tags": [{"team": "a"}],
        }
    ).write_parquet(path)
    row = read_file(SOURCE, path).row()

    assert detect_table(Head(str(path)), SOURCE)
    assert row["charge_period_start"] == datetime(2026, 10, 1, 9, 30, tzinfo=UTC)
    assert (row["output_tokens"], row["billed_cost"], row["tags"]) == (10, Decimal("1.25"), '{"team":"a"}')


@pytest.mark.parametrize("name", ["usage.csv", "usage.jsonl"])
def test_samples(root: Path, read_file: ReadFile, name: str) -> None:
    """The samples are recognised and read without a reject."""
    path = root / "sample_logs" / name
    read = read_file(SOURCE, path)

    assert detect_table(Head(str(path)), SOURCE)
    assert (read.rejects, read.rows["requests"].sum()) == ([], read.rows.height)
    assert read.rows["response_id"].n_unique() == read.rows.height
