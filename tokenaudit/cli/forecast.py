"""`tokenaudit forecast`: what spend will come to, with a range that holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tokenaudit.cli import contract, options
from tokenaudit.errors import QueryError

if TYPE_CHECKING:
    from datetime import date

EXAMPLES = ("tokenaudit forecast --input daily.csv --as-of 2026-10-14",)


def command(
    input: contract.Input = None,  # noqa: A002 - the option's own name
    as_of: options.AsOf = None,
    timezone: options.Timezone = None,
    format: options.Format = None,  # noqa: A002 - the option's own name
    output: options.Output = None,
    store: options.Store = None,
    config: options.Config = None,
    *,
    no_config: options.NoConfig = False,
) -> None:
    """Show what spend will come to, with a range that holds.

    With --input it prints a JSON array: for each series the next 7, 14 and 30 days and the month.
    """
    settings = options.settings(store, config, no_config=no_config, as_of=as_of, timezone=timezone)
    if input is None:
        raise QueryError("give --input")
    contract.write(_forecasts(input, settings.as_of), format, output)


def _forecasts(path: Path, as_of: date) -> list[dict[str, object]]:
    from tokenaudit.forecast.contract import NEXT, forecast_rows, read_panel
    from tokenaudit.forecast.engine import outlook

    return forecast_rows(outlook(read_panel(path, as_of), farthest=max(31, *NEXT.values())))
