"""How `doctor` lays out what it found."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from tokenaudit.cli.checklist import lines
from tokenaudit.reports.findings import Check

FOUND = [
    Check("store", "ok", "4 rows"),
    Check("gaps", "warn", " ".join(["weekday"] * 20), "codex"),
    Check("names", "ok", "no user in 5 % of the rows", "codex"),
]
TITLES = {"codex": "Codex rollouts"}


def test_one_line_a_check_where_nobody_looks() -> None:
    """So that it can be searched; what wants a look is counted at the end."""
    assert list(lines(FOUND, TITLES)) == [
        "  ok      store  4 rows",
        "",
        "codex: Codex rollouts",
        f"  warn    gaps   {' '.join(['weekday'] * 20)}",
        "  ok      names  no user in 5 % of the rows",
        "",
        "1 thing to look at, in 1 source.",
    ]


def test_nothing_to_look_at() -> None:
    """It says so."""
    assert list(lines(FOUND[:1], {}))[-1] == "Nothing to look at."


@pytest.mark.parametrize(("columns", "widest"), [(80, 80), (300, 120)])
def test_a_terminal_is_not_overrun(monkeypatch: pytest.MonkeyPatch, columns: int, widest: int) -> None:
    """Sentences are folded under their beginning, and stay readable on a wide screen."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((columns, 24)))
    monkeypatch.setenv("NO_COLOR", "1")
    shown = list(lines(FOUND, TITLES))

    assert widest - 10 < max(map(len, shown)) <= widest
    assert shown[4].startswith(" " * 17 + "weekday")
