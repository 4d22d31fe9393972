"""Goose (`sessions.db`): one row a session, as the database keeps only its sums.

Generations read: all that have `accumulated_total_tokens`; newer ones add cache counts and a cost.

Classes. The input includes the cache where the database tells it at all; before that all input counts as uncached.
A session that knows only its total counts as uncached input, marked `estimated`. The columns without `accumulated_`
hold the last turn and are not read.

Money. `accumulated_cost` is Goose's own figure: the reported cost.

What replaces what. A session by its id, its first instant and its directory: ids are a date and a number, which every
machine counts for itself. A session grows, its larger counts stand. Its row lasts from its first to its last change.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _events
from tokenaudit.sources._bodies import Columns, either, number
from tokenaudit.sources._database import records
from tokenaudit.sources._documents import at
from tokenaudit.sources.source import Log

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from tokenaudit.sources.head import Head

COUNTS = ("total_tokens", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cost")
COLUMNS = (
    "id", "working_dir", "created_at", "updated_at", "provider_name", "model_config_json", "session_type",
    *(f"accumulated_{name}" for name in COUNTS),
)  # fmt: skip
SIGNATURE = frozenset({"sessions.accumulated_total_tokens", "sessions.working_dir"})


def detect(head: Head) -> bool:
    """Say whether a database has Goose's table of sessions."""
    return head.tables >= SIGNATURE


def rows(database: sqlite3.Connection) -> Iterator[_events.Row]:
    """Yield one row for each session with tokens."""
    messages = records(database, "messages", "session_id", "role")
    requests = Counter(message["session_id"] for message in messages if message["role"] == "assistant")
    for session in records(database, "sessions", *COLUMNS):
        columns = _classes(session)
        if any(value for name, value in columns.items() if name.endswith("_tokens")):
            yield {
                **columns,
                "charge_period_start": session["created_at"],
                "charge_period_end": session["updated_at"],
                "granularity": "period",
                "session": session["id"],
                "project_path": session["working_dir"],
                "provider": session["provider_name"],
                "request_model": _model(session["model_config_json"]),
                "requests": max(1, requests[session["id"]]),
                "reported_cost": session["accumulated_cost"] or None,
                "identity": f"{session['id']}\x1f{session['created_at']}\x1f{session['working_dir']}",
            }


def _classes(session: dict[str, Any]) -> Columns:
    total, whole, shown, read, written, _ = (session[f"accumulated_{name}"] for name in COUNTS)
    if not whole and not shown:
        return {"uncached_input_tokens": number(total), "tokens_basis": "estimated"}
    cached = {"cached_tokens": read, "cache_write_tokens": written}
    usage = {"prompt_tokens": whole, "completion_tokens": shown, "total_tokens": total or None}
    return either({**usage, "prompt_tokens_details": cached})


def _model(config: object) -> str | None:
    """Return the model's name in a session's JSON configuration."""
    try:
        found = at(json.loads(str(config)), "model_name")
    except ValueError:
        return None
    return found if isinstance(found, str) else None


SOURCE = Log(
    name="goose",
    title="Goose sessions",
    provider=None,
    authority="client",
    detect=detect,
    decode=_events.database(rows),
    tables=SIGNATURE,
    forms=("database",),
    paths=(
        "$GOOSE_PATH_ROOT/data/sessions",
        "$XDG_DATA_HOME/goose/sessions",
        "~/.local/share/goose/sessions",
        "~/Library/Application Support/Block/goose/sessions",
    ),
    known="~/.local/share/goose/sessions/sessions.db on each developer's machine",
    tells="tokens by session, working directory and model",
    lacks="the user, single requests, on which day of a long session they fell, and a model changed in between",
)
