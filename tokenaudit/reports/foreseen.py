"""The forecast of one currency of a store: distributions of spans, and how the total is split among keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.errors import QueryError
from tokenaudit.forecast.engine import Outlook, Totals, outlook
from tokenaudit.forecast.panel import MONTH, WEEK
from tokenaudit.render.numbers import apportion
from tokenaudit.reports.history import History, Read, histories, read_days
from tokenaudit.reports.horizons import Horizon, horizons
from tokenaudit.reports.price_changes import PriceChanges, price_changes
from tokenaudit.reports.question import Question
from tokenaudit.schema import TIME_DIMENSIONS

if TYPE_CHECKING:
    from tokenaudit.store.store import Store

DRIVERS = ("user", "model", "project")
"""Dimensions that are asked for whatever is laid out: what moved is one of them."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a forecast is wanted."""

    groups: tuple[tuple[str, ...], ...]
    """Dimensions of each breakdown; machines get the first one."""
    level: int = 80
    """How many times in a hundred the range of people's tables holds."""
    budget: Decimal | None = None
    """What the month may cost."""
    excluded: tuple[tuple[date, date], ...] = ()
    limit: int | None = None
    against: tuple[str, ...] = ()
    """Rivals that stand beside a backtest."""


@dataclass(frozen=True, eq=False)
class Foreseen:
    """The forecast of one currency."""

    history: History
    read: Read
    horizons: Sequence[Horizon]
    cost: str
    changes: PriceChanges

    @cached_property
    def outlook(self) -> Outlook:
        """Return the distributions, as far ahead as is asked for."""
        days = max(MONTH, *(item.ahead(self.read.last) for item in self.horizons))
        found = outlook(self.history.panel, days)
        if not self.changes.then:
            return found
        chosen = [self._of(row) for row in range(len(self.history.keys))]
        return found.repriced(self.changes.factors(self.read.last, days, self.cost, chosen))

    def _of(self, row: int) -> pl.Expr:
        """Say whether a row of a cube is of this currency and a key."""
        pairs = zip(self.history.by[row], self.history.keys[row], strict=True)
        keys = [pl.col(name).cast(pl.String).eq_missing(pl.lit(value)) for name, value in pairs]
        return pl.all_horizontal(pl.col("billing_currency") == self.history.currency, *keys)

    @cached_property
    def rows(self) -> pl.DataFrame:
        """Return the cube of this currency."""
        return self.read.cube.filter(pl.col("billing_currency") == self.history.currency)

    def totals(self, horizon: Horizon) -> Totals:
        """Return the totals of a span for all keys."""
        return self.outlook.next(horizon.ahead(self.read.last), self.history.since(horizon.first))

    def so_far(self, horizon: Horizon, by: tuple[str, ...]) -> list[Decimal]:
        """Return what the keys of some dimensions have spent in a span, exactly."""
        spent = self.rows.filter(pl.col("day") >= horizon.first)
        sums = spent.group_by(pl.col(by).cast(pl.String)) if by else spent.group_by(pl.lit(0))
        known = {row[:-1] if by else (): row[-1] for row in sums.agg(pl.col(self.cost).sum()).iter_rows()}
        return [known.get(self.history.keys[row]) or Decimal(0) for row in self.history.rows(by)]

    def points(self, horizon: Horizon, by: tuple[str, ...]) -> list[Decimal]:
        """Return the forecasts of the keys of some dimensions: the total's, split as the last week was spent.

        They add up to the total to the cent.
        """
        totals = self.totals(horizon)
        remainder = amount(float(totals.middle[0] - totals.so_far[0]))
        spent = self.so_far(horizon, by)
        parts = apportion([remainder * share for share in self.shares(by)])
        return [one + (part or 0) for one, part in zip(spent, parts, strict=True)]

    def shares(self, by: tuple[str, ...]) -> list[Decimal]:
        """Return the share of each key in the last week, or in the last time there was any spend."""
        rows = self.history.rows(by)
        for days in (WEEK, MONTH, self.history.panel.days):
            spent = [Decimal(str(value)) for value in self.history.panel.recent(days)[rows].tolist()]
            if total := sum(spent):
                return [value / total for value in spent]
        return [Decimal(1) / len(rows)] * len(rows)


def amount(value: float) -> Decimal:
    """Return an estimate to the cent."""
    return Decimal(str(round(value, 2)))


def foresee(store: Store, question: Question, as_of: date, clock: date, wish: Wish) -> list[Foreseen]:
    """Return the forecast of each currency, the largest first."""
    for name in TIME_DIMENSIONS:
        if any(name in group for group in wish.groups):
            raise QueryError(f"cannot forecast by `{name}`", "a forecast is by who or what: --by user, --by project")
    names = tuple(dict.fromkeys([name for group in wish.groups for name in group] + list(DRIVERS)))
    asked = Question(question.period, names, question.conditions, question.config, question.cost, question.keep)
    read = read_days(store, asked, as_of, clock)
    spans = horizons(read.today, read.last, getattr(question.config, "fiscal_year_start", 1))
    found = histories(read, wish.groups, question.cost, wish.excluded)
    changes = price_changes(store, asked, read.last, spans[-1].last)
    return [Foreseen(item, read, spans, question.cost, changes) for item in found]
