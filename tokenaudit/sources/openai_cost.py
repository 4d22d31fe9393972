"""OpenAI dashboard cost export (`cost_*.csv`): what was billed, by day and by whatever the download was grouped by.

Generations read: December 2024 (no ISO columns), October 2025, August 2026 (quantity, user, API key), September 2026
(`api_source`), spreadsheet copies, and the empty export. Every column beyond the bucket is optional.

`amount_value` is exact decimal text in US dollars, up to 36 decimals, of which 18 are kept. `line_item` is the model
and what of it was billed, split at its last comma: ``gpt-5-nano, input_tokens``; a download that is not grouped by it
names no model. The rows carry no tokens and no requests (the usage export has those); line item and quantity stay as
tags. `user` is the e-mail address, else the user's id; `project` the name, else the id; `workspace` the project's id,
which the usage export has as well.

What replaces what. The identity is a day of an organisation: a newer download replaces it whole, however either was
grouped, so that a grouped and an ungrouped download never add up. A day without spend is a blank row of every
organisation the file names: it empties what an older download has there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources.source import Empty, Kind, Table

if TYPE_CHECKING:
    import polars as pl

TEXTS = (
    "amount_currency", "quantity_unit", "line_item", "user_id", "user_email", "api_key_id", "project_id",
    "project_name", "organization_id", "organization_name", "api_source",
)  # fmt: skip
COLUMNS: dict[str, Kind] = {
    "start_time": "epoch",
    "end_time": "epoch",
    "amount_value": "money",
    "quantity": "text",
    **dict.fromkeys(TEXTS, "text"),
}
EMPTY = frozenset({"start_time", "end_time", "start_time_iso", "end_time_iso"})
MODEL = r"^(.*?)(?:, [^,]*)?$"


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one billed row for each amount, and blank rows for days without spend."""
    import polars as pl

    from tokenaudit.sources import expressions

    labels = ("line_item", "quantity", "quantity_unit", "user_id", "api_source")
    billed = rows.with_columns(
        charge_period_start=pl.col("start_time"),
        charge_period_end=pl.col("end_time"),
        granularity=expressions.granularity(pl.col("start_time"), pl.col("end_time")),
        account=pl.col("organization_id"),
        workspace=pl.col("project_id"),
        project=pl.coalesce("project_name", "project_id"),
        user=pl.coalesce("user_email", "user_id"),
        api_key=pl.col("api_key_id"),
        request_model=pl.col("line_item").str.extract(MODEL),
        billed_cost=pl.col("amount_value"),
        billing_currency=pl.col("amount_currency").str.to_uppercase(),
        cost_basis=pl.lit("billed"),
        tags=expressions.tags({label: pl.col(label) for label in labels}),
        blank=pl.all_horizontal(pl.col("amount_value", "quantity", "line_item").is_null()),
    )
    faulty = pl.when(~pl.col("blank") & pl.col("amount_value").is_null()).then(pl.lit("amount_value is blank"))
    return expressions.declare_blanks(billed.with_columns(reject=faulty), ("account",))


SOURCE = Table(
    name="openai-cost",
    title="OpenAI cost export",
    provider="openai",
    merge="newest",
    authority="bill",
    columns=COLUMNS,
    signatures=(frozenset({"start_time", "amount_value", "amount_currency"}),),
    empty=Empty(EMPTY, "cost"),
    usage=usage,
    identity=("account", "charge_period_start", "charge_period_end"),
    known="platform.openai.com > Usage > Cost > Export: cost_<from>_<to>.csv",
    tells="what was billed by day, and by project, user, key and line item where the download was grouped so",
    lacks="tokens and requests",
)
