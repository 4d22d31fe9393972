"""AWS Cost and Usage Reports, CUR 2.0 and legacy, CSV or Parquet: the LLM spend in them.

Spellings read: ``line_item_usage_type`` (CUR 2.0, Athena, Parquet) and ``lineItem/UsageType`` (legacy CSV). Labels come
as JSON or a map (`resource_tags`, `tags`) or as one column each (``resourceTags/user:team``,
``resource_tags_user_team``); the ``user:`` in front of a key is left out.

Which rows count: those of a product whose code or name holds ``Bedrock`` or another LLM service. Models of other makers
are sold through the marketplace: their product code tells nothing, their product is called ``Claude Sonnet 4.6 (Amazon
Bedrock Edition)``. All other rows are left out; the ingest says how many and what they cost.

Classes, model, batch and tier are read from the usage type: ``USE1-NovaLite-input-tokens``,
``USE1-MP:USE1_CacheReadInputTokenCount_Global-Units``, ``..._cache_write_tokens_1h_standard-Units``. The marketplace's
do not name the model, so it comes from the product. The amount counts blocks: 1,000 or 1,000,000 tokens by
`pricing_unit`; where that says ``Units``, by the description, else a million. Line types other than usage
(``EdpDiscount``, ``SavingsPlanNegation``, ``Tax``, ``Credit``, ``Refund``, ``Fee``) may repeat the amount of the usage
and carry money alone. Requests are 0.

Money: the unblended cost is billed; discounts are lines of their own and negative. The public on-demand cost is the
list cost. The region is that of the bill; whether the profile was global or regional stays as the tag `scope`.

What replaces what. AWS writes a month in many files and anew several times a day, and the ids of its lines change each
time. So the identity is what a line is of: payer and account, bill type, billing and usage period, line type, product,
usage type, operation, resource, caller, region and tax. A newer file replaces lines of the same identity, whole; equal
ones in one file all count. Amounts, labels and the invoice, which comes later, are no part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources._fields import columns
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

    from tokenaudit.sources._fields import Fields

GROUPS = {"line_item_": "lineitem/", "bill_": "bill/", "product_": "product/", "pricing_": "pricing/"}
"""Beginning of a column's name -> how the legacy CSV spells it; what follows has no underscores there."""
NAMES: dict[str, tuple[Kind, tuple[str, ...]]] = {
    "payer": ("text", ("bill_payer_account_id",)),
    "bill_type": ("text", ("bill_bill_type",)),
    "invoice_id": ("text", ("bill_invoice_id",)),
    "billing": ("instant", ("bill_billing_period_start_date",)),
    "account": ("text", ("line_item_usage_account_id",)),
    "account_name": ("text", ("line_item_usage_account_name",)),
    "line_type": ("text", ("line_item_line_item_type",)),
    "start": ("instant", ("line_item_usage_start_date",)),
    "end": ("instant", ("line_item_usage_end_date",)),
    "code": ("text", ("line_item_product_code",)),
    "usage_type": ("text", ("line_item_usage_type",)),
    "operation": ("text", ("line_item_operation",)),
    "resource": ("text", ("line_item_resource_id",)),
    "caller": ("text", ("line_item_iam_principal",)),
    "description": ("text", ("line_item_line_item_description",)),
    "tax": ("text", ("line_item_tax_type",)),
    "amount": ("money", ("line_item_usage_amount",)),
    "cost": ("money", ("line_item_unblended_cost",)),
    "currency": ("text", ("line_item_currency_code",)),
    "product_name": ("text", ("product_product_name", "product_servicename")),
    "region": ("text", ("product_region_code", "product_region")),
    "unit": ("text", ("pricing_unit",)),
    "listed": ("money", ("pricing_public_on_demand_cost",)),
    "product": ("text", ("product",)),
    "resource_tags": ("text", ("resource_tags",)),
    "all_tags": ("text", ("tags",)),
}
TAG_COLUMNS = ("resourcetags/", "resource_tags_")
OWN = ("resourceTags/", "user:", "user_")
IDENTITY = (
    "payer", "account", "bill_type", "billing", "start", "end", "line_type", "code", "usage_type", "operation",
    "resource", "caller", "region", "tax",
)  # fmt: skip
LABELS = {
    "line_item_type": "unlike_usage", "service": "product_name", "usage_type": "usage_type", "invoice_id": "invoice_id",
    "scope": "meter_scope", "context": "meter_context",
}  # fmt: skip
USED = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")
REGIONS = {
    "USE1": "us-east-1", "USE2": "us-east-2", "USW1": "us-west-1", "USW2": "us-west-2", "CAN1": "ca-central-1",
    "EU": "eu-west-1", "EUW1": "eu-west-1", "EUW2": "eu-west-2", "EUW3": "eu-west-3", "EUC1": "eu-central-1",
    "EUC2": "eu-central-2", "EUN1": "eu-north-1", "EUS1": "eu-south-1", "EUS2": "eu-south-2", "APN1": "ap-northeast-1",
    "APN2": "ap-northeast-2", "APN3": "ap-northeast-3", "APS1": "ap-southeast-1", "APS2": "ap-southeast-2",
    "APS3": "ap-south-1", "APS4": "ap-southeast-3", "APS6": "ap-southeast-4", "SAE1": "sa-east-1",
}  # fmt: skip
"""Beginning of a usage type -> region, for files without a region column."""


