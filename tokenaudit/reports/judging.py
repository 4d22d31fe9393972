"""Budgets against a store: what has to be known is collected, asked for in one go, and judged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from tokenaudit.analysis.scopes import View
from tokenaudit.analysis.verdicts import CASE, COST, EXEMPT, judged
from tokenaudit.budgets.cases import Case, Day, Subject, cases
from tokenaudit.budgets.checks import size
from tokenaudit.budgets.credit import Piece, Source, granted
from tokenaudit.periods import Period, parse_period
from tokenaudit.reports.people import org_of
from tokenaudit.reports.spending import Numbered, Spending

if TYPE_CHECKING:
    from tokenaudit.budgets.load import Loaded
    from tokenaudit.config import Config
    from tokenaudit.org.map import OrgMap
    from tokenaudit.store.store import Store

LONG = 28
"""Days from which on a window is one that policies look at."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Every limit with its verdict, and what it was judged by."""

    cases: Sequence[Case]
    rows: pl.DataFrame
    """As `analysis.verdicts.judged` gives them, in the order of the cases, the largest values first."""
    spending: Spending
    policy_windows: Sequence[int]
    """Numbers of the windows that policies look at."""
    windows: Sequence[int]
    """Numbers of the windows that limits are about."""
    outside: pl.DataFrame
    """Cases that leave out, because of their parents, what their own scope is about: `case` and `left_out`."""


class Plan:
    """The windows and views that must be known to judge some cases."""

    def __init__(self, found: Sequence[Case], day: Day, org: OrgMap | None) -> None:
        self.cases, self.day, self.org = found, day, org
        self.windows: Numbered[Period] = Numbered()
        self.views: Numbered[View] = Numbered()
        month = day.period or parse_period("this-month", day.as_of, day.zone)
        self.long = [self.window(month)]
        self.pace = self.window(day.pace)
        self.judged = [self.window(case.period) for case in found]
        self.long += [n for n, case in zip(self.judged, found, strict=True) if case.period.days >= LONG]
        self.view(Subject(()))
        for case in found:
            for period in (*case.history, *case.pieces):
                self.window(period)
            for subject in (case.subject, case.whole, case.own):
                self.view(subject)
        self.units: dict[int | None, set[str]] = defaultdict(set)
        for case in found:
            self.units[self.view(case.subject)].add(case.unit)

    def person(self, case: Case, key: str) -> str:
        """Return the name that reports show for a value of `each`."""
        return self.org.person(key) if self.org and case.subject.each == "user" else key

    def window(self, period: Period) -> int:
        """Return the number of a window."""
        return self.windows.number(period, (period.first, period.last))

    def view(self, subject: Subject | None) -> int | None:
        """Return the number of the view on a subject."""
        if subject is None:
            return None
        return self.views.number(View(*subject), (repr(subject.scopes), subject.each))


def judge(store: Store, config: Config, loaded: Loaded, day: Day, beside: Iterable[str] = ()) -> Judged:
    """Judge every budget on a day. `beside` are dimensions that something else will be asked about."""
    found = list(cases(loaded, day))
    plan = Plan(found, day, org_of(config))
    columns = [view.columns for view in plan.views.things] + [frozenset([name]) for name in beside] + [frozenset[str]()]
    spending = Spending(store, config, plan.windows.things, columns, day.as_of)
    spent = spending.of_all(plan.views.things)
    windows = sorted(set(plan.long)), sorted(set(plan.judged))
    return Judged(found, _rows(plan, spent), spending, *windows, _outside(plan, spent))


def _rows(plan: Plan, spent: pl.DataFrame) -> pl.DataFrame:
    amounts = _Amounts(plan, spent)
    table = [_case(plan, number, case, amounts) for number, case in enumerate(plan.cases)]
    exempt = [
        {"case": number, "key": plan.person(case, key), **thresholds(case, amount)}
        for number, case in enumerate(plan.cases)
        for key, amount in case.exempt.items()
    ]
    rows = judged(pl.DataFrame(table, schema=CASE), pl.DataFrame(exempt, schema=EXEMPT), spent, plan.day.as_of)
    return rows.sort("case", "spent", "key", descending=[False, True, False], nulls_last=True)


