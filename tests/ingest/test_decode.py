"""Logs to columns to rows: in batches, in other processes, and with what cannot be true refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from tokenaudit import schema
from tokenaudit.ingest import decode as module
from tokenaudit.ingest.decode import Decoding, FileRead, LogBatch, combined, decode_batch, log_file_id
from tokenaudit.ingest.frames import LARGEST_COUNT, log_frame
from tokenaudit.ingest.plan import Job
from tokenaudit.ingest.walk import walk
from tokenaudit.sources.identity import hash_all
from tokenaudit.sources.source import Reject, Tail

if TYPE_CHECKING:
    from tests.ingest.conftest import World


def jobs(world: World, source: str = "claude-code") -> list[Job]:
    """Return a job for each log."""
    return [Job(found, source, Tail(found.path)) for found in walk([str(world.logs)])]


def batch(path: str = "/logs/a", **columns: Sequence[Any]) -> LogBatch:
    """Return decoded columns of one file; those left out have values of their own."""
    size = len(next(iter(columns.values())))
    given: dict[str, Any] = {
        "response_id": list(range(size)),
        "file_id": [log_file_id(path)] * size,
        "line": list(range(1, size + 1)),
        "charge_period_start": ["2026-10-05T10:00:00.000Z"] * size,
        "output_parts": [None] * size,
        **columns,
    }
    return LogBatch("claude-code", given, [FileRead(path, size, 0, 0, 0, "", ("", ""), [])], 0)


# -- batches ----------------------------------------------------------------------------------------------------------
def test_a_batch(world: World) -> None:
    """Rows of all files behind each other, their ids hashed, and what was read of each."""
    world.write("a.jsonl", world.reply(), world.reply(), "torn")
    world.write("b.jsonl", world.reply("msg_2"), world.reply("msg_3"))
    made = decode_batch(jobs(world))

    assert list(made.columns["response_id"]) == [*hash_all("claude-code", ["msg_1", "msg_2", "msg_3"])]
    assert [(Path(file.path).name, file.rows, file.merged, file.line) for file in made.files] == [
        ("a.jsonl", 1, 1, 3), ("b.jsonl", 2, 0, 2),
    ]  # fmt: skip
    assert [len(file.rejects) for file in made.files] == [1, 0]
    assert made.rows() == 3
    assert made.bytes == sum(path.stat().st_size for path in world.logs.iterdir())


def test_files_with_other_columns() -> None:
    """What a file leaves out holds the usual value; a project is told, or taken from a path."""
    parts = [
        batch("/logs/a", output_tokens=[1, 2], user=["ann", "bob"], finalized=[False, False]),
        batch("/logs/b", batch=[True], project_path=["/code/shop"], project=[None]),
        batch("/logs/c", response_id=[]),
        batch("/logs/d", project=["named"], project_path=["/code/other"]),
    ]
    rows, refused = log_frame(next(combined(parts)))

    assert refused == {}
    assert rows["output_tokens"].to_list() == [1, 2, 0, 0]
    assert rows["user"].cast(pl.String).to_list() == ["ann", "bob", None, None]
    assert rows["batch"].to_list() == [False, False, True, False]
    assert rows["finalized"].to_list() == [False, False, True, True]
    assert rows["project"].cast(pl.String).to_list() == [None, None, "shop", "named"]


@pytest.mark.parametrize("processes", [1, 2])
def test_other_processes_give_the_same(world: World, monkeypatch: pytest.MonkeyPatch, processes: int) -> None:
    """What is decoded elsewhere comes back as it would here."""
    for n in range(4):
        world.write(f"{n}.jsonl", *(world.reply(f"msg_{n}_{k}", k, stop_reason=None) for k in range(9)), "torn")
    expected = log_frame(decode_batch(jobs(world)))
    monkeypatch.setattr(module, "PROCESSES", processes)
    monkeypatch.setattr(module, "PARALLEL_BYTES", 1)
    monkeypatch.setattr(module, "BATCH_BYTES", 1)
    decoding = Decoding(jobs(world))
    made = list(decoding.batches())
    (together,) = combined(made)

    assert len(made) == 4
    assert log_frame(together)[0].sort("response_id").equals(expected[0].sort("response_id"))


def test_an_error_elsewhere_comes_through(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that is gone when its turn comes ends the ingest, and the processes."""
    for n in range(3):
        world.write(f"{n}.jsonl", world.reply(f"msg_{n}"))
    for name, value in (("PROCESSES", 2), ("PARALLEL_BYTES", 1), ("BATCH_BYTES", 1)):
        monkeypatch.setattr(module, name, value)
    found = jobs(world)
    (world.logs / "1.jsonl").unlink()
    decoding = Decoding(found)

    with pytest.raises(FileNotFoundError):
        list(decoding.batches())
    decoding.close()


