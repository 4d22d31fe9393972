"""The catalog: one transaction for all that belongs together, and refusal where it would not be safe."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tokenaudit import schema
from tokenaudit.errors import StoreError, StoreVersionError
from tokenaudit.store import catalog as module
from tokenaudit.store import disk
from tokenaudit.store.catalog import NAME, Catalog, FileEntry, RejectEntry, Segment, Version
from tokenaudit.store.disk import file_system

if TYPE_CHECKING:
    from tests.store.conftest import Box

ENTRY = FileEntry("/data/a", 1, "log", 1, 2, 10, 5, 10, 1, "h", "t", "{}", 3, 0, 0, "now")
SEGMENT = Segment("month=2026-10/a.parquet", "usage", "2026-10", 3, 1, 9, 100, "d")


def test_no_store(tmp_path: Path) -> None:
    """Opening never creates a store unasked."""
    with pytest.raises(StoreError, match="no store at") as error:
        Catalog.open(tmp_path / "none")

    assert "tokenaudit ingest" in (error.value.hint or "")
    assert not (tmp_path / "none").exists()


def test_a_new_store(box: Box) -> None:
    """It has today's schema, no commits, and is flushed to disk at each commit."""
    run = box.catalog._connection.execute

    assert (box.catalog.schema_version(), box.catalog.generation()) == (schema.VERSION, 0)
    assert run("pragma journal_mode").fetchone() == ("wal",)
    assert run("pragma synchronous").fetchone() == (2,)


def test_everything_comes_back(box: Box) -> None:
    """Segments, files, versions, rejects and roots are what was written."""
    version, refused = Version(1, "/data/a", "log", 9, 3, -5), RejectEntry("/data/a", 2, 20, "not JSON")
    with box.catalog.transaction() as catalog:
        catalog.add_segments([SEGMENT])
        catalog.put_files([ENTRY])
        catalog.put_versions([version])
        catalog.put_rejects([refused])
        catalog.put_roots(["/data", "/data"])
        catalog.advance()
    again = Catalog.open(box.folder)
    try:
        assert again.snapshot() == (1, [SEGMENT], [])
        assert again.files() == {"/data/a": ENTRY}
        assert (again.versions(), again.rejects(), again.roots()) == ([version], [refused], ["/data"])
    finally:
        again.close()


def test_things_go_again(box: Box) -> None:
    """What is retired, deleted or cleared no longer counts."""
    with box.catalog.transaction() as catalog:
        catalog.add_segments([SEGMENT])
        catalog.put_files([ENTRY])
        catalog.put_rejects([RejectEntry("/data/a", 2, 20, "x")])
        catalog.put_versions([Version(1, "/data/a", "log", 9, 3, -5)])
        catalog.put_roots(["/data"])
    with box.catalog.transaction() as catalog:
        catalog.retire_segments([SEGMENT.name], now=100.0)
        catalog.delete_files(["/data/a"])
        catalog.delete_versions([1])
        catalog.delete_roots(["/data"])

    assert (box.catalog.segments(), box.catalog.files(), box.catalog.rejects()) == ([], {}, [])
    assert (box.catalog.versions(), box.catalog.roots()) == ([], [])
    assert box.catalog.dead_segments(before=100.5) == [SEGMENT.name]
    assert box.catalog.dead_segments(before=100.0) == []
    assert box.catalog.segment_names() == {SEGMENT.name}


def test_an_error_leaves_nothing_behind(box: Box) -> None:
    """A transaction that fails is as if it had not begun, and the next one works."""

    def fail() -> None:
        with box.catalog.transaction() as catalog:
            catalog.add_segments([SEGMENT])
            catalog.advance()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert box.catalog.snapshot() == (0, [], [])
    with box.catalog.transaction() as catalog:
        catalog.advance()
    assert box.catalog.generation() == 1


def test_writers_wait_for_each_other(box: Box) -> None:
    """A second writer that waits in vain is told so; readers are not held up."""
    other = Catalog.open(box.folder)
    other._connection.execute("pragma busy_timeout = 1")
    with box.catalog.transaction() as catalog:
        catalog.advance()
        assert other.generation() == 0
        with pytest.raises(StoreError, match="cannot write") as error, other.transaction():
            pass
    other.close()

    assert "another tokenaudit" in (error.value.hint or "")


