"""Counting once: from all sightings of the same billable things to the rows that count.

A sighting is a row as one file has it. Sightings with one `response_id` are the same thing:

* `newest`: the rows of the newest file stand, all others are superseded; newest by content (see `Version`). A file that
  holds only totals of an event gives way to one with token classes, and a user that the newest leaves out is filled in.
* `largest`: one row stands, with the maximum of each count, the earliest instant, and who and where from the sighting
  closest to its original (`origin_rank`, then time, then the values themselves). Counts that were estimated from text
  give way to counts that were reported.

Both are functions of the set of sightings: order, repetition and the cutting of files do not change them.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from tokenaudit import schema

SIGHTING = ("response_id", "file_id")
WHO_AND_WHERE = ("user", "api_key", "project_path", "workspace", "account", "session", "tags", "project")
WHAT = ("provider", "request_model", "service_tier", "region", "billing_currency", "cost_basis", "tokens_basis")
LARGEST = (*schema.COUNTS, "billed_cost", "list_cost", "reported_cost", "batch")
COARSE = 2
"""`origin_rank` from which a sighting of an event holds totals only: it gives way to any that holds classes."""
BASE_THOUSANDTHS = 55_600
"""See the estimate of Claude Code's unfinished responses."""
PART_MASK = (1 << 31) - 1


class Resolution(NamedTuple):
    """What stands and what is kept aside."""

    usage: pl.DataFrame
    superseded: pl.DataFrame


def resolve(sightings: pl.DataFrame, ranks: pl.DataFrame, newest: set[str]) -> Resolution:
    """Resolve sightings of any sources.

    In: usage rows, not merged ones, no file's bucket twice; `ranks`: file_id, covers_to, rows, digest of every file
    version; `newest`: the names of the sources whose newest file wins. Out: the rows that stand, and all sightings that
    do not stand as they are.
    """
    by_file = pl.col("source").cast(pl.String).is_in(newest)
    first = _newest(sightings.filter(by_file), ranks)
    second = _largest(sightings.filter(~by_file))
    return Resolution(pl.concat([first.usage, second.usage]), pl.concat([first.superseded, second.superseded]))


def _newest(sightings: pl.DataFrame, ranks: pl.DataFrame) -> Resolution:
    keys = ["covers_to", "rows", "digest", "file_id"]
    order = ranks.select("file_id", rank=pl.struct(keys).rank("ordinal"))
    ranked = sightings.join(order, on="file_id", how="left")
    fullest = pl.col("origin_rank") // COARSE == (pl.col("origin_rank") // COARSE).min().over("response_id")
    newest = pl.col("rank") == pl.col("rank").filter(fullest).max().over("response_id")
    named = pl.col("user").cast(pl.String).min().over("response_id").cast(pl.Categorical)
    judged = ranked.with_columns(stands=fullest & newest, named=named)
    fills = pl.col("user").is_null() & pl.col("named").is_not_null() & (pl.col("granularity") == "request")
    filled = judged.with_columns(user=pl.when(fills).then("named").otherwise("user"), merged=fills)
    aside = ~pl.col("stands") | fills
    return Resolution(filled.filter("stands").select(schema.NAMES), judged.filter(aside).select(schema.NAMES))


def _largest(sightings: pl.DataFrame) -> Resolution:
    own = fold(sightings, by=SIGHTING)
    counted = pl.len().over("response_id")
    single = own.filter(counted == 1)
    several = own.filter(counted > 1)
    merged = fold(several, by=("response_id",)).with_columns(merged=pl.lit(value=True))
    return Resolution(pl.concat([single, merged]), several)


def fold(rows: pl.DataFrame, by: tuple[str, ...]) -> pl.DataFrame:
    """Fold rows that agree in `by` into one: each count's maximum, the earliest instant, the first who and where."""
    if rows.height == 0 or not rows.select(pl.struct(by).is_duplicated().any()).item():
        return rows
    once = ~pl.struct(by).is_duplicated()
    return pl.concat([rows.filter(once), _fold(rows.filter(~once), by)])


def _fold(rows: pl.DataFrame, by: tuple[str, ...]) -> pl.DataFrame:
    text = {name: pl.col(name).cast(pl.String) for name in (*WHO_AND_WHERE, "request_model")}
    order = [pl.col("origin_rank"), pl.col("charge_period_start"), *text.values(), pl.col("file_id"), pl.col("line")]
    named = {name: pl.col(name).drop_nulls().first() for name in (*WHAT, "speed")}
    special = {
        **{name: pl.col(name).max() for name in LARGEST},
        **named,
        "charge_period_start": pl.col("charge_period_start").min(),
        "charge_period_end": pl.col("charge_period_end").max(),
        "speed": pl.when((pl.col("speed") == "fast").any()).then(pl.lit("fast")).otherwise(named["speed"]),
        "finalized": pl.col("finalized").any(),
        "output_parts": pl.col("output_parts").list.explode().drop_nulls().unique().sort(),
    }
    rest = [pl.col(name).first() for name in schema.NAMES if name not in special and name not in by]
    folded = (
        _without_guesses(rows, by).sort(order, nulls_last=True).group_by(by, maintain_order=True).agg(*rest, **special)
    )
    instant = pl.when(pl.col("granularity") == "request").then("charge_period_start").otherwise("charge_period_end")
    whole = folded.with_columns(pl.col("speed").cast(pl.Categorical), charge_period_end=instant)
    return with_estimate(whole.select(schema.NAMES))


def _without_guesses(rows: pl.DataFrame, by: tuple[str, ...]) -> pl.DataFrame:
    """Take the counts from rows that were estimated from text, where another of the same thing has reported ones."""
    guessed = (pl.col("tokens_basis") == "estimated").fill_null(value=False)
    if not rows.select(guessed.any()).item():
        return rows
    stands = ~guessed | guessed.all().over(by)
    return rows.with_columns(pl.when(stands).then(name).alias(name) for name in (*schema.COUNTS, "tokens_basis"))


def with_estimate(rows: pl.DataFrame) -> pl.DataFrame:
    """Set `estimated_output_tokens` from the parts of unfinished responses, never below what was recorded."""
    thousandths = pl.col("output_parts").list.eval(pl.element().and_(pl.lit(PART_MASK))).list.sum()
    guess = ((thousandths + BASE_THOUSANDTHS + 500) // 1000).fill_null(0)
    unfinished = ~pl.col("finalized") & (pl.col("output_parts").list.len() > 0)
    estimate = pl.when(unfinished).then(pl.max_horizontal("output_tokens", guess)).otherwise(pl.col("output_tokens"))
    needed = pl.when(unfinished).then("output_parts")
    return rows.with_columns(estimated_output_tokens=estimate.cast(pl.Int64), output_parts=needed)
