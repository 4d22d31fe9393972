"""The shape of a Claude Code line: the few fields that leave the file, nothing of what was said."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar

import msgspec

T = TypeVar("T")
PROGRESS = "agent_progress"
LARGEST_COUNT = 10**15
"""More tokens than that in one response are a broken number."""
NOTHING = msgspec.Raw()
ABSENT = (NOTHING, msgspec.Raw(b"null"))
BLANK = "\x00 \t\r\n"
NOT_A_REGION = (None, "", "not_available", "global")


Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_COUNT)]


class CacheCreation(msgspec.Struct, gc=False):
    """Cache writes by life."""

    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class ServerTools(msgspec.Struct, gc=False):
    """Calls of tools on the provider's side."""

    web_search_requests: Count | None = None


class OutputDetails(msgspec.Struct, gc=False):
    """Parts of the output."""

    thinking_tokens: Count | None = None


Counts = tuple[int, int, int, int, int, int, int]
"""Uncached, cache read, 5m write, 1h write, output and reasoning tokens, and web searches."""


class Iteration(msgspec.Struct, gc=False):
    """One model call inside a response."""

    type: str | None = None
    model: str | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None
    server_tool_use: ServerTools | None = None

    def counts(self) -> Counts:
        """Return the counts; what is null or absent is 0.

        What a breakdown of cache writes leaves out of their total is 5 minutes.
        """
        short, long, detail = self.cache_creation_input_tokens or 0, 0, self.cache_creation
        if detail is not None:
            whole, long, short = short, detail.ephemeral_1h_input_tokens or 0, detail.ephemeral_5m_input_tokens or 0
            short = max(short, whole - long)
        tools, details = self.server_tool_use, self.output_tokens_details
        return (
            self.input_tokens or 0,
            self.cache_read_input_tokens or 0,
            short,
            long,
            self.output_tokens or 0,
            0 if details is None else details.thinking_tokens or 0,
            0 if tools is None else tools.web_search_requests or 0,
        )


class Usage(Iteration, gc=False):
    """`message.usage`."""

    service_tier: str | None = None
    inference_geo: str | None = None
    speed: str | None = None
    iterations: list[Iteration] | None = None

    def prompt(self) -> tuple[int, int, int]:
        """Return the prompt's counts: uncached, written to and read from cache."""
        return self.input_tokens or 0, self.cache_creation_input_tokens or 0, self.cache_read_input_tokens or 0


class Message(msgspec.Struct, gc=False):
    """`message`."""

    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    usage: Usage | None = None


class Inner(msgspec.Struct, gc=False):
    """A sub-agent's line inside a progress line."""

    requestId: str | None = None  # noqa: N815 - the log's own spelling
    timestamp: str | None = None
    uuid: str | None = None
    message: Message | None = None


class Progress(msgspec.Struct, gc=False):
    """`data` of a progress line."""

    type: str | None = None
    agentId: str | None = None  # noqa: N815 - the log's own spelling
    message: Inner | None = None


class Line(msgspec.Struct, gc=False):
    """A line of the log."""

    type: str | None = None
    timestamp: str | None = None
    sessionId: str | None = None  # noqa: N815 - the log's own spelling
    requestId: str | None = None  # noqa: N815 - the log's own spelling
    uuid: str | None = None
    agentId: str | None = None  # noqa: N815 - the log's own spelling
    isSidechain: bool | None = None  # noqa: N815 - the log's own spelling
    cwd: str | None = None
    gitBranch: str | None = None  # noqa: N815 - the log's own spelling
    costUSD: msgspec.Raw = NOTHING  # noqa: N815 - the log's own spelling
    forkedFrom: msgspec.Raw = NOTHING  # noqa: N815 - the log's own spelling
    message: Message | None = None
    data: Progress | None = None

    def reported_cost(self) -> str | None:
        """Return the client's own estimate as decimal text, also of ``4e-05``; None where it is no number."""
        if self.costUSD is NOTHING or self.costUSD in ABSENT:
            return None
        try:
            cost = Decimal(bytes(self.costUSD).decode("ascii", "replace").strip('"'))
        except InvalidOperation:
            return None
        return f"{cost:f}" if cost.is_finite() and abs(cost) < LARGEST_COUNT else None


def larger_cost(known: str | None, more: str) -> str:
    """Return the larger of two costs."""
    return more if known is None or Decimal(more) > Decimal(known) else known


parse = msgspec.json.Decoder(Line, strict=False).decode
"""Reads a line; raises one of `UNREADABLE`."""
UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError)
_loose = json.JSONDecoder(parse_constant=lambda _: None)


def carefully(data: bytes, errors: list[str]) -> Iterator[tuple[Line, bytes]]:
    """Yield the documents of a line that `parse` refuses, and their text.

    Why the rest could not be read is added to `errors`.
    """
    return each(data, errors, _typed)


def each(data: bytes, errors: list[str], typed: Callable[[Any], T]) -> Iterator[T]:
    """Yield what `typed` makes of the documents of a line; why the rest could not be read is added to `errors`.

    Two documents may be glued together without a newline; text cut inside an emoji leaves half a character; old
    writers put ``NaN``. The standard library reads what the quick decoder refuses.
    """
    text = data.decode("utf-8-sig", "replace").strip(BLANK)
    try:
        while text:
            value, end = _loose.raw_decode(text)
            yield typed(value)
            text = text[end:].lstrip(BLANK)
    except json.JSONDecodeError as error:
        errors.append(f"not JSON: {error.msg} at character {error.pos}")
    except UNREADABLE as error:
        errors.append(f"unexpected value: {error}")


def _typed(value: Any) -> tuple[Line, bytes]:  # noqa: ANN401 - any JSON
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in ("assistant", "progress"):
        return Line(type=kind if isinstance(kind, str) else None), b""
    text = written(value)
    return parse(text), text


def written(value: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Write a document that the standard library read, without the halves of characters that it lets through."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
