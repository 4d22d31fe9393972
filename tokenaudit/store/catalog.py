"""The catalog: which segments are live, what was read of which file, and what could not be read.

One SQLite database (write-ahead log, full sync) beside the segments. Segments, file ledger and quarantine change in
one transaction, so that after a crash the store is as before or complete. `generation` counts commits: whoever
prepared a commit against an older generation prepares it again.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tokenaudit import schema
from tokenaudit.errors import StoreError, StoreVersionError
from tokenaudit.store.disk import refuse_network

NAME = "catalog.db"
BUSY_SECONDS = 60
RETRY_SECONDS = 0.005

TABLES = """
create table if not exists meta(key text primary key, value text not null) without rowid;
create table if not exists segment(
    name text primary key, tier text not null, month text not null, rows integer not null,
    start_min integer not null, start_max integer not null, bytes integer not null, digest text not null,
    dead_at real) without rowid;
create table if not exists file(
    path text primary key, file_id integer not null, source text not null, rules integer not null,
    inode integer not null, size integer not null, mtime_ns integer not null,
    offset integer not null, line integer not null, head text not null, tail text not null, state text not null,
    rows integer not null, rejected integer not null, merged integer not null, read_at text not null) without rowid;
create table if not exists version(
    file_id integer primary key, path text not null, source text not null,
    covers_to integer not null, rows integer not null, digest integer not null);
create table if not exists reject(
    path text not null, line integer not null, offset integer not null, reason text not null,
    primary key (path, line, offset)) without rowid;
create table if not exists root(path text primary key) without rowid;
create table if not exists owner(
    path text not null, file_id integer not null, user text not null, primary key (path, file_id)) without rowid;
create table if not exists naming(
    root text primary key, user text not null, template text not null, turn integer not null) without rowid;
