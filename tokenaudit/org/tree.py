"""The tree of teams on each day: the path from the top, and who pays where a team does not say it itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from tokenaudit.org.records import Entry, Team

SEPARATOR = "/"


class Branch(NamedTuple):
    """A team for some days: the names from the top down to it, and who pays."""

    team: str
    path: str
    cost_center: str | None
    gl_code: str | None
    first: date
    last: date


class Cycle(NamedTuple):
    """Teams that are part of each other."""

    names: tuple[str, ...]


def edges(entries: Iterable[Entry]) -> list[date]:
    """Return the days on which something changes, in order."""
    days = {edge for item in entries for edge in (item.first, item.last and next_day(item.last)) if edge}
    return sorted(days)


def next_day(day: date) -> date:
    """Return the day after; the last day of all has none after it."""
    return day if day == date.max else day + timedelta(days=1)


def spans(changes: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Yield first and last day of the times between changes."""
    starts = [date.min, *changes]
    ends = [*(day - timedelta(days=1) for day in changes), date.max]
    yield from zip(starts, ends, strict=True)


def branches(teams: Sequence[Team]) -> list[Branch]:
    """Return every team for every time between two changes. Teams in a cycle end it where they meet again."""
    return [
        _branch(name, known, first, last)
        for first, last in spans(edges(teams))
        for known in [_known(teams, first)]
        for name in known
    ]


def cycle(teams: Sequence[Team]) -> Cycle | None:
    """Return teams that are part of each other on some day, None where there are none."""
    for first, _ in spans(edges(teams)):
        known = _known(teams, first)
        for name in known:
            line = _line(name, known)
            above = known[line[0]].parent if line[0] in known else None
            if above in line:
                return Cycle(tuple(sorted(line[: line.index(above) + 1])))
    return None


def _known(teams: Sequence[Team], day: date) -> dict[str, Team]:
    return {item.name: item for item in teams if item.days[0] <= day <= item.days[1]}


def _line(name: str, known: Mapping[str, Team]) -> list[str]:
    """Return the names from the top down to a team."""
    line: list[str] = []
    above: str | None = name
    while above is not None and above not in line:
        line.insert(0, above)
        above = known[above].parent if above in known else None
    return line


def _branch(name: str, known: Mapping[str, Team], first: date, last: date) -> Branch:
    line = _line(name, known)
    upward = [known[step] for step in reversed(line) if step in known]
    center = next((item.cost_center for item in upward if item.cost_center), None)
    code = next((item.gl_code for item in upward if item.gl_code), None)
    return Branch(name, SEPARATOR.join(line), center, code, first, last)
