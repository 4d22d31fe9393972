"""`tokenaudit anomalies`: spend that does not fit, with what carries it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokenaudit import periods
from tokenaudit.cli import asked, contract, options

if TYPE_CHECKING:
    from datetime import date

EXAMPLES = (
    "tokenaudit anomalies                                the total and each project, the last seven days",
    "tokenaudit anomalies --by team --explain",
    "tokenaudit anomalies --by user,project --all --fail     for CI: exit 1 where anything is flagged",
    "tokenaudit anomalies --input daily.csv --as-of 2026-10-14",
)
DEFAULT_BY = ("project",)
FINDINGS = 1
Explain = Annotated[bool, typer.Option("--explain", help="Show how each score is worked out.")]
Everything = Annotated[bool, typer.Option("--all", help="Show what was told in the last seven days again.")]
Fail = Annotated[bool, typer.Option("--fail", help="End with exit code 1 where anything is flagged.")]


def command(
    by: options.By = None,
    where: options.Where = None,
    exclude: asked.Exclude = None,
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
    explain: Explain = False,
    everything: Everything = False,
    fail: Fail = False,
    quiet: options.Quiet = False,
) -> int:
    """Show spend that does not fit, with what carries it.

    Looks at the last seven days of the total and of each key of --by (default: project). What was told is muted for a
    week. With --input it reads daily series of your own and prints a JSON array.
    """
    settings = options.settings(store, config, no_config=no_config, as_of=as_of, timezone=timezone)
    if input is not None:
        rows = _flags(input, settings.as_of)
        contract.write(rows, format, output)
        return FINDINGS if fail and rows else 0
    form = options.output_format(format, output)
    from tokenaudit.reports.anomalies import Sought, anomaly_report
    from tokenaudit.store.store import Store

    groups = tuple((name,) for name in by or DEFAULT_BY)
    sought = Sought(groups, everything, explain, limit, asked.spans(exclude, settings))
    with Store.open(settings.store) as opened:
        question = asked.question(settings, where, cost, keep)
        found = anomaly_report(opened, question, settings.as_of, periods.today(settings.timezone), sought)
    asked.show(found.document, form, output, quiet=quiet)
    return FINDINGS if fail and found.count else 0


def _flags(path: Path, as_of: date) -> list[dict[str, object]]:
    from tokenaudit.forecast.contract import flag_rows, read_panel

    return flag_rows(read_panel(path, as_of))
