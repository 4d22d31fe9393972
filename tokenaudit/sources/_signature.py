"""Recognise a table by the names of its columns, in whatever dress it comes: CSV, JSON lines or Parquet."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from tokenaudit.sources.head import RECORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tokenaudit.sources.head import Head
    from tokenaudit.sources.source import Table

PARQUET = b"PAR1"


def detect_table(head: Head, source: Table) -> bool:
    """Say whether a file holds every column of one of the source's signatures, or is its empty export."""
    names = field_names(head) if source.records is None else _record_names(head, source.records)
    fits = any(signature <= names for signature in source.signatures) and names.isdisjoint(source.absent)
    return fits or _is_empty(head.name, names, source)


@lru_cache(maxsize=1)
def field_names(head: Head) -> frozenset[str]:
    """Return the column names of a table, trimmed and in lower case: header cells, JSON keys or Parquet columns."""
    if head.data.startswith(PARQUET):
        return _parquet_names(head.path)
    if head.columns:
        return head.columns
    return frozenset(key.strip().lower() for record in islice(head.records, 1) for key in record)


def _record_names(head: Head, records: Callable[[Any], Iterable[Mapping[str, Any]]]) -> frozenset[str]:
    """Return the keys of the first flat records that a source makes of a head; of a table its column names."""
    if head.columns or head.data.startswith(PARQUET):
        return field_names(head)
    flat = (record for document in head.records for record in records(document))
    return frozenset(name for record in islice(flat, RECORDS) for name in record)


def _is_empty(file_name: str, names: frozenset[str], source: Table) -> bool:
    empty = source.empty
    return empty is not None and names == empty.columns and re.search(empty.file_name, file_name.lower()) is not None


@lru_cache(maxsize=1)
def _parquet_names(path: str) -> frozenset[str]:
    """Return the columns of a Parquet file, none where it is damaged."""
    import polars as pl

    from tokenaudit.sources._parquet import leaves

    try:
        return frozenset(name.strip().lower() for name in leaves(pl.read_parquet_schema(path)))
    except (pl.exceptions.PolarsError, OSError):
        return frozenset()
