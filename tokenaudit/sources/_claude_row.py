"""A row of a Claude Code response while its lines come in: a list in the order of `COLUMNS`, and how it is filled."""

from __future__ import annotations

import json
from typing import Any

COLUMNS = (
    "identity",
    "line",
    "charge_period_start",
    "session",
    "project_path",
    "tags",
    "provider",
    "request_model",
    "service_tier",
    "speed",
    "region",
    "batch",
    "reported_cost",
    "origin_rank",
    "finalized",
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "cache_creation_5m_input_tokens",
    "cache_creation_1h_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
    "web_search_requests",
    "output_parts",
)
INSTANT, ORIGIN, FINALIZED, PARTS = (
    COLUMNS.index(name) for name in ("charge_period_start", "origin_rank", "finalized", "output_parts")
)
SPEED, MODEL, COST = (COLUMNS.index(name) for name in ("speed", "request_model", "reported_cost"))
COUNTS = range(COLUMNS.index("uncached_input_tokens"), PARTS)
WHERE = range(COLUMNS.index("session"), COLUMNS.index("provider"))
WHAT = range(COLUMNS.index("provider"), COST)
PLACE, KIND = len(COLUMNS), len(COLUMNS) + 1
"""Behind the columns: the place and kind of the line they were last taken from, to see at a glance that another line
says the same."""
Where = tuple[str | None, str | None, str | None]
What = tuple[str | None, str | None, str | None, str | None, str | None, bool]


def filled(known: list[Any], more: What) -> list[Any]:
    """Return model, tier, speed, region: the first that was named; fast and batch where any line says so."""
    both = [old or new for old, new in zip(known, more, strict=True)]
    speed = SPEED - WHAT.start
    both[speed] = "fast" if more[speed] == "fast" else both[speed]
    return both


def order(where: tuple[str | None, ...]) -> list[tuple[bool, str]]:
    """Return what decides between the places of two lines of one instant; the store decides likewise."""
    session, path, tags = where
    return [(text is None, text or "") for text in (path, session, tags)]


def tags(branch: str | None) -> str | None:
    """Return the tags of a line: its git branch, as JSON."""
    return json.dumps({"git_branch": branch}, ensure_ascii=False, separators=(",", ":")) if branch else None
