"""Instants of log lines, kept as text in one form so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from tokenaudit import schema

EARLIEST, LATEST = (f"{at.year}" for at in schema.TIMES)
PLAIN = 24
"""Length of ``2026-11-01T10:00:00.000Z``."""
SCALES = ((10**11, 10**3), (10**14, 1))
"""Numbers below the first are seconds since 1970, below the second milliseconds; each with what makes milliseconds."""
SMALLER = ((10**17, 10**3), (10**20, 10**6))
"""Microseconds and nanoseconds, each with what they are divided by."""


def instant(text: object) -> str | None:
    """Return an ISO 8601 instant as UTC with milliseconds and ``Z``; None where it is none. No zone means UTC."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        if len(text) == PLAIN and text[-1] == "Z" and text[10] == "T" and text[19] == ".":
            return _possible(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return _possible(f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z")


def _possible(text: str) -> str | None:
    """Return an instant at which there was anything to use, else None: one odd line must not date a whole response."""
    return text if EARLIEST <= text < LATEST else None


def milliseconds(text: str) -> int:
    """Return an instant as milliseconds since 1970; 0 where it is no date."""
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0


def moment(value: object) -> str | None:
    """Return the instant of ISO 8601 text or of a number since 1970 in any unit, as UTC text; None where it is none."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return instant(value) if isinstance(value, str) else None
    if not number.is_finite() or number <= 0:
        return None
    for limit, factor in SCALES:
        if number < limit:
            return of_milliseconds(int(number * factor))
    return next((of_milliseconds(int(number) // divisor) for limit, divisor in SMALLER if number < limit), None)


def of_milliseconds(since: int) -> str | None:
    """Return an instant given in milliseconds since 1970, up to the year 5138, as UTC text; None of a far future."""
    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=since)
    return _possible(f"{day.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z")
