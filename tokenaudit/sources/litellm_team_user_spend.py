"""LiteLLM's spend by team and user over a period (`team_user_spend_<from>_to_<to>.csv`).

One header (September 2026). `Start Date` and `End Date` are UTC days, both inside the period. An apostrophe stands
before what a spreadsheet would compute.

Prompt tokens include cache reads and writes, which the file does not tell apart: all are uncached input. `Spend (USD)`
is computed by LiteLLM: the reported cost, compared and never counted. Requests include failed ones. The team is the
workspace; the user the e-mail, else the id.

What replaces what. The identity is a period of a team. Periods that overlap add up, and so do the same calls in
LiteLLM's other exports, which say more: take this one where there is nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

COLUMNS: dict[str, Kind] = {
    **dict.fromkeys(("start date", "end date"), "instant"),
    **dict.fromkeys(("team", "team id", "user id", "user email"), "text"),
    "spend (usd)": "money",
    **dict.fromkeys(("requests", "prompt tokens", "completion tokens"), "integer"),
}


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each line."""
    import polars as pl

    from tokenaudit.sources import _litellm, expressions

    start, end = pl.col("start date"), pl.col("end date") + pl.duration(days=1)
    text = {name: _litellm.unguarded(name) for name in ("team", "team id", "user id", "user email")}
    faults = {
        "no Start Date or End Date": start.is_null() | end.is_null(),
        "End Date is before Start Date": end <= start,
    }
    return rows.with_columns(
        charge_period_start=start,
        charge_period_end=end,
        granularity=expressions.granularity(start, end),
        bucket=text["team id"],
        workspace=pl.coalesce(text["team"], text["team id"]),
        user=pl.coalesce(text["user email"], text["user id"]),
        uncached_input_tokens=pl.col("prompt tokens"),
        output_tokens=pl.col("completion tokens"),
        reported_cost=pl.col("spend (usd)"),
        reject=expressions.first_reason(faults),
    ).with_columns(identity=expressions.joined((*expressions.BUCKET, "bucket")))


SOURCE = Table(
    name="litellm-team-user-spend",
    title="LiteLLM spend by team and user",
    provider=None,
    merge="newest",
    authority="gateway",
    columns=COLUMNS,
    signatures=(frozenset({"start date", "end date", "team id", "user id", "spend (usd)"}),),
    usage=usage,
    known="LiteLLM's usage page > Team spend by user > Export: team_user_spend_<from>_to_<to>.csv",
    tells="requests, tokens and computed spend of each person in each team over a period",
    lacks="days, models, cache reads; what the provider charged",
)
