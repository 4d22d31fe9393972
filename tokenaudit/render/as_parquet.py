"""Parquet with field metadata: unit, meaning, and the FOCUS or OpenTelemetry name of each column.

Money is ``decimal128(38, 18)``, instants are UTC. The schema name and what stands around the rows in JSON (period,
totals) are file metadata, as JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from tokenaudit.errors import QueryError
from tokenaudit.render.as_json import pieces
from tokenaudit.schema import USAGE, Column

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    import pyarrow as pa

    from tokenaudit.render.document import Document

REPORTED: tuple[Column, ...] = (
    Column("team", "String", "name", "team of the user, by the organisation map"),
    Column("cost_center", "String", "name", "cost centre of the user, by the organisation map"),
    Column("model", "String", "name", "canonical name of the model"),
    Column("input_tokens", "Int64", "tokens", "all input classes", "gen_ai.usage.input_tokens"),
    Column("cache_creation_input_tokens", "Int64", "tokens", "input written to a cache of any life"),
    Column("total_tokens", "Int64", "tokens", "all classes, input and output"),
    Column("contracted_cost", "Decimal", "currency", "negotiated price", "ContractedCost"),
    Column("effective_cost", "Decimal", "currency", "spend: billed, else contracted, else list price", "EffectiveCost"),
    Column("estimated_cost", "Decimal", "currency", "spend with estimated output tokens"),
    Column("unpriced_requests", "Int64", "requests", "requests without a known price"),
    Column("unpriced_tokens", "Int64", "tokens", "tokens without a known price"),
)
"""What reports add to the usage table."""

COLUMNS: dict[str, Column] = {column.name: column for column in (*USAGE, *REPORTED)}


def write(document: Document, out: TextIO) -> None:
    """Write the rows to the bytes beneath `out`. Raises QueryError where that is a terminal or has no bytes."""
    import pyarrow.parquet as pq

    buffer = getattr(out, "buffer", None)
    if buffer is None or out.isatty():
        msg = "parquet is binary and cannot be shown in a terminal"
        raise QueryError(msg, "write it to a file: `-o report.parquet`")
    pq.write_table(arrow(document), buffer)


def arrow(document: Document) -> pa.Table:
    """Return the rows as an Arrow table with the metadata of its fields and of the file."""
    import pyarrow as pa

    table = _plain(document.rows).to_arrow()
    fields = [
        pa.field(
            field.name, pa.string() if pa.types.is_large_string(field.type) else field.type, metadata=_about(field)
        )
        for field in table.schema
    ]
    return table.cast(pa.schema(fields, metadata=_around(document)))


def _plain(rows: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return rows.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))


def _about(field: pa.Field) -> dict[str, str]:
    column = COLUMNS.get(field.name)
    if column is None:
        return {}
    about = {"unit": column.unit, "meaning": column.meaning, "standard": column.standard}
    return {key: text for key, text in about.items() if text}


def _around(document: Document) -> dict[str, str]:
    around: Mapping[str, object] = {**document.head, **document.tail, "notes": document.notes}
    texts = {f"tokenaudit.{key}": "".join(pieces(value)) for key, value in around.items()}
    return {"tokenaudit.schema": document.schema, **texts}
