"""What the usage and the cost report of Claude Enterprise have in common: who, what for, and which groups overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources import _anthropic_api as api
from tokenaudit.sources.source import FILE_NAME, Kind

if TYPE_CHECKING:
    import polars as pl

LABELS = (
    "product", "cost_type", "token_type", "context_window", "slack_channel_id", "claude_tag_category",
    "claude_tag_user_id",
)  # fmt: skip
TEXTS = (
    "actor.user_id", "actor.email_address", "model", "service_tier", "inference_geo", "speed", "rbac_group_id", *LABELS,
)  # fmt: skip
COLUMNS: dict[str, Kind] = {
    FILE_NAME: "text",
    **dict.fromkeys(("starting_at", "ending_at"), "instant"),
    **dict.fromkeys(TEXTS, "text"),
}
PARTS = ("request_model", "tags", "region", "speed")
"""What the rows of a person are grouped by."""
NO_TIME = "no period: ask for a bucket_width, or put the period into the file's name, such as 2026-10-01-to-2026-10-31"
OVERLAPS = "grouped by rbac_group_id: a person in two groups is in both, so that no sum would be right"


def origin() -> dict[str, pl.Expr]:
    """Return when, who and what for."""
    import polars as pl

    from tokenaudit.sources import _file_name, expressions

    named = _file_name.period()
    start = pl.coalesce("starting_at", named["charge_period_start"])
    end = pl.coalesce("ending_at", named["charge_period_end"])
    return {
        **api.terms(),
        "charge_period_start": start,
        "charge_period_end": end,
        "granularity": expressions.granularity(start, end),
        "user": pl.coalesce("actor.email_address", "actor.user_id"),
        "tags": expressions.tags({label.removesuffix("_id"): pl.col(label) for label in LABELS}),
    }


def faults() -> dict[str, pl.Expr]:
    """Return, by reason, the rows that cannot be counted."""
    import polars as pl

    return {OVERLAPS: pl.col("rbac_group_id").is_not_null(), NO_TIME: pl.col("charge_period_start").is_null()}
