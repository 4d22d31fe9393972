"""One ingest: what comes in counts once, whatever happened to its file before, and survives whatever happens to it."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from tokenaudit.errors import SourceError, StoreError
from tokenaudit.ingest import plan, read, run
from tokenaudit.ingest.run import ingest, refresh
from tokenaudit.sources import sources
from tokenaudit.sources.identity import hash_all
from tokenaudit.store import forget, segments
from tokenaudit.store.catalog import Catalog
from tokenaudit.store.store import Store
from tokenaudit.store.verify import verify

if TYPE_CHECKING:
    from tests.ingest.conftest import World

CSV = "charge_period_start,request_model,output_tokens\n2026-10-05T10:00:00Z,claude-opus-5-5,{}\n"


def counts(world: World, *paths: Path) -> tuple[int, ...]:
    """Ingest, and return rows, new, duplicate, merged and rejected."""
    summary = world.ingest(*paths)
    return tuple(summary.total(name) for name in ("rows", "new", "duplicate", "merged", "rejected"))


# -- what an ingest says ----------------------------------------------------------------------------------------------
def test_counts(world: World) -> None:
    """Rows are things read, new or duplicate; merged and rejected are lines; each file by itself and in sum."""
    world.write("a.jsonl", world.reply(), world.reply(output=9), world.reply("msg_2"), '{"type":"assist')
    world.write("b.jsonl", world.reply("msg_2"), world.reply("msg_3"), "{")
    summary = world.ingest()

    assert [(item.rows, item.new, item.duplicate, item.merged, item.rejected) for item in summary.files] == [
        (2, 2, 0, 1, 1), (2, 1, 1, 0, 1),
    ]  # fmt: skip
    assert summary.bytes == sum(path.stat().st_size for path in world.logs.iterdir())
    assert world.outputs() == [5, 5, 9]
    assert world.sound()


def test_rejects_are_kept_with_file_line_and_reason(world: World) -> None:
    """They are in the summary and in the store; reading the file again from its start replaces them."""
    lines = [
        "torn",
        world.reply(),
        world.reply("msg_2", usage={"output_tokens": -1}),
        world.reply("msg_3", timestamp=None),
    ]
    path = world.write("a.jsonl", *lines)
    world.write("b.jsonl", world.reply("msg_4"), "torn")
    summary = world.ingest()
    said = [(Path(item.path).name, item.line, item.reason.split(":")[0]) for item in summary.rejects]

    assert said == [
        ("a.jsonl", 1, "torn line"),
        ("a.jsonl", 3, "unexpected value"),
        ("a.jsonl", 4, "usage without a usable timestamp"),
        ("b.jsonl", 2, "torn line"),
    ]
    assert [(Path(item.path).name, item.line) for item in world.rejects()] == [(name, line) for name, line, _ in said]
    assert (summary.total("rejected"), world.ledger()["a.jsonl"].rejected) == (4, 3)
    world.append("a.jsonl", "torn again")
    world.ingest()
    assert [item.line for item in world.rejects() if item.path == str(path)] == [1, 3, 4, 5]
    world.write("a.jsonl", world.reply())
    world.ingest()
    assert [item.path for item in world.rejects()] == [str(world.logs / "b.jsonl")]


def test_the_second_run_reads_nothing(world: World) -> None:
    """And changes nothing."""
    world.write("a.jsonl", world.reply())
    world.write("b.csv", CSV.format(7), end="")
    assert counts(world) == (2, 2, 0, 0, 0)
    before = world.segments()

    assert counts(world) == (0, 0, 0, 0, 0)
    assert world.segments() == before
    assert world.catalog(lambda catalog: catalog.generation()) == 1


def test_progress_reaches_its_end(world: World) -> None:
    """Bytes read never shrink, and end at the bytes to read."""
    for n in range(3):
        world.write(f"{n}.jsonl", world.reply(f"msg_{n}"))
    seen: list[tuple[int, int]] = []
    ingest([str(world.logs)], world.folder, progress=lambda done, total: seen.append((done, total)))

    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1] == sum(path.stat().st_size for path in world.logs.iterdir())


def test_errors(world: World, tmp_path: Path) -> None:
    """A path that does not exist leaves no store; a store that cannot be made is named."""
    with pytest.raises(SourceError, match="no such file"):
        world.ingest(world.logs / "none")
    assert not world.folder.exists()
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError):
        ingest([str(world.logs)], tmp_path / "file")


def test_nothing_found(world: World) -> None:
    """An empty folder makes an empty store that can be asked."""
    assert world.read() == {}
    assert world.rows() == []


# -- what happens to files --------------------------------------------------------------------------------------------
def filled(world: World) -> list[dict[str, Any]]:
    """Ingest a log and a table, and return the rows."""
    world.write("a.jsonl", world.reply(), world.reply("msg_2", 9))
    world.write("b.csv", CSV.format(7), end="")
    world.ingest()
    return world.rows()


def test_touched_files_add_nothing(world: World) -> None:
    """They are read again, and all they hold is known."""
    before = filled(world)
    for path in world.logs.iterdir():
        os.utime(path, ns=(1, 1))

    assert counts(world) == (3, 0, 3, 0, 0)
    assert world.rows() == before
    assert world.sound()


def test_renamed_and_copied_files_add_nothing(world: World) -> None:
    """Under a new name, as a copy, packed, or moved to another folder."""
    before = filled(world)
    (world.logs / "a.jsonl").rename(world.logs / "renamed.jsonl")
    shutil.copytree(world.logs, world.logs / "copy")
    (world.logs / "packed.jsonl.gz").write_bytes(gzip.compress((world.logs / "renamed.jsonl").read_bytes()))

    assert counts(world)[1] == 0
    assert world.rows() == before
    assert world.sound()


def test_rows_survive_their_file(world: World) -> None:
    """Agents delete their logs after a month; the store keeps what it read, also of a file cut short."""
    before = filled(world)
    (world.logs / "b.csv").unlink()
    world.write("a.jsonl", world.reply())
    world.ingest()
    (world.logs / "a.jsonl").unlink()
    world.ingest()

    assert world.rows() == before
    assert world.sound()


def test_a_rewritten_file_is_read_again(world: World) -> None:
    """Its new rows come in, its old ones stay."""
    filled(world)
    world.write("a.jsonl", world.reply("msg_7", 70), world.reply(output=50))
    world.ingest()

    assert world.outputs() == [7, 9, 50, 70]
    assert world.sound()


def test_a_file_is_renamed_for_what_its_name_should_say(world: World) -> None:
    """Where a source reads the file's name too, the same bytes under a better name are read again, under both once."""
    lines = ("user_email,product,model,total_net_spend_usd", "ann@example.com,Chat,claude-opus-5-5,2.5")
    path = world.write("report.csv", *lines)
    assert counts(world) == (0, 0, 0, 0, 1)

    path.rename(path.with_name("spend-report-2026-10.csv"))
    assert counts(world) == (1, 1, 0, 0, 0)

    world.write("copy of spend-report-2026-10.csv", *lines)
    assert counts(world)[:3] == (1, 0, 1)
    assert [str(row["billed_cost"]) for row in world.rows()] == ["2.500000000000000000"]
    assert world.sound()


