"""Score how anomalies are found on the first day, and whether the right part of a total is named as what carries it.

    python -m bench.anomaly_naming --data FOLDER [--seeds 21,22,23]

Of each person's total one part (an agent, an account, a model) gets a day of FACTOR times the total's mean day on top,
on random days. Parts that the histories do not split are no cases. FOLDER holds `evaluate.py` with its data.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.forecast_prior import History, people, side_by_side
from tokenaudit.forecast.detect import carried, flags
from tokenaudit.forecast.panel import MONTH, Floats, Panel

FACTORS = (5, 10, 20)
DAYS = 20
"""Random days of each person and factor."""
WARM = 60
"""Days of history before the first case."""


class Case(NamedTuple):
    """A day on which one part of a total ran away."""

    found: bool
    """The total is flagged on that day."""
    named: bool
    """The part that ran away carries most of the excess, of those flagged."""


def split(history: History) -> Panel | None:
    """Return the parts that a person's total is made of; the finest split there is, None where there is none."""
    levels = ("/entity+client/", "/entity/", "/model/")
    found = [{name: item for name, item in history.items() if level in name} for level in levels]
    parts = next((items for items in found if len(items) > 1), None)
    return None if parts is None else side_by_side(parts)[0]


def cases(parts: Panel, factor: float, random: np.random.Generator) -> Iterator[Case]:
    """Yield the cases of a person: the total up to a day on which one part got `factor` times the total's mean more."""
    last = parts.days
    for column in random.integers(WARM, last, DAYS) if last > WARM else ():
        table = parts.values[:, : column + 1].copy()
        alive = np.flatnonzero(table[:, -MONTH:].sum(axis=1) > 0)
        if not len(alive):
            continue
        chosen = int(random.choice(alive))
        table[chosen, -1] += factor * table.sum(axis=0)[-MONTH - 1 : -1].mean()
        yield _case(parts, table, chosen)


def _case(parts: Panel, table: Floats, chosen: int) -> Case:
    total = Panel(["total"], ["total"], parts.first, table.sum(axis=0)[None], parts.start[:1] * 0)
    found = [flag for flag in flags(total) if flag.column == total.days - 1]
    if not found:
        return Case(found=False, named=False)
    excess = carried(Panel(parts.names, parts.dims, parts.first, table, parts.start), found[0])
    return Case(found=True, named=int(excess.argmax()) == chosen)


def main() -> None:
    """Print the shares by factor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", default="21,22,23")
    options = parser.parse_args()
    splits = [split(history) for history in people(options.data).values()]
    panels = [parts for parts in splits if parts is not None]
    print(f"{len(panels)} people with parts, seeds {options.seeds}\nfactor  cases  flagged that day  right part named")
    for factor in FACTORS:
        generators = [np.random.default_rng(int(seed)) for seed in options.seeds.split(",")]
        found = [case for random in generators for panel in panels for case in cases(panel, factor, random)]
        flagged = [case for case in found if case.found]
        named = np.mean([case.named for case in flagged])
        print(f"x{factor:<5d}{len(found):7d}{len(flagged) / len(found):18.2f}{named:18.2f}")


if __name__ == "__main__":
    main()
