"""A question to a store, and the priced sums that answer it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.analysis.cube import cubes, joined_cube
from tokenaudit.analysis.overlap import APART, Joined, Overlap, bill_days
from tokenaudit.analysis.sight import Sight
from tokenaudit.analysis.where import belongs, in_period, whole_days
from tokenaudit.conditions import Condition
from tokenaudit.config import Config
from tokenaudit.errors import NoDataError, QueryError, did_you_mean
from tokenaudit.periods import Period, parse_period
from tokenaudit.prices.book import load_book
from tokenaudit.render.numbers import plural
from tokenaudit.reports.owners import attributed
from tokenaudit.schema import TOKEN_CLASSES

if TYPE_CHECKING:
    from tokenaudit.org.map import OrgMap
    from tokenaudit.sources.source import Source
    from tokenaudit.store.store import Store

LEFT_OUT_COST = "billed_cost"
SEVERAL = 2
USER_ID = r'"user_id":"([^"\\]+)"'
"""The tag in which a bill keeps the id of a user whom it also knows by name."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: rows of a period that fit conditions, in the words of a configuration."""

    period: Period
    by: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    config: Config = field(default_factory=Config)
    cost: str = "effective_cost"
    keep: frozenset[str] = frozenset()
    """Sources whose rows count as they stand, whatever else tells of the same calls."""
    groups: tuple[tuple[str, ...], ...] = ()
    """Several breakdowns in one go, in place of `by`, which holds all their dimensions."""
    windows: tuple[Period, ...] = ()
    """Windows within the period: which of them a row counts in is one more thing that cubes are split by."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The priced sums of a period, and what could not be counted in it."""

    cube: pl.DataFrame
    left_out: pl.DataFrame
    """Rows longer than the period, one a source: `source`, `billing_currency`, `rows`, `tokens`, `billed_cost`."""
    joined: Joined | None = None
    """How it was decided which of several sources counts for a call; None where they do not overlap."""
    cubes: Sequence[pl.DataFrame] = ()
    """A cube for each of the question's groups; where sources overlap the only cube, for all of them."""


def ask(store: Store, question: Question) -> Answer:
    """Return the answer to a question; its cube is empty where the store holds nothing for it."""
    question = replace(question, conditions=_of_people(question))
    overlapping = overlap_of(store, question)
    return _plainly(store, question) if overlapping is None else _joined(store, question, overlapping)


def _of_people(question: Question) -> tuple[Condition, ...]:
    """Return the conditions, with the names that reports show for people under whichever name they are asked for.

    Raises QueryError for a team that the org map does not have.
    """
    org = org_of(question.config)
    return question.conditions if org is None else tuple(of_org(item, org) for item in question.conditions)


def of_org(condition: Condition, org: OrgMap) -> Condition:
    """Return a condition with the names that reports show. QueryError for a team that the org map does not have."""
    if condition.column == "team":
        for name in condition.values:
            if name and name not in org.team_names:
                hint = (
                    did_you_mean(name, org.team_names) or "`tokenaudit report --by team_path` lists teams with charges"
                )
                raise QueryError(f"unknown team `{name}`", hint)
    return (
        condition._replace(values=tuple(map(org.person, condition.values))) if condition.column == "user" else condition
    )


def _plainly(store: Store, question: Question) -> Answer:
    """Answer where no two sources tell of the same calls."""
    period = question.period
    usage = declared(attributed(store, store.usage(period.start, period.end)), question.config)
    chosen = in_period(usage, period)
    sums = cubes(
        chosen.inside,
        question.groups or [question.by],
        load_book(),
        timezone=period.timezone,
        conditions=question.conditions,
        expected_rows=sum(segment.rows for segment in store.segments(period.start, period.end)),
        sight=_sight(question, period),
        extra=_windows(usage, question),
    )
    return Answer(sums[0], _left_out(chosen.left_out), cubes=sums)


def _windows(usage: pl.LazyFrame, question: Question) -> list[pl.Expr]:
    """Return which windows rows count in, where a question is about several."""
    if not question.windows:
        return []
    from tokenaudit.analysis.windows import membership

    return membership(usage, question.windows)


