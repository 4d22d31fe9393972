"""Daily spend out of a store, as series that can be forecast: the total, and the keys of some dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from tokenaudit.conditions import UNATTRIBUTED
from tokenaudit.errors import NoDataError
from tokenaudit.forecast.panel import WEEK, Bools, Floats, Panel
from tokenaudit.periods import parse_period
from tokenaudit.periods import timezone as zone_of
from tokenaudit.reports.question import Question, ask, no_data

if TYPE_CHECKING:
    from tokenaudit.store.store import Store

REACH = 400
"""Days that are read: what the forecast learns from, and the year so far."""
STALE = 3
"""Days without any row after which the newest day with data, and not today, is where a forecast begins."""
COMPARED, FEWEST = 14, 5
"""Days before the last one whose last request says when a day is complete, and how many there must be."""
TOTAL = "total"
Key = tuple[str | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Daily spend in one currency. Rows of the panel are keys, the first one is the total."""

    currency: str
    panel: Panel
    """What is forecast from: days left out as one-offs are replaced by what is usual."""
    spent: Floats
    """What was spent, nothing replaced: as the values of `panel`."""
    keys: Sequence[Key]
    by: Sequence[tuple[str, ...]]
    """The dimensions of each key; none for the total."""

    def rows(self, by: tuple[str, ...]) -> list[int]:
        """Return the rows of the keys of some dimensions."""
        return [row for row, names in enumerate(self.by) if names == by]

    def since(self, first: date) -> Floats:
        """Return what each key spent from a day on."""
        column = max(0, (first - self.panel.first).days)
        total: Floats = self.spent[:, column:].sum(axis=1)
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What a store says about the days up to a date."""

    cube: pl.DataFrame
    """The priced sums by `day` and all dimensions asked for, complete days only."""
    last: date
    """The last complete day."""
    today: date
    """The day after which everything lies ahead: as asked, or the day after the last one where the store is stale."""
    partial: date | None
    """The day that was left out because it is not over, or its rows are not complete."""


def read_days(store: Store, question: Question, as_of: date, clock: date) -> Read:
    """Return the days up to `as_of`; `clock` is the day it is. NoDataError where there is none.

    `question` says what is counted; its period does not count.
    """
    zone = question.period.timezone
    period = parse_period(f"{as_of - timedelta(days=REACH)}..{as_of}", as_of, zone)
    asked = replace(question, period=period, by=("day", *question.by))
    answer = ask(store, asked)
    days = answer.cube.filter(pl.col("day").is_not_null()).with_columns(day=pl.col("day").str.to_date())
    if days.is_empty():
        raise no_data(store, asked, answer.left_out)
    newest: date = days["day"].max()  # type: ignore[assignment]  # a column of dates
    partial = newest if newest == clock or _is_cut(days, newest, zone) else None
    last = newest - timedelta(days=1) if partial else newest
    stale = (as_of - last).days > STALE
    return Read(days.filter(pl.col("day") <= last), last, last + timedelta(days=1) if stale else as_of, partial)


def _is_cut(days: pl.DataFrame, newest: date, zone: str) -> bool:
    """Say whether the last request of a day came earlier than on any of the days before it."""
    ends = days.group_by("day").agg(pl.col("data_to").max()).filter(pl.col("day") > newest - timedelta(days=COMPARED))
    hours = {day: _hours(instant, day, zone) for day, instant in ends.iter_rows()}
    last = hours.pop(newest)
    return len(hours) >= FEWEST and last < min(hours.values())


def _hours(instant: datetime, day: date, zone: str) -> float:
    midnight = datetime.combine(day, time(), zone_of(zone))
    return (instant - midnight).total_seconds() / 3600


def histories(
    found: Read, groups: Sequence[tuple[str, ...]], cost: str, excluded: Sequence[tuple[date, date]] = ()
) -> list[History]:
    """Return the daily spend of each currency, the largest first, by each of the `groups` of dimensions.

    NoDataError where nothing has a price.
    """
    priced = found.cube.filter(pl.col(cost).is_not_null())
    if priced.is_empty():
        models = found.cube["unpriced_model"].cast(pl.String).drop_nulls().unique().sort()
        hint = f"no price is known for {', '.join(models.head(5))}" if len(models) else "try --cost list"
        raise NoDataError(f"no spend is known up to {found.last}", hint)
    sizes = priced.group_by("billing_currency").agg(pl.col(cost).sum()).sort(cost, descending=True)
    return [
        _history(priced.filter(pl.col("billing_currency") == currency), found, groups, cost, excluded)
        for currency in sizes["billing_currency"].cast(pl.String).to_list()
    ]


def _history(
    rows: pl.DataFrame,
    found: Read,
    groups: Sequence[tuple[str, ...]],
    cost: str,
    excluded: Sequence[tuple[date, date]],
) -> History:
    first: date = rows["day"].min()  # type: ignore[assignment]  # a column of dates
    length = (found.last - first).days + 1
    keys: list[Key] = []
    by: list[tuple[str, ...]] = []
    tables = []
    for names in dict.fromkeys(((), *groups)):
        group_keys, table = _table(rows, names, cost, first, length)
        keys += group_keys
        by += [names] * len(group_keys)
        tables.append(table)
    spent = np.maximum(np.concatenate(tables), 0.0)
    start = np.where(spent.any(axis=1), (spent > 0).argmax(axis=1), length)
    names_of = [name_of(key) or TOTAL for key in keys]
    dims = ["+".join(names) or TOTAL for names in by]
    usual = without(spent, start, _columns(excluded, first, length))
    panel = Panel(names_of, dims, first, usual, start)
    return History(str(rows["billing_currency"][0]), panel, spent, keys, by)


def name_of(key: Key) -> str | None:
    """Return a key in one text; None where there is nothing to name, as for the total.

    >>> name_of(("ann", None)), name_of((None,)), name_of(())
    ('ann/(unattributed)', '(unattributed)', None)
    """
    return "/".join(UNATTRIBUTED if value is None else value for value in key) or None


def _table(rows: pl.DataFrame, names: tuple[str, ...], cost: str, first: date, length: int) -> tuple[list[Key], Floats]:
    """Return the keys of some dimensions, by name, and what they spent a day."""
    sums = rows.group_by(*names, "day").agg(pl.col(cost).sum().cast(pl.Float64)).cast(dict.fromkeys(names, pl.String))
    keys = sums.select(names).unique().sort(names, nulls_last=True).rows() if names else [()]
    place = {key: row for row, key in enumerate(keys)}
    table = np.zeros((len(keys), length))
    for *key, day, value in sums.iter_rows():
        table[place[tuple(key)], (day - first).days] = value
    return list(keys), table


def _columns(excluded: Sequence[tuple[date, date]], first: date, length: int) -> Bools:
    days = [first + timedelta(days=column) for column in range(length)]
    return np.array([any(begin <= day <= end for begin, end in excluded) for day in days], bool)


def without(spent: Floats, start: np.typing.NDArray[np.int64], excluded: Bools) -> Floats:
    """Return spend with excluded days as the mean of the same weekday of the two weeks before and after."""
    usual = spent.copy()
    length = spent.shape[1]
    for column in np.flatnonzero(excluded):
        weeks = column + WEEK * np.array([-4, -3, -2, -1, 1, 2])
        near = weeks[(weeks >= 0) & (weeks < length)]
        near = near[~excluded[near]]
        lived = near[None] >= start[:, None]
        usual[:, column] = (spent[:, near] * lived).sum(axis=1) / np.maximum(lived.sum(axis=1), 1)
    return usual