def test_a_newer_store_is_refused(box: Box) -> None:
    """A store that a newer version wrote is not touched, and the connection is closed."""
    with box.catalog.transaction() as catalog:
        catalog.set_schema_version(schema.VERSION + 1)
    with pytest.raises(StoreVersionError, match="newer tokenaudit") as error:
        Catalog.open(box.folder)

    assert "upgrade" in (error.value.hint or "")


@pytest.mark.parametrize("content", [b"not a database, but as long as one header is: " * 9, b"\x00" * 4096])
def test_a_file_that_is_no_catalog(tmp_path: Path, content: bytes) -> None:
    """Something else of that name is an error with a sentence, and stays as it is."""
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(StoreError, match="cannot open the store") as error:
        Catalog.open(tmp_path)

    assert "it is damaged" in (error.value.hint or "")
    assert (tmp_path / NAME).read_bytes() == content


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file where the folder should be is an error with a sentence."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot open the store"):
        Catalog.open(tmp_path / "file" / "store", create=True)


MOUNTS = r"""
overlay / overlay rw 0 0
server:/export /mnt nfs4 rw 0 0
/dev/sdb1 /mnt/local ext4 rw 0 0
//nas/share /media/My\040Files cifs rw 0 0
broken line
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/a/store", "overlay"),
        ("/mnt/store", "nfs4"),
        ("/mnt", "nfs4"),
        ("/mnt/local/store", "ext4"),
        ("/mntx/store", "overlay"),
        ("/media/My Files/store", "cifs"),
    ],
)
def test_file_system(tmp_path: Path, folder: str, kind: str) -> None:
    """The mount with the longest path that holds the folder says what it lies on."""
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)

    assert file_system(Path(folder), str(mounts)) == kind


def test_network_file_systems_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's write-ahead log is not safe there; nothing is created."""
    mounts = tmp_path / "mounts"
    mounts.write_text(f"overlay / overlay rw 0 0\nserver:/x {tmp_path} nfs rw 0 0\n")
    monkeypatch.setattr(disk, "file_system", partial(file_system, mounts=str(mounts)))
    with pytest.raises(StoreError, match="network file system"):
        Catalog.open(tmp_path / "store", create=True)

    assert not (tmp_path / "store").exists()


def test_platforms_without_a_list_of_mounts(tmp_path: Path) -> None:
    """Where the platform does not say, nothing is refused."""
    assert file_system(tmp_path, str(tmp_path / "none")) == ""


def test_opening_waits_for_who_is_closing(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite refuses for a moment while the last user closes, or while a crash is cleaned up: that is no error."""
    prepare, tries = Catalog._prepare, []

    def busy(catalog: Catalog) -> None:
        tries.append(catalog)
        if len(tries) < 4:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY_RECOVERY
            raise error
        prepare(catalog)

    monkeypatch.setattr(Catalog, "_prepare", busy)
    Catalog.open(box.folder).close()
    assert len(tries) == 4

    monkeypatch.setattr(module, "BUSY_SECONDS", -1)
    tries.clear()
    with pytest.raises(StoreError, match="locked"):
        Catalog.open(box.folder)


OPEN = """
import sys
from pathlib import Path
from tokenaudit.store.catalog import Catalog
for _ in range(20):
    catalog = Catalog.open(Path(sys.argv[1]), create=True)
    with catalog.transaction():
        catalog.advance()
    catalog.close()
"""


def test_processes_may_create_a_store_at_once(tmp_path: Path, root: Path) -> None:
    """Whoever comes first makes the tables, and no commit is lost."""
    made: list[Any] = [
        subprocess.Popen([sys.executable, "-c", OPEN, str(tmp_path / "store")], cwd=root) for _ in range(3)
    ]
    codes = [process.wait(timeout=60) for process in made]
    catalog = Catalog.open(tmp_path / "store")
    generation = catalog.generation()
    catalog.close()

    assert (codes, generation) == ([0, 0, 0], 60)


def test_the_database_is_plain_sqlite(box: Box) -> None:
    """Anybody can look into the catalog."""
    with sqlite3.connect(box.folder / NAME) as connection:
        tables = {row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")}
    connection.close()

    assert tables == {"meta", "segment", "file", "version", "reject", "root", "owner", "naming"}
