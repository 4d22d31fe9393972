"""OpenRouter activity by day and model: the aggregated CSV and ``/api/v1/activity`` (JSON).

Read are the CSV (`Date`, `Slug`, `Usage`, `BYOK Usage`, `Requests` and three token columns, every cell quoted) and the
answer of the API (`model`, `provider_name`, `endpoint_id`, since 2026 `cached_tokens` and `workspace_id`). The date is
a UTC day, with or without ``00:00:00``. The API covers the last 30 completed days; today is never in it.

Classes. Prompt includes what was read from a cache; only the JSON says how much. It may say more than the prompt has:
then the whole prompt was read from a cache. Completion includes reasoning.

Money. OpenRouter sells the calls itself, so `Usage` (JSON: `usage`) is the bill, in US dollars. `BYOK Usage` is what
calls on own keys cost at the model's vendor: it is on that vendor's bill, so here it is the reported cost, compared and
never counted.

What replaces what. Nothing in a file says whose it is, and the two shapes cut a day differently (by model; by endpoint
and workspace). The identity is the day, and a newer file replaces it whole. So keep the files of two accounts in two
stores, or take their generations, which have ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources._documents import flat, items
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

FORMS = {
    "model": ("slug", "model", "model_permaslug"),
    "elsewhere": ("byok usage", "byok_usage_inference"),
    "prompt": ("prompt tokens", "prompt_tokens"),
    "completion": ("completion tokens", "completion_tokens"),
    "reasoning": ("reasoning tokens", "reasoning_tokens"),
    "cached": ("cached tokens", "cached_tokens"),
}
"""What the two shapes call the same thing."""
KINDS: dict[str, Kind] = {"model": "text", "elsewhere": "money"}
COLUMNS: dict[str, Kind] = {
    "date": "instant",
    "usage": "money",
    "requests": "integer",
    **{name: KINDS.get(thing, "integer") for thing, names in FORMS.items() for name in names},
    **dict.fromkeys(("provider_name", "endpoint_id", "workspace_id"), "text"),
}
ITEM = frozenset({"date", "model_permaslug", "byok_usage_inference"})


def records(document: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield the days of a page, or a day by itself."""
    found: list[Any] = [*items(document, "data"), document]
    for item in found:
        if isinstance(item, dict) and item.keys() >= ITEM:
            yield from flat(item)


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each line."""
    import polars as pl

    from tokenaudit.sources import expressions

    form = {thing: pl.coalesce(names) for thing, names in FORMS.items()}
    prompt, completion = form["prompt"].fill_null(0), form["completion"].fill_null(0)
    cached = pl.min_horizontal(form["cached"].fill_null(0), prompt)
    faults = {"no date": pl.col("date").is_null(), "no usage": pl.col("usage").is_null()}
    return rows.with_columns(
        charge_period_start=pl.col("date"),
        charge_period_end=pl.col("date") + pl.duration(days=1),
        granularity=pl.lit("day"),
        workspace=pl.col("workspace_id"),
        request_model=form["model"],
        uncached_input_tokens=prompt - cached,
        cache_read_input_tokens=cached,
        output_tokens=completion,
        reasoning_output_tokens=pl.min_horizontal(form["reasoning"].fill_null(0), completion),
        billed_cost=pl.col("usage"),
        reported_cost=pl.when(form["elsewhere"] > 0).then(form["elsewhere"]),
        cost_basis=pl.lit("billed"),
        tags=expressions.tags({name: pl.col(name) for name in ("provider_name", "endpoint_id")}),
        reject=expressions.first_reason(faults),
    )


SOURCE = Table(
    name="openrouter-activity",
    title="OpenRouter activity",
    provider="openrouter",
    merge="newest",
    authority="bill",
    columns=COLUMNS,
    signatures=(frozenset({"date", "slug", "usage", "byok usage"}), ITEM),
    records=records,
    usage=usage,
    identity=("charge_period_start", "charge_period_end"),
    known="openrouter.ai > Activity > Export, or GET /api/v1/activity with a management key",
    tells="what OpenRouter charged by day and model, with requests and tokens",
    lacks="who used it; cache reads in the CSV; which account it is of",
)
