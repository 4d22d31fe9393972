"""`tokenaudit anomalies`: spend that does not fit, with what carries it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tokenaudit.cli import contract, options
from tokenaudit.errors import QueryError

if TYPE_CHECKING:
    from datetime import date

EXAMPLES = ("tokenaudit anomalies --input daily.csv --as-of 2026-10-14",)


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
    """Show spend that does not fit, with what carries it."""
    settings = options.settings(store, config, no_config=no_config, as_of=as_of, timezone=timezone)
    if input is None:
        raise QueryError("give --input")
    contract.write(_flags(input, settings.as_of), format, output)


def _flags(path: Path, as_of: date) -> list[dict[str, object]]:
    from tokenaudit.forecast.contract import flag_rows, read_panel

    return flag_rows(read_panel(path, as_of))
