"""Upkeep: many small segments become one without a row more or less, and nothing is removed that may still be read."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from tokenaudit import schema
from tokenaudit.errors import StoreVersionError
from tokenaudit.store import segments, upkeep
from tokenaudit.store.catalog import Catalog
from tokenaudit.store.store import Store
from tokenaudit.store.upkeep import GRACE_SECONDS, ORPHAN_SECONDS, conformed, crowded, join, migrate, sweep

if TYPE_CHECKING:
    from tests.store.conftest import Box


def fill(box: Box, files: int) -> None:
    """Put some files into a store, each with a response of its own and one that all share."""
    for n in range(1, files + 1):
        box.put(n, {"response_id": n, "output_tokens": n}, {"response_id": 99, "output_tokens": n})


def backdate(box: Box, seconds: float) -> None:
    """Let all segment files look older."""
    for name in segments.on_disk(box.folder):
        os.utime(box.folder / segments.FOLDER / name, (time.time() - seconds,) * 2)


def live(box: Box) -> list[str]:
    """Return the names of the segments that count."""
    return [item.name for item in (*box.catalog.segments("usage"), *box.catalog.segments("superseded"))]


def test_small_segments_become_one(box: Box) -> None:
    """The rows are the same, row by row; both tiers are joined, each by month."""
    fill(box, 6)
    before, aside = box.usage(), segments.scan(box.folder, box.catalog.segments("superseded")).collect()
    upkeep.upkeep(box.catalog, many=3)

    assert box.usage() == before
    assert [len(box.catalog.segments(tier)) for tier in ("usage", "superseded")] == [1, 1]
    again = segments.scan(box.folder, box.catalog.segments("superseded")).collect()
    assert again.sort("file_id").equals(aside.sort("file_id"))
    assert box.findings() == []


def test_few_or_large_segments_are_left(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Joining costs: it begins at two dozen small ones, and never makes a segment too large."""
    fill(box, 3)
    assert crowded(box.catalog) == []
    monkeypatch.setattr(upkeep, "SMALL_ROWS", 1)
    assert crowded(box.catalog, many=2) == []
    monkeypatch.setattr(upkeep, "SMALL_ROWS", 100)
    monkeypatch.setattr(upkeep, "JOINED_ROWS", 2)
    assert all(sum(item.rows for item in group) <= 2 for group in crowded(box.catalog, many=2))


def test_readers_go_on_while_segments_are_joined(box: Box) -> None:
    """Who listed the segments before may open them after; they are unlinked when the grace period is over."""
    fill(box, 4)
    names, reader = set(live(box)), segments.scan(box.folder, box.catalog.segments())
    before = box.usage()
    upkeep.upkeep(box.catalog, now=1000.0, many=2)
    assert reader.collect().height == len(before)

    upkeep.upkeep(box.catalog, now=1000.0 + GRACE_SECONDS, many=2)
    assert names & set(segments.on_disk(box.folder))
    dead = {item for item in names if item not in live(box)}
    upkeep.upkeep(box.catalog, now=time.time() + GRACE_SECONDS + 1, many=2)
    assert not dead & set(segments.on_disk(box.folder))
    assert box.catalog.segment_names() == set(live(box)) == set(segments.on_disk(box.folder))
    assert box.usage() == before


def test_joining_gives_way(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where somebody commits while segments are joined, theirs counts and the joined one is removed."""
    fill(box, 3)
    group, write = box.catalog.segments(), segments.write

    def interrupted(folder: Path, rows: pl.DataFrame, tier: str) -> Any:
        written = write(folder, rows, tier)
        monkeypatch.setattr(segments, "write", write)
        box.put(9, {"response_id": 1, "output_tokens": 70})
        return written

    monkeypatch.setattr(segments, "write", interrupted)
    join(box.catalog, group, time.time())

    assert box.outputs() == {1: [70], 2: [2], 3: [3], 99: [3]}
    assert set(segments.on_disk(box.folder)) == box.catalog.segment_names()
    assert box.findings() == []


def test_a_segment_that_was_retired_before_is_not_joined(box: Box) -> None:
    """Somebody may commit between choosing the segments and reading them: their rows must not come back."""
    fill(box, 3)
    (chosen,) = [group for group in crowded(box.catalog, many=2) if group[0].tier == "usage"]
    box.put(9, {"response_id": 1, "output_tokens": 70})
    join(box.catalog, chosen, time.time())

    assert box.outputs() == {1: [70], 2: [2], 3: [3], 99: [3]}
    assert box.findings() == []


def test_orphans_go_when_nobody_can_need_them(box: Box) -> None:
    """A file that a crash left behind is removed after an hour; one just written may be part of a commit."""
    fill(box, 1)
    stray = box.folder / segments.FOLDER / "month=2026-10" / "stray.parquet"
    stray.write_bytes(b"x")
    sweep(box.catalog, time.time())
    assert stray.exists()
    backdate(box, ORPHAN_SECONDS + 60)
    sweep(box.catalog, time.time())

    assert not stray.exists()
    assert set(segments.on_disk(box.folder)) == set(live(box))


def test_a_sweep_that_is_cut_short_is_done_again(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files go first, names after: names of files that are gone do no harm."""
    fill(box, 2)
    upkeep.upkeep(box.catalog, now=1.0, many=2)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Catalog, "drop_segments", stop)
        with pytest.raises(KeyboardInterrupt):
            sweep(box.catalog, time.time() + 10 * GRACE_SECONDS)
    assert box.findings() == []
    sweep(box.catalog, time.time() + 10 * GRACE_SECONDS)

    assert box.catalog.segment_names() == set(live(box))
    assert box.findings() == []


