"""Segments: one month each, sorted, flushed before they count, readable by anyone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tokenaudit import schema
from tokenaudit.store import segments

if TYPE_CHECKING:
    import pytest

    from tests.store.conftest import Box


def rows(build: Callable[[list[dict[str, Any]]], pl.DataFrame], *days: tuple[int, int]) -> pl.DataFrame:
    """Return a row for each (month, day)."""
    return build(
        [
            {"response_id": n, "file_id": 1, "charge_period_start": datetime(2026, month, day, tzinfo=UTC)}
            for n, (month, day) in enumerate(days)
        ]
    )


def test_one_segment_a_month(tmp_path: Path, frame: Callable[..., pl.DataFrame]) -> None:
    """Rows are parted by the month they begin in and sorted by time; the catalog's entry says what is in the file."""
    found = rows(frame, (11, 1), (10, 31), (10, 2))
    first, second = sorted(segments.write(tmp_path, found, "usage"))

    assert [(item.month, item.rows, item.tier) for item in (first, second)] == [
        ("2026-10", 2, "usage"), ("2026-11", 1, "usage"),
    ]  # fmt: skip
    assert first.name.startswith("month=2026-10/")
    assert segments.scan(tmp_path, [first]).collect()["response_id"].to_list() == [2, 1]
    assert (first.start_min, first.start_max) == tuple(
        int(datetime(2026, 10, day, tzinfo=UTC).timestamp()) * 10**6 for day in (2, 31)
    )
    path = tmp_path / segments.FOLDER / first.name
    assert (first.bytes, first.digest) == (path.stat().st_size, segments.digest(path))


def test_the_physical_schema_is_todays(tmp_path: Path, frame: Callable[..., pl.DataFrame]) -> None:
    """Exactly the columns of the usage table, in order, with their types."""
    (segment,) = segments.write(tmp_path, rows(frame, (10, 1)), "usage")
    assert dict(segments.scan(tmp_path, [segment]).collect_schema()) == schema.dtypes()
    assert pl.read_parquet_schema(tmp_path / segments.FOLDER / segment.name).keys() == schema.dtypes().keys()


def test_nothing_is_nothing(tmp_path: Path) -> None:
    """No rows make no file; no segments are an empty frame of the same schema."""
    assert segments.write(tmp_path, segments.empty(), "usage") == []
    assert dict(segments.scan(tmp_path, []).collect_schema()) == schema.dtypes()
    assert segments.on_disk(tmp_path) == {}


def test_files_are_flushed_before_they_count(
    tmp_path: Path, frame: Callable[..., pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file, its folder and a new folder's own entry reach the disk."""
    flushed: list[str] = []
    monkeypatch.setattr(segments, "sync", lambda path: flushed.append(str(path.relative_to(tmp_path))))
    (segment,) = segments.write(tmp_path, rows(frame, (10, 1)), "usage")

    assert {f"segments/{segment.name}", "segments/month=2026-10", "segments"} <= set(flushed)


def test_unlinking_twice_is_no_error(tmp_path: Path, frame: Callable[..., pl.DataFrame]) -> None:
    """What is gone is gone."""
    (segment,) = segments.write(tmp_path, rows(frame, (10, 1)), "usage")
    assert set(segments.on_disk(tmp_path)) == {segment.name}
    segments.unlink(tmp_path, [segment.name])
    segments.unlink(tmp_path, [segment.name])

    assert segments.on_disk(tmp_path) == {}


def test_sync(box: Box) -> None:
    """Files and folders can be flushed."""
    segments.sync(box.folder)
    segments.sync(box.folder / "catalog.db")
