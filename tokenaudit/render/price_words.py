"""A row of the price book in words: how it is bought, how large the request, at what time of day, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

Row = Mapping[str, Any]
NOWHERE = (1, 9999)
"""Years that stand for no beginning and no end."""
DAY_MINUTES = 24 * 60
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LABELS = {
    "uncached_input_tokens": "input",
    "cache_read_input_tokens": "input read from a cache",
    "cache_creation_5m_input_tokens": "input written to a 5-minute cache",
    "cache_creation_30m_input_tokens": "input written to a 30-minute cache",
    "cache_creation_1h_input_tokens": "input written to a 1-hour cache",
    "cache_creation_12h_input_tokens": "input written to a 12-hour cache",
    "audio_input_tokens": "audio input",
    "cache_read_audio_input_tokens": "audio input read from a cache",
    "image_input_tokens": "image input",
    "cache_read_image_input_tokens": "image input read from a cache",
    "output_tokens": "output",
    "audio_output_tokens": "audio output",
    "image_output_tokens": "image output",
    "reasoning_output_tokens": "reasoning, beyond its price as output",
    "web_search_requests": "web searches",
    "requests": "requests",
}
"""What people call the units of the price book."""


def price_words(row: Row) -> str:
    """Return ``batch, over 200,000 input, since 2026-08-21`` for a price row that has its offer's columns."""
    words = (row["variant"], size_words(row), band_words(row), days_words(row), dates_words(row))
    return ", ".join(filter(None, words))


def days_words(row: Row) -> str:
    """Return on which days of the week a price holds, such as ``Mon-Fri``; "" where it does on all."""
    held = [bool(row["weekdays"] >> day & 1) for day in range(len(DAYS))]
    if all(held):
        return ""
    runs = [[day for day, _ in run] for yes, run in groupby(enumerate(held), key=itemgetter(1)) if yes]
    return ", ".join(DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}" for run in runs)


def size_words(row: Row) -> str:
    """Return which requests a price is for, by their input; "" where it is for all of them."""
    tier, above = row["context_tier"], (row["tier_1_above"], row["tier_2_above"])
    if above[0] is None:
        return ""
    if tier == 0:
        return f"up to {above[0]:,} input"
    return f"over {above[tier - 1]:,} input"


def band_words(row: Row) -> str:
    """Return at which time of the day a price holds; "" where it always does."""
    start, end = row["band_start"], row["band_end"]
    return "" if end - start >= DAY_MINUTES else f"{_clock(start)}-{_clock(end)} UTC"


def dates_words(row: Row) -> str:
    """Return since when and until when a price holds; "" where it always does."""
    start, end = row["effective_from"], row["effective_to"]
    first = "" if start.year == NOWHERE[0] else instant(start)
    last = "" if end.year == NOWHERE[1] else instant(end - timedelta(days=1) if _is_midnight(end) else end)
    if first == last:
        return f"on {first}" if first else ""
    return " ".join(f"{word} {moment}" for word, moment in (("since", first), ("until", last)) if moment)


def instant(moment: datetime) -> str:
    """Return a date, with the time of the day where it is not midnight."""
    return f"{moment:%Y-%m-%d}" if _is_midnight(moment) else f"{moment:%Y-%m-%d %H:%M}"


def _is_midnight(moment: datetime) -> bool:
    return (moment.hour, moment.minute) == (0, 0)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
