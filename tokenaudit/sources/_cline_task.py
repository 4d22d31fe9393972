"""What stands beside a Cline log in its folder: which model answered when, and in which working directory.

Of the prompts in these files nothing is kept but the model's name and the directory that the program wrote into them.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tokenaudit.sources._documents import DOCUMENT, at, items
from tokenaudit.sources._packed import as_written
from tokenaudit.sources.lines import DAMAGED, open_binary

if TYPE_CHECKING:
    from collections.abc import Iterator

UI_MESSAGES = "ui_messages.json"
MODEL = r"<model>([^<\n]{1,200})</model>"
DIRECTORY = r"Current (?:Working|Workspace) Directory \(([^)\n]{1,400})\)"


class Used(NamedTuple):
    """A model that answers from an instant on (milliseconds), until another does."""

    at: int
    model: str | None
    provider: str | None


class Task(NamedTuple):
    """A task's folder: its name, who answered, and where the task worked."""

    name: str | None
    used: list[Used]
    directory: str | None

    def before(self, instant: int | None) -> Used:
        """Return the last model named before an instant, or at all."""
        return next((item for item in reversed(self.used) if instant is None or item.at < instant), Used(0, None, None))


def task_of(path: str) -> Task:
    """Return what is known of the task whose messages stand in `path`; nothing where it was copied elsewhere."""
    folder, name = os.path.split(as_written(path))
    if name != UI_MESSAGES:
        return Task(None, [], None)
    texts = list(_texts(beside(path, "api_conversation_history.json")))
    named = [Used(when, found[1], None) for when, text in texts if (found := re.search(MODEL, text))]
    used = [*named, *_metadata(beside(path, "task_metadata.json"))]
    places = (found[1] for _, text in texts if (found := re.search(DIRECTORY, text)))
    return Task(os.path.basename(folder), sorted(used, key=lambda item: item.at), next(places, None))


def beside(path: str, name: str) -> Any:  # noqa: ANN401 - any JSON
    """Return the document that stands beside a file under a name; None where there is none that can be read."""
    try:
        with open_binary(f"{path.removesuffix(os.path.basename(path))}{name}") as file:
            return DOCUMENT.decode(file.read())
    except (OSError, ValueError, *DAMAGED):
        return None


def _texts(history: object) -> Iterator[tuple[int, str]]:
    """Yield the instant and each text of what was sent to the model."""
    for message in items({"all": history}, "all"):
        content = message.get("content")
        blocks = [content] if isinstance(content, str) else [at(block, "text") for block in items(message, "content")]
        if message.get("role") == "user":
            yield from ((_whole(message.get("ts")), text) for text in blocks if isinstance(text, str))


def _metadata(told: object) -> Iterator[Used]:
    for item in items(told, "model_usage"):
        yield Used(_whole(item.get("ts")), item.get("model_id"), item.get("model_provider_id"))


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
