"""The cube of usage under dated terms: agreements and exchange rates.

As `cube`, with one key more, the UTC day of each row; and with rows of its own for fees, which no usage carries.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tokenaudit.analysis import overlap, times
from tokenaudit.analysis.agreed import DAY, Books, day_key, numbered, settled, with_deals, with_markup
from tokenaudit.analysis.billing import with_bills_spread
from tokenaudit.analysis.converted import RATES, converted
from tokenaudit.analysis.cube import as_people, columns_of, detailed, dimensions, group_keys, lens, marked, sums, unlike
from tokenaudit.analysis.sight import UNMAPPED, Sight, shown
from tokenaudit.analysis.where import charge_filter
from tokenaudit.charges import charge, quoted, with_offers
from tokenaudit.conditions import Condition
from tokenaudit.schema import MONEY
from tokenaudit.terms.fees import Fee, expired, flat_fees, shortfalls
from tokenaudit.terms.records import Agreement, Terms
from tokenaudit.terms.spans import Span

if TYPE_CHECKING:
    from tokenaudit.analysis.lens import Lens
    from tokenaudit.prices.book import PriceBook

EXACT = pl.Decimal(38, 18)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of some usage."""

    by: Sequence[str]
    days: Span
    """Days asked for; fees count on these."""
    as_of: date
    """Periods that end before this day are over."""
    conditions: Sequence[Condition] = ()
    timezone: str = "UTC"
    inside: pl.Expr | None = None
    """Which rows are asked for, as `usage` holds whole months and periods of agreements; None for all of them."""
    currency: str | None = None
    """What to convert to."""
    overlapping: overlap.Overlap | None = None
    keep: Sequence[str] = ()
    """Columns of the book's rates that stay beside what they priced in `Dated.rows`."""
    sight: Sight = UNMAPPED
    """Who is who, and how cost is shared out."""
    extra: Sequence[pl.Expr] = ()
    """Named expressions on rows of any length that the cube is split by too."""

    def seen(self) -> Lens | None:
        """Return how the question sees usage, see `cube.lens`."""
        names = unlike(self.by, columns_of(self.conditions))
        return lens(self.sight, names, self.timezone, ties=self.overlapping is not None)


class Dated(NamedTuple):
    """The answer, and what to say of it."""

    cube: pl.DataFrame
    """With the sums of `markup` more, where an agreement has one."""
    rows: pl.DataFrame
    """The charges asked for, before they were converted: money, `agreement`, `under`, `kind` and `what` of fees."""
    books: list[Books]
    days: Span
    """Days asked for, within those that there is anything of."""
    since: date | None
    """First day with usage, of all that decides about those asked for."""
    rates: pl.DataFrame
    """Exchange rates used, see `converted.RATES`."""
    joined: overlap.Joined | None
    """How it was decided which of several sources counts for a call; None where they do not overlap."""


def dated_cube(usage: pl.LazyFrame, book: PriceBook, terms: Terms, wanted: Wanted) -> Dated:
    """Return the cube of usage under `terms`.

    `usage` holds all rows of the months and of the periods of agreements that the time asked for touches.
    """
    names = dimensions(wanted.by)
    charged, joined = _charged(usage, book, terms.agreements, wanted, names)
    done = settled(charged, terms.agreements)
    days = _within(wanted, done.charges, terms.agreements)
    fees = _fee_rows(_fees(terms.agreements, done.books, days, wanted.as_of), terms.agreements, names, wanted)
    whole = with_markup(_with_fees(done.charges, fees), terms.agreements).filter("inside")
    seen = wanted.seen()
    asked = _placed(whole, seen, wanted)
    found = converted(whole if seen else asked, terms.fx, wanted.currency) if wanted.currency else None
    final = asked if found is None else _placed(found.charges, seen, wanted)
    marked_up = ("markup",) if any(agreement.markup for agreement in terms.agreements) else ()
    cube = detailed(final.lazy(), shown(names), (*MONEY, *marked_up), seen=seen, extra=wanted.extra).collect()
    since = done.charges.select(pl.col(DAY).min()).item()
    rates = pl.DataFrame(schema=RATES) if found is None else found.rates
    return Dated(cube, asked, done.books, days, since, rates, joined)


def _placed(charges: pl.DataFrame, seen: Lens | None, wanted: Wanted) -> pl.DataFrame:
    """Return the charges asked for, with teams and shared cost where anybody asks for them."""
    known = charges.drop("cell", *overlap.KEYS, strict=False)
    return (seen.assigned(seen.on_days(known, DAY)) if seen else charges).filter(charge_filter(wanted.conditions))


