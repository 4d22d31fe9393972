"""A home of Claude Code logs: first ingest, nothing new, one per cent appended; against ccusage, which reads it all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from bench import gen_claude_home
from bench.gen_claude_home import Truth
from bench.measure import Job, seconds, side_by_side
from bench.peers import ccusage
from bench.place import Place, Sizes, agree, ingest, report
from bench.table import Result, ratio


def gigabytes(sizes: Sizes) -> float:
    """Return the disk space that is needed."""
    return sizes.home * 1.5 / 1000 + 0.1


def measure(place: Place) -> Iterator[Result]:
    """Measure the ways to come to a report."""
    program, home, store = ccusage(place.cache), place.folder / "home", place.folder / "store"
    gen_claude_home.write(home, place.sizes.home)
    size = f"{place.sizes.home / 1000:g} GB Claude Code home"
    refresh = place.job(report(store, "csv", "--refresh"))
    first = place.job(ingest(store, home / ".claude"), report(store, "csv"), before=place.remove("store"))
    at_once = _at_home(place.job(report(store, "csv", "--refresh"), before=place.remove("store")), home)
    for what, job, before, goal in (
        (f"first `ingest` and `report`, {size}", first, None, 1.0),
        (f"first `report --refresh`, {size}", at_once, None, 1.0),
        (f"`report --refresh`, nothing new, {size}", refresh, None, 0.4),
        (f"`report --refresh`, 1 % appended, {size}", refresh, _growing(home, place.sizes.home / 100), 0.6),
    ):
        yield _against(place, what, job, _peer(place, program, home), before, goal)
        seconds(refresh)
        agree(what, place.totals(store)["total_tokens"], Truth.load(home).total_tokens)


def _against(place: Place, what: str, job: Job, peer: Job, before: Callable[[], object] | None, goal: float) -> Result:
    """Measure one job in turn with ccusage; both find what `before` made."""
    ours, theirs = side_by_side([job._replace(before=before) if before else job, peer], place.sizes.rounds)
    return ratio(what, ours, theirs, "ccusage", goal)


def _growing(home: Path, megabytes: float) -> Callable[[], object]:
    """Return what appends that much to a home, other responses each time."""
    seeds = count(1000)
    return lambda: gen_claude_home.grow(home, megabytes, next(seeds))


def _peer(place: Place, program: Path, home: Path) -> Job:
    return _at_home(place.job((program, "claude", "daily", "--offline", "--json")), home)


def _at_home(job: Job, home: Path) -> Job:
    """Return a job of the person whose logs lie in `home`."""
    return job._replace(env={**job.env, "HOME": str(home), "CLAUDE_CONFIG_DIR": str(home / ".claude")})
