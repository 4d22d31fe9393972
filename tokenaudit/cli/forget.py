"""`tokenaudit forget`: rows out of the store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from tokenaudit.cli import options, screen, suggest
from tokenaudit.conditions import Condition, combined
from tokenaudit.errors import NoDataError, QueryError

EXAMPLES = (
    "tokenaudit forget --file october.csv --dry-run",
    "tokenaudit forget --source cursor-usage",
    "tokenaudit forget --where user=alice",
)
File = Annotated[
    list[Path] | None, typer.Option("--file", metavar="PATH", help="What was read of a file, or under a folder.")
]
SourceName = Annotated[
    str | None, typer.Option("--source", metavar="NAME", autocompletion=suggest.sources, help="All of one source.")
]


def command(
    file: File = None,
    source: SourceName = None,
    where: options.Where = None,
    store: options.Store = None,
    config: options.Config = None,
    *,
    no_config: options.NoConfig = False,
    dry_run: options.DryRun = False,
    quiet: options.Quiet = False,
) -> None:
    """Remove rows and ledger entries in one transaction; what another file also holds stays.

    Files themselves are not touched: ingesting a folder again reads what still lies in it.
    """
    if not (file or source or where):
        raise QueryError("nothing to forget", "give --file, --source or --where, with --dry-run to look first")
    if file and where:
        raise QueryError("--file and --where exclude each other", "forget the file, or choose rows by other columns")
    settings = options.settings(store, config, no_config=no_config)
    from tokenaudit.analysis.where import usage_filter
    from tokenaudit.render.numbers import plural
    from tokenaudit.reports.owners import own_or_owner
    from tokenaudit.sources import by_name, newest_wins
    from tokenaudit.store.catalog import Catalog
    from tokenaudit.store.forget import files_of, forget

    catalog = Catalog.open(settings.store)
    try:
        paths = [os.path.abspath(path.expanduser()) for path in file or ()]
        if source and source not in catalog.sources():
            by_name(source)  # complains of a name that no source has, nor ever had
        entries = files_of(catalog, paths, source) if paths or source else []
        if (paths or source) and not entries:
            raise NoDataError("the store has read no such file or source", "see `tokenaudit doctor --files`")
        chosen = usage_filter(combined(where), {"user": own_or_owner(catalog)}) if where else None
        if chosen is not None and source:
            chosen, entries = chosen & usage_filter([Condition("source", (source,))]), []
        done = forget(catalog, entries, chosen, newest_wins(catalog.rules()), dry_run=dry_run)
    finally:
        catalog.close()
    if not quiet:
        would = "Would forget" if dry_run else "Forgot"
        whose = f" of {plural(len(done.files), 'file')}" if done.files else ""
        stay = "stays because another file holds it" if done.kept == 1 else "stay because other files hold them"
        kept = f", {plural(done.kept, 'row')} {stay} too" if done.kept else ""
        screen.say(f"{would} {plural(done.rows, 'row')}{whose}{kept}")
