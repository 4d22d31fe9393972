"""OpenCode and its forks (Kilo CLI, MiMo): messages as JSON files (to 1.0) and in a database (`opencode*.db`) since.

Read are ``storage/message/<session>/msg_*.json`` and the tables `message` and `session_message`. Session and part
files are known and hold nothing to count.

Classes. Disjoint: input excludes the cache, reasoning stands beside the output. Output here is both, as both are billed
alike.

Money. `cost` is OpenCode's own figure: the reported cost. Its 0 for subscriptions is no price and is left out.

What replaces what. ``/fork`` copies messages under new ids, the move to the database keeps them in the files, and both
tables may hold one. So the identity is not the id but what copies share: when the message was begun and completed, to
the millisecond, provider, model and the five counts. It counts for the session in which it was made: a session that
began later holds a copy. Messages that are not complete yet are read when they are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _events
from tokenaudit.sources._bodies import number
from tokenaudit.sources._database import SQLITE, records
from tokenaudit.sources._documents import DOCUMENT, at
from tokenaudit.sources._envelope import first_name
from tokenaudit.sources._instant import moment
from tokenaudit.sources._money import decimal
from tokenaudit.sources.lines import open_binary
from tokenaudit.sources.source import Decoded, Log, Tail

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from tokenaudit.sources.head import Head

Object = dict[str, Any]
FILES = (
    frozenset({"id", "sessionID", "role", "time"}),
    frozenset({"id", "sessionID", "messageID", "type"}),
    frozenset({"id", "projectID", "directory", "time"}),
)
"""Keys of the three kinds of JSON files: messages, parts, sessions."""
PREFIXES = ("msg_", "prt_", "ses_")
TABLES = ("message", "session_message")
COUNTS = (("input",), ("output",), ("reasoning",), ("cache", "read"), ("cache", "write"))


def detect(head: Head) -> bool:
    """Say whether a database has OpenCode's tables, or a file holds one of its objects."""
    if head.tables:
        return any({f"{name}.data", f"{name}.session_id", "session.directory"} <= head.tables for name in TABLES)
    return any(map(_is_mine, head.records))


def _is_mine(record: Object) -> bool:
    kinds = any(keys <= record.keys() for keys in FILES)
    return kinds and str(record["id"]).startswith(PREFIXES)


def decode(tail: Tail) -> Decoded:
    """Read a database or a message file, each as a whole."""
    with open_binary(tail.path) as file:
        found = file.read(len(SQLITE)) == SQLITE
    return (_database if found else _document)(tail)


def _rows_of_file(value: Any, _: object) -> Iterator[_events.Row]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict) and str(value.get("id")).startswith("msg_"):
        yield from _rows(value, {"id": value.get("sessionID")})


def _rows_of_database(database: sqlite3.Connection) -> Iterator[_events.Row]:
    sessions = {row["id"]: row for row in records(database, "session", "id", "directory", "time_created")}
    for table in TABLES:
        for message in records(database, table, "session_id", "data"):
            session = sessions.get(message["session_id"], {"id": message["session_id"]})
            yield from _rows_of_text(message["data"], session)


def _rows_of_text(text: object, session: Object) -> Iterator[_events.Row]:
    try:
        data = DOCUMENT.decode(text if isinstance(text, str | bytes) else b"")
    except ValueError:
        yield {"reject": "a message whose data is not JSON"}
        return
    yield from _rows(data, session)


def _rows(message: object, session: Object) -> Iterator[_events.Row]:
    """Yield the row of a message, if it is a complete answer with tokens."""
    begun, completed = at(message, "time", "created"), at(message, "time", "completed")
    counts = [at(message, "tokens", *keys) for keys in COUNTS]
    if not isinstance(message, dict) or not completed or not any(map(number, counts)):
        return
    places = (message, {"providerID": at(message, "model", "providerID"), "modelID": at(message, "model", "id")})
    provider, model = first_name(places, ("providerID",)), first_name(places, ("modelID",))
    yield {
        **_classes(*map(number, counts)),
        "charge_period_start": moment(begun),
        "session": session.get("id"),
        "project_path": at(message, "path", "cwd") or session.get("directory"),
        "provider": provider,
        "request_model": model,
        "reported_cost": message.get("cost") if decimal(message.get("cost")) else None,
        "origin_rank": int(_later(session.get("time_created"), begun)),
        "identity": json.dumps([begun, completed, provider, model, *map(number, counts)], separators=(",", ":")),
    }


def _classes(uncached: int, shown: int, reasoning: int, read: int, written: int) -> Object:
    return {
        "uncached_input_tokens": uncached,
        "cache_read_input_tokens": read,
        "cache_creation_5m_input_tokens": written,
        "output_tokens": shown + reasoning,
        "reasoning_output_tokens": reasoning,
    }


def _later(session: object, message: object) -> bool:
    """Say whether a session began after a message: it holds a copy of it."""
    return isinstance(session, int) and isinstance(message, int) and session > message


_database, _document = _events.database(_rows_of_database), _events.document(_rows_of_file)

SOURCE = Log(
    name="opencode",
    title="OpenCode sessions",
    provider=None,
    authority="client",
    detect=detect,
    decode=decode,
    forms=("document", "database"),
    paths=(
        "$OPENCODE_DATA_DIR",
        "$XDG_DATA_HOME/opencode",
        "~/.local/share/opencode",
        "$XDG_DATA_HOME/kilo",
        "~/.local/share/kilo",
    ),
    known="~/.local/share/opencode (opencode*.db, or storage/message) on each developer's machine",
    tells="tokens by message, session and working directory, forks counted once",
    lacks="the user, what a subscription covers, and answers that a killed program never completed",
)
