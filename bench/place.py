"""Where the measurements run and how tokenaudit is called in them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.measure import FailedError, Job

PYTHON = sys.executable
QUICK_ROUNDS = 15
"""Rounds of what takes milliseconds."""
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
"""Python keeps the bytecode of this checkout, as an installed program has it, and as polars and other peers do."""


class Sizes(NamedTuple):
    """How much is generated and how often each thing is run."""

    home: int
    """MB of agent logs."""
    memory: tuple[int, ...]
    """MB of agent logs that memory is measured with."""
    rows: int
    rounds: int


class Place(NamedTuple):
    """A folder to work in, a folder that stays, and the sizes."""

    folder: Path
    cache: Path
    sizes: Sizes

    def job(self, *commands: Sequence[str | Path], before: Callable[[], object] = lambda: None) -> Job:
        """Return a job that runs here, with an empty home folder."""
        env = {"HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder), **COMPILED}
        return Job(commands, self.folder, env, before)

    def remove(self, name: str) -> Callable[[], None]:
        """Return what removes a folder here, if it is there."""
        return lambda: shutil.rmtree(self.folder / name, ignore_errors=True)

    def totals(self, store: Path) -> dict[str, Any]:
        """Return the totals of everything in a store, as `report -f json` gives them."""
        command = report(store, "json")
        done = subprocess.run(list(map(str, command)), cwd=self.folder, capture_output=True, check=True)
        totals: dict[str, Any] = json.loads(done.stdout)["totals"]
        return totals


def tokenaudit(*arguments: str | Path) -> tuple[str | Path, ...]:
    """Return a command line of tokenaudit."""
    return (PYTHON, "-m", "tokenaudit", *arguments)


def ingest(store: Path, *paths: Path) -> tuple[str | Path, ...]:
    """Return the command line that reads files into a store."""
    return tokenaudit("ingest", *paths, "--store", store)


def report(store: Path, form: str, *more: str) -> tuple[str | Path, ...]:
    """Return the command line that reports on everything in a store."""
    return tokenaudit("report", "--store", store, "--period", "all", "--format", form, *more)


def agree(what: str, found: int, expected: int) -> None:
    """Raise FailedError where a total is not what was generated: times of wrong results mean nothing."""
    if found != expected:
        msg = f"{what}: {found} tokens counted, {expected} generated"
        raise FailedError(msg)
