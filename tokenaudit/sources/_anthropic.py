"""What the two exports of the Anthropic Console have in common: how they write times, keys, workspaces and terms."""

from __future__ import annotations

import polars as pl

from tokenaudit.sources.expressions import instant

DEVELOPER_KEY = r"^claude_code_key_(.+)_[^_]{4}$"
NOWHERE = "not_available"
DEFAULT_WORKSPACE = "Default"


def bucket() -> dict[str, pl.Expr]:
    """Return the hour or day of a row (``2026-03-31 02:00`` or ``2026-07-03``, UTC), and a reason where it has none."""
    text = pl.col("usage_date_utc")
    start, hourly = instant(text), text.str.contains(":", literal=True)
    unreadable = pl.format('"usage_date_utc" is not a date or hour: "{}"', text.fill_null(""))
    return {
        "charge_period_start": start,
        "charge_period_end": start + pl.when(hourly).then(pl.duration(hours=1)).otherwise(pl.duration(days=1)),
        "granularity": pl.when(hourly).then(pl.lit("hour")).otherwise(pl.lit("day")),
        "reject": pl.when(start.is_null()).then(unreadable),
    }


def origin() -> dict[str, pl.Expr]:
    """Return who and where: workspace, developer, and the terms that move the price."""
    return {
        "workspace": pl.col("workspace").fill_null(DEFAULT_WORKSPACE),
        "user": pl.col("api_key").str.extract(DEVELOPER_KEY),
        "region": pl.when(pl.col("inference_geo") != NOWHERE).then("inference_geo"),
        "speed": pl.col("speed").str.to_lowercase(),
    }
