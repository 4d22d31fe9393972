"""Instants of log lines, kept as text in one form so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime

PLAIN = 24
"""Length of ``2026-11-01T10:00:00.000Z``."""
IN_MILLISECONDS = 10**11
"""As seconds the year 5138, as milliseconds 1973: what is as large counts milliseconds."""


def instant(text: str | None) -> str | None:
    """Return an ISO 8601 instant as UTC with milliseconds and ``Z``; None where it is none. No zone means UTC."""
    try:
        moment = datetime.fromisoformat(text or "")
        if text and len(text) == PLAIN and text[-1] == "Z" and text[10] == "T" and text[19] == ".":
            return text
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def epoch(value: object) -> str | None:
    """Return seconds since 1970, or milliseconds from 10^11 on, as such an instant; None for what is no number."""
    try:
        number = float(str(value))
        seconds = number / 1000 if abs(number) >= IN_MILLISECONDS else number
        return instant(datetime.fromtimestamp(seconds, UTC).isoformat())
    except (ValueError, OverflowError, OSError):
        return None


def milliseconds(text: str) -> int:
    """Return an instant as milliseconds since 1970; 0 where it is no date."""
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0
