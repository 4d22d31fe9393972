"""Forgetting: the store is then as if it had never seen those files, and what others hold stays."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit.store.forget import Forgotten, files_of, forget

if TYPE_CHECKING:
    from tests.store.conftest import Box

Row = dict[str, Any]
NEWEST = {"export"}


def drop(box: Box, *paths: str, condition: pl.Expr | None = None, dry_run: bool = False) -> Forgotten:
    """Forget files by path."""
    entries = files_of(box.catalog, paths, None) if paths else []
    return forget(box.catalog, entries, condition, NEWEST, dry_run=dry_run)


def bucket(*outputs: int, key: int = 1) -> list[Row]:
    """Return a file's rows of a bucket."""
    return [{"source": "export", "response_id": key, "output_tokens": n} for n in outputs]


def test_a_file_goes_with_its_rows(box: Box) -> None:
    """Rows, ledger entry, version and rejects; a response that another file holds stays as that file has it."""
    box.put(1, {"response_id": 1, "output_tokens": 9}, {"response_id": 2, "output_tokens": 5})
    box.put(2, {"response_id": 2, "output_tokens": 4})
    done = drop(box, "/data/1")

    assert done == Forgotten(rows=1, kept=1, files=["/data/1"])
    assert box.outputs() == {2: [4]}
    assert set(box.catalog.files()) == {"/data/2"}
    assert [item.file_id for item in box.catalog.versions()] == [2]
    assert box.findings() == []


def test_looking_first_changes_nothing(box: Box) -> None:
    """A dry run says what would go, exactly, and leaves the store as it is."""
    box.put(1, *bucket(5, 6), *bucket(7, key=2), covers_to=1)
    box.put(2, *bucket(8, 9, 10), covers_to=2)
    before, generation = box.usage(), box.catalog.generation()
    said = drop(box, "/data/2", dry_run=True)

    assert (box.usage(), box.catalog.generation()) == (before, generation)
    assert said == drop(box, "/data/2") == Forgotten(rows=0, kept=3, files=["/data/2"])
    assert box.outputs() == {1: [5, 6], 2: [7]}


def test_an_older_version_comes_back(box: Box) -> None:
    """Forgetting the newer download of a bucket brings back what the older one said of it."""
    box.put(1, *bucket(5, 6), covers_to=1)
    box.put(2, *bucket(9), *bucket(3, key=2), covers_to=2)
    drop(box, "/data/2")

    assert box.outputs() == {1: [5, 6]}
    assert box.findings() == []


def test_a_copy_keeps_the_rows(box: Box) -> None:
    """What the ledger knows under a second path is not forgotten with the first."""
    box.put(1, {"response_id": 1})
    with box.catalog.transaction() as catalog:
        catalog.put_files([box.catalog.files()["/data/1"]._replace(path="/copy/1")])

    assert drop(box, "/data/1") == Forgotten(rows=0, kept=0, files=["/data/1"])
    assert box.outputs() == {1: [0]}
    assert drop(box, "/copy/1") == Forgotten(rows=1, kept=0, files=["/copy/1"])
    assert box.outputs() == {}


def test_all_that_was_read_at_a_path_goes(box: Box) -> None:
    """A download that replaced another under the same name is forgotten together with it."""
    box.put(1, *bucket(5), *bucket(6, key=2), covers_to=1)
    box.put(2, *bucket(9), covers_to=2)
    with box.catalog.transaction() as catalog:
        catalog.put_versions([item._replace(path="/data/2") for item in catalog.versions()])
        catalog.delete_files(["/data/1"])
    drop(box, "/data/2")

    assert box.outputs() == {}
    assert box.catalog.versions() == []


