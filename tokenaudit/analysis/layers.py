"""Counts told twice: what a finer source tells is taken out of what a coarser one tells of the same calls.

A provider's own count holds the calls that a gateway and a developer's log hold too. The finer rows stand as they are,
as they know who and where; of the coarser ones the rest remains, so that every call counts once. Both name the same
provider, account, UTC day and model, and no two people. Each kind of token is matched with its like.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import polars as pl

from tokenaudit.analysis.people import PERSON, is_address, is_id, person
from tokenaudit.schema import CACHE_CREATION_CLASSES, COUNTS

KEY = ("provider", "tie_account", "tie_day", "model")
"""What two sources must agree in to tell of the same calls."""
USER = "tie_user"
LOT = "lot"
"""Number of what a cell has in common with others however a report is broken down: its price, and whose it is."""
COUNTED = (*COUNTS, "estimated_output_tokens")
KINDS = {name: "cache_creation" if name in CACHE_CREATION_CLASSES else name for name in COUNTED}
"""Cache writes match whatever their life: many sources do not tell it."""


class Told(NamedTuple):
    """Amounts in long form: `cell`, LOT, KEY, USER, PERSON, `name` (the column), `kind`, `amount` (Int64, above 0)."""

    amounts: pl.DataFrame

    @classmethod
    def of(cls, cells: pl.DataFrame) -> Told:
        """Return the amounts of cells, which have a number each in `cell`, and one in LOT."""
        index = ["cell", LOT, *KEY, USER]
        amounts = cells.select(*index, *COUNTED).unpivot(
            COUNTED, index=index, variable_name="name", value_name="amount"
        )
        kind = pl.col("name").replace_strict(KINDS).alias("kind")
        return cls(amounts.filter(pl.col("amount") > 0).with_columns(kind, person(pl.col(USER)).alias(PERSON)))

    def calls(self) -> frozenset[tuple[object, ...]]:
        """Return each KEY once: two sources without one in common tell of no call both."""
        return frozenset(self.amounts.select(KEY).unique().iter_rows())

    def where(self, condition: pl.Expr) -> Told:
        """Return the amounts that meet a condition."""
        return Told(self.amounts.filter(condition))

    def less(self, cuts: pl.DataFrame) -> Told:
        """Return what is left after cuts (`cell`, `name`, `cut`)."""
        left = self.amounts.join(cuts, on=["cell", "name"], how="left", maintain_order="left")
        rest = pl.col("amount") - pl.col("cut").fill_null(0)
        return Told(left.with_columns(amount=rest).filter(pl.col("amount") > 0).drop("cut"))


class Absorbed(NamedTuple):
    """What is left of the coarser amounts, and of the finer ones that found nothing to be taken out of."""

    coarse: Told
    fine: Told


def absorb(coarse: Told, fine: Told, *, anyone: bool = False) -> Absorbed:
    """Take finer amounts out of coarser ones of the same user; then of a user whose name may be the same person's.

    That is the name without its domain; no name at all; an id beside a name; and `anyone`, where one of the two knows
    only who holds the key.
    """
    if coarse.amounts.join(fine.amounts, on=KEY, how="semi", nulls_equal=True).is_empty():
        return Absorbed(coarse, fine)
    user, everybody = pl.col(USER), pl.lit(value=True)
    named, address, coded = user.is_not_null(), is_address(user), is_id(user)
    key = (*KEY, "kind")
    steps = [
        ((*key, USER), named, named),
        ((*key, PERSON), address, named & ~address),
        ((*key, PERSON), named & ~address, address),
        (key, ~named, everybody),
        (key, everybody, ~named),
        (key, coded, named & ~coded),
        (key, named & ~coded, coded),
        *([(key, everybody, everybody)] if anyone else []),
    ]
    return reduce(lambda told, step: _step(told, *step), steps, Absorbed(coarse, fine))


def _step(told: Absorbed, key: tuple[str, ...], of_coarse: pl.Expr, of_fine: pl.Expr) -> Absorbed:
    coarse, fine = told.coarse.where(of_coarse).amounts, told.fine.where(of_fine).amounts
    if coarse.is_empty() or fine.is_empty():
        return told
    both = _sums(coarse, key, "coarse").join(_sums(fine, key, "fine"), on=key, nulls_equal=True)
    if both.is_empty():
        return told
    taken = both.select(*key, taken=pl.min_horizontal("coarse", "fine"))
    return Absorbed(told.coarse.less(_cuts(coarse, taken, key)), told.fine.less(_cuts(fine, taken, key)))


def _sums(amounts: pl.DataFrame, key: tuple[str, ...], name: str) -> pl.DataFrame:
    return amounts.group_by(key).agg(pl.col("amount").sum().alias(name))


def _cuts(amounts: pl.DataFrame, taken: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    """Spread what is taken over the amounts of each key: first over the lots, so that no breakdown changes a price."""
    lot = (*key, "name", LOT)
    lots = _spread(_sums(amounts, lot, "amount").join(taken, on=key, nulls_equal=True), key, ("name", LOT))
    of_lots = lots.select(*lot, taken="cut")
    return _spread(amounts.join(of_lots, on=lot, nulls_equal=True), lot, ("cell",)).select("cell", "name", "cut")


def _spread(amounts: pl.DataFrame, key: tuple[str, ...], order: tuple[str, ...]) -> pl.DataFrame:
    """Add `cut`: the parts of what is `taken` of each key, in proportion; whole numbers by largest remainder."""
    wide = pl.Int128
    found = amounts.with_columns(pl.col("amount", "taken").cast(wide))
    product, total = pl.col("amount") * pl.col("taken"), pl.col("amount").sum().over(key)
    shares = found.with_columns(cut=product // total, short=total - product % total)
    missing = pl.col("taken") - pl.col("cut").sum().over(key)
    turn = pl.struct("short", *order).rank("ordinal").over(key)
    return shares.with_columns(cut=(pl.col("cut") + (turn <= missing).cast(wide)).cast(pl.Int64))


def reduced(cells: pl.DataFrame, told: Told) -> pl.DataFrame:
    """Return cells with the amounts that are left of them; a subset never exceeds its whole."""
    wide = told.amounts.pivot("name", index="cell", values="amount")
    left = cells.drop(COUNTED).join(wide, on="cell", how="left", maintain_order="left")
    absent = [pl.lit(0, pl.Int64).alias(name) for name in COUNTED if name not in wide.columns]
    full = left.with_columns(absent).with_columns(pl.col(COUNTED).fill_null(0))
    output = pl.col("output_tokens")
    return full.with_columns(
        reasoning_output_tokens=pl.min_horizontal("reasoning_output_tokens", output),
        estimated_output_tokens=pl.max_horizontal("estimated_output_tokens", output),
    ).select(cells.columns)