def test_a_log_that_was_emptied_and_filled_again(world: World) -> None:
    """In between it is no log at all."""
    filled(world)
    world.write("a.jsonl", "", end="")
    assert world.read()["a.jsonl"] == "skipped"
    world.write("a.jsonl", world.reply("msg_3", 3))
    assert world.read()["a.jsonl"] == "read"

    assert world.outputs() == [3, 5, 7, 9]


def test_a_store_among_the_logs(world: World) -> None:
    """The folder that is read may hold the store itself."""
    world.write("a.jsonl", world.reply())
    world.folder = world.logs / ".tokenaudit"
    world.ingest()
    world.append("a.jsonl", world.reply("msg_2"))

    assert world.read() == {"a.jsonl": "read"}
    assert len(world.rows()) == 2


def test_links_count_once(world: World) -> None:
    """A folder that is reached twice."""
    world.write("real/a.jsonl", world.reply())
    (world.logs / "linked").symlink_to(world.logs / "real")
    (world.logs / "real" / "loop").symlink_to(world.logs)

    assert counts(world) == (1, 1, 0, 0, 0)


# -- bad files --------------------------------------------------------------------------------------------------------
def test_a_damaged_log_stops_nobody(world: World) -> None:
    """A packed log that was cut off is a reject; the others are read."""
    world.write("a.jsonl", world.reply())
    lines = "".join(world.reply(f"msg_{n}", uuid=str(n)) + "\n" for n in range(9999))
    (world.logs / "b.jsonl.gz").write_bytes(gzip.compress(lines.encode())[:-30])
    (world.logs / "c.jsonl.gz").write_bytes(b"\x1f\x8bnonsense")
    summary = world.ingest()

    assert [item.status for item in summary.files] == ["read", "read", "unrecognised"]
    assert [item.reason.split(":")[0] for item in summary.rejects] == ["damaged file"]
    assert world.total("requests") > 1


