"""Claude Enterprise Analytics API cost reports: what was billed by product, of the organisation or by person.

Read are the pages of both reports, as in `claude-enterprise-usage`.

Money. `amount` is fractional cents as decimal text, after discounts and before credits: billed, in dollars.
`list_amount` is the price before discounts: list cost. What a report counts of requests is in the usage report too and
left out, so a row has neither requests nor tokens. Product, cost type, token type, context window, Slack channel and
category of Claude Tag stay as tags.

Rows of an `rbac_group_id` overlap and are rejected. What replaces what is as in the usage report: a bucket of a person,
before which the organisation's total of the same bucket gives way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _anthropic_api as api
from tokenaudit.sources import _claude_enterprise as enterprise
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

COLUMNS: dict[str, Kind] = {**enterprise.COLUMNS, **dict.fromkeys(api.CENTS, "money"), "currency": "text"}


def records(document: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield the results of a page with the times of their buckets, amounts in dollars."""
    return api.rows(document, "amount", enterprise=True)


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one billed row for each result, and a blank one for each total that it replaces."""
    import polars as pl

    from tokenaudit.sources import expressions

    billed = rows.with_columns(
        **enterprise.origin(),
        billed_cost=pl.col("amount"),
        list_cost=pl.col("list_amount"),
        billing_currency=pl.col("currency").str.to_uppercase(),
        cost_basis=pl.lit("billed"),
    )
    faults = {**enterprise.faults(), "amount is no number of cents": pl.col("amount").is_null()}
    return api.finest(billed.with_columns(reject=expressions.first_reason(faults)), ("user",), enterprise.PARTS)


SOURCE = Table(
    name="claude-enterprise-cost",
    title="Claude Enterprise cost report",
    provider="anthropic",
    merge="newest",
    authority="bill",
    books="claude.ai",
    columns=COLUMNS,
    signatures=(frozenset({"amount", "list_amount", "currency", "ending_at"}),),
    records=records,
    usage=usage,
    known="Claude Enterprise Analytics API, cost_report and user cost report, each page saved as JSON",
    tells="billed and list amounts by minute, hour or day, product, model, kind and person",
    lacks="tokens, requests, credits, and which organisation it is of",
)
