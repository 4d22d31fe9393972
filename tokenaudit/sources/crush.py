"""Crush (`crush.db`): one row a session.

Classes. `prompt_tokens` and `completion_tokens` are those of the session's last request, which Crush shows as the size
of its context; the sum is kept nowhere. The tokens of a session are therefore at least these, marked `estimated`. They
count as uncached input and output: the cache is not told.

Money. `cost` is summed over all requests, by Crush's own price list: the reported cost. A sub-agent's cost is added to
its parent's, so that only the parent's row has it; its tokens are not, so that its row has those.

What replaces what. A session by its id. It grows, its larger counts and cost stand. Times are seconds, in later
databases milliseconds.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _events
from tokenaudit.sources._database import records
from tokenaudit.sources._instant import moment
from tokenaudit.sources.source import Log

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from tokenaudit.sources.head import Head

COLUMNS = ("id", "parent_session_id", "prompt_tokens", "completion_tokens", "cost", "created_at", "updated_at")
SIGNATURE = frozenset(f"sessions.{name}" for name in COLUMNS)
FOLDER = ".crush"


def detect(head: Head) -> bool:
    """Say whether a database has Crush's table of sessions."""
    return head.tables >= SIGNATURE


def rows(database: sqlite3.Connection) -> Iterator[_events.Row]:
    """Yield one row for each session that used anything."""
    sessions = list(records(database, "sessions", *COLUMNS))
    known = {session["id"] for session in sessions}
    answers = {row["session_id"]: row for row in _answers(database)}
    for session in sessions:
        cost = None if session["parent_session_id"] in known else session["cost"]
        if session["prompt_tokens"] or session["completion_tokens"] or cost:
            yield {**_row(session, answers.get(session["id"], {})), "reported_cost": cost or None, **_place(database)}


def _answers(database: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """Yield the answers of models in their order."""
    found = records(database, "messages", "session_id", "role", "model", "provider")
    yield from (row for row in found if row["role"] == "assistant" and row["model"])


def _row(session: dict[str, Any], answer: dict[str, Any]) -> _events.Row:
    return {
        "uncached_input_tokens": session["prompt_tokens"],
        "output_tokens": session["completion_tokens"],
        "tokens_basis": "estimated",
        "charge_period_start": moment(session["created_at"]),
        "charge_period_end": moment(session["updated_at"]),
        "granularity": "period",
        "session": session["id"],
        "provider": answer.get("provider"),
        "request_model": answer.get("model"),
        "identity": session["id"],
    }


def _place(database: sqlite3.Connection) -> dict[str, str]:
    """Return the project: the folder in which Crush keeps its own."""
    _, _, path = database.execute("pragma database_list").fetchone()
    folder = Path(path).parent
    return {"project_path": str(folder.parent)} if path and folder.name == FOLDER else {}


SOURCE = Log(
    name="crush",
    title="Crush sessions",
    provider=None,
    authority="client",
    detect=detect,
    decode=_events.database(rows),
    tables=SIGNATURE,
    forms=("database",),
    paths=("$CRUSH_GLOBAL_DATA", "$XDG_DATA_HOME/crush", "~/.local/share/crush"),
    known="<project>/.crush/crush.db; ~/.local/share/crush/projects.json names the projects",
    tells="sessions by project and model, with Crush's own estimate of their cost",
    lacks="the sum of a session's tokens: the database holds those of its last request; the user",
)
