"""Sums of several windows at once: which windows a row counts in is one number, and cubes are split by it.

So one scan answers for days, weeks, months and years together, and a row that is longer than a window counts only in
those it fits, as everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.analysis.measures import known_sum
from tokenaudit.analysis.where import counted_in
from tokenaudit.schema import MONEY, TOKEN_CLASSES

if TYPE_CHECKING:
    from tokenaudit.periods import Period

WIDTH = 62
"""Windows in one number."""
NAME = "windows_{}"
COSTS = tuple(name for name in MONEY if name not in ("contracted_cost", "estimated_cost"))
SUMS = ("tokens", "unpriced_tokens", "requests")


def membership(usage: pl.LazyFrame | None, windows: Sequence[Period]) -> list[pl.Expr]:
    """Return as few numbers as hold, in their bits, which of some windows a row of `usage`, or any row, counts in."""
    if not windows:
        return []
    bits = [inside.cast(pl.Int64) * (1 << number % WIDTH) for number, inside in enumerate(counted_in(usage, windows))]
    parts = range(0, len(bits), WIDTH)
    return [pl.sum_horizontal(bits[start : start + WIDTH]).alias(NAME.format(start // WIDTH)) for start in parts]


def by_window(cube: pl.DataFrame, names: Sequence[str], number: int, *, also: int | None = None) -> pl.DataFrame:
    """Return sums by `names`, `billing_currency` and `window` (its number) of a cube split by `number` windows.

    Columns: `COSTS` (null where no part is known) and `SUMS`. Only rows that count in window `also` too are added.
    """
    columns = [name for name in cube.columns if name.startswith("windows_")]
    if also is not None:
        place, bit = divmod(also, WIDTH)
        cube = cube.filter(pl.col(NAME.format(place)) // (1 << bit) % 2 == 1)
    keys = [*names, "billing_currency"]
    texts = pl.col(pl.Categorical).cast(pl.String)
    sums = cube.group_by(*keys, *columns).agg(_sums()).with_columns(texts)
    parts = [_unfolded(sums, column, first) for first, column in zip(range(0, number, WIDTH), columns, strict=True)]
    return pl.concat(parts).group_by(*keys, "window").agg(*map(known_sum, COSTS), pl.col(SUMS).sum())


def _sums() -> list[pl.Expr]:
    tokens = pl.sum_horizontal(pl.col(TOKEN_CLASSES).sum()).alias("tokens")
    return [*map(known_sum, COSTS), tokens, pl.col("unpriced_tokens", "requests").sum()]


def _unfolded(sums: pl.DataFrame, column: str, first: int) -> pl.DataFrame:
    """Return each row once for every window it counts in."""
    found = sums[column].unique().to_list()
    pairs = [(mask, first + bit) for mask in found for bit in range(WIDTH) if mask >> bit & 1]
    table = pl.DataFrame(pairs, schema={column: pl.Int64, "window": pl.Int64}, orient="row")
    return sums.join(table, on=column).drop(pl.selectors.starts_with("windows_"))
