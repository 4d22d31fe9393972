"""Which usage rows a question is about: a period and conditions, as polars filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tokenaudit.conditions import TAG, Condition, is_tag
from tokenaudit.errors import QueryError
from tokenaudit.schema import GRANULARITIES, NAMES, ORG_DIMENSIONS

if TYPE_CHECKING:
    from tokenaudit.periods import Period

PRICED_DIMENSIONS = ("provider", "model", "cost_basis")
"""Dimensions that pricing decides, or fills where a log names none: conditions on them are for charges."""

DATED = GRANULARITIES[GRANULARITIES.index("day") :]
"""Granularities that name UTC dates and no instant: they keep these dates in every time zone."""


class Chosen(NamedTuple):
    """Usage rows that count in a period, and those that reach into it but cannot be counted there."""

    inside: pl.LazyFrame
    left_out: pl.LazyFrame


def usage_filter(conditions: Iterable[Condition], instead: Mapping[str, pl.Expr] | None = None) -> pl.Expr:
    """Return the filter of usage rows for `conditions`. Raises QueryError for one that only charges can meet.

    `instead` has expressions to look at in the place of columns.
    """
    for column, _, _ in conditions:
        if (column not in NAMES and not is_tag(column)) or column == "cost_basis":
            hint = "choose by `request_model`, `source` or another column of stored rows"
            known = "the org map says it" if column in ORG_DIMENSIONS else "it is known once they are priced"
            raise QueryError(f"stored rows have no `{column}`: {known}", hint)
    return charge_filter(conditions, instead)


def charge_filter(conditions: Iterable[Condition], instead: Mapping[str, pl.Expr] | None = None) -> pl.Expr:
    """Return the filter of charges for `conditions`: rows that meet them all."""
    columns = instead or {}
    met = (_meets(condition, columns.get(condition.column, dimension(condition.column))) for condition in conditions)
    return reduce(and_, met, pl.lit(value=True))


def may_meet(conditions: Iterable[Condition]) -> pl.Expr:
    """Return the filter of usage rows that may meet `conditions` once they are priced."""
    held = [condition for condition in conditions if condition.column in NAMES or is_tag(condition.column)]
    told = [condition for condition in held if condition.column != "cost_basis"]
    unknown = pl.col("provider").is_null()
    met = (charge_filter([item]) | unknown if item.column == "provider" else charge_filter([item]) for item in told)
    return reduce(and_, met, pl.lit(value=True))


def dimension(name: str) -> pl.Expr:
    """Return a dimension of usage rows: a column, or one of the tags."""
    if not is_tag(name):
        return pl.col(name)
    return pl.col("tags").cast(pl.String).str.json_path_match(f"$['{name.removeprefix(TAG)}']").alias(name)


def counted_in(usage: pl.LazyFrame | None, periods: Iterable[Period]) -> list[pl.Expr]:
    """Say of each period whether a row of `usage` counts in it, see `in_period`; None for rows of any length."""
    counts = _events if usage is not None and _all_are_events(usage) else belongs
    return [counts(period) for period in periods]


def in_period(usage: pl.LazyFrame, period: Period) -> Chosen:
    """Split off the usage rows that count in `period`.

    A row belongs to the instant of its `charge_period_start`; a row of a day or coarser to its first UTC date, read
    against the local dates of the period. One that is longer than the period counts nowhere in it. Whatever reaches
    into the period and is not counted there is `left_out`. `usage` holds all rows that touch the period.
    """
    if period.open:
        return Chosen(usage, usage.clear())
    if _all_are_events(usage):
        return Chosen(usage.filter(_events(period)), usage.clear())
    reaches = (
        _dated() & (pl.col("charge_period_start") < _after(period)) & (pl.col("charge_period_end") > _first(period))
    )
    return Chosen(usage.filter(belongs(period)), usage.filter(reaches & ~_fits(period)))


def belongs(period: Period) -> pl.Expr:
    """Say whether a usage row counts in a period, see `in_period`."""
    first, after = _first(period), _after(period)
    widest = pl.col("charge_period_start").is_between(min(first, period.start), max(after, period.end), closed="left")
    return widest & pl.when(_dated()).then(_fits(period)).otherwise(_events(period))


def whole_days(period: Period) -> Period:
    """Return a period of the UTC days that another one touches, itself where it is made of them."""
    last = (period.end - timedelta(microseconds=1)).astimezone(UTC).date()
    first = period.start.astimezone(UTC).date()
    return replace(period, start=_midnight(first), end=_midnight(last + timedelta(days=1)), first=first, last=last)


def _events(period: Period) -> pl.Expr:
    return pl.col("charge_period_start").is_between(period.start, period.end, closed="left")


def _fits(period: Period) -> pl.Expr:
    """Say whether a row of a day or coarser lies within the dates of a period, if it starts there."""
    start, length = pl.col("charge_period_start"), _after(period) - _first(period)
    return start.is_between(_first(period), _after(period), closed="left") & (
        pl.col("charge_period_end") <= start + length
    )


def _first(period: Period) -> datetime:
    return _midnight(period.first)


def _after(period: Period) -> datetime:
    return _midnight(period.last + timedelta(days=1))


def _dated() -> pl.Expr:
    return pl.col("granularity").is_in(DATED)


def _all_are_events(usage: pl.LazyFrame) -> bool:
    """Look whether no row is of a day or coarser; Parquet files answer that without being read through."""
    return usage.filter(_dated()).select("granularity").head(1).collect().is_empty()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _meets(condition: Condition, column: pl.Expr) -> pl.Expr:
    if condition.column == "team":
        return _within(condition)
    text = column.cast(pl.String) if condition.column == "batch" else column
    named = text.is_in(condition.values).fill_null(value="" in condition.values)
    return ~named if condition.negated else named


def _within(condition: Condition) -> pl.Expr:
    """Say whether a charge is of a team or of one below it, by its `team_path`."""
    steps = pl.col("team_path").cast(pl.String).str.split("/")
    of_any = pl.any_horizontal(steps.list.contains(name) for name in condition.values)
    named = of_any.fill_null(value="" in condition.values)
    return ~named if condition.negated else named
