"""Whole numbers split by weights, so that nothing is lost and no breakdown changes what anybody gets.

What a lot holds in all is split by largest remainder. Its cells, of which a finer breakdown has more, are split so that
each adds up to itself and all of them to what the lot gives to each target: parts are rounded down, and what is left of
the cells is dealt out, in order, to those targets that still miss something.
"""

from __future__ import annotations

import polars as pl

WIDE = pl.Int128()


def split(amounts: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    """Return the parts of amounts.

    In: `amounts` with `lot`, `cell`, `name` and `amount` (Int128, any sign), one row for each cell and name; `weights`
    with `lot`, `target` and `weight` (Int128, above 0). Out: `cell`, `name`, `target` and `part`: of each cell and name
    they add up to its amount, of each lot, name and target to its part of the lot's sum.
    """
    shares = weights.with_columns(total=pl.col("weight").sum().over("lot"))
    pairs = amounts.join(shares, on="lot").with_columns(part=_down("amount"))
    of_cells = amounts.join(
        pairs.group_by("cell", "name").agg(given=pl.col("part").sum()), on=["cell", "name"], how="inner"
    ).select("lot", "cell", "name", short=pl.col("amount") - pl.col("given"))
    wanted = pairs.group_by("lot", "name", "target").agg(given=pl.col("part").sum())
    of_targets = (
        _whole(amounts, shares)
        .join(wanted, on=["lot", "name", "target"])
        .select("lot", "target", "name", short=pl.col("whole") - pl.col("given"))
    )
    dealt = pairs.join(_ends(of_cells, "cell"), on=["lot", "name", "cell"]).join(
        _ends(of_targets, "target"), on=["lot", "name", "target"]
    )
    return dealt.select("cell", "name", "target", part=pl.col("part") + _common())


def _down(amount: str) -> pl.Expr:
    return pl.col(amount) * pl.col("weight") // pl.col("total")


def _whole(amounts: pl.DataFrame, shares: pl.DataFrame) -> pl.DataFrame:
    """Return what each target gets of each lot and name, by largest remainder; of equal ones the first by name."""
    sums = amounts.group_by("lot", "name").agg(pl.col("amount").sum())
    pairs = sums.join(shares, on="lot").with_columns(down=_down("amount"))
    short = pl.col("total") - pl.col("amount") * pl.col("weight") % pl.col("total")
    lot = ["lot", "name"]
    turn = pl.struct(short.alias("short"), pl.col("total") - pl.col("weight"), "target").rank("ordinal").over(lot)
    missing = pl.col("amount") - pl.col("down").sum().over(lot)
    return pairs.select(*lot, "target", whole=pl.col("down") + (turn <= missing).cast(WIDE))


def _ends(short: pl.DataFrame, order: str) -> pl.DataFrame:
    """Lay what is short end to end in each lot: `from_` and `to_` the `order`."""
    lot = ["lot", "name"]
    end = pl.col("short").cum_sum().over(lot)
    laid = short.sort(*lot, order).with_columns(end.alias(f"to_{order}"))
    return laid.with_columns((pl.col(f"to_{order}") - pl.col("short")).alias(f"from_{order}")).drop("short")


def _common() -> pl.Expr:
    """Return how long the stretch of a cell and that of a target lie side by side."""
    start = pl.max_horizontal("from_cell", "from_target")
    length = pl.min_horizontal("to_cell", "to_target") - start
    return pl.when(length > 0).then(length).otherwise(pl.lit(0, WIDE))
