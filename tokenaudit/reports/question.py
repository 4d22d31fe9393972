"""A question to a store, and the priced sums that answer it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.analysis.cube import cube
from tokenaudit.analysis.overlap import BILL_SOURCES, BILLS, SCOPE
from tokenaudit.analysis.where import in_period
from tokenaudit.conditions import Condition
from tokenaudit.config import Config
from tokenaudit.errors import NoDataError
from tokenaudit.periods import Period, parse_period
from tokenaudit.prices.book import load_book
from tokenaudit.schema import TOKEN_CLASSES

if TYPE_CHECKING:
    from tokenaudit.store.store import Store

LEFT_OUT_COST = "billed_cost"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: rows of a period that fit conditions, in the words of a configuration."""

    period: Period
    by: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    config: Config = field(default_factory=Config)
    cost: str = "effective_cost"


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The priced sums of a period, and what could not be counted in it."""

    cube: pl.DataFrame
    left_out: pl.DataFrame
    """Rows longer than the period, one a source: `source`, `billing_currency`, `rows`, `tokens`, `billed_cost`."""


def ask(store: Store, question: Question) -> Answer:
    """Return the answer to a question; its cube is empty where the store holds nothing for it."""
    period = question.period
    usage = with_project_names(store, store.usage(period.start, period.end))
    chosen = in_period(declared(usage, question.config), period)
    billed = store.catalog.sources() & set(BILL_SOURCES)
    bills = store.rows(period.start, period.end).filter(pl.col("source").is_in(BILL_SOURCES)) if billed else None
    sums = cube(
        chosen.inside,
        question.by,
        load_book(),
        timezone=period.timezone,
        conditions=question.conditions,
        bills=bills,
        expected_rows=sum(segment.rows for segment in store.segments(period.start, period.end)),
    )
    return Answer(sums, _left_out(chosen.left_out))


def with_project_names(store: Store, usage: pl.LazyFrame) -> pl.LazyFrame:
    """Give usage exports, which only know a project's id, the name that the cost export of the provider has for it."""
    read = store.catalog.sources()
    for bill, export in BILLS.items():
        names = _names(store, bill) if {bill, export} <= read else {}
        if names:
            own = pl.col("project").cast(pl.String)
            named = pl.col(SCOPE).cast(pl.String).replace_strict(names, default=own)
            project = pl.when(pl.col("source") == export).then(named).otherwise(own)
            usage = usage.with_columns(project=project.cast(pl.Categorical))
    return usage


def _names(store: Store, bill: str) -> dict[str, str]:
    bills = store.rows().filter(pl.col("source") == bill).select(pl.col(SCOPE, "project").cast(pl.String))
    return dict(bills.drop_nulls().unique().sort(SCOPE, "project").collect().iter_rows())


def declared(usage: pl.LazyFrame, config: Config) -> pl.LazyFrame:
    """Apply what the configuration declares: projects renamed, logs covered by a plan marked as `included`."""
    if config.projects:
        renamed = pl.col("project").cast(pl.String).replace(dict(config.projects))
        usage = usage.with_columns(project=renamed.cast(pl.Categorical))
    for plan in config.plans:
        covered = pl.col("source") == plan.source
        if plan.user is not None:
            covered &= pl.col("user") == plan.user
        if plan.first is not None:
            covered &= pl.col("charge_period_start") >= _midnight(plan.first)
        if plan.last is not None:
            covered &= pl.col("charge_period_start") < _midnight(plan.last + timedelta(days=1))
        basis = pl.when(covered.fill_null(value=False)).then(pl.lit("included", pl.Categorical))
        usage = usage.with_columns(cost_basis=basis.otherwise(pl.col("cost_basis")))
    return usage


def default_period(store: Store, as_of: date, timezone: str) -> tuple[Period, str | None]:
    """Return the month of `as_of`, or the newest one with data and a sentence that says so.

    NoDataError where the store holds nothing at all.
    """
    month = parse_period("this-month", as_of, timezone)
    if not _is_empty(store, month):
        return month, None
    newest = store.usage(None, month.end).select(pl.col("charge_period_start").max()).collect().item()
    newest = newest or store.usage().select(pl.col("charge_period_start").max()).collect().item()
    if newest is None:
        raise NoDataError("the store is empty", "run `tokenaudit ingest PATH` on exports or logs, or `tokenaudit demo`")
    found = parse_period(f"{newest:%Y-%m}", as_of, timezone)
    return found, f"nothing is stored for {month.name}: this is {found.name}, the newest month with data"


def _is_empty(store: Store, period: Period) -> bool:
    inside = in_period(store.usage(period.start, period.end), period).inside
    return inside.select("charge_period_start").head(1).collect().height == 0


def no_data(store: Store, question: Question) -> NoDataError:
    """Return the error for an answer without rows, with a hint of what the store does hold."""
    what = "no rows fit --where" if question.conditions else "nothing is stored"
    where = "" if question.period.open else f" in {question.period.name}"
    span = (
        store.usage()
        .select(first=pl.col("charge_period_start").min(), last=pl.col("charge_period_start").max())
        .collect()
    )
    first, last = span.row(0)
    hint = f"the store holds {first:%Y-%m-%d} to {last:%Y-%m-%d}; try --period all" if first else "the store is empty"
    return NoDataError(f"{what}{where}", hint)


def _left_out(rows: pl.LazyFrame) -> pl.DataFrame:
    return (
        rows.group_by(pl.col("source").cast(pl.String), pl.col("billing_currency").cast(pl.String))
        .agg(
            rows=pl.len(),
            tokens=pl.sum_horizontal(pl.col(TOKEN_CLASSES).sum()),
            billed_cost=pl.col(LEFT_OUT_COST).sum(),
        )
        .sort("source", "billing_currency")
        .collect()
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
