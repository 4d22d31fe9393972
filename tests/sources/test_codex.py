"""Codex rollouts: what an event adds, what names it, and that files may come in any order, in pieces, or again."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit.sources.codex import SOURCE, lineage
from tokenaudit.sources.head import Head
from tokenaudit.sources.source import Lineage, Tail

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tokenaudit.sources.source import Decoded

Json = dict[str, Any]
Rows = dict[str, Json]

SAMPLES = Path(__file__).parents[2] / "sample_logs" / "codex"
COUNTS = (
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "cache_creation_30m_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
)
WHERE = ("origin_rank", "session", "project_path", "provider")
PARENT, CHILD, SECOND = (f"01a1{n}000-0000-7000-8000-000000000000" for n in (1, 2, 3))


# -- building rollouts ------------------------------------------------------------------------------------------------
def line(kind: str, payload: Json, at: str = "2026-10-05T10:00:00.000Z", **more: object) -> Json:
    """Return a line of a rollout."""
    return {"timestamp": at, **more, "type": kind, "payload": payload}


def meta(thread: str = PARENT, **more: object) -> Json:
    """Return a `session_meta`."""
    return line("session_meta", {"id": thread, "cwd": "/src/shop", "model_provider": "openai", **more})


def turn(turn_id: str | None = None, model: str | None = "gpt-5.6-sol", **more: object) -> Json:
    """Return a `turn_context`."""
    return line("turn_context", {"turn_id": turn_id, "model": model, **more})


def turn_of(thread: str, number: int) -> str:
    """Return the id of a turn that begins `number` milliseconds after a thread."""
    return f"{thread[:9]}{number:04x}-7000-8000-00000000{number:04x}"


def used(whole: int, cached: int = 0, output: int = 0, reasoning: int = 0, written: int = 0) -> Json:
    """Return the counts of one response, or of a thread so far."""
    return {
        "input_tokens": whole,
        "cached_input_tokens": cached,
        "cache_write_input_tokens": written,
        "output_tokens": output,
        "reasoning_output_tokens": reasoning,
        "total_tokens": whole + output,
    }


def count(total: Json | None, last: Json | None = None, at: str = "2026-10-05T10:00:01.000Z", **more: object) -> Json:
    """Return a `token_count`."""
    info = {"total_token_usage": total, "last_token_usage": last, **more}
    return line("event_msg", {"type": "token_count", "info": info}, at)


def record(response: str | None, usage: Json | None, **more: object) -> Json:
    """Return a `token_usage_record`."""
    return line("token_usage_record", {"response_id": response, "usage": usage, **more})


# -- reading them -----------------------------------------------------------------------------------------------------
def write(folder: Path, lines: Iterable[Json | str], name: str = "rollout.jsonl") -> str:
    """Write lines to a file and return its path."""
    path = folder / name
    text = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in lines)
    path.write_text("".join(f"{row}\n" for row in text), encoding="utf-8")
    return str(path)


def rows(decoded: Decoded) -> list[Json]:
    """Return the rows of a reading."""
    names, columns = decoded.columns.keys(), decoded.columns.values()
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def merge(found: Iterable[Json]) -> Rows:
    """Fold rows of one identity as the store does: largest counts, earliest instant, the rest from the closest row."""
    by_identity: dict[str, list[Json]] = {}
    for row in sorted(
        found, key=lambda row: (row["origin_rank"], row["charge_period_start"], row["line"], row["session"])
    ):
        by_identity.setdefault(row["identity"], []).append(row)
    return {
        identity: {
            **{name: same[0][name] for name in WHERE},
            **{name: max(row[name] for row in same) for name in COUNTS},
            "request_model": next((row["request_model"] for row in same if row["request_model"]), None),
            "charge_period_start": min(row["charge_period_start"] for row in same),
        }
        for identity, same in by_identity.items()
    }


def read(paths: Iterable[str]) -> Rows:
    """Read files one after the other and fold their rows."""
    return merge(row for path in paths for row in rows(SOURCE.decode(Tail(path))))


def total(merged: Rows) -> int:
    """Return the tokens of all rows."""
    return sum(row[name] for row in merged.values() for name in COUNTS[:-1])


def read_lines(folder: Path, lines: Iterable[Json | str], name: str = "rollout.jsonl") -> Decoded:
    """Write lines and read them."""
    return SOURCE.decode(Tail(write(folder, lines, name)))


def amounts(folder: Path, *lines: Json) -> list[int]:
    """Return input + output of each row of a plain thread with these events."""
    found = rows(read_lines(folder, [meta(), turn(), *lines]))
    return [sum(row[name] for name in COUNTS[:-1]) for row in found]


def files(folder: Path) -> list[str]:
    """Return the rollouts below a folder."""
    return [str(path) for path in sorted(folder.rglob("*.jsonl"))]


# -- known truths -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("variant", "truth"), [("all", 4000), ("parent", 3300)])
def test_generated_cases(shared: Path, tmp_path: Path, variant: str, truth: int) -> None:
    """Re-emitted events and a fork's replay count once."""
    subprocess.run([sys.executable, shared / "bench" / "gen_codex_cases.py", tmp_path, variant], check=True)
    merged = read(files(tmp_path))
    assert total(merged) == truth
    if variant == "all":
        sums = [sum(row[name] for row in merged.values()) for name in COUNTS]
        assert sums == [1300, 1400, 0, 1300, 350]


