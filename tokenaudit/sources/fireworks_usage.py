"""Fireworks billing metrics (`firectl billing export-metrics`): one row for each thing that was metered, no money.

Headers read: 11 columns (2025) and 13 (2026, with `cached_prompt_tokens` and `uncached_prompt_tokens`). Times are UTC.

Classes. `prompt_tokens` includes what was read from a cache: `cached_prompt_tokens` is a part of it. Where the export
has no split it writes 0 cached; where the file has no such columns nobody can tell, and all counts as uncached input.

Inference (`..._INFERENCE_USAGE`) is one request a row, priced by its tokens. Deployments and training are paid by the
second of an accelerator or by another price: their tokens are no usage of a model by request, so they are no tokens
here. Seconds and tokens stay as tags, requests are 0 and the row is ``unpriced``.

What replaces what. Rows have no id. The identity is all that both headers have: person, times, kind, model, token
counts and accelerator. Equal rows of one file are several requests and all count; another file that has them too
replaces them, and a file with the split of the prompt stands before one without. Exports cover at most 31 days and may
overlap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

TEXTS = ("email", "usage_type", "accelerator_type", "accelerator_seconds", "base_model_name", "model_bucket")
COUNTS = ("prompt_tokens", "completion_tokens", "cached_prompt_tokens", "uncached_prompt_tokens")
COLUMNS: dict[str, Kind] = {
    **dict.fromkeys(("start_time", "end_time"), "instant"),
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(COUNTS, "integer"),
}
INFERENCE = "_inference_"
KEY = (
    "email", "start_time", "end_time", "usage_type", "base_model_name", "prompt_tokens", "completion_tokens",
    "accelerator_type", "accelerator_seconds",
)  # fmt: skip
NO_SPLIT = 2
"""`origin_rank` of a row whose prompt is not split: any row that is stands before it."""


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each line."""
    import polars as pl

    from tokenaudit.sources import expressions

    inference = pl.col("usage_type").str.to_lowercase().str.contains(INFERENCE).fill_null(value=False)
    start, end = pl.col("start_time"), pl.coalesce("end_time", "start_time")
    cached, prompt = pl.col("cached_prompt_tokens"), pl.col("prompt_tokens")
    labels = {name: name for name in ("usage_type", "model_bucket", "accelerator_type", "accelerator_seconds")}
    other = {
        name: pl.when(~inference & (pl.col(name) > 0)).then(name) for name in ("prompt_tokens", "completion_tokens")
    }
    faults = {
        "no start_time": start.is_null(),
        "end_time is before start_time": end < start,
        "cached_prompt_tokens is more than prompt_tokens": cached > prompt,
    }
    keyed = rows.with_columns(identity=_key())
    return keyed.with_columns(
        charge_period_start=start,
        charge_period_end=pl.when(inference).then(start).otherwise(end),
        granularity=pl.when(inference | (start == end))
        .then(pl.lit("request"))
        .otherwise(expressions.granularity(start, end)),
        user=pl.col("email"),
        request_model=pl.col("base_model_name"),
        requests=inference.cast(pl.Int64),
        **{name: pl.when(inference).then(value).otherwise(0) for name, value in _classes().items()},
        cost_basis=pl.when(~inference).then(pl.lit("unpriced")),
        tags=expressions.tags({label: pl.col(name) for label, name in labels.items()} | other),
        origin_rank=pl.when(cached.is_null()).then(NO_SPLIT).otherwise(0),
        reject=expressions.first_reason(faults),
    )


def _classes() -> dict[str, pl.Expr]:
    from tokenaudit.sources.expressions import number

    cached = number("cached_prompt_tokens")
    return {
        "uncached_input_tokens": number("prompt_tokens") - cached,
        "cache_read_input_tokens": cached,
        "output_tokens": number("completion_tokens"),
    }


def _key() -> pl.Expr:
    """Return the text of all that tells a row and does not depend on the header."""
    import polars as pl

    from tokenaudit.sources.expressions import microseconds

    texts = [microseconds(pl.col(name)) if COLUMNS[name] == "instant" else pl.col(name) for name in KEY]
    return pl.concat_str([text.cast(pl.String).fill_null("") for text in texts], separator="\x1f")


SOURCE = Table(
    name="fireworks-usage",
    title="Fireworks billing metrics",
    provider="fireworks",
    merge="newest",
    authority="usage",
    columns=COLUMNS,
    signatures=(frozenset({"email", "usage_type", "accelerator_seconds", "base_model_name"}),),
    usage=usage,
    known="firectl billing export-metrics --start-time <day> --end-time <day>",
    tells="every metered request with its person, model and tokens, and the seconds of dedicated accelerators",
    lacks="money; API keys; cache reads before 2026",
)
