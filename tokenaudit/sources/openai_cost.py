"""OpenAI costs: the dashboard's export (`cost_*.csv`) and pages of the organization API, what was billed by day.

Generations read: December 2024 (no ISO columns), October 2025, August 2026 (quantity, user, API key), September 2026
(`api_source`), spreadsheet copies, and the empty export. Every column beyond the bucket is optional. Answers of
``/v1/organization/costs``: one page or several, lists of their buckets, and the older `result` for `results`. Usage
and costs belong in files of their own: a usage result in a file of costs is rejected.

`amount_value` (`amount.value` in a page) is exact decimal text in US dollars, not cents, up to 36 decimals, of which
18 are kept. `line_item` is the model and what of it was billed, split at its last comma: ``gpt-5-nano, input_tokens``;
a download that is not grouped by it names no model. The rows carry no tokens and no requests (the usage export has
those); line item and quantity stay as tags. `user` is the e-mail address, else the user's id; `project` the name, else
the id; `workspace` the project's id, which the usage export has as well. `account` is the organisation: a page does
not name it, unless its file is named after it (``costs-org-....json``).

What replaces what. A project belongs to one organisation, so the identity is a day of a project, in a page as in a
download: a newer one replaces it whole, however either was grouped. A file speaks for every project it names on every
day it covers: a day without rows of a project is a blank row that empties what an older download has there.

A download that is not grouped by project is a day of its organisation, a page that is not grouped by project just a
day. They never add up with one that is: a file that names projects speaks for the whole day of its organisation as
well, whichever is newer, and so does a file that names its organisation for those that do not. So pages without
projects are taken to be of the only organisation there is, and pages grouped by project add up with a download that is
not: name the file after the organisation. Of a day that is cut off, as the first and last of a page may be, the
longest piece stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources._openai_pages import EXACTNESS, PAGE_END, bucketed, newest_pages, placed, results
from tokenaudit.sources.source import FILE_NAME, Empty, Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

TEXTS = (
    "object", "amount_currency", "quantity_unit", "line_item", "user_id", "user_email", "api_key_id", "project_id",
    "project_name", "organization_id", "organization_name", "api_source", FILE_NAME,
)  # fmt: skip
COLUMNS: dict[str, Kind] = {
    **dict.fromkeys(("start_time", "end_time", PAGE_END), "epoch"),
    "amount_value": "money",
    "quantity": "text",
    **dict.fromkeys(TEXTS, "text"),
}
LABELS = ("line_item", "quantity", "quantity_unit", "user_id", "api_source")
PREFIX = "organization.costs."
EMPTY = frozenset({"start_time", "end_time", "start_time_iso", "end_time_iso"})
MODEL = r"^(.*?)(?:, [^,]*)?$"
ORGANIZATION = r"(org-[A-Za-z0-9]{20,})"
SCOPE = ("part", "payer", "account", "workspace")


def records(document: object) -> Iterator[dict[str, Any]]:
    """Yield the results of a page of costs, with the names that the columns of a download have."""
    for result in results(document, PREFIX):
        amount = {
            f"amount_{name}": result.get(f"amount.{name}") for name in ("value", "currency") if "amount.value" in result
        }
        yield {**result, **amount}


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one billed row for each amount, and blank rows for days without spend."""
    import polars as pl

    from tokenaudit.sources import expressions

    account = pl.coalesce("organization_id", pl.col(FILE_NAME).str.extract(ORGANIZATION))
    billed = bucketed(rows).with_columns(
        account=account,
        part=pl.col("project_id"),
        payer=pl.when(pl.col("project_id").is_null()).then(account),
        workspace=pl.col("project_id"),
        project=pl.coalesce("project_name", "project_id"),
        user=pl.coalesce("user_email", "user_id"),
        api_key=pl.col("api_key_id"),
        request_model=pl.col("line_item").str.extract(MODEL),
        billed_cost=pl.col("amount_value"),
        billing_currency=pl.col("amount_currency").str.to_uppercase(),
        cost_basis=pl.lit("billed"),
        tags=expressions.tags({label: pl.col(label) for label in LABELS}),
        blank=pl.all_horizontal(pl.col("amount_value", "quantity", "line_item", "object").is_null()),
    )
    named = placed(expressions.declare_blanks(billed.with_columns(reject=_reject()), SCOPE, _wholes()))
    bucket = expressions.joined(("part", "payer", "bucket_start", "bucket_end"))
    return newest_pages(named.with_columns(identity=bucket, origin_rank=_rank(), workspace=_workspace()))


def _workspace() -> pl.Expr:
    """Return the project of a row; a day of an organisation without any spend is of all its projects."""
    import polars as pl

    from tokenaudit.sources.expressions import BUCKET

    idle = pl.col("blank").all().over(BUCKET)
    return pl.when(~(idle & pl.col("part").is_null() & pl.col("account").is_not_null())).then("workspace")


def _wholes() -> list[dict[str, pl.Expr | None]]:
    """Return what a file speaks for beyond its projects: the day of its organisation, and the day of nobody named."""
    import polars as pl

    none = pl.lit(None, pl.String)
    one = pl.col("workspace").min().over("account")
    return [{"part": none, "payer": payer, "workspace": one} for payer in (pl.col("account"), none)]


def _rank() -> pl.Expr:
    """Return how much less than the best a file tells of a day: how long it is, and its projects or organisation."""
    import polars as pl

    nameless = pl.col("part").is_null().all() & pl.col("payer").eq_missing(pl.col("account"))
    return EXACTNESS * pl.col("missing") + 2 * nameless.cast(pl.Int64)


def _reject() -> pl.Expr:
    import polars as pl

    from tokenaudit.sources.expressions import first_reason

    reasons = {
        "a result of another report: keep costs and usage in files of their own": ~pl.col("object").str.starts_with(
            PREFIX
        ),
        "amount_value is blank": ~pl.col("blank") & pl.col("amount_value").is_null(),
    }
    return first_reason(reasons)


SOURCE = Table(
    name="openai-cost",
    title="OpenAI cost export and API",
    provider="openai",
    merge="newest",
    authority="bill",
    columns=COLUMNS,
    signatures=(frozenset({"start_time", "amount_value", "amount_currency"}),),
    empty=Empty(EMPTY, "cost"),
    records=records,
    usage=usage,
    rules=2,
    known="platform.openai.com > Usage > Cost > Export, or pages of GET /v1/organization/costs",
    tells="what was billed by day, and by project, user, key and line item where the download was grouped so",
    lacks="tokens and requests",
)
