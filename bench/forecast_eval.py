"""Score the forecasts on public histories, each person against a prior that was learned without that person.

    python -m bench.forecast_eval --data FOLDER [--set tok] [--seeds 11,12,13]

FOLDER holds `evaluate.py`, which makes the cases (ids permuted, values scaled, dates shifted, by seed) and scores them.
Added to what it scores: how true P(over) is, and how forecasts compare with the run-rates in percent.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import date
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from bench.forecast_prior import History, build, evaluation, people, person_of
from tokenaudit.forecast.contract import BANDS, read_panel, targets
from tokenaudit.forecast.engine import Totals, learn
from tokenaudit.forecast.panel import Floats
from tokenaudit.forecast.prior import ready

FARTHEST = 90
BUDGETS = (0.5, 0.8, 1.0, 1.25, 2.0)
"""Budgets that P(over) is judged by, in mean days of the last four weeks."""
RIVALS = {"month": "mtd_mean", "week": "m7"}
HEAD = "target       n  cov80 cov95 worst pinball width | log   month  week | WAPE  month  week | ECE   Brier"


class Priors:
    """Priors without one person each, built when they are asked for."""

    def __init__(self, histories: dict[str, History]) -> None:
        self.histories = histories
        self.made: dict[str, Floats] = {}

    def without(self, person: str) -> Floats:
        """Return the prior that has not seen a person."""
        if person not in self.made:
            self.made[person] = ready(build(self.histories, [person]))
        return self.made[person]


class Scored(NamedTuple):
    """One forecast and what became of it."""

    target: str
    ours: dict[str, Any]
    rivals: dict[str, dict[str, Any]]
    over: list[tuple[float, bool, bool]]
    """Of each budget: its chance to be exceeded, whether it was, and whether month to date says so."""


def made(module: ModuleType, panel: str, seed: int, folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the cases of a seed: the CSV, and what happened."""
    with redirect_stdout(StringIO()):
        module.make(Namespace(out=str(folder), split="dev", set=panel, seed=seed))
    for path in sorted(folder.glob("*.csv")):
        yield path, json.loads(path.with_suffix(".truth.json").read_text(encoding="utf-8"))


def scored(path: Path, truth: dict[str, Any], priors: Priors) -> Iterator[Scored]:
    """Yield the forecasts of a case, each person's made without that person's prior."""
    panel = read_panel(path, date.fromisoformat(path.stem))
    known = learn(panel, FARTHEST)
    for person in sorted({person_of(item["name"]) for item in truth.values()}):
        made_of = targets(known.outlook(priors.without(person)))
        for at, name in enumerate(panel.names):
            if name in truth and person_of(truth[name]["name"]) == person:
                for target, happened in truth[name]["targets"].items():
                    yield _scored(target, made_of[target], at, {**truth[name], **happened, "id": name})


def _scored(target: str, totals: Totals, at: int, case: dict[str, Any]) -> Scored:
    common = {"id": case["id"], "src": case["src"], "A": case["actual"], "c": case["c"] + 1e-12}
    row = totals.spread[at]
    one = Totals(totals.so_far[at : at + 1], totals.middle[at : at + 1], row[None])
    bands = [float(one.at(level)[0]) for level in BANDS.values()]
    rates = {name: case["base"] + case[key] * case["h"] for name, key in RIVALS.items()}
    limits = [case["base"] + factor * case["m28"] * case["h"] for factor in BUDGETS]
    over = [(float(one.over(limit)[0]), case["actual"] > limit, rates["month"] > limit) for limit in limits]
    rivals = {name: {**common, "F": rate, "q": None} for name, rate in rates.items()}
    return Scored(target, {**common, "F": bands[2], "q": bands}, rivals, over)


def summary(module: ModuleType, found: list[Scored]) -> dict[str, Any]:
    """Return the measures of the forecasts of one target."""
    ours: dict[str, Any] = module.metrics([item.ours for item in found])
    rivals = {name: module.metrics([item.rivals[name] for item in found]) for name in RIVALS}
    chance, happened, naive = np.array([case for item in found for case in item.over], float).T
    place = np.clip((chance * 10).astype(int), 0, 9)
    gaps = [abs(chance[place == b].mean() - happened[place == b].mean()) * (place == b).mean() for b in set(place)]
    brier = ((chance - happened) ** 2).mean() / ((naive - happened) ** 2).mean()
    logs = {f"log_{name}": 1 - ours["abslog"] / rival["abslog"] for name, rival in rivals.items()}
    wape = {f"wape_{name}": 1 - ours["WAPE_median_series"] / r["WAPE_median_series"] for name, r in rivals.items()}
    return ours | logs | wape | {"ece": sum(gaps), "brier": 1 - brier}


def line(target: str, found: list[dict[str, Any]]) -> str:
    """Return the means over seeds as a line of the table."""

    def mean(key: str) -> float:
        return float(np.mean([item[key] for item in found if item[key] is not None]))

    worst = min((item["cov80_worst_source"] for item in found if item["cov80_worst_source"] is not None), default=0)
    left = f"{target:10s}{mean('n'):5.0f}  {mean('cov80'):.3f} {mean('cov95'):.3f} {worst:.2f}  "
    middle = f"{mean('pinball_log'):.3f}   {mean('width80_log'):.2f}  | {mean('abslog'):.3f} "
    middle += f"{mean('log_month'):+.1%} {mean('log_week'):+.1%} | {mean('WAPE_median_series'):.3f} "
    return f"{left}{middle}{mean('wape_month'):+.1%} {mean('wape_week'):+.1%} | {mean('ece'):.3f} {mean('brier'):+.0%}"


def main() -> None:
    """Print the table of a panel."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", choices=["tok", "m5agg"], default="tok")
    parser.add_argument("--seeds", default="11,12,13")
    options = parser.parse_args()
    module, priors = evaluation(options.data), Priors(people(options.data))
    results: dict[str, list[dict[str, Any]]] = {}
    for seed in map(int, options.seeds.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            cases = made(module, options.set, seed, Path(folder))
            found = [item for path, truth in cases for item in scored(path, truth, priors)]
        for target in module.TG:
            chosen = [item for item in found if item.target == target]
            results.setdefault(target, []).append(summary(module, chosen))
    print(f"{options.set}, seeds {options.seeds}\n{HEAD}")
    for target, of_seeds in results.items():
        print(line(target, of_seeds))


if __name__ == "__main__":
    main()
