"""OpenAI usage exports: every generation gives disjoint classes, and a file speaks for the projects it names."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit import schema
from tokenaudit.sources.head import Head
from tokenaudit.sources.openai_usage import SOURCE
from tokenaudit.sources.table import detect_table

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText

DAY = 86_400
START = 1_790_812_800
"""2026-10-01."""
OF_2025 = [
    "start_time", "end_time", "start_time_iso", "end_time_iso", "project_id", "num_model_requests", "user_id",
    "api_key_id", "model", "batch", "service_tier", "input_tokens", "output_tokens", "input_cached_tokens",
    "input_uncached_tokens", "input_text_tokens", "output_text_tokens", "input_cached_text_tokens",
    "input_audio_tokens", "input_cached_audio_tokens", "output_audio_tokens", "input_image_tokens",
    "input_cached_image_tokens", "output_image_tokens",
]  # fmt: skip
OF_2026 = [*OF_2025[:11], "compute_units", *OF_2025[11:14], "input_cache_write_tokens", *OF_2025[14:]]


def line(columns: list[str], bucket: int = 0, width: int = DAY, **cells: Any) -> str:
    """Return a row of a bucket."""
    start = START + bucket * width
    known = {"start_time": start, "end_time": start + width, **cells}
    return ",".join(str(known.get(column, "")) for column in columns) + "\n"


def export(*lines: str, columns: list[str] = OF_2026) -> str:
    """Return a file."""
    return ",".join(columns) + "\n" + "".join(lines)


STATED = ("input_tokens", "output_tokens", "num_model_requests")
FILLED: dict[str, Any] = {
    "project_id": "proj_a", "num_model_requests": "4.0", "user_id": "user-1", "api_key_id": "key_1",
    "model": "gpt-5-2025-08-07", "batch": "False", "service_tier": "default",
}  # fmt: skip


def classes(row: dict[str, object]) -> dict[str, object]:
    """Return the classes that are not 0."""
    return {name: row[name] for name in schema.TOKEN_CLASSES if row[name]}


def test_2025(read_text: ReadText) -> None:
    """24 columns: input is cached and uncached; counts are floats; the epoch tells the time."""
    cells: dict[str, Any] = {"input_tokens": "59200.0", "output_tokens": "10646.0", "input_cached_tokens": "5760.0"}
    row = read_text(SOURCE, export(line(OF_2025, **FILLED, **cells), columns=OF_2025)).row()

    assert classes(row) == {"uncached_input_tokens": 53440, "cache_read_input_tokens": 5760, "output_tokens": 10646}
    assert row["charge_period_start"] == datetime(2026, 10, 1, tzinfo=UTC)
    assert row["charge_period_end"] == datetime(2026, 10, 2, tzinfo=UTC)
    assert {name: row[name] for name in ("requests", "user", "project", "api_key", "service_tier", "batch")} == {
        "requests": 4, "user": "user-1", "project": "proj_a", "api_key": "key_1", "service_tier": "standard",
        "batch": False,
    }  # fmt: skip


def test_2026_cache_writes(read_text: ReadText) -> None:
    """26 columns: input also holds what was written to a cache."""
    cells = {"input_tokens": 5000, "input_cached_tokens": 1800, "input_cache_write_tokens": 200, "output_tokens": 7}
    row = read_text(SOURCE, export(line(OF_2026, **FILLED, **cells, input_uncached_tokens=3000))).row()

    assert classes(row) == {
        "uncached_input_tokens": 3000, "cache_read_input_tokens": 1800, "cache_creation_5m_input_tokens": 200,
        "output_tokens": 7,
    }  # fmt: skip


def test_lives_of_cache_writes(read_text: ReadText) -> None:
    """Where the file tells how long writes live, each life has its class."""
    columns = [*OF_2026, "input_cache_write_30m_tokens", "input_cache_write_12h_tokens"]
    cells = {"input_tokens": 100, "input_cache_write_30m_tokens": 30, "input_cache_write_12h_tokens": 12}
    row = read_text(SOURCE, export(line(columns, **FILLED, **cells, output_tokens=0), columns=columns)).row()

    assert classes(row) == {
        "uncached_input_tokens": 58, "cache_creation_30m_input_tokens": 30, "cache_creation_12h_input_tokens": 12,
    }  # fmt: skip


def test_audio_and_images(read_text: ReadText) -> None:
    """Audio and image columns count uncached input only; their cached parts are inside the cached input."""
    cells = {
        "input_tokens": 5000, "input_cached_tokens": 2000, "input_audio_tokens": 300, "input_image_tokens": 200,
        "input_text_tokens": 2500, "input_cached_audio_tokens": 50, "input_cached_image_tokens": 25,
        "output_tokens": 90, "output_audio_tokens": 40, "output_image_tokens": 20,
    }  # fmt: skip
    row = read_text(SOURCE, export(line(OF_2026, **FILLED, **cells))).row()

    assert classes(row) == {
        "uncached_input_tokens": 2500, "cache_read_input_tokens": 1925, "audio_input_tokens": 300,
        "cache_read_audio_input_tokens": 50, "image_input_tokens": 200, "cache_read_image_input_tokens": 25,
        "output_tokens": 30, "audio_output_tokens": 40, "image_output_tokens": 20,
    }  # fmt: skip


def test_parts_beyond_the_whole_are_rejected(read_text: ReadText) -> None:
    """A row whose parts exceed its input is not bent into shape."""
    read = read_text(SOURCE, export(line(OF_2026, **FILLED, input_tokens=10, input_cached_tokens=11, output_tokens=1)))

    assert [reject.reason for reject in read.rejects] == ["input_tokens is less than the sum of its parts"]


def test_terms(read_text: ReadText) -> None:
    """A batch is a flag, a spreadsheet's ``TRUE`` too; tokens paid for with shared data are covered."""
    rows = read_text(
        SOURCE,
        export(
            line(OF_2026, **FILLED | {"batch": "TRUE", "service_tier": "flex"}, input_tokens=1, output_tokens=1),
            line(OF_2026, **FILLED | {"service_tier": "incentivized-tier"}, input_tokens=1, output_tokens=1),
        ),
    ).used()

    assert rows.select("batch", "service_tier", "cost_basis").rows() == [
        (True, "flex", None),
        (False, "incentivized-tier", "included"),
    ]


