"""Vercel AI Gateway generations: single calls, looked up by their ids.

Generations read: the answer of `GET /v1/generation` (``native_tokens_prompt`` and so on, under ``data``) and what the
SDK's `getGenerationInfo` gives (``promptTokens``), one by one, as lines or in a list.

Classes. Prompt tokens include the cached part and what was written to a cache, completion tokens include reasoning.
Where the parts exceed the prompt, they stand beside it. Cache writes of unnamed life stand in the 5-minute class.

Money, as in the reports: `total_cost` is billed by Vercel, which is the provider, unless `is_byok` says that the call
ran on one's own key; then it is on the bill of the provider behind it and only reported.

What replaces what. The identity is the generation's `id`; of several sightings the maximum of each count holds. A
generation is part of the spend report of its day as well, which does not name it: read one of the two. Not seen in a
real file: the fields are those of Vercel's SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources import _gateway
from tokenaudit.sources.source import Kind, Table
from tokenaudit.sources.vercel_gateway import charged

if TYPE_CHECKING:
    import polars as pl

COUNTS = {
    "input": ("native_tokens_prompt", "prompt_tokens"),
    "cached": ("native_tokens_cached", "cached_tokens"),
    "written": ("native_tokens_cache_creation", "cache_creation_tokens"),
    "output": ("native_tokens_completion", "completion_tokens"),
    "reasoning": ("native_tokens_reasoning", "reasoning_tokens"),
    "web_searches": ("billable_web_search_calls",),
}
COLUMNS: dict[str, Kind] = _gateway.both(
    {
        "created_at": "instant",
        **dict.fromkeys((name for names in COUNTS.values() for name in names), "integer"),
        "total_cost": "money",
        **dict.fromkeys(("id", "model", "provider_name"), "text"),
        "is_byok": "flag",
    }
)
GENERATION = frozenset({"id", "created_at", "total_cost", "is_byok"})


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each generation."""
    import polars as pl

    own_key = _gateway.either("is_byok").fill_null(value=False)
    return rows.with_columns(
        **_gateway.classes({name: _gateway.either(*names) for name, names in COUNTS.items()}, within=True),
        **charged(own_key, _gateway.either("provider_name")),
        charge_period_start=_gateway.either("created_at"),
        requests=pl.lit(1),
        identity=pl.col("id"),
        reject=pl.when(pl.col("id").is_null()).then(pl.lit("no id")),
    )


SOURCE = Table(
    name="vercel-generations",
    title="Vercel AI Gateway generations",
    provider=None,
    merge="largest",
    authority="usage",
    columns=COLUMNS,
    signatures=_gateway.spelt(
        GENERATION | {"native_tokens_prompt", "native_tokens_cache_creation"},
        GENERATION | {"prompt_tokens", "cache_creation_tokens"},
    ),
    absent=frozenset({"tokens_prompt", "cache_discount"}),
    records=_gateway.pages("data"),
    usage=usage,
    known="GET https://ai-gateway.vercel.sh/v1/generation?id=..., or gateway.getGenerationInfo()",
    tells="single calls with their tokens and charged credits",
    lacks="user and tags; calls whose ids nobody kept",
)