"""
TABLE_NAMES = re.findall(r"exists (\w+)", TABLES)


class Segment(NamedTuple):
    """A Parquet file of the store. Times are microseconds since 1970, UTC."""

    name: str
    tier: str
    """`usage` (counted) or `superseded` (kept aside: copies, older versions, parts of merged rows)."""
    month: str
    rows: int
    start_min: int
    start_max: int
    bytes: int
    digest: str


class FileEntry(NamedTuple):
    """What the ledger knows of one file."""

    path: str
    file_id: int
    source: str
    rules: int
    inode: int
    size: int
    mtime_ns: int
    offset: int
    line: int
    head: str
    """Digest of the first bytes, up to 4 KB of those read."""
    tail: str
    """Digest of the last bytes before `offset`."""
    state: str
    rows: int
    rejected: int
    merged: int
    read_at: str


class Version(NamedTuple):
    """One content of one file. The greatest (covers_to, rows, digest) is the newest; never the time it was read."""

    file_id: int
    path: str
    source: str
    covers_to: int
    rows: int
    digest: int


class RejectEntry(NamedTuple):
    """A line that could not be read."""

    path: str
    line: int
    offset: int
    reason: str


class Catalog:
    """An open catalog. Use `transaction` to change it."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._connection = connection

    @classmethod
    def open(cls, folder: Path, *, create: bool = False) -> Catalog:
        """Open the catalog in a store's folder.

        StoreError where there is none (and `create` is false), it cannot be opened or its file system is unsafe;
        StoreVersionError where a newer version wrote it.
        """
        path = folder / NAME
        if not create and not path.exists():
            raise StoreError(f"no store at `{folder}`", "run `tokenaudit ingest PATH` first, or give another --store")
        refuse_network(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            catalog = cls(folder, sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None))
        except (sqlite3.Error, OSError) as error:
            raise _cannot_open(folder, error) from error
        try:
            catalog._prepare_patiently()
        except BaseException as error:
            catalog.close()
            if isinstance(error, sqlite3.Error):
                raise _cannot_open(folder, error) from error
            raise
        return catalog

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def _prepare_patiently(self) -> None:
        """Prepare; SQLite does not wait by itself while the last user closes the database or one cleans up a crash."""
        end = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                return self._prepare()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(RETRY_SECONDS)

    def _prepare(self) -> None:
        run = self._connection.execute
        run("pragma busy_timeout = 60000")
        run("pragma journal_mode = wal")
        run("pragma synchronous = full")
        run("pragma fullfsync = 1")
        names = run(f"select name from sqlite_master where name in ({_marks(TABLE_NAMES)})", TABLE_NAMES)
        found = {name for (name,) in names}
        if "meta" in found:
            self._check_version()
        if found < set(TABLE_NAMES):  # a new store, or one from before the newest of its tables
            with self.transaction():
                for statement in TABLES.split(";"):
                    run(statement)
                run("insert or ignore into meta values ('schema', ?), ('generation', '0')", (str(schema.VERSION),))

    def _check_version(self) -> None:
        found = self.schema_version()
        if found > schema.VERSION:
            raise StoreVersionError(
                f"the store at `{self.folder}` was written by a newer tokenaudit "
                f"(schema {found}, this one knows {schema.VERSION})",
                "upgrade tokenaudit, or give another --store",
            )

    def schema_version(self) -> int:
        """Return the version of the segments' physical schema."""
        return int(self._value("schema"))

    def set_schema_version(self, version: int) -> None:
        """Note the physical schema that all segments have now; inside a transaction."""
        self._connection.execute("update meta set value = ? where key = 'schema'", (str(version),))

    def generation(self) -> int:
        """Return the number of commits so far."""
        return int(self._value("generation"))

    def _value(self, key: str) -> str:
        return str(self._connection.execute("select value from meta where key = ?", (key,)).fetchone()[0])

    @contextmanager
    def transaction(self) -> Iterator[Catalog]:
        """Hold the write lock; commit at the end, roll back on any error. StoreError where it cannot be had."""
        try:
            self._connection.execute("begin immediate")
        except sqlite3.OperationalError as error:
            message = f"cannot write to the store at `{self.folder}`: {error}"
            raise StoreError(message, "is another tokenaudit writing to it? Try again in a minute") from error
        try:
            yield self
            self._connection.execute("commit")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise

    def advance(self) -> None:
        """Count a commit; inside a transaction."""
        self._connection.execute("update meta set value = cast(value as integer) + 1 where key = 'generation'")

    def run(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run a statement of another module of the store; one that changes something inside a transaction."""
        return self._connection.execute(statement, values)

    # ---- segments ----

    def segments(self, tier: str = "usage") -> list[Segment]:
        """Return the segments of a tier that count, oldest month first."""
        found = self._connection.execute(
            "select name, tier, month, rows, start_min, start_max, bytes, digest from segment"
            " where tier = ? and dead_at is null order by month, start_min, name",
            (tier,),
        )
        return [Segment(*row) for row in found]

    def snapshot(self) -> tuple[int, list[Segment], list[Segment]]:
        """Return generation, live and superseded segments of one moment."""
        self._connection.execute("begin")
        try:
            return self.generation(), self.segments("usage"), self.segments("superseded")
        finally:
            self._connection.execute("commit")

    def add_segments(self, segments: Iterable[Segment]) -> None:
        """Add segments; inside a transaction."""
        self._connection.executemany("insert into segment values (?, ?, ?, ?, ?, ?, ?, ?, null)", segments)

    def retire_segments(self, names: Iterable[str], now: float) -> None:
        """Take segments out of the count; their files are unlinked after a grace period. Inside a transaction."""
        self._connection.executemany("update segment set dead_at = ? where name = ?", ((now, name) for name in names))

    def dead_segments(self, before: float) -> list[str]:
        """Return the names of segments retired before a time (seconds since 1970)."""
        found = self._connection.execute("select name from segment where dead_at < ?", (before,))
        return [str(row[0]) for row in found]

    def drop_segments(self, names: Iterable[str]) -> None:
        """Forget retired segments; inside a transaction."""
        self._connection.executemany("delete from segment where name = ?", ((name,) for name in names))

    def segment_names(self) -> set[str]:
        """Return the names of all segments, retired ones included."""
        return {str(row[0]) for row in self._connection.execute("select name from segment")}

    # ---- ledger ----

    def files(self) -> dict[str, FileEntry]:
        """Return the ledger by path."""
        return {row[0]: FileEntry(*row) for row in self._connection.execute("select * from file")}

    def sources(self) -> set[str]:
        """Return the names of the sources that any file was read as."""
        return {str(row[0]) for row in self._connection.execute("select distinct source from file where source != ''")}

    def rules(self) -> dict[str, int]:
        """Return the newest rules that the files of each source were read by."""
        found = self._connection.execute("select source, max(rules) from file where source != '' group by source")
        return dict(found.fetchall())

    def paths(self) -> set[str]:
        """Return the paths of the ledger."""
        return {str(row[0]) for row in self._connection.execute("select path from file")}

    def put_files(self, entries: Iterable[FileEntry]) -> None:
        """Write ledger entries; inside a transaction."""
        self._connection.executemany(f"insert or replace into file values ({_marks(FileEntry._fields)})", entries)

    def delete_files(self, paths: Iterable[str]) -> None:
        """Forget files and what was rejected of them; inside a transaction."""
        for path in paths:
            self._connection.execute("delete from file where path = ?", (path,))
            self._connection.execute("delete from reject where path = ?", (path,))

    def versions(self) -> list[Version]:
        """Return every content of every file that was read."""
        return [Version(*row) for row in self._connection.execute("select * from version")]

    def put_versions(self, versions: Iterable[Version]) -> None:
        """Write versions; inside a transaction."""
        self._connection.executemany(f"insert or replace into version values ({_marks(Version._fields)})", versions)

    def delete_versions(self, file_ids: Iterable[int]) -> None:
        """Forget versions; inside a transaction."""
        self._connection.executemany("delete from version where file_id = ?", ((item,) for item in file_ids))

    # ---- quarantine and roots ----

    def rejects(self) -> list[RejectEntry]:
        """Return every line that could not be read, by path and line."""
        return [RejectEntry(*row) for row in self._connection.execute("select * from reject order by path, line")]

    def put_rejects(self, entries: Iterable[RejectEntry]) -> None:
        """Write rejects; inside a transaction."""
        self._connection.executemany("insert or replace into reject values (?, ?, ?, ?)", entries)

    def clear_rejects(self, paths: Iterable[str]) -> None:
        """Forget the rejects of files about to be read from the start; inside a transaction."""
        self._connection.executemany("delete from reject where path = ?", ((path,) for path in paths))

    def roots(self) -> list[str]:
        """Return the files and folders that were ever given to ingest."""
        return [str(row[0]) for row in self._connection.execute("select path from root order by path")]

    def put_roots(self, paths: Iterable[str]) -> None:
        """Remember files and folders; inside a transaction."""
        self._connection.executemany("insert or ignore into root values (?)", ((path,) for path in paths))

    def delete_roots(self, paths: Iterable[str]) -> None:
        """Forget files and folders; inside a transaction."""
        self._connection.executemany("delete from root where path = ?", ((path,) for path in paths))


def _cannot_open(folder: Path, error: Exception) -> StoreError:
    busy = isinstance(error, OSError | sqlite3.OperationalError)
    hint = "is the folder writable?" if busy else "it is damaged: restore a copy, or ingest into another --store"
    return StoreError(f"cannot open the store at `{folder}`: {error}", hint)


def _marks(names: Sequence[str]) -> str:
    return ", ".join("?" * len(names))