@pytest.mark.parametrize(
    ("family", "truth", "requests"),
    [
        ("fork_family/archived-fork-33ce-3869", 15_309_178, 155),
        ("fork_family/harness-smoke", 11 + 6, 2),
        ("token_usage_record_0.159.0", 990, 1),
        ("agentsview_fixtures", 0, 0),
    ],
)
def test_real_families(shared: Path, family: str, truth: int, requests: int) -> None:
    """Real rollouts give the totals of their oracles, in either order of files."""
    paths = files(shared / "samples" / "agent-logs" / "codex" / family)
    merged = read(paths)
    assert (total(merged), len(merged)) == (truth, requests)
    assert read(reversed(paths)) == merged
    assert all(SOURCE.detect(Head(path)) for path in paths)


def test_sample_logs() -> None:
    """The shipped samples: a thread, its fork (own turn only) and one file with a line for each response."""
    merged = read(files(SAMPLES))
    by_model = dict.fromkeys(("gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna"), 0)
    for row in merged.values():
        by_model[row["request_model"]] += sum(row[name] for name in COUNTS[:-1])
    assert by_model == {"gpt-5.6-sol": 68_023 + 103_594, "gpt-5.6-terra": 30_162, "gpt-5.6-luna": 10_601}
    assert len(merged) == 8


# -- what an event adds -----------------------------------------------------------------------------------------------
def test_columns(tmp_path: Path) -> None:
    """Every column of a row; input is split, reasoning stays inside output, the client's prompt is nowhere."""
    usage = used(1000, cached=200, output=50, reasoning=10, written=300)
    said = line("event_msg", {"type": "user_message", "message": 'a "token_count" secret'})
    row = rows(read_lines(tmp_path, [meta(), said, turn(cwd="/src/shop/api"), count(usage, usage)]))[0]
    assert "secret" not in str(row)
    assert row.pop("identity").startswith(PARENT)
    assert row == {
        "line": 4,
        "session": PARENT,
        "origin_rank": 0,
        "charge_period_start": "2026-10-05T10:00:01.000Z",
        "project_path": "/src/shop/api",
        "provider": "openai",
        "request_model": "gpt-5.6-sol",
        "uncached_input_tokens": 500,
        "cache_read_input_tokens": 200,
        "cache_creation_30m_input_tokens": 300,
        "output_tokens": 50,
        "reasoning_output_tokens": 10,
    }


