"""Portkey logs: the logs export (JSON lines), records of its analytics store, and objects of its log store.

Generations read: the export, whose fields are chosen when it is requested (`ai_org`, `ai_model` and `created_at` are
needed); analytics records of a private deployment (`req_units`, `cost`, `metadata` as two lists, `_user`); and the
whole request and response that such a deployment keeps for each call (`request.portkeyHeaders`). Texts of the last
are passed over.

Classes. `req_units` is all input, `res_units` all output, `total_units` (also `total_tokens`) their sum. What was read
from or written to the provider's cache stands only in the usage of the response body, where the export holds it: then
that usage counts. Without it all input counts as uncached. A total alone counts as input, marked `estimated`.

Money. `cost` is cents, whatever `cost_currency` says: ``USD`` names the currency, not the unit. So says the
documentation of the export; the one analytics record that the vendor shows has a cost that is right only in dollars,
and comes out 100 times too small here. It is computed by Portkey: a reported cost.

Cache hits (`cache_status` ``HIT`` or ``SEMANTIC HIT``) used no tokens, cost nothing and are no model request; they stay
as empty rows, tagged.

Who and where. The user is `_user`, a column or a label of `metadata`; session and project are labels too; the others
become tags. The workspace is `workspace_slug`; the organisation is one of Portkey, and a tag.

What replaces what. The identity is the log's `id` (`_id` in the log store). The newest file wins, but an export that
knows only units gives way to one with classes, and nothing of the two adds up. A log that stands twice in a file counts
once. That the log store and the analytics store use the same id for a call was not seen in a real file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _gateway
from tokenaudit.sources._documents import at, flat
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

COLUMNS: dict[str, Kind] = {
    "created_at": "instant",
    **dict.fromkeys(("req_units", "res_units", "total_units", "total_tokens"), "integer"),
    "cost": "money",
    **dict.fromkeys(("id", "ai_org", "ai_model", "cost_currency", "cache_status", "metadata", "_user"), "text"),
    **dict.fromkeys(("workspace_slug", "organisation_id", "api_key_id", "virtual_key", "trace_id"), "text"),
    **dict.fromkeys(("_environment", "prompt_slug", "usage"), "text"),
}
BODIES = (("response", "body"), ("response.body",), ("response",))
"""Where the provider's answer stands."""
STATUS = "x-portkey-cache-status"


def records(document: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield the logs of a document, their fields flat; nothing of the texts of request and response."""
    for item in _gateway.unwrapped(document, "data"):
        headers = at(item, "request", "portkeyHeaders")
        log = _gateway.shallow(item) if headers is None else _kept(item, headers)
        yield {**log, "metadata": _labels(log.get("metadata")), "usage": _usage(item)}


def _kept(item: dict[str, Any], headers: object) -> dict[str, Any]:
    """Return an object of the log store in the words of the export."""
    model = at(item, "response", "body", "model") or at(item, "request", "body", "model")
    return {
        "id": item.get("_id"),
        "created_at": _gateway.moment(item.get("created_at")),
        "organisation_id": item.get("organisation_id"),
        "ai_org": at(headers, "x-portkey-provider"),
        "ai_model": model,
        "trace_id": at(headers, "x-portkey-trace-id"),
        "metadata": at(headers, "x-portkey-metadata"),
        "cache_status": at(item, "response", "headers", STATUS),
    }


def _labels(metadata: object) -> object:
    """Return metadata as an object: its analytics form is a list of keys and one of values."""
    keys, values = at(metadata, "key"), at(metadata, "value")
    if isinstance(keys, list) and isinstance(values, list):
        return {str(key): value for key, value in zip(keys, values, strict=False)}
    return metadata


def _usage(item: dict[str, Any]) -> str | None:
    """Return the usage of the provider's answer as one flat JSON object."""
    bodies = (at(item, *path) for path in BODIES)
    found = (usage for body in bodies for name in ("usage", "usageMetadata") if (usage := at(body, name)))
    return next((json.dumps(leaves) for usage in found for leaves in flat(usage)), None)


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each call."""
    import polars as pl

    hit = pl.col("cache_status").str.to_uppercase().str.ends_with("HIT")
    own = {
        "cache": pl.when(hit).then(pl.lit("hit")),
        "environment": pl.col("_environment"),
        "prompt": pl.col("prompt_slug"),
        "organisation": pl.col("organisation_id"),
    }
    known = _known()
    amounts = {
        **_gateway.classes(known, within=False),
        "requests": pl.lit(1),
        "reported_cost": (pl.col("cost") * pl.lit("0.01").cast(pl.Decimal(38, 18))).cast(pl.Decimal(38, 18)),
    }
    counted = _gateway.counts(rows.with_row_index("row"), {"usage": ""})
    user = pl.coalesce("_user", "label user")
    return _gateway.labels(counted, "metadata", own).with_columns(
        **_gateway.unless(hit, amounts),
        charge_period_start=pl.col("created_at"),
        user=user,
        session=pl.coalesce("label session", "trace_id"),
        project=pl.col("label project"),
        workspace=pl.col("workspace_slug"),
        api_key=pl.coalesce("api_key_id", "virtual_key"),
        provider=_gateway.sold(pl.col("ai_org"), pl.col("ai_model")),
        request_model=pl.col("ai_model"),
        billing_currency=pl.col("cost_currency").str.to_uppercase(),
        tokens_basis=pl.when(_gateway.only_total(known)).then(pl.lit("estimated")),
        origin_rank=pl.when(_answered()).then(0).otherwise(2) + user.is_null().cast(pl.Int64),
        identity=pl.col("id"),
    )


def _answered() -> pl.Expr:
    """Say whether the usage of the provider's answer is known."""
    import polars as pl

    return pl.sum_horizontal(_gateway.count(name) for name in _gateway.COUNTED) > 0


def _known() -> dict[str, pl.Expr]:
    """Return what the provider's answer counts, else the log's own units."""
    import polars as pl

    total = pl.coalesce("total_units", "total_tokens")
    units = {
        "input": pl.coalesce("req_units", total - pl.col("res_units")),
        "output": pl.coalesce("res_units", total - pl.col("req_units")),
        "total": total,
    }
    found = {name: pl.col(_gateway.count(name)) for name in _gateway.COUNTED}
    return found | {name: pl.when(_answered()).then(found[name]).otherwise(value) for name, value in units.items()}


SOURCE = Table(
    name="portkey",
    title="Portkey logs",
    provider=None,
    merge="newest",
    authority="gateway",
    rules=2,
    columns=COLUMNS,
    signatures=(frozenset({"ai_org", "ai_model", "created_at"}),),
    records=records,
    usage=usage,
    once=True,
    known="Portkey > Exports > Request Data, or the buckets of a private deployment",
    tells="every call with its tokens, user, workspace and the labels that the caller sent along",
    lacks="what was billed; cached input, unless the export holds the responses",
)
