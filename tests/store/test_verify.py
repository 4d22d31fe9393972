"""Verification finds what should not be: flipped bytes, lost files, doubled keys, wrong merges."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from tokenaudit.store import segments
from tokenaudit.store.catalog import Segment

if TYPE_CHECKING:
    from tests.store.conftest import Box

Build = Callable[[list[dict[str, Any]]], pl.DataFrame]


@pytest.fixture
def filled(box: Box) -> Box:
    """Give a store with a merged row, one of its own and a bucket of two versions."""
    box.put(1, {"response_id": 1, "output_tokens": 1}, {"response_id": 2})
    box.put(2, {"response_id": 1, "output_tokens": 2})
    for file_id in (3, 4):
        bucket = {"response_id": 3, "source": "export"}
        box.put(file_id, {**bucket, "output_tokens": 1}, {**bucket, "output_tokens": 2}, covers_to=file_id)
    assert box.findings() == []
    return box


def add(box: Box, rows: pl.DataFrame, tier: str = "usage") -> None:
    """Put a segment into the catalog that nobody resolved."""
    with box.catalog.transaction() as catalog:
        catalog.add_segments(segments.write(box.folder, rows, tier))


def change(box: Box, segment: Segment, rows: pl.DataFrame) -> None:
    """Replace a segment by one with other rows and a matching catalog entry."""
    with box.catalog.transaction() as catalog:
        catalog.retire_segments([segment.name], 0.0)
        catalog.add_segments(segments.write(box.folder, rows, segment.tier))


@pytest.mark.parametrize("tier", ["usage", "superseded"])
@pytest.mark.parametrize("place", [5, 200, -20])
def test_a_flipped_byte(filled: Box, tier: str, place: int) -> None:
    """Wherever it is."""
    segment = filled.catalog.segments(tier)[0]
    path = filled.folder / segments.FOLDER / segment.name
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)

    assert [(item.where, "digest" in item.what) for item in filled.findings()] == [(segment.name, True)]


def test_a_file_that_is_gone(filled: Box) -> None:
    """A segment whose file somebody removed."""
    segment = filled.catalog.segments()[0]
    (filled.folder / segments.FOLDER / segment.name).unlink()

    assert [(item.where, item.what) for item in filled.findings()] == [(segment.name, "the file is gone")]


@pytest.mark.parametrize("field", ["rows", "start_min", "start_max"])
def test_a_catalog_that_says_something_else(filled: Box, field: str) -> None:
    """Counts and times of the catalog are compared with the file."""
    segment = filled.catalog.segments()[0]
    wrong = segment._replace(**{field: getattr(segment, field) + 1})
    with filled.catalog.transaction() as catalog:
        catalog.drop_segments([segment.name])
        catalog.add_segments([wrong])

    assert [item.where for item in filled.findings()] == [segment.name]
    assert "the catalog says" in filled.findings()[0].what


def test_a_doubled_event(filled: Box, frame: Build) -> None:
    """A response in two rows counts twice."""
    add(filled, frame([{"response_id": 2, "file_id": 1}]))

    assert [item.what for item in filled.findings()] == ["1 keys count more than once"]


def test_a_bucket_of_two_files(filled: Box, frame: Build) -> None:
    """Several rows of one file are a bucket; rows of a second file are not."""
    add(filled, frame([{"response_id": 3, "file_id": 9, "source": "export"}]))

    assert [item.what for item in filled.findings()] == ["1 keys count more than once"]


def test_a_wrong_merge(filled: Box) -> None:
    """A merged row that its sightings do not give."""
    (segment,) = [
        item
        for item in filled.catalog.segments()
        if segments.scan(filled.folder, [item]).filter("merged").collect().height
    ]
    rows = segments.scan(filled.folder, [segment]).collect()
    change(filled, segment, rows.with_columns(output_tokens=pl.lit(70, pl.Int64)))

    assert [item.what for item in filled.findings()] == ["1 merged rows do not follow from their sightings"]


def test_a_user_that_another_file_names(filled: Box) -> None:
    """The newest file's row stands with all its values, but for the user that only an older one names."""
    event = {"response_id": 4, "source": "export", "granularity": "request"}
    filled.put(5, {**event, "output_tokens": 9, "user": "dana"}, covers_to=5)
    filled.put(6, {**event, "output_tokens": 7}, {**event, "output_tokens": 7, "user": "carol"}, covers_to=6)

    assert filled.findings() == []


def test_lost_sightings(filled: Box) -> None:
    """A merged row whose sightings are gone."""
    with filled.catalog.transaction() as catalog:
        catalog.retire_segments([item.name for item in catalog.segments("superseded")], 0.0)

    assert [item.what for item in filled.findings()] == ["1 merged rows do not follow from their sightings"]


def test_an_empty_store(box: Box) -> None:
    """Nothing is sound."""
    assert box.findings() == []