@pytest.mark.parametrize(("width", "grain"), [(60, "minute"), (3600, "hour"), (DAY, "day"), (7 * DAY, "period")])
def test_width_of_buckets(read_text: ReadText, width: int, grain: str) -> None:
    """The grain is the width of the bucket."""
    row = read_text(SOURCE, export(line(OF_2026, width=width, **FILLED, input_tokens=1, output_tokens=1))).row()

    assert row["granularity"] == grain


def test_other_kinds(read_text: ReadText) -> None:
    """Embeddings have no output; what is counted in pictures, characters or seconds is unpriced, never free."""
    columns = ["start_time", "end_time", "project_id", "num_model_requests", "model", "input_tokens", "images"]
    embeddings = line(columns, project_id="p", num_model_requests=2, model="text-embedding-3-small", input_tokens=9)
    images = line(columns, project_id="p", num_model_requests=1, model="gpt-image-2", images=3)

    rows = read_text(SOURCE, export(embeddings, images, columns=columns)).used()

    assert rows.select("uncached_input_tokens", "requests", "cost_basis").rows() == [(9, 2, None), (0, 1, "unpriced")]
    assert rows["response_id"].n_unique() == 2


def test_equal_rows_both_count(read_text: ReadText) -> None:
    """Two rows of one bucket with the same everything are two things."""
    row = line(OF_2026, **FILLED, input_tokens=10, output_tokens=1)
    rows = read_text(SOURCE, export(row, row)).used()

    assert rows["uncached_input_tokens"].sum() == 20
    assert rows["response_id"].n_unique() == 1
    assert rows["line"].to_list() == [2, 3]


