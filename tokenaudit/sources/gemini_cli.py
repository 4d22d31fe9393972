"""Gemini CLI sessions: one JSON document that is written anew, or (since 2026) JSON lines that are appended.

* A message is named by its session and its id. Checkpoints of one session, a session that went on as JSON lines, and a
  message that is written again when its tokens or tool results arrive, all fold into one row.
* Lines are a header, messages, ``$set`` updates (which may repeat all messages) and ``$rewindTo``. What was rewound was
  paid for: it stays.
* Cached input stands inside the input, tool results beside it; thoughts stand beside the output and are billed as
  output. Total = input + output + thoughts + tool.
* Sub-agents are sessions of their own, in a folder below. The session's other model calls (titles, compression) are
  not logged. Of the project the log tells only a hash, or the folders that were added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _events as events
from tokenaudit.sources._bodies import gemini
from tokenaudit.sources._documents import at, is_document, items
from tokenaudit.sources.source import Decoded, Log, Retention, Tail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenaudit.sources.head import Head

NAMES = {
    "input": "promptTokenCount",
    "output": "candidatesTokenCount",
    "cached": "cachedContentTokenCount",
    "thoughts": "thoughtsTokenCount",
    "tool": "toolUsePromptTokenCount",
}
"""How a message calls the counts of the API."""
MESSAGE = "gemini"
FACTS = ("sessionId", "projectHash", "directories")


def detect(head: Head) -> bool:
    """Say whether a record is the head of a session, or one of its messages."""
    return any(_is_session(record) or _is_message(record) for record in head.records)


def _is_session(record: dict[str, Any]) -> bool:
    named = isinstance(record.get("sessionId"), str) and isinstance(record.get("projectHash"), str)
    return named or any(map(_is_message, items(record, "messages")))


def _is_message(record: dict[str, Any]) -> bool:
    return record.get("type") == MESSAGE and "id" in record and "timestamp" in record


def rows(record: Any, memory: events.Memory) -> Iterator[events.Row]:  # noqa: ANN401 - any JSON
    """Give one row for each message with tokens in a line, or in the whole document."""
    told = at(record, "$set") or record
    memory.facts.update({name: told[name] for name in FACTS if at(told, name)})
    for number, message in enumerate(items(told, "messages"), 1):
        yield from (row | {"line": number} for row in _message_rows(message, memory))
    if isinstance(told, dict):
        yield from _message_rows(told, memory)


def _message_rows(message: dict[str, Any], memory: events.Memory) -> Iterator[events.Row]:
    tokens = message.get("tokens")
    if message.get("type") != MESSAGE or not isinstance(tokens, dict) or not any(tokens.values()):
        return
    session = memory.facts.get("sessionId")
    yield {
        "identity": f"{session}\x1f{message.get('id')}",
        "charge_period_start": message.get("timestamp"),
        "session": session,
        **_project(memory.facts),
        "provider": "google",
        "request_model": message.get("model"),
        **gemini({name: tokens.get(short) for short, name in NAMES.items()}),
    }


def _project(facts: dict[str, Any]) -> dict[str, str | None]:
    """Return the first folder of the workspace, else the hash of the project's folder."""
    folder = next(iter(facts.get("directories") or ()), None)
    return {"project": None if folder else facts.get("projectHash"), "project_path": folder}


def decode(tail: Tail) -> Decoded:
    """Read a session, whichever way it is written."""
    return (DOCUMENT if is_document(tail.path) else LINES)(tail)


DOCUMENT = events.document(rows)
LINES = events.lines(rows, b'"tokens"', b'"sessionId"', b'"directories"')

SOURCE = Log(
    name="gemini-cli",
    title="Gemini CLI sessions",
    provider="google",
    authority="client",
    detect=detect,
    decode=decode,
    forms=("lines", "document"),
    paths=("$GEMINI_CLI_HOME/.gemini/tmp", "~/.gemini/tmp"),
    retention=Retention(
        days=30,
        files="session-*.json*",
        settings="../settings.json",
        setting=("general", "sessionRetention", "maxAge"),
        switch=("general", "sessionRetention", "enabled"),
    ),
    known="~/.gemini/tmp/*/chats/session-*.json and .jsonl on each developer's machine",
    tells="tokens by response, model and session, with thoughts and cached input",
    lacks="the user, the project's name, side calls such as compression, and whether a free tier covers it",
)
