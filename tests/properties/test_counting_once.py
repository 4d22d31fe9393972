"""The same lines give the same store: in any order, in pieces or whole, repeated, copied and grown."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit.ingest.read import file_digest

if TYPE_CHECKING:
    from tests.properties.conftest import Lab

    NewLab = Callable[..., AbstractContextManager[Lab]]

EXAMPLES = settings(max_examples=5)
DAY = 86_400
START = 1_790_812_800
"""2026-10-01."""
USER = '{"type":"user","sessionId":"s","message":{"role":"user","content":"go on"}}\n'


# -- lines of a log ---------------------------------------------------------------------------------------------------
def message(response: int, output: int, parts: list[Any], *, final: bool) -> dict[str, Any]:
    """Return the message of a line."""
    return {
        "id": f"msg_{response}",
        "model": None if output == 3 else "claude-opus-5-5",
        "stop_reason": "end_turn" if final else None,
        "content": [{"type": "text", "text": "x" * 20 * output}],
        "usage": {
            "input_tokens": response,
            "cache_creation_input_tokens": 7 * (output % 2),
            "output_tokens": output,
            "service_tier": "standard" if output % 3 else None,
            "speed": (None, "standard", "fast")[output % 3] if output > 6 else None,
            "iterations": parts,
        },
    }


def line(response: int, output: int, second: int, kind: str, place: int) -> dict[str, Any]:
    """Return a line of a response; what it does not say of itself says the file it stands in."""
    parts = [{"type": "advisor_message", "output_tokens": output}] * (response == 1)
    inner = {
        "timestamp": f"2026-10-0{1 + response}T23:59:{second + 50}.000Z",
        "requestId": "req",
        "uuid": f"u{output}",
        "message": message(response, output, parts, final=kind == "final"),
    }
    outer = {"cwd": f"/src/{place}", "gitBranch": f"b{place}", "costUSD": output / 8}
    if kind == "progress":
        data = {"type": "agent_progress", "agentId": "a1", "message": inner}
        return {"type": "progress", "timestamp": "2026-11-01T00:00:00.000Z", "data": data, **outer}
    return {"type": "assistant", "isSidechain": kind == "side", **inner, **outer}


LINES = st.builds(
    line,
    st.integers(0, 3), st.integers(0, 9), st.integers(0, 4),
    st.sampled_from(["main", "final", "side", "progress"]), st.integers(0, 1),
)  # fmt: skip


def text(found: dict[str, Any], session: str) -> str:
    """Return a line as a file of some session has it."""
    return json.dumps({**found, "sessionId": session}) + "\n"


@EXAMPLES
@given(
    files=st.lists(st.lists(LINES, min_size=1, max_size=5), min_size=1, max_size=3),
    steps=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 400), st.booleans()), max_size=6),
    shuffle=st.randoms(use_true_random=False),
)
def test_files_that_grow_in_any_order(
    new_lab: NewLab, files: list[list[dict[str, Any]]], steps: list[tuple[int, int, bool]], shuffle: Random
) -> None:
    """However the files grew, byte by byte, and whichever was read when: the store is that of reading all at once."""
    whole = {f"{n}.jsonl": "".join(text(found, f"s{n}") for found in lines) for n, lines in enumerate(files)}
    with new_lab() as grown, new_lab(whole) as once, new_lab() as one_by_one:
        rest = dict(whole)
        for n, size, read in steps:
            name = f"{n % len(files)}.jsonl"
            grown.add(name, rest[name][:size])
            rest[name] = rest[name][size:]
            if read:
                grown.ingest()
        for name, left in rest.items():
            grown.add(name, left)
        grown.ingest()
        grown.ingest()
        names = list(whole)
        shuffle.shuffle(names)
        for name in (*names, names[0]):
            one_by_one.add(name, whole[name] if not (one_by_one.files / name).exists() else "")
            one_by_one.ingest(name)

        assert grown.rows() == once.rows() == one_by_one.rows()


@EXAMPLES
@given(
    lines=st.lists(LINES, min_size=1, max_size=8),
    where=st.lists(st.sets(st.integers(0, 3), min_size=1, max_size=3), min_size=8, max_size=8),
)
def test_lines_that_are_spread_and_repeated(
    new_lab: NewLab, lines: list[dict[str, Any]], where: list[set[int]]
) -> None:
    """One file, or its lines over several files, some of them in more than one: counts and instants are the same."""
    ours = sorted(lines, key=lambda found: str(found.get("timestamp")))
    spread: dict[str, str] = defaultdict(str)
    for found, places in zip(ours, where, strict=False):
        for n in places:
            spread[f"{n}.jsonl"] += text(found, "s")
    with new_lab({"all.jsonl": "".join(text(found, "s") for found in ours)}) as one, new_lab(spread) as many:
        place = {"project", "project_path", "tags"}
        first, second = ([{k: row[k] for k in row.keys() - place} for row in lab.rows()] for lab in (one, many))

        assert first == second


# -- buckets of an export ---------------------------------------------------------------------------------------------
Bucket = tuple[int, int, int]
"""Day, project and output of a row."""
BUCKETS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(1, 4)), min_size=1, max_size=5)


def export(rows: list[Bucket]) -> str:
    """Return an OpenAI usage export."""
    header = "start_time,end_time,project_id,model,num_model_requests,input_tokens,output_tokens\n"
    cells = (
        (START + day * DAY, START + (day + 1) * DAY, f"proj_{project}", "gpt-6.1-sol", 1, 0, output)
        for day, project, output in rows
    )
    return header + "".join(",".join(map(str, row)) + "\n" for row in cells)


def newest(lab: Lab, files: dict[str, list[Bucket]]) -> list[Bucket]:
    """Return the rows of each bucket's newest file: greatest last day, then more rows, then greater digest."""

    def rank(name: str) -> tuple[int, int, int]:
        rows = files[name]
        return max(day for day, _, _ in rows), len(rows), file_digest(str(lab.files / name))

    claims: dict[tuple[int, int], str] = {}
    for name in sorted(files, key=rank):
        days, projects = {row[0] for row in files[name]}, {row[1] for row in files[name]}
        claims.update(dict.fromkeys(((day, project) for day in days for project in projects), name))
    return sorted(row for key, name in claims.items() for row in files[name] if row[:2] == key)


@EXAMPLES
@given(downloads=st.lists(BUCKETS, min_size=1, max_size=4), shuffle=st.randoms(use_true_random=False))
def test_downloads_that_overlap(new_lab: NewLab, downloads: list[list[Bucket]], shuffle: Random) -> None:
    """Whatever the order of ingest, each bucket is that of the newest download that covers it, whole."""
    files = {f"{n}.csv": rows for n, rows in enumerate(downloads)}
    texts = {name: export(rows) for name, rows in files.items()}
    with new_lab(texts) as once, new_lab() as one_by_one:
        names = list(files)
        shuffle.shuffle(names)
        for name in (*names, names[0]):
            if not (one_by_one.files / name).exists():
                one_by_one.add(name, texts[name])
            one_by_one.ingest(name)
        found = [
            (row["charge_period_start"].day - 1, int(row["workspace"][-1]), row["output_tokens"]) for row in once.rows()
        ]

        assert one_by_one.rows() == once.rows()
        assert sorted(found) == newest(once, files)
