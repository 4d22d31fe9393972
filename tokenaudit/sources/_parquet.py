"""Parquet to pieces, in bounded memory; the number of a row stands for its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.sources._piece import Piece, Reading, known_names, need_one

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenaudit.sources.source import Table

BATCH_ROWS = 100_000


def read_parquet(source: Table, path: str) -> Reading:
    """Return how to read a Parquet file. SourceError as `known_names`."""
    names = known_names(source, pl.read_parquet_schema(path), path)
    need_one(source, names, path)
    return Reading({name: spelling for spelling, name in names.items()}, _pieces(names, path), _same)


def _pieces(names: dict[str, str], path: str) -> Iterator[Piece]:
    first = 1
    rows = pl.scan_parquet(path).select(*names).rename(names)
    for frame in rows.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
        lines = pl.int_range(first, first + frame.height, dtype=pl.Int64)
        yield Piece(frame.with_columns(line=lines), [])
        first += frame.height


def _same(piece: Piece) -> Piece:
    return piece
