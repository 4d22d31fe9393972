"""A million requests priced one by one: in a second, and against genai-prices, which prices a row at a time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.measure import FailedError
from bench.place import PYTHON, Place, Sizes
from bench.table import Result, ratio

ROOT = Path(__file__).resolve().parents[1]
ROWS, SAMPLE, ROUNDS = 1_000_000, 10_000, 5


def gigabytes(_sizes: Sizes) -> float:
    """Return the disk space that is needed."""
    return 0.1


def measure(place: Place) -> Iterator[Result]:
    """Measure pricing alone: Python has started, the file and the price book are read."""
    file = place.folder / "usage.parquet"
    _run("gen_priced", file, ROWS)
    turns = [(_seconds("ours", file), _seconds("genai", file, SAMPLE)) for _ in range(ROUNDS)]
    wall, busy = (median(ours[n] for ours, _ in turns) for n in (0, 1))
    theirs = median(theirs[1] for _, theirs in turns) * ROWS / SAMPLE
    yield ratio("1 million requests priced", wall, 1.0, "one second", 1.0)
    yield ratio("the same, time of all threads", busy, theirs, f"genai-prices, from {SAMPLE} rows,", 0.05)


def _seconds(who: str, file: Path, *rows: int) -> tuple[float, float]:
    """Return the seconds that pricing took, and those of all its threads."""
    wall, busy, _ = _run("priced", who, file, *rows).split()
    return float(wall), float(busy)


def _run(script: str, *arguments: object) -> str:
    """Run one of our scripts in a process of its own, and return what it prints."""
    command = [PYTHON, "-m", f"bench.{script}", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FailedError(done.stderr[-2000:])
    return done.stdout
