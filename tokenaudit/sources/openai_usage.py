"""OpenAI usage: the dashboard's export (`completions_usage_*.csv` and its sisters) and pages of the organization API.

Generations read: 2025 (24 columns), 2026 (26 columns, with cache writes and compute units), the embeddings and
moderations exports, exports that count images, characters, seconds, searches, sessions or bytes, spreadsheet copies
(TSV, ``FALSE``) and the empty export, whose four columns say nothing but which buckets are empty. Answers of
``/v1/organization/usage/...`` of every kind: one page or several, lists of their buckets, and the older `result` for
`results`. Usage and costs belong in files of their own: a costs result in a file of usage is rejected.

Classes. `input_tokens` includes what was read from and written to a cache; `input_audio_tokens` and
`input_image_tokens` count uncached input only. So text input is the rest of `input_tokens`, which makes the classes add
up to it; a row whose parts exceed it is rejected. Cache writes of unnamed life stand in the 5-minute class. Epoch
columns tell the time: the ISO columns name a zone in some rows and none in others.

`default` is the tier ``standard``. ``incentivized-tier`` is paid for with shared data: its cost is `included`. Images,
characters, seconds, sessions, bytes and file searches have no token class: they stay as tags, and such rows are
``unpriced`` rather than free. The model requests of a web search are those of the completions, and count there.

What replaces what. No file names its organisation, only projects, which belong to one organisation each. The
identity is therefore a bucket of one project in one kind of report, and a page and a download of it are the same. A
later or corrected one replaces its projects' buckets, whole; two organisations' files of the same days share no
project and both count. A file speaks for every project it names in every bucket it covers: a bucket without rows of
a project is a blank row that empties what an older download has there. Equal rows of one bucket are different things
and all count.

Pages may be appended to one file day by day: of several that hold a bucket, the one that goes on longest tells it.
Three things decide before newness does. A page begins and ends at the second that was asked for: of a bucket that is
cut off, the longest piece stands. Rows that name models stand before those of a page that was not grouped by model.
And rows that name projects stand before those of a page that was not grouped by project, which are taken to be of the
only organisation there is: several organisations need pages grouped by project. Buckets of unlike width are different
things: keep to hours or to days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources._openai_pages import EXACTNESS, PAGE_END, TIMES, bucketed, newest_pages, placed, results
from tokenaudit.sources.source import Empty, Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

COUNTS = (
    "num_model_requests", "num_requests", "input_tokens", "output_tokens", "input_cached_tokens",
    "input_uncached_tokens", "input_cache_write_tokens", "input_cache_write_30m_tokens",
    "input_cache_write_12h_tokens", "input_audio_tokens", "input_cached_audio_tokens", "input_image_tokens",
    "input_cached_image_tokens", "output_audio_tokens", "output_image_tokens",
)  # fmt: skip
UNITS = {
    "images": "images",
    "characters": "audio_speeches",
    "seconds": "audio_transcriptions",
    "usage_bytes": "vector_stores",
    "num_sessions": "code_interpreter_sessions",
}
"""What other kinds of report count, and the price book has no rate for."""
FILE_SEARCHES, WEB_SEARCHES = "file_searches", "web_searches"
LABELS = ("api_source", "size", "source", "context_level", "vector_store_id")
WHO = ("project_id", "user_id", "api_key_id", "model", "service_tier")
COLUMNS: dict[str, Kind] = {
    **dict.fromkeys(("start_time", "end_time", PAGE_END), "epoch"),
    **dict.fromkeys(("object", *WHO, *LABELS), "text"),
    "batch": "flag",
    **dict.fromkeys(COUNTS, "integer"),
    **dict.fromkeys(UNITS, "money"),
}
PREFIX, SUFFIX = "organization.usage.", ".result"
SHARED_DATA = "incentivized-tier"
EMPTY = frozenset({"start_time", "end_time", "start_time_iso", "end_time_iso"})


def records(document: object) -> Iterator[dict[str, Any]]:
    """Yield the results of a page of usage, with the names that the columns of a download have."""
    return results(document, PREFIX)


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give usage rows with disjoint classes, and blank rows for the buckets that are empty."""
    import polars as pl

    from tokenaudit.sources import expressions

    counted = bucketed(rows.with_columns(kind=_kind())).with_columns(
        project=pl.col("project_id"),
        workspace=pl.col("project_id"),
        user=pl.col("user_id"),
        api_key=pl.col("api_key_id"),
        request_model=pl.col("model"),
        tags=_tags(),
        blank=pl.all_horizontal(pl.col(name).is_null() for name in COLUMNS if name not in TIMES),
        reject=_reject(),
        cost_basis=_cost_basis(),
        service_tier=pl.col("service_tier").replace("default", "standard"),
        **_classes(),
    )
    whole = {"project": pl.lit(None, pl.String), "workspace": pl.lit(None, pl.String)}
    named = placed(expressions.declare_blanks(counted, ("kind", "project", "workspace"), [whole]))
    bucket = expressions.joined(("kind", "project", "bucket_start", "bucket_end"))
    return newest_pages(named.with_columns(identity=bucket)).with_columns(origin_rank=_rank())


