"""Claude Code dashboard export: what each person spent and how many lines they accepted in a month.

Headers read: of the platform's dashboard (``User,Spend this Month (USD),Lines this Month``) and of claude.ai's
(``User, Lines this Month``, without spend).

Time. No column tells the month. It is read from the file's name: ``2026-10``, or a range such as
``claude_code_team_2026_10_01_to_2026_10_31.csv``. Without it no row can be counted; all are rejected with that hint.

Money. The dashboard's spend is an estimate, and what is billed stands in the Console's cost export: it is the reported
cost, compared and never counted. There are no tokens and no requests; the lines stay as a tag.

What replaces what. The identity is a month of a person. The spend of a month only grows, so of several downloads the
largest amount stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources.source import FILE_NAME, Kind, Table

if TYPE_CHECKING:
    import polars as pl

SPEND, LINES = "spend this month (usd)", "lines this month"
COLUMNS: dict[str, Kind] = {FILE_NAME: "text", "user": "text", SPEND: "money", LINES: "integer"}


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each person, of the month in the file's name."""
    import polars as pl

    from tokenaudit.sources import _anthropic, _file_name, expressions

    dated = rows.with_columns(
        **_file_name.period(),
        granularity=pl.lit("month"),
        user=pl.coalesce(pl.col("user").str.extract(_anthropic.DEVELOPER_KEY), "user"),
        reported_cost=pl.col(SPEND),
        tags=expressions.tags({"lines_accepted": pl.col(LINES)}),
    )
    undated = pl.col("charge_period_start").is_null()
    hint = "no month: put it into the file's name, such as claude-code-2026-10.csv"
    return dated.with_columns(
        reject=expressions.first_reason({hint: undated, "no User": pl.col("user").is_null()}),
        identity=expressions.joined(("charge_period_start", "user")),
    )


SOURCE = Table(
    name="claude-code-dashboard",
    title="Claude Code dashboard export",
    provider="anthropic",
    merge="largest",
    authority="none",
    columns=COLUMNS,
    signatures=(frozenset({"user", LINES}),),
    usage=usage,
    known="platform.claude.com or claude.ai > Claude Code > Export, with the month in the file's name",
    tells="who used Claude Code in a month, an estimate of the spend, and lines accepted",
    lacks="tokens, requests, models, days, and what is billed",
)
