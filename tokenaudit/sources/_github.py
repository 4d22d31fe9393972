"""What GitHub's billing reports and billing API share: how an amount becomes list and billed cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

PREMIUM_REQUEST = "copilot_premium_request"
REQUEST_RATE, CREDIT_RATE = "0.04", "0.01"
"""USD; docs.github.com, billing for premium requests and for AI credits."""


def amounts(listed: pl.Expr, within: pl.Expr | None = None) -> dict[str, pl.Expr]:
    """Return list and billed cost of rows with `net_amount` and `discount_amount`.

    A row whose discount covers it is included; without amounts `within` says whether a quota covers it.
    """
    import polars as pl

    net = pl.col("net_amount")
    by_discount = (net == 0) & (pl.col("discount_amount") > 0)
    covered = by_discount if within is None else pl.coalesce(by_discount, within)
    basis = pl.when(covered).then(pl.lit("included")).when(net.is_not_null()).then(pl.lit("billed"))
    return {"list_cost": listed, "billed_cost": net, "cost_basis": basis}


def public_price(quantity: pl.Expr, sku: pl.Expr, unit: pl.Expr) -> pl.Expr:
    """Return a quantity at the public rate of its unit: premium requests, or AI credits."""
    import polars as pl

    by_credit = pl.concat_str(sku, unit, ignore_nulls=True).str.to_lowercase().str.contains("credit")
    rate = pl.when(by_credit).then(pl.lit(CREDIT_RATE)).otherwise(pl.lit(REQUEST_RATE))
    return quantity * rate.cast(pl.Decimal(38, 2))


def quantity_text(quantity: pl.Expr) -> pl.Expr:
    """Return a quantity as text without the zeros that a decimal of 18 places ends in."""
    import polars as pl

    return quantity.cast(pl.String).str.strip_chars_end("0").str.strip_suffix(".")
