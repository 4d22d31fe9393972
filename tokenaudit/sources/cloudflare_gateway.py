"""Cloudflare AI Gateway logs: the log API's pages, and logs kept as JSON, JSON lines or CSV.

Generations read: `GET .../ai-gateway/gateways/{id}/logs`, whose logs stand under ``result``, and the same logs one by
one.

Classes. There is no split: `tokens_in` is all input, cached or not, and counts as uncached; `tokens_out` is all
output, reasoning included. So the list price of calls that read a provider's cache comes out too high.

Money. `cost` is Cloudflare's estimate in dollars, or the caller's own price where `custom_cost` says so: a reported
cost. Whether Cloudflare itself bills a call is not in the log.

Cache hits. ``cached`` true means that the gateway answered by itself: no provider tokens, no cost, no model request.
Such a log stays as an empty row, tagged. A failed call has no tokens and counts as a request.

Who. `metadata` is the caller's own, up to five labels, as a JSON string or an object: user, session and project are
taken from it, the others are tags.

What replaces what. The identity is the log's `id`; of several sightings the maximum of each count holds. Not seen in a
real file: the fields are those of Cloudflare's API and SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources import _gateway
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

COLUMNS: dict[str, Kind] = {
    "created_at": "instant",
    **dict.fromkeys(("tokens_in", "tokens_out"), "integer"),
    **dict.fromkeys(("id", "provider", "model", "metadata", "request_type", "gateway_id"), "text"),
    "cached": "flag",
    "cost": "money",
}


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each log."""
    import polars as pl

    hit = pl.col("cached")
    own = {
        "cache": pl.when(hit).then(pl.lit("hit")),
        "gateway": pl.col("gateway_id"),
        "request_type": pl.col("request_type"),
    }
    amounts = {
        "uncached_input_tokens": pl.col("tokens_in"),
        "output_tokens": pl.col("tokens_out"),
        "requests": pl.lit(1),
        "reported_cost": pl.col("cost"),
    }
    return _gateway.labels(rows.with_row_index("row"), "metadata", own).with_columns(
        **_gateway.unless(hit, amounts),
        charge_period_start=pl.col("created_at"),
        user=pl.col("label user"),
        session=pl.col("label session"),
        project=pl.col("label project"),
        provider=_gateway.sold(pl.col("provider"), pl.col("model")),
        request_model=pl.col("model"),
        identity=pl.col("id"),
        reject=pl.when(pl.col("id").is_null()).then(pl.lit("no id")),
    )


SOURCE = Table(
    name="cloudflare-gateway",
    title="Cloudflare AI Gateway logs",
    provider=None,
    merge="largest",
    authority="gateway",
    columns=COLUMNS,
    signatures=(frozenset({"id", "created_at", "provider", "cached", "tokens_in", "tokens_out"}),),
    records=_gateway.pages("result"),
    usage=usage,
    known="GET /accounts/{account}/ai-gateway/gateways/{gateway}/logs",
    tells="every call with its tokens, and the labels that the caller sent along",
    lacks="what was billed; tokens read from or written to a provider's cache; the user, unless metadata names one",
)
