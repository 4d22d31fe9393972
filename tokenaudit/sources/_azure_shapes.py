"""The dresses of an Azure log: rows of a Log Analytics table, and records of a storage account or an event hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources._documents import DOCUMENT, items

if TYPE_CHECKING:
    from collections.abc import Iterator

Fields = dict[str, Any]


def fields(document: Any) -> Iterator[Fields]:  # noqa: ANN401 - any JSON
    """Yield each record of a document as one flat object, names in lower case; what stands in `properties` goes first.

    In: a record, a batch of them (`records`), or the answer to a query (`tables` of columns and rows).
    """
    if isinstance(document, dict):
        batch = items(document, "records")
        rows = [row for table in items(document, "tables") for row in _rows(table)]
        for record in batch or rows or [document]:
            own = {key.strip().lower(): value for key, value in record.items()}
            yield own | {key.strip().lower(): value for key, value in _properties(own.pop("properties", None)).items()}


def _rows(table: Fields) -> Iterator[Fields]:
    names = [str(column.get("name")) for column in items(table, "columns")]
    rows = table.get("rows")
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, list):
            yield dict(zip(names, row, strict=False))


def _properties(value: object) -> Fields:
    """Return a record's properties: an object, or its text."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = DOCUMENT.decode(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}
