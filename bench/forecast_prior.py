"""Learn the shipped prior of forecasts from public histories: what forecasts of each person's series missed by.

    python -m bench.forecast_prior --data FOLDER --output tokenaudit/forecast/data/prior.npz [--without PERSON]

FOLDER holds `evaluate.py` with its development data, which says what the series of a person are. Every person counts
by the root of what they tell, so that nobody's habits become the rule. Only counts of residuals leave this script.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Collection, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tokenaudit.forecast.engine import missed, past_origins
from tokenaudit.forecast.experts import sporadic_levels
from tokenaudit.forecast.panel import Floats, Panel
from tokenaudit.forecast.pool import weights
from tokenaudit.forecast.prior import KINDS, kind_of, save
from tokenaudit.forecast.residuals import HORIZONS, SHAPE, Residuals, counted

EVERY, BACK = 4, 10_000
TEAM_DAYS = 250
"""Days of a team-like series that are learned from: as long as the people's histories."""
History = dict[str, tuple[Any, Any]]
"""Series of one person by name: the first day, and one value a day."""


def evaluation(folder: Path) -> ModuleType:
    """Return the module `evaluate.py` of a folder."""
    spec = importlib.util.spec_from_file_location("evaluate", folder / "evaluate.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"no evaluate.py in {folder}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def person_of(name: str) -> str:
    """Return whose series that is: the name up to the first separator, whatever is split off it.

    >>> person_of("ann/model/x"), person_of("ann_models/model/x"), person_of("CA_1|FOODS_1")
    ('ann', 'ann', 'CA_1')
    """
    return name.split("/", maxsplit=1)[0].split("|", maxsplit=1)[0].removesuffix("_models").removesuffix("_seed")


def people(folder: Path) -> dict[str, History]:
    """Return the series of each person, and of each store as a team."""
    module = evaluation(folder)
    found: dict[str, History] = {}
    for name, history in module.tok("dev").items():
        found.setdefault(person_of(name), {})[name] = history
    for name, (first, values) in module.m5("dev", "agg").items():
        cut = max(0, len(values) - TEAM_DAYS)
        found.setdefault(person_of(name), {})[name] = (first + timedelta(days=cut), values[cut:])
    return found


def side_by_side(history: History) -> tuple[Panel, np.typing.NDArray[np.int64]]:
    """Return the series of a person as a panel, and the column after the last of each."""
    first = min(begin for begin, _ in history.values())
    starts = np.array([(begin - first).days for begin, _ in history.values()])
    ends = starts + [len(values) for _, values in history.values()]
    table = np.zeros((len(history), int(ends.max())))
    for row, (values, start, end) in enumerate(zip((v for _, v in history.values()), starts, ends, strict=True)):
        table[row, start:end] = values
    dims = ["model" if "/model/" in name else "user" for name in history]
    return Panel(list(history), dims, first, table, starts), ends


def learned(history: History) -> Iterator[tuple[int, Floats]]:
    """Yield kind and counts of what forecasts of a person's series missed by; windows of a person weigh alike."""
    panel, ends = side_by_side(history)
    origins = past_origins(panel, sporadic_levels(panel), EVERY, BACK)
    found = missed(panel, origins, weights(panel, origins))
    found = found.where(found.column + HORIZONS[found.horizon] <= ends[found.series])
    kind = np.array([kind_of(dim) for dim in panel.dims])[found.series]
    number = np.bincount(found.horizon, minlength=len(HORIZONS))
    weight = 1 / np.sqrt(np.maximum(number, 1))[found.horizon]
    for place in range(len(KINDS)):
        yield place, _counts(found, weight, kind == place)


def _counts(found: Residuals, weight: Floats, chosen: np.typing.NDArray[np.bool_]) -> Floats:
    return counted(found.where(chosen), weight[chosen])


def build(histories: dict[str, History], without: Collection[str] = ()) -> Floats:
    """Return the prior's counts, learned from all people but those `without`."""
    counts = np.zeros((len(KINDS), *SHAPE))
    for person in sorted(histories.keys() - set(without)):
        for place, found in learned(histories[person]):
            counts[place] += found
    return counts.astype(np.float32).astype(np.float64)


def main() -> None:
    """Write the prior."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--without", action="append", default=[])
    options = parser.parse_args()
    histories = people(options.data)
    save(build(histories, options.without), options.output)
    print(f"{len(histories) - len(set(options.without) & histories.keys())} people and teams: {options.output}")


if __name__ == "__main__":
    main()
