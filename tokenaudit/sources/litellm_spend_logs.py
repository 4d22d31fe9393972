"""LiteLLM's record of each call: the table of spend logs and the payload of its log sinks.

Read are rows of `LiteLLM_SpendLogs` (a dump as CSV, JSON, JSON lines or Parquet; pages of ``/spend/logs/v2``), the
`StandardLoggingPayload` that S3, GCS and other sinks write (a document a call, or lines; times are seconds with
decimals), and lines of a callback of one's own with the same names and a `usage` object. Dates without a zone are UTC.

Classes. `prompt_tokens` includes cache reads and cache writes, `completion_tokens` reasoning. The parts stand in the
metadata only (`usage_object`, in older versions `additional_usage_values`). Where they exceed the prompt an old version
had left them out of it. A call that LiteLLM's own cache answered (`cache_hit`) reached no provider: it has no tokens
and no cost, and stays as a request with a tag. A failed call counts with what it used.

Money. `spend` (payload: `response_cost`) is computed by LiteLLM from its price map, with margins and discounts of its
own. It is the reported cost: compared, never counted. What the provider bills is in the provider's export.

Who and where. User: e-mail, else id; the customer of a customer (`end_user`) is a tag. API key: alias, else hash.
Workspace: team. Project and session as named. The organisation is LiteLLM's own, so no account but a tag; request tags
are one tag.

What replaces what. The id of the call is the same in the spend log and in the payload, so both are one source and one
row. For hits of the cache LiteLLM appends a clock of each sink's own to the id; there the id and the millisecond of the
start are the identity. The daily summaries that ``/spend/logs`` gives for dates (`users`, `models`) are sums of rows
and are rejected.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tokenaudit.sources._documents import at, documents, items
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

SPENT = frozenset({"request_id", "spend", "starttime"})
LOGGED = frozenset({"call_type", "response_cost", "starttime"})
SUMMARY = frozenset({"starttime", "spend", "users", "models"})
TEXTS = (
    "request_id", "id", "call_type", "api_key", "model", "model_group", "custom_llm_provider", "user", "team_id",
    "organization_id", "end_user", "session_id", "trace_id", "status", "request_tags", "metadata", "users", "models",
)  # fmt: skip
COUNTS = ("prompt_tokens", "completion_tokens")
METADATA = {
    "email": "user_api_key_user_email",
    "user_id": "user_api_key_user_id",
    "key_alias": "user_api_key_alias",
    "key_hash": "user_api_key_hash",
    "team_alias": "user_api_key_team_alias",
    "key_team": "user_api_key_team_id",
    "key_org": "user_api_key_org_id",
    "project_alias": "user_api_key_project_alias",
    "project_id": "user_api_key_project_id",
}
"""What is taken out of the metadata, beside the usage."""
USED = ("usage_object", "additional_usage_values")
"""Where the usage stands in the metadata."""
INSIDE = "prompt_tokens_details"
PARTS = {
    "cache_read_input_tokens": (f"{INSIDE}.cached_tokens", "cache_read_input_tokens"),
    "written": (f"{INSIDE}.cache_creation_tokens", f"{INSIDE}.cache_write_tokens", "cache_creation_input_tokens"),
    "cache_creation_1h_input_tokens": (f"{INSIDE}.cache_creation_token_details.ephemeral_1h_input_tokens",),
    "audio_input_tokens": (f"{INSIDE}.audio_tokens",),
    "image_input_tokens": (f"{INSIDE}.image_tokens",),
    "audio_output_tokens": ("completion_tokens_details.audio_tokens",),
    "image_output_tokens": ("completion_tokens_details.image_tokens",),
    "reasoning_output_tokens": ("completion_tokens_details.reasoning_tokens",),
    "web_search_requests": ("server_tool_use.web_search_requests", f"{INSIDE}.web_search_requests"),
    **{name: (name,) for name in COUNTS},
}
"""Paths in a usage object; where several are named, LiteLLM writes the same number twice, or 0 once."""
COLUMNS: dict[str, Kind] = {
    "starttime": "instant",
    "cache_hit": "flag",
    **dict.fromkeys(("spend", "response_cost"), "money"),
    **dict.fromkeys((*TEXTS, *METADATA), "text"),
    **dict.fromkeys(COUNTS, "integer"),
    **dict.fromkeys((f"{name} {n}" for name, paths in PARTS.items() for n in range(len(paths))), "integer"),
}


def records(document: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield the calls and the summaries of a page, or the one that a document is."""
    found: list[Any] = [*items(document, "data"), document]
    for item in found:
        row = {key.lower(): value for key, value in item.items()} if isinstance(item, dict) else {}
        if any(names <= row.keys() for names in (SPENT, LOGGED, SUMMARY)):
            yield row | {"starttime": _iso(row["starttime"]), "metadata": None} | _facts(row)


def _iso(value: object) -> object:
    """Return seconds since 1970 as ISO 8601; everything else as it is."""
    try:
        seconds = float(value) if isinstance(value, str | int) else None
        return value if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return value


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the metadata of a JSON record tells, under the names that `_told` gives it in a table."""
    metadata = row.get("metadata")
    if isinstance(metadata, str):
        metadata = next(documents(metadata.encode(), []), None)
    told = {name: at(metadata, path) for name, path in METADATA.items()}
    used = next((found for name in USED if (found := at(metadata, name))), row.get("usage"))
    parts = {f"{name} {n}": at(used, *path.split(".")) for name, paths in PARTS.items() for n, path in enumerate(paths)}
    return told | parts


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each call."""
    import polars as pl

    identity = pl.coalesce("request_id", "id")
    hit = pl.col("cache_hit").fill_null(value=False) | identity.str.contains("_cache_hit", literal=True)
    named = _told(rows.with_columns(call=identity, hit=hit))
    return named.with_columns(**_who(), **_what()).with_columns(
        identity=pl.when("hit").then(_hit_identity()).otherwise("call"),
    )


