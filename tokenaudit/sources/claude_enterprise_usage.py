"""Claude Enterprise Analytics API usage reports: tokens and requests by product, of the organisation or by person.

Read are the pages of both reports: buckets with results (the organisation's), and rows with an `actor` (a person's). A
row of a person without a bucket is of the whole range that was asked for; only the file's name can tell it
(``2026-10-01-to-2026-10-31``), and without it the row is rejected.

Classes are disjoint as they stand; cache writes are split into 5 minutes and 1 hour; `total_tokens` is their sum and
not read. The user is the actor's e-mail address, else the id. Product, context window, Slack channel and category of
Claude Tag stay as tags.

A trap: grouped by `rbac_group_id` the rows overlap, as who is in two groups counts in both. Such rows are rejected.

What replaces what. The identity is a bucket of the organisation, which the newest download replaces whole, or in a
bucket a person with all that the row is grouped by, as a page may end between two rows of a person: keep to one
grouping there. The organisation's bucket is a total: it gives way to a download of the same bucket by person, which
lacks what is nobody's. The page names no organisation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _anthropic_api as api
from tokenaudit.sources import _claude_enterprise as enterprise
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

COLUMNS: dict[str, Kind] = {**enterprise.COLUMNS, **dict.fromkeys((*api.CLASSES, "requests"), "integer")}


def records(document: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield the results of a page with the times of their buckets."""
    return api.rows(document, "uncached_input_tokens", enterprise=True)


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each result, and a blank one for each total that it replaces."""
    import polars as pl

    from tokenaudit.sources import expressions

    counted = rows.with_columns(
        **enterprise.origin(), **{new: pl.col(old).fill_null(0) for old, new in api.CLASSES.items()}
    )
    judged = counted.with_columns(reject=expressions.first_reason(enterprise.faults()))
    return api.finest(judged, ("user",), enterprise.PARTS)


SOURCE = Table(
    name="claude-enterprise-usage",
    title="Claude Enterprise usage report",
    provider="anthropic",
    merge="newest",
    authority="usage",
    books="claude.ai",
    columns=COLUMNS,
    signatures=(
        frozenset({"uncached_input_tokens", "product", "ending_at"}),
        frozenset({"uncached_input_tokens", "actor.user_id", "ending_at"}),
    ),
    records=records,
    usage=usage,
    known="Claude Enterprise Analytics API, usage_report and user usage report, each page saved as JSON",
    tells="tokens and requests by minute, hour or day, product, model and person",
    lacks="money, and which organisation it is of",
)
