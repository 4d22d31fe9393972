"""SQLite databases of running programs: read as they are, never written to."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path

SQLITE = b"SQLite format 3\x00"
LOG = "-wal"
"""Ending of the file beside a database that holds its newest pages."""
BESIDE = (LOG, "-shm", "-journal")


def connect(path: str) -> sqlite3.Connection:
    """Open a database for reading; one that cannot be shared is read from a copy. sqlite3.DatabaseError if broken.

    A database in write-ahead mode needs a file for shared memory beside it; where that cannot be made (a read-only
    folder) the database and its log are copied.
    """
    connection = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)
    try:
        connection.execute("select count(*) from sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        return _copied(path)
    return connection


def _copied(path: str) -> sqlite3.Connection:
    """Load a copy of a database and its log into memory."""
    memory = sqlite3.connect(":memory:")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy.db")
        shutil.copyfile(path, copy)
        if Path(path + LOG).exists():
            shutil.copyfile(path + LOG, f"{copy}{LOG}")
        original = sqlite3.connect(copy)
        try:
            original.backup(memory)
        finally:
            original.close()
    return memory
