"""Claude Code analytics API (`/v1/organizations/usage_report/claude_code`): a person's day by model.

Read are pages as the API gives them, arrays of pages, and records a line. A record is a day of an actor in one
terminal; each part of its `model_breakdown` becomes a row. A record without a breakdown adds nothing.

Classes. `input` is uncached, `cache_read` and `cache_creation` stand beside it; the life of a cache write is not named,
so it counts as 5 minutes. Sessions, commits and lines of code are no requests: `requests` is 0.

Money. `estimated_cost` is Anthropic's estimate in cents: the reported cost, in dollars, compared and never counted. A
``subscription`` covers its records: ``included``. Those of ``api`` customers are on the bill of the Console, and the
same calls stand in the Console's usage and in the developers' own logs; this report gives way to the first and is
better than the second.

Who. A user's e-mail address, else the name of an API key; ``claude_code_key_<user>_<4 characters>`` names a developer.
Terminal and customer type stay as tags.

What replaces what. The identity is a record: organisation, day, actor, terminal and customer type. A newer download
replaces it whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources._documents import flat, items
from tokenaudit.sources._money import scaled
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

CLASSES = {
    "tokens.input": "uncached_input_tokens",
    "tokens.cache_read": "cache_read_input_tokens",
    "tokens.cache_creation": "cache_creation_5m_input_tokens",
    "tokens.output": "output_tokens",
}
EMAIL, KEY, COST = "actor.email_address", "actor.api_key_name", "estimated_cost.amount"
TEXTS = (
    "organization_id", EMAIL, KEY, "customer_type", "terminal_type", "model", "estimated_cost.currency",
)  # fmt: skip
COLUMNS: dict[str, Kind] = {
    "date": "instant",
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(CLASSES, "integer"),
    COST: "money",
}
RECORD = ("account", "charge_period_start", "user", "api_key", "terminal_type", "customer_type")
KEPT = ("date", "organization_id", "customer_type", "terminal_type", "actor")


def records(document: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield each model of each record with what the record says of it, costs in dollars."""
    for record in items(document, "data") or items([document]):
        if isinstance(record.get("core_metrics"), dict):
            kept = {name: record.get(name) for name in KEPT}
            for part in items(record, "model_breakdown"):
                row = next(flat({**part, **kept}))
                yield {**row, COST: scaled(row.get(COST), -2)}


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each model of a person's day."""
    import polars as pl

    from tokenaudit.sources import _anthropic, expressions

    counted = rows.with_columns(
        charge_period_start=pl.col("date").dt.truncate("1d"),
        charge_period_end=pl.col("date").dt.truncate("1d") + pl.duration(days=1),
        granularity=pl.lit("day"),
        account=pl.col("organization_id"),
        user=pl.coalesce(EMAIL, pl.col(KEY).str.extract(_anthropic.DEVELOPER_KEY)),
        api_key=pl.col(KEY),
        request_model=pl.col("model"),
        **{new: pl.col(old).fill_null(0) for old, new in CLASSES.items()},
        reported_cost=pl.col(COST),
        billing_currency=pl.col("estimated_cost.currency").str.to_uppercase(),
        cost_basis=pl.when(pl.col("customer_type") == "subscription").then(pl.lit("included")),
        tags=expressions.tags({name: pl.col(name) for name in ("terminal_type", "customer_type")}),
    )
    return counted.with_columns(identity=expressions.joined(RECORD))


SOURCE = Table(
    name="claude-code-analytics",
    title="Claude Code analytics report",
    provider="anthropic",
    merge="newest",
    authority="gateway",
    books="console",
    columns=COLUMNS,
    signatures=(frozenset({"date", "tokens.input", "customer_type", "terminal_type"}),),
    records=records,
    usage=usage,
    known="GET /v1/organizations/usage_report/claude_code with an Admin API key, each page saved as JSON",
    tells="tokens and an estimated cost by day, developer and model, and whether a subscription covers them",
    lacks="requests, projects, and what is billed",
)
