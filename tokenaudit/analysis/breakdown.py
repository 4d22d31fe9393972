"""Spend and tokens by some dimensions: the rows and totals of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from tokenaudit.analysis.facts import Facts, facts
from tokenaudit.analysis.measures import MEASURES, known_sum, measured
from tokenaudit.errors import QueryError, did_you_mean
from tokenaudit.schema import MONEY

COSTS = tuple(name for name in MONEY if name != "estimated_cost")
"""Money columns that a reader can take for spend."""


@dataclass(frozen=True, eq=False)
class Breakdown:
    """A cube laid out by `by`. Money is Decimal(38, 18), counts are Int64, the rest is text."""

    by: tuple[str, ...]
    cost: str
    """The money column taken for spend."""
    rows: pl.DataFrame
    """`by`, `billing_currency` and `MEASURES`: most spend first, unknown spend last, then by value."""
    totals: pl.DataFrame
    """One row: `billing_currency` and `MEASURES`; where currencies differ it and all money is null."""
    totals_by_currency: pl.DataFrame
    """One row per currency, by name: `billing_currency` and `MEASURES`."""
    cube: pl.DataFrame
    """What was laid out."""

    @cached_property
    def facts(self) -> Facts:
        """Return the facts about the cube, made when asked for."""
        return facts(self.cube, self.totals)

    def by_others(self, by: Sequence[str]) -> Breakdown:
        """Return the same cube laid out by other dimensions: its totals stay."""
        names = tuple(dict.fromkeys(by))
        return replace(self, by=names, rows=_rows(self.cube, names, self.cost))


def breakdown(cube: pl.DataFrame, by: Sequence[str], *, cost: str = "effective_cost") -> Breakdown:
    """Lay the sums of `cube` out by the dimensions `by`, each of them a column of the cube.

    Raises QueryError where `cost` is none of `COSTS`.
    """
    if cost not in COSTS:
        raise QueryError(f"unknown cost `{cost}`", did_you_mean(cost, COSTS) or f"one of: {', '.join(COSTS)}")
    names = tuple(dict.fromkeys(by))
    rows = _rows(cube, names, cost)
    currencies = _by_currency(rows)
    return Breakdown(names, cost, rows, _totals(currencies), currencies, cube)


def fold(rows: pl.DataFrame, by: Sequence[str], limit: int) -> pl.DataFrame:
    """Keep the first `limit` rows and add the rest up, per currency, in rows named ``(other N)``: totals stay exact.

    N counts the folded rows with tokens, requests or money; rows that only were there before are ``(gone N)`` where
    nothing else is folded. A single row is not folded. The columns `by` come back as text.
    """
    texts = rows.with_columns(pl.col(by).cast(pl.String))
    if not by or rows.height <= limit + 1:
        return texts
    folded = texts.slice(limit).group_by("billing_currency", maintain_order=True).agg(*_folded(texts, by))
    return pl.concat([texts.head(limit), folded.select(texts.columns)])


def _rows(cube: pl.DataFrame, by: tuple[str, ...], cost: str) -> pl.DataFrame:
    columns = list(dict.fromkeys((*by, "billing_currency")))
    order = [cost, *columns]
    rows = measured(cube, columns).select(*columns, *MEASURES)
    return rows.sort(order, descending=[True, *(False for _ in columns)], nulls_last=True)


def _by_currency(rows: pl.DataFrame) -> pl.DataFrame:
    sums = [known_sum(name) if name in MONEY else pl.col(name).sum() for name in MEASURES]
    return rows.group_by("billing_currency").agg(sums).sort("billing_currency")


def _totals(currencies: pl.DataFrame) -> pl.DataFrame:
    if currencies.height == 1:
        return currencies
    nothing = {name: pl.lit(None, pl.Decimal(38, 18)) for name in MONEY}
    sums = [nothing.get(name, pl.col(name).sum()).alias(name) for name in MEASURES]
    return currencies.select(pl.lit(None, pl.String).alias("billing_currency"), *sums)


def _folded(rows: pl.DataFrame, by: Sequence[str]) -> list[pl.Expr]:
    counted = (
        (pl.col("total_tokens") != 0) | (pl.col("requests") != 0) | pl.any_horizontal(pl.col(COSTS).fill_null(0) != 0)
    )
    name = pl.when(counted.any()).then(pl.format("(other {})", counted.sum()))
    names = name.otherwise(pl.format("(gone {})", pl.len())).alias(by[0])
    sums = [known_sum(column) for column in rows.columns if column not in (*by, "billing_currency")]
    return [names, *(pl.lit("").alias(other) for other in by[1:]), *sums]
