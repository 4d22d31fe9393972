"""Columns that hold nothing in a whole store: summing them would be a third of the work of a report.

Parquet files say so in their statistics, so the question reads no data where the answer is yes.
"""

from __future__ import annotations

import polars as pl

SPARSE: tuple[tuple[str, ...], ...] = (
    ("cache_creation_5m_input_tokens",),
    ("cache_creation_1h_input_tokens",),
    (
        "cache_creation_30m_input_tokens",
        "cache_creation_12h_input_tokens",
        "audio_input_tokens",
        "cache_read_audio_input_tokens",
        "image_input_tokens",
        "cache_read_image_input_tokens",
        "audio_output_tokens",
        "image_output_tokens",
    ),
    ("web_search_requests",),
    ("billed_cost",),
    ("list_cost",),
)
"""Columns that many stores leave empty; those that come together are asked for together."""


def idle_columns(usage: pl.LazyFrame) -> dict[str, pl.Expr]:
    """Return the `SPARSE` columns that are 0 (counts) or null (money) in every row of `usage`, and that value."""
    questions = [usage.filter(pl.any_horizontal(map(_holds, names))).select(names[0]).head(1) for names in SPARSE]
    answers = zip(SPARSE, pl.collect_all(questions, engine="streaming"), strict=True)
    return {name: _nothing(name) for names, found in answers if found.is_empty() for name in names}


def _holds(name: str) -> pl.Expr:
    return pl.col(name).is_not_null() if name.endswith("_cost") else pl.col(name) != 0


def _nothing(name: str) -> pl.Expr:
    nothing = pl.lit(None, pl.Decimal(38, 18)) if name.endswith("_cost") else pl.lit(0, pl.Int64)
    return nothing.alias(name)