def org_of(config: Config) -> OrgMap | None:
    """Return the org map of a configuration, None where it has none. ConfigError for the first error in it."""
    if not (config.org or config.allocations):
        return None
    from tokenaudit.org.map import org_of

    return org_of(config)


def as_people(usage: pl.LazyFrame, config: Config, period: Period) -> pl.LazyFrame:
    """Put people and projects of the org map in the place of names; without a map usage stays as it is."""
    org = org_of(config)
    if org is None:
        return usage
    days = None if period.open else (period.first, period.last)
    from tokenaudit.analysis.lens import Lens

    return Lens(org, frozenset({"user", "project"}), period.timezone, days).renamed(usage)


def _sight(question: Question, period: Period) -> Sight:
    return Sight(org_of(question.config), None if period.open else (period.first, period.last))


def _joined(store: Store, question: Question, overlapping: Overlap) -> Answer:
    """Answer where they do: from all rows of the UTC days that the period touches, as bills are of whole days."""
    period = question.period
    wide = period if period.open else whole_days(period)
    bills = [name for name, word in overlapping.authority.items() if word == "bill"]
    usage = attributed(store, store.usage(wide.start, wide.end))
    usage = declared(with_names(store, bills, usage), question.config)
    counted = joined_cube(
        in_period(usage, wide).inside,
        question.by,
        load_book(),
        overlapping,
        timezone=period.timezone,
        conditions=question.conditions,
        inside=None if period.open else belongs(period),
        sight=_sight(question, wide),
        extra=_windows(usage, question),
    )
    return Answer(counted.cube, _left_out(in_period(usage, period).left_out), counted.joined, [counted.cube])


def overlap_of(store: Store, question: Question) -> Overlap | None:
    """Return which sources of a store may tell of the same calls; None where that is not possible."""
    keep = question.keep
    read = store.catalog.sources()
    if len(read) < SEVERAL:
        return None
    from tokenaudit.sources import named

    found = {name: source for name, source in named(read).items() if source.authority != "none" and name not in keep}
    if not _may_overlap(store, found):
        return None
    bills = [name for name, source in found.items() if source.authority == "bill"]
    days = bill_days(declared(store.rows().filter(pl.col("source").is_in(bills)), question.config))
    words = {name: source.authority for name, source in found.items()}
    restates = {name: [other for other in source.restates if other in found] for name, source in found.items()}
    sessions = {
        (name, other): _sessions(store, other)
        for name, others in restates.items()
        for other in others
        if words[name] == words[other] == "client"
    }
    return Overlap(words, {name: others for name, others in restates.items() if others}, days, sessions)


def _sessions(store: Store, source: str) -> pl.Series:
    rows = store.usage().filter(pl.col("source") == source).select(pl.col("session").cast(pl.String))
    return rows.drop_nulls().unique().collect(engine="streaming").to_series()


def _may_overlap(store: Store, found: Mapping[str, Source]) -> bool:
    """Say whether two sources that are not apart by their kind tell of one provider; a missing one may be any."""
    seen = store.usage().select(pl.col("source", "provider").cast(pl.String)).unique().collect(engine="streaming")
    providers: dict[str, set[str | None]] = {}
    for name, provider in seen.iter_rows():
        providers.setdefault(name, set()).add(provider)
    pairs = combinations(sorted(found.keys() & providers.keys()), 2)
    return any(not _apart(found[one], found[two]) and _share(providers[one], providers[two]) for one, two in pairs)


def _apart(one: Source, two: Source) -> bool:
    restated = two.name in one.restates or one.name in two.restates
    return one.authority == two.authority and one.authority in APART and not restated


def _share(one: set[str | None], two: set[str | None]) -> bool:
    return bool(one & two) or None in one or None in two


