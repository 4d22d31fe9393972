"""Amounts over rows: shares that add up to the whole, exactly, and that no breakdown of the rows changes.

All arithmetic is on whole numbers of 10^-18, which is what a Decimal(38, 18) holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

MONEY = pl.Decimal(38, 18)
WIDE = pl.Int128
STEP = 10**9
"""Shares are worked out to a billionth: finer ones would overflow 128 bits."""
SPARE = 4 * STEP
"""More than rounding can take from a share."""


def allot(frame: pl.DataFrame, amount: str, weight: str, over: Sequence[str], name: str) -> pl.DataFrame:
    """Add the column `name`: each row's share of its group's `amount`, in proportion to `weight`; 0 where null.

    In: `amount` (Decimal, the same in all rows of a group of the columns `over`, at least 0 and at most the sum of
    their weights), `weight` (Decimal, at least 0), `cell` (a number of each row's own, which orders them). No share is
    above its weight. What rounding leaves goes to those that lost most.
    """
    taking = frame.filter(pl.col(amount).is_not_null(), pl.col(weight) > 0)
    shares = _shares(taking, amount, weight, over).select("cell", pl.col("share").alias(name))
    found = frame.join(shares, on="cell", how="left", maintain_order="left")
    return found.with_columns(pl.col(name).fill_null(0))


def _shares(rows: pl.DataFrame, amount: str, weight: str, over: Sequence[str]) -> pl.DataFrame:
    whole, part = _atto(amount), _atto(weight)
    units, ratio = whole // STEP, part // STEP
    total = ratio.sum().over(over)
    some = pl.when(total > 0).then(total)
    product = units * ratio
    base = pl.min_horizontal((product // some).fill_null(0), ratio) * STEP
    kept = total - (product % some).fill_null(0)
    spare = pl.min_horizontal(part - base, SPARE)
    known = rows.with_columns(whole=whole, base=base, kept=kept, spare=spare).sort(*over, "kept", "cell")
    before = pl.col("spare").cum_sum().over(over) - pl.col("spare")
    left = pl.col("whole") - pl.col("base").sum().over(over)
    more = pl.min_horizontal(pl.max_horizontal(left - before, pl.lit(0, WIDE)), "spare")
    return known.with_columns(share=(pl.col("base") + more).reinterpret(dtype=MONEY))


def scaled(
    frame: pl.DataFrame, amounts: Sequence[str], change: Callable[[pl.Expr], pl.Expr], over: Sequence[str]
) -> pl.DataFrame:
    """Return a frame with `amounts` multiplied or divided as `change` does, by columns of `over`; null where null.

    Results are rounded to 18 places. What the sum of a group of `over` differs by from its rounded whole is put on its
    largest row, so that the sum does not depend on how the rows are broken down. In: `cell`, as in `allot`.
    """
    found = frame.with_columns(change(pl.col(name)).alias(name) for name in amounts)
    for name in amounts:
        rest = _rests(frame, found[name], name, change, over)
        beside = found.join(rest, on="cell", how="left", maintain_order="left")
        found = beside.with_columns(pl.col(name) + pl.col("rest").fill_null(0)).drop("rest")
    return found


def _rests(
    frame: pl.DataFrame, results: pl.Series, name: str, change: Callable[[pl.Expr], pl.Expr], over: Sequence[str]
) -> pl.DataFrame:
    """Return the `rest` of each group that has one, and the `cell` of its largest row."""
    known = frame.select("cell", *over, pl.col(name).alias("amount"), results.alias("result")).drop_nulls("result")
    size = pl.col("amount").abs()
    largest = pl.col("cell").filter(size == size.max()).min()
    sums = known.group_by(over).agg(largest, pl.col("amount", "result").sum())
    return sums.select("cell", rest=change(pl.col("amount")) - pl.col("result")).filter(pl.col("rest") != 0)


def _atto(column: str) -> pl.Expr:
    """Return a Decimal(38, 18) as whole numbers of 10^-18."""
    return pl.col(column).cast(MONEY).to_physical()
