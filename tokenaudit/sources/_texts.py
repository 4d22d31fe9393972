"""Tokens of a call whose provider counted none, from the texts that were logged: only their number leaves this module.

Counted are the texts of the request (messages, system prompt, contents, tools' results) as uncached input, and those
of the answer as output. Each is counted by itself, see `tokenaudit.tokenizer.count`; what a provider adds for each
message, images, files and hidden thinking are not in it. A request that was not logged counts nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

ASKED = ("system", "instructions", "messages", "input", "prompt", "contents", "systemInstruction", "system_instruction")
"""Fields of a request that hold text."""
ANSWERED = ("choices", "output", "content", "candidates", "message", "text", "delta")
"""Fields of a response that hold text."""
INSIDE = (
    "content", "parts", "text", "message", "delta", "arguments", "function", "tool_calls", "function_call", "args",
    "reasoning_content", "reasoning", "refusal", "thinking", "summary", "output", "input", "response",
)  # fmt: skip
"""Fields of messages and their parts that hold text, at any depth."""
OBJECTS = ("args", "input", "response")
"""Those of them that hold an object of a tool's own."""
MEDIA = "data:"
"""How an embedded picture begins."""


def estimated(request: object, answers: Iterable[object], model: str | None) -> dict[str, Any] | None:
    """Return the usage columns of a call from its request and its response, or the chunks of one, in order.

    None where no text of an answer was logged.
    """
    asked, answer = list(_of(request, ASKED)), "".join(text for one in answers for text in _of(one, ANSWERED))
    if not answer:
        return None
    from tokenaudit.tokenizer.count import count

    return {
        "uncached_input_tokens": sum(count(text, model).tokens for text in asked),
        "output_tokens": count(answer, model).tokens,
        "tokens_basis": "estimated",
    }


def _of(value: object, names: tuple[str, ...]) -> Iterator[str]:
    """Yield the texts under some fields of an object."""
    if isinstance(value, dict):
        for name in names:
            yield from _texts(value.get(name))


def _texts(value: object) -> Iterator[str]:
    """Yield the texts of a message, a part, or a list of them."""
    if isinstance(value, str):
        yield from () if value.startswith(MEDIA) else (value,)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for name in INSIDE:
            inner = value.get(name)
            yield from _own(inner) if name in OBJECTS and isinstance(inner, dict) else _texts(inner)


def _own(value: dict[str, Any]) -> Iterator[str]:
    """Yield what a tool was given or gave back, as JSON."""
    yield json.dumps(value, ensure_ascii=False)