def with_names(store: Store, bills: Sequence[str], usage: pl.LazyFrame) -> pl.LazyFrame:
    """Give rows that only know the ids of a project (in `workspace`) and a user the names that bills have for them."""
    rows = store.rows().filter(pl.col("source").is_in(bills))
    texts = rows.select(pl.col("workspace", "project", "user", "tags").cast(pl.String))
    projects = _known(texts, pl.col("workspace"), "project")
    users = _known(texts, pl.col("tags").str.extract(USER_ID), "user")
    own, place = pl.col("project").cast(pl.String), pl.col("workspace").cast(pl.String)
    project = pl.when(own.is_null() | (own == place)).then(place.replace(projects)).otherwise(own)
    user = pl.col("user").cast(pl.String).replace(users)
    named = {"project": project} if projects else {}
    named |= {"user": user} if users else {}
    return usage.with_columns(expression.cast(pl.Categorical).alias(name) for name, expression in named.items())


def _known(rows: pl.LazyFrame, key: pl.Expr, name: str) -> dict[str, str]:
    """Return the names that ids have."""
    pairs = (
        rows.select(key.alias("key"), pl.col(name).alias("name")).drop_nulls().filter(pl.col("key") != pl.col("name"))
    )
    return dict(pairs.unique().sort("key", "name", descending=[False, True]).collect().iter_rows())


def declared(usage: pl.LazyFrame, config: Config) -> pl.LazyFrame:
    """Apply what the configuration declares: projects renamed, accounts named, logs of a plan marked as `included`."""
    if config.projects:
        renamed = pl.col("project").cast(pl.String).replace(dict(config.projects))
        usage = usage.with_columns(project=renamed.cast(pl.Categorical))
    if config.accounts:
        named = [pl.when(_of(item.source, item.user, config)).then(pl.lit(item.account)) for item in config.accounts]
        account = pl.coalesce(pl.col("account").cast(pl.String), *named)
        usage = usage.with_columns(account=account.cast(pl.Categorical))
    for plan in config.plans:
        covered = _of(plan.source, plan.user, config)
        if plan.first is not None:
            covered &= pl.col("charge_period_start") >= _midnight(plan.first)
        if plan.last is not None:
            covered &= pl.col("charge_period_start") < _midnight(plan.last + timedelta(days=1))
        basis = pl.when(covered.fill_null(value=False)).then(pl.lit("included", pl.Categorical))
        usage = usage.with_columns(cost_basis=basis.otherwise(pl.col("cost_basis")))
    return usage


def _of(source: str, user: str | None, config: Config) -> pl.Expr:
    """Say whether a row is of a source, and of a user if one is named, under whichever of the names of that person."""
    rows = pl.col("source") == source
    if user is None:
        return rows
    org = org_of(config)
    return rows & pl.col("user").cast(pl.String).is_in(org.spellings(user) if org else (user,))


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
        raise _empty()
    found = parse_period(f"{newest:%Y-%m}", as_of, timezone)
    return found, f"nothing is stored for {month.name}: this is {found.name}, the newest month with data"


def _is_empty(store: Store, period: Period) -> bool:
    inside = in_period(store.usage(period.start, period.end), period).inside
    return inside.select("charge_period_start").head(1).collect().height == 0


def no_data(store: Store, question: Question, answer: Answer) -> NoDataError:
    """Return the error for an answer without rows, with a hint of what the store does hold."""
    what = "no rows fit --where" if question.conditions else "nothing is stored"
    where = "" if question.period.open else f" in {question.period.name}"
    span = (
        store.usage()
        .select(first=pl.col("charge_period_start").min(), last=pl.col("charge_period_start").max())
        .collect()
    )
    first, last = span.row(0)
    if first is None:
        return _empty()
    longer = int(answer.left_out["rows"].sum())
    reach = f"{plural(longer, 'stored row')} of a longer time cannot be cut; " if longer else ""
    return NoDataError(
        f"{what}{where}", f"{reach}the store holds {first:%Y-%m-%d} to {last:%Y-%m-%d}; try --period all"
    )


def _empty() -> NoDataError:
    return NoDataError("the store is empty", "run `tokenaudit ingest PATH` on exports or logs, or `tokenaudit demo`")


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
