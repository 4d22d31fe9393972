"""From what a source's expressions give to the whole usage table: defaults, data types and last checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from tokenaudit import schema
from tokenaudit.sources.expressions import BUCKET, joined
from tokenaudit.sources.source import LeftOut

if TYPE_CHECKING:
    from tokenaudit.sources.source import Table


LARGEST_COUNT = 10**15
"""Sums of a thousand such counts still fit."""
CHECKED = (*schema.COUNTS, "estimated_output_tokens")


def complete(source: Table, usage: pl.LazyFrame) -> pl.LazyFrame:
    """Return every usage column in its data type, then `identity`, `reject` and `left_out` as text.

    A missing count is 0, a missing end is the start, a missing currency is USD, counts are as the provider reported
    them; other missing values are null. A column of the file that is called `source` is none of ours.
    """
    names = set(usage.collect_schema().names()) - {"source"}
    defaults = _defaults(source)
    types = schema.dtypes()
    columns = [_column(name, names, defaults.get(name)).cast(types[name]).alias(name) for name in schema.NAMES]
    reject = pl.col("reject") if "reject" in names else pl.lit(None, pl.String)
    left_out = pl.col("left_out") if "left_out" in names else pl.lit(None, pl.String)
    return usage.select(*columns, identity=_identity(source, names), reject=reject, left_out=left_out)


def set_aside(usage: pl.DataFrame) -> tuple[pl.DataFrame, list[LeftOut]]:
    """Return the rows that are ours, and what the others are and cost."""
    others = usage.filter(pl.col("left_out").is_not_null())
    groups = others.group_by("left_out", pl.col("billing_currency").cast(pl.String), maintain_order=True)
    found = groups.agg(pl.len(), pl.col("billed_cost").sum())
    left_out = [LeftOut(reason, rows, cost, currency) for reason, currency, rows, cost in found.iter_rows()]
    return usage.filter(pl.col("left_out").is_null()).drop("left_out"), left_out


def refused(usage: pl.DataFrame) -> tuple[pl.DataFrame, dict[int, str]]:
    """Return the rows that can be counted and, by line, why the others cannot."""
    impossible = [name for name in CHECKED if not usage[name].is_between(0, LARGEST_COUNT).all()]
    reasons = [pl.col("reject"), *map(_impossible, impossible)]
    if usage["charge_period_start"].null_count():
        reasons.append(pl.when(pl.col("charge_period_start").is_null()).then(pl.lit("the row names no time")))
    reasons += [_out_of_time(name) for name in BUCKET if not usage[name].is_between(*schema.TIMES).all()]
    if len(reasons) == 1 and usage["reject"].null_count() == usage.height:
        return usage.drop("reject"), {}
    judged = usage.with_columns(reject=pl.coalesce(reasons))
    bad = judged.filter(pl.col("reject").is_not_null()).select("line", "reject")
    return judged.filter(pl.col("reject").is_null()).drop("reject"), dict(bad.iter_rows())


def _out_of_time(name: str) -> pl.Expr:
    return pl.when(~pl.col(name).is_between(*schema.TIMES)).then(pl.format("impossible time: {}", name))


def _defaults(source: Table) -> dict[str, pl.Expr]:
    return {
        **{name: pl.lit(0, pl.Int64) for name in (*schema.COUNTS, "origin_rank", "file_id", "response_id")},
        "source": pl.lit(source.name),
        "provider": pl.lit(source.provider, pl.String),
        "charge_period_end": pl.col("charge_period_start"),
        "granularity": pl.lit("request"),
        "estimated_output_tokens": pl.col("output_tokens").fill_null(0),
        "tokens_basis": pl.lit("reported"),
        "billing_currency": pl.lit("USD"),
        "finalized": pl.lit(value=True),
        "merged": pl.lit(value=False),
        "blank": pl.lit(value=False),
    }


def _column(name: str, names: set[str], default: pl.Expr | None) -> pl.Expr:
    if default is not None and not names.issuperset(default.meta.root_names()):
        default = pl.lit(0, pl.Int64)
    if name not in names:
        return pl.lit(None) if default is None else default
    return pl.col(name) if default is None else pl.col(name).fill_null(default)


def _identity(source: Table, names: set[str]) -> pl.Expr:
    if "identity" in names:
        return pl.col("identity").cast(pl.String)
    if not source.identity:
        return pl.lit(None, pl.String)
    return joined(source.identity)


def _impossible(name: str) -> pl.Expr:
    fault = pl.when(pl.col(name) < 0).then(pl.lit("is negative")).otherwise(pl.lit("is impossibly large"))
    shown = pl.format('"{}" {}: "{}"', pl.lit(name), fault, pl.col(name))
    return pl.when(~pl.col(name).is_between(0, LARGEST_COUNT)).then(shown)
