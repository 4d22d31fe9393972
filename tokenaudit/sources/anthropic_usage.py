"""Anthropic Console tokens export (`claude_api_tokens_*.csv`): tokens by hour or day, no money, no requests.

Generations read: June 2025, with `context_window`, and 2026 with `inference_geo` and `speed`; a column that does not
apply is dropped by the Console. The token columns are disjoint as they stand. The file counts no requests, so
`requests` is 0; web searches are counted.

`usage_type` is the service tier: ``batch`` is the standard tier sent as a batch. A blank or absent workspace is the
default one. `api_key` is a name; ``claude_code_key_<user>_<4 characters>`` names a developer. A geography of
``not_available`` is none. `context_window` stays as a tag.

What replaces what. The file names no organisation, only workspaces and keys. The identity is an hour or day of one
key in one workspace: a newer download replaces it whole, and two organisations' files of the same days both count. A
key renamed between two downloads cannot be recognised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

CLASSES = {
    "usage_input_tokens_no_cache": "uncached_input_tokens",
    "usage_input_tokens_cache_read": "cache_read_input_tokens",
    "usage_input_tokens_cache_write_5m": "cache_creation_5m_input_tokens",
    "usage_input_tokens_cache_write_1h": "cache_creation_1h_input_tokens",
    "usage_output_tokens": "output_tokens",
    "web_search_count": "web_search_requests",
}
TEXTS = (
    "usage_date_utc", "model_version", "api_key", "workspace", "usage_type", "context_window", "inference_geo", "speed",
)  # fmt: skip
COLUMNS: dict[str, Kind] = {**dict.fromkeys(TEXTS, "text"), **dict.fromkeys(CLASSES, "integer")}


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give usage rows: the classes renamed, the terms named as elsewhere."""
    import polars as pl

    from tokenaudit.sources import _anthropic as terms
    from tokenaudit.sources import expressions

    tier = pl.col("usage_type").str.to_lowercase()
    return rows.rename(CLASSES).with_columns(
        **terms.bucket(),
        **terms.origin(),
        request_model=pl.col("model_version"),
        service_tier=tier.replace("batch", "standard"),
        batch=tier == "batch",
        tags=expressions.tags({"context_window": pl.col("context_window")}),
    )


SOURCE = Table(
    name="anthropic-usage",
    title="Anthropic Console tokens export",
    provider="anthropic",
    merge="newest",
    authority="usage",
    books="console",
    columns=COLUMNS,
    signatures=(frozenset({"usage_date_utc", "usage_output_tokens"}),),
    usage=usage,
    identity=("workspace", "api_key", "charge_period_start", "charge_period_end"),
    known="console.anthropic.com > Usage > Export: claude_api_tokens_<date>.csv",
    tells="tokens by hour or day, workspace, API key, model, tier and geography",
    lacks="money, requests, and which organisation it is of",
)
