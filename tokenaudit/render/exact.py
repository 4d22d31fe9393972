"""Cells as machines read them: exact text, the same in CSV and JSON.

Money has all its digits and no trailing zeros, dates are ISO 8601, instants end in Z. A binary float is refused:
whoever builds the rows decides how many digits of it are true.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import polars as pl

Wording: TypeAlias = Callable[[pl.Expr, pl.DataType], pl.Expr]
"""From a column and its data type to its text."""

Text: TypeAlias = Callable[[str, pl.DataType], pl.Expr]
"""From the name and data type of a column to its text."""


def text(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return the column as exact text; null stays null. Raises TypeError for a type without an exact text."""
    try:
        wording = WORDINGS[dtype.base_type()]
    except KeyError:
        msg = f"column `{name}` is {dtype}, which has no exact text: cast it first"
        raise TypeError(msg) from None
    return wording(pl.col(name), dtype).alias(name)


def is_bare(dtype: pl.DataType) -> bool:
    """Tell whether JSON writes the text of this type without quotes."""
    return dtype.is_numeric() or dtype == pl.Boolean


def _cast(column: pl.Expr, _: pl.DataType) -> pl.Expr:
    return column.cast(pl.String)


def _money(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    digits = column.cast(pl.String)
    return digits.str.strip_chars_end("0").str.strip_chars_end(".") if getattr(dtype, "scale", 0) else digits


def _date(column: pl.Expr, _: pl.DataType) -> pl.Expr:
    return column.dt.to_string("%Y-%m-%d")


def _instant(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if getattr(dtype, "time_zone", None) is None:
        return column.dt.to_string("%Y-%m-%dT%H:%M:%S%.f")
    return column.dt.convert_time_zone("UTC").dt.to_string("%Y-%m-%dT%H:%M:%S%.fZ")


INTEGERS = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)

WORDINGS: dict[type[pl.DataType], Wording] = {
    **dict.fromkeys((pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Null, *INTEGERS), _cast),
    pl.Decimal: _money,
    pl.Date: _date,
    pl.Datetime: _instant,
}
