"""`tokenaudit sources`: what can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tokenaudit.cli import options

if TYPE_CHECKING:
    from tokenaudit.sources.source import Source

EXAMPLES = ("tokenaudit sources", "tokenaudit sources cursor-usage")
FORMS = {
    "lines": "one JSON document a line",
    "document": "one JSON document",
    "table": "a table of JSON texts",
    "database": "an SQLite database",
}
"""What each form of a log is called."""
Name = Annotated[str | None, typer.Argument(metavar="[NAME]", help="One source, in detail.")]


def command(
    name: Name = None,
    config: options.Config = None,
    format: options.Format = None,  # noqa: A002 - the option's own name
    *,
    no_config: options.NoConfig = False,
) -> None:
    """List every file format that ingest recognises, or one of them in detail.

    Those that the configuration declares stand among them.
    """
    options.settings(config=config, no_config=no_config)
    from tokenaudit.sources import by_name, sources

    if name:
        print("\n".join(details(by_name(name))))
    elif format == "json":
        import json

        print(
            json.dumps(
                {"schema": "tokenaudit.sources/1", "rows": [as_row(item) for item in sources().values()]}, indent=2
            )
        )
    else:
        width = max(map(len, sources()))
        for item in sources().values():
            print(f"{item.name:<{width}}  {item.title}")
        print("\nFiles are recognised by content; `tokenaudit sources NAME` tells more.")


def as_row(source: Source) -> dict[str, object]:
    """Return a source for machines."""
    from tokenaudit.sources.source import Table

    return {
        "source": source.name,
        "title": source.title,
        "provider": source.provider,
        "kind": "table" if isinstance(source, Table) else "log",
        "forms": ["table"] if isinstance(source, Table) else list(source.forms),
        "rules": source.rules,
        "paths": list(source.paths),
    }


def kind(source: Source) -> str:
    """Return how files of a source are written."""
    from tokenaudit.sources.source import Table

    if not isinstance(source, Table):
        return f"a log: {' or '.join(FORMS[form] for form in source.forms)}"
    return f"a table: CSV, TSV, Parquet or {'nested JSON' if source.records else 'JSON lines'}"


def details(source: Source) -> list[str]:
    """Return what a person may want to know of one source."""
    from tokenaudit.sources.source import Table

    once = {
        "newest": "the newest download of a period replaces older ones whole",
        "largest": "lines with one id are one row, with the maximum of each count",
    }
    lines = [
        f"{source.name}: {source.title}",
        "",
        f"  kind         {kind(source)}",
        f"  counted once {once[source.merge]}",
    ]
    lines += [f"  found at     {source.known}"] if source.known else []
    lines += [f"  looked for   {', '.join(source.paths)}"] if source.paths else []
    lines.append(f"  rules        version {source.rules}")
    if isinstance(source, Table):
        lines += ["", "  Columns it knows, in any order and case:", *(f"    {name}" for name in sorted(source.columns))]
    return lines
