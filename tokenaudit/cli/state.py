"""The line under the help of a bare call: what the store holds, and what to do next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tokenaudit.cli import options
from tokenaudit.errors import TokenauditError

if TYPE_CHECKING:
    from tokenaudit.store.catalog import Catalog


def state_line() -> str:
    """Return one line about the store that a command without options would use."""
    try:
        settings = options.settings()
    except TokenauditError as error:
        return error.message
    from tokenaudit.store.catalog import NAME, Catalog

    if not (settings.store / NAME).exists():
        return "No store yet. Next: `tokenaudit ingest PATH`, or `tokenaudit demo` for a look."
    try:
        catalog = Catalog.open(settings.store)
    except TokenauditError as error:
        return error.message
    try:
        return f"Store {settings.store}: {_holds(catalog)}"
    finally:
        catalog.close()


def _holds(catalog: Catalog) -> str:
    segments = catalog.segments()
    if not segments:
        return "empty. Next: `tokenaudit ingest PATH`."
    rows = sum(segment.rows for segment in segments)
    sources = len(catalog.sources())
    first = _day(min(segment.start_min for segment in segments))
    last = _day(max(segment.start_max for segment in segments))
    return f"{rows:,} rows of {sources} sources, {first} to {last}. Next: `tokenaudit report`."


def _day(microseconds: int) -> str:
    return f"{datetime.fromtimestamp(microseconds / 1_000_000, UTC):%Y-%m-%d}"
