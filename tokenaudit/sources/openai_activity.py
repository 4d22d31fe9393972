"""OpenAI's older activity export (`activity-<from>-<to>.csv`, until 2025): tokens and requests, no money.

Generations read: 2023 (9 columns, `n_requests`) and 2024 to 2025 (23 columns: API keys, projects, cached and audio
tokens, images, characters). Columns that are missing are read as nothing. Other tables that borrow these names are not
read: a file names its `organization_id`.

Classes. `n_context_tokens_total` includes what was read from a cache and audio, `n_generated_tokens_total` includes
audio; a row whose parts exceed its whole is rejected. Images and characters have no token class: they stay as tags, and
rows without tokens are ``unpriced`` rather than free. A `request_type` that says so makes a row a batch.

Time. `timestamp` is the start of a bucket, in seconds; nothing tells its width. It is the widest of a day, an hour,
five minutes and a minute that all timestamps of the file are multiples of.

What replaces what. A file holds whole days of an organisation, in buckets of five minutes (2023) or of a day. So the
identity is a day of an organisation: a newer download replaces it whole, whatever its buckets. Equal rows of a file are
different things and all count. The newer exports of the same days (`openai-usage`) hold the same tokens: keep one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

CONTEXT, GENERATED = "n_context_tokens_total", "n_generated_tokens_total"
CACHED, AUDIO_IN, AUDIO_OUT = (
    "n_cached_context_tokens_total", "n_context_audio_tokens_total", "n_generated_audio_tokens_total",
)  # fmt: skip
COUNTS = (CONTEXT, GENERATED, CACHED, AUDIO_IN, AUDIO_OUT, "num_requests", "n_requests", "num_images", "num_characters")
TEXTS = (
    "organization_id", "operation", "api_key_id", "api_key_name", "project_id", "project_name", "request_type",
    "usage_type", "model", "user", "image_size",
)  # fmt: skip
COLUMNS: dict[str, Kind] = {
    "timestamp": "epoch",
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(COUNTS, "integer"),
}
LABELS = {
    "operation": "operation",
    "usage_type": "usage_type",
    "request_type": "request_type",
    "images": "num_images",
    "image_size": "image_size",
    "characters": "num_characters",
}
WIDTHS = (86_400, 3_600, 300, 60)


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each bucket of a model, user and key."""
    import polars as pl

    from tokenaudit.sources import expressions
    from tokenaudit.sources.expressions import number

    start = pl.col("timestamp")
    end = start + pl.duration(seconds=_width(start))
    parts = {"context tokens": number(CACHED) + number(AUDIO_IN), "generated tokens": number(AUDIO_OUT)}
    wholes = {"context tokens": number(CONTEXT), "generated tokens": number(GENERATED)}
    return rows.with_columns(
        charge_period_start=start,
        charge_period_end=end,
        granularity=expressions.granularity(start, end),
        account=pl.col("organization_id"),
        workspace=pl.col("project_id"),
        project=pl.coalesce("project_name", "project_id"),
        api_key=pl.coalesce("api_key_name", "api_key_id"),
        request_model=pl.col("model"),
        batch=pl.col("request_type").str.to_lowercase().str.contains("batch"),
        uncached_input_tokens=wholes["context tokens"] - parts["context tokens"],
        cache_read_input_tokens=number(CACHED),
        audio_input_tokens=number(AUDIO_IN),
        output_tokens=wholes["generated tokens"] - parts["generated tokens"],
        audio_output_tokens=number(AUDIO_OUT),
        requests=pl.coalesce("num_requests", "n_requests", 0),
        tags=expressions.tags({label: pl.col(name) for label, name in LABELS.items()}),
        cost_basis=pl.when(pl.sum_horizontal(wholes.values()) == 0).then(pl.lit("unpriced")),
        day=expressions.microseconds(start.dt.truncate("1d")),
        reject=expressions.first_reason(
            {f"{name} are less than the sum of their parts": parts[name] > wholes[name] for name in wholes}
        ),
    ).with_columns(identity=expressions.joined(("account", "day")))


def _width(start: pl.Expr) -> pl.Expr:
    """Return the seconds of all buckets of a file; 0, an instant, where they start anywhere."""
    import polars as pl

    seconds = start.dt.epoch("s")
    return pl.coalesce(*(pl.when((seconds % width == 0).all()).then(width) for width in WIDTHS), 0)


SOURCE = Table(
    name="openai-activity",
    title="OpenAI activity export (until 2025)",
    provider="openai",
    merge="newest",
    authority="usage",
    columns=COLUMNS,
    signatures=(frozenset({"organization_id", "timestamp", "model", CONTEXT, GENERATED}),),
    usage=usage,
    known="platform.openai.com > Usage > Activity > Export, until 2025: activity-<from>-<to>.csv",
    tells="tokens and requests by bucket, project, user, API key and model",
    lacks="money",
)
