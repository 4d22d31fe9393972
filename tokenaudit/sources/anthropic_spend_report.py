"""Claude Team and Enterprise spend report (`spend-report-<organisation>-<from>-to-<to>.csv`): who spent how much.

Generations read: the short header (prompt and completion tokens only; with and without `user_id` and
`total_web_search_count`) and the full one of July 2026, with cache classes and Slack and Teams channels.

Time. No column tells it: the period stands only in the name of the file, both days included, so a row is of the whole
range and `granularity` is ``period``. A name with a month (``2026-10``) does as well. Without a period no row can be
counted; all are rejected with the hint to put it into the name. A report of a month asks for a file of that month.

Classes. `total_prompt_tokens` is all input: uncached, read from and written to a cache. What the classes leave of it
is uncached input; a row whose classes exceed it is rejected. The short header has only the total, which counts as
uncached input, marked ``estimated``. A blank cell is nothing, `0.0` requests are 0.

Money. `total_net_spend_usd` is what is charged, after discounts and credits: billed. `total_gross_spend_usd` is the
price before them: list cost. A row with a gross but no net amount is covered by the plan: ``included``. On plans with
seats the report holds only what exceeds them.

Who. `user_email`, else `account_uuid`. Usage of the organisation itself, ``(org service usage)``, is nobody's. One
person, product and model may have several rows, one a channel: all count. The product and the channel stay as tags.

What replaces what. The identity is an organisation and the first day of the period: of two reports that begin on one
day the one that reaches further stands, so a month may be downloaded again as it grows. Reports that overlap and begin
on different days cannot be told apart by row and both count: keep the days of one organisation's files disjoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources.source import FILE_NAME, Kind, Table

if TYPE_CHECKING:
    import polars as pl

CLASSES = {
    "total_cache_read_tokens": "cache_read_input_tokens",
    "total_cache_write_5m_tokens": "cache_creation_5m_input_tokens",
    "total_cache_write_1h_tokens": "cache_creation_1h_input_tokens",
}
COUNTS = {
    "total_requests": "requests",
    "total_completion_tokens": "output_tokens",
    "total_web_search_count": "web_search_requests",
}
UNCACHED, PROMPT = "total_uncached_input_tokens", "total_prompt_tokens"
NET, GROSS = "total_net_spend_usd", "total_gross_spend_usd"
LABELS = ("product", "slack_channel_id", "teams_channel_id")
COLUMNS: dict[str, Kind] = {
    FILE_NAME: "text",
    **dict.fromkeys(("user_email", "account_uuid", "user_id", "model", *LABELS), "text"),
    **dict.fromkeys((*COUNTS, PROMPT, UNCACHED, *CLASSES), "integer"),
    **dict.fromkeys((NET, GROSS), "money"),
}
NOBODY = r"^\(.*\)$"
ORGANISATION = r"(?i)spend-report-(.+)-20\d\d-\d\d-\d\d-to-"


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each line, all of the period in the file's name."""
    import polars as pl

    from tokenaudit.sources import _file_name, expressions

    person = pl.coalesce("user_email", "account_uuid")
    named = rows.with_columns(
        **_file_name.period(),
        granularity=pl.lit("period"),
        account=pl.col(FILE_NAME).str.extract(ORGANISATION),
        user=pl.when(~person.str.contains(NOBODY)).then(person),
        request_model=pl.col("model"),
        tags=expressions.tags({name.removesuffix("_id"): pl.col(name) for name in LABELS}),
        **{new: pl.col(old).fill_null(0) for old, new in (COUNTS | CLASSES).items()},
        **_money(),
    )
    return named.with_columns(**_input(), reject=expressions.first_reason(_faults()))


def _input() -> dict[str, pl.Expr]:
    """Return the uncached input, and whether the file tells it or it is only what is left of the total."""
    import polars as pl

    known = pl.any_horizontal(pl.col(UNCACHED, *CLASSES).is_not_null())
    rest = pl.col(PROMPT) - pl.sum_horizontal(CLASSES.values())
    return {
        "uncached_input_tokens": pl.coalesce(rest, UNCACHED, 0),
        "tokens_basis": pl.when(known | (pl.col(PROMPT).fill_null(0) == 0))
        .then(pl.lit("reported"))
        .otherwise(pl.lit("estimated")),
    }


def _money() -> dict[str, pl.Expr]:
    """Return what is charged, the price before discounts, and what stands behind them."""
    import polars as pl

    covered = (pl.col(NET) == 0) & (pl.col(GROSS) > 0)
    return {
        "billed_cost": pl.col(NET),
        "list_cost": pl.col(GROSS),
        "cost_basis": pl.when(covered).then(pl.lit("included")).when(pl.col(NET).is_not_null()).then(pl.lit("billed")),
    }


def _faults() -> dict[str, pl.Expr]:
    """Return, by reason, the rows that cannot be counted."""
    import polars as pl

    parts = pl.sum_horizontal(UNCACHED, *CLASSES)
    return {
        "no period: put it into the file's name, such as spend-report-2026-10-01-to-2026-10-31.csv": pl.col(
            "charge_period_start"
        ).is_null(),
        "total_prompt_tokens is less than the sum of its parts": pl.col(PROMPT) < parts,
    }


SOURCE = Table(
    name="anthropic-spend-report",
    title="Claude Team and Enterprise spend report",
    provider="anthropic",
    merge="newest",
    authority="bill",
    books="claude.ai",
    restates=("claude-enterprise-cost",),
    columns=COLUMNS,
    signatures=(
        frozenset({"product", PROMPT, "total_completion_tokens"}),
        frozenset({"user_email", "product", NET}),
    ),
    usage=usage,
    identity=("account", "charge_period_start"),
    known="claude.ai > Analytics > Spend > Export spend report: spend-report-<organisation>-<from>-to-<to>.csv",
    tells="requests, tokens, net and gross spend by person, product and model, for the period as a whole",
    lacks="days; cache classes before July 2026; what seats cover",
)
