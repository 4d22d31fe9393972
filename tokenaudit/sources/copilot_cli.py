"""GitHub Copilot CLI, `session-store.db`: one row a request, from the table `assistant_usage_events`.

This is the finest and most complete account the CLI keeps, since the middle of 2026. The same requests are summed in
``session-state/<session>/events.jsonl`` (source `copilot-cli-events`) and may be traced (source `otlp`): where several
of them hold a session, this one goes first.

Classes. The input includes what was read from and written to the cache, reasoning is part of the output.

Money. None: AI units are on GitHub's bill (source `copilot-usage`).

What replaces what. A request by its session and its number in the database, which is never given again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources import _events
from tokenaudit.sources._bodies import openai
from tokenaudit.sources._database import records
from tokenaudit.sources._envelope import tags_of
from tokenaudit.sources.source import Log

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    from tokenaudit.sources.head import Head

TABLE = "assistant_usage_events"
COLUMNS = (
    "id", "session_id", "created_at", "model", "copilot_usage_model", "input_tokens", "output_tokens",
    "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "initiator",
)  # fmt: skip
SIGNATURE = frozenset({f"{TABLE}.session_id", f"{TABLE}.input_tokens"})
PROVIDER = "github-copilot"


def detect(head: Head) -> bool:
    """Say whether a database has the table of requests."""
    return head.tables >= SIGNATURE


def rows(database: sqlite3.Connection) -> Iterator[_events.Row]:
    """Yield one row for each request with tokens."""
    places = {row["id"]: row for row in records(database, "sessions", "id", "cwd", "repository", "branch")}
    for event in records(database, TABLE, *COLUMNS):
        if not event["input_tokens"] and not event["output_tokens"]:
            continue
        place = places.get(event["session_id"], {})
        yield {
            **classes(event),
            "charge_period_start": event["created_at"],
            "session": event["session_id"],
            "project": repository_name(place.get("repository")),
            "project_path": place.get("cwd"),
            "tags": tags_of({"git_branch": place.get("branch"), "initiator": event["initiator"]}),
            "provider": PROVIDER,
            "request_model": event["copilot_usage_model"] or event["model"],
            "identity": f"{event['session_id']}\x1f{event['id']}",
        }


def classes(counts: Mapping[str, object]) -> dict[str, int]:
    """Return the columns of Copilot's counts, which are called alike in all its files."""
    cached = {"cached_tokens": counts.get("cache_read_tokens"), "cache_write_tokens": counts.get("cache_write_tokens")}
    usage = {"prompt_tokens": counts.get("input_tokens"), "completion_tokens": counts.get("output_tokens")}
    reasoning = {"reasoning_tokens": counts.get("reasoning_tokens")}
    parts = {"prompt_tokens_details": cached, "completion_tokens_details": reasoning}
    return openai({**usage, **parts, "total_tokens": 0})


def repository_name(repository: object) -> str | None:
    """Return the name of a repository without its owner."""
    return str(repository).rpartition("/")[2] if repository else None


SOURCE = Log(
    name="copilot-cli",
    title="Copilot CLI requests",
    provider=PROVIDER,
    authority="client",
    detect=detect,
    decode=_events.database(rows),
    tables=SIGNATURE,
    forms=("database",),
    paths=("$COPILOT_HOME", "~/.copilot"),
    known="~/.copilot/session-store.db on each developer's machine",
    tells="tokens by request, session, repository, branch and working directory",
    lacks="the user; the charge, which GitHub's usage report has",
)