@pytest.mark.parametrize(
    ("events", "truth"),
    [
        pytest.param([(100, 100), (100, 100), (100, 100), (250, 150)], [100, 150], id="unchanged totals add nothing"),
        pytest.param([(900, 100), (950, 50)], [100, 50], id="a resumed thread's history is not billed"),
        pytest.param([(900, None), (950, None)], [900, 50], id="the total where `last` is absent"),
        pytest.param([(0, 0), (100, 100)], [100], id="nothing used, nothing billed"),
        pytest.param([(1000, 1000), (9000, 8000), (60, 60), (100, 40)], [1000, 8000, 60, 40], id="reset"),
        pytest.param([(100, 100), (900, 800), (100, 100)], [100, 800, 100], id="reset to the old first total"),
        pytest.param([(700, 700), (900, 200), (800, 800)], [700, 200, 800], id="total equal to last is a reset"),
        pytest.param([(9000, 9000), (8900, 5), (9100, 100)], [9000, 100], id="late by less than two percent"),
        pytest.param([(500, 500), (800, 300), (500, 500), (900, 100)], [500, 300, 100], id="late by one response"),
    ],
)
def test_amounts(tmp_path: Path, events: list[tuple[int, int | None]], truth: list[int]) -> None:
    """An event adds the difference of totals; first events, resets and late events have rules of their own."""
    lines = [count(used(now), None if last is None else used(last)) for now, last in events]
    assert amounts(tmp_path, *lines) == truth


def test_info_null(tmp_path: Path) -> None:
    """The first event of a session has no counts yet."""
    null = line("event_msg", {"type": "token_count", "info": None, "rate_limits": {}})
    decoded = read_lines(tmp_path, [meta(), null])
    assert (rows(decoded), decoded.rejects) == ([], [])


def test_records_take_over(tmp_path: Path) -> None:
    """From the first record on the token counts are left out; a response without id goes by its running total."""
    lines = [
        count(used(100), used(100)),
        record("resp_1", used(40)),
        count(used(140), used(40)),
        record("resp_1", used(40)),
        record(None, used(7), thread_token_usage=used(47)),
        count(used(147), used(7)),
    ]
    assert amounts(tmp_path, *lines) == [100, 40, 7]


def test_unrelated_threads_with_equal_counts(tmp_path: Path) -> None:
    """Two threads with the same prompt are two requests."""
    events = [turn(), count(used(100), used(100))]
    paths = [write(tmp_path, [meta(thread), *events], f"{thread}.jsonl") for thread in (PARENT, CHILD)]
    assert total(read(paths)) == 200


# -- forks ------------------------------------------------------------------------------------------------------------
FIRST, THEN = count(used(100), used(100)), count(used(250), used(150), "2026-10-05T10:05:00.000Z")
REPLAY = [
    count(used(100), used(100), "2026-10-06T09:00:00.001Z"),
    count(used(250), used(150), "2026-10-06T09:00:00.002Z"),
]
OWN = count(used(300), used(50), "2026-10-06T09:10:00.000Z")


def family(folder: Path, *children: Sequence[Json], parent: bool = True) -> Rows:
    """Read a parent of 100 + 150 tokens (unless it is gone) and children; the order must not matter."""
    paths = [write(folder, child, f"child{n}.jsonl") for n, child in enumerate(children)]
    if parent:
        paths.append(write(folder, [meta(), turn(), FIRST, THEN], "parent.jsonl"))
    merged = read(paths)
    assert read(reversed(paths)) == merged
    return merged


@pytest.mark.parametrize("copied", [[meta()], []], ids=["copied session_meta", "forked_from_id only"])
def test_fork(tmp_path: Path, copied: list[Json]) -> None:
    """A fork's replay folds into the parent's events, which keep their instant and session."""
    child = [meta(CHILD, forked_from_id=PARENT), *copied, turn(), *REPLAY, turn(), OWN]
    merged = family(tmp_path, child)
    assert total(merged) == 300
    where = sorted((row["charge_period_start"], row["session"]) for row in merged.values())
    assert where == [
        ("2026-10-05T10:00:01.000Z", PARENT),
        ("2026-10-05T10:05:00.000Z", PARENT),
        ("2026-10-06T09:10:00.000Z", CHILD),
    ]


def test_siblings_of_a_missing_parent(tmp_path: Path) -> None:
    """The common prefix counts once, each suffix too."""
    one = [meta(CHILD, forked_from_id=PARENT), turn(), *REPLAY, OWN]
    two = [meta(SECOND, forked_from_id=PARENT), turn(), *REPLAY, count(used(320), used(70))]
    assert total(family(tmp_path, one, two, parent=False)) == 250 + 50 + 70