# -- older and newer stores -------------------------------------------------------------------------------------------
def age(box: Box) -> None:
    """Turn a store into one of an older version: a count, a flag and a name were not there, a column has gone since."""
    for segment in (*box.catalog.segments("usage"), *box.catalog.segments("superseded")):
        path = box.folder / segments.FOLDER / segment.name
        lacking = ("cache_creation_12h_input_tokens", "blank", "workspace")
        rows = (
            pl.read_parquet(path)
            .drop(lacking)
            .with_columns(cost=pl.lit(1), output_tokens=pl.col("output_tokens").cast(pl.Int32))
        )
        rows.write_parquet(path)
    with box.catalog.transaction() as catalog:
        catalog.set_schema_version(schema.VERSION - 1)


def test_an_older_store_is_brought_up_to_date(box: Box) -> None:
    """When it is opened: same rows, today's columns; a second time nothing is left to do."""
    fill(box, 3)
    before = box.usage()
    age(box)
    with Store.open(box.folder) as store:
        assert store.rows().collect_schema() == schema.dtypes()
        generation = store.catalog.generation()
    migrate(box.catalog)

    assert box.catalog.generation() == generation
    assert box.catalog.schema_version() == schema.VERSION
    assert box.usage() == before
    assert box.findings() == []


def test_bringing_up_to_date_is_all_or_nothing(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash in between leaves the older store, and the next attempt completes it."""
    fill(box, 3)
    before = box.usage()
    age(box)
    write = segments.write
    calls: list[None] = []

    def stop(*args: Any) -> Any:
        calls.append(None)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return write(*args)

    with monkeypatch.context() as patch:
        patch.setattr(segments, "write", stop)
        with pytest.raises(KeyboardInterrupt):
            migrate(box.catalog)
    assert box.catalog.schema_version() == schema.VERSION - 1
    migrate(box.catalog)

    assert box.usage() == before
    assert box.findings() == []


def test_a_newer_store_is_not_opened(box: Box) -> None:
    """The reader refuses it too."""
    with box.catalog.transaction() as catalog:
        catalog.set_schema_version(schema.VERSION + 1)
    with pytest.raises(StoreVersionError):
        Store.open(box.folder)


def test_conformed(frame: Callable[[list[dict[str, Any]]], pl.DataFrame]) -> None:
    """Rows of today come back as they are."""
    rows = frame([{"response_id": 1, "file_id": 1}])

    assert conformed(rows).equals(rows)


WRITER = """
import sys
from pathlib import Path
from tokenaudit.store import segments
from tokenaudit.store.catalog import Catalog
from tokenaudit.store.upkeep import upkeep
catalog = Catalog.open(Path(sys.argv[1]))
for _ in range(5):
    upkeep(catalog, many=2)
catalog.close()
"""


def test_readers_and_joiners_at_once(box: Box, root: Path) -> None:
    """While another process joins segments and this one writes, every reading sees every committed row once."""
    fill(box, 3)
    joiner = subprocess.Popen([sys.executable, "-c", WRITER, str(box.folder)], cwd=root)
    committed, n = 4, 4
    while joiner.poll() is None:
        box.put(n, {"response_id": n})
        committed, n = committed + 1, n + 1
        with Store.open(box.folder) as store:
            assert store.usage().select(pl.len()).collect().item() == committed

    assert joiner.returncode == 0
    assert box.findings() == []
