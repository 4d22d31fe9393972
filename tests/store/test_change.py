"""Commits: rows go in once, whole or not at all, also when several write at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from tokenaudit.store import change, segments, staging
from tokenaudit.store.catalog import Catalog, Version
from tokenaudit.store.change import PATIENCE, Change, Prepared, commit
from tokenaudit.store.staging import Staging

if TYPE_CHECKING:
    from tests.store.conftest import Box

Row = dict[str, Any]
Build = Callable[[list[Row]], pl.DataFrame]
LOG = [{"response_id": n, "output_tokens": n} for n in (1, 2, 3)]
NOVEMBER: Row = {"charge_period_start": datetime(2026, 11, 5, tzinfo=UTC)}


def names(box: Box) -> set[str]:
    """Return the segments that count."""
    return {item.name for tier in ("usage", "superseded") for item in box.catalog.segments(tier)}


def test_new_rows(box: Box) -> None:
    """Rows that nobody else claims are written as they are; the ledger is written with them."""
    assert box.put(1, *LOG) == []
    assert box.outputs() == {1: [1], 2: [2], 3: [3]}
    assert set(box.catalog.files()) == {"/data/1"}
    assert [item.file_id for item in box.catalog.versions()] == [1]
    assert box.findings() == []


def test_the_same_rows_again(box: Box) -> None:
    """The same file changes nothing, not even a segment; another file with the same rows only what is kept aside."""
    box.put(1, *LOG)
    before, kept = names(box), box.usage()

    assert box.put(1, *LOG) == [{0: (3, 0), 1: (3, 0), 2: (0, 0)}]
    assert (names(box), box.usage()) == (before, kept)
    box.put(2, *LOG)
    assert box.usage() == kept
    assert segments.scan(box.folder, box.catalog.segments("superseded")).collect().height == 3
    assert box.findings() == []


def test_rows_that_grow(box: Box) -> None:
    """A response that was written more of later has its largest counts, in whatever month it ends up."""
    box.put(1, *LOG)
    box.put(1, {"response_id": 2, "output_tokens": 50})
    box.put(2, {"response_id": 3, "output_tokens": 1, **NOVEMBER})
    box.put(2, {"response_id": 3, "output_tokens": 70, **NOVEMBER})

    assert box.outputs() == {1: [1], 2: [50], 3: [70]}
    assert box.findings() == []


def test_a_repeated_response_within_one_change(box: Box) -> None:
    """Rows of one change are resolved among themselves too."""
    box.put(1, {"response_id": 1, "output_tokens": 3}, {"response_id": 1, "output_tokens": 9})

    assert box.outputs() == {1: [9]}


@pytest.mark.parametrize("files", [(1, 1, 1), (1, 2, 2), (1, 2, 3)])
def test_parts_that_do_not_show_yet(box: Box, files: tuple[int, ...]) -> None:
    """An estimate below what was recorded is not lost: a later line may lift the sum above it."""
    for n, file_id in enumerate(files):
        part = (n + 1 << 32) + 200_000
        box.put(file_id, {"response_id": 1, "output_tokens": 500, "finalized": False, "output_parts": [part]})

    assert [row["estimated_output_tokens"] for row in box.usage()] == [656]
    assert box.findings() == []


def export(*outputs: int, key: int = 1) -> list[Row]:
    """Return a file's rows of a bucket."""
    return [{"source": "export", "response_id": key, "output_tokens": n} for n in outputs]


@pytest.mark.parametrize("order", [(1, 2), (2, 1), (2, 1, 2), (1, 1, 2)])
def test_a_newer_export_replaces_buckets(box: Box, order: tuple[int, ...]) -> None:
    """Whole, and in any order of ingest; what it does not hold stays."""
    files = {1: (100, export(5, 6), export(7, key=2)), 2: (200, export(9), [])}
    for file_id in order:
        covers_to, first, second = files[file_id]
        box.put(file_id, *first, *second, covers_to=covers_to)

    assert box.outputs() == {1: [9], 2: [7]}
    assert box.findings() == []


