"""Langfuse observations: the export of the table in its UI, the blob storage export, and API pages.

Generations read: the UI's export (CSV, JSON, JSONL; `traceId`, `usageDetails`; columns of scores have names of their
own), both blob storage exports (JSON, JSONL, CSV, Parquet; `trace_id`, `usage_details`; the enriched one names user,
session and trace, the older one does not), and pages of the public API. Files of traces, sessions and scores alone
hold no usage and are not read.

Only observations of type ``GENERATION`` and ``EMBEDDING`` count: a ``SPAN``, ``AGENT``, ``CHAIN`` or ``TOOL`` around
them may repeat their totals. A generation around another generation cannot be told from two calls; both count.

Classes. `usageDetails` is a map whose keys vary with who wrote it: ``input``, ``input_cached_tokens``,
``input_cache_read``, ``cache_read_input_tokens``, ``input_cache_creation``, ``cache_creation_input_tokens``,
``input_audio_tokens``, ``output``, ``output_reasoning_tokens`` and so on. Langfuse treats them as disjoint and adds up
all that hold the word `input`; so do we, unless only the other reading adds up to ``total``: then ``input`` includes
the cached part, or ``output`` the reasoning. `inputUsage` is that sum, cached input included, and is not read. Keys of
neither side are no tokens. A map with a total alone counts as input, marked `estimated`.

Money. `totalCost` is what Langfuse computes, or what the caller claims: a reported cost in dollars.

What replaces what. The identity is the id of the observation, the same in every export; of several sightings the
maximum of each count holds. Who and where come from an export that names the user. Times without a zone are UTC. Not
seen in a real file: the whole format is known from Langfuse's documentation and source code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources import _gateway
from tokenaudit.sources.source import Table

if TYPE_CHECKING:
    import polars as pl

TEXTS = (
    "id", "type", "trace_id", "project_id", "provided_model_name", "model", "usage_details", "user_id", "session_id",
    "environment", "name", "trace_name", "trace_tags", "tags", "prompt_name", "release", "usage_pricing_tier_name",
)  # fmt: skip
COLUMNS = _gateway.both(
    {
        **dict.fromkeys(TEXTS, "text"),
        "start_time": "instant",
        "total_cost": "money",
        "calculated_total_cost": "money",
    }
)
CALLS = ("GENERATION", "EMBEDDING")
LABELS = ("environment", "trace_name", "name", "prompt_name", "release")


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each generation and embedding."""
    import polars as pl

    from tokenaudit.sources import expressions

    calls = rows.filter(pl.col("type").str.to_uppercase().is_in(CALLS)).with_columns(
        usage_details=_gateway.either("usage_details"), user=_gateway.either("user_id")
    )
    model = _gateway.either("provided_model_name", "model")
    tags = _gateway.listed(_gateway.either("trace_tags", "tags"))
    counted = _gateway.counts(calls.with_row_index("row"), {"usage_details": ""})
    return counted.with_columns(
        **_gateway.classes(within=False),
        charge_period_start=_gateway.either("start_time"),
        session=_gateway.either("session_id", "trace_id"),
        project=_gateway.either("project_id"),
        provider=expressions.vendor(model),
        request_model=model,
        requests=pl.lit(1),
        tokens_basis=pl.when(_gateway.only_total()).then(pl.lit("estimated")),
        reported_cost=_gateway.either("total_cost", "calculated_total_cost"),
        tags=expressions.tags({name: _gateway.either(name) for name in LABELS} | {"tags": tags}),
        origin_rank=pl.col("user").is_null().cast(pl.Int64),
        identity=pl.col("id"),
        reject=pl.when(pl.col("id").is_null()).then(pl.lit("no id")),
    )


SOURCE = Table(
    name="langfuse",
    title="Langfuse observations",
    provider=None,
    merge="largest",
    authority="gateway",
    columns=COLUMNS,
    signatures=(
        frozenset({"id", "type", "traceid", "usagedetails"}),
        frozenset({"id", "type", "trace_id", "usage_details"}),
    ),
    records=_gateway.pages("data"),
    usage=usage,
    known="Langfuse > Tracing > Observations > Export, or Project Settings > Integrations > Blob Storage",
    tells="every model call with its tokens, trace, environment and tags, and its user where the export names one",
    lacks="what was billed; the user in the older blob storage export",
)
