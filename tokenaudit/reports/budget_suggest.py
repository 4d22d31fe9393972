"""`tokenaudit budget suggest`: limits from history, as a table and as TOML to paste."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.analysis.measures import EXACT
from tokenaudit.analysis.scopes import View
from tokenaudit.errors import NoDataError
from tokenaudit.render.document import Document, Section, Shown
from tokenaudit.render.numbers import money, plain
from tokenaudit.reports.spending import Spending

if TYPE_CHECKING:
    from tokenaudit.config import Config
    from tokenaudit.periods import Period
    from tokenaudit.store.store import Store

SCHEMA = "tokenaudit.budget-suggest/1"
ROOM = Decimal("1.2")
"""What is suggested leaves a fifth above what nine of ten months needed."""
DIGITS = 2
"""Digits that count in a suggestion."""
COLUMNS = (
    Shown("value", "", "text"),
    Shown("months", "months", "count"),
    Shown("median", "median", "figure"),
    Shown("p90", "9 of 10 below", "figure"),
    Shown("largest", "largest", "figure"),
    Shown("limit", "suggested", "figure"),
)
MONEY = ("median", "p90", "largest", "limit")


def suggest(store: Store, config: Config, columns: Sequence[str], months: Sequence[Period]) -> Document:
    """Return limits for a month: of each dimension for any value of it, and for each value by itself."""
    spending = Spending(store, config, months, [frozenset([name]) for name in columns], months[-1].last)
    found = [_suggested(spending, name) for name in columns]
    rows = pl.concat(found)
    if rows.is_empty():
        raise NoDataError(f"nothing is stored from {months[0].name} to {months[-1].name}", "try another --period")
    span = f"{months[0].name} to {months[-1].name}" if len(months) > 1 else months[0].name
    sections = tuple(Section(f"Each {name}", _shown(part), COLUMNS) for name, part in zip(columns, found, strict=True))
    return Document(
        schema=SCHEMA,
        head={"period": {"start": months[0].start, "end": months[-1].end, "timezone": months[0].timezone}},
        rows=rows.rename({"limit": "suggested"}),
        heading=(f"Spend a month from {span}, and limits with a fifth of room above nine of ten months",),
        sections=sections,
    )


def _shown(rows: pl.DataFrame) -> pl.DataFrame:
    each = pl.col("value").is_null() & pl.col("each")
    currencies = rows["billing_currency"].to_list()
    figures = {name: [money(*pair) for pair in zip(rows[name], currencies, strict=True)] for name in MONEY}
    named = rows.with_columns(value=pl.when(each).then(pl.lit("(any of them)")).otherwise("value"))
    return named.with_columns(pl.Series(name, words) for name, words in figures.items())


def _suggested(spending: Spending, name: str) -> pl.DataFrame:
    """Return what the values of a dimension spent a month: first of all taken together, then of each."""
    sums = spending.of_all([View((), name)]).filter(pl.col("window") < spending.now, pl.col("effective_cost") > 0)
    figures = _figures()
    every = sums.filter(pl.col("key").is_not_null()).group_by("billing_currency").agg(figures)
    each = (
        sums.group_by("billing_currency", "key")
        .agg(figures)
        .sort("billing_currency", "largest", "key", descending=[False, True, False])
    )
    both = pl.concat(
        [
            every.with_columns(key=pl.lit(None, pl.String), each=pl.lit(value=True)),
            each.with_columns(each=pl.lit(value=False)),
        ],
        how="diagonal",
    )
    limits = [limit(amount) for amount in both["p90"]]
    return both.select(
        "billing_currency",
        "each",
        "months",
        "median",
        "p90",
        "largest",
        dimension=pl.lit(name),
        value="key",
        limit=pl.Series(limits, dtype=EXACT),
    ).select("dimension", "value", "each", "billing_currency", "months", "median", "p90", "largest", "limit")


def _figures() -> list[pl.Expr]:
    """Return figures of monthly amounts; median and p90 are amounts that occur: half, nine tenths are no larger."""
    amounts = pl.col("effective_cost").sort()
    return [
        pl.len().cast(pl.Int64).alias("months"),
        amounts.get((pl.len() + 1) // 2 - 1).alias("median"),
        amounts.get((pl.len() * 9 + 9) // 10 - 1).alias("p90"),
        amounts.last().alias("largest"),
    ]


def limit(amount: Decimal) -> Decimal:
    """Return a limit that leaves some room above an amount, rounded up to two digits.

    >>> limit(Decimal("1034.50")), limit(Decimal("0.031"))
    (Decimal('1300'), Decimal('0.038'))
    """
    wanted = amount * ROOM
    unit = Decimal(1).scaleb(wanted.adjusted() - DIGITS + 1)
    return Decimal(f"{(wanted / unit).to_integral_value(ROUND_CEILING) * unit:f}")


def as_toml(document: Document) -> str:
    """Return what is suggested as budgets to paste: one for each value of a dimension, others where one needs more."""
    return "\n".join(_tables(document.rows.to_dicts()))


def _tables(rows: Sequence[dict[str, object]]) -> Iterator[str]:
    for row in rows:
        if row["each"]:
            name, currency = str(row["dimension"]), row["billing_currency"]
            unit = "" if currency == "USD" else f", currency = {json.dumps(currency)}"
            suffix = "" if currency == "USD" else f"-{str(currency).lower()}"
            yield f'[[budget]]\nid = "each-{name}{suffix}"\neach = "{name}"'
            yield f'limits = [{{ amount = {_plain(row["suggested"])}, period = "month"{unit} }}]'
            yield from _exceptions(rows, row)
            yield ""


def _exceptions(rows: Sequence[dict[str, object]], every: dict[str, object]) -> Iterator[str]:
    """Yield what single values need beyond the limit of all, as remarks: a person decides on them."""
    for row in rows:
        alike = (row["dimension"], row["billing_currency"]) == (every["dimension"], every["billing_currency"])
        if alike and row["value"] is not None and Decimal(str(row["suggested"])) > Decimal(str(every["suggested"])):
            yield f"# {json.dumps(row['value'], ensure_ascii=True)} needs about {_plain(row['suggested'])}"


def _plain(amount: object) -> str:
    return plain(Decimal(str(amount)))
