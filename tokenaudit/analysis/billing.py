"""Rows get their money from the bills that pay for them; see `overlap` for what belongs together.

A bill is spread over its rows by `spread`. What the provider counts itself costs nothing beyond the bill of its day,
and a bill that restates another gives way to it.
"""

from __future__ import annotations

import polars as pl

from tokenaudit.analysis.measures import known_sum
from tokenaudit.analysis.overlap import ACCOUNT, ITEM, MONEY, PAID, Joined, Overlap, summed
from tokenaudit.analysis.people import is_id
from tokenaudit.analysis.spread import shares
from tokenaudit.schema import TOKEN_CLASSES

RESTATED = ("provider", ACCOUNT, "tie_day", ITEM)
"""What a bill and the one that it restates must agree in."""
NO_TOKENS = pl.lit(0, pl.Int64).alias("tokens")


def with_bills_spread(charges: pl.DataFrame, overlap: Overlap, joined: Joined) -> tuple[pl.DataFrame, Joined]:
    """Give the rows their parts of the bills that pay for them, and take those bills out.

    In: priced cells of `without_repeats`. Out: cells with the column `joined_tokens` more: the tokens of rows whose
    money is from another source's bill.
    """
    current, restated = _without_restated_bills(charges, overlap)
    books = pl.col("tie_source").replace_strict(dict(overlap.books), default=None, return_dtype=pl.String)
    current = current.with_columns(books=books, routed=pl.col("tie_source").is_in(overlap.routers))
    bills = current.filter(_is_bill(overlap), pl.col("billed_cost").is_not_null(), _counted() == 0)
    rows = current.filter(pl.col("tie_day").is_not_null(), pl.col("billed_cost").is_null() | ~_is_bill(overlap))
    parts = shares(bills, rows)
    paid = parts.group_by("cell").agg(known_sum("paid"), known_sum("valued"))
    spent = current.filter(~pl.col("cell").is_in(parts["bill"].implode()))
    settled = _settled(spent.join(paid, on="cell", how="left", maintain_order="left"), overlap)
    told = Joined(_paid(parts, current), pl.concat([joined.aside, restated]), joined.untied)
    return _with_their_money(settled), told


def _is_bill(overlap: Overlap) -> pl.Expr:
    bills = [name for name, word in overlap.authority.items() if word == "bill"]
    return pl.col("tie_source").is_in(bills).fill_null(value=False)


def _counted() -> pl.Expr:
    return pl.sum_horizontal(*TOKEN_CLASSES, "requests")


def _without_restated_bills(charges: pl.DataFrame, overlap: Overlap) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Leave out the money of bills on days that the bill they restate covers."""
    aside, gone = [], [pl.Series("cell", [], charges["cell"].dtype)]
    for source, others in overlap.restates.items():
        for other in sorted(others):
            covered = _days(overlap.bills.days.filter(pl.col("source") == other)).select(RESTATED).unique()
            said = charges.filter(pl.col("tie_source") == source, pl.col("billed_cost").is_not_null())
            fresh = said.filter(~pl.col("cell").is_in(pl.concat(gone).implode()))
            twice = fresh.join(covered, on=RESTATED, how="semi", nulls_equal=True)
            currency = pl.col("billing_currency").cast(pl.String)
            amounts = twice.filter("shown").group_by(currency).agg(amount=known_sum("billed_cost"))
            aside.append(amounts.with_columns(NO_TOKENS, source=pl.lit(source), for_source=pl.lit(other)))
            gone.append(twice["cell"])
    return charges.filter(~pl.col("cell").is_in(pl.concat(gone).implode())), summed(aside)


def _days(bills: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each day of each bill, named as in cells."""
    days = pl.date_ranges("day", "end", closed="left").alias("tie_day")
    return bills.rename({"account": ACCOUNT, "item": ITEM}).with_columns(days).explode("tie_day")


def _settled(cells: pl.DataFrame, overlap: Overlap) -> pl.DataFrame:
    """Add `settled`: the row is of a provider's own count, on a day with a bill of the same account and workspace."""
    counts = [name for name, word in overlap.authority.items() if word == "usage"]
    books = {overlap.books.get(name) for name in counts} or {None}
    billed = pl.concat([_billed(overlap, name) for name in books])
    keys = ["provider", ACCOUNT, "tie_day", "books"]
    beside = cells.join(billed, on=keys, how="left", nulls_equal=True, maintain_order="left")
    place = pl.col("tie_workspace")
    coded = pl.col("workspaces").list.eval(is_id(pl.element())).list
    unlike = pl.when(is_id(place)).then(~coded.all()).otherwise(coded.any())
    fits = pl.col("whole") | place.is_null() | pl.col("workspaces").list.contains(place) | unlike
    settled = pl.col("tie_source").is_in(counts) & pl.col("whole").is_not_null() & fits
    return beside.with_columns(settled=settled.fill_null(value=False)).drop("workspaces", "whole")


def _billed(overlap: Overlap, books: str | None) -> pl.DataFrame:
    """Return of each day that bills for rows of some books cover: their `workspaces`, and whether they mean all."""
    others = [name for name, of in overlap.books.items() if books is not None and of != books]
    return (
        _days(overlap.bills.days.filter(~pl.col("source").is_in(others)))
        .group_by("provider", ACCOUNT, "tie_day")
        .agg(workspaces=pl.col("workspace").drop_nulls().unique(), whole=pl.col("workspace").is_null().any())
        .with_columns(books=pl.lit(books, pl.String))
    )


def _with_their_money(cells: pl.DataFrame) -> pl.DataFrame:
    """Put each row's part of the bills in the place of what was computed for it."""
    paid = pl.col("paid").is_not_null()
    joined = paid | pl.col("settled")
    nothing = pl.lit(0, MONEY)
    money = pl.when(joined).then(pl.coalesce("paid", nothing))
    return cells.with_columns(
        billed_cost=money.otherwise("billed_cost"),
        effective_cost=money.otherwise("effective_cost"),
        estimated_cost=money.otherwise("estimated_cost"),
        list_cost=pl.coalesce("valued", "list_cost"),
        cost_basis=pl.when(joined).then(pl.lit("billed")).otherwise(pl.col("cost_basis").cast(pl.String)),
        unpriced_requests=pl.when(~joined).then("unpriced_requests").otherwise(0),
        unpriced_tokens=pl.when(~joined).then("unpriced_tokens").otherwise(0),
        joined_tokens=pl.when(joined).then(pl.sum_horizontal(TOKEN_CLASSES)).otherwise(0),
    ).drop("paid", "valued", "settled", "books", "routed")


def _paid(parts: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Return which rows, of those that are shown, have their money from which bill."""
    tokens = pl.sum_horizontal(TOKEN_CLASSES)
    bills = cells.select(pl.col("cell").alias("bill"), pl.col("tie_source").alias("of"), "billing_currency")
    rows = cells.filter("shown").select("cell", pl.col("tie_source").alias("source"), tokens=tokens)
    known = parts.join(bills, on="bill").join(rows, on="cell")
    amounts = known.group_by(bill="of", source="source", billing_currency=pl.col("billing_currency").cast(pl.String))
    counted = known.unique(["of", "cell"]).group_by(bill="of", source="source").agg(pl.col("tokens").sum())
    return (
        amounts.agg(amount=pl.col("paid").sum())
        .join(counted, on=["bill", "source"])
        .select(*PAID)
        .sort("bill", "source")
    )
