"""When prices change: the fewer instants rows are told apart by, the fewer sums are priced."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from math import gcd
from typing import NamedTuple

import polars as pl

MINUTES_OF_DAY = 24 * 60
ALL_DAYS = 0b111_1111
FEW = 24
"""Changes of prices up to which it is looked up between which of them a row lies."""
INSTANT = pl.Datetime("us", "UTC")


class Changes(NamedTuple):
    """What changes in price within a time range, and when."""

    offers: list[int]
    """Offers whose price changes."""
    first: datetime | None
    """Beginning of the time range."""
    minutes: int
    """What divides all changes of a day, and those of the day before the range."""
    edges: tuple[datetime, ...] = ()
    """All changes within the range, in order; none where there are many, or some come every day."""

    def around(self, start: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
        """Return from when until when the price at `start` holds for certain; until null for ever."""
        return self._between(start) if self.edges else self._in_minutes(start)

    def _in_minutes(self, start: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
        begun = start.dt.truncate(f"{self.minutes}m")
        return begun, begun.dt.offset_by(f"{self.minutes}m")

    def _between(self, start: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
        begun, lasts = pl.lit(self.first, INSTANT), pl.lit(None, INSTANT)
        for edge in self.edges:
            begun = pl.when(start >= pl.lit(edge, INSTANT)).then(pl.lit(edge, INSTANT)).otherwise(begun)
        for edge in reversed(self.edges):
            lasts = pl.when(start < pl.lit(edge, INSTANT)).then(pl.lit(edge, INSTANT)).otherwise(lasts)
        return begun, lasts


def changes(rates: pl.DataFrame, offers: Iterable[int], first: datetime | None, last: datetime | None) -> Changes:
    """Return what changes in price from `first` to `last`, of some of the `offers` that have `rates`.

    Times are cut off to so many minutes that those of a change shortly before the range count, too.
    """
    bounds = pl.col("effective_from")
    near = bounds.is_between(pl.lit(first, INSTANT) - pl.duration(days=1), last)
    sold = rates.filter(pl.col("offer").is_in(list(offers)))
    found = sold.filter(bounds.is_between(first, last, closed="right") | banded())
    changing = found["offer"].unique().to_list()
    of_day = {*found["band_start"], *sold.filter(near).select(minute_of_day(bounds)).to_series()}
    every = sold.filter(pl.col("offer").is_in(changing)).select(bounds.append(pl.col("effective_to")))
    edges = every.filter(bounds.is_between(first, last, closed="right")).to_series().unique().sort().to_list()
    few = len(edges) <= FEW and found.filter(banded()).is_empty()
    return Changes(changing, first, reduce(gcd, of_day, MINUTES_OF_DAY), tuple(edges) if few else ())


def banded() -> pl.Expr:
    """Say whether a rate holds for a part of the day or of the week only."""
    return (pl.col("band_end") - pl.col("band_start") < MINUTES_OF_DAY) | (pl.col("weekdays") < ALL_DAYS)


def minute_of_day(instant: pl.Expr) -> pl.Expr:
    """Return the minute of its day that an instant lies in."""
    return instant.dt.hour().cast(pl.Int16) * 60 + instant.dt.minute()
