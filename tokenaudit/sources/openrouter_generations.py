"""OpenRouter generations: one row a call, from the log export (CSV) or from ``/api/v1/generation`` (JSON).

Read are the CSV of 2026 (`generation_id`, `created_at` in UTC without a zone, `cost_total`) and what the API answers
for one generation (`data`, with or without that envelope, alone, in an array or one a line). Both name a generation by
the same id.

Classes. Prompt includes what was read from a cache; completion includes reasoning and image tokens. The JSON counts
twice: `native_tokens_*` with the model's own tokenizer, by which the call is paid, and `tokens_*` normalised. The first
are taken, the second only where the first are not there, as in the CSV. A cache read is never more than the prompt.

Money. OpenRouter sells the call itself, so `cost_total` (JSON: `total_cost`) is the bill, in US dollars, with web
search and file processing in it. On an own key (BYOK) it is OpenRouter's fee only: what the model's vendor charges is
on that vendor's bill. `byok_usage_inference` (JSON: `upstream_inference_cost`) is such money paid elsewhere; it is the
reported cost, compared and never counted. The provider is ``openrouter``; who answered stays as a tag.

What replaces what. The id of the generation. Rows with one id are one, with the larger of each count, whether they come
from two exports, from a poll that asked twice, or from the CSV and the API. Of the last two the CSV says who and
where: it knows the API key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources._documents import at, flat, items
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

TOKENS = ("prompt", "completion", "reasoning", "cached")
NATIVE = "native_tokens_completion_images"
TEXTS = (
    "generation_id", "id", "model_permaslug", "model", "variant", "provider_name", "user", "external_user",
    "api_key_name", "app_name", "session_id", "workspace_id", "service_tier", "data_region",
)  # fmt: skip
MONEY = ("cost_total", "total_cost", "byok_usage_inference", "upstream_inference_cost")
COLUMNS: dict[str, Kind] = {
    "created_at": "instant",
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys((f"{prefix}tokens_{name}" for name in TOKENS for prefix in ("", "native_")), "integer"),
    NATIVE: "integer",
    **dict.fromkeys(MONEY, "money"),
    "is_byok": "flag",
}


def records(document: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield the generations of what the API answered."""
    for item in items(document, "data") or (at(document, "data"), document):
        if str(at(item, "id")).startswith("gen-") and {"native_tokens_prompt", "total_cost"} <= item.keys():
            yield from flat(item)


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each generation."""
    import polars as pl

    from tokenaudit.sources import expressions

    labels = {"provider_name": "provider_name", "variant": "variant", "app": "app_name"}
    identity, created = pl.coalesce("generation_id", "id"), pl.col("created_at")
    return rows.with_columns(
        **_tokens(),
        **_money(),
        charge_period_start=created,
        user=pl.coalesce("user", "external_user"),
        api_key=pl.col("api_key_name"),
        session=pl.col("session_id"),
        workspace=pl.col("workspace_id"),
        request_model=_model(),
        region=pl.when(pl.col("data_region") != "global").then("data_region"),
        requests=pl.lit(1),
        tags=expressions.tags({label: pl.col(name) for label, name in labels.items()}),
        origin_rank=pl.col("generation_id").is_null().cast(pl.Int64),
        identity=identity,
        reject=expressions.first_reason({"no generation_id": identity.is_null(), "no created_at": created.is_null()}),
    )


def _model() -> pl.Expr:
    """Return the model with the variant it was bought as, as OpenRouter writes it: ``vendor/model:free``."""
    import polars as pl

    model, variant = pl.coalesce("model_permaslug", "model"), pl.col("variant")
    bought = (variant != "standard") & ~model.str.contains(":", literal=True)
    return pl.when(bought).then(pl.format("{}:{}", model, variant)).otherwise(model)


def _tokens() -> dict[str, pl.Expr]:
    """Return the disjoint classes."""
    import polars as pl

    counted = {name: pl.coalesce(f"native_tokens_{name}", f"tokens_{name}", 0) for name in TOKENS}
    prompt, completion = counted["prompt"], counted["completion"]
    cached = pl.min_horizontal(counted["cached"], prompt)
    images = pl.min_horizontal(pl.col(NATIVE).fill_null(0), completion)
    return {
        "uncached_input_tokens": prompt - cached,
        "cache_read_input_tokens": cached,
        "output_tokens": completion - images,
        "image_output_tokens": images,
        "reasoning_output_tokens": pl.min_horizontal(counted["reasoning"], completion - images),
    }


def _money() -> dict[str, pl.Expr]:
    """Return what OpenRouter charged, and what was paid elsewhere on an own key."""
    import polars as pl

    charged = pl.coalesce("cost_total", "total_cost")
    upstream = pl.when(pl.col("is_byok")).then("upstream_inference_cost")
    elsewhere = pl.coalesce("byok_usage_inference", upstream)
    return {
        "billed_cost": charged,
        "cost_basis": pl.when(charged.is_not_null()).then(pl.lit("billed")),
        "reported_cost": pl.when(elsewhere > 0).then(elsewhere),
    }


SOURCE = Table(
    name="openrouter-generations",
    title="OpenRouter generations",
    provider="openrouter",
    merge="largest",
    authority="usage",
    columns=COLUMNS,
    signatures=(
        frozenset({"generation_id", "cost_total", "created_at"}),
        frozenset({"id", "total_cost", "native_tokens_prompt", "created_at"}),
    ),
    absent=frozenset({"native_tokens_cache_creation", "billable_web_search_calls"}),
    records=records,
    usage=usage,
    known="openrouter.ai > Logs or Activity > Export: openrouter_activity_<date>.csv; or /api/v1/generation?id=",
    tells="every call with its tokens, what OpenRouter charged, API key, application, user and upstream vendor",
    lacks="cache writes; what a vendor charges on your own key",
)
