"""FOCUS cost and usage data (1.0 to 1.4, CSV, Parquet or JSON lines) of any cloud or vendor: the LLM spend in it.

Columns are known by name, so that any subset and any `x_` column may stand beside: the 44 of 1.0 with its bare
``NULL``, those of 1.2 with byte order mark, ``5/1/25`` dates and virtual currency, those of 1.3 and 1.4 without
`ProviderName`, and the columns that 1.5 will have for who asked.

Which rows count. A whole cloud bill holds disks and servers. A row is LLM spend where `ServiceSubcategory` is
``Generative AI``; where its service, publisher, provider or meter names an LLM service (Bedrock, Claude, OpenAI,
Gemini, ...); or where `ServiceCategory` is ``AI and Machine Learning`` and its unit is tokens or its description
names a model. The category alone is not enough: the machines of a workbench carry it too. Tokens alone are not either:
the virtual currency of a vendor may be called so. All other rows are left out; the ingest says how many and what they
cost.

Money. `BilledCost` is what was invoiced and is what counts; `ListCost` is the list cost. `EffectiveCost` spreads a
prepayment over the usage it covers, so adding both would count it twice: usage with an effective but no billed cost
is `included`. A purchase is charged in its billing period, also where it covers a year. Credits, refunds, taxes and
corrections are rows of their own and may be negative. Rows of LiteLLM's export (`BillingAccountType` ``API Key``) are a
gateway's own sums and nobody's bill: they are list cost and reported cost.

Tokens come from `ConsumedQuantity`, or else `PricingQuantity`, where the unit counts tokens (``Tokens``, ``1000
Tokens``). Where a cloud says ``Units`` they come from a unit beside it (`x_PricingUnitDescription` ``1K`` of Azure, the
``Million Input Tokens`` of a description), the quantity counts such blocks, and the meter has to name a class. The
class comes from `SkuPriceDetails` (`TokenDirection`, `TokenCacheAction`), else from the name of the meter; tokens of
which none tells it are uncached input, `estimated`. Only usage carries tokens; a correction moves money alone. Requests
are 0: a bill does not count them, and the ``Requests`` of LiteLLM's export are a constant.

FOCUS data tell what a cloud's own bill and a vendor's own cost export tell, too: where both are there, these count.

What replaces what. Clouds write a month in many files, and write it again until it is closed. So the identity is no
month but what a row is of: account, sub-account, billing and charge period, charge category and class, service, SKU,
resource, region, commitment and requester. A newer file replaces rows of the same identity, whole; equal ones in
one file all count. Amounts, tags, names and the invoice, which comes later, are no part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

TEXTS = (
    "BillingAccountId", "BillingAccountName", "BillingAccountType", "BillingCurrency", "ChargeCategory", "ChargeClass",
    "ChargeDescription", "ChargeFrequency", "CommitmentDiscountId", "ConsumedUnit", "CredentialId", "HostProviderName",
    "InvoiceId", "InvoiceIssuerName", "PricingCategory", "PricingCurrency", "PricingUnit", "PrincipalId",
    "ProviderName", "PublisherName", "RegionId", "RequesterDetails", "ResourceId", "ResourceName", "ServiceCategory",
    "ServiceName", "ServiceProviderName", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId",
    "SubAccountId", "SubAccountName", "Tags", "x_Operation", "x_PricingUnitDescription", "x_ServiceCode",
    "x_SkuDescription", "x_SkuMeterCategory", "x_SkuMeterName", "x_SkuMeterSubcategory", "x_UsageType",
)  # fmt: skip
COLUMNS: dict[str, Kind] = {
    **dict.fromkeys((name.lower() for name in TEXTS), "text"),
    **dict.fromkeys(("billingperiodstart", "billingperiodend", "chargeperiodstart", "chargeperiodend"), "instant"),
    **dict.fromkeys(("billedcost", "effectivecost", "listcost", "consumedquantity", "pricingquantity"), "money"),
}
SERVICES = (
    "servicename", "publishername", "providername", "serviceprovidername", "skumeter", "x_servicecode", "x_usagetype",
    "x_skumetercategory", "x_skumetersubcategory", "x_skumetername",
)  # fmt: skip
METERS = ("token_details", "x_skumetername", "x_usagetype", "skumeter", "chargedescription", "servicename", "skuid")
UNITS = ("consumedunit", "pricingunit", "x_pricingunitdescription")
IDENTITY = (
    "billingaccountid", "subaccountid", "billing", "start", "end", "chargecategory", "chargeclass", "servicename",
    "sku", "resourceid", "regionid", "commitmentdiscountid", "pricingcategory", "principalid", "credentialid",
)  # fmt: skip
LABELS = {
    "charge_category": "unlike_usage", "charge_class": "chargeclass", "service": "servicename", "meter": "skumeter",
    "description": "chargedescription", "invoice_id": "invoiceid", "scope": "meter_scope", "context": "meter_context",
}  # fmt: skip
GATEWAY = "api key"
NULL = "NULL"
"""What 1.0 files say for nothing, in texts too."""
OWN_EXPORTS = (
    "anthropic-cost", "anthropic-cost-api", "deepseek-cost", "litellm-daily", "litellm-spend-logs", "mistral-usage",
    "openai-cost", "openrouter-activity", "openrouter-generations",
)  # fmt: skip
"""Exports of those whose money FOCUS data may tell once more."""
IN_TOKENS = r"(?i)\btokens?\b"


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each charge; those that are no LLM spend are left out."""
    import polars as pl

    from tokenaudit.sources import _bill, expressions
    from tokenaudit.sources._meters import with_meters

    read = with_meters(_details(rows).with_columns(ours=_is_ours()), METERS, "x_skumetersubcategory")
    gateway = _is_gateway()
    count = _tokens()
    return read.with_columns(
        **_bill.common(_bill.labels(pl.col("tags")), LABELS, IDENTITY),
        **_bill.classes(count, pl.col("meter_counts")),
        **_money(),
        **_who(gateway),
        account=pl.when(~gateway).then(_plain("billingaccountid")),
        workspace=_plain("subaccountid"),
        project=pl.coalesce("subaccountname", _plain("subaccountid")),
        provider=_provider(),
        request_model=pl.coalesce("model", pl.when(gateway).then("resourcename"), "meter_model"),
        region=pl.col("regionid"),
        billing_currency=pl.col("billingcurrency").str.to_uppercase(),
        tokens_basis=pl.when(pl.col("meter_counts").is_null() & (count > 0)).then(pl.lit("estimated")),
        reject=expressions.first_reason({"BilledCost is blank": pl.col("billedcost").is_null()}),
    )


