"""`--input FILE.csv`: the plain contract of `forecast` and `anomalies`, for series of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokenaudit.cli import options
from tokenaudit.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Sequence

Input = Annotated[
    Path | None,
    typer.Option(
        "--input", metavar="FILE", help="Series of your own instead of the store: a CSV of series,date,value[,dim]."
    ),
]


def write(rows: Sequence[dict[str, object]], form: str | None, output: Path | None) -> None:
    """Write the bare JSON array of a command with --input. QueryError where another format is asked for."""
    import json

    if form not in {None, "json"}:
        raise QueryError(f"--input prints JSON, not {form}", "leave --format out, or give json")
    text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    out = options.destination(output)
    if isinstance(out, Path):
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise QueryError(f"cannot write `{out}`: {error.strerror}") from error
    else:
        out.write(text)
