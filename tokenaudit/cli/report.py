"""`tokenaudit report`: spend by user, model and project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from tokenaudit.cli import options, progress, screen
from tokenaudit.conditions import Condition, combined
from tokenaudit.errors import QueryError

if TYPE_CHECKING:
    from tokenaudit.render.document import Document
    from tokenaudit.store.store import Store

EXAMPLES = (
    "tokenaudit report                                   this month by user, model and project",
    "tokenaudit report --period 2026-10 --by user,model",
    "tokenaudit report --period 2026-Q3 --by month --where project=web-shop",
    "tokenaudit report --period last-month -o spend.csv",
)
DEFAULT_BY = ["user", "model", "project"]
MACHINE = ("csv", "json", "ndjson", "parquet")
Refresh = Annotated[
    bool,
    typer.Option(
        "--refresh", help="First ingest what is new under every folder ingested before, else the agent logs here."
    ),
]


def command(
    period: options.Period = None,
    by: options.By = None,
    where: options.Where = None,
    keep: options.Keep = None,
    cost: options.Cost = "effective",
    currency: options.Currency = None,
    assume_price: options.AssumePrice = None,
    limit: options.Limit = None,
    timezone: options.Timezone = None,
    as_of: options.AsOf = None,
    format: options.Format = None,  # noqa: A002 - the option's own name
    output: options.Output = None,
    store: options.Store = None,
    config: options.Config = None,
    *,
    no_config: options.NoConfig = False,
    refresh: Refresh = False,
    quiet: options.Quiet = False,
) -> None:
    """Show spend by user, model and project for a period, against the period before.

    Without --period it is this month, or the newest one with data. Tables show a breakdown for each column, machine
    formats one row for each combination.
    """
    settings = options.settings(store, config, no_config=no_config, as_of=as_of, timezone=timezone)
    settings = options.with_prices(settings, assume_price or [])
    chosen = options.output_format(format, output)
    if refresh:
        _refresh(settings, quiet=quiet)
    from tokenaudit.render import render
    from tokenaudit.store.store import Store

    with Store.open(settings.store) as opened:
        asked = Asked(settings, period, by or [], where or [], cost, limit, keep or [], currency)
        document = asked.document(opened, people=chosen not in MACHINE)
    silent = quiet and chosen not in MACHINE
    render(replace(document, notes=()) if silent else document, chosen, options.destination(output))
    if chosen in MACHINE and not quiet:
        for note in document.notes or ():
            screen.say(f"note: {note}")


class Asked:
    """The options of one report."""

    def __init__(
        self,
        settings: options.Settings,
        period: str | None,
        by: list[str],
        where: list[Condition],
        cost: str,
        limit: int | None,
        keep: Sequence[str] = (),
        currency: str | None = None,
    ) -> None:
        self.settings = settings
        self.period = period
        self.by = by
        self.where = where
        self.cost = cost
        self.limit = limit
        self.keep = keep
        self.currency = currency

    def document(self, store: Store, *, people: bool) -> Document:
        """Return what the report says."""
        from tokenaudit.reports.question import Question, default_period
        from tokenaudit.reports.spend import Layout, spend_report

        settings = self.settings
        self._check()
        period, said = (
            (settings.period(self.period), None)
            if self.period
            else default_period(store, settings.as_of, settings.timezone)
        )
        question = Question(
            period,
            tuple(self.by or DEFAULT_BY),
            combined(self.where),
            settings.config,
            self.cost,
            kept_sources(self.keep),
            settings.as_of,
            self.currency,
        )
        layout = Layout(
            separate=not self.by,
            limit=self.limit,
            people=people,
            notes=[f"{said[0].upper()}{said[1:]}."] if said else [],
        )
        return spend_report(store, question, layout)

    def _check(self) -> None:
        """Raise QueryError where contracted costs are asked for and there is no contract."""
        terms = self.settings.config.terms
        if self.cost == "contracted_cost" and not (terms and terms.agreements):
            hint = "declare one as [[agreement]] in the configuration, see docs/agreements.md"
            raise QueryError("no agreement is known that costs could be contracted by", hint)


def kept_sources(names: Sequence[str]) -> frozenset[str]:
    """Return the sources to keep as they stand. QueryError for one that does not exist."""
    if not names:
        return frozenset()
    from tokenaudit.sources import by_name

    return frozenset(by_name(name).name for name in names)


def _refresh(settings: options.Settings, *, quiet: bool) -> None:
    from tokenaudit.cli.ingest import known_folders
    from tokenaudit.ingest.run import refresh

    with progress.bar("Reading", quiet=quiet) as advance:
        summary = refresh(settings.store, first=lambda: known_folders(quiet=quiet), progress=advance)
    if summary.with_status("read") and not quiet:
        from tokenaudit.reports.ingested import as_lines

        for line in as_lines(summary):
            screen.say(line)
