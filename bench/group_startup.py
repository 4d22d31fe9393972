"""Small stores, where starting up is all that takes time: as a ratio to Python itself and to importing polars."""

from __future__ import annotations

from collections.abc import Iterator

from bench import gen_claude_home
from bench.measure import seconds, side_by_side
from bench.place import PYTHON, QUICK_ROUNDS, Place, Sizes, ingest, report, tokenaudit
from bench.table import Result, ratio


def gigabytes(_sizes: Sizes) -> float:
    """Return the disk space that is needed."""
    return 0.1


def measure(place: Place) -> Iterator[Result]:
    """Measure commands on a store of one megabyte of logs."""
    home, store = place.folder / "home", place.folder / "store"
    gen_claude_home.write(home, 1)
    seconds(place.job(ingest(store, home / ".claude")))
    nothing, polars = (PYTHON, "-c", "pass"), (PYTHON, "-c", "import polars")
    for what, command, peer, goal in (
        ("`--help`", tokenaudit("--help"), nothing, 14.0),
        ("`ingest`, nothing new", ingest(store, home / ".claude"), nothing, 20.0),
        ("`report -f csv`, small store", report(store, "csv"), polars, 1.6),
        ("`report`, small store", report(store, "table"), polars, 2.0),
    ):
        ours, theirs = side_by_side([place.job(command), place.job(peer)], QUICK_ROUNDS)
        yield ratio(what, ours, theirs, f"`python -c '{peer[-1]}'`", goal)
