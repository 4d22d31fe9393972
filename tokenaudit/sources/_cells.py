"""From the text of cells to typed columns, one column at a time; what cannot be read is told apart from what is blank.

Each kind tries the plain spelling on the whole column first. Only cells that fail are looked at again, with the
spellings that spreadsheets and vendors are known to write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tokenaudit.sources import expressions

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokenaudit.sources.source import Kind

INTEGER = pl.Int64()
MONEY = pl.Decimal(38, 18)
INSTANT = pl.Datetime("us", "UTC")
DTYPES: dict[Kind, pl.DataType] = {
    "text": pl.String(),
    "integer": INTEGER,
    "money": MONEY,
    "epoch": INSTANT,
    "instant": INSTANT,
    "zoned": INSTANT,
    "flag": pl.Boolean(),
}
NATIVE: dict[Kind, pl.DataType] = {"integer": INTEGER, "money": MONEY}
"""Kinds whose plain spelling a CSV reader parses as well as we do, and faster."""
FAULTS: dict[Kind, str] = {
    "text": "is not text",
    "integer": "is not a number",
    "money": "is not an amount of money",
    "epoch": "is not a time in seconds",
    "instant": "is not a date or time",
    "zoned": "is not a time with a zone, such as 2026-10-01T09:30:00Z",
    "flag": "is not true or false",
}
NOTHING = ("", "null", "nan", "none", "-", "n/a", "included")
"""What vendors write for "no value", in lower case; `Included` stands in Cursor's cost column."""
PADDING = " \t\r"
GROUPED = r"^[-+]?\d{1,3}(,\d{3})+(\.\d*)?$"
COMMA_DECIMAL = r"^[-+]?[\d.]*,\d+$"
THOUSANDS = r"^[-+]?\d{1,3}(?:(?:,\d{3})+|(?:\.\d{3})+)$"
"""A count with its thousands apart, in either spelling: it has no decimals that the separator could begin."""


class Cells(NamedTuple):
    """A typed column, and which of its cells could not be read (None: all could)."""

    values: pl.Series
    bad: pl.Series | None = None


def typed(kind: Kind, cells: pl.Series, *, comma_decimals: bool = False, plain: bool = False) -> Cells:
    """Read a column as its kind.

    In: text, or what a Parquet file or a CSV reader has typed already. `comma_decimals`: ``1,5`` is one and a half.
    `plain`: no cell has blanks around it. Out: the values in the kind's data type.
    """
    if cells.dtype == DTYPES[kind] and kind != "text":
        return Cells(cells)
    if cells.dtype != pl.String:
        return _retyped(kind, cells)
    if kind == "text":
        return Cells(_blank_as_null(cells) if plain else _trimmed(cells))
    values = PLAIN[kind](cells)
    odd = values.is_null() & cells.is_not_null()
    if not odd.any():
        return Cells(values)
    return _again(kind, cells, values, odd, comma_decimals=comma_decimals)


def _again(kind: Kind, cells: pl.Series, values: pl.Series, odd: pl.Series, *, comma_decimals: bool) -> Cells:
    """Read the cells that the plain spelling does not fit."""
    left = _trimmed(cells.filter(odd))
    left = left.set(left.str.to_lowercase().is_in(NOTHING).fill_null(value=False), None)
    if kind in PUNCTUATED:
        left = _unpunctuated(left, comma_decimals=comma_decimals, whole=kind != "money")
    read = CAREFUL[kind](left)
    at = odd.arg_true()
    bad = at.filter(read.is_null() & left.is_not_null())
    mask = pl.int_range(len(cells), eager=True).is_in(bad.implode()) if len(bad) else None
    return Cells(values.scatter(at, read), mask)


def _trimmed(cells: pl.Series) -> pl.Series:
    return _blank_as_null(cells.str.strip_chars(PADDING))


def _blank_as_null(cells: pl.Series) -> pl.Series:
    blank = (cells.str.len_bytes() == 0).fill_null(value=False)
    return cells.set(blank, None) if blank.any() else cells


def _unpunctuated(cells: pl.Series, *, comma_decimals: bool, whole: bool) -> pl.Series:
    """Take the dollar sign, the apostrophe of a spreadsheet and the separators of thousands out of numbers."""
    text = pl.col("cell").str.strip_chars_start("'").str.replace(r"^([-+]?)\$\s*", "${1}")
    without_commas = text.str.replace_all(",", "", literal=True)
    number = pl.when(text.str.contains(GROUPED)).then(without_commas).otherwise(text)
    if comma_decimals:
        swapped = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        number = pl.when(text.str.contains(COMMA_DECIMAL)).then(swapped).otherwise(number)
        if whole:
            number = pl.when(text.str.contains(THOUSANDS)).then(text.str.replace_all("[.,]", "")).otherwise(number)
    return cells.alias("cell").to_frame().select(number).to_series()


