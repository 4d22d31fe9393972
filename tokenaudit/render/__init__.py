"""One document, many formats. Each renderer is a module that is loaded when its format is asked for.

``render(document, "json", sys.stdout)`` writes to a stream, ``render(document, "csv", "report.csv")`` to a file.
"""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TextIO, get_args

from tokenaudit.errors import QueryError, did_you_mean

if TYPE_CHECKING:
    from tokenaudit.render.document import Document

Format = Literal["table", "csv", "json", "ndjson", "markdown", "parquet"]

RENDERERS: dict[Format, tuple[str, str]] = {
    "table": ("as_table", "write"),
    "csv": ("as_csv", "write"),
    "json": ("as_json", "write"),
    "ndjson": ("as_json", "write_lines"),
    "markdown": ("as_markdown", "write"),
    "parquet": ("as_parquet", "write"),
}
"""Module and function of each format."""

FILE_RENDERERS: dict[Format, tuple[str, str]] = {**RENDERERS, "csv": ("as_csv", "write_file")}
"""The same, for a file someone will open."""

SUFFIXES: dict[str, Format] = {
    ".txt": "table",
    ".csv": "csv",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".md": "markdown",
    ".markdown": "markdown",
    ".parquet": "parquet",
}
"""Formats by the ending of the file they go to."""


class Renderer(Protocol):
    """Writes a document to a text stream."""

    def __call__(self, document: Document, out: TextIO) -> None:
        """Write `document` to `out`."""


def render(document: Document, name: str, out: TextIO | Path | str) -> None:
    """Write `document` in the format `name` to a stream or file. Names of files that are not UTF-8 get a ``?``.

    Raises QueryError for an unknown format, a file that cannot be written, and Parquet into a terminal.
    """
    known = checked(name)
    if isinstance(out, (str, Path)):
        write = _loaded(FILE_RENDERERS[known])
        with _created(Path(out)) as stream:
            write(document, stream)
    else:
        _loaded(RENDERERS[known])(document, prepared(out, known))


def checked(name: str) -> Format:
    """Return `name` as a format. Raises QueryError for an unknown one."""
    for known in RENDERERS:
        if known == name:
            return known
    formats = get_args(Format)
    msg = f"unknown format `{name}`"
    raise QueryError(msg, did_you_mean(name, formats) or f"formats are {', '.join(formats)}")


def format_of(path: Path | str) -> Format:
    """Return the format a file's ending asks for. Raises QueryError where it asks for none."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        msg = f"cannot tell the format of `{path}` from its ending"
        raise QueryError(msg, f"say --format, or end it in one of {', '.join(SUFFIXES)}")
    return SUFFIXES[suffix]


def _loaded(place: tuple[str, str]) -> Renderer:
    module, function = place
    renderer: Renderer = getattr(import_module(f"tokenaudit.render.{module}"), function)
    return renderer


def _created(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8", errors="replace", newline="\n")
    except OSError as error:
        msg = f"cannot write `{path}`: {error.strerror}"
        raise QueryError(msg) from error


def prepared(out: TextIO, name: str) -> TextIO:
    """Return the stream, set to UTF-8 and plain line feeds for machines, and to never fail on a name for people."""
    if isinstance(out, io.TextIOWrapper):
        if name == "table":
            out.reconfigure(errors="replace")
        else:
            out.reconfigure(encoding="utf-8", errors="replace", newline="\n")
    return out
