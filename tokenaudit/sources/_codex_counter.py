"""The running total of tokens in a Codex rollout, and what each event adds to it."""

from __future__ import annotations

import msgspec

Vector = tuple[int, int, int, int, int]
"""Tokens: input, its cached part, its part written to the cache, output, its reasoning part."""

STALE_PERCENT = 98
"""A total that falls, but to no less than this share, is an event that came late and not a counter that began anew."""


class Counter(msgspec.Struct, frozen=True):
    """How far a thread's total has come; kept as JSON between two readings of a growing file."""

    totals: Vector | None = None
    first: Vector | None = None
    """The total that the counter began with."""
    resets: int = 0
    """How often it began anew."""

    def step(self, total: Vector, last: Vector | None) -> tuple[Counter, Vector | None]:
        """Return the counter after an event, and what the event adds: None for one that came again or late.

        The first event may carry the history of a resumed thread, and so may the first after a reset: they add what
        `last` says.
        """
        before = self.totals
        if before is None:
            return Counter(total, total), last or total
        if total == before:
            return self, None
        if all(now >= then for now, then in zip(total, before, strict=True)):
            return Counter(total, self.first, self.resets), _minus(total, before)
        if self._is_late(_size(before), total, last):
            return self, None
        return Counter(total, total, self.resets + 1), last or total

    def _is_late(self, before: int, total: Vector, last: Vector | None) -> bool:
        """Tell a late event from a reset; a total equal to `last` is a new beginning, unless it is the old one."""
        if total == last and total != self.first:
            return False
        now = _size(total)
        return 100 * now >= STALE_PERCENT * before or now + 2 * _size(last) >= before

    def name(self) -> str:
        """Return what tells the last event from all others of its scope."""
        return f"{self.resets}\x1f{','.join(map(str, self.totals or ()))}"


def _minus(now: Vector, then: Vector) -> Vector:
    a, b, c, d, e = (x - y for x, y in zip(now, then, strict=True))
    return a, b, c, d, e


def _size(vector: Vector | None) -> int:
    return vector[0] + vector[3] if vector else 0
