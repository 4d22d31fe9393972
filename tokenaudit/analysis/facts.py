"""What a reader must know beside the figures: what is billed, computed, unpriced or estimated, and how recent it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from tokenaudit.analysis.measures import MEASURES, measured, ratio
from tokenaudit.analysis.where import DATED


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """Facts about all rows of a cube, for headings and notes."""

    by_basis: pl.DataFrame
    """Per `billing_currency` and `cost_basis`, largest first: all measures, and `share` (ratio) of `effective_cost`.

    Where `cost_basis` is ``included`` the `list_cost` is what plans cover.
    """
    unpriced: pl.DataFrame
    """Models without a price, most tokens first: `request_model`, `reason` (model, date, unit or currency), `requests`,
    `tokens`, `share` (ratio) of them all."""
    tier_unknown: pl.DataFrame
    """Sums of requests that may be in a long context, per `billing_currency`: `requests`, `tokens`, `least_cost` (at
    the standard price, as counted) and `most_cost` (if all were as large as they may be)."""
    estimated_share: pl.DataFrame
    """One row: `output_tokens` as recorded, `estimated_output_tokens`, and `share` (ratio) that was never recorded."""
    joined_tokens: int
    """Tokens of rows that have their money from another source's bill."""
    data_to: datetime | None
    """Instant (UTC) up to which the rows reach: of the last event, or the end of the last bucket."""
    users: Mapping[str, int] | None
    """Named users by currency; None where the cube is not split by `user`."""
    utc_dates: bool
    """Some rows are of a day or coarser, and keep the provider's UTC dates in every time zone."""


def facts(cube: pl.DataFrame) -> Facts:
    """Return the facts about the rows of `cube`."""
    return Facts(
        by_basis=_by_basis(cube),
        unpriced=_unpriced(cube),
        tier_unknown=_tier_unknown(cube),
        estimated_share=_estimated_share(cube),
        joined_tokens=cube.select(pl.col("joined_tokens").sum()).item(),
        data_to=cube.select(pl.col("data_to").max()).item(),
        users=_users(cube) if "user" in cube.columns else None,
        utc_dates=cube.select(pl.col("granularity").is_in(DATED).any()).item(),
    )


def _users(cube: pl.DataFrame) -> dict[str, int]:
    named = cube.group_by("billing_currency").agg(pl.col("user").drop_nulls().n_unique())
    return dict(named.cast({"billing_currency": pl.String}).iter_rows())


def _by_basis(cube: pl.DataFrame) -> pl.DataFrame:
    share = ratio(pl.col("effective_cost"), pl.col("effective_cost").sum().over("billing_currency"))
    return (
        measured(cube, ("cost_basis", "billing_currency"))
        .select("billing_currency", "cost_basis", *MEASURES, share=share)
        .sort("billing_currency", "effective_cost", "cost_basis", descending=[False, True, False], nulls_last=True)
    )


def _unpriced(cube: pl.DataFrame) -> pl.DataFrame:
    tokens = measured(cube, ()).get_column("total_tokens").sum()
    return (
        cube.filter(pl.col("cost_basis") == "unpriced")
        .group_by(request_model=pl.col("unpriced_model").cast(pl.String), reason="unpriced_reason")
        .agg(requests=pl.col("unpriced_requests").sum(), tokens=pl.col("unpriced_tokens").sum())
        .with_columns(share=ratio(pl.col("tokens"), pl.lit(tokens)))
        .sort("tokens", "requests", "request_model", "reason", descending=[True, True, False, False])
    )


def _tier_unknown(cube: pl.DataFrame) -> pl.DataFrame:
    rows = cube.filter("tier_unknown")
    return (
        measured(rows, ("billing_currency",))
        .join(
            rows.group_by(pl.col("billing_currency").cast(pl.String)).agg(most_cost=pl.col("dearest_cost").sum()),
            on="billing_currency",
        )
        .select(
            "billing_currency", "requests", tokens="total_tokens", least_cost="effective_cost", most_cost="most_cost"
        )
        .sort("billing_currency")
    )


def _estimated_share(cube: pl.DataFrame) -> pl.DataFrame:
    recorded, likely = pl.col("output_tokens"), pl.col("estimated_output_tokens")
    return measured(cube, ()).select(recorded, likely, share=ratio(likely - recorded, likely))