@pytest.mark.parametrize("order", [(1, 1), (1, 2), (2, 1), (1, 2, 1, 2)])
def test_equal_rows_of_one_line(box: Box, order: tuple[int, ...]) -> None:
    """A page on one line may hold equal rows of a bucket; read again they are the same ones."""
    files = {1: (200, export(5, 5, 6)), 2: (100, export(9))}
    for file_id in order:
        covers_to, rows = files[file_id]
        box.put(file_id, *({**row, "line": 1} for row in rows), covers_to=covers_to)

    assert box.outputs() == {1: [5, 5, 6]}
    assert box.findings() == []


def test_an_empty_bucket_is_remembered_but_not_shown(box: Box) -> None:
    """A newer file may say that there was nothing."""
    box.put(1, *export(5), covers_to=100)
    box.put(2, {**export(0)[0], "blank": True}, covers_to=200)

    assert box.outputs() == {}
    assert box.findings() == []


def test_rows_go_out(box: Box) -> None:
    """`drop` takes a file's sightings out; what another file holds stays as that file has it."""
    box.put(1, *LOG)
    box.put(2, {"response_id": 2, "output_tokens": 90})
    box.put(3, drop=pl.col("file_id") == 2)
    assert box.outputs() == {1: [1], 2: [2], 3: [3]}
    box.put(3, drop=pl.col("file_id") == 1)

    assert box.outputs() == {}
    assert segments.scan(box.folder, box.catalog.segments("superseded")).collect().is_empty()
    assert box.findings() == []


def test_rows_replace_those_that_go_out(box: Box) -> None:
    """A file read by other rules: its old rows leave in the change that brings the new ones."""
    box.put(1, *LOG)
    box.put(1, {"response_id": 2, "output_tokens": 1}, {"response_id": 9}, drop=pl.col("file_id") == 1)

    assert box.outputs() == {2: [1], 9: [0]}


# -- much at once -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_spilled_rows(box: Box, frame: Build, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """Rows that did not fit into memory are segments already; repeated ones are taken out of them again."""
    monkeypatch.setattr(staging, "SPILL_ROWS", limit)
    box.put(1, {"response_id": 2, "output_tokens": 1}, NOVEMBER | {"response_id": 7})
    rows = Staging(box.folder, {"export"})
    for row in (*LOG, {"response_id": 3, "output_tokens": 30}, {"response_id": 9, **NOVEMBER}):
        rows.add(frame([{"file_id": 2, **row}]))
    box.commit(2, rows)

    assert box.outputs() == {1: [1], 2: [2], 3: [30], 7: [0], 9: [0]}
    assert set(segments.on_disk(box.folder)) == box.catalog.segment_names()
    assert box.findings() == []


