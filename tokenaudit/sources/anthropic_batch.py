"""Anthropic Message Batches results (JSON lines, or an array): one succeeded request each, at the price of a batch.

Only results of type ``succeeded`` were charged and count; errored, canceled and expired ones add nothing.

Classes. `input_tokens` is uncached; cache writes are split into 5 minutes and 1 hour, what a breakdown leaves out of
the flat total is 5 minutes; thinking is part of the output. `iterations` of type ``advisor_message`` and
``compaction`` are not in the usage of the message: rows of their own, as in Claude Code's logs.

The service tier is ``batch`` in the file: here ``standard``, sent as a batch.

Time. A result tells none. A line or message that was given one (`timestamp`, `created_at`, `completed_at`, `ended_at`)
is of that instant; else a date in the file's name (``results-2026-10-05.jsonl``) makes it a row of that UTC day.
Without either the line is rejected with that hint; renamed, the file is read again.

What replaces what. The identity is the message's id: a result in two files counts once.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from tokenaudit.sources import _events as events
from tokenaudit.sources._claude_line import NOT_A_REGION, Iteration, Usage
from tokenaudit.sources._documents import at
from tokenaudit.sources._file_name import day
from tokenaudit.sources.source import Log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenaudit.sources.head import Head

TIMES = ("timestamp", "created_at", "completed_at", "ended_at")
ENDINGS = ("succeeded", "errored", "canceled", "expired")
SEPARATE = ("advisor_message", "compaction")
COUNTS = (
    "uncached_input_tokens", "cache_read_input_tokens", "cache_creation_5m_input_tokens",
    "cache_creation_1h_input_tokens", "output_tokens", "reasoning_output_tokens", "web_search_requests",
)  # fmt: skip
NO_TIME = "no time: put the date into the file's name, such as results-2026-10-05.jsonl"


def detect(head: Head) -> bool:
    """Say whether the first lines are results of a batch."""
    return any(isinstance(record.get("custom_id"), str) and _ending(record) in ENDINGS for record in head.records)


def _ending(record: dict[str, Any]) -> object:
    return at(record, "result", "type")


def rows(value: object, memory: events.Memory) -> Iterator[events.Row]:
    """Yield the rows of a result, or of the results in an array."""
    for record in value if isinstance(value, list) else [value]:
        try:
            yield from _rows(record, memory) if isinstance(record, dict) else ()
        except events.UncountedError as error:
            yield {"reject": str(error)}


def _rows(record: dict[str, Any], memory: events.Memory) -> Iterator[events.Row]:
    """Yield the row of a succeeded result, and those of its separate model calls."""
    message = at(record, "result", "message")
    if _ending(record) != "succeeded" or not isinstance(message, dict):
        return
    usage = _usage(message)
    if not isinstance(message.get("id"), str):
        raise events.UncountedError("a succeeded result without a message id")
    known = {**_when(record, message, memory.path), **_what(message)}
    yield {**known, **_counts(usage), "identity": message["id"]}
    for index, part in enumerate(usage.iterations or ()):
        if part.type in SEPARATE:
            model = part.model or known["request_model"]
            yield {**known, **_counts(part), "request_model": model, "identity": f"{message['id']}\x1fadv:{index}"}


def _usage(message: dict[str, Any]) -> Usage:
    """Return the usage of a message; UncountedError where it has none that can be read."""
    try:
        return msgspec.convert(message.get("usage"), Usage, strict=False)
    except msgspec.ValidationError as error:
        raise events.UncountedError(f"unreadable usage: {error}") from error


def _counts(usage: Iteration) -> dict[str, int]:
    return dict(zip(COUNTS, usage.counts(), strict=True))


def _what(message: dict[str, Any]) -> dict[str, Any]:
    """Return the model and the terms that move the price."""
    usage = message["usage"]
    region = usage.get("inference_geo")
    tier = usage.get("service_tier") or "batch"
    return {
        "provider": "anthropic",
        "request_model": message.get("model"),
        "service_tier": "standard" if tier == "batch" else tier,
        "batch": True,
        "speed": usage.get("speed"),
        "region": None if region in NOT_A_REGION else region,
    }


def _when(record: dict[str, Any], message: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the instant that a result was given, or the day of its file's name."""
    given = [holder.get(name) for holder in (record, message) for name in TIMES]
    instants = [text for text in given if isinstance(text, str)]
    if instants:
        return {"charge_period_start": instants[0], "granularity": "request"}
    start = day(path)
    if start is None:
        raise events.UncountedError(NO_TIME)
    end = date.fromisoformat(start) + timedelta(days=1)
    return {"charge_period_start": start, "charge_period_end": end.isoformat(), "granularity": "day"}


SOURCE = Log(
    name="anthropic-batch",
    title="Anthropic Message Batches results",
    provider="anthropic",
    authority="client",
    detect=detect,
    decode=events.lines_or_document(rows),
    known="the results of a message batch (results_url), saved as JSON lines with the date in the file's name",
    tells="tokens by request of a batch, with cache classes",
    lacks="the time, the key, the workspace, and money",
)
