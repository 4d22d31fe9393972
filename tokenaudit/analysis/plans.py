"""Calls that a plan covers, in a report of the provider and in a developer's log: the log's rows are covered too.

A report of whom a subscription serves knows neither projects nor single calls, a log knows nothing of the subscription.
So what both tell of counts as the log has it, at no cost, and is taken out of the report.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import polars as pl

from tokenaudit.analysis.layers import COUNTED, Told, absorb, reduced
from tokenaudit.charges import UNITS
from tokenaudit.schema import TOKEN_CLASSES

MONEY = pl.Decimal(38, 18)


class Covered(NamedTuple):
    """Cells, of which some are split and all have new numbers; and the tokens that were taken out of reports."""

    cells: pl.DataFrame
    taken: pl.DataFrame
    """`source`, `for_source` and `tokens` of cells that are shown."""


def is_included() -> pl.Expr:
    """Say whether a plan covers a cell."""
    return (pl.col("cost_basis") == "included").fill_null(value=False)


def covered_logs(cells: pl.DataFrame, reports: Collection[str], logs: Collection[str]) -> Covered:
    """Mark what logs tell of calls that a plan covers by the word of a report, and take it out of the report."""
    source, tied = pl.col("tie_source"), pl.col("tie_day").is_not_null()
    is_plan, is_log = tied & is_included() & source.is_in(reports), tied & ~is_included() & source.is_in(logs)
    plans, told = cells.filter(is_plan), cells.filter(is_log).partition_by("tie_source", as_dict=True)
    nothing = pl.DataFrame(schema={"source": pl.String, "tokens": pl.Int64, "for_source": pl.String})
    if plans.is_empty() or not told:
        return Covered(cells, nothing)
    left, parts, taken = Told.of(plans), [cells.filter(~is_plan, ~is_log)], []
    for (log,), rows in sorted(told.items()):
        before, whole = left, Told.of(rows)
        left, rest = absorb(before, whole)
        parts += _parted(rows, whole, _whole_calls(rest))
        taken.append(_tokens(plans, before, left).with_columns(for_source=pl.lit(log)))
    rest_of_plans = reduced(plans, left).filter(pl.sum_horizontal(COUNTED) > 0)
    together = pl.concat([*parts, rest_of_plans]).drop("cell").with_row_index("cell")
    return Covered(together.select(cells.columns), pl.concat([nothing, *taken]))


def _whole_calls(rest: Told) -> Told:
    """Leave out requests of which no token is left."""
    tokens = pl.col("name").is_in(TOKEN_CLASSES).any().over("cell")
    return rest.where(tokens)


def _parted(rows: pl.DataFrame, whole: Told, rest: Told) -> list[pl.DataFrame]:
    """Return what of a log's cells no plan covers, and what one does."""
    gone = whole.less(rest.amounts.select("cell", "name", cut="amount"))
    nothing, units = pl.lit(None, MONEY), pl.lit(UNITS, pl.Int8)
    covered = reduced(rows, gone).filter(pl.sum_horizontal(COUNTED) > 0)
    return [
        reduced(rows, rest),
        covered.with_columns(
            cost_basis=pl.lit("included"),
            billed_cost=nothing,
            list_cost=nothing,
            price_marks=pl.col("price_marks") & units,
        ),
    ]


def _tokens(plans: pl.DataFrame, before: Told, after: Told) -> pl.DataFrame:
    """Return the tokens that were taken out of each report's cells that are shown."""
    tokens = pl.col("name").is_in(TOKEN_CLASSES)
    cuts = after.amounts.select("cell", "name", cut="amount")
    gone = before.amounts.join(cuts, on=["cell", "name"], how="left").filter(tokens)
    shown = plans.filter("shown").select("cell", source="tie_source")
    amount = pl.col("amount") - pl.col("cut").fill_null(0)
    return gone.join(shown, on="cell").group_by("source").agg(tokens=amount.sum())
