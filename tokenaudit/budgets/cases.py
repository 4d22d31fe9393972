"""What is to be judged on a day: every limit with the window it is about, and what else must be known to judge it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from tokenaudit.budgets.checks import ancestors, size, unit
from tokenaudit.budgets.declarations import Budget, Grant, Limit
from tokenaudit.budgets.load import Loaded
from tokenaudit.budgets.windows import FIRST, before, between, window, windows
from tokenaudit.periods import Period

PACE_DAYS = 7
"""Days of the run-rate."""


class Subject(NamedTuple):
    """Whose spend is looked at: scopes that must all be met, and the dimension whose values are judged one by one."""

    scopes: tuple[Mapping[str, str | tuple[str, ...]], ...]
    each: str | None = None


class Case(NamedTuple):
    """One limit in one of its windows."""

    budget: Budget
    limit: Limit
    """As it counts on that day: with an exception for the whole budget in place."""
    subject: Subject
    period: Period
    whole: Subject | None = None
    """What a share is a part of."""
    own: Subject | None = None
    """The budget without its parents, where it has some."""
    exempt: Mapping[str, Decimal] = {}
    """Other limits, by the value of `each`."""
    history: tuple[Period, ...] = ()
    """Windows up to this one in which grants were used, or of which something rolls over."""
    pieces: tuple[Period, ...] = ()
    """Times between which no grant begins or ends, in order."""

    @property
    def unit(self) -> str:
        """What the limit is in: a currency, tokens or share."""
        kind = unit(self.limit)
        return self.limit.currency if kind == "money" else kind

    @property
    def grants(self) -> list[Grant]:
        """Return the grants that add to this limit."""
        return [] if self.subject.each else [item for item in self.budget.grants if unit(item) == unit(self.limit)]


class Day(NamedTuple):
    """The day that counts as today, and whether a whole period is judged up to it."""

    as_of: date
    zone: str
    period: Period | None = None

    @property
    def so_far(self) -> Period:
        """Return all time up to the end of the day."""
        return between(FIRST, self.as_of, self.zone)

    @property
    def pace(self) -> Period:
        """Return the days of the run-rate."""
        return between(date.fromordinal(self.as_of.toordinal() - PACE_DAYS + 1), self.as_of, self.zone)


def cases(loaded: Loaded, day: Day) -> Iterator[Case]:
    """Yield what is to be judged, in the order of the budgets."""
    for budget in loaded.budgets:
        for part in (budget, *_members(budget)):
            for limit in part.limits:
                for period in _periods(limit, loaded, day):
                    yield _case(part, limit, period, loaded, day)


def _members(budget: Budget) -> Iterator[Budget]:
    """Yield the budget that a pool is for each of its members."""
    pool = budget.pool
    if pool:
        alike = [item for item in budget.limits if unit(item) == unit(pool)]
        capped = tuple(replace(item, amount=pool.amount, tokens=pool.tokens) for item in alike)
        own = tuple(item for item in budget.exceptions if item.key is not None)
        yield replace(budget, each=pool.each, limits=capped, exceptions=own, pool=None, grants=(), rollover=None)


def _periods(limit: Limit, loaded: Loaded, day: Day) -> list[Period]:
    if day.period:
        return list(windows(limit, day.period.first, day.period.last, loaded.calendar, day.zone))
    found = window(limit, day.as_of, loaded.calendar, day.zone)
    return [found] if found else []


def _case(budget: Budget, limit: Limit, period: Period, loaded: Loaded, day: Day) -> Case:
    judged = min(day.as_of, period.last)
    valid = [
        item
        for item in budget.exceptions
        if (item.period, unit(item)) == (limit.period, unit(limit)) and (item.first or FIRST) <= judged <= item.last
    ]
    whole = next((item for item in valid if item.key is None), None)
    if whole:
        limit = replace(limit, amount=whole.amount, tokens=whole.tokens)
    case = Case(
        budget,
        limit,
        _subject(budget, loaded, limit),
        period,
        whole=_whole(budget, limit, loaded),
        own=Subject((budget.scope,), budget.each) if budget.parent else None,
        exempt={item.key: size(item) for item in reversed(valid) if item.key is not None},
    )
    return _with_history(case, loaded, judged)


def _subject(budget: Budget, loaded: Loaded, limit: Limit) -> Subject:
    """Return what a budget is about: it counts nothing that a parent, or the whole of a share, does not count."""
    by_id = loaded.by_id
    above = [budget, *ancestors(budget, by_id)]
    whole = by_id.get(limit.of or "")
    above += [item for item in ([whole, *ancestors(whole, by_id)] if whole else []) if item not in above]
    return Subject(tuple(item.scope for item in above if item.scope), budget.each)


def _whole(budget: Budget, limit: Limit, loaded: Loaded) -> Subject | None:
    if limit.share is None:
        return None
    whole = loaded.by_id.get(limit.of or budget.parent or "")
    return (
        _subject(whole, loaded, replace(limit, of=None))._replace(each=budget.each)
        if whole
        else Subject((), budget.each)
    )


def _with_history(case: Case, loaded: Loaded, judged: date) -> Case:
    """Add the earlier windows and the pieces of time that grants and roll-over are counted in."""
    earlier = (
        before(case.limit, case.period, loaded.calendar) if case.budget.rollover and not case.budget.each else None
    )
    grants = [item for item in case.grants if item.last >= case.period.first and item.first <= judged]
    if not grants:
        return case._replace(history=(earlier,) if earlier else ())
    first = min(item.first for item in grants)
    past = windows(case.limit, first, case.period.last, loaded.calendar, case.period.timezone)
    history = [item for item in past if item.first <= case.period.first]
    pieces = _pieces([*history, *([earlier] if earlier else [])], grants, judged, case.period.timezone)
    return case._replace(history=(*([earlier] if earlier else []), *history), pieces=pieces)


def _pieces(history: Sequence[Period], grants: Sequence[Grant], judged: date, zone: str) -> tuple[Period, ...]:
    spans = [(item.first, item.last) for item in history] + [(item.first, item.last) for item in grants]
    starts = {first for first, _ in spans} | {date.fromordinal(last.toordinal() + 1) for _, last in spans}
    inside = sorted(day for day in starts if min(item.first for item in history) <= day <= judged)
    ends = [*(date.fromordinal(day.toordinal() - 1) for day in inside[1:]), judged]
    return tuple(between(first, last, zone) for first, last in zip(inside, ends, strict=True))
