"""The table that the measurements end in."""

from __future__ import annotations

from typing import NamedTuple

HEAD = ("measured", "tokenaudit", "against", "ratio", "goal", "")


class Result(NamedTuple):
    """One line of the table."""

    what: str
    ours: str
    peer: str
    ratio: str
    goal: str
    verdict: str


def ratio(what: str, ours: float, peer: float, name: str, goal: float | None) -> Result:
    """Return the line of two times in seconds; ok is at most `goal` times as long as the peer."""
    times = ours / peer
    return Result(
        what,
        f"{ours:.3f} s",
        f"{name} {peer:.3f} s",
        f"{times:.2f}x",
        f"{goal:g}x" if goal else "",
        _verdict(times, goal) if goal else "",
    )


def within(what: str, ours: float, peer: float, name: str, goal: float) -> Result:
    """Return the line of a time that has to stay under a goal in seconds, beside that of a peer."""
    times = f"{ours / peer:.2f}x"
    return Result(what, f"{ours:.3f} s", f"{name} {peer:.3f} s", times, f"{goal:g} s", _verdict(ours, goal))


def ceiling(what: str, megabytes: float, goal: float) -> Result:
    """Return the line of an amount of memory that has to stay under a goal."""
    return Result(what, f"{megabytes:.0f} MB", "", "", f"{goal:g} MB", _verdict(megabytes, goal))


def skipped(what: str, reason: str) -> Result:
    """Return the line of something that could not be measured, and why."""
    return Result(what, "", f"skipped: {reason}", "", "", "")


def failed(what: str) -> Result:
    """Return the line of something that ended with an error."""
    return Result(what, "", "see above", "", "", "FAILED")


def layout(results: list[Result]) -> str:
    """Return the lines as a Markdown table."""
    rows = [HEAD, *results]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    rule = "|".join("-" * (width + 2) for width in widths)
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([f"| {lines[0]} |", f"|{rule}|", *(f"| {line} |" for line in lines[1:])])


def _verdict(value: float, goal: float) -> str:
    return "ok" if value <= goal else "MISS"
