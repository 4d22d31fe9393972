"""What commands that look along the days share: the question the options ask, and how the answer is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokenaudit.cli import options, screen
from tokenaudit.conditions import Condition, combined

if TYPE_CHECKING:
    from tokenaudit.render import Format
    from tokenaudit.render.document import Document
    from tokenaudit.reports.question import Question

MACHINE = ("csv", "json", "ndjson", "parquet")
Span = tuple[date, date]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="PERIOD", help="Days that will not happen again: 2026-07-17..2026-07-20."),
]


def question(
    settings: options.Settings, where: Sequence[Condition] | None, cost: str, keep: Sequence[str] | None
) -> Question:
    """Return what is counted, of all time and not broken down. QueryError for a source that does not exist."""
    from tokenaudit.reports.question import Question

    return Question(settings.period("all"), (), combined(where or ()), settings.config, cost, _kept(keep or ()))


def _kept(names: Sequence[str]) -> frozenset[str]:
    if not names:
        return frozenset()
    from tokenaudit.sources import by_name

    return frozenset(by_name(name).name for name in names)


def spans(texts: Sequence[str] | None, settings: options.Settings) -> tuple[Span, ...]:
    """Return periods as first and last days. Raises PeriodError."""
    found = [settings.period(text) for text in texts or ()]
    return tuple((period.first, period.last) for period in found)


def show(document: Document, form: Format, output: Path | None, *, quiet: bool) -> None:
    """Write a document to where it is wanted; notes go to stderr where a machine reads the rest."""
    from tokenaudit.render import render

    machine = form in MACHINE
    render(replace(document, notes=()) if quiet and not machine else document, form, options.destination(output))
    if machine and not quiet:
        for note in document.notes or ():
            screen.say(f"note: {note}")
