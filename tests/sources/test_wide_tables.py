"""Tables that are wider than their source: columns taken together, nested Parquet, and rows that are none of ours."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.ingest.summary import left_out_notes
from tokenaudit.sources._parquet import leaves
from tokenaudit.sources.head import Head
from tokenaudit.sources.source import LeftOut, Table
from tokenaudit.sources.table import detect_table, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sources.conftest import ReadFile, ReadText


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Map the columns of the invented bill below: only tokens are ours."""
    return rows.with_columns(
        charge_period_start=pl.col("at"),
        billed_cost=pl.col("cost"),
        billing_currency=pl.col("currency"),
        project=pl.col("service.name"),
        tags=pl.coalesce("many", "labels"),
        left_out=pl.when(pl.col("service.name") != "tokens").then(pl.lit("other services")),
    )


BILL = Table(
    name="invented-bill",
    title="a bill made for this test",
    provider="nobody",
    merge="newest",
    authority="bill",
    columns={"at": "instant", "service.name": "text", "cost": "money", "currency": "text", "labels": "text"},
    signatures=(frozenset({"at", "service.name"}),),
    usage=usage,
    gather={"many": ("tag:", "tag_")},
)
HEADER = "At,Service.Name,Cost,Currency,Tag:Team,tag_cost Center,other\n"


def test_columns_taken_together(read_text: ReadText) -> None:
    """All columns that begin so are one JSON object, keys as the file spells them, blank cells left out."""
    text = HEADER + '2026-10-01,tokens,1,USD,core,"a ""b""",x\n2026-10-02,tokens,1,USD, ,,x\n'
    tags = read_text(BILL, text).rows["tags"].cast(pl.String).to_list()

    assert [tag and json.loads(tag) for tag in tags] == [{"Team": "core", "cost Center": 'a "b"'}, None]


def test_columns_taken_together_of_json_lines(read_text: ReadText) -> None:
    """Lines of flat JSON have them too, also where one of them has to be read by itself."""
    line = json.dumps({"at": "2026-10-01", "service.name": "tokens", "cost": 0.5, "tag:team": "core"})
    for text in (line, line + "\n{torn"):
        assert read_text(BILL, text).rows["tags"].cast(pl.String).to_list() == ['{"team":"core"}']


def test_nested_parquet(tmp_path: Path, read_file: ReadFile) -> None:
    """Fields of a struct are columns by dotted names; lists and maps are JSON; floats are what they look like."""
    path = tmp_path / "bill.parquet"
    frame = pl.DataFrame(
        {
            "at": ["2026-10-01", "2026-10-02"],
            "service": [{"name": "tokens", "id": 1}, {"name": "tokens", "id": 2}],
            "cost": [0.1, 1e-05],
            "labels": [[{"key": "team", "value": "core"}], None],
        }
    )
    frame.write_parquet(path)
    rows = read_file(BILL, path).rows

    assert detect_table(Head(str(path)), BILL)
    assert list(leaves(frame.schema)) == ["at", "service", "cost", "labels", "service.name", "service.id"]
    assert rows["project"].cast(pl.String).to_list() == ["tokens", "tokens"]
    assert rows["billed_cost"].to_list() == [Decimal("0.1"), Decimal("0.00001")]
    assert rows["tags"].cast(pl.String).to_list() == ['[{"key":"team","value":"core"}]', None]


def test_rows_left_out(tmp_path: Path) -> None:
    """They are no usage and no rejects: they are counted with what they cost, in each currency."""
    path = tmp_path / "bill.csv"
    rows = ("2026-10-01,tokens,1,USD", "2026-10-01,disks,20.5,USD", "2026-10-01,disks,-0.25,USD", ",disks,3,EUR")
    path.write_text(HEADER + "\n".join(f"{row},,," for row in rows))
    (batch,) = read_table(BILL, str(path))

    assert (batch.rows.height, batch.rejects) == (1, [])
    assert batch.left_out == [
        LeftOut("other services", 2, Decimal("20.25"), "USD"),
        LeftOut("other services", 1, Decimal(3), "EUR"),
    ]
    assert left_out_notes("a/bill.csv", 1, batch.left_out * 2) == [
        "bill.csv: 6 rows left out: other services (40.50 USD, 6.00 EUR)"
    ]
    assert left_out_notes("a/bill.csv", 0, batch.left_out[:1]) == [
        "bill.csv holds nothing else: 2 rows left out: other services (20.25 USD)"
    ]


def test_without_such_columns(read_text: ReadText) -> None:
    """A file without them has none, and a source that asks for none is not troubled."""
    text = "at,service.name,cost\n2026-10-01,tokens,1\n"

    assert read_text(BILL, text).rows["tags"].to_list() == [None]
    assert read_text(replace(BILL, gather={}, usage=plain), text).rows.height == 1


def plain(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Map the time only."""
    return rows.with_columns(charge_period_start=pl.col("at"))
