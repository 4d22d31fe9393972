"""Parquet to pieces, in bounded memory; the number of a row stands for its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.sources._piece import Piece, Reading, known_names, need_one

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tokenaudit.sources.source import Table

BATCH_ROWS = 100_000


def read_parquet(source: Table, path: str) -> Reading:
    """Return how to read a Parquet file. SourceError as `known_names`."""
    found = leaves(pl.read_parquet_schema(path))
    names = known_names(source, found, path)
    need_one(source, names, path)
    return Reading(
        {name: spelling for spelling, name in names.items()},
        _pieces([found[column].alias(name) for column, name in names.items()], path),
        _same,
    )


def leaves(schema: Mapping[str, pl.DataType]) -> dict[str, pl.Expr]:
    """Return every column of a file, and the fields of nested ones by names joined with dots: ``service.id``."""
    found: dict[str, pl.Expr] = {}
    fields: list[tuple[str, pl.Expr, object]] = [(name, pl.col(name), dtype) for name, dtype in schema.items()]
    for name, value, dtype in fields:
        found[name] = value
        inner = dtype.fields if isinstance(dtype, pl.Struct) else []
        fields += [(f"{name}.{item.name}", value.struct.field(item.name), item.dtype) for item in inner]
    return found


def _pieces(columns: list[pl.Expr], path: str) -> Iterator[Piece]:
    first = 1
    rows = pl.scan_parquet(path).select(columns)
    for frame in rows.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
        lines = pl.int_range(first, first + frame.height, dtype=pl.Int64)
        yield Piece(frame.with_columns(line=lines), [])
        first += frame.height


def _same(piece: Piece) -> Piece:
    return piece
