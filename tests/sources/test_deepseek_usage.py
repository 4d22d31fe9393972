"""DeepSeek usage: one class a row, two headers and their time zones, types old and new, a day replaced whole."""

from __future__ import annotations

import csv
import random
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.ingested import rows_of, totals_of
from tokenaudit import schema
from tokenaudit.ingest.run import ingest
from tokenaudit.sources.deepseek_usage import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.sources.table import detect_table
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText

OLD = "user_id,utc_date,model,api_key_name,api_key,type,price,amount"
NEW = "user_id,start_time_iso,end_time_iso,model,api_key_name,api_key,type,price,amount"
MISS, HIT, OUT, COUNT = "input_cache_miss_tokens", "input_cache_hit_tokens", "output_tokens", "request_count"


def old(*rows: tuple[str, object], date: str = "2026-10-01", user: str = "u-1") -> str:
    """Return a file with the old header: a type and its amount a row."""
    lines = [f"{user},{date},m,backend,sk-a***1,{kind},0.00000087,{amount}" for kind, amount in rows]
    return "\n".join([OLD, *lines]) + "\n"


def new(*rows: tuple[str, str, str, object]) -> str:
    """Return a file with the new header: start, end, type and amount a row."""
    lines = [f"u-1,{start},{end},m,backend,sk-a***1,{kind},,{amount}" for start, end, kind, amount in rows]
    return "\ufeff" + "\r\n".join([NEW, *lines]) + "\r\n"


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        (MISS, "uncached_input_tokens"),
        (HIT, "cache_read_input_tokens"),
        (OUT, "output_tokens"),
        (COUNT, "requests"),
        ("PROMPT_CACHE_MISS_TOKEN", "uncached_input_tokens"),
        ("PROMPT_CACHE_HIT_TOKEN", "cache_read_input_tokens"),
        ("RESPONSE_TOKEN", "output_tokens"),
        ("REQUEST", "requests"),
    ],
)
def test_types(read_text: ReadText, kind: str, count: str) -> None:
    """Each type is one class, and nothing else; the price of a token is no money of the row."""
    row = read_text(SOURCE, old((kind, 54400))).row()

    assert {name: row[name] for name in schema.COUNTS if row[name]} == {count: 54400}
    assert (row["billed_cost"], row["list_cost"], row["tags"]) == (None, None, '{"unit_price":"0.00000087"}')
    assert (row["account"], row["api_key"], row["request_model"]) == ("u-1", "backend", "m")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((OUT, ""), "amount is blank"),
        (("total_token", 5), "a total of other rows"),
        (("api_call", 5), "an unknown type: neither tokens read nor written nor requests"),
        (("", 5), "an unknown type: neither tokens read nor written nor requests"),
        ((OUT, "many"), '"amount" is not a number: "many"'),
    ],
)
def test_rejects(read_text: ReadText, row: tuple[str, object], reason: str) -> None:
    """What cannot be counted is said, and the other rows count."""
    read = read_text(SOURCE, old(row, (COUNT, 3)))

    assert [item.reason for item in read.rejects] == [reason]
    assert read.row()["requests"] == 3


DAY = (datetime(2026, 10, 3, tzinfo=UTC), datetime(2026, 10, 4, tzinfo=UTC), "day")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (old((OUT, 1), date="2026-10-03"), DAY),
        (old((OUT, 1), date="20261003"), DAY),
        (old((OUT, 1), date="10/3/26"), DAY),
        (new(("2026-10-03T00:00:00+08:00", "2026-10-04T00:00:00+08:00", OUT, 1)), DAY),
        (new(("2026-10-03T00:00:00-07:00", "2026-10-04T00:00:00-07:00", OUT, 1)), DAY),
        (
            new(("2026-10-03T09:00:00+08:00", "2026-10-03T10:00:00+08:00", OUT, 1)),
            (datetime(2026, 10, 3, 1, tzinfo=UTC), datetime(2026, 10, 3, 2, tzinfo=UTC), "hour"),
        ),
    ],
)
def test_days_and_hours(read_text: ReadText, text: str, expected: tuple[datetime, datetime, str]) -> None:
    """A day keeps DeepSeek's date in whatever zone; an hour is its instants."""
    row = read_text(SOURCE, text).row()

    assert (row["charge_period_start"], row["charge_period_end"], row["granularity"]) == expected


