"""What a reader was told lately: anomalies that are muted for a week, in a small file beside the catalog.

It is no part of what is counted. A lost file means that something is told again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

NAME = "anomalies.json"
MUTED = timedelta(days=7)


def load(folder: Path) -> dict[str, date]:
    """Return the day on which each anomaly was told first; an unreadable file tells nothing."""
    try:
        found = json.loads((folder / NAME).read_text(encoding="utf-8"))
        return {str(key): date.fromisoformat(day) for key, day in found["told"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def muted(told: Mapping[str, date], key: str, day: date) -> bool:
    """Say whether an anomaly was told on one of the seven days before; on the day itself it is told again."""
    first = told.get(key)
    return first is not None and first < day < first + MUTED


def remember(folder: Path, told: Mapping[str, date], keys: Iterable[str], day: date) -> None:
    """Write down what is told on a day; what is older than the mute is forgotten."""
    kept = {key: first for key, first in told.items() if first + MUTED > day}
    fresh = {key: day for key in keys if key not in kept or kept[key] > day}
    if not fresh and kept == dict(told):
        return
    path = folder / NAME
    begun = path.with_name(f"{NAME}.{os.getpid()}")
    days = {key: first.isoformat() for key, first in sorted((kept | fresh).items())}
    begun.write_text(json.dumps({"told": days}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    begun.replace(path)
