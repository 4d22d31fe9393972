"""Qwen Code sessions: JSON lines like Claude Code's, with the token counts of the Gemini API.

* A response is a line of type ``assistant`` with ``usageMetadata``. It is named by its ``uuid``: forked sessions copy
  lines with their ids, which count once.
* Cached input stands inside ``promptTokenCount``.
* Where the model has an OpenAI-like door (Qwen's own models) the thoughts stand inside ``candidatesTokenCount``, behind
  Gemini's they stand beside it. The total tells which: it is prompt + candidates in the first case.
* Lines of type ``system`` (``ui_telemetry``) tell of the same calls again and are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _events as events
from tokenaudit.sources._bodies import gemini, number
from tokenaudit.sources._claude_row import tags
from tokenaudit.sources.source import Log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenaudit.sources.head import Head

OWN = ("usageMetadata", "systemPayload", "toolCallResult")
SHOWN, THOUGHTS = "candidatesTokenCount", "thoughtsTokenCount"


def detect(head: Head) -> bool:
    """Say whether the records are lines of a session whose messages have Gemini's shape."""
    return any(_is_line(record) for record in head.records)


def _is_line(record: dict[str, Any]) -> bool:
    named = isinstance(record.get("sessionId"), str) and isinstance(record.get("uuid"), str)
    message = record.get("message")
    return named and (any(name in record for name in OWN) or (isinstance(message, dict) and "parts" in message))


def rows(record: dict[str, Any], _memory: events.Memory) -> Iterator[events.Row]:
    """Give the row of a response."""
    usage = record.get("usageMetadata")
    if record.get("type") != "assistant" or not isinstance(usage, dict) or not any(usage.values()):
        return
    session = record.get("sessionId")
    yield {
        "identity": f"{record.get('uuid') or (session, record.get('timestamp'))}",
        "charge_period_start": record.get("timestamp"),
        "session": session,
        "project_path": record.get("cwd"),
        "tags": tags(record.get("gitBranch")),
        "request_model": record.get("model"),
        **gemini(_beside(usage)),
    }


def _beside(usage: dict[str, Any]) -> dict[str, Any]:
    """Return a usage whose thoughts stand beside the candidates, as Gemini has them."""
    shown, thoughts, total = (number(usage.get(name)) for name in (SHOWN, THOUGHTS, "totalTokenCount"))
    outside = number(usage.get("promptTokenCount")) + number(usage.get("toolUsePromptTokenCount"))
    inside = 0 < thoughts <= shown and total == outside + shown
    return {**usage, SHOWN: shown - thoughts} if inside else usage


SOURCE = Log(
    name="qwen-code",
    title="Qwen Code sessions",
    provider=None,
    authority="client",
    detect=detect,
    decode=events.lines(rows, b'"usageMetadata"'),
    paths=("$QWEN_HOME/projects", "~/.qwen/projects"),
    known="~/.qwen/projects/*/chats/*.jsonl on each developer's machine",
    tells="tokens by response, session, working directory and git branch",
    lacks="the user, sub-agents' and side calls, and what a subscription covers",
)
