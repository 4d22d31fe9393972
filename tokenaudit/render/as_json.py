"""JSON and JSON lines: an API. Money is a number in plain exact digits, a count an integer, a missing value null.

Rows become text column by column in polars, so that a million of them take seconds; the few values around them are
written by `pieces`. Laid out like ``json.dumps(..., indent=2, ensure_ascii=False)``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import singledispatch
from itertools import chain
from typing import TYPE_CHECKING, TextIO

import polars as pl

from tokenaudit.render import exact
from tokenaudit.render.numbers import plain

if TYPE_CHECKING:
    from tokenaudit.render.document import Document

SLICE = 100_000
"""Rows turned to text at a time, so that memory stays flat."""

STEP = 2
"""Spaces of one level of indentation."""


def write(document: Document, out: TextIO) -> None:
    """Write ``{"schema", head..., rows, tail..., "notes"}`` to `out`."""
    notes = {} if document.notes is None else {"notes": document.notes}
    rows = {document.rows_name: document.rows}
    out.writelines(pieces({"schema": document.schema, **document.head, **rows, **document.tail, **notes}))
    out.write("\n")


def write_lines(document: Document, out: TextIO) -> None:
    """Write the rows to `out`, one JSON object a line."""
    slices = document.rows.iter_slices(SLICE)
    out.writelines(part.select(_objects(part, "{", ", ", "}\n").str.join("")).item() or "" for part in slices)


@singledispatch
def pieces(value: object, margin: int = 0) -> Iterator[str]:
    """Return the JSON text of `value` in pieces; lines after the first are indented by `margin` and more.

    Takes what reports are made of: None, bool, int, str, Decimal, date, datetime, mappings, sequences and frames.
    Raises TypeError for a float: money and shares are Decimal.
    """
    del margin
    msg = f"{type(value).__name__} {value!r} has no exact JSON: use Decimal, int or str"
    raise TypeError(msg)


@pieces.register(type(None))
@pieces.register(bool)
@pieces.register(int)
@pieces.register(str)
def _scalar(value: object, margin: int = 0) -> Iterator[str]:
    del margin
    yield json.dumps(value, ensure_ascii=False)


@pieces.register(Decimal)
def _decimal(value: Decimal, margin: int = 0) -> Iterator[str]:
    del margin
    yield plain(value)


@pieces.register(date)
def _date(value: date, margin: int = 0) -> Iterator[str]:
    del margin
    yield f'"{value.isoformat()}"'


@pieces.register(datetime)
def _instant(value: datetime, margin: int = 0) -> Iterator[str]:
    del margin
    zoned = value.tzinfo is not None
    yield f'"{value.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"' if zoned else f'"{value.isoformat()}"'


@pieces.register(Mapping)
def _object(value: Mapping[str, object], margin: int = 0) -> Iterator[str]:
    items = (
        chain((json.dumps(key, ensure_ascii=False) + ": ",), pieces(item, margin + STEP)) for key, item in value.items()
    )
    return _block("{", items, "}", margin) if value else iter(("{}",))


@pieces.register(list)
@pieces.register(tuple)
def _array(value: Sequence[object], margin: int = 0) -> Iterator[str]:
    items = (pieces(item, margin + STEP) for item in value)
    return _block("[", items, "]", margin) if value else iter(("[]",))


@pieces.register(pl.DataFrame)
def _rows(value: pl.DataFrame, margin: int = 0) -> Iterator[str]:
    inner, item = "\n" + " " * (margin + 2 * STEP), "\n" + " " * (margin + STEP)
    items = (
        iter((part.select(_objects(part, "{" + inner, "," + inner, item + "}").str.join("," + item)).item(),))
        for part in value.iter_slices(SLICE)
    )
    return _block("[", items, "]", margin) if value.height else iter(("[]",))


def _block(opening: str, items: Iterator[Iterator[str]], closing: str, margin: int) -> Iterator[str]:
    line = "\n" + " " * (margin + STEP)
    before = opening + line
    for item in items:
        yield before
        yield from item
        before = "," + line
    yield "\n" + " " * margin + closing


def _objects(frame: pl.DataFrame, opening: str, between: str, closing: str) -> pl.Expr:
    """Return an expression with one JSON object for each row of `frame`."""
    keys = [json.dumps(name, ensure_ascii=False) + ": " for name in frame.columns]
    befores = [opening, *[between] * (len(keys) - 1)]
    values = [_value(name, dtype) for name, dtype in frame.schema.items()]
    members = ((pl.lit(before + key), value) for before, key, value in zip(befores, keys, values, strict=True))
    return pl.concat_str(*chain.from_iterable(members), pl.lit(closing))


def _value(name: str, dtype: pl.DataType) -> pl.Expr:
    text = exact.text(name, dtype)
    return text.fill_null("null") if exact.is_bare(dtype) else _quoted(text)


def _quoted(text: pl.Expr) -> pl.Expr:
    """Return the text as a JSON string, or null. Polars writes JSON only of structs: ``{"":"..."}``."""
    return pl.struct(text.alias("")).struct.json_encode().str.strip_prefix('{"":').str.strip_suffix("}")
