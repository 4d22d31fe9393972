"""Anthropic Admin API usage report (`/v1/organizations/usage_report/messages`): tokens by minute, hour or day.

Read are pages as the API gives them, arrays of pages, and buckets a line. Results may be grouped by workspace, API key,
account, service account, model, tier, context window, geography and speed; what they are not grouped by is null.
The Console's tokens export (`anthropic-usage`) tells of the same calls, but by names of keys and workspaces where this
one has ids, so that no row of one could be found in the other: it is a source of its own.

Classes are disjoint as they stand; cache writes are split into 5 minutes and 1 hour. The report has no money and
counts no requests, so `requests` is 0; web searches are counted. ``batch`` is the standard tier sent as a batch. The
default workspace is null, as in the report. An account or service account is the `user`. The context window stays as a
tag.

What replaces what. The identity is a bucket of one key in one workspace: the newest download replaces it whole, and
equal results of one bucket all count. A bucket that is not grouped by either is a total: it gives way to any download
that is. The page names no organisation: two organisations' pages are told apart by their keys and workspaces only.
The same days in buckets of another width are other buckets and count again: keep to one width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _anthropic_api as api
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

TEXTS = (
    "workspace_id", "api_key_id", "account_id", "service_account_id", "model", "service_tier", "context_window",
    "inference_geo", "speed",
)  # fmt: skip
COLUMNS: dict[str, Kind] = {
    **dict.fromkeys(("starting_at", "ending_at"), "instant"),
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(api.CLASSES, "integer"),
}


def records(document: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield the results of a page with the times of their buckets."""
    return api.rows(document, "uncached_input_tokens", enterprise=False)


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each result, and a blank one for each total that it replaces."""
    import polars as pl

    from tokenaudit.sources import expressions

    counted = rows.with_columns(
        **api.terms(),
        **{new: pl.col(old).fill_null(0) for old, new in api.CLASSES.items()},
        workspace=pl.col("workspace_id"),
        api_key=pl.col("api_key_id"),
        user=pl.coalesce("account_id", "service_account_id"),
        tags=expressions.tags({"context_window": pl.col("context_window")}),
        reject=pl.when(pl.col("starting_at").is_null()).then(pl.lit("no starting_at")),
    )
    return api.finest(counted, ("workspace", "api_key"))


SOURCE = Table(
    name="anthropic-usage-api",
    title="Anthropic Admin API usage report",
    provider="anthropic",
    merge="newest",
    authority="usage",
    books="console",
    columns=COLUMNS,
    signatures=(frozenset({"starting_at", "ending_at", "uncached_input_tokens"}),),
    absent=frozenset(api.ENTERPRISE),
    records=records,
    usage=usage,
    known="GET /v1/organizations/usage_report/messages with an Admin API key, each page saved as JSON",
    tells="tokens by minute, hour or day, workspace, API key, account, model, tier and geography",
    lacks="money, requests, and which organisation it is of",
)
