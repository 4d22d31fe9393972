"""A document like the monthly report, with invented figures."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tokenaudit.render import numbers
from tokenaudit.render.document import Document, Section, Shown

MONEY = pl.Decimal(38, 18)

USERS = [
    # name, effective_cost, previous_cost, total_tokens, cache, premium
    ("alice", "41203.8783", "11333.8041", 9_100_000_000, "0.91", "0.98"),
    ("build-bot", "22118.404", "0", 5_012_000_000, "0.12", "1"),
    ("maximiliana.featherstonehaugh@example.com", "18244.1249", "20065.9", 4_400_000_000, "0.874", "0.997"),
    (None, "41259.7388", "46001.2259", 7_900_000_000, "0.66", "0.302"),
    ("(other 38)", "60114.0251", "55160.12", 14_788_000_000, "0.86", "0.61"),
]

MODELS = [
    ("claude-opus-5", "150201.0001", "88000", 22_900_000_000, "0.80", "1"),
    ("gpt-5.2-codex-mini-2026-08-14", "32739.171", "44561.05", 17_100_000_000, "0.62", "0"),
    ("my-azure-gpt5", None, "0", 1_200_000_000, "0", "0"),
]

SHOWN = (
    Shown("effective_cost", "spend", "money", 0, missing="unpriced"),
    Shown("share", "share", "share", 1),
    Shown("effective_cost", "change", "difference", 2, against="previous_cost"),
    Shown("total_tokens", "tokens", "tokens", 3),
    Shown("cache", "cache", "percent", 4),
    Shown("premium", "premium", "percent", 5),
)


def frame(rows: list[tuple[Any, ...]], name: str) -> pl.DataFrame:
    """Return the display frame of `rows`, with the share of each in the total."""
    schema: dict[str, type[pl.DataType] | pl.DataType] = {
        name: pl.String,
        "effective_cost": MONEY,
        "previous_cost": MONEY,
        "total_tokens": pl.Int64,
        "cache": MONEY,
        "premium": MONEY,
    }
    exact = [(row[0], *(Decimal(v) if isinstance(v, str) else v for v in row[1:])) for row in rows]
    spend = numbers.total([row[1] for row in exact])
    shares = [None if row[1] is None else row[1] / spend for row in exact]
    return pl.DataFrame(exact, schema=schema, orient="row").with_columns(pl.Series("share", shares, dtype=MONEY))


def total(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the total row of a display frame."""
    return rows.select(pl.col("effective_cost", "previous_cost", "total_tokens").sum())


def section(title: str, name: str, rows: list[tuple[Any, ...]]) -> Section:
    """Return the section of the report by `name`."""
    shown = frame(rows, name)
    return Section(title, shown, (Shown(name, ""), *SHOWN), total=total(shown))


def spend_report() -> Document:
    """Return a report by user and model."""
    users = section("By user", "user", USERS)
    machine = users.frame.select("user", pl.lit("USD").alias("billing_currency"), "total_tokens", "effective_cost")
    return Document(
        schema="tokenaudit.report/1",
        head={
            "period": {
                "start": datetime(2026, 10, 1, tzinfo=UTC),
                "end": datetime(2026, 11, 1, tzinfo=UTC),
                "timezone": "UTC",
            }
        },
        rows=machine,
        tail={"totals": {"total_tokens": 41_200_000_000, "effective_cost": Decimal("182940.1711")}},
        notes=("3 rejected lines, see `tokenaudit doctor`",),
        heading=(
            "October 2026, UTC\tprice book 2026-11-10, 4 sources, data to 31 Oct 23:58",
            "",
            "$182,940.17   +38 % on September ($132,561.05)      41.2 B tokens   388,120 requests   46 people",
        ),
        sections=(users, section("By model", "model", MODELS)),
        footer=("Counted: billed by providers 71 %, computed from list prices 28 %, unpriced 0.4 % of tokens.",),
    )


@pytest.fixture
def report() -> Document:
    """Return a report by user and model."""
    return spend_report()
