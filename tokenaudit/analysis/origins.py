"""What stands behind priced sums: the files and lines of their rows, the largest calls, and what was told again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.analysis.measures import known_sum
from tokenaudit.analysis.traced import SUM, Traced
from tokenaudit.charges import charge, with_offers
from tokenaudit.schema import INPUT_CLASSES, OUTPUT_CLASSES, TOKEN_CLASSES

if TYPE_CHECKING:
    from tokenaudit.prices.book import PriceBook

CALL = (
    "charge_period_start", "source", "file_id", "line", "response_id", "user", "project", "provider", "request_model",
    "model", "granularity", "context_tier",
)  # fmt: skip
"""Columns of a row that tell which one it is."""
MERGED, NEWER, AGAIN = "merged", "newer file", "told again"
"""Why a sighting does not stand: it is part of a row that several make up; a newer file has its bucket; another file
tells the same."""


def files(traced: Traced) -> pl.DataFrame:
    """Return the files that rows were read from, most rows first.

    Columns: `source`, `file_id`, `rows`, `first_line`, `last_line`, `first` and `last` (instants), `tokens`.
    """
    start = pl.col("charge_period_start")
    return (
        traced.rows.group_by(pl.col("source").cast(pl.String), "file_id")
        .agg(
            rows=pl.len().cast(pl.Int64),
            first_line=pl.col("line").min(),
            last_line=pl.col("line").max(),
            first=start.min(),
            last=start.max(),
            tokens=pl.sum_horizontal(pl.col(TOKEN_CLASSES).sum()),
        )
        .sort("rows", "source", "file_id", descending=[True, False, False])
        .collect(engine="streaming")
    )


def calls(traced: Traced, book: PriceBook, limit: int) -> pl.DataFrame:
    """Return the dearest rows: CALL, counts, `list_cost`, `effective_cost` and `cost_basis`.

    Where a bill is spread over the sum that a row is part of, or a finer source tells some of it, the row by itself has
    no spend: `effective_cost` is null, unless the row is all of the sum.
    """
    priced = charge(with_offers(traced.rows, traced.found), book)
    shown = priced.select(
        *(pl.col(name) for name in CALL),
        pl.col(SUM),
        *(pl.col(name) for name in (*TOKEN_CLASSES, "requests", "web_search_requests")),
        "list_cost",
        "effective_cost",
        "cost_basis",
        input_tokens=pl.sum_horizontal(INPUT_CLASSES),
        all_output_tokens=pl.sum_horizontal(OUTPUT_CLASSES),
        worth=pl.coalesce("effective_cost", "list_cost", pl.lit(0)),
    )
    most = [pl.col("worth").fill_null(0), pl.sum_horizontal(TOKEN_CLASSES), -pl.col("file_id"), -pl.col("line")]
    found = shown.top_k(limit, by=most).sort(most, descending=True).collect(engine="streaming")
    texts = found.with_columns(pl.col(pl.Categorical).cast(pl.String)).drop("worth")
    return _settled(texts, traced, book) if traced.joined is not None else texts.drop(SUM)


def _settled(found: pl.DataFrame, traced: Traced, book: PriceBook) -> pl.DataFrame:
    """Take the spend from rows whose sums were not priced as they stand."""
    money = [known_sum("effective_cost"), pl.col("cost_basis").cast(pl.String).first()]
    plain = (
        charge(with_offers(traced.told.lazy(), traced.found), book).group_by(SUM).agg(plain=known_sum("effective_cost"))
    )
    counted = traced.cells.group_by(SUM).agg(*money).rename({"effective_cost": "counted", "cost_basis": "basis"})
    mine = (
        traced.rows.filter(pl.col(SUM).is_in(found[SUM].unique().implode())).group_by(SUM).agg(pl.len().alias("mates"))
    )
    beside = (
        found.join(plain.collect(), on=SUM, how="left", maintain_order="left")
        .join(counted, on=SUM, how="left", maintain_order="left")
        .join(mine.collect(engine="streaming"), on=SUM, how="left", maintain_order="left")
    )
    own = pl.when(pl.col("plain").eq_missing(pl.col("counted"))).then("effective_cost")
    spend = pl.when(pl.col("mates") == 1).then("counted").otherwise(own)
    basis = pl.coalesce("basis", pl.lit("set aside"))
    return beside.with_columns(effective_cost=spend, cost_basis=basis).drop(SUM, "plain", "counted", "basis", "mates")


def told_again(traced: Traced, aside: pl.LazyFrame, newest: set[str]) -> pl.DataFrame:
    """Return which lines do not stand because of the rows that were asked for, one row for each pair of files.

    `aside` are the sightings kept aside, `newest` the sources whose newest file wins. Columns: `source`, `rule`
    (MERGED, NEWER or AGAIN), `file_id`, `line` (the first of its `lines`), `kept_file_id`, `kept_line`; most lines
    first.
    """
    kept = traced.rows.group_by("response_id").agg(
        pl.col("merged").any(), kept_file_id=pl.col("file_id").first(), kept_line=pl.col("line").min()
    )
    source = pl.col("source").cast(pl.String)
    rule = pl.when(pl.col("merged")).then(pl.lit(MERGED)).when(source.is_in(newest)).then(pl.lit(NEWER))
    both = aside.select("response_id", "file_id", "line", source).join(kept, on="response_id")
    itself = (pl.col("file_id") == pl.col("kept_file_id")) & pl.col("merged")
    keys = ("source", "rule", "file_id", "kept_file_id")
    return (
        both.filter(~itself)
        .with_columns(rule=rule.otherwise(pl.lit(AGAIN)))
        .sort("line", "kept_line")
        .group_by(keys)
        .agg(lines=pl.len().cast(pl.Int64), line=pl.col("line").first(), kept_line=pl.col("kept_line").first())
        .sort("lines", *keys, descending=[True, *(False for _ in keys)])
        .collect(engine="streaming")
        .select("source", "rule", "file_id", "line", "lines", "kept_file_id", "kept_line")
    )
