"""Declared sources count as built-in ones do: in any order, in pieces or whole, repeated and downloaded again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit.config import Declared
from tokenaudit.ingest.read import file_digest
from tokenaudit.schema import TOKEN_CLASSES
from tokenaudit.sources import declare

if TYPE_CHECKING:
    from tests.properties.conftest import Lab

    NewLab = Callable[..., AbstractContextManager[Lab]]

EXAMPLES = settings(max_examples=10)
COLUMNS = {
    "charge_period_start": "at", "request_model": "model", "user": "who", "input_tokens": "use.in",
    "cache_read_input_tokens": "use.read", "output_tokens": "use.out", "reported_cost": "cost",
}  # fmt: skip
LOG = Declared("own-log", COLUMNS, identity="id", time="epoch_ms", money="cents")
PLAIN = Declared("own-lines", COLUMNS, time="epoch_ms", money="cents")
BILL = Declared(
    "own-bill",
    {"charge_period_start": "day", "request_model": "model", "project": "team", "billed_cost": "cost"},
    {"granularity": "day"}, identity=("charge_period_start", "project"), merge="newest", authority="bill",
)  # fmt: skip
START = 1_790_812_800_000
"""2026-10-01."""


@contextmanager
def declaring(*sources: Declared) -> Iterator[None]:
    """Make sources known for a while."""
    declare(sources)
    try:
        yield
    finally:
        declare(())


def line(call: int, size: int, cached: int, second: int, who: int) -> dict[str, Any]:
    """Return a line of a call."""
    use = {"in": size + cached, "read": cached, "out": size}
    return {
        "at": START + second * 1000, "id": f"c{call}", "model": "gpt-5", "who": ("ana", "bo", None)[who], "use": use,
        "cost": size / 8,
    }  # fmt: skip


LINES = st.builds(
    line, st.integers(0, 3), st.integers(1, 5), st.integers(0, 3), st.integers(0, 9), st.integers(0, 2)
)  # fmt: skip
Lines = list[dict[str, Any]]


def log(lines: Lines) -> str:
    """Return lines as a file."""
    return "".join(json.dumps(item) + "\n" for item in lines)


@EXAMPLES
@given(
    lines=st.lists(LINES, min_size=1, max_size=8),
    where=st.lists(st.sets(st.integers(0, 2), min_size=1, max_size=3), min_size=8, max_size=8),
    shuffle=st.randoms(use_true_random=False),
)
def test_calls_in_any_order_and_in_pieces(
    new_lab: NewLab, lines: Lines, where: list[set[int]], shuffle: Random
) -> None:
    """A call is one row with the largest counts, however its lines are spread, repeated, ordered and ingested."""
    pieces: dict[str, Lines] = {}
    for item, places in zip(lines, where, strict=False):
        for place in places:
            pieces.setdefault(f"{place}.jsonl", []).append(item)
    whole = [*lines, *lines[:2]]
    shuffle.shuffle(whole)
    with declaring(LOG), new_lab({"all.jsonl": log(whole)}) as one, new_lab() as many:
        for name in shuffle.sample(sorted(pieces), len(pieces)) * 2:
            if not (many.files / name).exists():
                many.add(name, log(pieces[name]))
            many.ingest(name)

        assert one.rows() == many.rows()
        assert {row["output_tokens"] for row in one.rows()} == {
            max(item["use"]["out"] for item in lines if item["id"] == call) for call in {item["id"] for item in lines}
        }


@EXAMPLES
@given(lines=st.lists(LINES, min_size=1, max_size=8), shuffle=st.randoms(use_true_random=False))
def test_lines_without_an_identity(new_lab: NewLab, lines: Lines, shuffle: Random) -> None:
    """Every line of one file counts, equal ones too, in any order; reading again and copies add nothing.

    No token stands in two classes: they add up to the input and output that the lines state.
    """
    other = shuffle.sample(lines, len(lines))
    with declaring(PLAIN), new_lab({"a.jsonl": log(lines)}) as one, new_lab({"b.jsonl": log(other)}) as two:
        two.add("copy.jsonl", log(other))
        two.ingest()
        two.ingest()

        assert one.rows() == two.rows()
        assert len(one.rows()) == len(lines)
        stated = sum(item["use"]["in"] + item["use"]["out"] for item in lines)
        assert sum(row[name] for row in one.rows() for name in TOKEN_CLASSES) == stated
        assert sum(row["reported_cost"] for row in one.rows()) * 800 == sum(item["use"]["out"] for item in lines)


Bucket = tuple[int, int, int]
"""Day, team and cost of a row."""
BUCKETS = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 1), st.integers(1, 4)), min_size=1, max_size=5)


def newest(lab: Lab, files: dict[str, list[Bucket]]) -> list[Bucket]:
    """Return the rows of each bucket's newest file: greatest last day, then more rows, then greater digest."""

    def rank(name: str) -> tuple[int, int, int]:
        return max(day for day, _, _ in files[name]), len(files[name]), file_digest(str(lab.files / name))

    claims = {row[:2]: name for name in sorted(files, key=rank) for row in files[name]}
    return sorted(row for bucket, name in claims.items() for row in files[name] if row[:2] == bucket)


@EXAMPLES
@given(downloads=st.lists(BUCKETS, min_size=1, max_size=4), shuffle=st.randoms(use_true_random=False))
def test_downloads_that_overlap(new_lab: NewLab, downloads: list[list[Bucket]], shuffle: Random) -> None:
    """Whatever the order of ingest, each bucket is that of the newest file that holds it, with all its rows."""
    files = {f"{n}.csv": rows for n, rows in enumerate(downloads)}
    texts = {
        name: "day,team,model,cost\n" + "".join(f"2026-10-0{day},t{team},gpt-5,{cost}\n" for day, team, cost in rows)
        for name, rows in files.items()
    }
    with declaring(BILL), new_lab(texts) as once, new_lab() as one_by_one:
        for name in shuffle.sample(sorted(files), len(files)) * 2:
            if not (one_by_one.files / name).exists():
                one_by_one.add(name, texts[name])
            one_by_one.ingest(name)
        found = [
            (row["charge_period_start"].day, int(row["project"][1:]), int(row["billed_cost"])) for row in once.rows()
        ]

        assert one_by_one.rows() == once.rows()
        assert sorted(found) == newest(once, files)
