"""Patterns of names, as shells have them: ``claude-*``. Of several that fit the one that says most counts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")
Named = tuple[str | None, ...]
"""The names of one thing, such as a model as logged and as its maker calls it."""


def fits(pattern: str, names: Named) -> bool:
    """Say whether any of the names, or no name where there is none, is of a pattern; case does not matter."""
    known = [name for name in names if name is not None]
    return any(_compiled(pattern.lower()).match(name.lower()) for name in known or [""])


def literal(pattern: str) -> int:
    """Return how much of a pattern is fixed.

    >>> literal("claude-*"), literal("*"), literal("gpt-[45]")
    (7, 0, 4)
    """
    return len(re.sub(r"\[[^]]*\]|[*?]", "", pattern))


def best(choices: Iterable[tuple[str, Item]], names: Named) -> tuple[int, Item] | None:
    """Return the item whose pattern fits with the most fixed letters, and how many; the first of equals."""
    fitting = [(literal(pattern), item) for pattern, item in choices if fits(pattern, names)]
    return max(fitting, key=lambda found: found[0], default=None)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))
