"""Memory of its own (RssAnon of all processes) while reading ever more agent logs: it has to stay flat."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator

from bench import gen_claude_home
from bench.measure import anonymous_megabytes
from bench.peers import MissingError
from bench.place import Place, Sizes, agree, ingest
from bench.table import Result, ceiling

GOAL_MEGABYTES = 500


def gigabytes(sizes: Sizes) -> float:
    """Return the disk space that is needed."""
    return max(sizes.memory) * 1.3 / 1000


def measure(place: Place) -> Iterator[Result]:
    """Measure a first ingest at each size."""
    if sys.platform != "linux":
        msg = "memory is measured with /proc"
        raise MissingError(msg)
    home, store = place.folder / "home", place.folder / "store"
    for megabytes in place.sizes.memory:
        truth = gen_claude_home.write(home, megabytes, seed=megabytes)
        what = f"memory of first `ingest`, {megabytes / 1000:g} GB of logs"
        yield ceiling(what, anonymous_megabytes(place.job(ingest(store, home / ".claude"))), GOAL_MEGABYTES)
        agree(what, place.totals(store)["total_tokens"], truth.total_tokens)
        shutil.rmtree(home)
        shutil.rmtree(store)
