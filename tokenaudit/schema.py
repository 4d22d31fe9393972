"""The one table that everything is read into: usage rows, and the money that charges add.

A usage row is one billable thing, counted once. Token classes are disjoint: their sum is the total.
Money is exact decimal text in files and ``Decimal(38, 18)`` in memory, never a binary float.
`dtype` names are those of polars; this module itself does not import it, so that the command line stays quick.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import polars as pl

TIMES = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Usage at any other time is a mistake."""
VERSION = 1
"""Version of the physical schema of a segment."""


class Column(NamedTuple):
    """One column of the usage table."""

    name: str
    dtype: str
    unit: str
    meaning: str
    standard: str = ""
    """The name in FOCUS (money, scope) or OpenTelemetry GenAI (usage), where one exists."""


USAGE: tuple[Column, ...] = (
    # -- identity and provenance
    Column(
        "response_id",
        "Int64",
        "id",
        "stable hash of the provider's id of the call, or of the source's own key",
        "gen_ai.response.id",
    ),
    Column("source", "Categorical", "name", "file format the row was read from"),
    Column("file_id", "Int64", "id", "file the row was read from, see the ledger"),
    Column("line", "Int64", "line", "line of that file, from 1"),
    # -- time (UTC, half-open)
    Column("charge_period_start", "Datetime", "UTC", "instant of an event, or start of a bucket", "ChargePeriodStart"),
    Column(
        "charge_period_end",
        "Datetime",
        "UTC",
        "end of a bucket, exclusive; equal to the start for an event",
        "ChargePeriodEnd",
    ),
    Column("granularity", "Categorical", "name", "request, minute, hour, day, month or period"),
    # -- who and where
    Column("user", "Categorical", "name", "person or service account", "user.id"),
    Column("api_key", "Categorical", "name", "name or id of the API key"),
    Column(
        "project", "Categorical", "name", "repository, or last part of the working directory, or provider's project"
    ),
    Column("project_path", "Categorical", "path", "working directory as logged"),
    Column("workspace", "Categorical", "name", "provider's workspace", "SubAccountName"),
    Column("account", "Categorical", "name", "provider's organisation or billing account", "BillingAccountId"),
    Column("session", "Categorical", "id", "conversation, thread or session", "gen_ai.conversation.id"),
    Column("tags", "Categorical", "json", "other labels, as a JSON object of strings", "Tags"),
    # -- what
    Column("provider", "Categorical", "name", "who sold the tokens", "gen_ai.provider.name"),
    Column("request_model", "Categorical", "name", "model as logged", "gen_ai.request.model"),
    Column("service_tier", "Categorical", "name", "standard, flex, priority, ...", "gen_ai.response.service_tier"),
    Column("speed", "Categorical", "name", "standard or fast"),
    Column("region", "Categorical", "name", "geography of inference where it changes the price", "RegionId"),
    Column("batch", "Boolean", "", "sent through a batch API"),
    # -- tokens: disjoint classes
    Column("uncached_input_tokens", "Int64", "tokens", "text input neither read from nor written to a cache"),
    Column(
        "cache_read_input_tokens",
        "Int64",
        "tokens",
        "text input read from a cache",
        "gen_ai.usage.cache_read.input_tokens",
    ),
    Column(
        "cache_creation_5m_input_tokens",
        "Int64",
        "tokens",
        "input written to a 5-minute cache (or one of unnamed life)",
        "gen_ai.usage.cache_creation.input_tokens",
    ),
    Column("cache_creation_30m_input_tokens", "Int64", "tokens", "input written to a 30-minute cache"),
    Column("cache_creation_1h_input_tokens", "Int64", "tokens", "input written to a 1-hour cache"),
    Column("cache_creation_12h_input_tokens", "Int64", "tokens", "input written to a 12-hour cache"),
    Column("audio_input_tokens", "Int64", "tokens", "uncached audio input"),
    Column("cache_read_audio_input_tokens", "Int64", "tokens", "audio input read from a cache"),
    Column("image_input_tokens", "Int64", "tokens", "uncached image input"),
    Column("cache_read_image_input_tokens", "Int64", "tokens", "image input read from a cache"),
    Column(
        "output_tokens", "Int64", "tokens", "text output, reasoning included, as recorded", "gen_ai.usage.output_tokens"
    ),
    Column("audio_output_tokens", "Int64", "tokens", "audio output"),
    Column("image_output_tokens", "Int64", "tokens", "image output"),
    # -- tokens: parts and estimates, never added to the classes
    Column(
        "reasoning_output_tokens",
        "Int64",
        "tokens",
        "part of output_tokens spent on reasoning",
        "gen_ai.usage.reasoning.output_tokens",
    ),
    Column(
        "estimated_output_tokens",
        "Int64",
        "tokens",
        "output_tokens, or the estimate where only a placeholder was recorded and the estimate is larger",
    ),
    Column(
        "output_parts",
        "List(Int64)",
        "",
        "per log line of an unfinished response: 32-bit line hash and estimated milli-tokens (31 bits)",
    ),
    Column("finalized", "Boolean", "", "the log holds the response's final token counts"),
    Column("tokens_basis", "Categorical", "name", "reported by the provider or estimated with a tokenizer"),
    # -- counts
    Column("requests", "Int64", "requests", "model requests"),
    Column("web_search_requests", "Int64", "requests", "web searches billed per call"),
    # -- money
    Column("billed_cost", "Decimal", "currency", "what the provider charged", "BilledCost"),
    Column("list_cost", "Decimal", "currency", "public price, where the source states it", "ListCost"),
    Column("reported_cost", "Decimal", "currency", "a client's own estimate: compared, never counted"),
    Column("billing_currency", "Categorical", "ISO 4217", "currency of all money in the row", "BillingCurrency"),
    Column(
        "cost_basis",
        "Categorical",
        "name",
        "billed or included where the source says so; the rest is decided when priced",
    ),
    # -- counting once
    Column(
        "origin_rank",
        "Int64",
        "",
        "how far the row stands from the original of its line; the smallest names user, project and session",
    ),
    Column("merged", "Boolean", "", "combined from several files, whose own rows are kept aside as superseded"),
    Column("blank", "Boolean", "", "a bucket its file declares empty: replaces older rows and adds nothing"),
)

