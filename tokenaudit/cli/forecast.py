"""`tokenaudit forecast`: what spend will come to, with a range that holds."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokenaudit import periods
from tokenaudit.cli import asked, contract, options
from tokenaudit.cli.suggest import unknown
from tokenaudit.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from tokenaudit.render.document import Document

EXAMPLES = (
    "tokenaudit forecast                                 the month, the next weeks, the quarter and the year",
    "tokenaudit forecast --by team --level 95",
    "tokenaudit forecast --exclude 2026-07-17..2026-07-20 --where project=web-shop",
    "tokenaudit forecast --by user -o forecast.csv",
    "tokenaudit forecast --backtest                      how often that would have been right so far",
    "tokenaudit forecast --input daily.csv --as-of 2026-10-14",
)
DEFAULT_BY = ("user", "model", "project")
RIVALS = ("autoets", "autotheta")
LEVELS, DEFAULT_LEVEL = (50, 99), 80


def parse_level(text: str) -> int:
    """Return how many times in a hundred a range holds. Raises QueryError for anything but 50 to 99."""
    if not text.isdecimal() or not LEVELS[0] <= int(text) <= LEVELS[1]:
        raise QueryError(f"`{text}` is no level", "write --level 80, or any number from 50 to 99")
    return int(text)


def parse_rivals(text: str | None, *, backtest: bool) -> tuple[str, ...]:
    """Return the rivals of a backtest. Raises QueryError for unknown ones, and where there is no backtest."""
    if text is None:
        return ()
    if not backtest:
        raise QueryError("--against stands beside a backtest", "add --backtest")
    names = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
    for name in names:
        if name not in RIVALS:
            raise unknown("rival", name, RIVALS)
    return names


def parse_amount(text: str) -> Decimal:
    """Return an amount of money above 0. Raises QueryError for anything else."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal(0)
    if not found.is_finite() or found <= 0:
        raise QueryError(f"`{text}` is no amount", "write --budget 20000")
    return found


Level = Annotated[
    int | None,
    typer.Option(
        "--level",
        metavar="N",
        parser=parse_level,
        show_default=False,
        help="Ranges that hold N times in 100; default 80.",
    ),
]
Budget = Annotated[
    Decimal | None,
    typer.Option(
        "--budget", metavar="AMOUNT", parser=parse_amount, help="Say how likely this month exceeds it, and when."
    ),
]
Backtest = Annotated[
    bool, typer.Option("--backtest", help="How often forecasts of your own past days would have been right.")
]
Against = Annotated[
    str | None,
    typer.Option("--against", metavar="NAMES", help="Beside a backtest: autoets,autotheta; needs tokenaudit[bench]."),
]


def command(
    by: options.By = None,
    where: options.Where = None,
    level: Level = None,
    budget: Budget = None,
    exclude: asked.Exclude = None,
    against: Against = None,
    keep: options.Keep = None,
    cost: options.Cost = "effective",
    limit: options.Limit = None,
    timezone: options.Timezone = None,
    as_of: options.AsOf = None,
    input: contract.Input = None,  # noqa: A002 - the option's own name
    format: options.Format = None,  # noqa: A002 - the option's own name
    output: options.Output = None,
    store: options.Store = None,
    config: options.Config = None,
    *,
    no_config: options.NoConfig = False,
    backtest: Backtest = False,
    quiet: options.Quiet = False,
) -> None:
    """Show what spend will come to, with a range that holds.

    The month, the next 7, 14 and 30 days, the quarter and the fiscal year, for the total and for what --by says. A day
    that is not complete is left out. With --input it reads daily series of your own and prints a JSON array.
    """
    settings = options.settings(store, config, no_config=no_config, as_of=as_of, timezone=timezone)
    if input is not None:
        contract.write(_forecasts(input, settings.as_of), format, output)
        return
    form = options.output_format(format, output)
    separate = form not in asked.MACHINE and not by
    groups = tuple((name,) for name in DEFAULT_BY) if separate else (tuple(by or DEFAULT_BY),)
    from tokenaudit.reports.foreseen import Wish
    from tokenaudit.store.store import Store

    rivals = parse_rivals(against, backtest=backtest)
    wish = Wish(groups, level or DEFAULT_LEVEL, budget, asked.spans(exclude, settings), limit, rivals)
    with Store.open(settings.store) as opened:
        question = asked.question(settings, where, cost, keep)
        document = _report(backtest)(opened, question, settings.as_of, periods.today(settings.timezone), wish)
    asked.show(document, form, output, quiet=quiet)


def _report(backtest: bool) -> Callable[..., Document]:  # noqa: FBT001 - the option as it is
    """Return what makes the report: of days ahead, or of past ones."""
    if backtest:
        from tokenaudit.reports.backtest import backtest_report

        return backtest_report
    from tokenaudit.reports.forecast import forecast_report

    return forecast_report


def _forecasts(path: Path, as_of: date) -> list[dict[str, object]]:
    from tokenaudit.forecast.contract import NEXT, forecast_rows, read_panel
    from tokenaudit.forecast.engine import outlook

    return forecast_rows(outlook(read_panel(path, as_of), farthest=max(31, *NEXT.values())))
