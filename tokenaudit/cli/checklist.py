"""What `doctor` found, laid out for people: the store as a whole, then each source, as wide as the terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from tokenaudit.cli import screen

if TYPE_CHECKING:
    from tokenaudit.reports.findings import Check

WIDEST = 120
COLORS = {"ok": "\033[32m", "warn": "\033[33m", "broken": "\033[1;31m"}
"""Of a verdict; colour only adds to what the word says."""


def lines(found: Sequence[Check], titles: Mapping[str, str]) -> Iterator[str]:
    """Yield the checks under a heading for each source, whose titles are given, and how many want a look."""
    width = _width()
    room = max(len(check.name) for check in found)
    for source, checks in groupby(found, key=attrgetter("source")):
        if source is not None:
            yield from ("", f"{source}: {titles[source]}")
        for check in checks:
            yield from _wrapped(check, room, width)
    yield from ("", _verdict(found))


def _verdict(found: Sequence[Check]) -> str:
    worth = [check for check in found if check.verdict != "ok"]
    sources = len({check.source for check in worth if check.source})
    if not worth:
        return "Nothing to look at."
    things = f"{len(worth)} thing{'s' if len(worth) > 1 else ''} to look at"
    return f"{things}, in {sources} source{'s' if sources > 1 else ''}." if sources else f"{things}."


def _width() -> int | None:
    """Return the width to fold lines at; None where nobody looks, as each check is then one line to search."""
    return min(WIDEST, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None


def _wrapped(check: Check, room: int, width: int | None) -> list[str]:
    begin = f"  {check.verdict:<6}  {check.name:<{room}}  "
    if width is None:
        return [begin + check.text]
    folded = textwrap.wrap(
        check.text,
        width,
        initial_indent=begin,
        subsequent_indent=" " * len(begin),
        break_on_hyphens=False,
        break_long_words=False,
    )
    if screen.colored(sys.stdout):
        folded[0] = folded[0].replace(check.verdict, f"{COLORS[check.verdict]}{check.verdict}{screen.PLAIN}", 1)
    return folded
