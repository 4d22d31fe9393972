"""Claude Code session logs: one line a content block, several lines a response, copies in resumed and forked sessions.

Rules (measured on real transcripts):

* A response is its ``message.id`` where Anthropic gave it (``msg_...``), else (message id, request id). A gateway may
  leave out the request id and repeat one constant message id: see `Guard`.
* Each count is the maximum over its lines; the first line gives the instant. Sub-agents' lines may stand in their own
  files or, in versions 2.0.6x to 2.1.4x, as ``agent_progress`` lines inside the parent's.
* Cache writes are split by life: 5 minutes and 1 hour; what a breakdown leaves out of the flat total is 5 minutes.
* ``usage.iterations`` of type ``advisor_message`` and ``compaction`` are not in the top-level usage: rows of their own.
* Where no line has a ``stop_reason`` the output count is a placeholder; `_claude_estimate` says what it may have been.
* User, project and session come from the file in which the line stands closest to the file's own start: a resumed or
  forked session copies lines of other times, and its own lines begin where its clock comes near its start.
* A captured ``claude -p --output-format stream-json`` holds the same responses by the same ids. Its responses tell no
  time: theirs is that of the lines around them, else of the date in the file's name; without either they are rejected.
* ``cost-state`` and ``result`` lines are cumulative totals, and never spend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _claude_stream as stream
from tokenaudit.sources._claude_session import Session
from tokenaudit.sources._documents import at
from tokenaudit.sources.source import Decoded, Log, Retention, Tail

if TYPE_CHECKING:
    from tokenaudit.sources.head import Head

FOREIGN = frozenset({"usageMetadata", "systemPayload", "toolCallResult"})
"""Keys of a relative's lines that look alike but count otherwise; its messages have `parts`."""


def detect(head: Head) -> bool:
    """Say whether the first records are lines of a session: they carry `sessionId`, or are its metadata lines.

    The first message with `content` decides: a relative's messages have `parts`.
    """
    known = False
    for record in head.records:
        if _is_foreign(record):
            return False
        known = known or _is_line(record)
        if known and at(record, "message", "content") is not None:
            return True
    return known


def _is_line(record: dict[str, Any]) -> bool:
    kind = record.get("type")
    if not isinstance(kind, str):
        return False
    return (
        (isinstance(record.get("sessionId"), str) and not isinstance(record.get("message"), str))
        or (kind == "summary" and "leafUuid" in record)
        or (kind == "file-history-snapshot" and "snapshot" in record)
        or stream.is_line(record)
    )


def _is_foreign(record: dict[str, Any]) -> bool:
    message = record.get("message")
    return not FOREIGN.isdisjoint(record) or (isinstance(message, dict) and "parts" in message)


def decode(tail: Tail) -> Decoded:
    """Read the unread lines of one session file."""
    session = Session(tail)
    if not session.read():
        session = Session(tail, guarded=True)
        session.read()
    return stream.read_capture(tail.path) if stream.is_capture(session) else session.result()


SOURCE = Log(
    name="claude-code",
    title="Claude Code session logs",
    provider=None,
    authority="client",
    detect=detect,
    decode=decode,
    paths=(
        "$CLAUDE_CONFIG_DIR/projects",
        "$XDG_CONFIG_HOME/claude/projects",
        "~/.config/claude/projects",
        "~/.claude/projects",
    ),
    retention=Retention(30, "*.jsonl", "../settings.json", ("cleanupPeriodDays",)),
    known="~/.claude/projects/**/*.jsonl on each developer's machine",
    tells="tokens by response, session, working directory and git branch, with sub-agents",
    lacks="the user, and what a subscription covers (see `[[plan]]`); some versions never log the final output count",
)
