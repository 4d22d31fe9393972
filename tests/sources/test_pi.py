"""Pi and its family: disjoint classes, each answer once however often its session was branched."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.logged import (
    Json,
    classes,
    fitting,
    pieces,
    reasons,
    row_of,
    rows_of,
    together,
    totals,
    write_lines,
)
from tokenaudit.sources.pi import SOURCE
from tokenaudit.sources.source import Tail

HEAD = {"type": "session", "version": 3, "id": "s1", "timestamp": "2026-10-07T10:00:00.000Z", "cwd": "/src/shop"}
COPY = {**HEAD, "id": "s2", "timestamp": "2026-10-07T11:00:00.000Z", "cwd": "/src/copy", "parentSession": "/s1.jsonl"}
NAMES = ("input", "output", "cacheRead", "cacheWrite")


def answer(counts: tuple[object, ...] = (3, 20, 100, 40), at: str = "2026-10-07T10:00:09.000Z", **more: object) -> Json:
    """Return an answer; `more` goes into its usage."""
    usage = {**dict(zip(NAMES, counts, strict=True)), "cost": {"total": 0.0174}, **more}
    message = {"role": "assistant", "provider": "anthropic", "model": "claude-opus-4-5", "usage": usage}
    return {"type": "message", "timestamp": at, "message": message}


def told(line: Json, **more: object) -> Json:
    """Return an answer whose message tells more, or with None less."""
    message = {name: value for name, value in {**line["message"], **more}.items() if value is not None}
    return {**line, "message": message}


def test_classes(tmp_path: Path) -> None:
    """The four counts are disjoint; a part of the cache writes may live an hour; reasoning is part of the output."""
    row = row_of(SOURCE, write_lines(tmp_path / "s.jsonl", [HEAD, answer(cacheWrite1h=15, reasoning=8)]))

    assert classes(row) == {
        "uncached_input_tokens": 3, "output_tokens": 20, "cache_read_input_tokens": 100, "reasoning_output_tokens": 8,
        "cache_creation_5m_input_tokens": 25, "cache_creation_1h_input_tokens": 15,
    }  # fmt: skip
    assert (row["session"], row["project_path"], row["origin_rank"]) == ("s1", "/src/shop", 0)
    assert (row["provider"], row["request_model"], row["reported_cost"]) == ("anthropic", "claude-opus-4-5", "0.0174")


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([answer((0, 0, 0, 0))], 0),
        ([told(answer(), stopReason="aborted")], 1),
        ([answer(), answer()], 1),
        ([answer(), answer((4, 20, 100, 40))], 2),
        ([answer(), answer(at="2026-10-07T10:00:09.001Z")], 2),
        ([told(answer(), responseId="r1"), told(answer((3, 25, 100, 40)), responseId="r1")], 1),
        ([told(answer(), responseId="r1"), told(answer(), responseId="r2")], 2),
        ([told(answer(), role="toolResult")], 0),
        ([{"type": "compaction", "timestamp": "2026-10-07T10:00:09Z", "usage": answer()["message"]["usage"]}], 1),
        ([{"type": "branch_summary", "timestamp": "2026-10-07T10:00:09Z", "summary": "usage"}], 0),
    ],
    ids=[
        "nothing used", "broken off", "same", "other counts", "other time", "one id", "two ids", "a tool's",
        "compaction", "summary without usage",
    ],
)  # fmt: skip
def test_what_counts(tmp_path: Path, lines: list[Json], found: int) -> None:
    """Answers and summaries that used something, each once."""
    assert len(rows_of(SOURCE, write_lines(tmp_path / "s.jsonl", [HEAD, *lines]))) == found


@pytest.mark.parametrize(
    "line",
    [
        {"type": "model_change", "provider": "openai", "modelId": "gpt-5.1"},
        {"type": "custom", "customType": "model-snapshot", "data": {"provider": "openai", "modelId": "gpt-5.1"}},
        {**HEAD, "provider": "openai", "modelId": "gpt-5.1"},
        told(answer((1, 1, 1, 1)), provider="openai", model="gpt-5.1"),
    ],
)
def test_model_of_an_earlier_line(tmp_path: Path, line: Json) -> None:
    """An answer that names no model has the last one that was named, also when the file is read on."""
    path = write_lines(tmp_path / "s.jsonl", [HEAD, line])
    first = SOURCE.decode(Tail(str(path)))
    with path.open("a") as file:
        file.write(json.dumps(told(answer(), provider=None, model=None)) + "\n")
    second = SOURCE.decode(Tail(str(path), first.offset, first.line, first.state))

    assert (second.columns["request_model"], second.columns["provider"]) == (["gpt-5.1"], ["openai"])


@pytest.mark.parametrize("cost", [0, None])
def test_no_estimate(tmp_path: Path, cost: object) -> None:
    """An estimate of 0 is none."""
    path = write_lines(tmp_path / "s.jsonl", [HEAD, answer(cost={"total": cost})])

    assert row_of(SOURCE, path)["reported_cost"] is None


def test_copies_belong_to_the_original(tmp_path: Path) -> None:
    """What a branch copied names the session it came from, in any order; its own answers are its own."""
    own = answer(at="2026-10-07T11:00:05.000Z")
    files = [write_lines(tmp_path / "a", [HEAD, answer()]), write_lines(tmp_path / "b", [COPY, answer(), own])]

    for order in (files, files[::-1]):
        rows = sorted(together(SOURCE, order).values(), key=lambda row: str(row["charge_period_start"]))
        assert [row["session"] for row in rows] == ["s1", "s2"]


def test_bad_lines(tmp_path: Path) -> None:
    """What cannot be counted is refused."""
    lines = [HEAD, answer((-1, 20, 0, 0)), answer((1, 20, 0, "x")), answer(at="", cacheWrite1h=50)]
    path = write_lines(tmp_path / "s.jsonl", lines)

    assert rows_of(SOURCE, path) == []
    assert [reason.split(" is ")[0] for reason in reasons(SOURCE, path)] == [
        "impossible count: uncached_input_tokens", "impossible count: cacheWrite",
        "usage without a usable timestamp: None",
    ]  # fmt: skip


@given(st.data())
def test_branches_add_nothing(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Copies of parts, in any order, with and without response ids, add up to the whole."""
    folder = tmp_path_factory.mktemp("pi")
    lines = [
        told(answer((n, n + 1, 0, 2)), responseId=data.draw(st.sampled_from([None, f"r{n}"])))
        for n in range(data.draw(st.integers(1, 6)))
    ]
    whole = rows_of(SOURCE, write_lines(folder / "whole.jsonl", [HEAD, *lines]))
    files = [
        write_lines(folder / f"{n}.jsonl", [data.draw(st.sampled_from([HEAD, COPY])), *part])
        for n, part in enumerate(pieces(data, lines))
    ]

    assert totals(together(SOURCE, files).values()) == totals(whole)


