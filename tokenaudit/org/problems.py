"""One thing that is wrong with an org map."""

from __future__ import annotations

from typing import Literal, NamedTuple

from tokenaudit.org.records import Place

Level = Literal["error", "warning"]


class Problem(NamedTuple):
    """What is wrong, where, and what to do. With an error no report is made, as it would be of something else."""

    level: Level
    place: Place
    text: str
    hint: str


def error(place: Place, text: str, hint: str) -> Problem:
    """Return something that cannot be meant."""
    return Problem("error", place, text, hint)


def warning(place: Place, text: str, hint: str) -> Problem:
    """Return something that was likely forgotten."""
    return Problem("warning", place, text, hint)