# -- what replaces what -----------------------------------------------------------------------------------------------
def of_projects(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what a file says of projects, without what it says of the whole."""
    return rows.filter(pl.col("project").is_not_null())


def identities(rows: pl.DataFrame) -> set[int]:
    """Return the identities of buckets of projects."""
    return set(of_projects(rows)["response_id"])


def test_bucket_of_a_project_is_the_identity(read_text: ReadText) -> None:
    """A corrected download replaces its projects' buckets; another organisation's file of the same days does not."""
    first = read_text(SOURCE, export(line(OF_2026, **FILLED, input_tokens=10, output_tokens=1))).rows
    corrected = read_text(SOURCE, export(line(OF_2026, **FILLED, input_tokens=12, output_tokens=1))).rows
    foreign = read_text(
        SOURCE, export(line(OF_2026, **FILLED | {"project_id": "b"}, input_tokens=9, output_tokens=1))
    ).rows

    assert identities(first) == identities(corrected)
    assert identities(first).isdisjoint(identities(foreign))


def test_blank_bucket_empties_the_projects_of_its_file(read_text: ReadText) -> None:
    """An empty bucket is a blank row of each project the file names, under the identity its rows would have."""
    rows = [line(OF_2026, bucket, **FILLED, input_tokens=10, output_tokens=1) for bucket in (0, 1)]
    before = read_text(SOURCE, export(*rows)).rows
    after = read_text(SOURCE, export(line(OF_2026), rows[1])).rows

    assert identities(before) == identities(after)
    assert of_projects(after).select("blank", "uncached_input_tokens", "project").rows() == [
        (True, 0, "proj_a"),
        (False, 10, "proj_a"),
    ]


def test_project_that_is_missing_from_a_bucket(read_text: ReadText) -> None:
    """A project without rows in one bucket of its file is blank there."""
    other = FILLED | {"project_id": "proj_b"}
    rows = read_text(
        SOURCE,
        export(
            line(OF_2026, 0, **FILLED, input_tokens=1, output_tokens=1),
            line(OF_2026, 0, **other, input_tokens=1, output_tokens=1),
            line(OF_2026, 1, **FILLED, input_tokens=1, output_tokens=1),
        ),
    ).rows

    gaps = of_projects(rows).filter("blank")
    assert gaps.select("project", pl.col("charge_period_start").dt.day()).rows() == [("proj_b", 2)]


def test_empty_export(tmp_path: Path, read_file: ReadFile) -> None:
    """Four columns and no row: recognised by its name, speaks for nobody."""
    columns = ["start_time", "end_time", "start_time_iso", "end_time_iso"]
    path = tmp_path / "completions_usage_2026-10-01_2026-10-31.csv"
    path.write_text(export(line(columns), columns=columns))

    assert detect_table(Head(str(path)), SOURCE)
    assert not detect_table(Head(str(path.rename(tmp_path / "cost_2026-10.csv"))), SOURCE)
    assert read_file(SOURCE, tmp_path / "cost_2026-10.csv").rows.height == 0


@settings(max_examples=15)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from("ab"), st.integers(0, 9), st.integers(0, 9)), max_size=8
    ),
    cut=st.integers(0, 5),
)
def test_pieces_at_buckets_add_up(read_text: ReadText, rows: list[tuple[int, str, int, int]], cut: int) -> None:
    """A file cut between two buckets gives the same rows under the same identities."""
    lines = [
        line(
            OF_2026,
            bucket,
            **FILLED | {"project_id": project},
            input_tokens=read + write,
            input_cached_tokens=read,
            output_tokens=write,
        )
        for bucket, project, read, write in sorted(rows)
    ]
    at = sum(row[0] < cut for row in rows)
    counted = ["response_id", *schema.COUNTS]

    whole = read_text(SOURCE, export(*lines)).used()
    pieces = [read_text(SOURCE, export(*part)).used() for part in (lines[:at], lines[at:])]

    assert pl.concat(pieces).select(counted).sort(counted).equals(whole.select(counted).sort(counted))


# -- real and sample files --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["completions_usage_2025-10.tsv", "completions_usage_2026-08-01_2026-08-31.csv"])
def test_real_files(shared: Path, read_file: ReadFile, name: str) -> None:
    """The classes add up to the totals that the rows state."""
    path = shared / "samples" / "exports" / "openai_platform_dashboard" / name
    with path.open(newline="") as file:
        stated = list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))
    total = {name: sum(float(row[name] or 0) for row in stated) for name in STATED}
    read = read_file(SOURCE, path)

    assert detect_table(Head(str(path)), SOURCE)
    assert read.rejects == []
    assert read.rows.select(pl.sum_horizontal(schema.INPUT_CLASSES)).to_series().sum() == total["input_tokens"]
    assert read.rows.select(pl.sum_horizontal(schema.OUTPUT_CLASSES)).to_series().sum() == total["output_tokens"]
    assert read.rows["requests"].sum() == total["num_model_requests"]
    assert read.used().height == sum(bool(row["model"]) for row in stated)


def test_real_equal_buckets(shared: Path, read_file: ReadFile) -> None:
    """Two rows of one real bucket that agree in every dimension both count."""
    path = shared / "samples" / "exports" / "openai_platform_dashboard" / "completions_usage_2025-10.tsv"
    used = read_file(SOURCE, path).used()

    assert used.filter(pl.col("response_id").is_duplicated())["output_tokens"].to_list() == [60000, 16000]
