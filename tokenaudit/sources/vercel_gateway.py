"""Vercel AI Gateway: spend reports, and single generations.

Generations read: the rows of `GET /v1/report` (``total_cost`` and so on, under ``results``), the same rows as the SDK
gives them (``totalCost``), one by one or in a list, and `GET /v1/generation` in both spellings.

Classes. Input includes the cached part and what was written to a cache, output includes reasoning. Where the parts
exceed the input, they stand beside it. Cache writes of unnamed life stand in the 5-minute class. Public accounts differ
on whether a report's ``input_tokens`` holds the cached part; no real file was seen.

Money. Vercel sells most of these tokens and charges credits: `total_cost` is billed, and Vercel is the provider; the
seller behind it is a tag. Calls on one's own key (``credential_type`` ``byok``, ``is_byok``) are on that provider's
bill: their cost is only reported. `market_cost` is the list price.

A report is grouped by one thing besides the day or hour: model, user, provider, credential type, or tag. Each grouping
holds the whole money of its day once more, and none names the team. So the identity is the UTC day, whatever the
grouping, and the newest file has it whole: reports of several groupings, or by hour and by day, never add up. Ask for
the grouping that is to be seen, and keep the reports of two teams in stores of their own.

Grouped by tag, a request with several tags stands in several rows, and one without in none. Such rows are rejected,
with that reason. So are rows without a day: ask for the report with ``date_part=day``.

A generation is identified by its id. It stands in the report of its day as well and the two cannot be told apart:
read either. Equal rows of one day are different things and all count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources import _gateway
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

COUNTS: dict[str, tuple[str, ...]] = {
    "input": ("input_tokens", "native_tokens_prompt", "prompt_tokens"),
    "cached": ("cached_input_tokens", "native_tokens_cached", "cached_tokens"),
    "written": ("cache_creation_input_tokens", "native_tokens_cache_creation", "cache_creation_tokens"),
    "output": ("output_tokens", "native_tokens_completion", "completion_tokens"),
    "reasoning": ("reasoning_tokens", "native_tokens_reasoning"),
    "web_searches": ("billable_web_search_calls",),
}
COLUMNS: dict[str, Kind] = _gateway.both(
    {
        **dict.fromkeys(("day", "hour", "created_at"), "instant"),
        **dict.fromkeys((name for names in COUNTS.values() for name in names), "integer"),
        "request_count": "integer",
        **dict.fromkeys(("total_cost", "market_cost"), "money"),
        **dict.fromkeys(("id", "user", "model", "tag", "provider", "provider_name", "credential_type"), "text"),
        "is_byok": "flag",
    }
)
OWN_KEY = "byok"
SELLER = "vercel"


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each row of a report and each generation."""
    import polars as pl

    from tokenaudit.sources import expressions

    own_key = ((_gateway.either("credential_type") == OWN_KEY) | _gateway.either("is_byok")).fill_null(value=False)
    behind = _gateway.sold(_gateway.either("provider", "provider_name"), pl.col("model"))
    cost = _gateway.either("total_cost")
    known = {name: _gateway.either(*names) for name, names in COUNTS.items()}
    labels = {"seller": behind, "credential_type": pl.when(own_key).then(pl.lit(OWN_KEY))}
    return rows.with_columns(
        **_gateway.classes(known, within=True),
        **_period(),
        request_model=pl.col("model"),
        provider=pl.when(own_key).then(behind).otherwise(pl.lit(SELLER)),
        requests=pl.coalesce(_gateway.either("request_count"), _is_generation().cast(pl.Int64)),
        billed_cost=pl.when(~own_key).then(cost),
        reported_cost=pl.when(own_key).then(cost),
        list_cost=_gateway.either("market_cost"),
        cost_basis=pl.when(~own_key & cost.is_not_null()).then(pl.lit("billed")),
        tags=expressions.tags(labels),
        reject=expressions.first_reason(
            {
                "grouped by tag: a request with several tags stands in several rows": pl.col("tag").is_not_null(),
                "no day: ask for the report with date_part=day": ~_is_generation()
                & pl.coalesce("hour", "day").is_null(),
            }
        ),
    )


def _is_generation() -> pl.Expr:
    return _gateway.either("created_at").is_not_null()


def _period() -> dict[str, pl.Expr]:
    """Return the bucket of a row, and its identity: the day of a report, the id of a generation."""
    import polars as pl

    from tokenaudit.sources import expressions

    start = pl.coalesce(_gateway.either("created_at"), "hour", "day")
    width = pl.when(_is_generation()).then(0).when(pl.col("hour").is_not_null()).then(1).otherwise(24)
    grain = pl.when(_is_generation()).then(pl.lit("request")).when(width == 1).then(pl.lit("hour"))
    day = pl.concat_str(pl.lit("day "), expressions.microseconds(start.dt.truncate("1d")))
    return {
        "charge_period_start": start,
        "charge_period_end": start + pl.duration(hours=width),
        "granularity": grain.otherwise(pl.lit("day")),
        "identity": pl.when(_is_generation()).then(pl.col("id")).otherwise(day),
    }


REPORT = frozenset({"total_cost", "market_cost"})
SHORT_REPORT = frozenset({"total_cost", "request_count", "input_tokens", "output_tokens"})
GENERATION = frozenset({"id", "created_at", "total_cost", "is_byok"})
SIGNATURES = (
    REPORT,
    SHORT_REPORT,
    GENERATION | {"native_tokens_prompt", "native_tokens_cache_creation"},
    GENERATION | {"prompt_tokens", "cache_creation_tokens"},
)

SOURCE = Table(
    name="vercel-gateway",
    title="Vercel AI Gateway spend",
    provider=None,
    merge="newest",
    authority="gateway",
    columns=COLUMNS,
    signatures=tuple(frozenset(spelt) for names in SIGNATURES for spelt in (names, map(_gateway.squashed, names))),
    absent=frozenset({"tokens_prompt", "cache_discount"}),
    records=_gateway.pages("results", "data"),
    usage=usage,
    known="GET https://ai-gateway.vercel.sh/v1/report?date_part=day&group_by=model, or gateway.getSpendReport()",
    tells="charged credits, list price and tokens by day or hour and one grouping",
    lacks="which team it is of; more than one grouping at a time",
)