def test_proven_copies_are_left_out(tmp_path: Path) -> None:
    """Turn ids tell a child's own events: only they count, under its own scope, so that equal siblings both do."""

    def child(thread: str) -> list[Json]:
        own = [turn(turn_of(thread, 5)), OWN]
        source = {"subagent": {"thread_spawn": {"parent_thread_id": PARENT, "depth": 1}}}
        return [meta(thread, source=source), meta(), turn(turn_of(PARENT, 1)), *REPLAY, *own]

    assert total(family(tmp_path, child(CHILD), child(SECOND), parent=False)) == 50 + 50
    assert total(family(tmp_path, child(CHILD), child(SECOND))) == 250 + 50 + 50


def test_subagent_without_replay(tmp_path: Path) -> None:
    """Copied metadata alone takes nothing away; without it everything is the sub-agent's own."""
    spawned = {"parent_thread_id": PARENT}
    started = line("event_msg", {"type": "task_started", "turn_id": turn_of(CHILD, 0)})
    events = [started, turn(), count(used(90), used(90))]
    assert total(family(tmp_path, [meta(CHILD, **spawned), meta(), *events])) == 250 + 90
    assert total(family(tmp_path, [meta(CHILD, **spawned), *events, FIRST])) == 250 + 90 + 10


def test_fork_of_a_fork(tmp_path: Path) -> None:
    """A file that copies a copy comes to the same scope."""
    one = [meta(CHILD, forked_from_id=PARENT), meta(), turn(), *REPLAY, OWN]
    two = [meta(SECOND, forked_from_id=CHILD), *one, count(used(310), used(10))]
    merged = family(tmp_path, one, two)
    assert total(merged) == 310
    assert sorted(row["session"] for row in merged.values()) == [PARENT, PARENT, CHILD, SECOND]
    assert total(family(tmp_path, one, two, parent=False)) == 310
    assert total(family(tmp_path, [two[0], one[0], *two[2:]])) == 310


def test_fork_by_reference(tmp_path: Path) -> None:
    """A fork that names where its history lies has copied nothing, even where its counts look the same."""
    base = {"thread_id": PARENT, "end_ordinal_exclusive": 9}
    child = [meta(CHILD, forked_from_id=PARENT, history_base=base), turn(), FIRST]
    assert total(family(tmp_path, child)) == 350


def test_ordinals_tell_copies(tmp_path: Path) -> None:
    """`subagent_history_start_ordinal` is the first line of a sub-agent's own."""
    child = [meta(CHILD, subagent_history_start_ordinal=5, forked_from_id=PARENT), meta(), turn(), *REPLAY, OWN]
    ordered = [{"ordinal": n, **row} for n, row in enumerate(child)]
    assert total(family(tmp_path, ordered, parent=False)) == 50
    assert total(family(tmp_path, ordered)) == 300


def test_copied_records(tmp_path: Path) -> None:
    """A record is one wherever it stands, and belongs to the thread that it names."""
    first = record("resp_1", used(100), thread_id=PARENT)
    parent = write(tmp_path, [meta(), turn(cwd="/src/a"), first], "parent.jsonl")
    lines = [
        meta(CHILD, forked_from_id=PARENT),
        meta(),
        turn(cwd="/src/b"),
        first,
        record("resp_2", used(30), thread_id=CHILD),
    ]
    child = write(tmp_path, lines, "child.jsonl")
    for paths in ([parent, child], [child, parent]):
        found = {name: (row["session"], row["project_path"]) for name, row in read(paths).items()}
        assert found == {"resp_1": (PARENT, "/src/a"), "resp_2": (CHILD, "/src/b")}


def test_archived_copy(tmp_path: Path) -> None:
    """The same thread in `archived_sessions`, shorter and under another name, adds nothing."""
    lines = [meta(), turn(), FIRST, THEN]
    assert total(read([write(tmp_path, lines), write(tmp_path, lines[:-1], "archived.jsonl")])) == 250


