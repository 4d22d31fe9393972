"""Measure tokenaudit side by side with what is installed, in one run, and print one table of ratios.

    python -m bench.run [--quick] [--only startup,claude,rows,check,memory,prices] [--work DIR] [--cache DIR]

Times are medians of runs in turn, each in fresh processes, after one unmeasured run. Everything is written below a
temporary folder (`--work` names another place for it) and removed at the end; only the ccusage program stays, in
`--cache`. Before the times count, the totals of tokenaudit are compared with what the generators wrote.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import group_check, group_claude, group_memory, group_prices, group_rows, group_startup
from bench.measure import FailedError
from bench.peers import MissingError
from bench.place import Place, Sizes
from bench.table import Result, failed, layout, skipped

ROOT = Path(__file__).resolve().parents[1]
FULL = Sizes(home=1_100, memory=(1_000, 10_000), rows=10_000_000, rounds=5)
QUICK = Sizes(home=110, memory=(100, 1_000), rows=1_000_000, rounds=3)
GROUPS: dict[str, tuple[Callable[[Place], Iterator[Result]], Callable[[Sizes], float]]] = {
    "startup": (group_startup.measure, group_startup.gigabytes),
    "claude": (group_claude.measure, group_claude.gigabytes),
    "rows": (group_rows.measure, group_rows.gigabytes),
    "check": (group_check.measure, group_check.gigabytes),
    "memory": (group_memory.measure, group_memory.gigabytes),
    "prices": (group_prices.measure, group_prices.gigabytes),
}
"""What is measured, and the disk space it needs."""


def main() -> None:
    """Read the command line, measure and print the table."""
    options = _options()
    sizes = QUICK if options.quick else FULL
    results = [result for name in options.only.split(",") for result in _measured(name, sizes, options)]
    print(layout(results))
    if options.quick:
        print("\nGoals are meant for the full sizes: small data mostly measure how long programs take to start.")
    sys.exit(any(result.verdict == "FAILED" for result in results))


def _measured(name: str, sizes: Sizes, options: argparse.Namespace) -> list[Result]:
    """Measure one group in a folder of its own, which is removed afterwards."""
    measure, gigabytes = GROUPS[name]
    folder = Path(tempfile.mkdtemp(prefix=f"tokenaudit-bench-{name}-", dir=options.work))
    try:
        free, need = shutil.disk_usage(folder).free / 1e9, gigabytes(sizes)
        if free < need:
            return [skipped(name, f"needs {need:.1f} GB of disk, {free:.1f} GB are free")]
        return _told(measure(Place(folder, options.cache, sizes)), name)
    finally:
        shutil.rmtree(folder)


def _told(results: Iterator[Result], name: str) -> list[Result]:
    """Collect results and tell each as it comes; what is missing or fails ends the group with the reason."""
    collected: list[Result] = []
    try:
        for result in results:
            collected.append(result)
            print(*filter(None, result), file=sys.stderr, flush=True)
    except MissingError as error:
        collected.append(skipped(name, str(error)))
    except FailedError as error:
        print(error, file=sys.stderr, flush=True)
        collected.append(failed(name))
    return collected


def _path(text: str) -> Path:
    return Path(text).absolute()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data")
    parser.add_argument("--only", default=",".join(GROUPS), help="groups to measure (default: all)")
    parser.add_argument("--work", type=_path, help="folder for what is made and removed again")
    parser.add_argument("--cache", type=_path, default=ROOT / ".bench", help="folder that keeps ccusage")
    return parser.parse_args()


if __name__ == "__main__":
    main()