def test_discarded_rows_leave_no_file(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ingest that ends before its commit removes what it spilled."""
    monkeypatch.setattr(staging, "SPILL_ROWS", 1)
    rows = box.staged(1, *LOG)
    assert rows.spilled
    assert segments.on_disk(box.folder)
    rows.discard()

    assert segments.on_disk(box.folder) == {}
    assert Staging(box.folder, set()).is_empty()


# -- several at once --------------------------------------------------------------------------------------------------
def meanwhile(monkeypatch: pytest.MonkeyPatch, times: int, act: Callable[[int], object]) -> list[int]:
    """Let somebody else act right after a change was prepared, some times; return how often it was prepared."""
    prepare = Change.prepare
    rounds: list[int] = []

    def interrupted(change: Change) -> Prepared:
        prepared = prepare(change)
        rounds.append(len(rounds))
        if len(rounds) <= times:
            with monkeypatch.context() as patch:
                patch.setattr(Change, "prepare", prepare)
                act(len(rounds))
        return prepared

    monkeypatch.setattr(Change, "prepare", interrupted)
    return rounds


@pytest.mark.parametrize("times", range(PATIENCE))
def test_a_change_is_prepared_again(box: Box, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Where somebody commits in between, the change is resolved against what they brought, and nothing is left over."""
    box.put(1, *LOG)
    rounds = meanwhile(monkeypatch, times, lambda n: box.put(10 + n, {"response_id": 2, "output_tokens": 10 * n}))
    box.put(2, {"response_id": 2, "output_tokens": 15}, {"response_id": 4})

    assert len(rounds) == times + 1
    assert box.outputs() == {1: [1], 2: [max(15, 10 * times)], 3: [3], 4: [0]}
    assert set(segments.on_disk(box.folder)) == box.catalog.segment_names()
    assert box.findings() == []


def test_patience_ends(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was interrupted too often keeps others out while preparing."""
    rounds = meanwhile(monkeypatch, PATIENCE, lambda n: box.put(10 + n, {"response_id": 2, "output_tokens": n}))
    box.put(2, {"response_id": 2, "output_tokens": 1})

    assert len(rounds) == PATIENCE + 1
    assert box.outputs() == {2: [PATIENCE]}
    assert set(segments.on_disk(box.folder)) == box.catalog.segment_names()


def test_two_bring_the_same(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both read the same file: it counts once."""
    meanwhile(monkeypatch, 1, lambda _: box.put(1, *LOG))
    box.put(1, *LOG)

    assert box.outputs() == {1: [1], 2: [2], 3: [3]}
    assert box.findings() == []


# -- crashes ----------------------------------------------------------------------------------------------------------
class CrashError(Exception):
    """The machine stops."""


def crash_at(monkeypatch: pytest.MonkeyPatch, where: str, call: int) -> None:
    """Stop at the n-th call of a function: before it does anything, or after it did (`segments.write`)."""
    owner, name = {"write": (segments, "write"), "sync": (segments, "sync"), "apply": (change, "_apply"),
                   "retire": (Catalog, "retire_segments"), "advance": (Catalog, "advance")}[where]  # fmt: skip
    real = getattr(owner, name)
    calls: list[None] = []

    def stop(*args: Any, **more: Any) -> Any:
        calls.append(None)
        if len(calls) == call:
            raise CrashError
        return real(*args, **more)

    monkeypatch.setattr(owner, name, stop)


@pytest.mark.parametrize(
    ("where", "call"),
    [
        *(("write", n) for n in (1, 2, 3)),
        *(("sync", n) for n in (1, 3, 5)),
        ("apply", 1),
        ("retire", 1),
        ("advance", 1),
    ],
)
def test_a_crash_leaves_the_store_as_before(box: Box, monkeypatch: pytest.MonkeyPatch, where: str, call: int) -> None:
    """Wherever a change stops, what was counted before still is, and doing it again completes it."""
    box.put(1, *LOG)
    box.put(2, {"response_id": 1, "output_tokens": 4})
    before, files = box.usage(), box.catalog.files()
    more = [{"response_id": 2, "output_tokens": 9}, {"response_id": 1, "output_tokens": 9}, {"response_id": 5}]
    with monkeypatch.context() as patch:
        crash_at(patch, where, call)
        with pytest.raises(CrashError):
            box.put(3, *more)

    assert (box.usage(), box.catalog.files()) == (before, files)
    assert box.findings() == []
    box.put(3, *more)
    assert box.outputs() == {1: [9], 2: [9], 3: [3], 5: [0]}
    assert box.findings() == []


def test_a_ledger_that_cannot_be_written_takes_the_rows_with_it(box: Box) -> None:
    """Rows and ledger are one transaction."""

    def record(_: Catalog) -> None:
        raise CrashError

    with pytest.raises(CrashError):
        commit(box.catalog, box.staged(1, *LOG), [Version(1, "/data/1", "log", 0, 3, 0)], record)

    assert (box.outputs(), box.catalog.versions(), box.catalog.generation()) == ({}, [], 0)


def test_a_store_that_was_not_closed(box: Box) -> None:
    """A store that was never closed opens as it was."""
    box.put(1, *LOG)
    copy = Catalog.open(box.folder)
    copy.close()

    assert box.outputs() == {1: [1], 2: [2], 3: [3]}
