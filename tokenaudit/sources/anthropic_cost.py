"""Anthropic Console cost export (`claude_api_cost_*.csv`): what was billed, by day, model, key and token type.

Generations read: 2024 without and with `workspace`, December 2025 (`context_window`, `cost_type`), March 2026
(`inference_geo`, `speed`), April 2026 (`list_price_usd`) and August 2026 (`api_key_id`, `api_key_status`). The Console
drops columns that do not apply, down to five in an empty month.

`cost_usd` is dollars after discount, rounded to cents in each row: a row of 0.00 was under half a cent, and a sum is
true to half a cent a row. `list_price_usd` is the price before discount. Models go by display names (`Claude Haiku
4.5`). The rows carry no tokens and no requests; token type, cost type and context window stay as tags.

What replaces what: as in the tokens export, an hour or day of one key in one workspace; the name of the key, as older
files have no id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

LABELS = ("token_type", "cost_type", "context_window", "usage_type", "api_key_id")
TEXTS = ("usage_date_utc", "model", "workspace", "api_key", "inference_geo", "speed", *LABELS)
COLUMNS: dict[str, Kind] = {**dict.fromkeys(TEXTS, "text"), "cost_usd": "money", "list_price_usd": "money"}


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one billed row for each line."""
    import polars as pl

    from tokenaudit.sources import _anthropic as terms
    from tokenaudit.sources import expressions

    bucket = terms.bucket()
    blank = pl.when(pl.col("cost_usd").is_null()).then(pl.lit("cost_usd is blank"))
    return rows.with_columns(
        **bucket | {"reject": pl.coalesce(bucket["reject"], blank)},
        **terms.origin(),
        request_model=pl.col("model"),
        batch=pl.col("usage_type").str.to_lowercase().str.contains("batch"),
        billed_cost=pl.col("cost_usd"),
        list_cost=pl.col("list_price_usd"),
        cost_basis=pl.lit("billed"),
        tags=expressions.tags({label: pl.col(label) for label in LABELS}),
    )


SOURCE = Table(
    name="anthropic-cost",
    title="Anthropic Console cost export",
    provider="anthropic",
    merge="newest",
    authority="bill",
    books="console",
    restates=("anthropic-cost-api",),
    columns=COLUMNS,
    signatures=(frozenset({"usage_date_utc", "cost_usd"}),),
    usage=usage,
    identity=("workspace", "api_key", "charge_period_start", "charge_period_end"),
    known="console.anthropic.com > Cost > Export: claude_api_cost_<month>.csv",
    tells="what was billed by day, workspace, API key, model and token class, rounded to the cent",
    lacks="tokens and requests",
)