TOKEN_CLASSES: tuple[str, ...] = (
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "cache_creation_5m_input_tokens",
    "cache_creation_30m_input_tokens",
    "cache_creation_1h_input_tokens",
    "cache_creation_12h_input_tokens",
    "audio_input_tokens",
    "cache_read_audio_input_tokens",
    "image_input_tokens",
    "cache_read_image_input_tokens",
    "output_tokens",
    "audio_output_tokens",
    "image_output_tokens",
)
"""The disjoint classes. Their sum is ``total_tokens``."""

INPUT_CLASSES: tuple[str, ...] = tuple(c for c in TOKEN_CLASSES if c.endswith("input_tokens"))
OUTPUT_CLASSES: tuple[str, ...] = tuple(c for c in TOKEN_CLASSES if c.endswith("output_tokens"))
CACHE_READ_CLASSES: tuple[str, ...] = tuple(c for c in TOKEN_CLASSES if c.startswith("cache_read"))
CACHE_CREATION_CLASSES: tuple[str, ...] = tuple(c for c in TOKEN_CLASSES if c.startswith("cache_creation"))
COUNTS: tuple[str, ...] = (*TOKEN_CLASSES, "reasoning_output_tokens", "requests", "web_search_requests")
"""Integer columns that a missing value leaves at 0."""

ORG_DIMENSIONS: tuple[str, ...] = ("team", "team_path", "cost_center", "gl_code", "project_group", "allocation")
"""Dimensions that only the org map of the configuration knows: no row is stored with them."""

DIMENSIONS: tuple[str, ...] = (
    "user", "api_key", "project", "project_path", "workspace", "account", "session", "provider", "model",
    "request_model", "service_tier", "speed", "region", "batch", "source", "granularity", "cost_basis", "tokens_basis", *ORG_DIMENSIONS,
)  # fmt: skip
"""What a report can be broken down by, besides time."""

TIME_DIMENSIONS: tuple[str, ...] = ("hour", "day", "week", "month")

GRANULARITIES: tuple[str, ...] = ("request", "minute", "hour", "day", "month", "period")

MONEY: tuple[str, ...] = ("list_cost", "contracted_cost", "billed_cost", "effective_cost", "estimated_cost")

NAMES: tuple[str, ...] = tuple(column.name for column in USAGE)


@cache
def dtypes() -> dict[str, pl.DataType]:
    """Return the polars data type of each usage column, in order."""
    import polars as pl

    kinds: dict[str, pl.DataType] = {
        "Int64": pl.Int64(),
        "Boolean": pl.Boolean(),
        "Categorical": pl.Categorical(),
        "Datetime": pl.Datetime("us", "UTC"),
        "Decimal": pl.Decimal(38, 18),
        "List(Int64)": pl.List(pl.Int64()),
    }
    return {column.name: kinds[column.dtype] for column in USAGE}
