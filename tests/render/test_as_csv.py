"""CSV holds the machine rows exactly, and does not run in a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit.render import render
from tokenaudit.render.as_csv import write
from tokenaudit.render.document import Document

if TYPE_CHECKING:
    from pathlib import Path

MONEY = pl.Decimal(38, 18)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


def text(rows: pl.DataFrame) -> str:
    """Return the rows as CSV."""
    out = io.StringIO()
    write(Document(schema="tokenaudit.report/1", rows=rows), out)
    return out.getvalue()


def test_cells() -> None:
    """Dot decimals without noise, ISO dates, empty for null, line feeds, no totals row."""
    rows = pl.DataFrame(
        {
            "user": ["a,b", None],
            "day": [date(2026, 10, 1), None],
            "hour": [datetime(2026, 10, 1, 5, tzinfo=UTC), None],
            "requests": [1, None],
            "effective_cost": [Decimal("1305088.810"), None],
        },
        schema_overrides={"effective_cost": MONEY},
    )

    assert text(rows) == (
        "user,day,hour,requests,effective_cost\n"
        '"a,b",2026-10-01,2026-10-01T05:00:00Z,1,1305088.81\n'
        ",,,,\n"
    )  # fmt: skip


def test_no_rows_keep_the_header() -> None:
    """Nothing found is a header alone."""
    assert text(pl.DataFrame(schema={"user": pl.String, "effective_cost": MONEY})) == "user,effective_cost\n"


def test_instants_are_utc() -> None:
    """An instant of another time zone is written in UTC, a local time as it is."""
    local = datetime(2026, 10, 1, 5)  # noqa: DTZ001  # a wall-clock label
    zoned = pl.Series("hour", [local]).dt.replace_time_zone("Europe/Berlin")

    assert text(zoned.to_frame()) == "hour\n2026-10-01T03:00:00Z\n"
    assert text(pl.DataFrame({"hour": [local]})) == "hour\n2026-10-01T05:00:00\n"


@given(st.lists(st.tuples(TEXT, st.decimals(-(10**19), 10**19, places=18)), min_size=1, max_size=20))
@settings(deadline=None, max_examples=50)
def test_rows_round_trip(rows: list[tuple[str, Decimal]]) -> None:
    """Any name and any amount come back equal from the standard library's reader."""
    frame = pl.DataFrame(rows, schema={"name": pl.String, "cost": MONEY}, orient="row")
    back = list(csv.reader(io.StringIO(text(frame), newline="")))

    assert back[0] == ["name", "cost"]
    assert [(name, Decimal(cost)) for name, cost in back[1:]] == rows


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
def test_formulas_are_defused_in_files(first: str, dtype: type[pl.DataType], tmp_path: Path) -> None:
    """A name that a spreadsheet would run gets a leading quote in a file and stays as it is in a pipe."""
    name = f"{first}HYPERLINK(1)"
    rows = pl.DataFrame({"user": [name, "a=b", None], "cost": [-1, 2, 3]}, schema_overrides={"user": dtype})
    render(Document(schema="tokenaudit.report/1", rows=rows), "csv", tmp_path / "report.csv")
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.reader(file))

    assert written == [["user", "cost"], [f"'{name}", "-1"], ["a=b", "2"], ["", "3"]]
    assert list(csv.reader(io.StringIO(text(rows), newline="")))[1][0] == name
