"""A question to a store, and the priced sums that answer it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tokenaudit.analysis.cube import cubes, joined_cube
from tokenaudit.analysis.overlap import APART, Joined, Overlap, bill_days
from tokenaudit.analysis.where import belongs, in_period, may_meet, whole_days
from tokenaudit.conditions import Condition
from tokenaudit.config import Config
from tokenaudit.errors import NoDataError
from tokenaudit.periods import Period, parse_period, today
from tokenaudit.prices.book import PriceBook, load_book
from tokenaudit.render.numbers import plural
from tokenaudit.reports.declared import declared, with_names
from tokenaudit.reports.owners import attributed
from tokenaudit.reports.people import of_people, sight
from tokenaudit.schema import TOKEN_CLASSES
from tokenaudit.sources.source import DECLARED_RULES

if TYPE_CHECKING:
    from tokenaudit.analysis.dated import Dated
    from tokenaudit.sources.source import Source
    from tokenaudit.store.store import Store

LEFT_OUT_COST = "billed_cost"
SEVERAL = 2


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
    as_of: date | None = None
    """The date that counts as today; None for the clock's. Periods of agreements that end before it are over."""
    currency: str | None = None
    """What amounts are converted to, where there is a rate; None leaves them as they are."""

    @property
    def is_dated(self) -> bool:
        """Say whether costs depend on agreements or exchange rates, which go by days."""
        return self.currency is not None or bool(self.config.terms and self.config.terms.agreements)

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
    dated: Dated | None = None
    """What agreements and exchange rates did; None without any."""
    cubes: Sequence[pl.DataFrame] = ()
    """A cube for each of the question's groups; where sources overlap the only cube, for all of them."""


def ask(store: Store, question: Question) -> Answer:
    """Return the answer to a question; its cube is empty where the store holds nothing for it."""
    question = replace(question, conditions=of_people(question.conditions, question.config))
    overlapping = overlap_of(store, question)
    return (_dated if question.is_dated else _undated)(store, question, overlapping)


def _undated(store: Store, question: Question, overlapping: Overlap | None) -> Answer:
    """Answer by bills and at list prices."""
    return _plainly(store, question) if overlapping is None else _joined(store, question, overlapping)


class Reach(NamedTuple):
    """The usage rows that a question looks at."""

    usage: pl.LazyFrame
    left_out: pl.LazyFrame
    """Rows that reach into the period and cannot be counted in it."""
    inside: pl.Expr | None = None
    """Which of `usage` are of the period, where `usage` holds whole days for the bills; None for all of them."""


def reach(store: Store, question: Question, overlapping: Overlap | None, widest: Period | None = None) -> Reach:
    """Return the rows that a question looks at.

    Where sources overlap these are all rows of the UTC days that the period touches, as bills are of whole days; or of
    the period `widest`, which holds them.
    """
    period = question.period
    if overlapping is None and widest is None:
        return Reach(
            *in_period(declared(attributed(store, store.usage(period.start, period.end)), question.config), period)
        )
    wide = widest or (period if period.open else whole_days(period))
    usage = attributed(store, store.usage(wide.start, wide.end))
    if overlapping is not None:
        usage = with_names(store, [name for name, word in overlapping.authority.items() if word == "bill"], usage)
    usage = declared(usage, question.config)
    left_out = in_period(usage, period).left_out
    return Reach(in_period(usage, wide).inside, left_out, None if period.open else belongs(period))


def expected_rows(store: Store, period: Period) -> int:
    """Return about how many rows a period has."""
    return sum(segment.rows for segment in store.segments(period.start, period.end))


def _plainly(store: Store, question: Question) -> Answer:
    """Answer where no two sources tell of the same calls."""
    period, found = question.period, reach(store, question, None)
    sums = cubes(
        found.usage,
        question.groups or [question.by],
        book_of(question.config),
        timezone=period.timezone,
        conditions=question.conditions,
        expected_rows=expected_rows(store, period),
        sight=sight(question.config, period),
        extra=_windows(found.usage, question),
    )
    return Answer(sums[0], not_counted(found.left_out, question), cubes=sums)


def _windows(usage: pl.LazyFrame | None, question: Question) -> list[pl.Expr]:
    """Return which windows rows count in, where a question is about several; None stands for rows of any length."""
    if not question.windows:
        return []
    from tokenaudit.analysis.windows import membership

    return membership(usage, question.windows)


def _joined(store: Store, question: Question, overlapping: Overlap) -> Answer:
    """Answer where they do."""
    found = reach(store, question, overlapping)
    counted = joined_cube(
        found.usage,
        question.by,
        book_of(question.config),
        overlapping,
        timezone=question.period.timezone,
        conditions=question.conditions,
        inside=found.inside,
        sight=sight(question.config, question.period if question.period.open else whole_days(question.period)),
        extra=_windows(found.usage, question),
    )
    left_out = not_counted(found.left_out, question)
    return Answer(counted.cube, left_out, counted.joined, cubes=[counted.cube])


