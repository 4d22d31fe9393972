"""`tokenaudit doctor`: is the data good enough to trust?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tokenaudit.cli import options

if TYPE_CHECKING:
    from tokenaudit.reports.health import Check
    from tokenaudit.store.store import Store

EXAMPLES = ("tokenaudit doctor", "tokenaudit doctor --verify", "tokenaudit doctor --files")
Verify = Annotated[bool, typer.Option("--verify", help="Read every segment and compare it with the catalog.")]
Files = Annotated[bool, typer.Option("--files", help="List every file that was read.")]
Overlap = Annotated[bool, typer.Option("--overlap", help="Say which calls several files hold, and whose word counts.")]
Rejects = Annotated[bool, typer.Option("--rejects", help="List every line that could not be read.")]


def command(
    store: options.Store = None,
    config: options.Config = None,
    format: options.TextOrJson = None,  # noqa: A002 - the option's own name
    *,
    no_config: options.NoConfig = False,
    verify: Verify = False,
    files: Files = False,
    rejects: Rejects = False,
    overlap: Overlap = False,
) -> int:
    """Say where things are, what was read, what is missing, and whether the store is sound.

    With --verify the exit code is 1 where the store is not what its catalog says.
    """
    settings = options.settings(store, config, no_config=no_config)
    from tokenaudit.reports.health import checks, verified
    from tokenaudit.store.store import Store

    with Store.open(settings.store) as opened:
        if files or rejects or overlap:
            shown = _files(opened) if files else _rejects(opened) if rejects else _overlap(opened, settings)
            print(*shown, sep="\n")
            return 0
        sound = verified(opened) if verify else []
        broken = any(check.verdict == "broken" for check in sound)
        found = [*_settings(settings), *(() if broken else checks(opened)), *sound]
    _show(found, format)
    return int(broken)


def _settings(settings: options.Settings) -> list[Check]:
    from tokenaudit.reports.health import Check

    config = settings.config.path
    return [
        Check("config", "ok", str(config) if config else "none found: the defaults"),
        Check("folder", "ok", str(settings.store)),
        Check("time", "ok", f"today is {settings.as_of}, days and months in {settings.timezone}"),
    ]


def _show(found: list[Check], chosen: str | None) -> None:
    if chosen == "json":
        import json

        print(json.dumps({"schema": "tokenaudit.doctor/1", "rows": [check._asdict() for check in found]}, indent=2))
        return
    width = max(len(check.name) for check in found)
    for check in found:
        print(f"{check.verdict:<6}  {check.name:<{width}}  {check.text}")


def _files(store: Store) -> list[str]:
    from tokenaudit.store.owners import owners

    whose = {item.path: item.user for item in owners(store.catalog) if item.user}
    return [
        f"{entry.source or entry.state:<16} {entry.rows:>10,} rows  {entry.path}"
        + (f" ({whose[entry.path]})" if entry.path in whose else "")
        for entry in store.catalog.files().values()
    ]


def _overlap(store: Store, settings: options.Settings) -> list[str]:
    """Return what was decided about calls that several files hold, over all time."""
    from tokenaudit.reports.joined import sentences
    from tokenaudit.reports.question import Question, ask

    answer = ask(store, Question(settings.period("all"), ("source",), config=settings.config))
    return [*sentences(answer.joined, None)] or ["No two files tell of the same calls."]


def _rejects(store: Store) -> list[str]:
    return [f"{item.path}:{item.line}: {item.reason}" for item in store.catalog.rejects()]
