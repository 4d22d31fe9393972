"""GitHub billing API, premium requests and AI credits: what an account used of each model in a year, month or day.

Read are the answers of `premium_request/usage` and `ai_credit/usage` for an enterprise, an organisation or a person:
`timePeriod`, whose usage it is, and `usageItems` in camelCase. Items with a `date` of their own are metered billing,
the source `github-metered`; a summary without models is not read.

Money. `grossAmount` is the list cost, `netAmount` what is billed; an item whose discount covers it, or of which nothing
is left to pay, is `included`. Without amounts the list cost is the quantity at the public rate. A premium request is a
price, not a count, so `requests` is 0. There are no tokens.

What replaces what. A period that is not over grows with every answer. The identity is the period, whose usage it is
(with the filters by person, cost center, product and model that the answer names) and the item's product, sku, model,
unit and price; of several answers the largest amounts stand.

Traps. An answer for a year holds what those for its months hold, one for an organisation what those for its people
hold, and the usage report (`copilot-usage`) has the same money by day: keep one of them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tokenaudit.sources._documents import at, items
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

SCOPE = ("enterprise", "organization", "user")
WHOSE = (*SCOPE, "cost center", "only product", "only model")
ITEM = {
    "product": "product",
    "sku": "sku",
    "model": "model",
    "unitType": "unit type",
    "pricePerUnit": "price",
    "grossQuantity": "quantity",
    "grossAmount": "gross amount",
    "discountAmount": "discount_amount",
    "netQuantity": "net quantity",
    "netAmount": "net_amount",
}
MONEY = ("price", "quantity", "gross amount", "discount_amount", "net quantity", "net_amount")
IDENTITY = ("charge_period_start", "charge_period_end", *WHOSE, "product", "sku", "model", "unit type", "price")
COLUMNS: dict[str, Kind] = {
    **dict.fromkeys((*WHOSE, "period", "product", "sku", "model", "unit type"), "text"),
    **dict.fromkeys(("start", "end"), "instant"),
    **dict.fromkeys(MONEY, "money"),
}


def records(document: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield the items of an answer with its time period and whose it is."""
    period = at(document, "timePeriod")
    if not isinstance(period, dict):
        return
    whose = {name: document.get(name) for name in SCOPE} | {
        "cost center": at(document, "costCenter", "name") or at(document, "costCenter", "id"),
        "only product": document.get("product"),
        "only model": document.get("model"),
    }
    for item in items(document, "usageItems"):
        if "model" in item and "date" not in item:
            yield {**whose, **_period(period), **{column: item.get(key) for key, column in ITEM.items()}}


def _period(period: dict[str, Any]) -> dict[str, str | None]:
    """Return beginning, end and grain of a time period; no beginning where it is no date."""
    year, month, day = (period.get(name) for name in ("year", "month", "day"))
    try:
        start = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)  # type: ignore[arg-type]
        ends = {
            "day": start + timedelta(days=1),
            "month": (start + timedelta(days=31)).replace(day=1),
            "period": start.replace(year=start.year + 1),
        }
    except (TypeError, ValueError, OverflowError):
        return dict.fromkeys(("start", "end", "period"))
    grain = "day" if day else "month" if month else "period"
    return {"start": start.isoformat(), "end": ends[grain].isoformat(), "period": grain}


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each item."""
    import polars as pl

    from tokenaudit.sources import _github, expressions

    labels = {"sku": "sku", "unit_type": "unit type", "cost_center": "cost center"}
    listed = pl.coalesce(
        "gross amount",
        pl.col("quantity") * pl.col("price"),
        _github.public_price(pl.col("quantity"), pl.col("sku"), pl.col("unit type")),
    )
    named = rows.with_columns(
        charge_period_start=pl.col("start"),
        charge_period_end=pl.col("end"),
        granularity=pl.col("period"),
        requests=pl.lit(0),
        account=pl.coalesce("organization", "enterprise"),
        request_model=pl.col("model"),
        tags=expressions.tags({key: pl.col(column) for key, column in labels.items()}),
        **_github.amounts(listed, pl.col("net quantity") == 0),
        reject=expressions.first_reason({"the time period is no date": pl.col("start").is_null()}),
    )
    return named.with_columns(identity=expressions.joined(IDENTITY))


SOURCE = Table(
    name="copilot-api",
    title="GitHub billing API: Copilot",
    provider="github-copilot",
    merge="largest",
    authority="bill",
    restates=("copilot-usage",),
    columns=COLUMNS,
    signatures=(frozenset({"start", "product", "sku", "model", "only model", "net_amount"}),),
    records=records,
    usage=usage,
    known="API: settings/billing/premium_request/usage and settings/billing/ai_credit/usage of a GitHub account",
    tells="premium requests and AI credits of a period by model, with gross and net amounts",
    lacks="days and persons, unless it was asked for one; tokens and requests",
)