@pytest.mark.parametrize("data", [b"x" * 300_000, b"a,b\rc\r", b"\xff\xfe\x00", b"[" * 99_999, b"\x00" * 5000])
def test_odd_files_stop_nobody(world: World, data: bytes) -> None:
    """Whatever lies about in a folder."""
    world.write("a.jsonl", world.reply())
    for name in ("b.csv", "b.jsonl", "b.txt"):
        (world.logs / name).write_bytes(data)

    assert world.read()["a.jsonl"] == "read"
    assert world.outputs() == [5]


# -- rules ------------------------------------------------------------------------------------------------------------
def test_new_rules_read_again_what_is_there(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file of the ledger, whatever is asked for; what is gone keeps its rows and is named."""
    world.write("x/a.jsonl", world.reply(), world.reply("msg_2"))
    gone = world.write("y/b.jsonl", world.reply("msg_3"))
    world.write("z/c.csv", CSV.format(7), end="")
    world.ingest()
    gone.unlink()
    real = plan.rules
    for module in (plan, run, read):
        monkeypatch.setattr(module, "rules", lambda source: real(source) + (source == "claude-code"))
    summary = world.ingest(world.logs / "z")

    assert {Path(item.path).name: item.status for item in summary.files} == {"a.jsonl": "read", "c.csv": "unchanged"}
    assert summary.notes == [f"1 files would be counted differently by today's rules but no longer exist: {gone}"]
    assert world.outputs() == [5, 5, 5, 7]
    assert world.sound()


def test_new_rules_replace_what_the_old_ones_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the file no longer holds by the new rules goes; what another file holds stays."""
    world.write("a.jsonl", world.reply(), world.reply("msg_2"))
    world.write("b.jsonl", world.reply("msg_2", 1), world.reply("msg_9"))
    world.ingest()
    world.write("a.jsonl", world.reply("msg_5", 50))
    real = plan.rules
    for module in (plan, run, read):
        monkeypatch.setattr(module, "rules", lambda source: real(source) + 1)
    world.ingest()

    assert world.outputs() == [1, 5, 50]
    assert world.sound()


# -- folders ingested before ------------------------------------------------------------------------------------------
def test_refresh(world: World) -> None:
    """What is new under every folder and file given before; those that are gone are left out."""
    world.write("x/a.jsonl", world.reply())
    gone = world.write("y/b.jsonl", world.reply("msg_2"))
    named = world.write("z/c.jsonl", world.reply("msg_3"))
    world.write("z/d.jsonl", world.reply("msg_4"))
    world.ingest(world.logs / "x", gone, named)
    world.write("x/new.jsonl", world.reply("msg_5"))
    world.append("z/c.jsonl", world.reply("msg_6"))
    gone.unlink()
    summary = refresh(world.folder)

    assert {Path(item.path).name: item.new for item in summary.files} == {"a.jsonl": 0, "new.jsonl": 1, "c.jsonl": 1}


def test_refresh_without_a_store(tmp_path: Path) -> None:
    """Is an error, and makes none."""
    with pytest.raises(StoreError):
        refresh(tmp_path / "none")


def test_refresh_says_where_to_begin(world: World, tmp_path: Path) -> None:
    """Where nothing was ingested the first folders are read; later they are not asked for again."""
    world.write("x/a.jsonl", world.reply())
    folder = tmp_path / "fresh"
    assert refresh(folder, first=lambda: [str(world.logs)]).total("new") == 1
    assert refresh(folder, first=lambda: pytest.fail("it was asked again")).total("rows") == 0


# -- real and generated logs ------------------------------------------------------------------------------------------
def test_small_traps(shared: Path, world: World) -> None:
    """Twelve tiny homes hold a call of 2,000 tokens each, written in ways that make tools miscount; one holds none."""
    summary = world.ingest(shared / "samples" / "agent-logs" / "claude_code" / "edge")

    assert (summary.total("rows"), len(world.rows())) == (12, 12)
    assert (world.total("uncached_input_tokens"), world.total("output_tokens")) == (12_000, 12_000)
    assert len(summary.rejects) == 1


def test_growing_snapshots(shared: Path, world: World, new_world: type[World], tmp_path: Path) -> None:
    """Five moments of one session are 96 rows read and as much stored as the last of them holds."""
    folder = shared / "samples" / "agent-logs" / "claude_code" / "growing_snapshots_same_session"
    summary = world.ingest(folder)
    other = new_world(tmp_path / "other")
    other.ingest(max(folder.iterdir()))

    assert (summary.total("rows"), summary.total("new")) == (96, 32)
    assert world.rows() == other.rows()
    assert world.sound()


TRUTH = {
    "input": "uncached_input_tokens",
    "output": "output_tokens",
    "cache_5m": "cache_creation_5m_input_tokens",
    "cache_1h": "cache_creation_1h_input_tokens",
    "cache_read": "cache_read_input_tokens",
    "web_search": "web_search_requests",
    "calls": "requests",
}
KEYS = ("day", "project", "session", "model")


@pytest.mark.parametrize(
    ("seed", "options"),
    [(1, ""), (7, "--spaces"), (11, "--old-style"), (14, "--long-context --speed-fast --new-models")],
)
def test_generated_homes(shared: Path, world: World, seed: int, options: str) -> None:
    """By day, project, session and model all counts are the generator's, but for responses that cross midnight."""
    script = shared / "bench" / "gen_claude_logs.py"
    made = [str(script), "--out", str(world.logs), "--size-mb", "3", "--seed", str(seed), *options.split()]
    subprocess.run([sys.executable, *made], check=True, stdout=subprocess.DEVNULL)
    world.ingest(world.logs / ".claude")
    with Store.open(world.folder) as store:
        rows = store.usage().collect()
    crossing = rows["response_id"].is_in(hash_all("claude-code", past_midnight(world.logs)))
    names = {"project": "project_path", "model": "request_model"}
    found = by_keys(
        rows.select(
            pl.col("charge_period_start").dt.strftime("%Y-%m-%d").alias("day"),
            *(pl.col(names.get(name, name)).cast(pl.String).alias(name) for name in KEYS[1:]),
            **{truth: pl.col(ours) for truth, ours in TRUTH.items()},
        ).with_columns(pl.when(~crossing).then("day").alias("day"))
    )
    expected = by_keys(pl.read_csv(world.logs / "truth.csv").select(*KEYS, *TRUTH))
    undated = {key[1:] for key in found if key[0] is None}

    assert {key: value for key, value in found.items() if key[1:] not in undated} == {
        key: value for key, value in expected.items() if key[1:] not in undated
    }
    assert without_day(found) == without_day(expected)
    assert world.sound()


def by_keys(rows: pl.DataFrame) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """Return sums by day, project, session and model."""
    grouped = rows.group_by(KEYS).agg(pl.col(*TRUTH).sum())
    return {row[: len(KEYS)]: row[len(KEYS) :] for row in grouped.select(*KEYS, *TRUTH).iter_rows()}


def without_day(found: dict[tuple[Any, ...], tuple[int, ...]]) -> dict[tuple[Any, ...], list[int]]:
    """Return the sums over all days."""
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * len(TRUTH))
    for key, values in found.items():
        sums[key[1:]] = [old + new for old, new in zip(sums[key[1:]], values, strict=True)]
    return dict(sums)


