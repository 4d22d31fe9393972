"""CSV: the machine rows, UTF-8, one line feed a line, exact decimals, empty for null. No totals row."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import polars as pl

from tokenaudit.render import exact

if TYPE_CHECKING:
    from tokenaudit.render.document import Document

SLICE = 100_000
"""Rows turned to text at a time, so that memory stays flat."""

FORMULA = r"^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
"""First characters that make a spreadsheet run a cell (OWASP, CSV injection), the full-width ones included."""


def write(document: Document, out: TextIO) -> None:
    """Write the rows to `out`, every cell as it is."""
    _write(document.rows, out, exact.text)


def write_file(document: Document, out: TextIO) -> None:
    """Write the rows to a file that people will open: text that a spreadsheet would run gets a leading ``'``."""
    _write(document.rows, out, _defused_text)


def _write(rows: pl.DataFrame, out: TextIO, text: exact.Text) -> None:
    cells = [text(name, dtype) for name, dtype in rows.schema.items()]
    out.write(rows.clear().write_csv())
    out.writelines(part.select(cells).write_csv(include_header=False) for part in rows.iter_slices(SLICE))


def _defused_text(name: str, dtype: pl.DataType) -> pl.Expr:
    text = exact.text(name, dtype)
    return defused(text).alias(name) if dtype in (pl.String, pl.Categorical, pl.Enum) else text


def defused(text: pl.Expr) -> pl.Expr:
    """Return the text with a leading ``'`` where a spreadsheet would run it."""
    return pl.when(text.str.contains(FORMULA)).then(pl.lit("'") + text).otherwise(text)
