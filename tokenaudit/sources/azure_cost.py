"""Azure Cost Management exports (actual or amortised cost) and downloads: the LLM spend in them.

Headers read: Enterprise Agreement (``Date``, ``MeterName``, ``CostInBillingCurrency``, ``BillingCurrencyCode``),
Microsoft Customer Agreement (``date``, ``meterName``, ``costInBillingCurrency``, ``billingCurrency``) and pay-as-you-go
(``UsageDateTime``, ``PreTaxCost``), in any case, with a byte order mark, dates as ``10/05/2026`` or ISO 8601.

Which rows count: those whose category, product family or publisher names an LLM service (Azure OpenAI, Foundry Models,
Anthropic, ...), and those of the AI services whose meter names a model or tokens. Speech, vision and search are left
out like servers and disks; the ingest says how many rows that are and what they cost.

Model, class, batch, tier and deployment are read from the meter: ``gpt-4o-0806-Inp-glbl Tokens``, ``5.4 mini cd Inp Dz
1M Tokens``. The product tells the brand that a name leaves out; the day of the version is left out. Global, data zone
or regional stays as the tag `scope`; the region is that of the resource. The quantity counts blocks of the row's own
unit, ``1K`` or ``1M``: real rows cost quantity times price of the block. Only usage carries tokens. Requests are 0.

Money: the cost in the billing currency is billed, the pay-as-you-go cost the list cost. Refunds and purchases are rows
of their own. An amortised export spreads purchases over what they cover: take it or the actual one, not both.

What replaces what. An export writes the month to date anew each day, and a large one in several files. So the identity
is what a row is of: billing account, subscription, day, meter, resource, region, charge type, pricing model, frequency
and reservation. A newer file replaces rows of the same identity, whole; equal ones in one file all count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources._fields import columns
from tokenaudit.sources.source import Table

if TYPE_CHECKING:
    import polars as pl

    from tokenaudit.sources._fields import Fields

FIELDS: Fields = {
    "account": ("text", ("billingaccountid", "billingaccountname")),
    "subscription": ("text", ("subscriptionid", "subscriptionguid")),
    "subscription_name": ("text", ("subscriptionname",)),
    "start": ("instant", ("date", "usagedatetime", "usagedate")),
    "meter": ("text", ("metername",)),
    "meter_id": ("text", ("meterid",)),
    "product": ("text", ("productname", "product")),
    "category": ("text", ("metercategory",)),
    "subcategory": ("text", ("metersubcategory",)),
    "service": ("text", ("consumedservice",)),
    "publisher": ("text", ("publishername",)),
    "quantity": ("money", ("quantity", "usagequantity", "consumedquantity")),
    "unit": ("text", ("unitofmeasure",)),
    "cost": ("money", ("costinbillingcurrency", "cost", "pretaxcost")),
    "listed": ("money", ("paygcostinbillingcurrency",)),
    "currency": ("text", ("billingcurrency", "billingcurrencycode", "currency", "currencycode")),
    "resource": ("text", ("resourceid", "instanceid")),
    "group": ("text", ("resourcegroup", "resourcegroupname")),
    "region": ("text", ("resourcelocation", "location", "meterregion")),
    "charge_type": ("text", ("chargetype",)),
    "pricing_model": ("text", ("pricingmodel",)),
    "frequency": ("text", ("frequency",)),
    "reservation": ("text", ("reservationid", "benefitid")),
    "cost_center": ("text", ("costcenter",)),
    "invoice_id": ("text", ("invoiceid",)),
    "labels": ("text", ("tags",)),
}
AI_SERVICES = r"cognitive|\bai\b|foundry|saas"
"""Categories and services whose meters tell whether a row is LLM spend."""
IDENTITY = (
    "account", "subscription", "start", "meter_key", "resource_key", "region", "charge_type", "pricing_model",
    "frequency", "reservation",
)  # fmt: skip
LABELS = {
    "charge_type": "unlike_usage", "meter": "meter", "product": "product", "resource_group": "group",
    "cost_center": "cost_center", "invoice_id": "invoice_id", "scope": "meter_scope", "context": "meter_context",
}  # fmt: skip
BLOCK = r"(?i)^\s*\d[\d,]*\s*[km]?\s*(tokens?)?\s*$"
USED = "usage"


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each line; those that are no LLM spend are left out."""
    import polars as pl

    from tokenaudit.sources import _bill, expressions
    from tokenaudit.sources._meters import with_meters

    named = _bill.named(rows, FIELDS).with_columns(
        ours=_is_ours(),
        end=pl.col("start") + pl.duration(days=1),
        region=pl.col("region").str.to_lowercase(),
        meter_key=pl.coalesce("meter_id", "meter").str.to_lowercase(),
        resource_key=pl.col("resource").str.to_lowercase(),
        unlike_usage=pl.when(~_is_used()).then("charge_type"),
    )
    read = with_meters(named, ("meter", "product"), "subcategory")
    return read.with_columns(
        **_bill.common(_bill.labels(pl.col("labels")), LABELS, IDENTITY),
        **_bill.classes(_tokens(), pl.col("meter_counts")),
        account=pl.col("account").str.extract(r"([^/]+)/*$"),
        workspace=pl.col("subscription"),
        project=pl.coalesce("subscription_name", "subscription"),
        request_model=pl.col("meter_model"),
        billed_cost=pl.col("cost"),
        list_cost=pl.when(_is_used()).then("listed"),
        billing_currency=pl.col("currency").str.to_uppercase(),
        cost_basis=pl.lit("billed"),
        reject=expressions.first_reason({"the cost is blank": pl.col("cost").is_null()}),
    )


def _is_ours() -> pl.Expr:
    """Say whether a row is LLM spend."""
    from tokenaudit.sources import _bill

    metered = _bill.holds(f"{_bill.LLM}|{_bill.LLM_METER}", "meter", "product")
    return _bill.holds(_bill.LLM, "category", "subcategory", "publisher") | (
        metered & _bill.holds(AI_SERVICES, "category", "service")
    )


def _is_used() -> pl.Expr:
    import polars as pl

    return pl.col("charge_type").str.to_lowercase().fill_null(USED) == USED


def _tokens() -> pl.Expr:
    """Return the tokens of a usage row, 0 of any other."""
    import polars as pl

    from tokenaudit.sources import _bill

    counts = _is_used() & pl.col("meter_counts").is_not_null() & pl.col("unit").str.contains(BLOCK)
    return pl.when(counts).then(_bill.tokens(pl.col("quantity"), _bill.block(pl.col("unit")))).fill_null(0)


SOURCE = Table(
    name="azure-cost",
    title="Azure Cost Management export",
    provider="azure",
    merge="newest",
    authority="bill",
    columns=columns(FIELDS),
    signatures=(
        frozenset({"metername", "metercategory", "costinbillingcurrency"}),
        frozenset({"metername", "metercategory", "unitofmeasure", "pretaxcost"}),
        frozenset({"metername", "metercategory", "unitofmeasure", "cost"}),
    ),
    usage=usage,
    known="Azure portal > Cost Management > Exports, or Usage + charges > Download: CSV or Parquet",
    tells="what Azure OpenAI and Foundry models cost by day, subscription, model, token class and tag, with tokens",
    lacks="requests; the person; the time within a day",
)