def past_midnight(home: Path) -> list[str]:
    """Return the ids of responses whose lines stand on two days."""
    days: dict[str, set[str]] = defaultdict(set)
    for path in home.rglob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            spaced = line.replace('": "', '":"')
            if '"output_tokens"' in line:
                name = spaced.partition('"id":"msg_')[2].partition('"')[0]
                days[f"msg_{name}"].add(spaced.rpartition('"timestamp":"')[2][:10])
    return [name for name, found in days.items() if len(found) > 1]


# -- several at once, and the worst -----------------------------------------------------------------------------------
INGEST = """
import sys
from pathlib import Path
from tokenaudit.ingest.run import ingest
ingest(sys.argv[2:], Path(sys.argv[1]))
"""


def start(world: World, root: Path, *paths: Path) -> subprocess.Popen[bytes]:
    """Begin an ingest in another process."""
    return subprocess.Popen(
        [sys.executable, "-c", INGEST, str(world.folder), *map(str, paths or (world.logs,))], cwd=root
    )


def test_processes_at_once(world: World, root: Path) -> None:
    """Some read the same files, some others that share responses: nothing is lost, nothing counts twice."""
    for n in range(6):
        lines = [world.reply(f"msg_{k}", 10 * n + k, uuid=f"{n}-{k}") for k in range(n, 30 + n)]
        world.write(f"{n % 3}/{n}.jsonl", *lines)
    running = [start(world, root, *(world.logs / str(n) for n in group)) for group in ((0, 1), (1, 2), (0, 1, 2))]

    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    assert len(world.rows()) == 35
    assert world.outputs() == sorted(max(10 * n + k for n in range(6) if n <= k < 30 + n) for k in range(35))
    assert set(world.read().values()) == {"unchanged"}
    assert world.sound()