def test_a_folder_goes_with_its_files(box: Box) -> None:
    """Everything below a path, but not what only begins alike."""
    for n, path in enumerate(("/logs/a/1", "/logs/a/b/2", "/logs/ab/3"), 1):
        box.put(n, {"response_id": n})
        with box.catalog.transaction() as catalog:
            catalog.put_files([catalog.files()[f"/data/{n}"]._replace(path=path)])
            catalog.delete_files([f"/data/{n}"])
    done = drop(box, "/logs/a")

    assert sorted(done.files) == ["/logs/a/1", "/logs/a/b/2"]
    assert box.outputs() == {3: [0]}


def test_a_source_goes(box: Box) -> None:
    """All files of a source."""
    box.put(1, {"response_id": 1})
    box.put(2, *bucket(5, key=2))
    with box.catalog.transaction() as catalog:
        catalog.put_files([catalog.files()["/data/2"]._replace(source="export")])
    forget(box.catalog, files_of(box.catalog, (), "export"), None, NEWEST)

    assert box.outputs() == {1: [0]}


def test_a_condition(box: Box) -> None:
    """Rows that fit go, from merged ones too; a condition that is null of a row does not fit it; files stay known."""
    box.put(1, *({"response_id": n, "user": user} for n, user in enumerate(("ann", "bob", None), 1)))
    box.put(
        2, {"response_id": 1, "user": "ann", "output_tokens": 4}, {"response_id": 2, "user": "ann", "origin_rank": 9}
    )
    done = drop(box, condition=pl.col("user") == "ann")

    assert done == Forgotten(rows=1, kept=1, files=[])
    assert [(row["response_id"], row["user"]) for row in box.usage()] == [(2, "bob"), (3, None)]
    assert set(box.catalog.files()) == {"/data/1", "/data/2"}
    assert box.findings() == []


def test_nothing_to_forget(box: Box) -> None:
    """A condition that fits nothing changes nothing."""
    box.put(1, {"response_id": 1})

    assert drop(box, condition=pl.col("user") == "ann") == Forgotten(0, 0, [])
    assert box.outputs() == {1: [0]}


def test_forgetting_is_one_transaction(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and ledger entries go together or not at all."""
    box.put(1, {"response_id": 1})

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(box.catalog), "delete_versions", stop)
        with pytest.raises(KeyboardInterrupt):
            drop(box, "/data/1")

    assert (box.outputs(), set(box.catalog.files())) == ({1: [0]}, {"/data/1"})
    assert drop(box, "/data/1").rows == 1


def row(kind: str, key: int, output: int, rank: int) -> Row:
    """Return a row of a file; those of exports and logs have their own keys."""
    own: Row = {"source": kind, "response_id": key + 10 * (kind == "export"), "session": f"s{rank}"}
    return {**own, "output_tokens": output, "origin_rank": rank * (kind == "log")}


ROWS = st.lists(
    st.builds(row, st.sampled_from(["log", "export"]), st.integers(1, 3), st.integers(0, 5), st.integers(0, 2)),
    max_size=5,
)


@settings(max_examples=5)
@given(files=st.lists(ROWS, min_size=2, max_size=4), gone=st.sets(st.integers(1, 4)), order=st.randoms())
def test_as_if_never_seen(new_box: type[Box], files: list[list[Row]], gone: set[int], order: Random) -> None:
    """After forgetting, the store counts what a store counts that never saw those files."""
    numbered = list(enumerate(files, 1))
    order.shuffle(numbered)
    with tempfile.TemporaryDirectory() as folder:
        box, other = new_box(Path(folder) / "a"), new_box(Path(folder) / "b")
        for n, rows in numbered:
            box.put(n, *rows, covers_to=n % 3)
        said = drop(box, *(f"/data/{n}" for n in gone), dry_run=True)
        before = box.usage()
        assert drop(box, *(f"/data/{n}" for n in gone)) == said
        for n, rows in numbered:
            if n not in gone:
                other.put(n, *rows, covers_to=n % 3)

        assert box.usage() == other.usage()
        assert said.rows == len([row for row in before if row["response_id"] not in box.outputs()])
        assert box.findings() == []
        box.catalog.close()
        other.catalog.close()
