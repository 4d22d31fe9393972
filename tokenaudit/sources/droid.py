"""Factory Droid session settings (`<id>.settings.json`): one running total for each session, written anew.

* ``tokenUsage`` is the session's total so far. Later versions of the file replace earlier ones: each count only grows.
* A session is named by the id in its file's name; without one, by the instant at which its provider was chosen.
* Input, cache reads, cache writes and output are taken as disjoint, and thinking as beside the output: it is added.
* The file has one instant, ``providerLockTimestamp``, which dates the whole session; without it, the file's own time.
* All tokens go to the model of the version with the most tokens, which is the one used last.
* The number of requests is not known: one session counts as one.
* The log beside it (`<id>.jsonl`) holds no tokens.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _events as events
from tokenaudit.sources._documents import at
from tokenaudit.sources._instant import instant, moment
from tokenaudit.sources._packed import archive_of
from tokenaudit.sources.source import Log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenaudit.sources.head import Head

COUNTS = ("inputTokens", "outputTokens", "cacheCreationTokens", "cacheReadTokens", "thinkingTokens")
WITHOUT = {"model", "providerLock", "assistantActiveTimeMs", "reasoningEffort", "autonomyLevel", "autonomyMode"}
"""A session's settings have one of these beside the counts."""
EVENT = {"userEmail", "conversationId", "timestamp"}
"""An event of Cursor's has one of these, and a `tokenUsage` too."""
MOST = 1 << 60
"""More than any session uses: the version of a session with the most tokens is the nearest to it."""
ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def detect(head: Head) -> bool:
    """Say whether the document is the settings of a session."""
    return any(_is_settings(record) for record in head.records)


def _is_settings(record: dict[str, Any]) -> bool:
    usage = record.get("tokenUsage")
    settings = not WITHOUT.isdisjoint(record) and EVENT.isdisjoint(record)
    return isinstance(usage, dict) and "inputTokens" in usage and settings


def rows(settings: Any, memory: events.Memory) -> Iterator[events.Row]:  # noqa: ANN401 - any JSON
    """Give the row of a session that used something."""
    counts = [at(settings, "tokenUsage", name) for name in COUNTS]
    if not any(counts):
        return
    whole, output, written, read, thinking = map(events.count, counts, COUNTS)
    found = re.search(ID, os.path.basename(memory.path))
    start = instant(settings.get("providerLockTimestamp"))
    yield {
        "identity": found[0] if found else start,
        "session": found[0] if found else None,
        "charge_period_start": start or moment(os.stat(archive_of(memory.path)).st_mtime),
        "granularity": "period",
        "origin_rank": MOST - whole - output - written - read - thinking,
        "provider": settings.get("providerLock"),
        "request_model": settings.get("model"),
        "uncached_input_tokens": whole,
        "cache_read_input_tokens": read,
        "cache_creation_5m_input_tokens": written,
        "output_tokens": output + thinking,
        "reasoning_output_tokens": thinking,
    }


SOURCE = Log(
    name="droid",
    title="Factory Droid sessions",
    provider=None,
    authority="client",
    detect=detect,
    decode=events.document(rows),
    forms=("document",),
    paths=("$FACTORY_DIR/sessions", "~/.factory/sessions"),
    known="~/.factory/sessions/**/*.settings.json on each developer's machine",
    tells="tokens by session, with the model it used last",
    lacks="single requests and their times, the user, the project, and what a subscription covers",
)