@pytest.mark.parametrize("end", ["2026-10-03T00:00:00+08:00", "2026-10-02T00:00:00+08:00"])
def test_periods_that_are_none(read_text: ReadText, end: str) -> None:
    """An end that is no end is a reject, and so is no date at all."""
    read = read_text(SOURCE, new(("2026-10-03T00:00:00+08:00", end, OUT, 1), ("soon", end, OUT, 1)))

    assert [item.reason for item in read.rejects] == ["end before start", "no date"]


def test_two_prices_of_a_day_both_count(read_text: ReadText) -> None:
    """Peak and off-peak tokens of one type are two rows of one day."""
    read = read_text(SOURCE, old((MISS, 1000), (MISS, 1000), (COUNT, 2)))

    assert read.rows["uncached_input_tokens"].sum() == 2000


def test_newer_download_replaces_the_day() -> None:
    """A day in the old header, then longer in the new one and another time zone, counts once; other accounts stay."""
    first = old((MISS, 100), (OUT, 10), (COUNT, 1), date="2026-10-03")
    day = ("2026-10-03T00:00:00+08:00", "2026-10-04T00:00:00+08:00")
    later = new((*day, MISS, 300), (*day, OUT, 30), (*day, COUNT, 3), (*day, HIT, 7))
    other = old((OUT, 5), date="2026-10-03", user="u-2")

    for texts in ([first, later, other], [other, later, first], [later, first, other, later]):
        found = totals_of(texts)
        assert (found["uncached_input_tokens"], found["output_tokens"]) == (300, 35)
        assert (found["requests"], found["cache_read_input_tokens"]) == (3, 7)


@settings(max_examples=6)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from([MISS, HIT, OUT, COUNT]), st.integers(0, 99)), min_size=1),
    st.integers(0, 99),
)
def test_order_and_pieces(found: list[tuple[int, str, int]], seed: int) -> None:
    """Rows in any order, in one file or in a file a day, read once or again, add up to the same."""
    expected = Counter[str]()
    for _, kind, amount in found:
        expected[kind] += amount
    shuffled = random.Random(seed).sample(found, len(found))
    lines = [f"u-1,2026-10-0{day},m,k,sk-1,{kind},,{amount}" for day, kind, amount in shuffled]
    pieces = [
        "\n".join([OLD, *(line for line in lines if f"-0{day}," in line)]) + "\n" for day in {f[0] for f in found}
    ]

    for texts in (["\n".join([OLD, *lines]) + "\n"], pieces, [*pieces, *pieces[::-1]]):
        totals = totals_of(texts)
        names = {MISS: "uncached_input_tokens", HIT: "cache_read_input_tokens", OUT: "output_tokens", COUNT: "requests"}
        assert {kind: totals[name] for kind, name in names.items()} == {kind: expected[kind] for kind in names}


def test_archive(root: Path, tmp_path: Path) -> None:
    """The archive as downloaded gives what its two files give."""
    ingest([str(root / "sample_logs" / "usage_data_2026-10-03_2026-10-04.zip")], tmp_path / "store")
    with Store.open(tmp_path / "store") as store:
        rows = store.rows().collect()

    assert rows.group_by(pl.col("source").cast(pl.String)).len().sort("source").rows() == [
        ("deepseek-cost", 2),
        ("deepseek-usage", 7),
    ]
    assert rows["cache_read_input_tokens"].sum() == 10_000_000
    assert rows["billed_cost"].sum() == Decimal("5.5961565")


def test_real_file(shared: Path, read_file: ReadFile) -> None:
    """A day of two models: sums by type as plain reading gives them, each model's tokens beside them."""
    path = shared / "samples" / "exports" / "deepseek_usage_zip" / "amount-2026-06-03.csv"
    stated = Counter[str]()
    with path.open(newline="") as file:
        for cells in csv.DictReader(file):
            stated[cells["type"]] += int(cells["amount"])
    read = read_file(SOURCE, path)

    assert detect_table(Head(str(path)), SOURCE)
    assert read.rejects == []
    assert {name: read.rows[name].sum() for name in schema.COUNTS if read.rows[name].sum()} == {
        "uncached_input_tokens": stated[MISS], "cache_read_input_tokens": stated[HIT], "output_tokens": stated[OUT],
        "requests": stated[COUNT],
    }  # fmt: skip
    assert (stated[MISS], stated[HIT], stated[OUT], stated[COUNT]) == (43_213, 61_056, 26_649, 59)
    assert rows_of([path.read_text()]).height == 8
