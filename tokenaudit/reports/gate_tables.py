"""The tables of `tokenaudit check` for people: a line for each limit, budgets of many values folded to what matters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.budgets.checks import size
from tokenaudit.render.document import Section, Shown
from tokenaudit.render.numbers import percent, plain, plural
from tokenaudit.reports.gate_words import Row, figure, outlook, part, subject, verdict

if TYPE_CHECKING:
    from tokenaudit.budgets.cases import Case, Day
    from tokenaudit.reports.policies import Verdict

SHOWN = 10
"""Values of one limit that have a line of their own."""
LIMITS = (
    Shown("budget", "", "text"),
    Shown("period", "period", "words", 2),
    Shown("spent", "spent", "figure"),
    Shown("limit", "of", "figure"),
    Shown("used", "used", "figure", 3),
    Shown("outlook", "7-day run-rate", "words", 1),
    Shown("verdict", "verdict", "words"),
)
POLICIES = (
    Shown("policy", "", "text"),
    Shown("limit", "limit", "figure"),
    Shown("verdict", "verdict", "words"),
    Shown("text", "", "words"),
)


def heading(day: Day) -> tuple[str, ...]:
    """Return what stands above the tables."""
    what = f"the period {day.period.name}" if day.period else f"{day.as_of}"
    return (f"Budgets and policies on {what}, {day.zone}",)


def tables(
    rows: Sequence[Row], cases: Sequence[Case], policies: Sequence[Verdict], kept: Mapping[int, tuple[int, int]]
) -> tuple[Section, ...]:
    """Return the tables of limits and of policies; one that would be empty is left out.

    `rows` hold those of limits of many values only that are not ok; `kept` says how many there are, and how many ok.
    """
    by_case: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_case[row["case"]].append(row)
    limits = [line for number, counts in kept.items() for line in _lines(by_case[number], cases[number], *counts)]
    judged = [
        {"policy": item.policy, "limit": _limit(item), "verdict": item.verdict, "text": item.text} for item in policies
    ]
    found = [_section("Budget", limits, LIMITS)] if limits else []
    return (*found, _section("Policy", judged, POLICIES))


def _section(title: str, lines: Sequence[dict[str, str]], columns: tuple[Shown, ...]) -> Section:
    return Section(title, pl.DataFrame(lines, schema={shown.name: pl.String for shown in columns}), columns)


def _lines(rows: Sequence[Row], case: Case, number: int, kept: int) -> Iterator[dict[str, str]]:
    """Yield the lines of one limit: of many values those that are not ok, and how many the others are."""
    shown = rows[:SHOWN] if case.subject.each else rows
    yield from (_line(row, case) for row in shown)
    rest = number - len(shown)
    if rest:
        words = "ok" if kept == rest else f"{rest - kept} more not ok"
        name = f"{case.budget.id} / ({plural(rest, case.subject.each or '')})"
        yield _of(name, case) | {"spent": "", "limit": figure(size(case.limit), case.unit), "verdict": words}


def _line(row: Row, case: Case) -> dict[str, str]:
    return _of(subject(case, row["key"]), case) | {
        "spent": figure(row["spent"], case.unit),
        "limit": figure(row["limit"], case.unit),
        "used": part(row, case),
        "outlook": outlook(row, case),
        "verdict": verdict(row),
    }


def _of(name: str, case: Case) -> dict[str, str]:
    return {"budget": name, "period": case.period.name, "used": "", "outlook": ""}


def _limit(item: Verdict) -> str:
    if item.limit is None or item.policy == "no_data":
        return ""
    limit = Decimal(item.limit)
    return f"{plain(limit)} days" if item.policy == "stale" else percent(limit)
