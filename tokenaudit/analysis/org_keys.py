"""What usage rows are grouped by, so that the org map can be applied to the groups: no more than it takes.

A row's day only matters where something changes: for everybody when teams or rules do, else for those names whose
people or projects change. A key or tag tells who somebody is only where no user is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import reduce
from operator import or_

import polars as pl

from tokenaudit.analysis.times import local_day
from tokenaudit.org.claims import TAG, folded
from tokenaudit.org.map import OrgMap
from tokenaudit.org.match import DAY, RAW

OTHER = "\0"
"""Stands for all values that no rule is about."""
MANY = 24
"""Changes in a period from which days are simply told apart one by one."""


def stored(names: Iterable[str]) -> list[str]:
    """Return the columns of stored rows behind columns and tags, each once."""
    return list(dict.fromkeys("tags" if name.startswith(TAG) else name for name in names))


def raw(names: Iterable[str]) -> list[str]:
    """Return what stored columns are called beside mapped ones."""
    return [f"{RAW}{name}" for name in stored(names)]


def columns(
    usage: pl.LazyFrame,
    whole: Sequence[str],
    told: Mapping[str, Callable[[str], bool]],
    of_nobody: Sequence[str],
) -> list[pl.Expr]:
    """Return stored columns of `usage` under their raw names.

    `whole` ones as they are, `told` ones with all values as one that nobody asks about, and those `of_nobody` only in
    rows that name no user.
    """
    found = {name: pl.col(name) for name in stored(whole)}
    asked = {name: None if name in of_nobody else told.get(name) for name in stored(told)}
    found |= {name: _told(usage, name, asks) for name, asks in asked.items() if name not in found}
    nobody = pl.col("user").is_null()
    found |= {name: pl.when(nobody).then(pl.col(name)) for name in stored(of_nobody) if name not in found}
    return [column.alias(f"{RAW}{name}") for name, column in found.items()]


def _told(usage: pl.LazyFrame, name: str, asks: Callable[[str], bool] | None) -> pl.Expr:
    """Return a column in which values that nobody asks about are one; tags and flags stay as they are."""
    if asks is None or usage.collect_schema()[name] != pl.Categorical:
        return pl.col(name)
    column, kept = pl.col(name), [value for value in _values(usage, name) if asks(value)]
    return pl.when(column.is_null() | column.is_in(kept)).then(column).otherwise(pl.lit(OTHER, pl.Categorical))


def _values(usage: pl.LazyFrame, name: str) -> list[str]:
    """Look up the values of a column at once."""
    seen = usage.select(pl.col(name).cast(pl.String).unique()).collect(engine="streaming")
    return seen.to_series().drop_nulls().to_list()


def day(usage: pl.LazyFrame, org: OrgMap, timezone: str, span: tuple[date, date] | None) -> pl.Expr:
    """Return the day of usage rows, or where nothing changes between two days the first of them."""
    first, last = span or (date.min, date.max)
    every = [change for change in org.changes if first < change <= last]
    own = [change for change in org.own_changes if first < change <= last]
    local = local_day(timezone)
    plain = _since(local, every, first)
    if not own:
        return plain.alias(DAY)
    moved = reduce(or_, (_is_any(usage, name, values) for name, values in org.moving.items()))
    return pl.when(moved).then(_since(local, sorted({*every, *own}), first)).otherwise(plain).alias(DAY)


def _since(local: pl.Expr, changes: Sequence[date], first: date) -> pl.Expr:
    """Return the day of the last change, or the day itself where there are many."""
    if len(changes) > MANY:
        return local
    told = pl.lit(first)
    for change in changes:
        told = pl.when(local >= change).then(pl.lit(change)).otherwise(told)
    return told


def _is_any(usage: pl.LazyFrame, name: str, values: frozenset[str]) -> pl.Expr:
    """Say whether a column holds one of some folded names."""
    held = pl.col(name).is_in([value for value in _values(usage, name) if folded(value) in values])
    known = held.fill_null(value=False)
    return known & pl.col("user").is_null() if name == "api_key" else known