# -- names ------------------------------------------------------------------------------------------------------------
def test_model_of_an_event(tmp_path: Path) -> None:
    """The last model named before the event, the event's own, else the first one after it, else none."""
    switched = line("event_msg", {"type": "thread_settings_applied", "thread_settings": {"model": "openai/gpt-6-sol"}})
    lines = [meta(), FIRST, turn(), THEN, switched, OWN]
    assert [row["request_model"] for row in rows(read_lines(tmp_path, lines))] == [
        "gpt-5.6-sol",
        "gpt-5.6-sol",
        "openai/gpt-6-sol",
    ]
    named = count(used(10), used(10), model="gpt-5.5")
    assert rows(read_lines(tmp_path, [meta(), named]))[0]["request_model"] == "gpt-5.5"
    assert rows(read_lines(tmp_path, [meta(), FIRST]))[0]["request_model"] is None


def test_provider(tmp_path: Path) -> None:
    """As the session or a later setting names it; OpenAI where nothing does."""
    azure = line("event_msg", {"type": "thread_settings_applied", "thread_settings": {"model_provider_id": "azure"}})
    found = rows(read_lines(tmp_path, [meta(model_provider=None), turn(), FIRST, azure, THEN]))
    assert [row["provider"] for row in found] == ["openai", "azure"]


@pytest.mark.parametrize(
    ("name", "session"),
    [(f"rollout-2026-10-05T12-00-00-{PARENT}.jsonl", PARENT), ("notes.jsonl", "notes.jsonl")],
)
def test_session_without_meta(tmp_path: Path, name: str, session: str) -> None:
    """The file's name tells the thread where no line does."""
    assert rows(read_lines(tmp_path, ['{"timestamp":"2026-10-05T10', turn(), FIRST], name))[0]["session"] == session


def test_broken_first_line_of_a_fork(tmp_path: Path) -> None:
    """A copied `session_meta` is not taken for the file's own where the name says otherwise."""
    path = write(tmp_path, ['{"type":"session_meta","payl', meta(), turn(), *REPLAY, OWN], f"rollout-{CHILD}.jsonl")
    parent = write(tmp_path, [meta(), turn(), FIRST, THEN], "parent.jsonl")
    merged = read([path, parent])
    assert total(merged) == 300
    assert sorted(row["session"] for row in merged.values()) == [PARENT, PARENT, CHILD]


# -- dirt -------------------------------------------------------------------------------------------------------------
def dirty(text: str) -> str:
    """Return an event with one more thing in its payload."""
    return json.dumps(FIRST).replace('"info"', f'{text}, "info"')


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(dirty('"cut": "\\ud83d"'), id="half an emoji"),
        pytest.param(dirty('"used": NaN'), id="NaN"),
        pytest.param(json.dumps(meta()) + json.dumps(FIRST), id="glued documents"),
        pytest.param("\ufeff" + json.dumps(FIRST), id="byte order mark"),
        pytest.param("\x00\x00" + json.dumps(FIRST), id="zeros of a crash"),
        pytest.param(json.dumps(FIRST) + "\r", id="CRLF"),
        pytest.param(json.dumps(FIRST).replace(": 100", ': "100"'), id="numbers as text"),
        pytest.param(json.dumps(FIRST).replace(": 100", ": 100.0"), id="numbers with a fraction of zero"),
        pytest.param(json.dumps(FIRST).replace("10:00:01.000Z", "12:00:01+02:00"), id="an offset"),
    ],
)
def test_odd_lines_are_read(tmp_path: Path, broken: str) -> None:
    """What other programs leave in a line does not cost the row."""
    decoded = read_lines(tmp_path, [meta(), turn(), broken])
    assert decoded.rejects == []
    assert [(row["uncached_input_tokens"], row["charge_period_start"]) for row in rows(decoded)] == [
        (100, "2026-10-05T10:00:01.000Z")
    ]


