"""SQLite databases of running programs: read as they are, never written to; packed ones are unpacked first."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenaudit.sources._packed import is_member
from tokenaudit.sources.lines import DAMAGED, open_binary

if TYPE_CHECKING:
    from collections.abc import Iterator

SQLITE = b"SQLite format 3\x00"
LOG = "-wal"
"""Ending of the file beside a database that holds its newest pages."""
BESIDE = (LOG, "-shm", "-journal")


def connect(path: str) -> sqlite3.Connection:
    """Open a database for reading; one that cannot be shared is read from a copy. sqlite3.DatabaseError if broken.

    A database in write-ahead mode needs a file for shared memory beside it; where that cannot be made (a read-only
    folder) the database and its log are copied. So is one that is packed.
    """
    if _is_packed(path):
        return _copied(path)
    connection = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)
    try:
        connection.execute("select count(*) from sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        return _copied(path)
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _is_packed(path: str) -> bool:
    if is_member(path):
        return True
    with open(path, "rb") as file:
        return file.read(len(SQLITE)) != SQLITE


def _copied(path: str) -> sqlite3.Connection:
    """Load a copy of a database and its log into memory."""
    memory = sqlite3.connect(":memory:")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy.db")
        _copy(path, copy)
        if Path(path + LOG).exists():
            shutil.copyfile(path + LOG, f"{copy}{LOG}")
        original = sqlite3.connect(copy)
        try:
            original.backup(memory)
        finally:
            original.close()
    return memory


def _copy(path: str, copy: Path) -> None:
    try:
        with open_binary(path) as packed, copy.open("wb") as file:
            shutil.copyfileobj(packed, file)
    except DAMAGED as error:
        raise sqlite3.DatabaseError(str(error)) from error


def columns(database: sqlite3.Connection, table: str) -> set[str]:
    """Return the names of a table's columns; none where there is no such table."""
    return {name for (name,) in database.execute("select name from pragma_table_info(?)", (table,)).fetchall()}


def records(database: sqlite3.Connection, table: str, *names: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table in its own order, with null for columns that this version of it lacks."""
    known = columns(database, table)
    if known:
        chosen = ", ".join(f'"{name}"' if name in known else f'null as "{name}"' for name in names)
        found = database.execute(f'select {chosen} from "{table}" order by rowid')  # noqa: S608 - names of our own
        yield from (dict(zip(names, row, strict=True)) for row in found)
