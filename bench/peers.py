"""What tokenaudit is measured against: ccusage, an agent log reader from npm, and DuckDB, a query engine."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

CCUSAGE = "20.0.24"
PLATFORM_BINARY = "node_modules/@ccusage/ccusage-*/bin/ccusage"


class MissingError(Exception):
    """A peer cannot be had here, and why."""


def ccusage(cache: Path) -> Path:
    """Return the ccusage program: ``$CCUSAGE``, or that of the npm package, installed into `cache` where need be."""
    named = os.environ.get("CCUSAGE")
    if named:
        return Path(named)
    if not list(cache.glob(PLATFORM_BINARY)):
        _install_ccusage(cache)
    for path in cache.glob(PLATFORM_BINARY):
        path.chmod(0o755)
        return path
    msg = f"npm installed ccusage {CCUSAGE} without a program for this platform"
    raise MissingError(msg)


def _install_ccusage(cache: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        msg = "npm is not installed, so there is no ccusage"
        raise MissingError(msg)
    cache.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(cache), f"ccusage@{CCUSAGE}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"npm cannot install ccusage {CCUSAGE}: {done.stderr.strip()[-200:]}"
        raise MissingError(msg)


def duckdb() -> None:
    """Raise MissingError where DuckDB is not installed."""
    if find_spec("duckdb") is None:
        msg = "DuckDB is not installed (requirements/bench.txt)"
        raise MissingError(msg)