def test_invalid_utf8(tmp_path: Path) -> None:
    """Bytes that are no text are replaced, and the row stands."""
    path = Path(write(tmp_path, [meta(), turn(cwd="/src/caf#"), FIRST]))
    path.write_bytes(path.read_bytes().replace(b"#", b"\xe9"))
    assert rows(SOURCE.decode(Tail(str(path))))[0]["project_path"] == "/src/caf\ufffd"


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (json.dumps(FIRST)[:-9], "not JSON: "),
        (json.dumps(FIRST) + json.dumps(THEN)[:-9], "not JSON: "),
        (dirty('"deep": ' + "[" * 100_000), "unexpected value: "),
        (count(used(-5)), "unexpected value: Expected `int` >= 0"),
        (count(used(1 << 60)), "unexpected value: Expected `int` <= "),
        (count(None, used(5)), "token_count without total_token_usage"),
        (count(used(10, cached=9, written=2)), "cached and cache-write tokens (9 + 2) exceed input tokens (10)"),
        (count(used(10), at="yesterday"), "token usage without a usable timestamp"),
        (count(used(10), at="0001-01-01T00:00:00+14:00"), "token usage without a usable timestamp"),
        (record("resp_1", None), "token_usage_record without usage"),
    ],
)
def test_rejects(tmp_path: Path, broken: Json | str, reason: str) -> None:
    """A line that cannot be counted is named, and the lines around it count."""
    decoded = read_lines(tmp_path, [meta(), turn(), broken, count(used(400), used(300))])
    assert [reject.line for reject in decoded.rejects] == [3]
    assert decoded.rejects[0].reason.startswith(reason)
    assert decoded.rejects[0].offset == sum(len(json.dumps(row)) + 1 for row in (meta(), turn()))


def test_compacted_history_is_not_read(tmp_path: Path) -> None:
    """Records inside a compacted history are copies; only lines of the file itself count."""
    nested = line("compacted", {"message": "", "replacement_history": [FIRST, record("resp_9", used(9))]})
    assert amounts(tmp_path, FIRST, nested) == [100]


# -- detection --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([meta()], True),
        ([turn()], True),
        (["{broken", '{"a":', line("response_item", {"type": "message"})], True),
        ([json.dumps(meta()) + json.dumps(turn())], True),
        (['{"type":"session_meta","payload":{"cut'], True),
        ([{"id": PARENT, "timestamp": "2025-07-01T10:00:00Z", "instructions": None}], True),
        (["{broken", {"type": "message", "role": "user"}, {"record_type": "state"}], True),
        ([{"type": "user", "sessionId": "x", "message": {}}], False),
        ([{"type": "event_msg", "payload": "text"}], False),
        ([{"type": ["session_meta"], "payload": {}}], False),
        (["type,payload", "session_meta,{}"], False),
        ([], False),
    ],
)
def test_detect(tmp_path: Path, lines: list[Json | str], expected: bool) -> None:  # noqa: FBT001 - a parameter
    """Content tells a rollout, whatever its name."""
    assert SOURCE.detect(Head(write(tmp_path, lines, "any.txt"))) is expected


def test_compressed(tmp_path: Path) -> None:
    """A gzipped rollout reads like a plain one."""
    path = tmp_path / "rollout.jsonl.gz"
    path.write_bytes(gzip.compress(Path(write(tmp_path, [meta(), turn(), FIRST])).read_bytes()))
    assert SOURCE.detect(Head(str(path)))
    assert total(read([str(path)])) == 100


# -- pieces and orders ------------------------------------------------------------------------------------------------
def in_pieces(folder: Path, lines: Sequence[Json], cuts: Iterable[int], name: str) -> list[Json]:
    """Read a file as it grows to each number of lines."""
    tail, found = Tail(str(folder / name)), []
    for end in [*sorted(cuts), len(lines)]:
        write(folder, lines[:end], name)
        decoded = SOURCE.decode(tail)
        found += rows(decoded)
        tail = Tail(tail.path, decoded.offset, decoded.line, decoded.state)
    return found


def test_model_named_in_a_later_piece(tmp_path: Path) -> None:
    """A row that went out without a model comes again with it."""
    lines = [meta(), FIRST, THEN, turn(), OWN]
    assert merge(in_pieces(tmp_path, lines, [2, 3], "a.jsonl")) == read([write(tmp_path, lines, "b.jsonl")])


