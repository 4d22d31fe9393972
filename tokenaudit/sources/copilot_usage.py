"""GitHub Copilot usage reports: premium requests and AI credits by day, person and model.

Generations read: June 2025 (one row an event: `Timestamp`, `Requests Used`), October 2025 with and without its money
columns, May 2026 (`aic_*` preview columns), June 2026 (AI credits, repository) and August 2026 (token columns). Dates
are UTC days, also in the ``M/D/YY`` a spreadsheet makes of them; times have seven decimals. The metered billing report
(seats, Actions minutes) has no `model` and is not this source.

Money. `gross_amount` is the list cost, `net_amount` what is billed. A row whose discount covers it is `included`. Rows
are split into an included and an exceeded part, so equal ones repeat and all count. `aic_gross_amount` previews the
same usage in another unit and is never added. Without money columns the list cost is the quantity at the public rate
(0.04 USD a premium request, 0.01 USD an AI credit): included unless the quota was exceeded.

Counts. `input`, `cache_read` and `cache_write` are disjoint. A premium request is a price, not a count: it is
multiplied by the model and has fractions. So the quantity stays as a tag, `requests` is 0 in a row of a day, and 1 in
a row of an event.

What replaces what. Account names are unique on GitHub, so the identity is the UTC day of a person and a sku; where no
person is named (code review), of the organisation. A newer report replaces it whole; reports of several
organisations, or of several persons, all count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

TOKENS = {
    "input": "uncached_input_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_write": "cache_creation_5m_input_tokens",
    "output": "output_tokens",
}
TEXTS = (
    "username", "user", "product", "sku", "model", "unit_type", "organization", "repository", "cost_center_name",
)  # fmt: skip
COLUMNS: dict[str, Kind] = {
    "date": "instant",
    "timestamp": "instant",
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(("exceeds_quota", "exceeds monthly quota"), "flag"),
    **dict.fromkeys(("quantity", "requests used", "gross_amount", "discount_amount", "net_amount"), "money"),
    **dict.fromkeys(TOKENS, "integer"),
}


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each line."""
    import polars as pl

    from tokenaudit.sources import _github, expressions

    day, event = pl.col("date"), pl.col("timestamp")
    sku = pl.col("sku").fill_null(_github.PREMIUM_REQUEST)
    quantity = pl.coalesce("quantity", "requests used")
    listed = pl.coalesce("gross_amount", _github.public_price(quantity, sku, pl.col("unit_type")))
    labels = {
        "sku": sku,
        "quantity": _github.quantity_text(quantity),
        "unit_type": pl.col("unit_type"),
        "cost_center": pl.col("cost_center_name"),
    }
    named = rows.rename(TOKENS).with_columns(
        charge_period_start=pl.coalesce(event, day),
        charge_period_end=pl.coalesce(event, day + pl.duration(days=1)),
        granularity=pl.when(event.is_null()).then(pl.lit("day")).otherwise(pl.lit("request")),
        requests=event.is_not_null().cast(pl.Int64),
        user=pl.coalesce("username", "user"),
        account=pl.col("organization"),
        project=pl.col("repository").str.extract(r"([^/]+)$"),
        request_model=pl.col("model"),
        tags=expressions.tags(labels),
        **_github.amounts(listed, ~pl.coalesce("exceeds_quota", "exceeds monthly quota")),
    )
    bucket = {"day": pl.coalesce(event, day).dt.truncate("1d").dt.epoch("us"), "sku": sku}
    owner = pl.coalesce("user", pl.format("\x1e{}", pl.col("account").fill_null("")))
    return named.with_columns(owner=owner, **bucket).with_columns(identity=expressions.joined(("day", "owner", "sku")))


SOURCE = Table(
    name="copilot-usage",
    title="GitHub Copilot usage report",
    provider="github-copilot",
    merge="newest",
    authority="bill",
    columns=COLUMNS,
    signatures=(
        frozenset({"applied_cost_per_quantity", "sku", "model"}),
        frozenset({"date", "username", "model", "quantity"}),
        frozenset({"timestamp", "user", "requests used"}),
    ),
    usage=usage,
    known="github.com > Billing and licensing > Usage > Get usage report",
    tells="premium requests and AI credits by day, person, repository and model, with gross and net amounts",
    lacks="the number of model requests; tokens before August 2026",
)
