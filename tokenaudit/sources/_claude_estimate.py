"""What an unfinished response may have put out, from the text that its lines show.

Claude Code often records only the count of the stream's start. Least squares on 1,419 finished responses gave
``0.292 text + 0.324 thinking + 0.294 tool input + 0.392 signature (where the thinking is hidden) + 13.9 a tool call +
55.6`` characters to tokens (held-out half: sum within 0.7 %, R2 0.984). Here in thousandths of a token, so that the
parts add up exactly in any order.
"""

from __future__ import annotations

import re

import msgspec

from tokenaudit.sources.identity import hash_text

OPEN_BYTES = 1 << 24
TEXT, THINKING, TOOL_INPUT, SIGNATURE, TOOL_CALL = 292, 324, 294, 392, 13_900
BASE = 55_600
LARGEST = (1 << 31) - 1
HALF_CHARACTER = re.compile(rb"(?<!\\)((?:\\\\)*)\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
"""An escaped half of a character, behind an even number of backslashes."""


class _Block(msgspec.Struct, gc=False):
    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    input: msgspec.Raw = msgspec.Raw()

    def thousandths(self) -> int:
        thinking = len(self.thinking or "")
        hidden = 0 if thinking else SIGNATURE * len(self.signature or "")
        shown = TEXT * len(self.text or "") + THINKING * thinking + hidden
        return shown + (
            TOOL_INPUT * len(bytes(self.input).decode("utf-8", "replace")) + TOOL_CALL if self.type == "tool_use" else 0
        )


class _Message(msgspec.Struct, gc=False):
    content: list[_Block] | str | None = None


class _Inner(msgspec.Struct, gc=False):
    message: _Message | None = None


class _Data(msgspec.Struct, gc=False):
    message: _Inner | None = None


class _Line(msgspec.Struct, gc=False):
    message: _Message | None = None
    data: _Data | None = None


_decode = msgspec.json.Decoder(_Line, strict=False).decode


def part(uuid: str, data: bytes) -> int:
    """Return one line's share: 32 bits of the hash of its uuid, then 31 bits of estimated milli-tokens.

    Equal lines give equal numbers, so that the parts of a response can be united over copies and pieces of a file.
    """
    return ((hash_text(uuid) & 0x7FFFFFFF) << 32) | min(_thousandths(data), LARGEST)


def _thousandths(data: bytes) -> int:
    try:
        line = _decode(data)
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError):
        return _thousandths_of_broken(data)
    return _sum(line)


def _thousandths_of_broken(data: bytes) -> int:
    """Read a line once more without the halves of characters that its text was cut in; 0 where that does not help."""
    try:
        return _sum(_decode(HALF_CHARACTER.sub(rb"\1?", data)))
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError):
        return 0


def _sum(line: _Line) -> int:
    message = line.message or (line.data.message.message if line.data and line.data.message else None)
    content = message.content if message else None
    if isinstance(content, str):
        return TEXT * len(content)
    return sum(block.thousandths() for block in content or ())
