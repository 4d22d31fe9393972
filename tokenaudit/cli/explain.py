"""`tokenaudit explain`: one number back to rows, files, lines and prices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tokenaudit.cli import options, screen
from tokenaudit.cli.report import DEFAULT_BY, MACHINE, kept_sources
from tokenaudit.conditions import Condition, combined

if TYPE_CHECKING:
    from tokenaudit.render.document import Document
    from tokenaudit.store.store import Store

EXAMPLES = (
    "tokenaudit explain --where user=alice --period 2026-10-14    one row of a report",
    "tokenaudit explain msg_01XFDUDYJgAACzvnptvVoYEL              one call, by its id",
    "tokenaudit explain claude-opus-5-5 --period 2026-10          one model",
    "tokenaudit explain --where project=web -f json",
)
What = Annotated[
    str | None,
    typer.Argument(metavar="[ID|MODEL]", help="A call, by its id, or a model; else all that --where leaves."),
]


def command(
    what: What = None,
    period: options.Period = None,
    where: options.Where = None,
    keep: options.Keep = None,
    limit: options.Limit = None,
    timezone: options.Timezone = None,
    as_of: options.AsOf = None,
    format: options.Format = None,  # noqa: A002 - the option's own name
    output: options.Output = None,
    store: options.Store = None,
    config: options.Config = None,
    *,
    no_config: options.NoConfig = False,
    quiet: options.Quiet = False,
) -> None:
    """Show what a number is made of: prices and formulas, files and lines, and what was told again.

    The totals are those of `tokenaudit report` with the same --period and --where. A call is looked for in all time.
    """
    settings = options.settings(store, config, no_config=no_config, as_of=as_of, timezone=timezone)
    chosen = options.output_format(format, output)
    from tokenaudit.render import render
    from tokenaudit.store.store import Store

    with Store.open(settings.store) as opened:
        document = _document(opened, settings, what, period, where or [], keep or [], limit, quiet=quiet)
    render(document, chosen, options.destination(output))
    if chosen in MACHINE and not quiet:
        for note in document.notes or ():
            screen.say(f"note: {note}")


def _document(
    store: Store,
    settings: options.Settings,
    what: str | None,
    period: str | None,
    where: Sequence[Condition],
    keep: Sequence[str],
    limit: int | None,
    *,
    quiet: bool,
) -> Document:
    from dataclasses import replace

    from tokenaudit.reports.explain import explain
    from tokenaudit.reports.explain_document import explain_document, where_words
    from tokenaudit.reports.explain_target import Target, target
    from tokenaudit.reports.question import Question, book_of, default_period

    meant = Target() if what is None else target(store, what, book_of(settings.config))
    whole = "all" if meant.calls else None
    asked, said = (
        (settings.period(text), None)
        if (text := period or whole)
        else default_period(store, settings.as_of, settings.timezone)
    )
    conditions = combined([*where, *([meant.condition] if meant.condition else [])])
    question = Question(
        asked, tuple(DEFAULT_BY), conditions, settings.config, keep=kept_sources(keep), as_of=settings.as_of
    )
    found = explain(store, question, meant.calls, limit)
    words = where_words(conditions) or (f"call {what}" if meant.calls else "everything")
    document = explain_document(found, words, limit, [f"{said[0].upper()}{said[1:]}."] if said else [])
    return replace(document, notes=()) if quiet else document
