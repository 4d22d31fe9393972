"""`tokenaudit check` of 200 budgets on millions of requests, beside DuckDB grouping the same store once."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench import gen_usage
from bench.group_rows import DUCK
from bench.measure import FailedError, seconds, side_by_side
from bench.peers import duckdb
from bench.place import Place, Sizes, ingest, tokenaudit
from bench.table import Result, within

GOAL_SECONDS = 2.0
ROUNDS = 3
AS_OF = "2026-10-20"
"""A day in the tenth and last month of the rows."""
BUDGETS = 200
ALL = '[[budget]]\nid = "ever"\nlimits = [{ amount = 1_000_000_000, period = "total" }]\n'
"""What everything is compared by with what was generated."""
OVER = '[[budget]]\nid = "all"\nlimits = [{ amount = 900, period = "year" }]\n'


def gigabytes(sizes: Sizes) -> float:
    """Return the disk space that is needed: a CSV and a store."""
    return sizes.rows * 400 / 1e9


def measure(place: Place) -> Iterator[Result]:
    """Measure budgets of months, of the whole year, and with one that is over, whose culprits are looked for."""
    duckdb()
    source, store = place.folder / "in" / "usage.csv", place.folder / "store"
    gen_usage.write(place.folder / "in", place.sizes.rows, gen_usage.PART_ROWS, 7, ["csv"])
    seconds(place.job(ingest(store, source)))
    source.unlink()
    peer = place.job((*DUCK, "group", store))
    for what, periods, more in (
        ("months, weeks and days", ("month", "week", "day"), ""),
        ("months to years", ("month", "week", "day", "year"), ""),
        ("months to years, one over", ("month", "week", "day", "year"), OVER),
    ):
        config = place.folder / "tokenaudit.toml"
        config.write_text(budgets(periods) + ALL, encoding="utf-8")
        _agree(place, store, config)
        config.write_text(budgets(periods) + more, encoding="utf-8")
        ours, theirs = side_by_side([place.job(check(store, config)), peer], ROUNDS)
        line = f"`check`, {place.sizes.rows / 1e6:g} million requests, {BUDGETS} budgets of {what}"
        yield within(line, ours, theirs, "DuckDB group by", GOAL_SECONDS)


def check(store: Path, config: Path) -> tuple[str | Path, ...]:
    """Return the command line that judges budgets."""
    own = ("--store", store, "--config", config, "--as-of", AS_OF, "--exit-zero", "--format", "json", "--quiet")
    return tokenaudit("check", *own)


def budgets(periods: tuple[str, ...]) -> str:
    """Return 200 budgets: one for each user, 150 projects, models, providers, and shares of some projects."""
    limits = ", ".join(f'{{ amount = 1_000_000_000, period = "{period}" }}' for period in periods)
    tables = [f'id = "company"\nlimits = [{limits}]']
    tables += [f'id = "person"\neach = "user"\nlimits = [{limits}]']
    tables += [
        f'id = "p{n}"\nparent = "company"\nscope = {{ project = ["proj-{n}"] }}\nlimits = [{limits}]'
        for n in range(150)
    ]
    tables += [
        f'id = "m{n}"\nscope = {{ model = "{name}" }}\nlimits = [{limits}]'
        for n, (name, _) in enumerate(gen_usage.MODELS)
    ]
    tables += [
        f'id = "v{name}"\nscope = {{ provider = "{name}" }}\nlimits = [{limits}]'
        for name in ("openai", "anthropic", "google")
    ]
    share = '{ share = 1, period = "month", of = "%s" }'
    mixes = range(BUDGETS - len(tables))
    tables += [
        f'id = "s{n}"\nscope = {{ model = ["gpt-*", "claude-opus*"] }}\nlimits = [{share % f"p{n}"}]' for n in mixes
    ]
    return "".join(f"[[budget]]\n{table}\n" for table in tables)


def _agree(place: Place, store: Path, config: Path) -> None:
    """Raise FailedError where all spend is not what was generated: times of wrong results mean nothing."""
    command = list(map(str, check(store, config)))
    command[command.index(AS_OF)] = "2026-10-29"  # all rows are before
    done = subprocess.run(command, cwd=place.folder, capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout, parse_float=Decimal)
    truth = json.loads((place.folder / "in" / "truth.json").read_text(encoding="utf-8"))["billed_cost"]
    spent = next(row["spent"] for row in found["rows"] if row["budget"] == "ever")
    if Decimal(spent) != Decimal(truth):
        msg = f"check: {spent} spent, {truth} generated"
        raise FailedError(msg)
