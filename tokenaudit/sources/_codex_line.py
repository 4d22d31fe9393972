"""The shape of a Codex rollout line: the few fields that leave the file, nothing of what was said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

if TYPE_CHECKING:
    from tokenaudit.sources._codex_counter import Vector

Count = Annotated[int, msgspec.Meta(ge=0, le=10**15)]


class Usage(msgspec.Struct, gc=False):
    """Tokens of one response, or of a thread so far. ``total_tokens`` is input + output and not read."""

    input_tokens: Count | None = None
    cached_input_tokens: Count | None = None
    cache_write_input_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_output_tokens: Count | None = None

    def vector(self) -> Vector:
        """Return the counts; those that the log leaves out are 0."""
        return (
            self.input_tokens or 0,
            self.cached_input_tokens or 0,
            self.cache_write_input_tokens or 0,
            self.output_tokens or 0,
            self.reasoning_output_tokens or 0,
        )


class Base(msgspec.Struct, gc=False):
    """`history_base`: the thread whose file holds the history of this one, which therefore copies nothing."""

    thread_id: str | None = None


class Meta(msgspec.Struct, gc=False):
    """`session_meta`: the first of a file is its own, later ones are copied from the threads it descends from."""

    id: str | None = None
    forked_from_id: str | None = None
    history_base: Base | None = None
    subagent_history_start_ordinal: int | None = None
    cwd: str | None = None
    model_provider: str | None = None

    def parent(self) -> str | None:
        """Return the thread whose history was copied by hand, if any was."""
        return None if self.history_base else self.forked_from_id


class Turn(msgspec.Struct, gc=False):
    """`turn_context`."""

    turn_id: str | None = None
    cwd: str | None = None
    model: str | None = None


class Started(msgspec.Struct, gc=False):
    """Event `task_started`."""

    turn_id: str | None = None


class ThreadSettings(msgspec.Struct, gc=False):
    """The settings that such an event switches to."""

    model: str | None = None
    model_provider_id: str | None = None


class Settings(msgspec.Struct, gc=False):
    """Event `thread_settings_applied`."""

    thread_settings: ThreadSettings | None = None


class Info(msgspec.Struct, gc=False):
    """What the thread has used so far, and what its last response used."""

    total_token_usage: Usage | None = None
    last_token_usage: Usage | None = None
    model: str | None = None


class TokenCount(msgspec.Struct, gc=False):
    """Event `token_count`; the first of a session has no `info`."""

    info: Info | None = None


class UsageRecord(msgspec.Struct, gc=False):
    """`token_usage_record`: one for each completed response."""

    thread_id: str | None = None
    response_id: str | None = None
    usage: Usage | None = None
    thread_token_usage: Usage | None = None


class Kind(msgspec.Struct, gc=False):
    """The name of an event."""

    type: str | None = None


class Line(msgspec.Struct, gc=False):
    """A line of a rollout before its payload is looked at."""

    timestamp: str | None = None
    type: str | None = None
    ordinal: int | None = None
    payload: msgspec.Raw = msgspec.Raw()


Payload = Meta | Turn | Started | Settings | TokenCount | UsageRecord


class Entry(NamedTuple):
    """A line and its payload."""

    timestamp: str | None
    ordinal: int | None
    payload: Payload


_line = msgspec.json.Decoder(Line, strict=False).decode
_event = msgspec.json.Decoder(Kind).decode
_lines: dict[str, msgspec.json.Decoder[Any]] = {
    "session_meta": msgspec.json.Decoder(Meta, strict=False),
    "turn_context": msgspec.json.Decoder(Turn, strict=False),
    "token_usage_record": msgspec.json.Decoder(UsageRecord, strict=False),
}
_events: dict[str, msgspec.json.Decoder[Any]] = {
    "task_started": msgspec.json.Decoder(Started, strict=False),
    "thread_settings_applied": msgspec.json.Decoder(Settings, strict=False),
    "token_count": msgspec.json.Decoder(TokenCount, strict=False),
}
_loose = json.JSONDecoder(parse_constant=lambda _: None)

NEEDLES = (b'"token_', b'"turn_context"', b'"session_meta"', b'"task_started"', b'"thread_settings_applied"')
"""One of these stands in every line that is read."""


def entries(data: bytes) -> tuple[list[Entry], str | None]:
    """Return what a line says of usage (usually one entry or none), and why the rest of it could not be read.

    Two documents may be glued together without a newline; text cut inside an emoji leaves half a character; some
    writers put ``NaN``. The standard library reads what the quick decoder refuses.
    """
    try:
        return _entries(data), None
    except (ValueError, RecursionError):
        return _carefully(data.decode("utf-8-sig", "replace").strip("\x00 \t\r\n"))


def _entries(document: bytes) -> list[Entry]:
    line = _line(document)
    decoder = _decoder(line)
    return [Entry(line.timestamp, line.ordinal, decoder.decode(line.payload))] if decoder else []


def _decoder(line: Line) -> msgspec.json.Decoder[Any] | None:
    if line.type == "event_msg":
        return _events.get(_event(line.payload).type or "")
    return _lines.get(line.type or "")


def _carefully(text: str) -> tuple[list[Entry], str | None]:
    found: list[Entry] = []
    try:
        while text:
            value, end = _loose.raw_decode(text)
            found += _entries(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
            text = text[end:].lstrip()
    except json.JSONDecodeError as error:
        return found, f"not JSON: {error.msg} at character {error.pos}"
    except (ValueError, RecursionError) as error:
        return found, f"unexpected value: {error}"
    return found, None
