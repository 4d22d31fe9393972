"""Parquet carries units, meanings and standard names with the data."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tokenaudit.errors import QueryError
from tokenaudit.render import render
from tokenaudit.render.document import Document

if TYPE_CHECKING:
    from pathlib import Path

pq = pytest.importorskip("pyarrow.parquet")

ROWS = pl.DataFrame(
    {
        "user": ["a", None],
        "day": [datetime(2026, 10, 1, tzinfo=UTC), None],
        "requests": [1, 2],
        "billed_cost": [Decimal("0.1165700000000001"), None],
        "effective_cost": [Decimal(10**19) + Decimal("1E-18"), None],
    },
    schema_overrides={
        "user": pl.Categorical,
        "day": pl.Datetime("us", "UTC"),
        "billed_cost": pl.Decimal(38, 18),
        "effective_cost": pl.Decimal(38, 18),
    },
)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Return a Parquet file of ROWS."""
    path = tmp_path / "report.parquet"
    head = {"period": {"start": datetime(2026, 10, 1, tzinfo=UTC), "timezone": "UTC"}}
    render(Document(schema="tokenaudit.report/1", rows=ROWS, head=head), "parquet", path)
    return path


def test_values_are_exact(written: Path) -> None:
    """Rows come back equal, money as decimal128(38, 18)."""
    assert_frame_equal(pl.read_parquet(written), ROWS.with_columns(pl.col("user").cast(pl.String)))
    assert str(pq.read_schema(written).field("effective_cost").type) == "decimal128(38, 18)"


def test_fields_say_what_they_are(written: Path) -> None:
    """Unit, meaning and the FOCUS name stand at the field, for stored and for reported columns."""
    billed, spend, day = (
        pq.read_schema(written).field(name).metadata for name in ("billed_cost", "effective_cost", "day")
    )

    assert billed[b"unit"] == b"currency"
    assert billed[b"standard"] == b"BilledCost"
    assert b"charged" in billed[b"meaning"]
    assert spend[b"standard"] == b"EffectiveCost"
    assert day is None


def test_the_file_says_what_it_is(written: Path) -> None:
    """Schema and period are file metadata."""
    metadata = pq.read_schema(written).metadata

    assert metadata[b"tokenaudit.schema"] == b"tokenaudit.report/1"
    assert json.loads(metadata[b"tokenaudit.period"]) == {"start": "2026-10-01T00:00:00Z", "timezone": "UTC"}


def test_a_stream_of_bytes_will_do() -> None:
    """Standard output into a pipe or file takes Parquet too."""
    out = io.TextIOWrapper(io.BytesIO())
    render(Document(schema="s/1", rows=ROWS), "parquet", out)

    assert pq.read_table(out.buffer).num_rows == 2


def test_text_will_not() -> None:
    """A stream without bytes is refused with a hint."""
    with pytest.raises(QueryError, match="parquet is binary") as error:
        render(Document(schema="s/1", rows=ROWS), "parquet", io.StringIO())

    assert error.value.hint == "write it to a file: `-o report.parquet`"
