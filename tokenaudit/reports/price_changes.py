"""Price changes ahead that the price book knows of: what the use of the last four weeks will cost then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from tokenaudit.analysis.cube import cube
from tokenaudit.analysis.where import in_period
from tokenaudit.charges import with_price_dimensions
from tokenaudit.forecast.panel import MONTH, Floats
from tokenaudit.periods import parse_period
from tokenaudit.prices.book import PriceBook
from tokenaudit.reports.declared import declared
from tokenaudit.reports.owners import attributed
from tokenaudit.reports.people import of_people, sight
from tokenaudit.reports.question import Question, book_of

if TYPE_CHECKING:
    from tokenaudit.store.store import Store

TIMES = ("charge_period_start", "charge_period_end")
SLIGHT = 0.0005
"""A change of the total by less is not spoken of."""


@dataclass(frozen=True, slots=True, eq=False)
class PriceChanges:
    """What the use of the last four weeks cost, and what it will cost after each change ahead."""

    now: pl.DataFrame = field(default_factory=pl.DataFrame)
    then: Sequence[tuple[date, pl.DataFrame]] = ()
    """The first day of each change, and the sums at its prices, by the same dimensions."""

    def factors(self, last: date, days: int, cost: str, chosen: Sequence[pl.Expr]) -> Floats:
        """Return how much more each of the next days costs, for each choice of rows: choices x days."""
        factor = np.ones((len(chosen), days))
        for day, sums in self.then:
            begin = max(0, (day - last).days - 1)
            factor[:, begin:] = np.array([_ratio(self.now, sums, cost, rows) for rows in chosen])[:, None]
        return factor

    def told(self, cost: str) -> list[tuple[date, float]]:
        """Return the first day and the effect of each change that can be seen in the total, against now."""
        effects = [(day, _ratio(self.now, sums, cost, pl.lit(value=True)) - 1) for day, sums in self.then]
        return [(day, effect) for day, effect in effects if abs(effect) >= SLIGHT]


def _ratio(now: pl.DataFrame, then: pl.DataFrame, cost: str, chosen: pl.Expr) -> float:
    before, after = (float(sums.filter(chosen)[cost].sum() or 0) for sums in (now, then))
    return after / before if before > 0 and after > 0 else 1.0


def price_changes(store: Store, question: Question, last: date, until: date) -> PriceChanges:
    """Return the price changes after `last` and up to `until` of what was used in the four weeks before."""
    zone = question.period.timezone
    period = parse_period(f"{last - timedelta(days=MONTH - 1)}..{last}", last, zone)
    usage = declared(attributed(store, store.usage(period.start, period.end)), question.config)
    used = in_period(usage, period).inside
    book, seen = book_of(question.config), sight(question.config, period)
    conditions = of_people(question.conditions, question.config)
    days = _days(used, book, last, until)
    if not days:
        return PriceChanges()

    def sums(rows: pl.LazyFrame) -> pl.DataFrame:
        return cube(rows, question.by, book, timezone=zone, conditions=conditions, sight=seen)

    moved = [(day, sums(_moved(used, day - period.first))) for day in days]
    return PriceChanges(sums(used), moved)


def _days(used: pl.LazyFrame, book: PriceBook, last: date, until: date) -> list[date]:
    """Return the first whole days at new prices."""
    begin, end = (datetime.combine(day, time(), UTC) for day in (last + timedelta(days=1), until))
    ahead = book.rates.filter(pl.col("effective_from").is_between(begin, end))
    if ahead.is_empty() or not used.select(pl.len()).collect().item():
        return []
    offers = with_price_dimensions(used, book).select("offer").unique().collect()["offer"]
    found = ahead.filter(pl.col("offer").is_in(offers.drop_nulls().to_list()))
    return sorted({_first_day(instant) for instant in found["effective_from"].to_list()})


def _first_day(instant: datetime) -> date:
    return instant.date() if instant.time() == time() else instant.date() + timedelta(days=1)


def _moved(used: pl.LazyFrame, by: timedelta) -> pl.LazyFrame:
    """Return usage as if it happened later, all of it at the prices of then or later ones."""
    return used.with_columns(pl.col(name) + by for name in TIMES)
