"""What the commands about prices share: the book of a configuration, the day, and how an answer is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokenaudit import periods
from tokenaudit.cli import options, screen
from tokenaudit.cli.report import MACHINE

if TYPE_CHECKING:
    from tokenaudit.prices.book import PriceBook
    from tokenaudit.render.document import Document


def models(incomplete: str) -> list[str]:
    """Return the models whose names begin so, for a shell."""
    from tokenaudit.prices.book import load_book

    names = load_book().offers["price_model"].unique().sort().to_list()
    return [name for name in names if name.startswith(incomplete)]


def sellers(incomplete: str) -> list[str]:
    """Return the sellers whose names begin so, for a shell."""
    from tokenaudit.prices.book import load_book

    names = load_book().offers["seller"].unique().sort().to_list()
    return [name for name in names if name.startswith(incomplete)]


On = Annotated[
    date | None,
    typer.Option("--on", "--as-of", metavar="DATE", parser=periods.parse_date, help="The day; default today."),
]
Provider = Annotated[
    str | None, typer.Option("--provider", metavar="NAME", autocompletion=sellers, help="Only this seller's list.")
]
Model = Annotated[str, typer.Argument(metavar="MODEL", autocompletion=models, help="A model, under any of its names.")]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a question about prices is answered."""

    book: PriceBook
    day: date
    store: Path


def desk(on: date | None, store: Path | None, config: Path | None, *, no_config: bool) -> Desk:
    """Return the price book, with what the configuration says, and the day that is asked for."""
    settings = options.settings(store, config, no_config=no_config, as_of=on)
    from tokenaudit.reports.question import book_of

    return Desk(book_of(settings.config), settings.as_of, settings.store)


def show(document: Document, where: Desk, format: options.Format, output: Path | None, *, quiet: bool) -> None:  # noqa: A002
    """Write a document, with a warning where the book is too old for what the store holds."""
    from tokenaudit.render import render
    from tokenaudit.reports.price_age import staleness

    chosen = options.output_format(format, output)
    notes = () if quiet else (*(document.notes or ()), *staleness(where.store, where.book, where.day))
    render(replace(document, notes=notes), chosen, options.destination(output))
    if chosen in MACHINE:
        for note in notes:
            screen.say(f"note: {note}")
