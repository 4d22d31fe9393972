"""OpenAI dashboard usage export (`completions_usage_*.csv` and its sisters): tokens and requests, no money.

Generations read: 2025 (24 columns), 2026 (26 columns, with cache writes and compute units), the embeddings and
moderations exports, exports that count images, characters, seconds or searches, spreadsheet copies (TSV, ``FALSE``)
and the empty export, whose four columns say nothing but which buckets are empty.

Classes. `input_tokens` includes what was read from and written to a cache; `input_audio_tokens` and
`input_image_tokens` count uncached input only. So text input is the rest of `input_tokens`, which makes the classes add
up to it; a row whose parts exceed it is rejected. Cache writes of unnamed life stand in the 5-minute class. Epoch
columns tell the time: the ISO columns name a zone in some rows and none in others.

`default` is the tier ``standard``. ``incentivized-tier`` is paid for with shared data: its cost is `included`. Images,
characters and seconds have no token class, so such rows are ``unpriced`` rather than free.

What replaces what. The file does not name its organisation, only projects, which belong to one organisation each. The
identity is therefore a bucket of one project in one kind of report. A later or corrected download of an organisation
replaces its projects' buckets, whole; two organisations' files of the same days share no project and both count. A
file speaks for every project it names in every bucket it covers: a bucket without rows of a project is a blank row
that empties what an older download has there. Equal rows of one bucket are different things and all count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources.source import Empty, Kind, Table

if TYPE_CHECKING:
    import polars as pl

COUNTS = (
    "num_model_requests", "num_requests", "input_tokens", "output_tokens", "input_cached_tokens",
    "input_uncached_tokens", "input_cache_write_tokens", "input_cache_write_30m_tokens",
    "input_cache_write_12h_tokens", "input_audio_tokens", "input_cached_audio_tokens", "input_image_tokens",
    "input_cached_image_tokens", "output_audio_tokens", "output_image_tokens",
)  # fmt: skip
UNITS = ("images", "characters", "seconds")
"""What other kinds of report count, and the price book has no rate for."""
COLUMNS: dict[str, Kind] = {
    "start_time": "epoch",
    "end_time": "epoch",
    **dict.fromkeys(("project_id", "user_id", "api_key_id", "model", "service_tier", "api_source"), "text"),
    "batch": "flag",
    **dict.fromkeys(COUNTS, "integer"),
    **dict.fromkeys(UNITS, "money"),
}
SHARED_DATA = "incentivized-tier"
EMPTY = frozenset({"start_time", "end_time", "start_time_iso", "end_time_iso"})


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give usage rows with disjoint classes, and blank rows for the buckets that are empty."""
    import polars as pl

    from tokenaudit.sources import expressions

    counted = rows.with_columns(
        charge_period_start=pl.col("start_time"),
        charge_period_end=pl.col("end_time"),
        granularity=expressions.granularity(pl.col("start_time"), pl.col("end_time")),
        project=pl.col("project_id"),
        workspace=pl.col("project_id"),
        user=pl.col("user_id"),
        api_key=pl.col("api_key_id"),
        request_model=pl.col("model"),
        tags=expressions.tags({"api_source": pl.col("api_source")}),
        kind=_kind(),
        blank=pl.all_horizontal(pl.exclude("line", "start_time", "end_time").is_null()),
        reject=pl.when(_parts() > _input()).then(pl.lit("input_tokens is less than the sum of its parts")),
        cost_basis=_cost_basis(),
        service_tier=pl.col("service_tier").replace("default", "standard"),
        **_classes(),
    )
    named = expressions.declare_blanks(counted, ("kind", "project", "workspace"))
    return named.with_columns(identity=expressions.joined(("kind", "project", *expressions.BUCKET)))


def _classes() -> dict[str, pl.Expr]:
    """Return the disjoint classes and the counts of requests."""
    from tokenaudit.sources.expressions import number

    cached_parts = number("input_cached_audio_tokens") + number("input_cached_image_tokens")
    named_life = number("input_cache_write_30m_tokens") + number("input_cache_write_12h_tokens")
    other_output = number("output_audio_tokens") + number("output_image_tokens")
    return {
        "uncached_input_tokens": _input() - _parts(),
        "cache_read_input_tokens": number("input_cached_tokens") - cached_parts,
        "cache_creation_5m_input_tokens": _written() - named_life,
        "cache_creation_30m_input_tokens": number("input_cache_write_30m_tokens"),
        "cache_creation_12h_input_tokens": number("input_cache_write_12h_tokens"),
        "audio_input_tokens": number("input_audio_tokens"),
        "cache_read_audio_input_tokens": number("input_cached_audio_tokens"),
        "image_input_tokens": number("input_image_tokens"),
        "cache_read_image_input_tokens": number("input_cached_image_tokens"),
        "output_tokens": number("output_tokens") - other_output,
        "audio_output_tokens": number("output_audio_tokens"),
        "image_output_tokens": number("output_image_tokens"),
        "requests": number("num_model_requests"),
        "web_search_requests": number("num_requests"),
    }


def _written() -> pl.Expr:
    """Return all input written to a cache, of whatever life."""
    import polars as pl

    from tokenaudit.sources.expressions import number

    named_life = number("input_cache_write_30m_tokens") + number("input_cache_write_12h_tokens")
    return pl.coalesce("input_cache_write_tokens", named_life)


def _parts() -> pl.Expr:
    """Return all input that is not uncached text."""
    from tokenaudit.sources.expressions import number

    return number("input_cached_tokens") + _written() + number("input_audio_tokens") + number("input_image_tokens")


def _input() -> pl.Expr:
    """Return all input, from its own column or else from its three parts."""
    import polars as pl

    from tokenaudit.sources.expressions import number

    return pl.coalesce("input_tokens", number("input_uncached_tokens") + number("input_cached_tokens") + _written())


def _kind() -> pl.Expr:
    """Return the kind of report a row is from, by what it counts."""
    import polars as pl

    return (
        pl.when(pl.col("output_tokens").is_not_null())
        .then(pl.lit("completions"))
        .when(pl.col("num_requests").is_not_null())
        .then(pl.lit("searches"))
        .when(pl.any_horizontal(pl.col(UNITS).is_not_null()))
        .then(pl.lit("media"))
        .when(pl.col("model").str.contains("moderation"))
        .then(pl.lit("moderations"))
        .otherwise(pl.lit("embeddings"))
    )


def _cost_basis() -> pl.Expr:
    import polars as pl

    return (
        pl.when(pl.col("service_tier") == SHARED_DATA)
        .then(pl.lit("included"))
        .when(pl.col("output_tokens").is_null() & pl.any_horizontal(pl.col(UNITS).is_not_null()))
        .then(pl.lit("unpriced"))
    )


SOURCE = Table(
    name="openai-usage",
    title="OpenAI usage export",
    provider="openai",
    merge="newest",
    authority="usage",
    columns=COLUMNS,
    signatures=(frozenset({"start_time", "num_model_requests"}),),
    empty=Empty(EMPTY, r"^(?!.*cost)"),
    usage=usage,
    known="platform.openai.com > Usage > Export: completions_usage_<from>_<to>.csv",
    tells="tokens and requests by minute, hour or day, project, user, API key and model",
    lacks="money; which organisation it is of",
)