def _details(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Add what stands inside other columns, and the period of a charge, which no purchase may outlast."""
    import polars as pl

    start, end = pl.col("chargeperiodstart"), pl.coalesce("chargeperiodend", "chargeperiodstart")
    first, last = pl.col("billingperiodstart"), pl.col("billingperiodend")
    longer = (((end - start) > (last - first)) | (end < start)).fill_null(value=False)
    details = pl.col("skupricedetails")
    found = {name: details.str.extract(rf'"{name}"\s*:\s*"([^"]*)"') for name in ("TokenCacheAction", "TokenDirection")}
    filled = rows.with_columns(pl.col(pl.String).replace(NULL, None))
    return filled.with_columns(
        start=pl.when(longer).then(first).otherwise(start),
        end=pl.when(longer).then(last).otherwise(end),
        billing=first,
        sku=pl.coalesce("skupriceid", "skuid", "chargedescription"),
        model=details.str.extract(r'"ModelId"\s*:\s*"([^"]*)"'),
        unlike_usage=pl.when(pl.col("chargecategory").str.to_lowercase() != "usage").then("chargecategory"),
        token_details=pl.concat_str(*found.values(), separator=" ", ignore_nulls=True).replace("", None),
    )


def _plain(name: str) -> pl.Expr:
    """Return an id without the path that Azure puts in front of it, and that its own exports and logs do not have."""
    import polars as pl

    text = pl.col(name)
    return pl.when(text.str.starts_with("/")).then(text.str.extract(r"([^/]+)/*$")).otherwise(text)


def _is_ours() -> pl.Expr:
    """Say whether a row is LLM spend."""
    import polars as pl

    from tokenaudit.sources import _bill

    generative = pl.col("servicesubcategory").str.to_lowercase() == "generative ai"
    ai = pl.col("servicecategory").str.to_lowercase() == "ai and machine learning"
    said = _bill.holds(rf"{_bill.LLM}|{_bill.LLM_METER}", "chargedescription", "x_skudescription", "skumeter", *UNITS)
    return pl.any_horizontal(generative, _bill.holds(_bill.LLM, *SERVICES), ai & said).fill_null(value=False)


def _is_gateway() -> pl.Expr:
    import polars as pl

    return (pl.col("billingaccounttype").str.to_lowercase() == GATEWAY).fill_null(value=False)


def _tokens() -> pl.Expr:
    """Return the tokens of a usage row whose unit says so, or whose meter does where the unit is of no kind."""
    import polars as pl

    from tokenaudit.sources import _bill

    consumed, priced = pl.col("consumedunit"), pl.col("pricingunit")
    described = _described()
    metered = pl.col("meter_counts").is_not_null()
    plain = metered & consumed.str.to_lowercase().is_in(["count", "requests"]) & (_provider() == "google")
    counted = (
        pl.when(consumed.str.contains(IN_TOKENS)).then(_bill.tokens(pl.col("consumedquantity"), _bill.block(consumed)))
        .when(priced.str.contains(IN_TOKENS)).then(_bill.tokens(pl.col("pricingquantity"), _bill.block(priced)))
        .when(metered & described.is_not_null())
        .then(_bill.tokens(pl.col("consumedquantity"), _bill.block(described)))
        .when(plain).then(_bill.tokens(pl.col("consumedquantity"), pl.lit(1)))
    )  # fmt: skip
    used = pl.col("chargecategory").str.to_lowercase().fill_null("usage") == "usage"
    virtual = pl.col("pricingcurrency").str.contains(IN_TOKENS).fill_null(value=False)
    return pl.when(used & pl.col("chargeclass").is_null() & ~virtual).then(counted).fill_null(0)


def _described() -> pl.Expr:
    """Return the unit that stands elsewhere where a cloud's own says ``Units``."""
    import polars as pl

    million, thousand = (
        pl.col("chargedescription").str.contains(rf"(?i)({word}|\b1{word[0]}) .*tokens?\b") for word in ("million", "k")
    )
    marketplace = pl.col("x_usagetype").str.to_lowercase().str.ends_with("-units")
    said = pl.when(million).then(pl.lit("1M")).when(thousand).then(pl.lit("1K")).when(marketplace).then(pl.lit("1M"))
    return pl.coalesce("x_pricingunitdescription", said)


def _money() -> dict[str, pl.Expr]:
    """Return billed and list cost; a gateway's own sums are reported."""
    import polars as pl

    billed, gateway = pl.col("billedcost"), _is_gateway()
    prepaid = (billed == 0) & (pl.col("effectivecost") > 0) & (pl.col("chargecategory").str.to_lowercase() == "usage")
    basis = pl.when(prepaid).then(pl.lit("included")).otherwise(pl.lit("billed"))
    return {
        "billed_cost": pl.when(~gateway).then(billed),
        "reported_cost": pl.when(gateway).then(billed),
        "list_cost": pl.col("listcost"),
        "cost_basis": pl.when(~gateway).then(basis),
    }


def _who(gateway: pl.Expr) -> dict[str, pl.Expr]:
    """Return user and API key: the requester of 1.5, or what LiteLLM puts into its tags."""
    import polars as pl

    details, tags = pl.col("requesterdetails"), pl.col("tags")
    tagged = [tags.str.extract(rf'"{name}"\s*:\s*"([^"]+)"') for name in ("user_email", "user_id")]
    key = pl.coalesce("billingaccountname", "billingaccountid")
    return {
        "user": pl.coalesce(
            details.str.extract(r'"Email"\s*:\s*"([^"]+)"'), "principalid", pl.when(gateway).then(pl.coalesce(tagged))
        ),
        "api_key": pl.coalesce("credentialid", pl.when(gateway).then(key)),
    }


def _provider() -> pl.Expr:
    """Return who sold: the provider up to 1.2; then the cloud that hosts and bills, else who provides the service."""
    import polars as pl

    from tokenaudit.sources._bill import CLOUDS, seller

    host, issuer = seller(pl.col("hostprovidername")), seller(pl.col("invoiceissuername"))
    cloud = pl.when(host.is_in(CLOUDS) & (host == issuer)).then(host)
    others = [seller(pl.col(name)) for name in ("serviceprovidername", "publishername", "invoiceissuername")]
    return pl.coalesce(seller(pl.col("providername")), cloud, *others)


SOURCE = Table(
    name="focus",
    title="FOCUS cost and usage data",
    provider=None,
    merge="newest",
    authority="bill",
    columns=COLUMNS,
    signatures=(frozenset({"billedcost", "billingcurrency", "chargeperiodstart"}),),
    usage=usage,
    restates=("aws-cur", "azure-cost", "gcp-billing", *OWN_EXPORTS),
    known="the FOCUS export of AWS, Azure, Google Cloud, Oracle, Vercel, LiteLLM, ...: CSV or Parquet",
    tells="what was billed for LLM services by charge period, account, sub-account, SKU and tag, often with tokens",
    lacks="requests and, mostly, the person",
)
