"""Mistral's usage of a month (``GET /v1/admin/usage``, and the console's ``/api/billing/v2/usage``): what was consumed.

The documentation names the categories (`chat`, `completion`, `ocr`, `audio`, `connectors`, `libraries_api`,
`fine_tuning`, `vibe_usage`), the period and the currency, and leaves the rest open. Read is the shape that the API is
known to answer: in a category, at whatever depth, entries of a day and model with `billing_metric`, `billing_group`,
`value` and `value_paid`, and beside them the table of `prices`. Categories of tomorrow with such entries are read as
well. What is none of this is rejected: `vibe_usage` is a number without a unit, and an entry may have no price and no
token class.

Classes. The groups ``input``, ``cached`` and ``output`` are disjoint, each with a price of its own. Only entries that
count tokens (`event_type`) are tokens, and those of fine-tuning are not: pages, seconds, calls and trained tokens stay
as the tag `quantity`. There are no requests.

Money. Quantity and price are Mistral's own. The billed cost is the price times `value_paid`, the list cost the price
times `value`, which has what was free in it; both exact, in the currency of the organisation (euros are usual). A price
fits when event, metric, group, zone and tier do, or when the table knows no zones and tiers.

What replaces what. Nothing in the answer says which organisation or workspace it is of. The identity is the day: a
newer answer replaces it whole, so keep answers for single workspaces apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources._documents import items
from tokenaudit.sources._money import WIDE, amount, decimal
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal

    import polars as pl

CATEGORIES = frozenset(
    {"chat", "completion", "ocr", "audio", "connectors", "libraries_api", "fine_tuning", "vibe_code", "vibe_usage"}
)
FEW = 3
"""Categories that make a document without entries one of Mistral's."""
NO_USAGE = ("prices",)
DEPTH = 8
ENTRY = frozenset({"billing_metric", "billing_group", "value"})
TOKENS = {"input": "uncached_input_tokens", "cached": "cache_read_input_tokens", "output": "output_tokens"}
TRAINING = "fine_tuning"
PRICED = ("event_type", "billing_metric", "billing_group", "api_zone", "service_tier")
"""What a price depends on; the last two are new in 2026."""
COLUMNS: dict[str, Kind] = {
    "timestamp": "instant",
    **dict.fromkeys(("mistral category", "model", "quantity", "currency", "refused", *PRICED), "text"),
    **dict.fromkeys(TOKENS.values(), "integer"),
    **dict.fromkeys(("billed", "list"), "money"),
    **dict.fromkeys(("batch", "nothing"), "flag"),
}
Path = tuple[str, ...]


def records(document: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield the entries of an answer, what of it cannot be counted, and one empty record where it holds nothing."""
    known = document.keys() & CATEGORIES if isinstance(document, dict) else set()
    found = [(path, entry) for path, entry in _entries(document) if path and path[0] not in NO_USAGE] if known else []
    if not found and len(known) < FEW:
        return
    shared = {"currency": document.get("currency"), "timestamp": document.get("start_date")}
    prices = {_key(price): decimal(price.get("price")) for price in items(document, "prices")}
    for path, entry in found:
        yield shared | _record(path, entry, prices)
    if decimal(document.get("vibe_usage")):
        refused = "vibe_usage is a number without a unit: what it costs is in no category"
        yield shared | {"mistral category": "vibe_usage", "refused": refused}
    elif not found:
        yield shared | {"mistral category": "none", "nothing": True}


def _entries(value: object, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the entries inside a value, each with the keys that lead to it."""
    if isinstance(value, dict) and value.keys() >= ENTRY:
        yield path, value
    elif isinstance(value, dict) and len(path) < DEPTH:
        for key, inner in value.items():
            yield from _entries(inner, (*path, key))
    elif isinstance(value, list) and path:
        for inner in value:
            yield from _entries(inner, path) if isinstance(inner, dict) else ()


def _record(path: Path, entry: dict[str, Any], prices: dict[tuple[str | None, ...], Decimal | None]) -> dict[str, Any]:
    """Return an entry as a flat record, with what it costs."""
    key = _key(entry)
    price = prices.get(key, prices.get((*key[:3], None, None)))
    value = decimal(entry["value"])
    paid = decimal(entry.get("value_paid", entry["value"]))
    column = TOKENS.get(str(entry["billing_group"])) if _counts_tokens(path, entry) else None
    refused = "no price, and no tokens that the price book could price" if price is None and column is None else None
    return {
        **{name: entry.get(name) for name in ("timestamp", *PRICED)},
        "mistral category": ".".join(path[: path.index("models")] if "models" in path else path[:1]),
        "model": _model(path, entry),
        column or "quantity": entry["value"],
        "billed": None if price is None or paid is None else amount(WIDE.multiply(price, paid)),
        "list": None if price is None or value is None else amount(WIDE.multiply(price, value)),
        "batch": "batch" in f"{entry.get('event_type')} {entry.get('usage_type')}",
        "refused": "value is not a number" if value is None else refused,
    }


def _key(item: dict[str, Any]) -> tuple[str | None, ...]:
    return tuple(value if isinstance(value := item.get(name), str) else None for name in PRICED)


def _counts_tokens(path: Path, entry: dict[str, Any]) -> bool:
    event = entry.get("event_type")
    named = "token" in event if isinstance(event, str) else path[0] in ("completion", "chat", "vibe_code")
    return named and path[0] != TRAINING


def _model(path: Path, entry: dict[str, Any]) -> str:
    """Return the model: what stands under `models`, without the alias before ``::``; else the metric."""
    key = path[path.index("models") + 1] if "models" in path[:-1] else str(entry["billing_metric"])
    return key.rpartition("::")[2]


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each entry."""
    import polars as pl

    from tokenaudit.sources import expressions

    day = pl.col("timestamp").dt.truncate("1d")
    labels = ("event_type", "billing_group", "quantity")
    priced = pl.col("billed").is_not_null()
    return rows.with_columns(
        charge_period_start=day,
        charge_period_end=day + pl.duration(days=1),
        granularity=pl.lit("day"),
        request_model=pl.col("model"),
        region=pl.when(pl.col("api_zone") != "global").then("api_zone"),
        billed_cost=pl.col("billed"),
        list_cost=pl.col("list"),
        billing_currency=pl.col("currency").str.to_uppercase(),
        cost_basis=pl.when(priced).then(pl.lit("billed")),
        tags=expressions.tags({"category": pl.col("mistral category")} | {name: pl.col(name) for name in labels}),
        blank=pl.col("nothing").fill_null(value=False),
        reject=pl.coalesce("refused", pl.when(day.is_null()).then(pl.lit("no timestamp"))),
    ).with_columns(
        identity=pl.concat_str(
            pl.when("blank").then(pl.lit("nothing in ")).otherwise(pl.lit("")), expressions.microseconds(day)
        )
    )


SOURCE = Table(
    name="mistral-usage",
    title="Mistral usage of a month",
    provider="mistral",
    merge="newest",
    authority="bill",
    columns=COLUMNS,
    signatures=(frozenset({"mistral category", "currency", "timestamp"}),),
    records=records,
    usage=usage,
    known="GET https://api.mistral.ai/v1/admin/usage?month=<month>&year=<year> with an Admin API key",
    tells="tokens and other quantities by day and model, and what they cost at Mistral's own prices",
    lacks="requests, users and API keys; which organisation or workspace it is of",
)