def test_batches_are_joined_by_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame is built of one source's rows, and not of too many."""
    monkeypatch.setattr(module, "FRAME_ROWS", 3)
    made = [batch(f"/logs/{n}", requests=[1, 1]) for n in range(4)]
    made.append(LogBatch("codex", made[0].columns, made[0].files, 0))

    assert [(item.source, item.rows()) for item in combined(made)] == [
        ("claude-code", 4), ("claude-code", 4), ("codex", 2),
    ]  # fmt: skip
    assert list(combined([])) == []


def test_columns_with_and_without_null(world: World) -> None:
    """Whole numbers travel as arrays; a column may begin with a number and hold none later."""
    world.write("a.jsonl", world.reply(), world.reply("msg_2", cwd=None, sessionId=None))
    rows, _ = log_frame(decode_batch(jobs(world)))

    assert rows["session"].to_list() == ["s1", None]
    assert rows["project"].to_list() == ["shop", None]


# -- frames -----------------------------------------------------------------------------------------------------------
def test_a_frame_is_a_usage_frame() -> None:
    """All columns with their types; what a decoder leaves out has its default."""
    rows, refused = log_frame(batch(output_tokens=[5]))
    row = rows.row(0, named=True)

    assert dict(rows.schema) == schema.dtypes()
    assert (row["requests"], row["granularity"], row["tokens_basis"], row["billing_currency"]) == (
        1, "request", "reported", "USD",
    )  # fmt: skip
    assert row["charge_period_start"] == row["charge_period_end"]
    assert (row["estimated_output_tokens"], row["source"], refused) == (5, "claude-code", {})


def test_an_empty_frame() -> None:
    """Logs without a single response."""
    rows, refused = log_frame(LogBatch("claude-code", batch(output_tokens=[]).columns, [], 0))

    assert (rows.height, dict(rows.schema), refused) == (0, schema.dtypes(), {})


@pytest.mark.parametrize(
    ("path", "project"),
    [
        ("/home/ann/src/web-shop", "web-shop"),
        ("/home/ann/src/web-shop/", "web-shop"),
        ("C:\\Users\\ann\\web-shop", "web-shop"),
        ("C:\\Users\\ann\\web-shop\\", "web-shop"),
        ("/", None),
        (None, None),
        ("web-shop", "web-shop"),
        ("/src/données 数据", "données 数据"),
    ],
)
def test_project(path: str | None, project: str | None) -> None:
    """The last part of the working directory, on any system."""
    rows, _ = log_frame(batch(project_path=[path]))

    assert rows["project"].to_list() == [project]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("output_tokens", -1),
        ("output_tokens", LARGEST_COUNT + 1),
        ("cache_read_input_tokens", 10**30),
        ("requests", -9),
    ],
)
def test_impossible_counts_are_refused(column: str, value: int) -> None:
    """The row is taken out and named; the others stay."""
    rows, refused = log_frame(batch("/logs/a", **{column: [1, value, LARGEST_COUNT]}))

    assert rows["response_id"].to_list() == [0, 2]
    assert refused == {"/logs/a": [Reject(2, -1, f"impossible count: {column} is {value}")]}


def test_impossible_instants_are_refused() -> None:
    """Text that only looks like an instant."""
    good = "2026-10-05T10:00:00.000Z"
    rows, refused = log_frame(batch(charge_period_start=[good, "2026-02-30T10:00:00.000Z", "soon"]))

    assert rows["response_id"].to_list() == [0]
    assert [item.line for item in refused["/logs/a"]] == [2, 3]


@pytest.mark.parametrize(("text", "cost"), [("0.0048702", "0.004870200000000000"), ("much", None), (None, None)])
def test_costs_are_exact(text: str | None, cost: str | None) -> None:
    """Decimal text stays what it says."""
    rows, _ = log_frame(batch(reported_cost=[text]))

    assert rows.select(pl.col("reported_cost").cast(pl.String)).to_series().to_list() == [cost]


def test_parts_of_finished_responses_are_dropped() -> None:
    """What an estimate would need is kept only where there may be one."""
    rows, _ = log_frame(batch(finalized=[True, False], output_tokens=[5, 5], output_parts=[[99_000], [99_000]]))

    assert rows["output_parts"].to_list() == [None, [99_000]]
    assert rows["estimated_output_tokens"].to_list() == [5, 155]
