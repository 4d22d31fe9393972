"""`tokenaudit budget plan --replay`: how often each limit would have fired in the past, how early, and for nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.analysis.measures import EXACT
from tokenaudit.analysis.replay import fired, summed
from tokenaudit.analysis.scopes import View
from tokenaudit.analysis.verdicts import COST
from tokenaudit.budgets.cases import Case, Day, Subject, cases
from tokenaudit.budgets.checks import size
from tokenaudit.budgets.windows import between
from tokenaudit.errors import NoDataError
from tokenaudit.render.document import Document, Section, Shown
from tokenaudit.reports.gate_words import figure
from tokenaudit.reports.judging import thresholds
from tokenaudit.reports.spending import Numbered, Spending

if TYPE_CHECKING:
    from tokenaudit.budgets.load import Loaded
    from tokenaudit.config import Config
    from tokenaudit.periods import Period
    from tokenaudit.store.store import Store

SCHEMA = "tokenaudit.budget-plan/1"
COLUMNS = (
    Shown("budget", "", "text"),
    Shown("limit_text", "limit", "figure"),
    Shown("window", "window", "words"),
    Shown("windows", "windows", "count", 2),
    Shown("warned", "warned", "count"),
    Shown("over", "over", "count"),
    Shown("notice", "days' notice", "count", 1),
    Shown("for_nothing", "for nothing", "count"),
    Shown("worst", "worst", "percent", 3),
)
NOTES = (
    "Grants and roll-over are left out: limits as they stand today, with the exceptions of each window's last day.",
)


def replay(store: Store, config: Config, loaded: Loaded, period: Period) -> Document:
    """Return what every limit would have done in a period that has passed."""
    day = Day(period.last, period.timezone, period)
    found = list(cases(loaded, day))
    if not found:
        raise NoDataError(f"no budget has a limit in {period.name}", "replay a period that its days lie in")
    days = pl.concat(_days(store, config, found, day))
    rows = summed(fired(days)).join(_limits(found), on="limit").sort("limit")
    shown = rows.with_columns(limit_text=pl.Series(_texts(found, rows["limit"].to_list())))
    section = Section("Budget", shown, COLUMNS)
    machine = shown.select("budget", "window", "unit", "cap", *(column.name for column in COLUMNS[3:]))
    return Document(
        schema=SCHEMA,
        head={"period": period.echo()},
        rows=machine.rename({"cap": "limit"}),
        heading=(f"What limits would have done in {period.name}, {period.timezone}",),
        sections=(section,),
        notes=NOTES,
    )


def _key(case: Case) -> tuple[str, str | None, str, str, str]:
    """Return what makes a limit one in all its windows."""
    total = f"{case.limit.first}..{case.limit.last}" if case.limit.period == "total" else ""
    return case.budget.id, case.subject.each, case.limit.period, case.unit, total


def _limits(found: Sequence[Case]) -> pl.DataFrame:
    numbers, first = _numbers(found)
    rows = [
        (number, case.budget.id, case.limit.period, case.unit, size(case.limit))
        for number, case in zip(numbers, first, strict=True)
    ]
    names = ("limit", "budget", "window", "unit", "cap")
    kinds = (pl.Int64, pl.String, pl.String, pl.String, EXACT)
    return pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")


def _numbers(found: Sequence[Case]) -> tuple[list[int], list[Case]]:
    """Return the numbers of limits, and the first case of each."""
    first: dict[tuple[str, str | None, str, str, str], Case] = {}
    for case in found:
        first.setdefault(_key(case), case)
    return list(range(len(first))), list(first.values())


def _texts(found: Sequence[Case], numbers: Sequence[int]) -> list[str]:
    _, first = _numbers(found)
    return [figure(size(first[number].limit), first[number].unit) for number in numbers]


def _days(store: Store, config: Config, found: Sequence[Case], day: Day) -> Iterator[pl.DataFrame]:
    """Yield what was spent on each day, for each limit, with its thresholds."""
    views: Numbered[View] = Numbered()
    for case in found:
        for subject in filter(None, (case.subject, case.whole)):
            views.number(View(*subject), (repr(subject.scopes), subject.each))
    first, last = min(case.period.first for case in found), max(case.period.last for case in found)
    whole = between(first, last, day.zone)
    spending = Spending(store, config, [whole], [view.by("day") for view in views.things], day.as_of)
    numbers = {_key(case): number for number, case in zip(*_numbers(found), strict=True)}
    days = spending.of_all(views.things, "day").filter(pl.col("window") == 0)
    by_view = dict(enumerate(days.filter(pl.col("view") == n) for n in range(len(views.things))))
    for case in found:
        own = by_view[_number(views, case.subject)]
        beside = by_view[_number(views, case.whole)] if case.whole else None
        yield _of_case(case, numbers[_key(case)], own, beside)


def _number(views: Numbered[View], subject: Subject) -> int:
    return views.number(View(*subject), (repr(subject.scopes), subject.each))


def _of_case(case: Case, number: int, own: pl.DataFrame, whole: pl.DataFrame | None) -> pl.DataFrame:
    rows = _amounts(case, own)
    if whole is None:
        rows = rows.with_columns(of=pl.lit(None, EXACT))
    else:
        rows = (
            _amounts(case, whole).rename({"amount": "of"}).join(rows, on=["key", "day"], how="left", nulls_equal=True)
        )
    return _capped(case, rows).select(
        "key",
        "day",
        pl.col("amount").fill_null(0),
        "of",
        "warn_at",
        "fail_at",
        cap="limit",
        limit=pl.lit(number, pl.Int64),
        start=pl.lit(case.period.first),
    )


def _capped(case: Case, rows: pl.DataFrame) -> pl.DataFrame:
    """Add to rows the limit of their key: the usual one, or an exception."""
    usual = thresholds(case, size(case.limit))
    exempt = pl.DataFrame(
        [{"key": key, **thresholds(case, amount)} for key, amount in case.exempt.items()],
        schema={"key": pl.String, **dict.fromkeys(usual, EXACT)},
    )
    known = [pl.coalesce(name, pl.lit(amount).cast(EXACT)).alias(name) for name, amount in usual.items()]
    return rows.join(exempt, on="key", how="left").with_columns(known)


def _amounts(case: Case, rows: pl.DataFrame) -> pl.DataFrame:
    """Return what was spent on each day of a case's window, in its unit, by key."""
    inside = rows.with_columns(pl.col("day").str.to_date()).filter(
        pl.col("day").is_between(case.period.first, case.period.last)
    )
    if case.subject.each:
        inside = inside.filter(pl.col("key").is_not_null())
    money = pl.when(pl.col("billing_currency") == case.limit.currency).then(COST[case.budget.cost])
    amount = pl.col("tokens").cast(EXACT) if case.unit == "tokens" else money
    return inside.group_by("key", "day").agg(amount=amount.sum())
