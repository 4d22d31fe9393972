"""One provider, two exports: what it billed and what was used. Money comes from the bill, tokens from the usage.

A day is settled where the cost export covers it, also by saying that nothing was spent. Usage rows on a settled day
keep their tokens and carry no spend of their own: it stands in the rows of the bill. A bill and a usage row belong
together when they share the UTC day and do not name different workspaces; who names none means all of them.
A day that a bill calls empty is settled for the workspaces that bills of the same account name, if they name any:
it says nothing of another account.
"""

from __future__ import annotations

import polars as pl

from tokenaudit.schema import TOKEN_CLASSES

BILLS = {"openai-cost": "openai-usage", "anthropic-cost": "anthropic-usage"}
"""Cost exports, and the usage export of the same provider that each of them settles."""

BILL_SOURCES = tuple(BILLS)
"""Sources whose rows, blank ones included, make up the `bills` that settle days."""

SCOPE = "workspace"
"""The dimension that both exports name alike, if they name it."""

TIE = ("settled_source", "settled_day", "settled_scope")
"""Columns that tie usage to bills: all null in rows that no bill could settle."""

SPENT = ("effective_cost", "billed_cost", "estimated_cost")
"""Money of a settled usage row that stands in the bill."""

VALUED = ("list_cost", "contracted_cost")
"""Money of a settled usage row that stands in the bill only where the bill states list prices."""


def settled_days(bills: pl.LazyFrame | None) -> pl.DataFrame:
    """Return what the rows of cost exports settle: one row per usage source, UTC day and workspace.

    Columns: `TIE`, and `lists`: whether the bill of that day states list prices.
    """
    if bills is None:
        return pl.DataFrame(schema=dict(zip(TIE, (pl.String, pl.Date, pl.String), strict=True)))
    text = pl.col("source", "account", SCOPE).cast(pl.String)
    rows = bills.filter(pl.col("source").is_in(BILL_SOURCES)).with_columns(text)
    source, day, scope = TIE
    return (
        _spoken_for(rows)
        .select(pl.col("source").replace(BILLS).alias(source), _days(day), pl.col(SCOPE).alias(scope), lists=_stated())
        .explode(day)
        .group_by(TIE)
        .agg(pl.col("lists").any())
        .collect()
    )


def keys(settled: pl.DataFrame) -> list[pl.Expr]:
    """Return the columns of usage rows that `without_settled` needs; none where nothing is settled."""
    if settled.is_empty():
        return []
    usage = pl.col("source").is_in(settled.get_column(TIE[0]).unique().to_list())
    origins = (pl.col("source"), pl.col("charge_period_start").dt.date(), pl.col(SCOPE))
    return [pl.when(usage).then(origin).alias(name) for name, origin in zip(TIE, origins, strict=True)]


def without_settled(charges: pl.LazyFrame, settled: pl.DataFrame) -> pl.LazyFrame:
    """Take the spend of usage rows on settled days out of `charges`: it is in the bill.

    They stay as `cost_basis` ``billed`` without `SPENT`, and count as priced. Their list value stays, unless the
    bill states one too. What a plan covers stays covered. Adds `settled_tokens`: the tokens of such rows.
    """
    if settled.is_empty():
        return charges.with_columns(settled_tokens=pl.lit(0, pl.Int64))
    basis = pl.col("cost_basis").cast(pl.String)
    gone = pl.col("settled").fill_null(value=False) & (basis != "included")
    return _marked(charges, settled).with_columns(
        pl.when(gone).then(pl.lit("billed")).otherwise(basis).alias("cost_basis"),
        pl.when(~gone).then(pl.col(SPENT)),
        pl.when(~gone | ~pl.col("lists")).then(pl.col(VALUED)),
        pl.when(~gone).then(pl.col("unpriced_requests", "unpriced_tokens")).otherwise(0),
        pl.when(gone).then(pl.sum_horizontal(TOKEN_CLASSES)).otherwise(0).alias("settled_tokens"),
    )


def _spoken_for(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give the blank rows, which name no workspace, the workspaces of their account."""
    named = rows.filter(pl.col(SCOPE).is_not_null()).select("source", "account", named=SCOPE).unique()
    joined = rows.filter(pl.col("blank")).join(named, on=["source", "account"], how="left", nulls_equal=True)
    blank = joined.with_columns(pl.coalesce(SCOPE, "named").alias(SCOPE)).drop("named")
    return pl.concat([rows.filter(~pl.col("blank")), blank])


def _marked(charges: pl.LazyFrame, settled: pl.DataFrame) -> pl.LazyFrame:
    """Add `lists` and `settled`: the day has a bill for the same workspace or for all, or the row names none."""
    source, day, scope = TIE
    bills = settled.lazy()
    days = bills.group_by(source, day).agg(pl.col("lists").any(), whole=pl.col(scope).is_null().any())
    exact = bills.filter(pl.col(scope).is_not_null()).select(*TIE, exact=pl.lit(value=True))
    texts = charges.with_columns(pl.col(source, scope).cast(pl.String))
    joined = texts.join(days, on=[source, day], how="left").join(exact, on=TIE, how="left")
    return joined.with_columns(
        settled=pl.col("whole").is_not_null() & (pl.col("whole") | pl.col(scope).is_null() | pl.col("exact")),
        lists=pl.col("lists").fill_null(value=False),
    )


def _stated() -> pl.Expr:
    return pl.col("list_cost").is_not_null()


def _days(name: str) -> pl.Expr:
    """Return the UTC dates that a row covers."""
    start = pl.col("charge_period_start")
    last = pl.max_horizontal(start, pl.col("charge_period_end") - pl.duration(microseconds=1))
    return pl.date_ranges(start.dt.date(), last.dt.date()).alias(name)