def _told(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Add what stands in the metadata where that is a text, and count each part once."""
    import polars as pl

    used = rows.with_columns(
        **{name: pl.coalesce(name, _inside("metadata", path)) for name, path in METADATA.items()},
        used=pl.coalesce(_inside("metadata", name) for name in USED),
    )
    parts = {
        name: pl.max_horizontal(
            pl.coalesce(f"{name} {n}", _inside("used", path).cast(pl.Int64, strict=False))
            for n, path in enumerate(paths)
        )
        for name, paths in PARTS.items()
    }
    return used.with_columns(**{f"part {name}": part for name, part in parts.items()})


def _inside(column: str, path: str) -> pl.Expr:
    """Return what stands at a path of a JSON text; null where there is nothing, or no JSON."""
    import polars as pl

    found = pl.col(column).str.json_path_match(f"$.{path}")
    return pl.when(~found.is_in(("", "{}"))).then(found)


def _hit_identity() -> pl.Expr:
    import polars as pl

    asked = pl.col("call").str.replace(r"_cache_hit[\d.]*$", "")
    return pl.concat_str(asked, pl.lit("_cache_hit"), pl.col("starttime").dt.epoch("ms").cast(pl.String))


def _who() -> dict[str, pl.Expr]:
    """Return who called, and where."""
    import polars as pl

    from tokenaudit.sources import expressions

    group, model = pl.col("model_group"), pl.coalesce("model", "model_group")
    labels = {
        "end_user": pl.col("end_user"),
        "organization": pl.coalesce("organization_id", "key_org"),
        "request_tags": pl.col("request_tags")
        .str.extract_all(r'"(?:[^"\\]|\\.)*"')
        .list.join(",")
        .str.replace_all('"', ""),
        "model_group": pl.when(group != model).then(group),
        "call_type": pl.col("call_type"),
        "status": pl.when(pl.col("status") != "success").then("status"),
        "cache_hit": pl.when("hit").then(pl.lit("true")),
    }
    filled = {label: pl.when(value != "").then(value) for label, value in labels.items()}
    return {
        "user": pl.coalesce("email", "user", "user_id"),
        "api_key": pl.coalesce("key_alias", "api_key", "key_hash"),
        "workspace": pl.coalesce("team_alias", "team_id", "key_team"),
        "project": pl.coalesce("project_alias", "project_id"),
        "session": pl.coalesce("session_id", "trace_id"),
        "tags": expressions.tags(filled),
    }


def _what() -> dict[str, pl.Expr]:
    """Return what was called, the disjoint classes, money and faults."""
    import polars as pl

    from tokenaudit.sources import _litellm, expressions

    kind, model = pl.col("call_type").str.to_lowercase(), pl.coalesce("model", "model_group")
    cost = pl.coalesce("spend", "response_cost")
    faults = {
        "a daily summary, whose rows count by themselves: export them with summarize=false": pl.col(
            "users"
        ).is_not_null(),
        "no id of the call": pl.col("call").is_null(),
        "no startTime": pl.col("starttime").is_null(),
    }
    return {
        "charge_period_start": pl.col("starttime"),
        "provider": _litellm.provider(pl.col("custom_llm_provider"), model),
        "request_model": model,
        "batch": kind.str.contains("retrieve_batch").fill_null(value=False),
        "requests": (~kind.str.contains("mcp").fill_null(value=False)).cast(pl.Int64),
        **{name: pl.when("hit").then(0).otherwise(value) for name, value in _classes().items()},
        "reported_cost": pl.when("hit").then(0).otherwise(cost),
        "reject": expressions.first_reason(faults),
    }


def _classes() -> dict[str, pl.Expr]:
    import polars as pl

    from tokenaudit.sources import _litellm

    part = {name: pl.col(f"part {name}").fill_null(0) for name in PARTS}
    prompt, completion = (pl.coalesce(name, f"part {name}", 0) for name in COUNTS)
    long = part["cache_creation_1h_input_tokens"]
    inputs = {
        "cache_read_input_tokens": part["cache_read_input_tokens"],
        "cache_creation_5m_input_tokens": pl.max_horizontal(part["written"] - long, 0),
        "cache_creation_1h_input_tokens": long,
        "audio_input_tokens": part["audio_input_tokens"],
        "image_input_tokens": part["image_input_tokens"],
    }
    text = pl.max_horizontal(completion - part["audio_output_tokens"] - part["image_output_tokens"], 0)
    outputs = {name: part[name] for name in ("audio_output_tokens", "image_output_tokens", "web_search_requests")}
    return {
        "uncached_input_tokens": _litellm.uncached(prompt, inputs.values()),
        **inputs,
        "output_tokens": text,
        "reasoning_output_tokens": pl.min_horizontal(part["reasoning_output_tokens"], text),
        **outputs,
    }


SOURCE = Table(
    name="litellm-spend-logs",
    title="LiteLLM spend logs and logging payloads",
    provider=None,
    merge="largest",
    authority="gateway",
    rules=2,
    columns=COLUMNS,
    signatures=(SPENT, LOGGED, SUMMARY),
    records=records,
    usage=usage,
    known="a dump of LiteLLM_SpendLogs, GET /spend/logs/v2, or the S3 or GCS bucket of the proxy's logs",
    tells="every call through the proxy with user, key, team, project, tags, model and token classes",
    lacks="what the provider charged: spend is computed by LiteLLM",
)