def _case(plan: Plan, number: int, case: Case, amounts: _Amounts) -> dict[str, Any]:
    """Return a case as a row of `CASE`."""
    return {
        "case": number,
        "view": plan.view(case.subject),
        "whole": plan.view(case.whole),
        "window": plan.window(case.period),
        "pace": plan.pace,
        "unit": case.unit,
        "currency": case.limit.currency,
        "covered": sorted(plan.units[plan.view(case.subject)] - {case.unit}),
        "cost": case.budget.cost,
        **thresholds(case, amounts.limit(case)),
        "last": case.period.last,
        "each": case.subject.each is not None,
    }


def thresholds(case: Case, amount: Decimal) -> dict[str, Decimal]:
    """Return a limit with the amounts above which it warns and fails."""
    return {"limit": amount, "warn_at": amount * case.limit.warn, "fail_at": amount * case.limit.fail}


class _Amounts:
    """Limits with what grants and roll-over add to them."""

    def __init__(self, plan: Plan, spent: pl.DataFrame) -> None:
        self.plan = plan
        self.spent = spent.filter(pl.col("key").is_null()) if any(case.history for case in plan.cases) else spent

    def limit(self, case: Case) -> Decimal:
        """Return how much may be spent in the window of a case."""
        amount = size(case.limit)
        return amount + self._rolled(case, amount) + self._granted(case, amount) if case.history else amount

    def _rolled(self, case: Case, amount: Decimal) -> Decimal:
        """Return what the window before left; nothing is left of a window without any usage."""
        if not case.budget.rollover:
            return Decimal(0)
        found = self._of(case, case.history[0])
        return (
            min(case.budget.rollover.max * amount, max(amount - found, Decimal(0))) if found is not None else Decimal(0)
        )

    def _granted(self, case: Case, amount: Decimal) -> Decimal:
        if not case.pieces:
            return Decimal(0)
        history = case.history[1:] if case.budget.rollover else case.history
        limits = [Source(item.first, item.last, amount, granted=False) for item in history]
        grants = [Source(item.first, item.last, size(item), granted=True) for item in case.grants]
        pieces = [Piece(item.first, item.last, self._of(case, item) or Decimal(0)) for item in case.pieces]
        today = min(self.plan.day.as_of, case.period.last)
        return granted([*limits, *grants], pieces, (case.period.first, case.period.last), today)

    def _of(self, case: Case, period: Period) -> Decimal | None:
        """Return what the subject of a case spent in a window; None without any usage."""
        at = (pl.col("view") == self.plan.view(case.subject)) & (pl.col("window") == self.plan.window(period))
        rows = self.spent.filter(at)
        column = "tokens" if case.unit == "tokens" else COST[case.budget.cost]
        own = rows if case.unit == "tokens" else rows.filter(pl.col("billing_currency") == case.unit)
        return Decimal(own[column].sum() or 0) if rows.height else None


def _outside(plan: Plan, spent: pl.DataFrame) -> pl.DataFrame:
    """Return the cases whose own scope is about more than their parents are, and by how many tokens and requests."""
    pairs = [
        (number, plan.view(case.subject), plan.view(case.own), plan.window(case.period))
        for number, case in enumerate(plan.cases)
        if case.own
    ]
    table = pl.DataFrame(
        pairs, schema={"case": pl.Int64, "view": pl.Int64, "own": pl.Int64, "window": pl.Int64}, orient="row"
    )
    used = spent.group_by("view", "window").agg((pl.col("tokens") + pl.col("requests")).sum().alias("used"))
    own = table.join(used, left_on=["own", "window"], right_on=["view", "window"])
    beside = own.join(used, on=["view", "window"], how="left", suffix="_within")
    return beside.select("case", left_out=pl.col("used") - pl.col("used_within").fill_null(0)).filter(
        pl.col("left_out") != 0
    )
