"""A piece's cells, each column read as the kind its source says, with one reason for each row that cannot be read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.sources._cells import DTYPES, FAULTS, typed
from tokenaudit.sources.expressions import tags

if TYPE_CHECKING:
    from tokenaudit.sources._piece import Piece
    from tokenaudit.sources.source import Table

LONGEST_CELL = 80
"""Characters of a bad cell that its reason repeats."""
FAULT = " fault"
"""A name that no column has: those are trimmed."""


def typed_rows(source: Table, labels: dict[str, str], piece: Piece) -> tuple[pl.DataFrame, dict[int, str]]:
    """Return a piece's sound rows and, by line, why the others are not.

    In: `labels`, how the file spells the source's columns. Out: `line` and every column of the source in the data
    type of its kind, null where the file has no such column. Rows without any value are left out.
    """
    columns, faults = [piece.frame["line"]], []
    for name in (name for name in source.columns if name in piece.frame.columns):
        cells, kind = piece.frame[name], source.columns[name]
        read = typed(kind, cells, comma_decimals=piece.comma_decimals, plain=piece.plain)
        columns.append(read.values.alias(name))
        if read.bad is not None:
            faults.append(_fault(labels.get(name, name), FAULTS[kind], cells, read.bad))
    columns += _gathered(source, labels, piece.frame)
    rows = _filled(pl.DataFrame(columns).with_columns(_first(faults)), source)
    if not faults:
        return rows.drop(FAULT), {}
    bad = rows.filter(pl.col(FAULT).is_not_null()).select("line", FAULT)
    return rows.filter(pl.col(FAULT).is_null()).drop(FAULT), dict(bad.iter_rows())


def _first(faults: list[pl.Series]) -> pl.Expr:
    return (pl.coalesce(faults) if faults else pl.lit(None, pl.String)).alias(FAULT)


def _gathered(source: Table, labels: dict[str, str], frame: pl.DataFrame) -> list[pl.Series]:
    """Return the columns that hold many of the file's, blank ones left out."""
    found = {name: _named(beginnings, labels, frame.columns) for name, beginnings in source.gather.items()}
    texts = {name: tags(cells) if cells else pl.lit(None, pl.String) for name, cells in found.items()}
    return frame.with_columns(**texts).select(*texts).get_columns()


def _named(beginnings: tuple[str, ...], labels: dict[str, str], names: list[str]) -> dict[str, pl.Expr]:
    """Return the cells of each column that begins so, by what follows."""
    found = [(name, start) for name in names for start in beginnings if name.startswith(start)]
    texts = {name: pl.col(name).cast(pl.String).str.strip_chars() for name, _ in found}
    filled = {name: pl.when(text != "").then(text) for name, text in texts.items()}
    return {json.dumps(labels.get(name, name)[len(start) :])[1:-1]: filled[name] for name, start in found}


def _filled(rows: pl.DataFrame, source: Table) -> pl.DataFrame:
    """Leave out blank lines and add the columns that the file does not have."""
    cells = rows.drop("line")
    if min((column.null_count() for column in cells.drop(FAULT)), default=1):
        rows = rows.filter(pl.any_horizontal(pl.col(cells.columns).is_not_null()))
    absent = {name: pl.lit(None, DTYPES[kind]) for name, kind in source.columns.items() if name not in rows.columns}
    return rows.with_columns(**absent)


def _fault(label: str, fault: str, cells: pl.Series, bad: pl.Series) -> pl.Series:
    """Return ``"Total Tokens" is not a number: "abc"`` for the bad cells, null for the others."""
    text = cells.cast(pl.String, strict=False).fill_null("?").str.slice(0, LONGEST_CELL)
    shown = pl.format('"{}" {}: "{}"', pl.lit(label), pl.lit(fault), text)
    return pl.select(pl.when(bad).then(shown)).to_series()