def _integers(cells: pl.Series) -> pl.Series:
    return cells.cast(INTEGER, strict=False)


def _whole_numbers(cells: pl.Series) -> pl.Series:
    """Read ``4``, ``4.0`` and ``1e3``; a fraction is no count."""
    exact = cells.cast(MONEY, strict=False)
    whole = exact.cast(INTEGER, strict=False)
    return whole.set((exact != whole.cast(MONEY)).fill_null(value=False), None)


def _money(cells: pl.Series) -> pl.Series:
    return cells.cast(MONEY, strict=False)


def _epochs(cells: pl.Series) -> pl.Series:
    return pl.from_epoch(_whole_numbers(cells), time_unit="s").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _utc_instants(cells: pl.Series) -> pl.Series:
    """Read a column that is ISO 8601 in UTC throughout (``2026-10-01T09:30:00.123Z``), several times faster.

    Minutes repeat, and polars remembers the text it has parsed; seconds are a number. All null where any cell differs.
    """
    cell = pl.col("cell")
    minute = cell.str.head(16).str.to_datetime("%Y-%m-%dT%H:%M", time_unit="us", strict=False)
    second = cell.str.slice(17).str.strip_suffix("Z").cast(pl.Float64, strict=False)
    fits = cell.str.ends_with("Z") & (cell.str.slice(16, 1) == ":") & second.is_between(0, 60, closed="left")
    fast = minute + pl.duration(microseconds=(second * 1e6 + 0.001).floor().cast(INTEGER, strict=False))
    frame = cells.alias("cell").to_frame().select(fast.alias("fast"), fits=fits | cell.is_null())
    known = frame["fits"] & (frame["fast"].is_not_null() | cells.is_null())
    read = frame["fast"].dt.replace_time_zone("UTC")
    return read if known.all() else pl.Series([None], dtype=INSTANT).new_from_index(0, len(cells))


def _instants(cells: pl.Series) -> pl.Series:
    return cells.alias("cell").to_frame().select(expressions.instant(pl.col("cell"))).to_series()


def _zoned(cells: pl.Series) -> pl.Series:
    return cells.alias("cell").to_frame().select(expressions.zoned_instant(pl.col("cell"))).to_series()


def _flags(cells: pl.Series) -> pl.Series:
    lower = cells.str.strip_chars(PADDING).str.to_lowercase()
    return lower.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)


PLAIN: dict[Kind, Callable[[pl.Series], pl.Series]] = {
    "integer": _integers,
    "money": _money,
    "epoch": _epochs,
    "instant": _utc_instants,
    "zoned": _utc_instants,
    "flag": _flags,
}
CAREFUL: dict[Kind, Callable[[pl.Series], pl.Series]] = {
    "integer": _whole_numbers,
    "money": _money,
    "epoch": _epochs,
    "instant": _instants,
    "zoned": _zoned,
    "flag": _flags,
}
PUNCTUATED: frozenset[Kind] = frozenset({"integer", "money", "epoch"})


def _as_json(cells: pl.Series) -> pl.Series:
    """Return nested values as JSON text: structs, lists, and the maps of Parquet, which are lists of pairs."""
    whole = cells.alias("").to_frame().select(pl.struct("").struct.json_encode()).to_series()
    return whole.str.strip_prefix('{"":').str.strip_suffix("}").set(cells.is_null(), None)


def _retyped(kind: Kind, cells: pl.Series) -> Cells:
    """Read a column that a Parquet file holds in a type of its own.

    Money stored as binary floats is taken at its shortest decimal spelling.
    """
    if cells.dtype.is_nested():
        return Cells(_as_json(cells))
    if isinstance(cells.dtype, pl.Datetime) and DTYPES[kind] == INSTANT:
        aware = cells if cells.dtype.time_zone else cells.dt.replace_time_zone("UTC")
        return Cells(aware.dt.convert_time_zone("UTC").cast(INSTANT))
    if cells.dtype == pl.Null:
        return Cells(cells.cast(DTYPES[kind]))
    if cells.dtype.is_integer() and kind == "integer":
        whole = cells.cast(INTEGER, strict=False)
        lost = whole.is_null() & cells.is_not_null()
        return Cells(whole, lost if lost.any() else None)
    return typed(kind, cells.cast(pl.String))
