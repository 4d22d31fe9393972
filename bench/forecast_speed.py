"""Time forecasts and flags of many invented series: ``python -m bench.forecast_speed [--series 1000] [--days 90]``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from time import perf_counter

import numpy as np

from tokenaudit.forecast.contract import targets
from tokenaudit.forecast.detect import flags
from tokenaudit.forecast.engine import outlook
from tokenaudit.forecast.panel import Panel
from tokenaudit.forecast.prior import shipped


def invented(count: int, days: int) -> Panel:
    """Return series that are busy on seven days of ten."""
    random = np.random.default_rng(1)
    values = random.gamma(1.0, 1.0, (count, days)) * (random.random((count, days)) < 0.7)
    names = [f"s{number}" for number in range(count)]
    return Panel(names, ["user"] * count, date(2026, 1, 1), values, np.zeros(count, np.int64))


def best(run: Callable[[], object]) -> float:
    """Return the least of three times, in seconds."""
    times = []
    for _ in range(3):
        begun = perf_counter()
        run()
        times.append(perf_counter() - begun)
    return min(times)


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--days", type=int, default=90)
    options = parser.parse_args()
    panel = invented(options.series, options.days)
    shipped()
    print(f"{options.series:,} series of {options.days} days, best of three")
    print(
        f"forecasts, backtest of every third day and ranges included  {best(lambda: targets(outlook(panel, 31))):.2f} s"
    )
    print(f"flags of the last seven days                                {best(lambda: flags(panel)):.2f} s")


if __name__ == "__main__":
    main()
