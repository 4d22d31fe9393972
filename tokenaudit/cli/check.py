"""`tokenaudit check`: budgets and policies as a gate for CI."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokenaudit.cli import options, screen
from tokenaudit.cli.suggest import completion
from tokenaudit.errors import ConfigError, PeriodError, StoreError
from tokenaudit.render import gate as gates

if TYPE_CHECKING:
    from tokenaudit.budgets.cases import Day
    from tokenaudit.budgets.load import Loaded
    from tokenaudit.render.gate import Gate

EXAMPLES = (
    "tokenaudit check                                    every budget, this month, week and day",
    "tokenaudit check --period last-month                the months, weeks and days of last month",
    "tokenaudit check --format junit -o tokenaudit.xml   for Jenkins and GitLab",
    "tokenaudit check --format github                    annotations, step summary and outputs",
)
UNJUDGED = 3
"""The exit code where the gate could not be judged."""
OverFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        parser=gates.checked,
        autocompletion=completion(gates.FORMATS),
        help=f"{', '.join(gates.FORMATS[:-1])} or {gates.FORMATS[-1]}; default table.",
    ),
]
ExitZero = Annotated[bool, typer.Option("--exit-zero", help="Say what is over, and end with 0 in place of 1.")]


def command(
    period: options.Period = None,
    as_of: options.AsOf = None,
    timezone: options.Timezone = None,
    format: OverFormat = None,  # noqa: A002 - the option's own name
    output: options.Output = None,
    store: options.Store = None,
    config: options.Config = None,
    *,
    no_config: options.NoConfig = False,
    exit_zero: ExitZero = False,
    quiet: options.Quiet = False,
) -> int:
    """Judge the budgets and policies of the configuration.

    Judged is the window of each limit that holds --as-of; with --period every window of that period, however old the
    data is. Exit codes: 0 all is kept (warnings included), 1 something is over, 2 no budget or a bad configuration,
    3 nothing is over but something could not be judged.
    """
    settings = options.settings(store, config, no_config=no_config, as_of=as_of, timezone=timezone)
    chosen = _format(format, output)
    found = _judged(settings, loaded(settings), _day(settings, period), exit_zero=exit_zero)
    if found is None:
        return UNJUDGED
    silent = quiet and chosen in ("table", "markdown")
    shown = replace(found, document=replace(found.document, notes=())) if silent else found
    gates.write(shown, chosen, options.destination(output))
    if chosen == "github":
        _tell_github(found)
    if chosen not in ("table", "markdown", "pr-comment") and not quiet:
        for note in found.document.notes or ():
            screen.say(f"note: {note}")
    sys.stdout.flush()
    for error in found.errors:
        screen.fail(error)
    return found.exit_code


def _format(name: str | None, output: Path | None) -> str:
    suffix = output.suffix.lower() if output else ""
    return name or gates.SUFFIXES.get(suffix) or options.output_format(None, output)


def loaded(settings: options.Settings) -> Loaded:
    """Return what is to be judged. Raises ConfigError where that is nothing, or cannot be used."""
    from tokenaudit.budgets import load

    found = load.loaded(settings.config)
    if not found.declared:
        where = f" in `{settings.config.path}`" if settings.config.path else ""
        hint = 'write [[budget]] id = "all" and limits = [{ amount = 1000, period = "month" }] into tokenaudit.toml'
        raise ConfigError(f"no budget and no policy{where}", hint)
    return found


def _day(settings: options.Settings, period: str | None) -> Day:
    from tokenaudit.budgets.cases import Day

    if period is None:
        return Day(settings.as_of, settings.timezone)
    found = settings.period(period)
    if found.open:
        raise PeriodError("a check needs a period with an end", "write --period 2026-10, or leave it out")
    return Day(found.last, settings.timezone, found)


def _judged(settings: options.Settings, budgets: Loaded, day: Day, *, exit_zero: bool) -> Gate | None:
    """Return what was found; None, and a complaint, where the store cannot be read: a gate without data is no gate."""
    from tokenaudit.reports.gate import check
    from tokenaudit.store.store import Store

    try:
        with Store.open(settings.store) as opened:
            return check(opened, settings.config, budgets, day, exit_zero=exit_zero)
    except StoreError as error:
        screen.complain(error)
        return None


def _tell_github(found: Gate) -> None:
    """Write the step summary and the outputs, where GitHub names files for them."""
    from tokenaudit.render import as_github

    summary, outputs = os.environ.get("GITHUB_STEP_SUMMARY"), os.environ.get("GITHUB_OUTPUT")
    if summary:
        with open(summary, "a", encoding="utf-8") as file:
            file.write(as_github.summary(found))
    if outputs:
        with open(outputs, "a", encoding="utf-8") as file:
            file.write(as_github.outputs(found))
