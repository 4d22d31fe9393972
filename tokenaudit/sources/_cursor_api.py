"""Events of Cursor's Admin API and of its dashboard's own API, as rows under the names of the CSV export."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tokenaudit.sources._documents import at, items
from tokenaudit.sources._money import amount, decimal, scaled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGES = ("usageEvents", "usageEventsDisplay")
"""The list of events in a page of the Admin API, and of the dashboard."""
TELLING = frozenset({"isTokenBasedCall", "requestsCosts", "chargedCents", "usageBasedCosts"})
"""Keys of an event, one of which tells it from other programs' records."""
WHEN_AND_WHAT = frozenset({"timestamp", "model"})
TOKENS = {
    "inputTokens": "input (w/o cache write)",
    "cacheWriteTokens": "input (w/ cache write)",
    "cacheReadTokens": "cache read",
    "outputTokens": "output tokens",
}
KIND = "USAGE_EVENT_KIND_"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOTHING: Mapping[str, Any] = dict.fromkeys(("date", "model", *TOKENS.values()))
"""Of a page without events: it is recognised, and holds no row."""


def records(document: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield the events of a page, an event that stands alone, or a row of the export that was made JSON."""
    if not isinstance(document, dict):
        return
    for name in PAGES:
        if isinstance(document.get(name), list):
            yield from map(_event, items(document, name)) if document[name] else [NOTHING]
            return
    if not TELLING.isdisjoint(document) and not WHEN_AND_WHAT.isdisjoint(document):
        yield _event(document)
    elif not {"date", "Date"}.isdisjoint(document):
        yield {key.strip().lower(): value for key, value in document.items()}


def _event(event: dict[str, Any]) -> Mapping[str, Any]:
    usage = event.get("tokenUsage")
    nominal = scaled(at(usage, "totalCents"), -2)
    return {
        "api": True,
        "date": _instant(event.get("timestamp")),
        "user": event.get("userEmail"),
        "kind": _kind(event.get("kind")),
        "model": event.get("model"),
        "max mode": {"True": "Yes", "False": "No"}.get(str(event.get("maxMode"))),
        "conversation": event.get("conversationId"),
        "chargeable": False if event.get("isFreeBugbot") is True else event.get("isChargeable"),
        "requests": None if event.get("isTokenBasedCall") is True else event.get("requestsCosts"),
        "cost": scaled(event.get("chargedCents"), -2) if nominal is None else nominal,
        "cost to you": _charged(event),
        **{name: at(usage, key) for key, name in TOKENS.items()},
    }


def _charged(event: dict[str, Any]) -> str | None:
    """Return what an event was charged with: as stated, else the model's cost and Cursor's fee for tokens."""
    if (stated := scaled(event.get("chargedCents"), -2)) is not None:
        return stated
    if (shown := event.get("usageBasedCosts")) is not None:
        return "0" if shown == "-" else amount(shown)
    parts = [decimal(at(event, "tokenUsage", "totalCents")), decimal(event.get("cursorTokenFee"))]
    known = [part for part in parts if part is not None]
    return scaled(sum(known), -2) if known else None


def _instant(value: object) -> str | None:
    """Return milliseconds since 1970, as text or number, as ISO 8601; what cannot be one as it stands."""
    if value is None:
        return None
    try:
        moment = EPOCH + timedelta(milliseconds=int(str(value)))
    except (ValueError, OverflowError):
        return str(value)
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _kind(value: object) -> str | None:
    """Return a kind as the export writes it: ``USAGE_EVENT_KIND_FREE_CREDIT`` is ``Free credit``."""
    if not isinstance(value, str):
        return None
    return value.removeprefix(KIND).replace("_", " ").capitalize() if value.startswith(KIND) else value
