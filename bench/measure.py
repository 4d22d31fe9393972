"""Run programs side by side and say how long they took and how much memory of their own they held."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

POLL_SECONDS = 0.01


class Job(NamedTuple):
    """Programs to run one after the other; their times add up."""

    commands: tuple[Sequence[str | Path], ...]
    folder: Path
    """Where they run."""
    env: Mapping[str, str]
    before: Callable[[], object] = lambda: None
    """Made ready before each run, outside the time."""


class FailedError(Exception):
    """A program ended with an error, or with a wrong result."""


def start(command: Sequence[str | Path], job: Job) -> subprocess.Popen[bytes]:
    """Start one program; what it prints is kept for the case that it fails."""
    out = (job.folder / "output.txt").open("wb")
    try:
        return subprocess.Popen(
            list(map(str, command)),
            cwd=job.folder,
            env={**_surroundings(), **job.env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    finally:
        out.close()


def _surroundings() -> dict[str, str]:
    """Return the environment, but let Python keep what it compiled, as it does wherever a package is installed."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def check(process: subprocess.Popen[bytes], job: Job) -> None:
    """Raise FailedError with the program's last words where it did not end well."""
    if process.returncode:
        words = (job.folder / "output.txt").read_text(encoding="utf-8", errors="replace")[-2000:]
        msg = f"{process.args!r} ended with {process.returncode}:\n{words}"
        raise FailedError(msg)


def seconds(job: Job) -> float:
    """Run a job once and return the wall-clock time of its programs."""
    job.before()
    total = 0.0
    for command in job.commands:
        began = time.perf_counter()
        process = start(command, job)
        process.wait()
        total += time.perf_counter() - began
        check(process, job)
    return total


def side_by_side(jobs: Sequence[Job], rounds: int) -> list[float]:
    """Run jobs in turn, once unmeasured and `rounds` times measured, the order reversed every other round.

    Returns the median seconds of each.
    """
    taken: list[list[float]] = [[] for _ in jobs]
    for turn in range(rounds + 1):
        order = range(len(jobs)) if turn % 2 == 0 else reversed(range(len(jobs)))
        for index in order:
            spent = seconds(jobs[index])
            taken[index] += [spent] if turn else []
    return [median(times) for times in taken]


def anonymous_megabytes(job: Job) -> float:
    """Run a job once and return the most memory of their own that its programs and their children held at a time.

    That is RssAnon summed over the processes, in MB: mapped files and the page cache do not count, and pages that
    forked processes share count more than once.
    """
    job.before()
    peak = 0
    for command in job.commands:
        process = start(command, job)
        while process.poll() is None:
            peak = max(peak, sum(_anonymous_kilobytes(pid) for pid in _family(process.pid)))
            time.sleep(POLL_SECONDS)
        check(process, job)
    return peak * 1024 / 1e6


def _family(pid: int) -> list[int]:
    children: list[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        children += map(int, _text(listed).split())
    return [pid, *(member for child in children for member in _family(child))]


def _anonymous_kilobytes(pid: int) -> int:
    lines = _text(Path(f"/proc/{pid}/status")).splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("RssAnon")), 0)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:  # the process has ended meanwhile
        return ""