def _spelt(name: str) -> tuple[str, ...]:
    """Return a column's name in both spellings."""
    group = next((group for group in GROUPS if name.startswith(group)), None)
    return (name,) if group is None else (name, GROUPS[group] + name.removeprefix(group).replace("_", ""))


FIELDS: Fields = {
    field: (kind, tuple(spelling for name in names for spelling in _spelt(name)))
    for field, (kind, names) in NAMES.items()
}


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each line; those that are no LLM spend are left out."""
    import polars as pl

    from tokenaudit.sources import _bill, expressions
    from tokenaudit.sources._meters import with_meters

    named = _bill.named(rows, FIELDS, "tag_columns").with_columns(_product("product_name"), _product("region"))
    ours = _bill.holds(_bill.LLM, "code", "product_name", "usage_type")
    read = with_meters(named.with_columns(ours=ours), ("usage_type", "product_name"), "product_name")
    prefix = pl.col("usage_type").str.extract(r"^([A-Z]{2,4}\d?)-")
    own = _bill.joined(_bill.joined(_labels("resource_tags"), _labels("all_tags")), _labels("tag_columns"))
    marked = read.with_columns(unlike_usage=pl.when(pl.col("line_type") != "Usage").then("line_type"))
    return marked.with_columns(
        **_bill.common(own, LABELS, IDENTITY),
        **_bill.classes(_tokens(), pl.col("meter_counts")),
        account=pl.col("payer"),
        workspace=pl.col("account"),
        project=pl.coalesce("account_name", "account"),
        user=pl.col("caller").str.extract(r"([^/]+)$"),
        request_model=pl.col("meter_model"),
        region=pl.coalesce("region", prefix.replace_strict(REGIONS, default=None, return_dtype=pl.String)),
        billed_cost=pl.col("cost"),
        list_cost=pl.when(_is_used()).then("listed"),
        billing_currency=pl.col("currency"),
        cost_basis=pl.lit("billed"),
        reject=expressions.first_reason({"the unblended cost is blank": pl.col("cost").is_null()}),
    )


def _product(field: str) -> pl.Expr:
    """Return a field from its own column, or else from the map of the product."""
    import polars as pl

    from tokenaudit.sources._bill import labels

    return pl.coalesce(field, labels(pl.col("product")).str.extract(rf'"{field}"\s*:\s*"([^"]+)"')).alias(field)


def _labels(name: str) -> pl.Expr:
    import polars as pl

    from tokenaudit.sources import _bill

    return _bill.without(_bill.labels(pl.col(name)), OWN)


def _is_used() -> pl.Expr:
    import polars as pl

    return pl.col("line_type").fill_null(USED[0]).is_in(USED)


def _tokens() -> pl.Expr:
    """Return the tokens of a usage line, 0 of any other."""
    import polars as pl

    from tokenaudit.sources import _bill

    unit, description = pl.col("unit").str.to_lowercase(), pl.col("description").str.to_lowercase()
    said = pl.when(description.str.contains("thousand|1k ")).then(1000).otherwise(1_000_000)
    size = pl.when(unit.str.contains("token")).then(_bill.block(unit)).when(unit == "units").then(said)
    counts = _is_used() & pl.col("meter_counts").is_not_null()
    return pl.when(counts).then(_bill.tokens(pl.col("amount"), size)).fill_null(0)


SOURCE = Table(
    name="aws-cur",
    title="AWS Cost and Usage Report",
    provider="aws",
    merge="newest",
    authority="bill",
    columns=columns(FIELDS),
    gather={"tag_columns": TAG_COLUMNS},
    signatures=(
        frozenset({"line_item_usage_type", "line_item_usage_start_date", "line_item_unblended_cost"}),
        frozenset({"lineitem/usagetype", "lineitem/usagestartdate", "lineitem/unblendedcost"}),
    ),
    usage=usage,
    known="AWS Billing > Data Exports (CUR 2.0), or Cost and Usage Reports: files in your S3 bucket",
    tells="what Bedrock cost by hour or day, account, model, token class, region, caller and tag, with tokens",
    lacks="requests",
)
