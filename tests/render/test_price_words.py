"""A price row in words: the ends of its dates, its size and its time of the day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tokenaudit.render.price_words import price_words

ALWAYS: dict[str, Any] = {
    "variant": "standard",
    "context_tier": 0,
    "tier_1_above": None,
    "tier_2_above": None,
    "band_start": 0,
    "band_end": 1440,
    "weekdays": 127,
    "effective_from": datetime(1, 1, 1, tzinfo=UTC),
    "effective_to": datetime(9999, 1, 1, tzinfo=UTC),
}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, "standard"),
        ({"tier_1_above": 200_000}, "standard, up to 200,000 input"),
        ({"tier_1_above": 32_000, "tier_2_above": 128_000, "context_tier": 2}, "standard, over 128,000 input"),
        ({"band_start": 60, "band_end": 240}, "standard, 01:00-04:00 UTC"),
        ({"weekdays": 31}, "standard, Mon-Fri"),
        ({"weekdays": 0b110_0001}, "standard, Mon, Sat-Sun"),
        ({"effective_from": datetime(2026, 8, 21, tzinfo=UTC)}, "standard, since 2026-08-21"),
        ({"effective_to": datetime(2026, 12, 1, tzinfo=UTC)}, "standard, until 2026-11-30"),
        (
            {"effective_from": datetime(2026, 9, 25, tzinfo=UTC), "effective_to": datetime(2026, 9, 26, tzinfo=UTC)},
            "standard, on 2026-09-25",
        ),
        ({"effective_to": datetime(2026, 8, 16, 16, tzinfo=UTC)}, "standard, until 2026-08-16 16:00"),
    ],
)
def test_words(told: dict[str, Any], expected: str) -> None:
    """The last day is one on which the price still holds."""
    assert price_words(ALWAYS | told) == expected
