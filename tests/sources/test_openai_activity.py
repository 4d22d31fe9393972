"""OpenAI's older activity export: both headers, classes, widths of buckets, and a day of an organisation once."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit import schema
from tokenaudit.ingest.run import ingest
from tokenaudit.sources import detect
from tokenaudit.sources.head import Head
from tokenaudit.sources.openai_activity import SOURCE
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText

MIDNIGHT = 1_790_812_800
"""2026-10-01."""
OLD = (
    "organization_id,n_requests,operation,n_context_tokens_total,n_generated_tokens_total,usage_type,model,timestamp,"
    "user"
)
NEW = (
    "organization_id,organization_name,operation,n_context_tokens_total,n_generated_tokens_total,api_key_id,"
    "api_key_name,api_key_redacted,api_key_type,project_id,project_name,request_type,n_cached_context_tokens_total,"
    "n_context_audio_tokens_total,n_generated_audio_tokens_total,usage_type,model,timestamp,user,num_requests,"
    "num_images,image_size,num_characters"
)
CELLS: dict[str, Any] = {
    "organization_id": "org-1", "organization_name": "Us", "operation": "completion", "n_context_tokens_total": "100.0",
    "n_generated_tokens_total": "10.0", "api_key_id": "key_1", "api_key_name": "prod", "api_key_redacted": "sk-...1",
    "project_id": "p", "project_name": "Shop", "usage_type": "text", "model": "gpt-4o", "timestamp": MIDNIGHT,
    "user": "ann@example.com", "num_requests": 4, "n_requests": 4,
}  # fmt: skip


def export(*rows: dict[str, Any], header: str = NEW) -> str:
    """Return a file of the row above with what each row changes."""
    cells = [[str((CELLS | row).get(name, "")) for name in header.split(",")] for row in rows or ({},)]
    return "\n".join([header, *map(",".join, cells)]) + "\n"


def classes(row: dict[str, Any]) -> dict[str, int]:
    """Return the classes that are not 0."""
    return {name: row[name] for name in schema.TOKEN_CLASSES if row[name]}


@pytest.mark.parametrize("header", [OLD, NEW])
def test_headers(read_text: ReadText, tmp_path: Path, header: str) -> None:
    """Both headers are recognised, tell the same, and name the same day of an organisation."""
    path = tmp_path / "activity.csv"
    path.write_text(export(header=header))
    row = read_text(SOURCE, export(header=header)).row()

    assert detect(Head(str(path))) is SOURCE
    assert classes(row) == {"uncached_input_tokens": 100, "output_tokens": 10}
    assert (row["requests"], row["user"], row["account"], row["granularity"]) == (4, "ann@example.com", "org-1", "day")
    assert row["response_id"] == read_text(SOURCE, export()).row()["response_id"]
    named = ("Shop", "p", "prod") if header == NEW else (None, None, None)
    assert (row["project"], row["workspace"], row["api_key"]) == named


@pytest.mark.parametrize("without", ["organization_id", "timestamp"])
def test_borrowed_names(tmp_path: Path, without: str) -> None:
    """Other tools use the names of the token columns: those files are not ours."""
    path = tmp_path / "other.csv"
    path.write_text(export(header=OLD.replace(without, "date")))
    assert detect(Head(str(path))) is None


def test_context_includes_what_was_cached_and_spoken(read_text: ReadText) -> None:
    """Classes are disjoint and add up to the two totals."""
    parts = {
        "n_cached_context_tokens_total": "40.0",
        "n_context_audio_tokens_total": 25,
        "n_generated_audio_tokens_total": 7,
    }
    assert classes(read_text(SOURCE, export(parts)).row()) == {
        "uncached_input_tokens": 35, "cache_read_input_tokens": 40, "audio_input_tokens": 25, "output_tokens": 3,
        "audio_output_tokens": 7,
    }  # fmt: skip


def test_parts_beyond_their_whole_are_rejected(read_text: ReadText) -> None:
    """A row that contradicts itself is not bent into shape."""
    bad: list[dict[str, Any]] = [
        {"n_cached_context_tokens_total": 101},
        {"n_generated_audio_tokens_total": 11},
        {"timestamp": ""},
    ]
    assert [reject.reason for reject in read_text(SOURCE, export(*bad)).rejects] == [
        "context tokens are less than the sum of their parts",
        "generated tokens are less than the sum of their parts",
        "the row names no time",
    ]


def test_images_and_characters_are_unpriced(read_text: ReadText) -> None:
    """What has no token class is never free; a batch is one."""
    nothing = {"n_context_tokens_total": "", "n_generated_tokens_total": ""}
    images = {
        **nothing,
        "operation": "generations",
        "usage_type": "dalle",
        "num_images": "3.0",
        "image_size": "256x256",
    }
    speech = {**nothing, "operation": "", "usage_type": "tts", "num_characters": "12345.0"}
    rows = read_text(SOURCE, export(images, speech, {"request_type": "batch"})).rows

    assert rows.select("requests", "cost_basis", "batch", "tags").rows() == [
        (
            4,
            "unpriced",
            None,
            '{"operation":"generations","usage_type":"dalle","images":"3","image_size":"256x256"}',
        ),
        (4, "unpriced", None, '{"usage_type":"tts","characters":"12345"}'),
        (4, None, True, '{"operation":"completion","usage_type":"text","request_type":"batch"}'),
    ]


@pytest.mark.parametrize(
    ("second", "width", "grain"),
    [(86_400, 86_400, "day"), (3_600, 3_600, "hour"), (300, 300, "period"), (60, 60, "minute"), (7, 0, "period")],
)
def test_width_of_buckets(read_text: ReadText, second: int, width: int, grain: str) -> None:
    """Buckets are as wide as all their starts allow."""
    rows = read_text(SOURCE, export({}, {"timestamp": MIDNIGHT + second})).rows
    first = rows.row(0, named=True)

    assert first["charge_period_start"] == datetime(2026, 10, 1, tzinfo=UTC)
    assert first["charge_period_end"] - first["charge_period_start"] == timedelta(seconds=width)
    assert set(rows["granularity"]) == {grain}


def test_a_day_of_an_organisation_is_the_identity(read_text: ReadText) -> None:
    """Buckets of one day are one thing to replace; equal rows both count; other days and organisations are others."""
    rows = read_text(
        SOURCE,
        export({}, {}, {"timestamp": MIDNIGHT + 300}, {"timestamp": MIDNIGHT + 86_400}, {"organization_id": "org-2"}),
    ).rows
    ids = rows["response_id"].to_list()

    assert ids[0] == ids[1] == ids[2]
    assert len(set(ids)) == 3
    assert rows["uncached_input_tokens"].sum() == 500


@settings(max_examples=10)
@given(
    days=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 287)), max_size=8),
    spans=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=3),
    data=st.data(),
)
def test_overlapping_downloads_add_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    days: list[tuple[int, int]],
    spans: list[tuple[int, int]],
    data: st.DataObject,
) -> None:
    """Downloads of any days, in any order, by days or by five minutes, count each day once."""
    folder = tmp_path_factory.mktemp("activity")
    for number in data.draw(st.permutations(range(2 * len(spans)))):
        first, last = sorted(spans[number // 2])
        width = (86_400, 300)[number % 2]
        stamps = [day * 86_400 + slot * 300 for day, slot in days if first <= day <= last]
        if stamps:
            path = folder / f"{number}.csv"
            path.write_text(export(*({"timestamp": MIDNIGHT + stamp // width * width} for stamp in stamps)))
            ingest([str(path)], folder / "store")
    covered = {day for span in spans for day in range(min(span), max(span) + 1)}
    expected = 100 * sum(day in covered for day, _ in days)
    if expected:
        with Store.open(folder / "store") as store:
            assert store.usage().collect()["uncached_input_tokens"].sum() == expected


def test_real_header(shared: Path, read_file: ReadFile) -> None:
    """A file with a real header: totals are those of its cells."""
    path = shared / "samples" / "exports" / "openai_legacy_activity" / "token-xray_activity_real_header.csv"
    with path.open(newline="") as file:
        stated = list(csv.DictReader(file))
    read = read_file(SOURCE, path)
    names = ("n_context_tokens_total", "n_generated_tokens_total", "num_requests")
    context, generated, requests = (sum(float(row[name] or 0) for row in stated) for name in names)

    assert detect(Head(str(path))) is SOURCE
    assert read.rejects == []
    assert (context, generated, requests) == (8000, 1150, 65)
    assert int(read.rows["uncached_input_tokens"].sum()) == context
    assert (read.rows["output_tokens"].sum(), read.rows["requests"].sum()) == (generated, requests)
    assert read.rows["cost_basis"].to_list() == [None, None, "unpriced", "unpriced"]
