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
    """Add the column `name`: each row's share of its group's `amount`, in proportion to `weight`; null where null.

    In: `amount` (Decimal, the same in all rows of a group of the columns `over`, at least 0 and at most the sum of
    their weights), `weight` (Decimal, at least 0), `cell` (a number that orders rows). No share is above its weight.
    What rounding leaves goes to those that lost most.
    """
    whole, part = _atto(amount), _atto(weight).fill_null(0)
    units, ratio = whole // STEP, part // STEP
    total = ratio.sum().over(over)
    some = pl.when(total > 0).then(total)
    product = units * ratio
    base = pl.min_horizontal((product // some).fill_null(0), ratio) * STEP
    kept = total - (product % some).fill_null(0)
    shares = frame.with_columns(
        allot_whole=whole, allot_base=base, allot_kept=kept, allot_spare=pl.min_horizontal(part - base, SPARE)
    )
    before = pl.col("allot_spare").cum_sum().over(over, order_by=["allot_kept", "cell"]) - pl.col("allot_spare")
    left = pl.col("allot_whole") - pl.col("allot_base").sum().over(over)
    more = pl.min_horizontal(pl.max_horizontal(left - before, pl.lit(0, WIDE)), "allot_spare")
    share = (pl.col("allot_base") + more).reinterpret(dtype=MONEY)
    return shares.with_columns(share.alias(name)).drop("allot_whole", "allot_base", "allot_kept", "allot_spare")


def scaled(amount: str, change: Callable[[pl.Expr], pl.Expr], over: Sequence[str]) -> pl.Expr:
    """Return `amount` multiplied or divided, as `change` does, by what is the same in each group of `over`.

    Results are rounded to 18 places. What the sum of a group differs by from its rounded whole is put on its largest
    row, so that the sum does not depend on how the rows are broken down.
    """
    result = change(pl.col(amount))
    rest = change(pl.col(amount).sum().over(over)) - result.sum().over(over)
    size = pl.col(amount).abs().fill_null(0)
    smaller = size.max().over(over) - size
    first = pl.struct(smaller.alias("smaller"), "cell").rank("ordinal").over(over) == 1
    return pl.when(first & pl.col(amount).is_not_null()).then(result + rest).otherwise(result)


def _atto(column: str) -> pl.Expr:
    """Return a Decimal(38, 18) as whole numbers of 10^-18."""
    return pl.col(column).cast(MONEY).to_physical()
