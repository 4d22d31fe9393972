"""The dresses in which a Bedrock invocation record comes: as S3 gets it, and as CloudWatch shows and exports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources._documents import DOCUMENT, at, items

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "ModelInvocationLog"
EVENTS = ("events", "logEvents", "Records")
MESSAGES = ("message", "@message")
COLUMN = b"@message"


def invocations(value: Any) -> Iterator[dict[str, Any] | str]:  # noqa: ANN401 - any JSON
    """Yield the invocation records in a document, or why one of them cannot be read."""
    if isinstance(value, list):
        for item in value:
            yield from invocations(item)
    elif isinstance(value, dict):
        if value.get("schemaType") == MARK:
            yield value
        else:
            yield from _wrapped(value)


def _wrapped(value: dict[str, Any]) -> Iterator[dict[str, Any] | str]:
    """Yield the records of a page of events, of a query's result, or of one event."""
    for name in EVENTS:
        yield from invocations(items(value, name))
    for found in _results(value):
        yield from _message(found)
    for name in MESSAGES:
        yield from _message(value.get(name))


def _results(value: dict[str, Any]) -> Iterator[object]:
    """Yield the messages of a query's result, which is a list of lists of fields."""
    rows = value.get("results")
    for row in rows if isinstance(rows, list) else []:
        for field in row if isinstance(row, list) else []:
            if at(field, "field") == COLUMN.decode():
                yield at(field, "value")


def _message(message: object) -> Iterator[dict[str, Any] | str]:
    """Yield the record in an event's message: an object, or its text."""
    if isinstance(message, dict):
        yield from invocations(message)
    elif isinstance(message, str) and MARK in message:
        try:
            yield from invocations(DOCUMENT.decode(message))
        except (ValueError, RecursionError):
            yield "the message of an event is not whole JSON"


def trimmed(line: bytes) -> bytes:
    """Return the JSON of a line that has an instant in front of it, or is a row of CSV; nothing of a header."""
    start = line.find(b"{")
    if start < 0:
        return b""
    if line.startswith(b'{""', start):
        return line[start : line.rfind(b'}"') + 1].replace(b'""', b'"')
    return line[start:]
