"""Azure API Management, LLM log (`ApiManagementGatewayLlmLog`): the model calls that go through the gateway.

Read are exports of the Log Analytics table (CSV of the portal, answers of the query API and of `az`, JSON lines of a
data export), the older `AzureDiagnostics` table (``promptTokens_d``), and records of a storage account or an event
hub (`properties`, category ``GatewayLlmLogs``). Columns that a query joins (`ApimSubscriptionId`, `ProductId`,
`UserId`) say who called. Prompts and answers, which the log may hold, are not read.

Classes. `PromptTokens` includes what was read from a cache, but for Claude. How much that is stands only in records of
an event hub (`promptCachedTokens`); without it all input counts as uncached, which is too dear. Reasoning is part of
`CompletionTokens`. Counts of streams are exact.

A call is several rows, one with its tokens and others with pieces of its messages, which hold none; rows of requests
that reach no model have zeros. Neither is counted. The identity is `CorrelationId`, the request to the gateway. Times
are UTC; a portal that was set to local time exports what nobody can place, and is refused.

Azure OpenAI's own diagnostic log (category ``RequestResponse``) is recognised and refused: it tells of every call, but
no tokens. Money is on the Azure bill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources._azure_shapes import fields
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

    from tokenaudit.sources._azure_shapes import Fields

COUNTS = ("prompttokens", "completiontokens", "totaltokens", "promptcachedtokens")
NAMES = ("modelname", "deploymentname")
UTC_TIMES, LOCAL = ("timegenerated", "timegenerated [utc]", "time"), "timegenerated [local time]"
WHO = ("apimsubscriptionid", "productid", "userid", "apiid")
RESOURCE = ("_resourceid", "resourceid")
NO_TOKENS = "no tokens"
TEXTS = (*UTC_TIMES, LOCAL, "correlationid", "region", *NAMES, *(f"{name}_s" for name in NAMES), *WHO, *RESOURCE)
COLUMNS: dict[str, Kind] = {
    **dict.fromkeys((*TEXTS, NO_TOKENS), "text"),
    **dict.fromkeys((*COUNTS, *(f"{name}_d" for name in COUNTS)), "integer"),
}
PORTAL = "%m/%d/%Y, %I:%M:%S%.f %p"
"""An instant as the portal writes it: ``10/1/2026, 9:30:00.123 AM``."""
REASON = (
    "Azure OpenAI's RequestResponse log holds no token counts: log through API Management (GatewayLlmLogs), or read "
    "the cost export"
)


def records(document: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield the records that tell tokens, and those of Azure OpenAI that do not."""
    for record in fields(document):
        if "correlationid" in record and any(name in record for name in ("prompttokens", "prompttokens_d")):
            yield record
        elif _is_request(record):
            yield {NO_TOKENS: REASON, "time": record.get("time")}


def _is_request(record: Fields) -> bool:
    """Say whether a record is one of Azure OpenAI's diagnostic log."""
    resource = str(record.get("resourceid", record.get("_resourceid", ""))).lower()
    return record.get("category") == "RequestResponse" and "microsoft.cognitiveservices" in resource


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each record with tokens."""
    import polars as pl

    from tokenaudit.sources import expressions

    classes = _classes()
    model = pl.coalesce("modelname", "modelname_s", "deploymentname", "deploymentname_s")
    resource = pl.coalesce(*RESOURCE).str.to_lowercase()
    labels = {
        "deployment": pl.coalesce("deploymentname", "deploymentname_s"),
        "gateway": resource.str.extract(r"/service/([^/]+)"),
        "gateway_region": pl.col("region"),
        "product": pl.col("productid"),
        "api": pl.col("apiid"),
    }
    faults = {
        "TimeGenerated is in local time: export it in UTC": pl.col(LOCAL).is_not_null(),
        "no CorrelationId": pl.col("correlationid").is_null(),
    }
    named = rows.with_columns(
        **classes,
        charge_period_start=_instant(),
        requests=pl.lit(1),
        request_model=model,
        region=pl.lit(None, pl.String),
        user=pl.col("userid"),
        api_key=pl.col("apimsubscriptionid"),
        account=resource.str.extract(r"/subscriptions/([^/]+)"),
        tags=expressions.tags(labels),
        identity=pl.col("correlationid"),
        reject=pl.coalesce(NO_TOKENS, expressions.first_reason(faults)),
    )
    return named.filter(pl.col(NO_TOKENS).is_not_null() | (pl.sum_horizontal(*classes) != 0))


def _classes() -> dict[str, pl.Expr]:
    """Return the disjoint classes: cached input stands inside the prompt, but for Claude."""
    import polars as pl

    prompt, completion, total, cached = (pl.coalesce(name, f"{name}_d") for name in COUNTS)
    names = [pl.col(name) for stem in NAMES for name in (stem, f"{stem}_s")]
    claude = pl.any_horizontal(name.str.to_lowercase().str.contains("claude") for name in names).fill_null(value=False)
    read = cached.fill_null(0)
    whole = pl.coalesce(prompt, total - completion.fill_null(0), 0)
    inside = ~claude & (read <= whole)
    return {
        "uncached_input_tokens": pl.when(inside).then(whole - read).otherwise(whole),
        "cache_read_input_tokens": read,
        "output_tokens": pl.coalesce(completion, total - whole, 0),
    }


def _instant() -> pl.Expr:
    import polars as pl

    from tokenaudit.sources import expressions

    text = pl.coalesce(*UTC_TIMES)
    portal = text.str.to_datetime(PORTAL, time_unit="us", strict=False).dt.replace_time_zone("UTC")
    return pl.coalesce(expressions.instant(text), portal)


SOURCE = Table(
    name="azure-apim",
    title="Azure API Management LLM log",
    provider="azure",
    merge="largest",
    authority="gateway",
    columns=COLUMNS,
    signatures=(
        frozenset({"correlationid", "prompttokens", "completiontokens"}),
        frozenset({"correlationid", "prompttokens_d", "completiontokens_d"}),
        frozenset({NO_TOKENS}),
    ),
    records=records,
    usage=usage,
    known="Azure > API Management > Logs > ApiManagementGatewayLlmLog > Export; or its diagnostic setting's storage",
    tells="tokens by call, model and deployment, and who called where the query joins it",
    lacks="money; what was read from a cache, unless it comes from an event hub; users",
)