def _charged(
    usage: pl.LazyFrame, book: PriceBook, agreements: Sequence[Agreement], wanted: Wanted, names: Sequence[str]
) -> tuple[pl.DataFrame, overlap.Joined | None]:
    """Return the priced cells, with what holds for them, their bills spread; and what was decided of overlaps."""
    within = pl.lit(value=True) if wanted.inside is None else wanted.inside
    seen = wanted.seen()
    asked = [
        *group_keys(unlike(names, columns_of(wanted.conditions)), wanted.timezone, seen, usage),
        within.alias("inside"),
    ]
    tied = [] if wanted.overlapping is None else overlap.keys(wanted.overlapping)
    found = quoted(usage, book)
    keys = [*asked, day_key(), *tied, *wanted.extra]
    cells = with_offers(sums(usage, found, keys, {}), found).collect(engine="streaming")
    cells = as_people(cells, seen) if seen else cells
    if wanted.overlapping is None:
        shared = wanted.currency is not None or any(agreement.shares_out() for agreement in agreements)
        priced = charge(with_deals(numbered(cells, ordered=shared), agreements, book).lazy(), book, keep=wanted.keep)
        return priced.with_columns(joined_tokens=pl.lit(0, pl.Int64)).collect(), None
    once, joined = overlap.without_repeats(marked(cells, wanted.conditions), wanted.overlapping)
    charges = charge(with_deals(once, agreements, book).lazy(), book, keep=wanted.keep).collect()
    return with_bills_spread(charges, wanted.overlapping, joined)


def _with_fees(charges: pl.DataFrame, fees: pl.DataFrame) -> pl.DataFrame:
    """Return charges and after them fees, numbered on."""
    number = pl.col("cell").max().fill_null(-1).cast(pl.Int64)
    first = charges.select(number).item() + 1
    kinds = [pl.col(name).cast(charges.schema[name]) for name in fees.columns if name in charges.columns]
    known = fees.with_columns(kinds).with_columns(
        cell=pl.int_range(first, first + pl.len()).cast(charges.schema["cell"])
    )
    return pl.concat([charges, known], how="diagonal")


def _within(wanted: Wanted, charges: pl.DataFrame, agreements: Sequence[Agreement]) -> Span:
    """Return the days asked for; of all time those from the first to the last with anything in them."""
    if wanted.days != Span(date.min, date.max):
        return wanted.days
    first, last = charges.select(pl.col(DAY).min().alias("first"), pl.col(DAY).max().alias("last")).row(0)
    begun = [agreement.first for agreement in agreements if agreement.first]
    return Span(min([first or wanted.as_of, *begun]), max(last or wanted.as_of, wanted.as_of))


def _fees(agreements: Sequence[Agreement], books: Sequence[Books], days: Span, as_of: date) -> Iterable[Fee]:
    for agreement, book in zip(agreements, books, strict=True):
        yield from flat_fees(agreement, days)
        yield from shortfalls(agreement, book.drawn, days, as_of)
        yield from expired(agreement, book.credits, days, as_of)


def _fee_rows(
    fees: Iterable[Fee], agreements: Sequence[Agreement], names: Sequence[str], wanted: Wanted
) -> pl.DataFrame:
    """Return fees as charges: nobody's and of no model, their source the agreement."""
    numbers = {agreement.id: number for number, agreement in enumerate(agreements)}
    found = [(fee, datetime.combine(fee.day, time(), UTC)) for fee in fees]
    rows = pl.DataFrame(
        {
            "agreement": pl.Series([numbers[fee.agreement] for fee, _ in found], dtype=pl.Int32),
            "provider": pl.Series([fee.provider for fee, _ in found], dtype=pl.String),
            "source": pl.Series([fee.agreement for fee, _ in found], dtype=pl.String),
            "kind": pl.Series([fee.kind for fee, _ in found], dtype=pl.String),
            "what": pl.Series([fee.what for fee, _ in found], dtype=pl.String),
            DAY: pl.Series([fee.day for fee, _ in found], dtype=pl.Date),
            "charge_period_start": pl.Series([start for _, start in found], dtype=pl.Datetime("us", "UTC")),
            "billing_currency": pl.Series([fee.currency for fee, _ in found], dtype=pl.String),
            "effective_cost": pl.Series([fee.amount for fee, _ in found], dtype=EXACT),
        }
    ).with_columns(granularity=pl.lit("day"), cost_basis=pl.lit("contract"), inside=True, under=False)
    flat = pl.when(pl.col("kind") == "flat").then("effective_cost")
    ends = rows.with_columns(charge_period_end=pl.col("charge_period_start").dt.offset_by("1d"))
    keys = (*times.units(names, wanted.timezone), *wanted.extra)
    costs = ends.with_columns(*keys, contracted_cost=flat, estimated_cost="effective_cost")
    return costs.drop("charge_period_start", "charge_period_end")
