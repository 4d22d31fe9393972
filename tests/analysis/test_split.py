"""Whole numbers split by weights: nothing is lost, and a finer breakdown changes nothing."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from tokenaudit.analysis.split import WIDE, split

AMOUNTS = {"lot": pl.Int64(), "cell": pl.Int64(), "name": pl.String(), "amount": WIDE}
WEIGHTS = {"lot": pl.Int64(), "target": pl.String(), "weight": WIDE}
Cells = list[tuple[int, int, str, int]]


def amounts(rows: Cells) -> pl.DataFrame:
    """Return amounts as a frame."""
    return pl.DataFrame(rows, AMOUNTS, orient="row")


def weights(**found: int) -> pl.DataFrame:
    """Return the weights of lot 1."""
    return pl.DataFrame([(1, name, weight) for name, weight in found.items()], WEIGHTS, orient="row")


def parts(rows: Cells, by: pl.DataFrame) -> dict[tuple[int, str], int]:
    """Return the parts by cell and target."""
    return {(cell, target): part for cell, _, target, part in sorted(split(amounts(rows), by).rows())}


def test_the_largest_remainder_gets_what_is_left() -> None:
    """10 over 1, 1 and 1 is 4, 3 and 3; 7 over 5 and 3 is 4.375 and 2.625: 4 and 3."""
    assert parts([(1, 0, "n", 10)], weights(a=1, b=1, c=1)) == {(0, "a"): 4, (0, "b"): 3, (0, "c"): 3}
    assert parts([(1, 0, "n", 7)], weights(a=5, b=3)) == {(0, "a"): 4, (0, "b"): 3}
    assert parts([(1, 0, "n", -7)], weights(a=5, b=3)) == {(0, "a"): -4, (0, "b"): -3}
    assert parts([(1, 0, "n", 0)], weights(a=5, b=3)) == {(0, "a"): 0, (0, "b"): 0}


def test_cells_add_up_to_what_the_lot_gives() -> None:
    """Three cells of 1 over two equal targets: of 3 the first gets 2, whichever cell it is from."""
    found = parts([(1, cell, "n", 1) for cell in range(3)], weights(a=1, b=1))
    assert sorted(found.values()) == [0, 0, 0, 1, 1, 1]
    assert sum(part for (_, target), part in found.items() if target == "a") == 2


LARGE = st.integers(-(10**27), 10**27) | st.integers(-20, 20)


@given(
    cells=st.lists(st.tuples(st.sampled_from((1, 2)), st.sampled_from("mn"), LARGE), min_size=1, max_size=7),
    shares=st.lists(st.tuples(st.sampled_from((1, 2)), st.sampled_from("abc"), st.integers(1, 10**9)), min_size=1),
)
def test_nothing_is_lost_however_it_is_cut(
    cells: list[tuple[int, str, int]], shares: list[tuple[int, str, int]]
) -> None:
    """Each cell is the sum of its parts; each target gets of a lot what it would of one cell; no part strays far."""
    by = pl.DataFrame(shares, WEIGHTS, orient="row").unique(["lot", "target"], keep="first", maintain_order=True)
    rows = amounts([(lot, at, name, amount) for at, (lot, name, amount) in enumerate(cells)])
    known = rows.filter(pl.col("lot").is_in(by["lot"].implode()))
    found = split(rows, by)
    whole = found.group_by("cell", "name").agg(pl.col("part").sum())
    assert known.join(whole, on=["cell", "name"]).select((pl.col("part") == pl.col("amount")).all()).item()
    assert whole.height == known.height

    coarse = rows.group_by("lot", "name").agg(pl.col("amount").sum()).with_columns(cell=pl.col("lot"))
    once = split(coarse.select(*AMOUNTS), by).rename({"cell": "lot", "part": "once"})
    lots = found.join(rows.select("cell", "name", "lot"), on=["cell", "name"])
    again = lots.group_by("lot", "name", "target").agg(pl.col("part").sum()).join(once, on=["lot", "name", "target"])
    assert again.select((pl.col("part") == pl.col("once")).all()).item()
    assert again.height == once.height
    total = pl.col("weight").sum().over("lot")
    exact = lots.join(by.with_columns(total=total), on=["lot", "target"]).join(rows, on=["cell", "name", "lot"])
    down = pl.col("amount") * pl.col("weight") // pl.col("total")
    assert exact.select(((pl.col("part") - down).is_between(0, 3)).all()).item()
