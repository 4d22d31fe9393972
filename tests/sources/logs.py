"""Read invented logs: lines, documents or databases to the rows and reasons that come of them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tokenaudit.sources import sources
from tokenaudit.sources.source import Decoded, Log, Tail

if TYPE_CHECKING:
    from pathlib import Path

Row = dict[str, Any]


def decoded(name: str, path: Path) -> Decoded:
    """Read a whole file as a source."""
    source = sources()[name]
    assert isinstance(source, Log)
    return source.decode(Tail(str(path)))


def rows_of(made: Decoded) -> list[Row]:
    """Return what was decoded, a dictionary for each row; what is zero, null or usual is left out."""
    names = made.columns.keys() - {"line", "origin_rank"}
    found = [
        {name: made.columns[name][index] for name in names if made.columns[name][index] not in (None, 0, False)}
        for index in range(len(made.columns["identity"]))
    ]
    for row in found:
        row.pop("charge_period_end", None)
    return found


def read_rows(name: str, path: Path) -> list[Row]:
    """Return the rows of a file, in the order in which they come."""
    return rows_of(decoded(name, path))


def reasons(made: Decoded) -> list[str]:
    """Return why lines were refused."""
    return [reject.reason for reject in made.rejects]


def write_lines(path: Path, *records: object) -> Path:
    """Write JSON lines."""
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    return path


def write_database(path: Path, tables: dict[str, list[Row]]) -> Path:
    """Write an SQLite database: by table its rows, whose keys are the columns."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database:
        for table, rows in tables.items():
            names = list(dict.fromkeys(name for row in rows for name in row))
            database.execute(f'create table "{table}" ({", ".join(f"{chr(34)}{name}{chr(34)}" for name in names)})')
            values = [[row.get(name) for name in names] for row in rows if any(row.values())]
            database.executemany(f'insert into "{table}" values ({", ".join("?" * len(names))})', values)  # noqa: S608
        database.commit()
    return path
