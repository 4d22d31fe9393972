"""The one heavy query: usage rows to priced sums.

Tokens are added up as integers first and priced last, so that totals depend neither on grouping nor on row order, and
pricing works on thousands of rows instead of millions. All other analysis works on the cube.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tokenaudit.analysis import overlap, times
from tokenaudit.analysis.billing import with_bills_spread
from tokenaudit.analysis.idle import idle_columns
from tokenaudit.analysis.measures import known_sum
from tokenaudit.analysis.where import PRICED_DIMENSIONS, charge_filter, usage_filter
from tokenaudit.charges import ROW_DIMENSIONS, Quoted, charge, quoted, with_offers, with_row_dimensions
from tokenaudit.conditions import Condition
from tokenaudit.errors import QueryError, did_you_mean
from tokenaudit.schema import COUNTS, DIMENSIONS, MONEY, NAMES, TIME_DIMENSIONS

if TYPE_CHECKING:
    from tokenaudit.analysis.overlap import Joined
    from tokenaudit.prices.book import PriceBook

DETAILS = ("billing_currency", "cost_basis", "granularity", "unpriced_model", "unpriced_reason", "tier_unknown")
"""What a cube is always split by, besides the dimensions asked for."""

USAGE_SUMS = (*COUNTS, "estimated_output_tokens")
SUMS = (*USAGE_SUMS, "unpriced_requests", "unpriced_tokens", "joined_tokens")
"""Integer columns of a cube."""

LARGE = 500_000
"""Rows from which it pays to look for columns that hold nothing."""


class Counted(NamedTuple):
    """A cube, and how it was decided which of several files counts for a call; None where they do not overlap."""

    cube: pl.DataFrame
    joined: Joined | None = None


def cube(
    usage: pl.LazyFrame,
    by: Sequence[str],
    book: PriceBook,
    *,
    timezone: str = "UTC",
    conditions: Sequence[Condition] = (),
    expected_rows: int = LARGE,
) -> pl.DataFrame:
    """Return the priced sums of `usage` for each combination of the dimensions `by` and `DETAILS`.

    `usage` holds usage rows of the time asked for. `expected_rows` tells about how many there are: for few it is
    quicker to sum columns that hold nothing than to find them. Times in `by` are read in `timezone` and come back as
    ISO 8601 text.

    Columns: `by`, `DETAILS` (``unpriced_model`` is the `request_model` of rows without a price, ``unpriced_reason``
    why, ``tier_unknown`` whether rows are sums of requests that may be in a long context), `SUMS` (Int64), money
    (Decimal(38, 18), in `billing_currency`, null where no part is known), `dearest_cost`, what rows of unknown tier
    would cost at most, and `data_to`, the instant up to which the rows reach. Raises QueryError for an unknown
    dimension.
    """
    names = dimensions(by)
    late = [condition for condition in conditions if condition.column in PRICED_DIMENSIONS]
    early = [condition for condition in conditions if condition not in late]
    keys = group_keys(unlike(names, (condition.column for condition in late)), timezone)
    chosen = usage.filter(usage_filter(early))
    idle = idle_columns(chosen) if expected_rows >= LARGE else {}
    charges = charge(_once(_sums(chosen, book, keys, idle)), book).with_columns(joined_tokens=pl.lit(0, pl.Int64))
    return detailed(charges.filter(charge_filter(late)), names).collect(engine="streaming")


def joined_cube(
    usage: pl.LazyFrame,
    by: Sequence[str],
    book: PriceBook,
    overlapping: overlap.Overlap,
    *,
    timezone: str = "UTC",
    conditions: Sequence[Condition] = (),
    inside: pl.Expr | None = None,
) -> Counted:
    """Return the cube of usage in which several sources tell of the same calls, each call counted once.

    As `cube`, but `usage` holds all rows of the UTC days that the time asked for touches; `inside` says which are asked
    for. Conditions choose among the rows after their bills are spread over them, and what is told of the decisions.
    """
    names = dimensions(by)
    within = pl.lit(value=True) if inside is None else inside
    keys = [
        *group_keys(unlike(names, columns_of(conditions)), timezone),
        *overlap.keys(overlapping),
        within.alias("inside"),
    ]
    cells = _sums(usage, book, keys, {}).collect(engine="streaming")
    charges, told = settled(cells, book, overlapping, conditions)
    asked = charges.lazy().filter("inside", charge_filter(conditions))
    return Counted(detailed(asked, names).collect(), told)


def settled(
    cells: pl.DataFrame,
    book: PriceBook,
    overlapping: overlap.Overlap,
    conditions: Sequence[Condition],
    *,
    keep: Collection[str] = (),
) -> tuple[pl.DataFrame, Joined]:
    """Return sums that hold the keys of `overlap` and `inside` as charges, each call once, and what was decided.

    Of what was decided only that of sums which fit `conditions` is told. `keep` is that of `charge`.
    """
    known = charge_filter(condition for condition in conditions if condition.column != "cost_basis")
    once, joined = overlap.without_repeats(cells.with_columns(shown=pl.col("inside") & known), overlapping)
    return with_bills_spread(charge(once.lazy(), book, keep=keep).collect(), overlapping, joined)


def columns_of(conditions: Sequence[Condition]) -> list[str]:
    """Return the columns of usage rows that conditions look at."""
    return [condition.column for condition in conditions]


def dimensions(by: Iterable[str]) -> tuple[str, ...]:
    """Return the dimensions `by` without repetitions; raise QueryError for one that is unknown."""
    known = (*DIMENSIONS, *TIME_DIMENSIONS)
    for name in by:
        if name not in known:
            raise QueryError(f"unknown dimension `{name}`", did_you_mean(name, known) or f"one of: {', '.join(known)}")
    return tuple(dict.fromkeys(by))


def unlike(names: Iterable[str], others: Iterable[str]) -> list[str]:
    """Return `names` and then those of `others` that are not among them."""
    return list(dict.fromkeys((*names, *others)))


def group_keys(names: Sequence[str], timezone: str) -> list[pl.Expr]:
    """Return what usage rows are added up by: dimensions, and what their price depends on."""
    columns = unlike((name for name in names if name in NAMES), (*ROW_DIMENSIONS, "granularity"))
    return [*map(pl.col, columns), *times.units(names, timezone)]


def _sums(usage: pl.LazyFrame, book: PriceBook, keys: list[pl.Expr], idle: dict[str, pl.Expr]) -> pl.LazyFrame:
    found = quoted(usage, book)
    return with_offers(sums(usage, found, keys, idle), found)


def sums(usage: pl.LazyFrame, found: Quoted, keys: list[pl.Expr], idle: dict[str, pl.Expr]) -> pl.LazyFrame:
    """Return the sums of usage rows by `keys`, before their offers are looked up; `idle` columns hold nothing."""
    rows = with_row_dimensions(usage.with_columns(**idle), found)
    counts = [pl.col(name).sum() for name in USAGE_SUMS if name not in idle]
    given = [known_sum(name) for name in ("billed_cost", "list_cost") if name not in idle]
    last = pl.col("charge_period_start").max().alias("last_start")
    return rows.group_by(keys).agg(*counts, *given, last).with_columns(**idle)


def _once(sums: pl.LazyFrame) -> pl.LazyFrame:
    """Add rows up at once where pricing would ask for the sums twice: where some are of an unknown context tier."""
    return sums.collect(engine="streaming").lazy() if "top_tier" in sums.collect_schema().names() else sums


def detailed(charges: pl.LazyFrame, names: Sequence[str], amounts: Sequence[str] = MONEY) -> pl.LazyFrame:
    """Return the cube of charges, by `names` and DETAILS, with the sums of the money columns `amounts`."""
    unpriced = pl.when(pl.col("cost_basis") == "unpriced")
    unknown = pl.col("dearest_cost").is_not_null() & (pl.col("cost_basis") != "billed")
    data_to = times.bucket_end(pl.col("last_start"))
    shown = charges.with_columns(*times.labels(names), data_to=data_to).with_columns(
        unpriced.then("request_model").alias("unpriced_model"),
        unpriced.then("unpriced_reason").alias("unpriced_reason"),
        unknown.alias("tier_unknown"),
        pl.when(unknown).then("dearest_cost").alias("dearest_cost"),
    )
    money = [known_sum(column) for column in (*amounts, "dearest_cost")]
    return shown.group_by(unlike(names, DETAILS)).agg(pl.col(SUMS).sum(), *money, pl.col("data_to").max())
