"""What a ``[[source]]`` of the configuration says: which column of a file is which usage column, and how it is read."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

import xxhash

from tokenaudit.sources import usage as canonical
from tokenaudit.sources.source import DECLARED_RULES, Kind

if TYPE_CHECKING:
    from tokenaudit.config import Declared

VERSION = 1
"""Raised when the same declaration would be counted differently."""
TIMES = ("charge_period_start", "charge_period_end")
SIGNING = (
    *TIMES, "request_model", "input_tokens", "uncached_input_tokens", "output_tokens", "requests", "billed_cost",
)  # fmt: skip
"""Usage columns whose file columns tell such files from others, where nothing else is said."""
UNCOUNTED = ("name", "title", "authority", "match")
"""Keys that may change without any row being counted differently; the signature stands for `match`."""


def plain(name: str) -> str:
    """Return the name of a file's column as it is compared."""
    return name.strip().lower()


def mapped(declared: Declared) -> dict[str, str]:
    """Return the file's column of each usage column that has one of its own."""
    return {name: plain(column) for name, column in declared.columns.items() if isinstance(column, str)}


def labels(declared: Declared) -> dict[str, str]:
    """Return the file's column of each label of `tags`."""
    tags = declared.columns.get("tags", {})
    return {} if isinstance(tags, str) else {label: plain(column) for label, column in tags.items()}


def own_id(declared: Declared) -> str | None:
    """Return the file's column that names a call; None where usage columns name it, or nothing."""
    return plain(declared.identity) if isinstance(declared.identity, str) else None


def read_as(declared: Declared) -> list[tuple[str, Kind]]:
    """Return each column of a file, with the kind it is read as; one that says two things stands twice."""
    own = own_id(declared)
    texts = [*labels(declared).values(), *([] if own is None else [own])]
    return [
        *((name, _kind(declared, usage)) for usage, name in mapped(declared).items()),
        *((x, "text") for x in texts),
    ]


def is_parsed(declared: Declared) -> bool:
    """Say whether times are spelt so that they are read as any other source's."""
    return (declared.time, declared.timezone) == ("iso", "UTC")


def _kind(declared: Declared, usage: str) -> Kind:
    if usage in TIMES:
        return "instant" if is_parsed(declared) else "text"
    return canonical.COLUMNS[usage]


def signature(declared: Declared) -> frozenset[str]:
    """Return the columns by which a file is recognised."""
    if declared.match:
        return frozenset(map(plain, declared.match))
    named = {column for usage, column in mapped(declared).items() if usage in SIGNING}
    own = own_id(declared)
    return frozenset(named if own is None else {own, *named})


def rules(declared: Declared) -> int:
    """Return a number that stays while rows are counted the same; it is odd where the newest file wins.

    Keys at their usual values leave no trace, so that a key which a later version adds changes nothing.
    """
    usual = {item.name: item.default for item in fields(declared)}
    counted = {key: value for key, value in asdict(declared).items() if key not in UNCOUNTED and value != usual[key]}
    counted |= {"columns": mapped(declared) | {"tags": labels(declared)}, "signature": sorted(signature(declared))}
    counted["tags"] = mapped(declared).get("tags")
    digest = xxhash.xxh3_64_intdigest(json.dumps([VERSION, counted], sort_keys=True).encode())
    return DECLARED_RULES + digest % (DECLARED_RULES // 2) * 2 + (declared.merge == "newest")
