"""Helicone requests: the export tool's JSON, JSONL and CSV, and pages of the query API.

Generations read: `npx @helicone/export` in its three formats, and the answer of the API, whose requests stand under
``data``. The CSV has only 12 columns: no `request_id`, no cached tokens, no provider; its `request_properties` have
their quotes doubled twice.

Classes. `prompt_tokens` excludes what was read from or written to the provider's cache, which stand beside it in
`prompt_cache_read_tokens` and `prompt_cache_write_tokens`, and audio; the CSV leaves those out. Cache writes of
unnamed life stand in the 5-minute class. Reasoning is part of `completion_tokens`. `total_tokens` is not read.

Money. `cost` (also `costUSD`) is dollars, computed by Helicone: a reported cost. Whether a call was paid with Helicone
credits is not in the file.

Cache hits. A request that Helicone answered from its own cache names the request it repeats in `cache_reference_id`
(all zeros: none) or says so in `is_cached`. It used no tokens, cost nothing and is no model request; it stays as an
empty row, tagged. `cache_enabled` only says that caching was on.

What replaces what. The identity is `response_id`, which every format has, else `request_id`; of several sightings the
maximum of each count holds. The user is `request_user_id`, the session and the project are properties, the other
properties are tags. Not seen in a real file: the fields are known from Helicone's source code; `is_cached`,
`reasoning_tokens` and `costUSD` stood in some versions of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources import _gateway
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

COUNTS = {
    "input": "prompt_tokens",
    "cached": "prompt_cache_read_tokens",
    "written": "prompt_cache_write_tokens",
    "audio_in": "prompt_audio_tokens",
    "output": "completion_tokens",
    "audio_out": "completion_audio_tokens",
}
COLUMNS: dict[str, Kind] = {
    "request_created_at": "instant",
    **dict.fromkeys((*COUNTS.values(), "reasoning_tokens"), "integer"),
    **dict.fromkeys(("request_id", "response_id", "request_user_id", "request_properties", "properties"), "text"),
    **dict.fromkeys(("model", "request_model", "response_model", "provider"), "text"),
    **dict.fromkeys(("cache_reference_id", "country_code", "prompt_id"), "text"),
    "is_cached": "flag",
    "cost": "money",
    "costusd": "money",
}
NO_REFERENCE = r"^[0-]*$"
"""The identifier of zeros that stands where a request repeats none."""


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each request."""
    import polars as pl

    properties = rows.with_row_index("row").with_columns(labels=pl.coalesce("request_properties", "properties"))
    repeats = ~pl.col("cache_reference_id").str.contains(NO_REFERENCE)
    hit = pl.coalesce(repeats, "is_cached").fill_null(value=False)
    labelled = _gateway.labels(
        properties,
        "labels",
        {"cache": pl.when(hit).then(pl.lit("hit")), "prompt": pl.col("prompt_id")},
    )
    model = pl.coalesce("model", "response_model", "request_model")
    amounts = {
        **_gateway.classes({name: pl.col(column) for name, column in COUNTS.items()}, within=False),
        "reasoning_output_tokens": pl.col("reasoning_tokens"),
        "requests": pl.lit(1),
        "reported_cost": pl.coalesce("cost", "costusd"),
    }
    return labelled.with_columns(
        **_gateway.unless(hit, amounts),
        charge_period_start=pl.col("request_created_at"),
        user=pl.coalesce("request_user_id", "label user"),
        session=pl.col("label session"),
        project=pl.col("label project"),
        provider=_gateway.sold(pl.col("provider"), model),
        request_model=model,
        identity=pl.coalesce("response_id", "request_id"),
    ).drop("response_id")


SOURCE = Table(
    name="helicone",
    title="Helicone requests",
    provider=None,
    merge="largest",
    authority="gateway",
    columns=COLUMNS,
    signatures=(
        frozenset({"request_created_at", "prompt_tokens", "completion_tokens", "request_id"}),
        frozenset({"request_created_at", "prompt_tokens", "completion_tokens", "response_id"}),
    ),
    records=_gateway.pages("data"),
    usage=usage,
    known="npx @helicone/export --format jsonl, or POST /v1/request/query-clickhouse",
    tells="every request with its tokens, user, session and properties",
    lacks="what was billed; cached tokens in the CSV",
)
