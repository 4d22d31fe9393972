"""Vercel AI Gateway spend reports: the rows of its reporting API.

Generations read: the answer of `GET /v1/report` (``total_cost`` and so on, under ``results``), and the same rows as the
SDK gives them (``totalCost``), one by one or in a list.

Classes. Input includes the cached part and what was written to a cache, output includes reasoning. Where the parts
exceed the input, they stand beside it. Cache writes of unnamed life stand in the 5-minute class. Public accounts differ
on whether ``input_tokens`` holds the cached part; no real file was seen.

Money. Vercel sells most of these tokens and charges credits: `total_cost` is billed, and Vercel is the provider; the
seller behind it is a tag. Calls on one's own key (``credential_type`` ``byok``) are on that provider's bill: their cost
is only reported. `market_cost` is the list price.

A report is grouped by one thing besides the day or hour: model, user, provider, credential type, or tag. Each grouping
holds the whole money of its day once more, and none names the team. So the identity is the UTC day, whatever the
grouping, and the newest file has it whole: reports of several groupings, or by hour and by day, never add up. Ask for
the grouping that is to be seen, and keep the reports of two teams in stores of their own. Equal rows of one day are
different things and all count.

Grouped by tag, a request with several tags stands in several rows, and one without in none. Such rows are rejected,
with that reason. So are rows without a day: ask for the report with ``date_part=day``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources import _gateway
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

COUNTS = {
    "input": "input_tokens",
    "cached": "cached_input_tokens",
    "written": "cache_creation_input_tokens",
    "output": "output_tokens",
    "reasoning": "reasoning_tokens",
}
COLUMNS: dict[str, Kind] = _gateway.both(
    {
        **dict.fromkeys(("day", "hour"), "instant"),
        **dict.fromkeys((*COUNTS.values(), "request_count"), "integer"),
        **dict.fromkeys(("total_cost", "market_cost"), "money"),
        **dict.fromkeys(("user", "model", "tag", "provider", "credential_type"), "text"),
    }
)
OWN_KEY = "byok"
SELLER = "vercel"
SIGNATURES = (
    frozenset({"total_cost", "market_cost"}),
    frozenset({"total_cost", "request_count", "input_tokens", "output_tokens"}),
)
TAGGED = "grouped by tag: a request with several tags stands in several rows"
DAYLESS = "no day: ask for the report with date_part=day"


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each row of a report."""
    import polars as pl

    from tokenaudit.sources import expressions

    start, hourly = pl.coalesce("hour", "day"), pl.col("hour").is_not_null()
    own_key = (_gateway.either("credential_type").str.to_lowercase() == OWN_KEY).fill_null(value=False)
    return rows.with_columns(
        **_gateway.classes({name: _gateway.either(column) for name, column in COUNTS.items()}, within=True),
        **charged(own_key, pl.col("provider")),
        charge_period_start=start,
        charge_period_end=start + pl.when(hourly).then(pl.duration(hours=1)).otherwise(pl.duration(days=1)),
        granularity=pl.when(hourly).then(pl.lit("hour")).otherwise(pl.lit("day")),
        requests=_gateway.either("request_count"),
        list_cost=_gateway.either("market_cost"),
        identity=expressions.microseconds(start.dt.truncate("1d")),
        reject=expressions.first_reason({TAGGED: pl.col("tag").is_not_null(), DAYLESS: start.is_null()}),
    )


def charged(own_key: pl.Expr, seller: pl.Expr) -> dict[str, pl.Expr]:
    """Return what Vercel charges and who sells: Vercel itself, or the provider where a call ran on one's own key."""
    import polars as pl

    from tokenaudit.sources import expressions

    behind, cost = _gateway.sold(seller, pl.col("model")), _gateway.either("total_cost")
    labels = {"seller": behind, "credential_type": pl.when(own_key).then(pl.lit(OWN_KEY))}
    return {
        "request_model": pl.col("model"),
        "provider": pl.when(own_key).then(behind).otherwise(pl.lit(SELLER)),
        "billed_cost": pl.when(~own_key).then(cost),
        "reported_cost": pl.when(own_key).then(cost),
        "cost_basis": pl.when(~own_key & cost.is_not_null()).then(pl.lit("billed")),
        "tags": expressions.tags(labels),
    }


SOURCE = Table(
    name="vercel-gateway",
    title="Vercel AI Gateway spend reports",
    provider=None,
    merge="newest",
    authority="bill",
    columns=COLUMNS,
    signatures=_gateway.spelt(*SIGNATURES),
    absent=frozenset({"id"}),
    records=_gateway.pages("results"),
    usage=usage,
    known="GET https://ai-gateway.vercel.sh/v1/report?date_part=day&group_by=model, or gateway.getSpendReport()",
    tells="charged credits, list price and tokens by day or hour and one grouping",
    lacks="which team it is of; more than one grouping at a time",
)
