"""Read invented logs: records or files to rows, and what several files of one log hold together."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenaudit import schema
from tokenaudit.sources import fits, sources
from tokenaudit.sources._events import Folded
from tokenaudit.sources.head import Head
from tokenaudit.sources.source import Log, Tail

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypothesis.strategies import DataObject

Json = dict[str, Any]


def write_lines(path: Path, records: Iterable[object]) -> Path:
    """Write one JSON document a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


def write_document(path: Path, document: object, indent: int | None = None) -> Path:
    """Write one JSON document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=indent))
    return path


def rows_of(source: Log, path: Path) -> list[Json]:
    """Return the rows of a file, as they come."""
    made = source.decode(Tail(str(path))).columns
    return [dict(zip(made, values, strict=True)) for values in zip(*made.values(), strict=True)]


def row_of(source: Log, path: Path) -> Json:
    """Return the only row of a file."""
    (row,) = rows_of(source, path)
    return row


def reasons(source: Log, path: Path) -> list[str]:
    """Return why lines or rows of a file were refused."""
    return [item.reason for item in source.decode(Tail(str(path))).rejects]


def classes(row: Json) -> Json:
    """Return the token classes of a row that hold something, and its reasoning."""
    return {name: row[name] for name in (*schema.TOKEN_CLASSES, "reasoning_output_tokens") if row.get(name)}


def together(source: Log, files: Iterable[Path]) -> dict[str, Json]:
    """Return the rows of several files by identity, folded as the store folds them."""
    folded = Folded()
    for path in files:
        for row in rows_of(source, path):
            folded.add(row, row["line"])
    return folded.rows


def totals(rows: Iterable[Json]) -> Counter[str]:
    """Return the sum of every count."""
    found: Counter[str] = Counter()
    for row in rows:
        found.update({name: row.get(name) or 0 for name in schema.COUNTS})
    return +found


def fitting(path: Path) -> list[str]:
    """Return the names of the sources that a file fits."""
    return [item.name for item in sources().values() if fits(item, Head(str(path)))]


def pieces(data: DataObject, items: list[Any]) -> list[list[Any]]:
    """Draw overlapping pieces of a list that hold all of it, in any order, some of it again."""
    from hypothesis import strategies as st

    cut = data.draw(st.integers(0, len(items)))
    again = data.draw(st.lists(st.sampled_from(items), max_size=4)) if items else []
    return data.draw(st.permutations([items[:cut], items[cut:], again, items[: cut // 2]]))
