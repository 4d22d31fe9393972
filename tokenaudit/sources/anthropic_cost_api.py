"""Anthropic Admin API cost report (`/v1/organizations/cost_report`): what was billed by day, workspace and kind.

Read are pages as the API gives them, arrays of pages, and buckets a line; grouped by workspace and description or
not. The Console's cost export (`anthropic-cost`) bills the same days by names of workspaces, where this one has ids:
it is a source of its own.

Money. `amount` is decimal text in cents: ``"123.78912"`` is 1.2378912 dollars. It is billed; all its digits are kept.
An amount that is no number rejects its row. The cost of the priority tier is in no report.

The rows carry no tokens and no requests. Token type, cost type, description and context window stay as tags; a model
that is not named is taken from a description such as ``Claude Opus 5 Usage - Input Tokens``. The default workspace is
null, as in the report.

What replaces what. The identity is a day of a workspace: the newest download replaces it whole. A day that names no
workspace is a total and gives way to a download of that day that does, so that one grouped by workspace and one that is
not never add up. The page names no organisation: two organisations' pages are told apart by their workspaces only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _anthropic_api as api
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

LABELS = ("token_type", "cost_type", "description", "context_window")
TEXTS = ("currency", "workspace_id", "model", "service_tier", "inference_geo", "speed", *LABELS)
COLUMNS: dict[str, Kind] = {
    **dict.fromkeys(("starting_at", "ending_at"), "instant"),
    **dict.fromkeys(TEXTS, "text"),
    "amount": "money",
}
DESCRIBED = r"^(Claude .+?) Usage - "


def records(document: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield the results of a page with the times of their buckets, amounts in dollars."""
    return api.rows(document, "amount", enterprise=False)


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one billed row for each result, and a blank one for each total that it replaces."""
    import polars as pl

    from tokenaudit.sources import expressions

    counted = rows.with_columns(
        **api.terms() | {"request_model": pl.coalesce("model", pl.col("description").str.extract(DESCRIBED))},
        workspace=pl.col("workspace_id"),
        billed_cost=pl.col("amount"),
        billing_currency=pl.col("currency").str.to_uppercase(),
        cost_basis=pl.lit("billed"),
        tags=expressions.tags({label: pl.col(label) for label in LABELS}),
        reject=pl.when(pl.col("amount").is_null()).then(pl.lit("amount is no number of cents")),
    )
    return api.finest(counted, ("workspace",))


SOURCE = Table(
    name="anthropic-cost-api",
    title="Anthropic Admin API cost report",
    provider="anthropic",
    merge="newest",
    authority="bill",
    books="console",
    columns=COLUMNS,
    signatures=(frozenset({"starting_at", "ending_at", "amount", "currency"}),),
    absent=frozenset(api.ENTERPRISE),
    records=records,
    usage=usage,
    known="GET /v1/organizations/cost_report with an Admin API key, each page saved as JSON",
    tells="what was billed by day, workspace, model and token class, to a fraction of a cent",
    lacks="tokens, requests, API keys, and which organisation it is of",
)
