"""`tokenaudit ingest`: files and folders into the store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokenaudit.cli import options, progress, screen
from tokenaudit.errors import QueryError, SourceError

if TYPE_CHECKING:
    from tokenaudit.ingest.owners import Naming
    from tokenaudit.ingest.summary import Summary

EXAMPLES = (
    "tokenaudit ingest ~/Downloads/october    exports, logs, whole folders",
    "tokenaudit ingest                        the agent logs of this machine",
    "tokenaudit ingest --dry-run logs/        what would be read",
    "tokenaudit ingest --user alice ~/.claude                       all of it is alice's",
    "tokenaudit ingest --user-from '/logs/{user}/.claude' /logs     the folder says whose it is",
)
Paths = Annotated[list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files and folders, any mix of formats.")]

User = Annotated[
    str | None,
    typer.Option("--user", metavar="NAME", help="Whose files these are, where they name no user; '' for nobody's."),
]
UserFrom = Annotated[
    str | None,
    typer.Option(
        "--user-from",
        metavar="TEMPLATE",
        help="The part of each path that says whose the file is: '/logs/{user}/.claude'; * for any one part.",
    ),
]


def command(
    paths: Paths = None,
    user: User = None,
    user_from: UserFrom = None,
    store: options.Store = None,
    config: options.Config = None,
    format: options.Format = None,  # noqa: A002 - the option's own name
    output: options.Output = None,
    *,
    no_config: options.NoConfig = False,
    dry_run: options.DryRun = False,
    quiet: options.Quiet = False,
) -> int:
    """Read usage and cost files into the store, each billable thing once.

    Formats are recognised by content. Files that have not changed are not read again, files that grew are read on.
    """
    from tokenaudit.ingest.owners import naming

    settings = options.settings(store, config, no_config=no_config)
    named = naming(user, user_from)
    chosen = options.output_format(format, output)
    if chosen not in ("table", "json"):
        raise QueryError(f"ingest has no format `{chosen}`", "its summary comes as text, or with --format json")
    given = [str(path.expanduser()) for path in paths or ()] or known_folders(quiet=quiet)
    if dry_run:
        return _preview(given, named)
    from tokenaudit.ingest.run import ingest

    with progress.bar("Reading", quiet=quiet) as advance:
        summary = ingest(given, settings.store, naming=named, progress=advance)
    if chosen == "json":
        _write_json(summary, output)
    elif not quiet:
        show(summary)
    return exit_code(summary, {os.path.abspath(path) for path in given if os.path.isfile(path)})


def known_folders(*, quiet: bool) -> list[str]:
    """Return the folders in which agents keep their logs on this machine, and say which."""
    from tokenaudit.sources._folders import agent_folders

    folders = agent_folders()
    if not folders:
        raise SourceError("found no agent logs on this machine", "name files or folders: `tokenaudit ingest PATH...`")
    if not quiet:
        screen.say(f"Found agent logs in {', '.join(folders)}")
    return folders


def show(summary: Summary) -> None:
    """Tell people what an ingest did, on stderr."""
    from tokenaudit.reports.ingested import as_lines

    for line in as_lines(summary):
        screen.say(line)


def exit_code(summary: Summary, named: set[str]) -> int:
    """Return 0 where something was recognised and nothing named directly was not; else complain and return 2."""
    refused = [file for file in summary.with_status("unrecognised", "skipped") if file.path in named]
    if refused:
        reasons = "; ".join(file.reason or f"not recognised: `{file.path}`" for file in refused)
        return screen.complain(SourceError(reasons, "see `tokenaudit sources` for what can be read"))
    if not summary.with_status("read", "unchanged"):
        return screen.complain(SourceError("nothing was recognised", "see `tokenaudit sources` for what can be read"))
    return 0


def _write_json(summary: Summary, output: Path | None) -> None:
    import json

    from tokenaudit.reports.ingested import as_json

    text = json.dumps(as_json(summary), indent=2, ensure_ascii=False) + "\n"
    target = options.destination(output)
    if isinstance(target, Path):
        target.write_text(text, encoding="utf-8")
    else:
        target.write(text)


def _preview(paths: list[str], naming: Naming | None) -> int:
    from tokenaudit.ingest.plan import plan
    from tokenaudit.ingest.walk import walk

    made = plan(walk(paths), {})
    width = max(map(len, (*(job.source for job in made.jobs), *(status for *_, status in made.settled))), default=0)
    for job in made.jobs:
        owner = naming.of(job.found.path) if naming else None
        print(f"{job.source:<{width}}  {job.found.path}{f' ({owner})' if owner else ''}")
    for file, _, status in made.settled:
        print(f"{status:<{width}}  {file.path}")
    return 0 if made.jobs else 2