def drop(world: World, path: Path) -> None:
    """Forget a file."""
    newest = {item.name for item in sources().values() if item.merge == "newest"}
    world.catalog(lambda catalog: forget.forget(catalog, forget.files_of(catalog, [str(path)], None), None, newest))


@pytest.mark.parametrize("name", ["a.jsonl", "b.csv"])
def test_forgotten_while_it_is_read(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A grown log, or a copied table, whose earlier rows go before the new ones come is read whole the next time."""
    filled(world)
    world.append("a.jsonl", world.reply("msg_3", 3))
    shutil.copy(world.logs / "b.csv", world.logs / "c.csv")
    commit = read.Reading.commit

    def interrupted(reading: read.Reading, record: Callable[[Catalog], None]) -> None:
        drop(world, world.logs / name)
        commit(reading, record)

    with monkeypatch.context() as patch:
        patch.setattr(read.Reading, "commit", interrupted)
        world.ingest()
    assert len(world.rows()) < 4
    world.ingest()

    assert world.outputs() == [3, 5, 7, 9]
    assert world.sound()


def test_copied_while_it_is_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy that is read before the original is forgotten keeps the rows."""
    before = filled(world)
    outcome = forget._outcome

    def interrupted(*args: Any) -> forget.Forgotten:
        done = outcome(*args)
        if not (world.logs / "c.csv").exists():
            shutil.copy(world.logs / "b.csv", world.logs / "c.csv")
            world.ingest()
        return done

    monkeypatch.setattr(forget, "_outcome", interrupted)
    drop(world, world.logs / "b.csv")

    assert set(world.ledger()) == {"a.jsonl", "c.csv"}
    assert world.rows() == before


SLOW = """
import sys, time
from pathlib import Path
from tokenaudit.store import segments
write, stop = segments.write, Path(sys.argv[2])
def slow(*args):
    made = write(*args)
    if made:
        stop.touch()
        time.sleep(float(sys.argv[3]))
    return made
segments.write = slow
from tokenaudit.ingest.run import ingest
ingest(sys.argv[4:], Path(sys.argv[1]))
"""


def test_killed_in_the_middle(world: World, root: Path, tmp_path: Path) -> None:
    """After kill -9 with segments written but not committed, the store is as before; the next ingest completes it."""
    world.write("a.jsonl", world.reply(), world.reply("msg_2"))
    world.ingest()
    before, mark = world.rows(), tmp_path / "written"
    world.append("a.jsonl", world.reply("msg_2", 50), world.reply("msg_3"))
    arguments = [str(world.folder), str(mark), "60", str(world.logs)]
    process = subprocess.Popen([sys.executable, "-c", SLOW, *arguments], cwd=root)
    while not mark.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()

    assert world.rows() == before
    assert world.sound()
    assert len(segments.on_disk(world.folder)) > len(world.segments()), "what it wrote is left for the next sweep"
    world.ingest()
    assert world.outputs() == [5, 5, 50]
    assert world.sound()


@pytest.mark.parametrize("where", ["_record", "_entry", "upkeep"])
def test_an_error_while_recording(world: World, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """The ledger and the rows change together: after an error the file counts whole or not at all."""
    world.write("a.jsonl", world.reply())
    world.ingest()
    world.append("a.jsonl", world.reply("msg_2"))

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tokenaudit.store.upkeep.upkeep" if where == "upkeep" else f"tokenaudit.ingest.run.{where}", fail)
        with pytest.raises(OSError, match="No space"):
            world.ingest()
    committed = where == "upkeep"

    assert len(world.rows()) == 1 + committed
    assert world.read() == {"a.jsonl": "unchanged" if committed else "read"}
    assert len(world.rows()) == 2
    assert world.sound()


def test_many_small_ingests_stay_few_segments(world: World) -> None:
    """Upkeep joins what many commits left."""
    for n in range(30):
        world.write(f"{n}.jsonl", world.reply(f"msg_{n}", n))
        world.ingest()

    assert len(world.segments()) < 24
    assert world.outputs() == list(range(30))
    with Store.open(world.folder) as store:
        assert verify(store.catalog, set()) == []
