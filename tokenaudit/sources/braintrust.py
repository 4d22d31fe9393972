"""Braintrust spans: logs and experiments as JSON, JSON lines, CSV or Parquet, and pages of the API and of BTQL.

Only spans of type ``llm`` count (`span_attributes.type`): a ``task`` or ``eval`` span repeats the sum of its children.

Classes, from `metrics`. `prompt_tokens` includes `prompt_cached_tokens` (read), `prompt_cache_creation_tokens`
(written; with `prompt_cache_creation_5m_tokens` and `prompt_cache_creation_1h_tokens` where the life is known) and
audio; `completion_tokens` includes `completion_reasoning_tokens`. Older spans of Anthropic models hold uncached input
only: where the parts exceed the whole, or `tokens` tells, they stand beside it. Metrics are free: only keys that hold
the word ``tokens`` are read.

Money. `estimated_cost` is Braintrust's own estimate: a reported cost in dollars. A span that Braintrust's proxy
answered from its own cache (`metrics.cached`) used no tokens, cost nothing and is no model request; it stays as an
empty row, tagged.

Who and where. `metadata` holds model, provider and whatever the caller put there: user, session and project are taken
from it, and of the other labels only those that reports are made by, such as team, environment or feature. The session
is else the trace (`root_span_id`), the project else the project's id. The time is `metrics.start`, seconds with
decimals, else `created`.

What replaces what. The identity is the span's `id`. The newest file wins, but a sighting without cached tokens gives
way to one with them, and nothing of the two adds up. A span that stands twice in a file counts once. Not seen in a real
file: the metrics are those of Braintrust's specification and SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources import _gateway
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

COLUMNS: dict[str, Kind] = {
    "created": "instant",
    **dict.fromkeys(("id", "span_id", "root_span_id", "project_id", "experiment_id"), "text"),
    **dict.fromkeys(("span_attributes", "metrics", "metadata", "tags"), "text"),
}
MICROSECONDS = 1_000_000


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each call of a model."""
    import polars as pl

    kind = _inside("span_attributes", "$.type")
    calls = rows.filter(kind == "llm").with_row_index("row").with_columns(**_named())
    hit = _amount("$.cached") > 0
    own = {
        "cache": pl.when(hit).then(pl.lit("hit")),
        "experiment": pl.col("experiment_id"),
        "name": _inside("span_attributes", "$.name"),
        "purpose": _inside("span_attributes", "$.purpose"),
        "tags": _gateway.listed(pl.col("tags")),
    }
    counted = _gateway.counts(calls, {"metrics": ""}, only="tokens")
    known = {name: pl.col(_gateway.count(name)) for name in _gateway.COUNTED} | {"written": _unnamed()}
    amounts = {
        **_gateway.classes(known, within=True),
        "requests": pl.lit(1),
        "reported_cost": _amount("$.estimated_cost"),
    }
    return _gateway.labels(counted, "metadata", own, _gateway.FOR_REPORTS).with_columns(
        **_gateway.unless(hit, amounts),
        charge_period_start=pl.coalesce(_start(), "created"),
        user=pl.col("label user"),
        session=pl.coalesce("label session", "root_span_id"),
        project=pl.coalesce("label project", "project_id"),
        provider=_gateway.sold(pl.col("label provider"), pl.col("label model")),
        request_model=pl.col("label model"),
        origin_rank=pl.when(_split()).then(0).otherwise(2) + pl.col("label user").is_null().cast(pl.Int64),
        identity=pl.coalesce("id", "span_id"),
        reject=pl.when(pl.coalesce("id", "span_id").is_null()).then(pl.lit("no id")),
    )


def _named() -> dict[str, pl.Expr]:
    """Return the model and the provider that the metadata names."""
    return {"label model": _inside("metadata", "$.model"), "label provider": _inside("metadata", "$.provider")}


def _inside(column: str, path: str) -> pl.Expr:
    """Return what stands at a path in a column of JSON, as text."""
    import polars as pl

    found = _gateway.as_json(pl.col(column)).str.json_path_match(path)
    return pl.when(found != "null").then(found)


def _amount(path: str) -> pl.Expr:
    """Return a number of `metrics`, exactly."""
    import polars as pl

    return _inside("metrics", path).cast(pl.Decimal(38, 18), strict=False)


def _start() -> pl.Expr:
    """Return the instant that `metrics` names."""
    import polars as pl

    ticks = (_amount("$.start") * MICROSECONDS).cast(pl.Int64, strict=False)
    return pl.from_epoch(ticks, time_unit="us").dt.replace_time_zone("UTC")


def _split() -> pl.Expr:
    """Say whether a span tells cached input from other input."""
    import polars as pl

    return pl.sum_horizontal(_gateway.count(name) for name in _gateway.IN_PARTS) > 0


def _unnamed() -> pl.Expr:
    """Return cache writes beyond those that name their life: here the total includes them."""
    import polars as pl

    written, named = pl.col(_gateway.count("written")), [_gateway.count(f"written_{life}") for life in ("5m", "1h")]
    return (written - pl.sum_horizontal(named)).clip(lower_bound=0)


SOURCE = Table(
    name="braintrust",
    title="Braintrust spans",
    provider=None,
    merge="newest",
    authority="gateway",
    columns=COLUMNS,
    signatures=(frozenset({"span_attributes", "metrics", "root_span_id"}),),
    records=_gateway.pages("events", "data", "rows"),
    usage=usage,
    once=True,
    known="Braintrust > Logs > Download, the fetch API or BTQL: JSON lines or Parquet",
    tells="every model call with its tokens, project, trace and, where metadata names them, user and team",
    lacks="what was billed",
)
