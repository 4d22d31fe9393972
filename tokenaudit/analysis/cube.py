"""The one heavy query: usage rows to priced sums.

Tokens are added up as integers first and priced last, so that totals depend neither on grouping nor on row order, and
pricing works on thousands of rows instead of millions. All other analysis works on the cube.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.analysis import overlap, times
from tokenaudit.analysis.idle import idle_columns
from tokenaudit.analysis.measures import known_sum
from tokenaudit.analysis.where import PRICED_DIMENSIONS, charge_filter, usage_filter
from tokenaudit.charges import ROW_DIMENSIONS, charge, quoted, with_offers, with_row_dimensions
from tokenaudit.conditions import Condition
from tokenaudit.errors import QueryError, did_you_mean
from tokenaudit.schema import COUNTS, DIMENSIONS, MONEY, NAMES, TIME_DIMENSIONS

if TYPE_CHECKING:
    from tokenaudit.prices.book import PriceBook

DETAILS = ("billing_currency", "cost_basis", "granularity", "unpriced_model")
"""What a cube is always split by, besides the dimensions asked for."""

USAGE_SUMS = (*COUNTS, "estimated_output_tokens")
SUMS = (*USAGE_SUMS, "unpriced_requests", "unpriced_tokens", "settled_tokens")
"""Integer columns of a cube."""

LARGE = 500_000
"""Rows from which it pays to look for columns that hold nothing."""


def cube(
    usage: pl.LazyFrame,
    by: Sequence[str],
    book: PriceBook,
    *,
    timezone: str = "UTC",
    conditions: Sequence[Condition] = (),
    bills: pl.LazyFrame | None = None,
    expected_rows: int = LARGE,
) -> pl.DataFrame:
    """Return the priced sums of `usage` for each combination of the dimensions `by` and `DETAILS`.

    `usage` holds usage rows of the time asked for; `bills` all rows of cost exports near it, blank ones included, see
    `overlap`. `expected_rows` tells about how many there are: for few it is quicker to sum columns that hold nothing
    than to find them. Times in `by` are read in `timezone` and come back as ISO 8601 text.

    Columns: `by`, `DETAILS` (``unpriced_model`` is the `request_model` of rows without a price), `SUMS` (Int64),
    money (Decimal(38, 18), in `billing_currency`, null where no part is known) and `data_to`, the instant up to which
    the rows reach. Raises QueryError for an unknown dimension.
    """
    names = dimensions(by)
    settled = overlap.settled_days(bills)
    late = [condition for condition in conditions if condition.column in PRICED_DIMENSIONS]
    early = [condition for condition in conditions if condition not in late]
    keys = [*_keys(unlike(names, (condition.column for condition in late)), timezone), *overlap.keys(settled)]
    chosen = usage.filter(usage_filter(early))
    idle = idle_columns(chosen) if expected_rows >= LARGE else {}
    charges = charge(_sums(chosen, book, keys, idle), book)
    counted = overlap.without_settled(charges, settled).filter(charge_filter(late))
    return _detailed(counted, names).collect(engine="streaming")


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


def _keys(names: Sequence[str], timezone: str) -> list[pl.Expr]:
    columns = unlike((name for name in names if name in NAMES), (*ROW_DIMENSIONS, "granularity"))
    return [*map(pl.col, columns), *times.units(names, timezone)]


def _sums(usage: pl.LazyFrame, book: PriceBook, keys: list[pl.Expr], idle: dict[str, pl.Expr]) -> pl.LazyFrame:
    found = quoted(usage, book)
    rows = with_row_dimensions(usage.with_columns(**idle), found)
    counts = [pl.col(name).sum() for name in USAGE_SUMS if name not in idle]
    given = [known_sum(name) for name in ("billed_cost", "list_cost") if name not in idle]
    last = pl.col("charge_period_start").max().alias("last_start")
    return with_offers(rows.group_by(keys).agg(*counts, *given, last).with_columns(**idle), found)


def _detailed(charges: pl.LazyFrame, names: Sequence[str]) -> pl.LazyFrame:
    unpriced = pl.when(pl.col("cost_basis") == "unpriced").then("request_model")
    data_to = times.bucket_end(pl.col("last_start"))
    shown = charges.with_columns(*times.labels(names), unpriced.alias("unpriced_model"), data_to=data_to)
    money = [known_sum(column) for column in MONEY]
    return shown.group_by(unlike(names, DETAILS)).agg(pl.col(SUMS).sum(), *money, pl.col("data_to").max())
