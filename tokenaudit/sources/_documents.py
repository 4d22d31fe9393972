"""JSON as it comes: documents of a line, whole files that are one document, and the beginning of one cut off.

Decimals are read as text, so that money keeps the digits it has in the file.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from tokenaudit.sources.lines import BLANK, BOM, open_binary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

DOCUMENT = msgspec.json.Decoder(Any, float_hook=str)
LOOSE = json.JSONDecoder(parse_float=str, parse_constant=lambda _: None)
START_BYTES = 1 << 14
DEEPEST = 500
"""Brackets inside one another: no document has more, and each costs time."""
CUTS, CUT_CHARACTERS = 64, 1 << 16
"""Places tried, and characters looked at, to make sense of a document whose end is not there."""
WHITE = " \t\r\n\x00"


def documents(line: bytes, errors: list[str]) -> Iterator[Any]:
    """Yield the JSON documents of a line: none of a blank one, usually one, several where they are glued together.

    Why the rest of a line could not be read is added to `errors`. What the quick decoder refuses (``NaN``, half
    characters, invalid UTF-8, a byte order mark) is read by the standard library.
    """
    if not line.strip(BLANK):
        return
    try:
        yield DOCUMENT.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        yield from _carefully(line.decode("utf-8-sig", "replace").strip(WHITE), errors)


def _carefully(text: str, errors: list[str]) -> Iterator[Any]:
    try:
        while text:
            value, end = LOOSE.raw_decode(text)
            yield whole_characters(value)
            text = text[end:].lstrip(WHITE)
    except json.JSONDecodeError as error:
        errors.append(f"not JSON: {error.msg} at character {error.pos}")
    except ValueError as error:  # a number of thousands of digits
        errors.append(f"not JSON: {error}")
    except RecursionError:
        errors.append("not JSON: nested too deeply")


def whole_characters(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a value with ``?`` for the halves of characters that its texts were cut in."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [whole_characters(item) for item in value]
    if isinstance(value, dict):
        return {whole_characters(key): whole_characters(item) for key, item in value.items()}
    return value


def at(value: Any, *keys: str) -> Any:  # noqa: ANN401 - any JSON
    """Return what stands under keys, one inside the other; None where there is no such thing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def items(value: Any, *keys: str) -> list[dict[str, Any]]:  # noqa: ANN401 - any JSON
    """Return the objects in the list that stands under keys; none where there is no list."""
    found = at(value, *keys)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def flat(document: object) -> Iterator[Mapping[str, Any]]:
    """Yield the document itself with nested keys joined by dots: ``usage.input_tokens``; lists stay as they are."""
    if isinstance(document, dict):
        yield dict(_leaves(document, ""))


def _leaves(value: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        name = f"{prefix}{key.strip().lower()}"
        if isinstance(inner, dict) and inner:
            yield from _leaves(inner, f"{name}.")
        else:
            yield name, inner


def chosen(names: Iterable[str]) -> Callable[[object], Iterator[Mapping[str, Any]]]:
    """Return what takes of a document only what stands under some names, nested keys joined by dots; objects whole."""
    wanted = frozenset(names)
    inside = frozenset(name[:at] for name in wanted for at, character in enumerate(name) if character == ".")
    spelt = lru_cache(maxsize=1 << 12)(lambda key: key.strip().lower())

    def walk(value: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
        for key, inner in value.items():
            name = prefix + spelt(key)
            if name in wanted:
                yield name, inner
            if name in inside and isinstance(inner, dict):
                yield from walk(inner, f"{name}.")

    def records(document: object) -> Iterator[Mapping[str, Any]]:
        if isinstance(document, dict):
            yield dict(walk(document, ""))

    return records


def is_document(path: str) -> bool:
    """Say whether a file is one JSON document (pretty-printed, or an array) and not a document a line."""
    with open_binary(path) as file:
        return starts_document(file.read(START_BYTES))


def starts_document(data: bytes) -> bool:
    """Say whether the beginning of a file is that of one JSON document over several lines, or of an array."""
    start = data.removeprefix(BOM).lstrip(BLANK)
    first, newline, rest = start.partition(b"\n")
    if start[:1] == b"[":
        return not (first.rstrip(BLANK).endswith(b"]") and _has_object_line(rest))
    begun = start[:1] == b"{" and newline and not first.rstrip(BLANK).endswith(b"}")
    return bool(begun) and not _has_object_line(rest)


def _has_object_line(data: bytes) -> bool:
    return data.startswith(b"{") or b"\n{" in data


def beginning(data: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Return what the first bytes of a document tell, as if it ended where they do; None where that is nothing."""
    text = data.removeprefix(BOM).decode("utf-8", "replace").lstrip(WHITE)
    try:
        return LOOSE.raw_decode(text)[0]
    except (ValueError, RecursionError):
        return _closed(text)


def _closed(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Cut a document behind its last whole value and close what is open there."""
    for cut, closing in reversed(_cuts(text[:CUT_CHARACTERS])[-CUTS:]):
        try:
            return LOOSE.decode(text[:cut] + closing)
        except (ValueError, RecursionError):
            continue
    return None


def _cuts(text: str) -> list[tuple[int, str]]:
    """Return the places where a document may be cut, each with the brackets that close it there."""
    found: list[tuple[int, str]] = []
    closing: list[str] = []
    quoted = escaped = False
    for at, character in enumerate(text):
        if quoted:
            quoted, escaped = escaped or character != '"', character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "{[":
            if len(closing) == DEEPEST:
                break
            closing.append("}" if character == "{" else "]")
            found.append((at + 1, "".join(reversed(closing))))
        elif character in "}]" and closing:
            closing.pop()
            found.append((at + 1, "".join(reversed(closing))))
        elif character == ",":
            found.append((at, "".join(reversed(closing))))
    return found
