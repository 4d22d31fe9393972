"""A report's figures with what they were made of: the price row of each sum, and the rows behind it.

The sums are those of the cube, so that whatever is shown here adds up to the report to the last digit. Beside each of
them stands the row of the price book that it was priced by, and the usage rows they were made of can be looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tokenaudit.analysis import overlap
from tokenaudit.analysis.cube import LARGE, columns_of, dimensions, group_keys, settled, sums, unlike
from tokenaudit.analysis.idle import idle_columns
from tokenaudit.analysis.where import PRICED_DIMENSIONS, charge_filter, usage_filter
from tokenaudit.charges import Quoted, charge, quoted, with_offers, with_row_dimensions
from tokenaudit.conditions import Condition
from tokenaudit.prices.book import PRICE_CLASSES, PriceBook

if TYPE_CHECKING:
    from tokenaudit.analysis.overlap import Joined, Overlap

SUM = "sum_number"
"""Number of a sum, as long as nothing was taken out of it."""
PRICE_ROW = ("offer", "context_tier", "effective_from", "band_start", "weekdays")
"""What names a row of the price book's rates; of what has no price `offer` is null."""
KEPT = tuple(name for name in PRICE_ROW if name != "context_tier")
RATE = "_rate"
STATED = "list_stated"
"""The source itself states the list cost."""
DECIDED_LATE = "cost_basis"
"""The one column that only a sum has, once it is priced and bills are spread."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be traced."""

    by: Sequence[str] = ()
    """Dimensions of the report that is explained: where bills are spread, its cells decide the last digits."""
    conditions: Sequence[Condition] = ()
    calls: Sequence[int] | None = None
    """Only rows of these `response_id`; None for all of them."""
    timezone: str = "UTC"
    overlapping: Overlap | None = None
    inside: pl.Expr | None = None
    """Which rows are asked for, where `usage` holds more of them for the bills."""
    expected_rows: int = LARGE


@dataclass(frozen=True, slots=True, eq=False)
class Traced:
    """Priced sums, and the way back to the rows."""

    cells: pl.DataFrame
    """The columns of `charge`, and SUM, `source`, STATED and those of PRICE_ROW."""
    told: pl.DataFrame
    """The same sums before anything was taken out of them because a finer source tells it too, unpriced."""
    joined: Joined | None
    rows: pl.LazyFrame
    """The usage rows of `told`, with what their price depends on; SUM is null where nothing was decided by sums."""
    found: Quoted


class Summed(NamedTuple):
    """Sums by what their price depends on, before they are priced."""

    raw: pl.DataFrame
    keys: list[str]
    rows: pl.LazyFrame
    found: Quoted


def traced(usage: pl.LazyFrame, book: PriceBook, wanted: Wanted) -> Traced:
    """Return the sums of `usage` that fit, and what they were made of."""
    return (
        _plain(usage, book, wanted) if wanted.overlapping is None else _joined(usage, book, wanted.overlapping, wanted)
    )


def _plain(usage: pl.LazyFrame, book: PriceBook, wanted: Wanted) -> Traced:
    late = [condition for condition in wanted.conditions if condition.column in PRICED_DIMENSIONS]
    early = [condition for condition in wanted.conditions if condition not in late]
    chosen = usage.filter(usage_filter(early), _of_calls(wanted))
    idle = idle_columns(chosen) if wanted.expected_rows >= LARGE else {}
    keys = group_keys(unlike(columns_of(late), ("source", "provider")), wanted.timezone)
    summed = _summed(chosen, book, keys, idle)
    offered = with_offers(summed.raw.lazy(), summed.found)
    priced = charge(_marked(offered), book, keep=KEPT).with_columns(joined_tokens=pl.lit(0, pl.Int64))
    cells = priced.filter(charge_filter(late)).collect()
    told = summed.raw.join(cells.select(SUM).unique(), on=SUM, how="semi")
    rows = _rows_of(summed, told) if late else summed.rows.with_columns(pl.lit(None, pl.Int64).alias(SUM))
    return Traced(_as_text(cells), told, None, rows, summed.found)


def _joined(usage: pl.LazyFrame, book: PriceBook, overlapping: Overlap, wanted: Wanted) -> Traced:
    within = pl.lit(value=True) if wanted.inside is None else wanted.inside
    named = unlike(dimensions(wanted.by), columns_of(wanted.conditions))
    keys = [
        *group_keys(named, wanted.timezone),
        *overlap.keys(overlapping),
        (within & _of_calls(wanted)).alias("inside"),
        *([] if "source" in named else [pl.col("source").cast(pl.String)]),
    ]
    summed = _summed(usage, book, keys, {})
    offered = with_offers(summed.raw.lazy(), summed.found).collect()
    charges, joined = settled(_marked(offered.lazy()).collect(), book, overlapping, keep=KEPT)
    cells = charges.filter("inside", charge_filter(wanted.conditions))
    known = [condition for condition in wanted.conditions if condition.column != DECIDED_LATE]
    asked = offered.filter("inside", charge_filter(known))
    if len(known) < len(wanted.conditions):
        asked = asked.join(cells.select(SUM).unique(), on=SUM, how="semi")
    told = summed.raw.join(asked.select(SUM), on=SUM, how="semi")
    return Traced(_as_text(cells), told, joined, _rows_of(summed, told), summed.found)


def _of_calls(wanted: Wanted) -> pl.Expr:
    return pl.lit(value=True) if wanted.calls is None else pl.col("response_id").is_in(list(wanted.calls))


def _summed(usage: pl.LazyFrame, book: PriceBook, keys: list[pl.Expr], idle: dict[str, pl.Expr]) -> Summed:
    found = quoted(usage, book)
    added = sums(usage, found, keys, idle).collect(engine="streaming")
    names = [key.meta.output_name() for key in keys]
    rows = with_row_dimensions(usage, found).with_columns(keys)
    return Summed(added.with_columns(pl.int_range(pl.len()).alias(SUM)), names, rows, found)


def _marked(offered: pl.LazyFrame) -> pl.LazyFrame:
    return offered.with_columns(pl.col("list_cost").is_not_null().alias(STATED))


def _rows_of(summed: Summed, told: pl.DataFrame) -> pl.LazyFrame:
    """Return the usage rows of some sums, each with the number of its own."""
    return summed.rows.join(told.lazy().select(*summed.keys, SUM), on=summed.keys, nulls_equal=True)


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Categorical).cast(pl.String))


def price_rows(book: PriceBook) -> pl.DataFrame:
    """Return each row of the book's rates with its offer; what a unit costs ends in RATE."""
    rates = book.all_rates().rename({name: name + RATE for name in PRICE_CLASSES})
    return rates.join(all_offers(book), on="offer")


def all_offers(book: PriceBook) -> pl.DataFrame:
    """Return the offers, those of undated prices among them if any has been asked for."""
    return pl.concat([book.offers, book.undated.offers]) if book.undated and book.undated.needed else book.offers
