"""A bill over the rows it pays for: by list cost, exactly, so that the parts add up to the bill.

A bill pays for rows of its provider, account and UTC days. Model, workspace, user and API key tie the two where both
name them (`people` says which names do not contradict each other). Shares are rounded down to a billionth; what is left
of a bill goes to its largest row.
"""

from __future__ import annotations

import polars as pl

from tokenaudit.analysis.people import may_be_one, may_be_one_person
from tokenaudit.schema import TOKEN_CLASSES

ACCOUNT = ("provider", "tie_account", "billing_currency")
PLACES = ("tie_workspace", "tie_api_key")
TIES = ("model", "tie_user", *PLACES)
"""What narrows a bill down to some rows, if both name it."""
SCALE = 10**9
WIDE = pl.Int128
MONEY = pl.Decimal(38, 18)


def shares(bills: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return what each row pays of each bill.

    In: cells numbered in `cell`, with ACCOUNT, TIES, `tie_day` and `books` (null: of any); bills with `tie_end` (the
    first day after them), `billed_cost` and `list_cost`, rows with `list_cost`, counts and `routed` (a router's row,
    which names a caller).
    Out: `bill` and `cell` (numbers), `paid` and `valued` (Decimal(38, 18)): the row's part of the bill's amount and of
    the list price that the bill states. A bill without any row does not occur.
    """
    pairs = _pairs(bills, rows).with_columns(_weight()).filter(pl.col("weight") > 0)
    parts = pairs.with_columns(_part("billed_cost", "paid"), _part("bill_list_cost", "valued"))
    smaller = pl.col("weight").max().over("bill") - pl.col("weight")
    first = pl.struct(smaller, "cell").rank("ordinal").over("bill") == 1
    return parts.select("bill", "cell", _exact("paid", "billed_cost", first), _exact("valued", "bill_list_cost", first))


def _exact(part: str, whole: str, first: pl.Expr) -> pl.Expr:
    """Return the parts of each whole, of which one also takes what rounding left over."""
    left = pl.col(whole) - pl.col(part).sum().over("bill")
    return pl.when(first).then(pl.col(part) + left).otherwise(part).alias(part)


def _pairs(bills: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return each bill beside each row that it pays for."""
    names = {tie: f"bill_{tie}" for tie in (*TIES, "list_cost")}
    days = pl.date_ranges("tie_day", pl.col("tie_end"), closed="left").alias("tie_day")
    renamed = {new: old for old, new in names.items()}
    spread = bills.select("billed_cost", *ACCOUNT, days, **renamed, bill="cell", bill_books="books")
    beside = spread.explode("tie_day").join(_candidates(rows), on=[*ACCOUNT, "tie_day"], nulls_equal=True)
    model = pl.col(names["model"]).eq(pl.col("model")).fill_null(value=True)
    places = [may_be_one(pl.col(names[tie]), pl.col(tie)) for tie in PLACES]
    books = pl.col("bill_books").eq(pl.col("books")).fill_null(value=True)
    fitting = _of_its_user(beside.filter(model, books, *places), names["tie_user"])
    return fitting.with_columns(pl.col("bill_list_cost").cast(MONEY))


def _of_its_user(pairs: pl.DataFrame, of_bill: str) -> pl.DataFrame:
    """Keep the pairs of which the row's user may be that of the bill.

    A caller of a router whom no bill knows is on the bills of those who call nothing themselves, else on any.
    """
    known = may_be_one_person(pl.col("tie_user"), pl.col(of_bill))
    told = pairs.with_columns(known=known).with_columns(
        stranger=pl.col("routed") & ~pl.col("known").any().over("cell"), holder=~pl.col("known").any().over("bill")
    )
    fits = pl.col("holder") | ~pl.col("holder").any().over("cell")
    return told.filter(pl.col("known") | (pl.col("stranger") & fits))


def _candidates(rows: pl.DataFrame) -> pl.DataFrame:
    tokens = pl.sum_horizontal(TOKEN_CLASSES)
    listed = (pl.col("list_cost").fill_null(0) * SCALE).cast(WIDE)
    return rows.select(
        "cell", "routed", "books", *ACCOUNT, *TIES, "tie_day", listed=listed, tokens=tokens, calls="requests"
    )


def _weight() -> pl.Expr:
    """Return what a row counts for: its list cost; where no row of the bill has one its tokens, its requests, or 1."""
    choices = [pl.col("listed"), pl.col("tokens").cast(WIDE), pl.col("calls").cast(WIDE)]
    weight = pl.lit(1, WIDE)
    for choice in reversed(choices):
        weight = pl.when(choice.sum().over("bill") > 0).then(choice).otherwise(weight)
    return weight.alias("weight")


def _part(amount: str, name: str) -> pl.Expr:
    whole = (pl.col(amount) * SCALE).cast(WIDE)
    part = whole * pl.col("weight") // pl.col("weight").sum().over("bill")
    return (part.cast(pl.Decimal(38, 0)) * pl.lit("0.000000001").cast(pl.Decimal(38, 9))).cast(MONEY).alias(name)
