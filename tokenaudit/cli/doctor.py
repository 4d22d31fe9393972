"""`tokenaudit doctor`: is the data good enough to trust?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tokenaudit.cli import options
from tokenaudit.errors import QueryError

if TYPE_CHECKING:
    from tokenaudit.reports.findings import Check
    from tokenaudit.reports.quality import Quality
    from tokenaudit.store.store import Store

EXAMPLES = (
    "tokenaudit doctor",
    "tokenaudit doctor --verify",
    "tokenaudit doctor --overlap --period 2026-10",
    "tokenaudit doctor --files",
)
SCHEMA = "tokenaudit.doctor/1"
Verify = Annotated[bool, typer.Option("--verify", help="Read every segment and compare it with the catalog.")]
Files = Annotated[bool, typer.Option("--files", help="List every file that was read.")]
Overlap = Annotated[bool, typer.Option("--overlap", help="Say which calls several files hold, and whose word counts.")]
Rejects = Annotated[bool, typer.Option("--rejects", help="List every line that could not be read.")]


def command(
    period: options.Period = None,
    as_of: options.AsOf = None,
    store: options.Store = None,
    config: options.Config = None,
    format: options.Format = None,  # noqa: A002 - the option's own name
    *,
    no_config: options.NoConfig = False,
    verify: Verify = False,
    files: Files = False,
    rejects: Rejects = False,
    overlap: Overlap = False,
) -> int:
    """Say of each source what was read, what is missing, and whether the store is sound.

    With --overlap: what several sources tell of the same calls, in --period, by default all time. With --verify the
    exit code is 1 where the store is not what its catalog says.
    """
    settings = options.settings(store, config, no_config=no_config, as_of=as_of)
    _check(period, format, overlap=overlap)
    from tokenaudit.store.store import Store

    with Store.open(settings.store) as opened:
        if overlap:
            _overlap(opened, settings, period or "all", format or "table")
        elif files or rejects:
            print(*(_files(opened) if files else _rejects(opened)), sep="\n")
        else:
            return _examine(opened, settings, format, verify=verify)
    return 0


def _check(period: str | None, chosen: str | None, *, overlap: bool) -> None:
    """Raise QueryError for options that do not go together."""
    if period and not overlap:
        raise QueryError("--period is for --overlap", "what doctor says of each source is about all that is stored")
    if not overlap and chosen not in (None, "table", "json"):
        raise QueryError(f"doctor has no format `{chosen}`", "what it finds comes as text, or with --format json")


def _examine(store: Store, settings: options.Settings, chosen: str | None, *, verify: bool) -> int:
    from tokenaudit.reports.findings import findings
    from tokenaudit.reports.health import checks, verified
    from tokenaudit.reports.quality import qualities

    sound = verified(store) if verify else []
    broken = any(check.verdict == "broken" for check in sound)
    sources = [] if broken else qualities(store, settings.config, settings.as_of)
    found = [*_settings(settings), *(() if broken else checks(store)), *sound]
    found += [check for item in sources for check in findings(item, settings.as_of)]
    if chosen == "json":
        _print_json(found, sources, settings)
    else:
        from tokenaudit.cli.checklist import lines

        print(*lines(found, {item.source: item.title for item in sources}), sep="\n")
    return int(broken)


def _settings(settings: options.Settings) -> list[Check]:
    from tokenaudit.reports.findings import Check

    config = settings.config.path
    return [
        Check("config", "ok", str(config) if config else "none found: the defaults"),
        Check("folder", "ok", str(settings.store)),
        Check("time", "ok", f"today is {settings.as_of}, days and months in {settings.timezone}"),
    ]


def _print_json(found: list[Check], sources: list[Quality], settings: options.Settings) -> None:
    import json

    from tokenaudit.reports.quality_rows import as_row

    rows = [check._asdict() for check in found]
    told = {"schema": SCHEMA, "as_of": str(settings.as_of), "rows": rows, "sources": list(map(as_row, sources))}
    print(json.dumps(told, indent=2))


def _overlap(store: Store, settings: options.Settings, period: str, chosen: str) -> None:
    """Print what was decided about calls that several files hold."""
    import sys

    from tokenaudit.render import render
    from tokenaudit.reports.overlaps import overlap_report
    from tokenaudit.reports.question import Question

    document = overlap_report(store, Question(settings.period(period), ("source",), config=settings.config))
    if chosen == "table":
        print(*document.heading, sep="\n")
    else:
        render(document, chosen, sys.stdout)


def _files(store: Store) -> list[str]:
    from tokenaudit.store.owners import owners

    whose = {item.path: item.user for item in owners(store.catalog) if item.user}
    return [
        f"{entry.source or entry.state:<16} {entry.rows:>10,} rows  {entry.path}"
        + (f" ({whose[entry.path]})" if entry.path in whose else "")
        for entry in store.catalog.files().values()
    ]


def _rejects(store: Store) -> list[str]:
    return [f"{item.path}:{item.line}: {item.reason}" for item in store.catalog.rejects()]