def _dated(store: Store, question: Question, overlapping: Overlap | None) -> Answer:
    """Answer under agreements, and with exchange rates."""
    found, dated = under_terms(store, question, overlapping)
    return Answer(dated.cube, not_counted(found.left_out, question), dated.joined, dated, [dated.cube])


def under_terms(
    store: Store,
    question: Question,
    overlapping: Overlap | None,
    chosen: pl.Expr | None = None,
    keep: Sequence[str] = (),
) -> tuple[Reach, Dated]:
    """Return what usage, or the rows that are `chosen`, costs under agreements; `keep` is that of `dated.Wanted`."""
    from tokenaudit.analysis.dated import Wanted, dated_cube
    from tokenaudit.reports.agreed import widest, with_covered
    from tokenaudit.terms.records import Terms
    from tokenaudit.terms.spans import Span

    terms, period, book = question.config.terms or Terms(), question.period, book_of(question.config)
    whole = widest(period, terms.agreements)
    found = reach(store, question, overlapping, whole)
    inside = None if period.open else belongs(period)
    as_of = question.as_of or today(period.timezone)
    wanted = Wanted(
        question.by,
        Span(period.first, min(period.last, as_of) if question.windows else period.last),
        as_of,
        question.conditions,
        period.timezone,
        inside if chosen is None else chosen if inside is None else inside & chosen,
        question.currency,
        overlapping,
        keep,
        sight(question.config, whole),
        _windows(None, question),
    )
    return found, dated_cube(with_covered(found.usage, terms.agreements, book), book, terms, wanted)


def book_of(config: Config) -> PriceBook:
    """Return the price book, with what a configuration says about it."""
    book = load_book()
    named = book._replace(names=book.names.with_models(config.models)) if config.models else book
    if config.terms is None:
        return named
    from tokenaudit.prices.own import with_own_prices

    return with_own_prices(named, config.terms.prices)


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
    rows = declared(store.rows().filter(pl.col("source").is_in(bills)), question.config)
    words = {name: source.authority for name, source in found.items()}
    restates = {name: [other for other in source.restates if other in found] for name, source in found.items()}
    pairs = [(name, other) for name, others in restates.items() for other in others]
    logs = [(name, other) for name, other in pairs if words[name] == words[other] == "client"]
    held = _sessions(store, sorted({other for _, other in logs})) if logs else {}
    return Overlap(
        words,
        {name: others for name, others in restates.items() if others},
        bill_days(rows, _accounts(store, question.config, found)),
        {(name, other): held[other] for name, other in logs},
        routers=frozenset(name for name, source in found.items() if _is_router(source)),
        books={name: source.books for name, source in found.items() if source.books},
    )


def _accounts(store: Store, config: Config, found: Mapping[str, Source]) -> pl.DataFrame:
    """Return the accounts that sources name, as `accounts.NAMES`. Whose a log is tells nothing about a bill."""
    official = [name for name, source in found.items() if source.authority != "client"]
    told = replace(config, accounts=tuple(item for item in config.accounts if item.source in official))
    rows = declared(store.usage().filter(pl.col("source").is_in(list(found))), told)
    names = pl.col("provider", "account").cast(pl.String)
    return rows.select(names, official=pl.col("source").is_in(official)).drop_nulls().unique().collect()


def _is_router(source: Source) -> bool:
    """Say whether a source is a gateway of no provider."""
    return source.authority == "gateway" and (source.provider is None or source.rules >= DECLARED_RULES)


def _sessions(store: Store, sources: Sequence[str]) -> dict[str, pl.Series]:
    """Return the sessions that each of some sources holds, read at once."""
    rows = store.usage().filter(pl.col("source").is_in(sources)).select(pl.col("source", "session").cast(pl.String))
    found = rows.drop_nulls().unique().collect(engine="streaming")
    return {name: found.filter(pl.col("source") == name)["session"] for name in sources}


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


def no_data(store: Store, question: Question, left_out: pl.DataFrame) -> NoDataError:
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
    longer = int(left_out["rows"].sum())
    reach = f"{plural(longer, 'stored row')} of a longer time cannot be cut; " if longer else ""
    try_ = "--by shows what a column holds" if question.period.open else "try --period all"
    return NoDataError(f"{what}{where}", f"{reach}the store holds {first:%Y-%m-%d} to {last:%Y-%m-%d}; {try_}")


def _empty() -> NoDataError:
    return NoDataError("the store is empty", "run `tokenaudit ingest PATH` on exports or logs, or `tokenaudit demo`")


def not_counted(rows: pl.LazyFrame, question: Question) -> pl.DataFrame:
    """Return `Answer.left_out` of rows: of those that may fit the conditions, as far as stored rows can tell."""
    return (
        rows.filter(may_meet(question.conditions))
        .group_by(pl.col("source").cast(pl.String), pl.col("billing_currency").cast(pl.String))
        .agg(
            rows=pl.len(),
            tokens=pl.sum_horizontal(pl.col(TOKEN_CLASSES).sum()),
            billed_cost=pl.col(LEFT_OUT_COST).sum(),
        )
        .sort("source", "billing_currency")
        .collect()
    )
