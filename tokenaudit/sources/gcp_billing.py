"""Google Cloud billing export (BigQuery, standard or detailed): the LLM spend in it.

Dresses read: JSON lines or an array with nested objects, as ``bq extract`` writes them; Parquet with structs; CSV of a
query with dotted columns (``service.description``) or underscores (``service_description``).

Which rows count: those of a service that names an LLM (Gemini API, Generative Language API, Claude, ...), and those of
Vertex AI whose SKU names a model or tokens: Vertex AI sells machines, too. Other rows are left out, taxes of a whole
invoice among them; the ingest says how many and what they cost.

Model, class and modality are read from the SKU: ``Gemini 2.5 Flash GA Text Input - Predictions``, ``Generate content
cached input token count gemini 3.1 flash lite text``. Google bills thinking as output, and video input at the price of
text, where it is counted. Cache storage, grounding, images, video and characters count no tokens. `usage.amount` is
tokens where `usage.unit` is ``count`` or ``requests``, which Google writes for both. Requests are 0.

Money: `cost` plus `credits`, which are negative, is billed: promotions, discounts and committed use reduce the bill.
`cost_at_list` is the list cost. Rows of `cost_type` other than ``regular`` carry money alone.

What replaces what. The table only grows; late usage and corrections are new rows with a later `export_time`. The
identity is billing account, project, service, SKU, usage period, region, resource, invoice month, cost type and export
time. A newer file replaces rows of the same identity, whole; equal ones in one file, such as those of other labels, all
count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources._documents import flat
from tokenaudit.sources._fields import columns
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

    from tokenaudit.sources._fields import Fields

NAMES: dict[str, tuple[Kind, tuple[str, ...]]] = {
    "billing_account": ("text", ("billing_account_id",)),
    "service": ("text", ("service.description",)),
    "service_id": ("text", ("service.id",)),
    "sku": ("text", ("sku.description",)),
    "sku_id": ("text", ("sku.id",)),
    "start": ("instant", ("usage_start_time",)),
    "end": ("instant", ("usage_end_time",)),
    "exported": ("instant", ("export_time",)),
    "project_id": ("text", ("project.id",)),
    "project_name": ("text", ("project.name",)),
    "region": ("text", ("location.region", "location.location")),
    "resource": ("text", ("resource.global_name", "resource.name")),
    "labels": ("text", ("labels",)),
    "cost": ("money", ("cost",)),
    "listed": ("money", ("cost_at_list",)),
    "credits": ("text", ("credits",)),
    "currency": ("text", ("currency",)),
    "amount": ("money", ("usage.amount",)),
    "unit": ("text", ("usage.unit",)),
    "month": ("text", ("invoice.month",)),
    "cost_type": ("text", ("cost_type",)),
}
FIELDS: Fields = {
    field: (kind, tuple(dict.fromkeys(spelling for name in names for spelling in (name, name.replace(".", "_")))))
    for field, (kind, names) in NAMES.items()
}
AI_PLATFORM = r"vertex|\bai\b|agent platform"
"""Services whose SKUs tell whether a row is LLM spend."""
IDENTITY = (
    "billing_account", "project_id", "service_key", "sku_key", "start", "end", "region", "resource", "month",
    "cost_type", "exported",
)  # fmt: skip
LABELS = {
    "cost_type": "irregular", "service": "service", "sku": "sku", "scope": "meter_scope", "context": "meter_context",
}  # fmt: skip
COUNTED = ("count", "counts", "request", "requests", "token", "tokens")
REGULAR = "regular"
CREDIT = r'"amount"\s*:\s*"?[-+0-9.eE]+'


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each line; those that are no LLM spend are left out."""
    import polars as pl

    from tokenaudit.sources import _bill, expressions
    from tokenaudit.sources._meters import with_meters

    named = _bill.named(rows, FIELDS).with_columns(
        ours=_is_ours(),
        service_key=pl.coalesce("service_id", "service"),
        sku_key=pl.coalesce("sku_id", "sku"),
        irregular=pl.when(~_is_regular()).then("cost_type"),
    )
    read = with_meters(named, ("sku", "service"), "service")
    return read.with_columns(
        **_bill.common(_bill.labels(pl.col("labels")), LABELS, IDENTITY),
        **_bill.classes(_tokens(), pl.col("meter_counts")),
        account=pl.col("billing_account"),
        workspace=pl.col("project_id"),
        project=pl.coalesce("project_name", "project_id"),
        request_model=pl.col("meter_model"),
        billed_cost=pl.col("cost") + _credits(),
        list_cost=pl.col("listed"),
        billing_currency=pl.col("currency"),
        cost_basis=pl.lit("billed"),
        reject=expressions.first_reason(
            {"the cost is blank": pl.col("cost").is_null(), "a credit is no amount of money": _credits().is_null()}
        ),
    )


def _is_ours() -> pl.Expr:
    """Say whether a row is LLM spend."""
    from tokenaudit.sources import _bill

    sold = _bill.holds(f"{_bill.LLM}|{_bill.LLM_METER}", "sku")
    return _bill.holds(_bill.LLM, "service") | (sold & _bill.holds(AI_PLATFORM, "service"))


def _is_regular() -> pl.Expr:
    import polars as pl

    return pl.col("cost_type").fill_null(REGULAR) == REGULAR


def _tokens() -> pl.Expr:
    """Return the tokens of a regular row, 0 of any other."""
    import polars as pl

    from tokenaudit.sources import _bill

    counts = _is_regular() & pl.col("meter_counts").is_not_null() & pl.col("unit").str.to_lowercase().is_in(COUNTED)
    return pl.when(counts).then(_bill.tokens(pl.col("amount"), pl.lit(1))).fill_null(0)


def _credits() -> pl.Expr:
    """Return the sum of what is taken off a row; 0 where nothing is, null where it cannot be read."""
    import polars as pl

    amount = pl.element().str.extract(r"([-+0-9.eE]+)$").cast(pl.Decimal(38, 18), strict=False)
    amounts = pl.col("credits").str.extract_all(CREDIT).list.eval(amount)
    unread = amounts.list.eval(pl.element().is_null()).list.any().fill_null(value=False)
    return pl.when(~unread).then(amounts.list.sum().fill_null(0))


SOURCE = Table(
    name="gcp-billing",
    title="Google Cloud billing export",
    provider="google",
    merge="newest",
    authority="bill",
    columns=columns(FIELDS),
    signatures=(
        frozenset({"service.description", "sku.description", "usage_start_time", "cost"}),
        frozenset({"service_description", "sku_description", "usage_start_time", "cost"}),
    ),
    usage=usage,
    records=flat,
    known="Google Cloud > Billing > Billing export > BigQuery: the table extracted as JSON, Parquet or CSV",
    tells="what Gemini, Claude and others cost by hour, project, model, token class, region and label, with tokens",
    lacks="requests; the person",
)