@pytest.mark.parametrize(
    ("name", "answers", "tokens", "cost"),
    [
        ("before-compaction.jsonl", 346, 39_457_637, "28.391858"),
        ("large-session.jsonl", 439, 47_609_906, "30.330198"),
    ],
)
def test_real_sessions(shared: Path, name: str, answers: int, tokens: int, cost: str) -> None:
    """Totals of two real sessions, one of them a branch, with plain reading beside."""
    path = shared / "samples" / "agent-logs" / "pi" / name
    expected: Counter[str] = Counter()
    for line in path.read_text().splitlines():
        expected.update({k: v for k, v in json.loads(line).get("message", {}).get("usage", {}).items() if k in NAMES})
    rows = rows_of(SOURCE, path)
    found = totals(rows)

    assert fitting(path) == ["pi"]
    assert reasons(SOURCE, path) == []
    assert (len(rows), expected.total()) == (answers, tokens)
    assert {name: found[column] for name, column in zip(NAMES, (
        "uncached_input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_5m_input_tokens",
    ), strict=True)} == expected  # fmt: skip
    assert round(sum(Decimal(row["reported_cost"]) for row in rows), 6) == Decimal(cost)


def test_real_branch_is_a_copy(shared: Path) -> None:
    """All but the first answers of the real branch are older than its file: they are of the session it came from."""
    rows = rows_of(SOURCE, shared / "samples" / "agent-logs" / "pi" / "before-compaction.jsonl")

    assert Counter(row["origin_rank"] for row in rows)[1] > 300
    assert {row["project_path"].rpartition("/")[2] for row in rows} == {"pi-mono"}


def test_real_fixtures(shared: Path) -> None:
    """Every file of the family is known as such; some hold no answer that used anything."""
    folder = shared / "samples" / "agent-logs" / "pi"
    files = [*folder.glob("PiFamily/**/*.jsonl"), *folder.glob("arcreflex_fixtures/**/*.jsonl")]

    assert {path.name.partition(".")[0]: len(rows_of(SOURCE, path)) for path in files if fitting(path) == ["pi"]} == {
        "2026-08-03T12-00-00-000Z_omp-fixture": 0, "2026-08-03T11-00-00-000Z_omp-legacy": 0,
        "2026-08-03T12-00-00-000Z_pi-fixture": 0, "basic-conversation": 2, "branching": 3, "with-compaction": 2,
        "with-thinking": 1, "with-tools": 2,
    }  # fmt: skip
