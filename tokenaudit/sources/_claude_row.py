"""A row of a Claude Code response while its lines come in, and the columns that rows become."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tokenaudit.sources._claude_line import Counts

Where = tuple[str | None, str | None, str | None]
"""Session, working directory and tags."""
What = tuple[str | bool | None, ...]
"""Provider, model, service tier, speed, region and whether it was a batch."""
WHERE = ("session", "project_path", "tags")
WHAT = ("provider", "request_model", "service_tier", "speed", "region", "batch")
COUNTS = (
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "cache_creation_5m_input_tokens",
    "cache_creation_1h_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
    "web_search_requests",
)
MODEL, SPEED = WHAT.index("request_model"), WHAT.index("speed")


class Row(msgspec.Struct, gc=False):
    """What the lines of a response say so far. Lines that say the same share their `where` and `what`."""

    line: int
    instant: str
    where: Where
    what: What
    rank: int
    counts: Counts
    cost: str | None
    finalized: bool
    parts: list[int] | None = None

    def fold_where(self, where: Where, rank: int, instant: str) -> None:
        """Fold a line's place and time: the earliest instant, and the place of the line closest to its original."""
        before = (self.rank, self.instant)
        if (rank, instant) < before or ((rank, instant) == before and order(where) < order(self.where)):
            self.rank, self.where = rank, where
        self.instant = min(self.instant, instant)

    def fold_what(self, what: What) -> None:
        """Fold model, tier, speed and region: the first that was named; fast and batch where any line says so."""
        both = [old or new for old, new in zip(self.what, what, strict=True)]
        if what[SPEED] == "fast":
            both[SPEED] = "fast"
        if both != [*self.what]:
            self.what = tuple(both)


def order(where: Where) -> list[tuple[bool, str]]:
    """Return what decides between the places of two lines of one instant; the store decides likewise."""
    session, path, tags = where
    return [(text is None, text or "") for text in (path, session, tags)]


def tags(branch: str | None) -> str | None:
    """Return the tags of a line: its git branch, as JSON."""
    return msgspec.json.encode({"git_branch": branch}).decode() if branch else None


def columns(identities: list[str], rows: list[Row]) -> dict[str, list[Any]]:
    """Return rows as columns."""
    return {
        "identity": identities,
        "line": [row.line for row in rows],
        "charge_period_start": [row.instant for row in rows],
        **_spread(WHERE, [row.where for row in rows]),
        **_spread(WHAT, [row.what for row in rows]),
        "reported_cost": [row.cost for row in rows],
        "origin_rank": [row.rank for row in rows],
        "finalized": [row.finalized for row in rows],
        **_spread(COUNTS, [row.counts for row in rows]),
        "output_parts": [row.parts for row in rows],
    }


def _spread(names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """Return one list for each place of the tuples."""
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {name: [] for name in names}
