"""GitHub metered billing report: seats of Copilot and all other Copilot money, by day and organisation.

Read are the detailed report (with `username` and `workflow_path`), the summarised one, and the answer of the billing
API's `usage` (`usageItems` with a `date` each, camelCase). They bill every product of GitHub: rows of Copilot, Spark,
GitHub Models and AI credits count, told by their product and sku; those of Actions, Packages, Codespaces and the
others are no spend on language models and are left out: the ingest says how many they are and what they cost. The
report of premium requests and AI credits by model has a `model` column and is the source `copilot-usage`.

Money. `gross_amount` is the list cost, `net_amount` what is billed; a row whose discount covers it is `included`. Seats
(`copilot_for_business`, in parts of a month) have neither tokens nor requests. Quantities stay as a tag.

What replaces what. The identity is the UTC day of an organisation and a sku, in whatever spelling the report and the
API write it; a newer file replaces it whole, and a detailed report goes before a summarised one, which holds the same
money. Without an organisation it is the person's.

A trap: premium requests and AI credits stand here and in the usage report, which has them by model. They are the same
money.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources._documents import items
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

API = {
    "date": "date",
    "product": "product",
    "sku": "sku",
    "quantity": "quantity",
    "unitType": "unit_type",
    "pricePerUnit": "applied_cost_per_quantity",
    "grossAmount": "gross_amount",
    "discountAmount": "discount_amount",
    "netAmount": "net_amount",
    "organizationName": "organization",
    "repositoryName": "repository",
}
"""Keys of the billing API -> columns of the report."""
TEXTS = ("product", "sku", "unit_type", "username", "organization", "repository", "cost_center_name")
COLUMNS: dict[str, Kind] = {
    "date": "instant",
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(
        ("quantity", "applied_cost_per_quantity", "gross_amount", "discount_amount", "net_amount"), "money"
    ),
}
LANGUAGE_MODELS = r"copilot|spark|(^|[ _])models?([ _]|$)|(^|[ _])ai([ _-]|$)"
"""Is found in the product and sku of rows that count."""
OTHERS = "other products of GitHub"
SUMMED, DETAILED = 2, 0


def records(document: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield the dated items of the billing API's answer; those of a time period are another source's."""
    for item in items(document, "usageItems"):
        if "date" in item:
            yield {column: item.get(key) for key, column in API.items()}


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each line of a product that is spend on language models."""
    import polars as pl

    from tokenaudit.sources import _github, expressions

    name = pl.concat_str("product", "sku", separator=" ", ignore_nulls=True).str.to_lowercase()
    sku = pl.col("sku").str.to_lowercase().str.replace_all(r"[^a-z0-9]+", "_").str.replace("_for_", "_", literal=True)
    labels = {
        "product": "product",
        "sku": "sku",
        "unit_type": "unit_type",
        "cost_center": "cost_center_name",
    }
    counted = rows.with_columns(
        left_out=pl.when(~name.str.contains(LANGUAGE_MODELS)).then(pl.lit(OTHERS)),
        charge_period_start=pl.col("date").dt.truncate("1d"),
        charge_period_end=pl.col("date").dt.truncate("1d") + pl.duration(days=1),
        granularity=pl.lit("day"),
        requests=pl.lit(0),
        user=pl.col("username"),
        account=pl.col("organization"),
        project=pl.col("repository").str.extract(r"([^/]+)$"),
        tags=expressions.tags(
            {key: pl.col(column) for key, column in labels.items()}
            | {"quantity": _github.quantity_text(pl.col("quantity"))}
        ),
        **_github.amounts(pl.coalesce("gross_amount", pl.col("quantity") * pl.col("applied_cost_per_quantity"))),
        kind=sku.str.strip_chars_end("s"),
        owner=pl.coalesce("organization", pl.format("\x1e{}", pl.col("username").fill_null(""))),
        origin_rank=pl.when(pl.col("username").is_null()).then(SUMMED).otherwise(DETAILED),
        reject=expressions.first_reason(
            {"no date": pl.col("date").is_null(), "no net_amount": pl.col("net_amount").is_null()}
        ),
    )
    return counted.with_columns(identity=expressions.joined(("charge_period_start", "owner", "kind")))


SOURCE = Table(
    name="github-metered",
    title="GitHub metered billing report",
    provider="github-copilot",
    merge="newest",
    authority="bill",
    restates=("copilot-usage", "copilot-api"),
    columns=COLUMNS,
    signatures=(frozenset({"date", "product", "sku", "quantity", "applied_cost_per_quantity", "net_amount"}),),
    absent=frozenset({"model"}),
    records=records,
    usage=usage,
    known="github.com > Billing and licensing > Usage > Metered usage > Get usage report; API: settings/billing/usage",
    tells="what GitHub bills for Copilot seats, premium requests and AI credits by day, organisation and person",
    lacks="models, tokens and requests; rows of other products are left out",
)
