"""Millions of canonical usage rows: into the store against DuckDB writing Parquet, and grouped by both engines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from bench import gen_usage
from bench.measure import seconds, side_by_side
from bench.peers import duckdb
from bench.place import PYTHON, Place, Sizes, agree, ingest, report
from bench.table import Result, ratio

HERE = Path(__file__).parent
DUCK, OURS = (PYTHON, HERE / "duck.py"), (PYTHON, HERE / "ours.py")
GOALS = {"csv": 1.2, "jsonl": 2.5}
ROUNDS = 3
"""Minutes each: fewer rounds than elsewhere."""


def gigabytes(sizes: Sizes) -> float:
    """Return the disk space that is needed: both files, a store and a Parquet file at a time."""
    return sizes.rows * 900 / 1e9


def measure(place: Place) -> Iterator[Result]:
    """Measure reading and grouping."""
    duckdb()
    gen_usage.write(place.folder / "in", place.sizes.rows, gen_usage.PART_ROWS, 7, list(GOALS))
    for kind, goal in GOALS.items():
        yield _read(place, kind, goal)
    yield from _grouped(place)


def _read(place: Place, kind: str, goal: float) -> Result:
    """Measure one file into a fresh store, in turn with DuckDB."""
    source, store, target = place.folder / "in" / f"usage.{kind}", place.folder / kind, place.folder / "duck.parquet"
    ours, theirs = side_by_side(
        [
            place.job(ingest(store, source), before=place.remove(kind)),
            place.job((*DUCK, kind, source, target), before=lambda: target.unlink(missing_ok=True)),
        ],
        ROUNDS,
    )
    agree(kind, place.totals(store)["total_tokens"], _generated(place))
    return ratio(f"{_rows(place)} {kind.upper()} rows into the store", ours, theirs, "DuckDB to Parquet", goal)


def _grouped(place: Place) -> Iterator[Result]:
    """Measure queries on a store that was filled in one go, so that every segment file counts."""
    store = place.folder / "fresh"
    seconds(place.job(ingest(store, place.folder / "in" / "usage.csv")))
    peer = place.job((*DUCK, "group", store))
    for what, command, goal in (
        ("group by user and model", (*OURS, store), 1.0),
        ("`report --by user,model -f csv`", report(store, "csv", "--by", "user,model"), None),
    ):
        ours, theirs = side_by_side([place.job(command), peer], ROUNDS)
        yield ratio(f"{what}, {_rows(place)} rows", ours, theirs, "DuckDB group by", goal)


def _rows(place: Place) -> str:
    return f"{place.sizes.rows / 1e6:g} million"


def _generated(place: Place) -> int:
    truth = json.loads((place.folder / "in" / "truth.json").read_text(encoding="utf-8"))
    return sum(truth[name] for name in ("uncached_input_tokens", "cache_read_input_tokens", "output_tokens"))
