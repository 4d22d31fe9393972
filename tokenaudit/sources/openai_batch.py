"""Output files of OpenAI's Batch API: JSON lines, each the response to one request of a batch.

Bodies read: chat completions, Responses, embeddings and images, and those of other vendors who copy the format. A line
counts where its status is 200 and it holds no error. Failed lines, which also come in an error file of their own, cost
nothing and are no requests here. A response without a usage is rejected, not taken for free.

Classes. Input includes what was read from or written to a cache, audio and images; output includes reasoning, audio and
images. All rows are of a batch, which halves the list price; ``default`` and ``auto`` are the tier ``standard``. There
is no money in the file. Texts, vectors and pictures stay where they are.

Time. `created` or `created_at` of the response, in seconds. An embedding has none: the first eight digits of an id of
hexadecimal digits are its seconds since 1970, and the id of the line serves. A line with neither is rejected.

What replaces what. The identity is the id of the response, else that of the line: however often an output file is
downloaded, put together or cut, each response counts once. The provider's own exports hold the same tokens.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tokenaudit.schema import TOKEN_CLASSES
from tokenaudit.sources._bodies import openai
from tokenaudit.sources._documents import at, items
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

CLASSES = (*TOKEN_CLASSES, "reasoning_output_tokens")
TEXTS = ("batch_line_id", "response_id", "model", "service_tier", "user", "session", "unusable")
COLUMNS: dict[str, Kind] = {
    "created": "epoch",
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(CLASSES, "integer"),
}
FAILED = dict.fromkeys(COLUMNS)
"""A record without any value is no row; it shows what the file is."""
SUCCEEDED = 200
TIMED_ID = r"[a-z_]+_([67][0-9a-f]{7})[0-9a-f]{16,}"


def records(document: object) -> Iterator[dict[str, Any]]:
    """Yield what counts of each line of an output file."""
    lines = items(document, "results") if at(document, "object") == "batch" else [document]
    yield from (_record(line) for line in lines if isinstance(line, dict) and _is_line(line))


def _is_line(line: dict[str, Any]) -> bool:
    """Say whether an object has the form of a line of an output or an error file."""
    response = line.get("response")
    answered = isinstance(response, dict) and "status_code" in response
    return "custom_id" in line and "response" in line and (answered or isinstance(line.get("error"), dict))


def _record(line: dict[str, Any]) -> dict[str, Any]:
    body = at(line, "response", "body")
    if line.get("error") or at(line, "response", "status_code") != SUCCEEDED or not isinstance(body, dict):
        return FAILED
    usage = body.get("usage")
    return {
        "batch_line_id": line.get("id"),
        "response_id": body.get("id") or line.get("id"),
        "created": body.get("created")
        or body.get("created_at")
        or _seconds(body.get("id"))
        or _seconds(line.get("id")),
        "model": body.get("model"),
        "service_tier": body.get("service_tier"),
        "user": body.get("user"),
        "session": at(body, "conversation", "id"),
        **(openai(usage) if isinstance(usage, dict) else {"unusable": "the response holds no usage"}),
    }


def _seconds(name: object) -> int | None:
    """Return the time that an id begins with; None where it is no such id."""
    found = re.fullmatch(TIMED_ID, name) if isinstance(name, str) else None
    return int(found[1], 16) if found else None


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each response."""
    import polars as pl

    from tokenaudit.sources import expressions

    return rows.with_columns(
        charge_period_start=pl.col("created"),
        provider=expressions.vendor(pl.col("model")),
        request_model=pl.col("model"),
        service_tier=pl.col("service_tier").replace({"default": "standard", "auto": "standard"}),
        batch=pl.lit(value=True),
        requests=pl.lit(1),
        identity=pl.col("response_id"),
        reject=expressions.first_reason(
            {
                "the response holds no usage": pl.col("unusable").is_not_null(),
                "the response has no id": pl.col("response_id").is_null(),
            }
        ),
    ).drop("response_id")


SOURCE = Table(
    name="openai-batch",
    title="OpenAI batch output",
    provider="openai",
    merge="largest",
    authority="client",
    columns=COLUMNS,
    signatures=(frozenset({"batch_line_id", "response_id", "created"}),),
    records=records,
    usage=usage,
    known="platform.openai.com > Batches > a batch > Output, or GET /v1/files/<output_file_id>/content",
    tells="the tokens of every response of a batch",
    lacks="who sent it, the project and the money",
)
