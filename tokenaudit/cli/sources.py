"""`tokenaudit sources`: what can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tokenaudit.cli import options, suggest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenaudit.sources.source import Source

EXAMPLES = ("tokenaudit sources", "tokenaudit sources cursor-usage")
Name = Annotated[
    str | None, typer.Argument(metavar="[NAME]", autocompletion=suggest.sources, help="One source, in detail.")
]


FORMS = {
    "lines": "one JSON document a line",
    "document": "one JSON document",
    "table": "a table of JSON texts",
    "database": "an SQLite database",
}
"""What each form of a log is called."""
MERGES = {
    "newest": "the newest download of a period replaces older ones whole",
    "largest": "rows with one id are one row, with the maximum of each count",
}
WORDS = {
    "bill": "the provider's bill",
    "usage": "the provider's own count",
    "gateway": "a gateway or an observer between",
    "client": "the caller's own machine",
    "none": "neither tokens nor money",
}
"""Whose word a source is; see docs/sources.md."""
DECLARED = "_declared"
"""The module that sources of the configuration are of."""


def command(
    name: Name = None,
    config: options.Config = None,
    format: options.TextOrJson = None,  # noqa: A002 - the option's own name
    *,
    no_config: options.NoConfig = False,
) -> None:
    """List every file format that ingest recognises, or one of them in detail.

    Those that the configuration declares stand among them.
    """
    options.settings(config=config, no_config=no_config)
    from tokenaudit.sources import by_name, sources

    chosen = [by_name(name)] if name else list(sources().values())
    if format == "json":
        import json

        print(json.dumps({"schema": "tokenaudit.sources/1", "rows": [as_row(item) for item in chosen]}, indent=2))
    else:
        print("\n".join(details(chosen[0]) if name else overview(chosen)))


def as_row(source: Source) -> dict[str, object]:
    """Return a source for machines."""
    from tokenaudit.sources.source import Table

    return {
        "source": source.name,
        "title": source.title,
        "provider": source.provider,
        "kind": "table" if isinstance(source, Table) else "log",
        "forms": ["table"] if isinstance(source, Table) else list(source.forms),
        "where": source.known,
        "tells": source.tells,
        "lacks": source.lacks,
        "authority": source.authority,
        "rules": source.rules,
        "paths": list(source.paths),
    }


def kind(source: Source) -> str:
    """Return how files of a source are written."""
    from tokenaudit.sources.source import Table

    if not isinstance(source, Table):
        return f"a log: {' or '.join(FORMS[form] for form in source.forms)}"
    return f"a table: CSV, TSV, Parquet or {'nested JSON' if source.records else 'JSON lines'}"


def overview(found: Sequence[Source]) -> list[str]:
    """Return a line for each source."""
    width = max(len(source.name) for source in found)
    lines = [f"{source.name:<{width}}  {source.title}" for source in found]
    return [*lines, "", "Files are recognised by content; `tokenaudit sources NAME` tells more."]


def details(source: Source) -> list[str]:
    """Return what a person may want to know of one source."""
    facts = {
        "kind": kind(source),
        "where": source.known,
        "looked for": ", ".join(source.paths),
        "tells": source.tells,
        "lacks": source.lacks,
        "whose word": WORDS[source.authority],
        "counted once": MERGES[source.merge],
        "rules": f"version {source.rules}",
    }
    lines = [f"  {label:<12}  {text}" for label, text in facts.items() if text]
    columns = _columns(source)
    known = ["", "  Columns it knows, in any order and case:", *(f"    {name}" for name in columns)] if columns else []
    return [f"{source.name}: {source.title}", "", *lines, *known]


def _columns(source: Source) -> list[str]:
    """Return the columns of a file as its reader sees them: flat ones, and those that the configuration declares.

    Names that a built-in source gives to what it finds in nested JSON stand in no file.
    """
    from tokenaudit.sources import names
    from tokenaudit.sources.source import FILE_NAME, Table

    declared = names()[source.name] == DECLARED
    if isinstance(source, Table) and (declared or source.records is None):
        return sorted(set(source.columns) - {FILE_NAME})
    return []
