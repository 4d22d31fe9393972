"""Which usage rows a question is about: a period and conditions, as polars filters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tokenaudit.errors import QueryError, did_you_mean
from tokenaudit.schema import DIMENSIONS, GRANULARITIES, TIME_DIMENSIONS

if TYPE_CHECKING:
    from tokenaudit.periods import Period

PRICED_DIMENSIONS = ("model", "cost_basis")
"""Dimensions that only pricing decides; conditions on them are applied to charges."""

DATED = GRANULARITIES[GRANULARITIES.index("day") :]
"""Granularities that name UTC dates and no instant: they keep these dates in every time zone."""


class Condition(NamedTuple):
    """Rows whose `column` is one of `values` (the empty one means no value), or none of them where `negated`."""

    column: str
    values: tuple[str, ...]
    negated: bool = False


class Chosen(NamedTuple):
    """Usage rows that count in a period, and those that reach into it but cannot be counted there."""

    inside: pl.LazyFrame
    left_out: pl.LazyFrame


def parse_conditions(texts: Iterable[str]) -> tuple[Condition, ...]:
    """Read ``column=value`` and ``column!=value``; values of one column and sign are alternatives.

    Raises QueryError for text without ``=``, for unknown columns and for time dimensions.
    """
    values: dict[tuple[str, bool], list[str]] = {}
    for text in texts:
        column, sign, value = text.partition("=")
        if not sign:
            raise QueryError(f"cannot read the condition `{text}`", "write it as `column=value`, such as `user=alice`")
        name = column.removesuffix("!").strip()
        values.setdefault((checked(name), column.endswith("!")), []).append(value.strip())
    return tuple(Condition(column, tuple(alternatives), negated) for (column, negated), alternatives in values.items())


def checked(column: str) -> str:
    """Return `column` if rows can be chosen by it; else raise QueryError with the nearest name."""
    if column in TIME_DIMENSIONS:
        raise QueryError(f"cannot choose rows by `{column}`", "choose the time with --period")
    if column not in DIMENSIONS:
        hint = did_you_mean(column, DIMENSIONS) or f"one of: {', '.join(DIMENSIONS)}"
        raise QueryError(f"unknown column `{column}`", hint)
    return column


def usage_filter(conditions: Sequence[Condition]) -> pl.Expr:
    """Return the filter of usage rows for all `conditions` that do not depend on prices."""
    return _all(condition for condition in conditions if condition.column not in PRICED_DIMENSIONS)


def charge_filter(conditions: Sequence[Condition]) -> pl.Expr:
    """Return the filter of charges for the `conditions` on `PRICED_DIMENSIONS`."""
    return _all(condition for condition in conditions if condition.column in PRICED_DIMENSIONS)


def in_period(usage: pl.LazyFrame, period: Period) -> Chosen:
    """Split off the usage rows that count in `period`.

    A row belongs to the instant of its `charge_period_start`; a row of a day or coarser to its first UTC date, read
    against the local dates of the period. One that is longer than the period counts nowhere in it. Whatever reaches
    into the period and is not counted there is `left_out`. `usage` holds all rows that touch the period.
    """
    if period.open:
        return Chosen(usage, usage.clear())
    first, after = _midnight(period.first), _midnight(period.last + timedelta(days=1))
    dated = pl.col("granularity").is_in(DATED).fill_null(value=False)
    start, end = pl.col("charge_period_start"), pl.col("charge_period_end")
    widest = start.is_between(min(first, period.start), max(after, period.end), closed="left")
    event = ~dated & start.is_between(period.start, period.end, closed="left")
    bucket = dated & start.is_between(first, after, closed="left") & (end <= start + (after - first))
    reaches = dated & (start < after) & (end > first)
    return Chosen(usage.filter(widest & (event | bucket)), usage.filter(reaches & ~bucket))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _all(conditions: Iterable[Condition]) -> pl.Expr:
    return reduce(and_, map(_matches, conditions), pl.lit(value=True))


def _matches(condition: Condition) -> pl.Expr:
    column = pl.col(condition.column)
    text = column.cast(pl.String) if condition.column == "batch" else column
    named = text.is_in(condition.values).fill_null(value="" in condition.values)
    return ~named if condition.negated else named
