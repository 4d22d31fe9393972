"""The one heavy query: usage rows to priced sums.

Tokens are added up as integers first and priced last, so that totals depend neither on grouping nor on row order, and
pricing works on thousands of rows instead of millions. All other analysis works on the cube.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tokenaudit.analysis import overlap, times
from tokenaudit.analysis.billing import with_bills_spread
from tokenaudit.analysis.idle import idle_columns
from tokenaudit.analysis.measures import known_sum
from tokenaudit.analysis.where import PRICED_DIMENSIONS, charge_filter, dimension, usage_filter
from tokenaudit.charges import ROW_DIMENSIONS, Quoted, charge, quoted, with_offers, with_row_dimensions
from tokenaudit.conditions import Condition, is_tag
from tokenaudit.errors import QueryError, did_you_mean
from tokenaudit.schema import COUNTS, DIMENSIONS, MONEY, NAMES, TIME_DIMENSIONS

if TYPE_CHECKING:
    from tokenaudit.analysis.overlap import Joined
    from tokenaudit.prices.book import PriceBook

DETAILS = ("billing_currency", "cost_basis", "granularity", "unpriced_model")
"""What a cube is always split by, besides the dimensions asked for."""

USAGE_SUMS = (*COUNTS, "estimated_output_tokens")
SUMS = (*USAGE_SUMS, "unpriced_requests", "unpriced_tokens", "joined_tokens")
"""Integer columns of a cube."""

FREE = frozenset(("provider", "model", "request_model", "cost_basis", "granularity"))
"""Dimensions that a cube may have for nothing: rows are split by what prices depend on anyway."""

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

    Columns: `by`, `DETAILS` (``unpriced_model`` is the `request_model` of rows without a price), `SUMS` (Int64),
    money (Decimal(38, 18), in `billing_currency`, null where no part is known) and `data_to`, the instant up to which
    the rows reach. Raises QueryError for an unknown dimension.
    """
    return cubes(usage, [by], book, timezone=timezone, conditions=conditions, expected_rows=expected_rows)[0]


def cubes(
    usage: pl.LazyFrame,
    groups: Sequence[Sequence[str]],
    book: PriceBook,
    *,
    timezone: str = "UTC",
    conditions: Sequence[Condition] = (),
    expected_rows: int = LARGE,
    extra: Sequence[pl.Expr] = (),
) -> list[pl.DataFrame]:
    """Return one cube for each of some `groups` of dimensions, all from one scan of `usage`.

    As `cube`. `extra` are named expressions on usage rows that every cube is split by too.
    """
    late = [condition for condition in conditions if condition.column in PRICED_DIMENSIONS]
    early = [condition for condition in conditions if condition not in late]
    chosen = usage.filter(usage_filter(early))
    idle = idle_columns(chosen) if expected_rows >= LARGE else {}
    found = quoted(chosen, book)
    frames = []
    for names in map(dimensions, groups):
        keys = [*_keys(unlike(names, (condition.column for condition in late)), timezone), *extra]
        charges = charge(_sums(chosen, found, keys, idle), book).with_columns(joined_tokens=pl.lit(0, pl.Int64))
        frames.append(_detailed(charges.filter(charge_filter(late)), names, extra))
    return pl.collect_all(frames, engine="streaming")


def joined_cube(  # noqa: PLR0913 - what a report asks for
    usage: pl.LazyFrame,
    by: Sequence[str],
    book: PriceBook,
    overlapping: overlap.Overlap,
    *,
    timezone: str = "UTC",
    conditions: Sequence[Condition] = (),
    inside: pl.Expr | None = None,
    extra: Sequence[pl.Expr] = (),
) -> Counted:
    """Return the cube of usage in which several sources tell of the same calls, each call counted once.

    As `cube`, but `usage` holds all rows of the UTC days that the time asked for touches; `inside` says which are asked
    for. Conditions choose among the rows after their bills are spread over them.
    """
    names = dimensions(by)
    within = pl.lit(value=True) if inside is None else inside
    wanted = _keys(unlike(names, _columns(conditions)), timezone)
    keys = [*wanted, *overlap.keys(overlapping), within.alias("inside"), *extra]
    cells = _sums(usage, quoted(usage, book), keys, {}).collect(engine="streaming")
    once, joined = overlap.without_repeats(cells, overlapping)
    charges, told = with_bills_spread(charge(once.lazy(), book).collect(), overlapping, joined)
    asked = charges.lazy().filter("inside", charge_filter(conditions))
    return Counted(_detailed(asked, names, extra).collect(), told)


def _columns(conditions: Sequence[Condition]) -> list[str]:
    """Return the columns of usage rows that conditions look at."""
    return [condition.column for condition in conditions]


def dimensions(by: Iterable[str]) -> tuple[str, ...]:
    """Return the dimensions `by` without repetitions; raise QueryError for one that is unknown."""
    known = (*DIMENSIONS, *TIME_DIMENSIONS)
    for name in by:
        if name not in known and not is_tag(name):
            raise QueryError(f"unknown dimension `{name}`", did_you_mean(name, known) or f"one of: {', '.join(known)}")
    return tuple(dict.fromkeys(by))


def unlike(names: Iterable[str], others: Iterable[str]) -> list[str]:
    """Return `names` and then those of `others` that are not among them."""
    return list(dict.fromkeys((*names, *others)))


def _keys(names: Sequence[str], timezone: str) -> list[pl.Expr]:
    tags = ("tags",) if any(map(is_tag, names)) else ()
    columns = unlike((*(name for name in names if name in NAMES), *tags), (*ROW_DIMENSIONS, "granularity"))
    return [*map(pl.col, columns), *times.units(names, timezone)]


def _sums(usage: pl.LazyFrame, found: Quoted, keys: list[pl.Expr], idle: dict[str, pl.Expr]) -> pl.LazyFrame:
    rows = with_row_dimensions(usage.with_columns(**idle), found)
    counts = [pl.col(name).sum() for name in USAGE_SUMS if name not in idle]
    given = [known_sum(name) for name in ("billed_cost", "list_cost") if name not in idle]
    last = pl.col("charge_period_start").max().alias("last_start")
    return with_offers(rows.group_by(keys).agg(*counts, *given, last).with_columns(**idle), found)


def _detailed(charges: pl.LazyFrame, names: Sequence[str], extra: Sequence[pl.Expr] = ()) -> pl.LazyFrame:
    unpriced = pl.when(pl.col("cost_basis") == "unpriced").then("request_model")
    data_to = times.bucket_end(pl.col("last_start"))
    tags = map(dimension, filter(is_tag, names))
    shown = charges.with_columns(*times.labels(names), *tags, unpriced.alias("unpriced_model"), data_to=data_to)
    money = [known_sum(column) for column in MONEY]
    keys = unlike(names, (*DETAILS, *(column.meta.output_name() for column in extra)))
    return shown.group_by(keys).agg(pl.col(SUMS).sum(), *money, pl.col("data_to").max())
