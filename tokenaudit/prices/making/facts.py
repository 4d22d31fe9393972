"""The facts of `overlay.toml`: which of them concern a model."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

Fact = Mapping[str, Any]
Overlay = Mapping[str, list[dict[str, Any]]]
"""All facts of the file, by kind."""
CORRECTIONS = ("start", "price", "factor", "alias", "end", "weekday", "resold")
"""Kinds of facts that contradict what is published; the others only complete it."""


class Facts(NamedTuple):
    """What completes one model of one seller, by kind."""

    variant: Sequence[Fact]
    history: Sequence[Fact]
    region: Sequence[Fact]
    class_: Sequence[Fact]
    tier: Sequence[Fact]
    fee: Sequence[Fact]


def read(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the facts of the overlay file, by kind."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def of_model(overlay: Overlay, seller: str, model: str) -> Facts:
    """Return what completes one model."""
    kinds = ("variant", "history", "region", "class", "tier", "fee")
    return Facts(*([fact for fact in overlay.get(kind, ()) if concerns(fact, seller, model)] for kind in kinds))


def concerns(fact: Fact, seller: str, model: str) -> bool:
    """Say whether a fact is about a model of a seller."""
    known = fact["seller"] in ("*", seller) and any(
        fnmatchcase(model, pattern) for pattern in fact.get("models", ["*"])
    )
    return known and not any(fnmatchcase(model, pattern) for pattern in fact.get("except", ()))
