"""What ``claude -p --output-format stream-json`` wrote to a file: the lines of a session in another dress.

Responses are those of the session's own log, with the same ids, so that both together count once. What differs:

* Ids are spelled `session_id` and `request_id`; a sub-agent's line names its `parent_tool_use_id`; the working
  directory stands in the ``init`` line.
* With partial messages, ``message_start`` and ``message_delta`` events hold the counts too: the delta has the final
  output, which the response's own lines never have. It names no life of cache writes: that is as at the start.
* Responses tell no time. Theirs is the last `timestamp` of a line before, else the first of a line after (lines of tool
  results have one); where there is none at all, noon UTC of the date in the file's name; else they are rejected.
* ``result`` lines repeat what was counted, cumulatively: they add nothing.

A capture is read from its start each time, as a later line may be the first that tells the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tokenaudit.sources._claude_line import UNREADABLE, Line, Message, Usage, each, written
from tokenaudit.sources._claude_session import Session
from tokenaudit.sources._file_name import day
from tokenaudit.sources._instant import instant
from tokenaudit.sources.lines import Hit
from tokenaudit.sources.source import Decoded, Tail

if TYPE_CHECKING:
    from collections.abc import Iterator

USAGE = b'"output_tokens"'
NO_TIME = "a response without a time: put the date into the file's name, such as run-2026-10-05.jsonl"
COPY = msgspec.Raw(b"true")
"""Marks a line as a copy, so that the session's own log says where it belongs."""


class Delta(msgspec.Struct, gc=False):
    """What a ``message_delta`` event changes."""

    stop_reason: str | None = None


class Event(msgspec.Struct, gc=False):
    """An event of the stream that the response came in."""

    type: str | None = None
    message: Message | None = None
    usage: Usage | None = None
    delta: Delta | None = None


class Record(Line, gc=False):
    """A line of a capture."""

    subtype: str | None = None
    session_id: str | None = None
    request_id: str | None = None
    parent_tool_use_id: str | None = None
    event: Event | None = None


Found = list[tuple[Hit, Record]]
_decode = msgspec.json.Decoder(Record, strict=False).decode


def is_line(record: dict[str, Any]) -> bool:
    """Say whether a record is the first line of a capture, or a response in it."""
    if not isinstance(record.get("session_id"), str):
        return False
    message = record.get("message")
    response = isinstance(message, dict) and str(message.get("id")).startswith("msg_")
    return "claude_code_version" in record or (response and "parent_tool_use_id" in record)


def is_capture(session: Session) -> bool:
    """Say whether a file that was read as a session is a capture: its lines spell the session's id in another way."""
    if not session.lines.from_start or any(name for name, *_ in session.places.values()):
        return False
    return b'"session_id"' in session.lines.start and b'"sessionId"' not in session.lines.start


def read_capture(path: str) -> Decoded:
    """Read a whole capture."""
    session = Session(Tail(path), guarded=True)
    found = _records(session)
    times = [at for _, record in found if (at := instant(record.timestamp))]
    date = day(path)
    _Capture(session, times[0] if times else date and f"{date}T12:00:00.000Z").read(found)
    made = session.result()
    made.offset, made.line, made.state = 0, 0, ""
    return made


def _records(session: Session) -> Found:
    """Return the lines of a capture; those with usage that cannot be read are rejects."""
    found: Found = []
    for hit in session.lines.hits(b"{"):
        errors: list[str] = []
        for record, text in _read(hit[2], errors):
            found.append(((*hit[:2], text if USAGE in text else b""), record))
        for error in errors if USAGE in hit[2] else ():
            session.refuse(hit, f"unreadable line: {error}")
    return found


def _read(data: bytes, errors: list[str]) -> Iterator[tuple[Record, bytes]]:
    """Yield the documents of a line and their text, with care where it is not one sound document."""
    try:
        yield _decode(data), data
    except UNREADABLE:
        yield from each(data, errors, _typed)


def _typed(value: Any) -> tuple[Record, bytes]:  # noqa: ANN401 - any JSON
    text = written(value)
    return _decode(text), text


class _Capture:
    """A capture as its lines are taken into a session."""

    def __init__(self, session: Session, time: str | None) -> None:
        self.session = session
        self.time = time
        self.cwd: str | None = None
        self.streamed: dict[str | None, Message] = {}
        self.refused: set[str | None] = set()

    def read(self, found: Found) -> None:
        """Take in every line."""
        for hit, record in found:
            self.time = instant(record.timestamp) or self.time
            if record.type == "system":
                self.cwd = record.cwd or self.cwd
            elif record.type == "user" and self.session.guard is not None:
                self.session.guard.turn()
            message = self.message(record)
            if message is not None:
                self.add(record, message, hit)

    def message(self, record: Record) -> Message | None:
        """Return the response that a line tells of, with the counts that stand in the line."""
        event = record.event
        if record.type == "assistant":
            return record.message
        if event is None:
            return None
        if event.type == "message_start" and event.message is not None:
            self.streamed[record.parent_tool_use_id] = event.message
            return event.message
        begun = self.streamed.get(record.parent_tool_use_id)
        if event.type != "message_delta" or begun is None:
            return None
        reason = event.delta.stop_reason if event.delta else None
        return Message(begun.id, begun.model, reason, _completed(event.usage, begun.usage))

    def add(self, record: Record, message: Message, hit: Hit) -> None:
        """Take in one line of a response, as the session's log would have it."""
        if self.time is None:
            if message.id not in self.refused:
                self.session.refuse(hit, NO_TIME)
            self.refused.add(message.id)
            return
        record.timestamp, record.sessionId = self.time, record.session_id
        record.requestId, record.cwd = record.request_id, self.cwd
        record.isSidechain, record.forkedFrom = record.parent_tool_use_id is not None, COPY
        record.type, record.message = "assistant", message
        self.session.add(record, hit)


def _completed(usage: Usage | None, begun: Usage | None) -> Usage | None:
    """Return the usage of a delta; what it leaves out is as at the start."""
    if usage is None or begun is None:
        return usage
    told = {name: value for name, value in msgspec.structs.asdict(usage).items() if value is not None}
    return msgspec.structs.replace(begun, **told)