def _rank() -> pl.Expr:
    """Return how much less than the best a file tells of a bucket: how long it is, its models, its project."""
    import polars as pl

    no_model = (pl.col("request_model").is_null() & ~pl.col("blank")).all().over("identity")
    no_project = pl.col("project").is_null().all()
    return EXACTNESS * pl.col("missing") + 4 * no_model.cast(pl.Int64) + 2 * no_project.cast(pl.Int64)


def _reject() -> pl.Expr:
    import polars as pl

    from tokenaudit.sources.expressions import first_reason

    foreign = ~pl.col("object").str.starts_with(PREFIX)
    reasons = {
        "a result of another report: keep costs and usage in files of their own": foreign,
        "input_tokens is less than the sum of its parts": _parts() > _input(),
    }
    return first_reason(reasons)


def _tags() -> pl.Expr:
    """Return the labels of a row and what it counts beside tokens."""
    import polars as pl

    from tokenaudit.sources.expressions import tags

    units = {name: pl.col(name).cast(pl.String).str.replace(r"\.?0+$", "") for name in UNITS}
    searches = {"file_search_requests": pl.when(pl.col("kind") == FILE_SEARCHES).then("num_requests")}
    return tags({label: pl.col(label) for label in LABELS} | units | searches)


def _classes() -> dict[str, pl.Expr]:
    """Return the disjoint classes and the counts of requests."""
    import polars as pl

    from tokenaudit.sources.expressions import number

    searches = pl.col("kind") == WEB_SEARCHES
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
        "requests": pl.when(searches).then(0).otherwise(number("num_model_requests")),
        "web_search_requests": pl.when(searches).then(number("num_requests")).otherwise(0),
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
    """Return the kind of report a row is from: as a page names it, else by what it counts."""
    import polars as pl

    counted = [pl.when(pl.col(unit).is_not_null()).then(pl.lit(kind)) for unit, kind in UNITS.items()]
    searches = (
        pl.when(pl.col("num_model_requests").is_null()).then(pl.lit(FILE_SEARCHES)).otherwise(pl.lit(WEB_SEARCHES))
    )
    return pl.coalesce(
        pl.col("object").str.strip_prefix(PREFIX).str.strip_suffix(SUFFIX),
        pl.when(pl.col("output_tokens").is_not_null()).then(pl.lit("completions")),
        pl.when(pl.col("num_requests").is_not_null()).then(searches),
        *counted,
        pl.when(pl.col("model").str.contains("moderation")).then(pl.lit("moderations")),
        pl.lit("embeddings"),
    )


def _cost_basis() -> pl.Expr:
    import polars as pl

    return (
        pl.when(pl.col("service_tier") == SHARED_DATA)
        .then(pl.lit("included"))
        .when(pl.col("kind").is_in([FILE_SEARCHES, *UNITS.values()]))
        .then(pl.lit("unpriced"))
    )


SOURCE = Table(
    name="openai-usage",
    title="OpenAI usage export and API",
    provider="openai",
    merge="newest",
    authority="usage",
    columns=COLUMNS,
    signatures=(
        frozenset({"start_time", "num_model_requests"}),
        frozenset({"start_time", "project_id", "num_requests", "vector_store_id"}),
        frozenset({"start_time", "project_id", "num_sessions"}),
        frozenset({"start_time", "project_id", "usage_bytes"}),
    ),
    empty=Empty(EMPTY, r"^(?!.*cost)"),
    records=records,
    usage=usage,
    rules=2,
    known="platform.openai.com > Usage > Export, or pages of GET /v1/organization/usage/{completions,...}",
    tells="tokens and requests by minute, hour or day, project, user, API key and model",
    lacks="money; which organisation it is of",
)
