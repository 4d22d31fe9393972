"""`tokenaudit budget`: write budgets that fit, and see how far they are used."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokenaudit.cli import options, screen
from tokenaudit.cli.check import loaded
from tokenaudit.cli.suggest import choice, completion
from tokenaudit.errors import PeriodError, QueryError, StoreError

if TYPE_CHECKING:
    from tokenaudit.periods import Period
    from tokenaudit.render.document import Document
    from tokenaudit.store.store import Store

EXAMPLES = (
    "tokenaudit budget lint                                 every mistake, with file and line",
    "tokenaudit budget plan --replay 2026-01..2026-10       how often each limit would have fired",
    "tokenaudit budget suggest --by user,project -f toml    limits from the last six months, to paste",
    "tokenaudit budget status                               how far each limit is used",
)
ACTIONS = ("lint", "plan", "suggest", "status")
MONTHS = 6
"""Months that limits are suggested from."""
MISTAKES = 2
"""The exit code of a configuration that cannot be used."""
FORMATS = ("table", "json", "csv", "ndjson", "markdown", "parquet", "toml")
Action = Annotated[
    str,
    typer.Argument(
        metavar="ACTION",
        parser=choice("action", ACTIONS),
        autocompletion=completion(ACTIONS),
        help="lint, plan, suggest or status.",
    ),
]
Replay = Annotated[
    str | None, typer.Option("--replay", metavar="PERIOD", help="plan: the past to judge by, such as 2026-01..2026-10.")
]
OwnFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        parser=choice("format", FORMATS),
        autocompletion=completion(FORMATS),
        help=f"{', '.join(FORMATS[:-1])}, and of suggest {FORMATS[-1]}; default table.",
    ),
]


def command(
    action: Action,
    replay: Replay = None,
    period: options.Period = None,
    by: options.By = None,
    as_of: options.AsOf = None,
    timezone: options.Timezone = None,
    format: OwnFormat = None,  # noqa: A002 - the option's own name
    output: options.Output = None,
    store: options.Store = None,
    config: options.Config = None,
    *,
    no_config: options.NoConfig = False,
) -> int:
    """Lint budgets, try them on the past, take limits from it, or see how far they are used.

    lint ends with 2 where the configuration has a mistake. suggest takes the last six months, or --period, by user and
    project, or --by.
    """
    settings = options.settings(store, config, no_config=no_config, as_of=as_of, timezone=timezone)
    if action == "lint":
        return _lint(settings)
    if format == "toml" and action != "suggest":
        raise QueryError(f"{action} has no format `toml`", "toml is for `tokenaudit budget suggest`")
    asked = {"plan": replay or period, "suggest": period, "status": None}[action]
    from tokenaudit.store.store import Store

    with Store.open(settings.store) as opened:
        document = _DOCUMENTS[action](settings, opened, asked, by or [])
    _show(document, format, output)
    return 0


def _show(document: Document, name: str | None, output: Path | None) -> None:
    if name == "toml":
        from tokenaudit.reports.budget_suggest import as_toml

        sys.stdout.write(as_toml(document))
        return
    from tokenaudit.render import checked, render

    chosen = checked(name) if name else options.output_format(None, output)
    render(document, chosen, options.destination(output))


def _lint(settings: options.Settings) -> int:
    """Print every mistake; 2 where there is one."""
    from tokenaudit.budgets.load import load
    from tokenaudit.reports.lint import warnings

    found, faults = load(settings.config)
    for fault in faults:
        print(f"{fault.message}{f' ({fault.hint})' if fault.hint else ''}")
    if faults:
        screen.fail(f"{len(faults)} mistake{'s' if len(faults) > 1 else ''} in the budgets")
        return MISTAKES
    for warning in _with_store(settings, lambda store: list(warnings(found, store, settings.config))):
        print(f"warning: {warning}")
    limits = sum(len(budget.limits) for budget in found.budgets)
    print(f"{len(found.budgets)} budgets with {limits} limits: no mistake")
    return 0


def _with_store(settings: options.Settings, look: Callable[[Store | None], list[str]]) -> list[str]:
    """Look with the store where there is one: budgets may be written before there is data."""
    from tokenaudit.store.store import Store

    with suppress(StoreError), Store.open(settings.store) as store:
        return look(store)
    return look(None)


def _plan(settings: options.Settings, store: Store, asked: str | None, _: list[str]) -> Document:
    from tokenaudit.reports.replay import replay

    period = settings.period(asked or "last-quarter")
    if period.open:
        raise PeriodError("a replay needs a period with an end", "write --replay 2026-01..2026-10")
    return replay(store, settings.config, loaded(settings), period)


def _suggest(settings: options.Settings, store: Store, asked: str | None, by: list[str]) -> Document:
    from tokenaudit.reports.budget_suggest import suggest

    return suggest(store, settings.config, by or ["user", "project"], _months(settings, asked))


def _months(settings: options.Settings, asked: str | None) -> list[Period]:
    """Return the calendar months of a period; without one the last whole ones."""
    from tokenaudit.budgets.declarations import Limit
    from tokenaudit.budgets.windows import Calendar, windows

    last = settings.period("last-month").last
    span = settings.period(asked) if asked else settings.period(f"{last.replace(day=1)}..{last}")
    if span.open:
        raise PeriodError("limits are suggested from months", "write --period 2026-01..2026-10")
    first = span.first
    if not asked:
        year, month = divmod(last.year * 12 + last.month - MONTHS, 12)
        first = last.replace(year=year, month=month + 1, day=1)
    return list(windows(Limit("month"), first, span.last, Calendar(), settings.timezone))


def _status(settings: options.Settings, store: Store, _: str | None, __: list[str]) -> Document:
    from tokenaudit.budgets.cases import Day
    from tokenaudit.reports.burndown import status

    return status(store, settings.config, loaded(settings), Day(settings.as_of, settings.timezone))


_DOCUMENTS: dict[str, Callable[[options.Settings, Store, str | None, list[str]], Document]] = {
    "plan": _plan,
    "suggest": _suggest,
    "status": _status,
}
