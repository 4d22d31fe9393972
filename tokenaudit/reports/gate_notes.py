"""The remarks under a check: what was not counted, and why a budget may say less than it seems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.analysis.windows import NAME, WIDTH
from tokenaudit.budgets.windows import LENGTHS
from tokenaudit.render.numbers import compact_tokens, plural
from tokenaudit.reports.gate_words import Row, subject
from tokenaudit.reports.joined import sentences

if TYPE_CHECKING:
    from tokenaudit.budgets.cases import Day
    from tokenaudit.budgets.load import Loaded
    from tokenaudit.reports.judging import Judged

MONTH = 28
LONG = ("month", "period")
"""Granularities of rows that fit in no day and no week."""
NAMES = 5


def notes(loaded: Loaded, rows: Sequence[Row], judged: Judged, day: Day) -> Iterator[str]:
    """Yield what a reader must know beside the verdicts."""
    yield from _later(judged, day)
    yield from _without_window(loaded, judged, day)
    yield from _nothing_found(judged)
    yield from _nobodys(judged)
    yield from _outside(rows, judged)
    yield from _too_long(judged)
    yield from sentences(judged.spending.answer.joined)


def _later(judged: Judged, day: Day) -> Iterator[str]:
    place, bit = divmod(judged.spending.now, WIDTH)
    later = pl.col(NAME.format(place)) // (1 << bit) % 2 == 0
    requests = judged.spending.cube.filter(later)["requests"].sum() or 0
    if requests:
        yield f"{plural(int(requests), 'request')} after {day.as_of} are not counted."


def _without_window(loaded: Loaded, judged: Judged, day: Day) -> Iterator[str]:
    known = {case.budget.id for case in judged.cases}
    for budget in loaded.budgets:
        if budget.id not in known:
            yield f"Budget {budget.id} has no limit on {day.as_of}."


def _nothing_found(judged: Judged) -> Iterator[str]:
    """Name budgets that nothing stored belongs to: the scope may be misspelt."""
    some = (pl.col("requests") != 0) | (pl.col("tokens") != 0) | (pl.col("spent") != 0)
    used = {judged.cases[number].budget.id for number in judged.rows.filter(some)["case"].unique()}
    empty = sorted({case.budget.id for case in judged.cases if case.budget.scope} - used)
    if empty:
        yield f"Nothing in its windows belongs to {_listed(empty)}: see `tokenaudit budget lint`."


def _nobodys(judged: Judged) -> Iterator[str]:
    """Tell what budgets of single values cannot judge, as it has no value."""
    columns = sorted({case.subject.each for case in judged.cases if case.subject.each})
    for column in columns:
        sums = judged.spending.totals(column).filter(
            pl.col("window").is_in(list(judged.windows)), pl.col(column).is_null()
        )
        if sums.height:
            tokens = max(sums.group_by("window").agg(pl.col("tokens").sum())["tokens"])
            yield f"{compact_tokens(tokens)} tokens have no {column}: budgets for each {column} do not see them."


def _outside(rows: Sequence[Row], judged: Judged) -> Iterator[str]:
    for row in rows:
        if row["outside"]:
            case = judged.cases[row["case"]]
            name = subject(case, row["key"])
            yield f"Budget {name} is about more than its parent {case.budget.parent}: widen the parent's scope."


def _too_long(judged: Judged) -> Iterator[str]:
    short = any(0 < LENGTHS[case.limit.period] < MONTH for case in judged.cases)
    rows = judged.spending.cube.filter(pl.col("granularity").is_in(LONG))
    if short and rows.height:
        yield "Rows of a month or longer count in no day and no week."


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return f"{', '.join(names[:NAMES])}{more}"
