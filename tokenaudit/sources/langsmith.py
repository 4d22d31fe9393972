"""LangSmith runs: the bulk export (Parquet), runs saved as JSON, JSON lines or CSV, and pages of the API.

Only runs of type ``llm`` and ``embedding`` count: a chain or an agent around them repeats the sum of its children. An
``llm`` run around another ``llm`` run cannot be told from two calls; both count.

Classes. `prompt_tokens` includes what `prompt_token_details` names (``cache_read``, ``cache_creation``,
``ephemeral_5m_input_tokens``, ``ephemeral_1h_input_tokens``, ``audio``), and `completion_tokens` what
`completion_token_details` names (``reasoning``, ``audio``). Older traces of Anthropic models hold uncached input only:
where the parts exceed the whole, or `total_tokens` tells, they stand beside it. A key that is none of these stays in
the rest.

Money. `total_cost` is LangSmith's own estimate: a reported cost in dollars.

Who and where. `session_id` is the tracing project, not a conversation; the conversation is ``thread_id`` or
``session_id`` in the metadata, else the trace. User, model (``ls_model_name``) and provider come from the metadata,
which may stand in `metadata` or in `extra`; of its other labels only those become tags that reports are made by, such
as team, environment or feature.

What replaces what. The identity is the run's `id`. The newest file wins: an export without token details cannot tell
cached input, so it gives way to one with them, and never adds to it. A run that stands twice in a file counts once.
Times without a zone are UTC. Not seen in a real file: the fields are those of LangSmith's documentation and SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources import _gateway
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

DETAILS = {"prompt_token_details": "input_", "completion_token_details": "output_"}
COLUMNS: dict[str, Kind] = {
    "start_time": "instant",
    **dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), "integer"),
    **dict.fromkeys(("total_cost", "prompt_cost", "completion_cost"), "money"),
    **dict.fromkeys(("id", "run_type", "name", "session_id", "session_name", "trace_id", "thread_id"), "text"),
    **dict.fromkeys(("project_id", "project_name", "metadata", "extra.metadata", "extra", "tags", *DETAILS), "text"),
}
CALLS = ("llm", "embedding")
STEP = r"(^|,)(seq:step|map:key|langsmith):[^,]*"
"""Tags that LangChain puts on each run."""
MODELS = ("$.metadata.ls_model_name", "$.invocation_params.model", "$.invocation_params.model_name")


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each call of a model."""
    import polars as pl

    calls = (
        rows.filter(pl.col("run_type").str.to_lowercase().is_in(CALLS)).with_row_index("row").with_columns(**_extra())
    )
    own = {
        "name": pl.col("name"),
        "tags": _gateway.listed(pl.col("tags")).str.replace_all(STEP, "").str.strip_chars(","),
    }
    counted = _gateway.labels(_gateway.counts(calls, DETAILS), "labels", own, _gateway.FOR_REPORTS)
    details = pl.any_horizontal(pl.col(*DETAILS).is_not_null())
    user = pl.col("label user")
    return counted.with_columns(
        **_gateway.classes(_known(), within=True),
        charge_period_start=pl.col("start_time"),
        user=user,
        session=pl.coalesce("thread_id", "label session", "trace_id"),
        project=pl.coalesce("project_name", "session_name", "label project", "project_id", "session_id"),
        provider=_gateway.sold(pl.col("label provider"), pl.col("label model")),
        request_model=pl.col("label model"),
        requests=pl.lit(1),
        tokens_basis=pl.when(_gateway.only_total(_known())).then(pl.lit("estimated")),
        reported_cost=pl.coalesce(
            "total_cost", pl.sum_horizontal("prompt_cost", "completion_cost", ignore_nulls=False)
        ),
        origin_rank=pl.when(details).then(0).otherwise(2) + user.is_null().cast(pl.Int64),
        identity=pl.col("id"),
        reject=pl.when(pl.col("id").is_null()).then(pl.lit("no id")),
    )


def _known() -> dict[str, pl.Expr]:
    """Return the counts of a run: its parts from the details, its wholes from its own columns."""
    import polars as pl

    parts = {name: pl.col(_gateway.count(name)) for name in (*_gateway.IN_PARTS, *_gateway.OUT_PARTS)}
    rest = {"input_part": pl.lit(0), "output_part": pl.lit(0)}
    wholes = {"input": "prompt_tokens", "output": "completion_tokens", "total": "total_tokens"}
    return {**parts, **rest, **{name: pl.col(column) for name, column in wholes.items()}}


def _extra() -> dict[str, pl.Expr]:
    """Return the metadata of a run as `labels`, its model and its provider."""
    import polars as pl

    extra = _gateway.as_json(pl.col("extra"))
    inside = pl.coalesce(extra.str.json_path_match("$.metadata"), extra)
    labels = pl.coalesce(_gateway.as_json(pl.coalesce("metadata", "extra.metadata")), inside)
    model = pl.coalesce(labels.str.json_path_match("$.ls_model_name"), *map(extra.str.json_path_match, MODELS))
    return {"labels": labels, "label model": model, "label provider": labels.str.json_path_match("$.ls_provider")}


SOURCE = Table(
    name="langsmith",
    title="LangSmith runs",
    provider=None,
    merge="newest",
    authority="gateway",
    columns=COLUMNS,
    signatures=(
        frozenset({"id", "run_type", "start_time", "prompt_tokens"}),
        frozenset({"id", "run_type", "start_time", "total_tokens"}),
    ),
    records=_gateway.pages("runs"),
    usage=usage,
    once=True,
    known="LangSmith bulk export to a bucket, or Client.list_runs saved as JSON or CSV",
    tells="every model call with its tokens, project, thread and, where metadata names them, model and user",
    lacks="what was billed",
)