def test_state_is_small(tmp_path: Path) -> None:
    """What is remembered of a long file does not grow with it."""
    lines = [meta(), turn(), *(count(used(n), used(1)) for n in range(1, 500))]
    assert len(read_lines(tmp_path, lines).state) < 500


@st.composite
def families(draw: st.DrawFn) -> tuple[list[list[Json]], int]:
    """Draw rollouts of a thread, its forks and their forks, and the tokens that were used."""
    with_ids, truth, calls = draw(st.booleans()), 0, 0
    rollouts: list[list[Json]] = []
    for number in range(draw(st.integers(1, 4))):
        thread = f"01a1{number}000-0000-7000-8000-000000000000"
        lines, used_so_far = [meta(thread)], 0
        if draw(st.booleans()) and rollouts:
            parent = draw(st.sampled_from(rollouts))
            copied = parent[: draw(st.integers(1, len(parent)))]
            lines = [meta(thread, forked_from_id=parent[0]["payload"]["id"]), *copied]
            usages = [row["payload"]["info"]["total_token_usage"] for row in copied if "info" in row["payload"]]
            used_so_far = usages[-1]["input_tokens"] if usages else 0
        for index in range(draw(st.integers(1, 4))):
            lines.append(turn(turn_of(thread, index) if with_ids else None, draw(st.sampled_from(["a", "b", None]))))
            for _ in range(draw(st.integers(0, 2))):
                calls += 1
                amount = 10**6 + 2**calls
                used_so_far, truth = used_so_far + amount, truth + amount
                lines += [count(used(used_so_far), used(amount))] * draw(st.integers(1, 3))
        rollouts.append(lines)
    return rollouts, truth


@settings(max_examples=60, deadline=None)
@given(families(), st.data())
def test_any_order_any_pieces_any_repetition(family: tuple[list[list[Json]], int], data: st.DataObject) -> None:
    """A family of rollouts gives what was used, however its files come."""
    rollouts, truth = family
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = read([write(folder, lines, f"{n}.jsonl") for n, lines in enumerate(rollouts)])
        assert total(whole) == truth
        order = data.draw(st.permutations(range(len(rollouts))))
        again = data.draw(st.lists(st.sampled_from(order), max_size=2))
        found: list[Json] = []
        for n in [*order, *again]:
            cuts = data.draw(st.lists(st.integers(0, len(rollouts[n])), max_size=4))
            found += in_pieces(folder, rollouts[n], cuts, f"{n}.jsonl")
        assert merge(found) == whole


EVENTS = st.one_of(
    st.builds(lambda a, b, c: count(used(a, output=b), used(c)), *[st.integers(0, 60)] * 3),
    st.builds(lambda a: count(used(a), None), st.integers(0, 60)),
    st.builds(lambda n, a: record(n and f"resp_{n}", used(a)), st.integers(0, 3), st.integers(0, 9)),
    st.builds(turn, st.sampled_from([None, turn_of(PARENT, 3), turn_of(CHILD, 3)]), st.sampled_from(["a", None])),
    st.sampled_from([meta(), meta(CHILD), meta(SECOND, forked_from_id=CHILD), meta(CHILD, forked_from_id=PARENT)]),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(EVENTS, max_size=14), st.lists(st.integers(0, 14), max_size=5))
def test_pieces_of_anything(lines: list[Json], cuts: list[int]) -> None:
    """Whatever a file holds, reading it in pieces gives the rows of one reading."""
    with tempfile.TemporaryDirectory() as name:
        pieces = in_pieces(Path(name), lines, [min(cut, len(lines)) for cut in cuts], "a.jsonl")
        assert merge(pieces) == read([str(Path(name) / "a.jsonl")])


def test_lineage_names_the_oldest_thread() -> None:
    """A file that begins with the history of another descends from it; one that does not, from itself."""
    own = {"type": "session_meta", "payload": {"id": "child", "forked_from_id": "parent"}}
    copied = {"type": "session_meta", "payload": {"id": "parent"}}

    def told(*lines: dict[str, Any]) -> Lineage:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rollout.jsonl"
            path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
            return lineage(SOURCE.decode(Tail(str(path))).state)

    assert told(own, copied) == Lineage("child", "parent")
    assert told(copied) == Lineage("parent", "parent")
