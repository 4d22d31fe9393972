"""Amp threads (`T-*.json`): one JSON document for each thread, written anew.

* Older threads have a ledger (``usageLedger.events``) that lacks the cache: it is joined from the message an event
  belongs to (``toMessageId``), once, also where several events belong to one message. Newer threads have only the
  messages' own ``usage``. A thread that was begun with a ledger and went on without holds both: a message that no event
  names counts too.
* A call is named by its thread, its message and, where a message has several events, their order. Without a message it
  is named by the event's id, else by its instant and model.
* Input excludes the cache. An event whose input is the message's ``totalInputTokens`` holds it: it is taken out.
* The credits are what Amp bills; what a credit costs the file does not tell. They are kept as a tag, not as money.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _events as events
from tokenaudit.sources._documents import at, items
from tokenaudit.sources._money import amount
from tokenaudit.sources.source import Log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenaudit.sources.head import Head

CACHE = {
    "cache_read_input_tokens": "cacheReadInputTokens",
    "cache_creation_5m_input_tokens": "cacheCreationInputTokens",
}
OWN = {"uncached_input_tokens": "inputTokens", "output_tokens": "outputTokens", **CACHE}
FILE = "file://"


def detect(head: Head) -> bool:
    """Say whether the document is a thread."""
    return any(_is_thread(record) for record in head.records)


def _is_thread(record: dict[str, Any]) -> bool:
    named = isinstance(record.get("id"), str) and ("messages" in record or "usageLedger" in record)
    return named and (record["id"].startswith("T-") or "usageLedger" in record)


def rows(thread: Any, _memory: events.Memory) -> Iterator[events.Row]:  # noqa: ANN401 - any JSON
    """Give the rows of a thread: its ledger's, and those of messages that the ledger does not hold."""
    messages = {message.get("messageId"): message for message in items(thread, "messages") if _used(message)}
    ledger = [event for event in items(thread, "usageLedger", "events") if isinstance(event.get("tokens"), dict)]
    place = _place(thread)
    for line, row in enumerate(_ledger(ledger, messages), 1):
        yield from _named(row, place, line)
    if all(event.get("toMessageId") is not None for event in ledger):
        held = {event.get("toMessageId") for event in ledger}
        for line, message in enumerate(items(thread, "messages"), 1):
            if _used(message) and message.get("messageId") not in held:
                yield from _named(_message(message), place, line)


def _used(message: dict[str, Any]) -> bool:
    return message.get("role") == "assistant" and any(at(message, "usage", name) for name in OWN.values())


def _place(thread: object) -> events.Row:
    """Return the thread and its first folder."""
    folder = next((tree.get("uri") for tree in items(thread, "env", "initial", "trees")), None)
    return {"session": at(thread, "id"), "project_path": folder.removeprefix(FILE) if folder else None}


def _named(row: events.Row, place: events.Row, line: int) -> Iterator[events.Row]:
    """Give a row that used something its name and place."""
    if any(row[name] for name in OWN):
        yield {**row, **place, "line": line, "identity": f"{place['session']}\x1f{row['identity']}"}


def _ledger(ledger: list[dict[str, Any]], messages: dict[Any, dict[str, Any]]) -> Iterator[events.Row]:
    """Give one row for each event; the first of a message has its cache."""
    seen: Counter[object] = Counter()
    for event in ledger:
        tokens, id_ = event["tokens"], event.get("toMessageId")
        usage = at(messages.get(id_), "usage") if id_ is not None and not seen[id_] else None
        cache = {name: tokens.get(key, at(usage, key)) for name, key in CACHE.items()}
        whole = tokens.get("input")
        row = {
            "identity": _identity(id_, seen[id_]) or event.get("id") or _moment(event),
            "charge_period_start": event.get("timestamp"),
            "request_model": event.get("model"),
            "uncached_input_tokens": at(usage, "inputTokens") if _holds_cache(whole, usage) else whole,
            "output_tokens": tokens.get("output"),
            "tags": _credits(event),
        }
        seen[id_] += 1
        yield row | cache


def _holds_cache(whole: object, usage: object) -> bool:
    """Say whether an event's input is that of its message with the cache."""
    return bool(whole) and whole == at(usage, "totalInputTokens") != at(usage, "inputTokens")


def _message(message: dict[str, Any]) -> events.Row:
    usage = message["usage"]
    return {
        "identity": _identity(message.get("messageId"), 0) or _moment(usage),
        "charge_period_start": usage.get("timestamp") or message.get("timestamp"),
        "request_model": usage.get("model") or message.get("model"),
        **{name: usage.get(key) for name, key in OWN.items()},
        "tags": _credits(usage),
    }


def _identity(message: object, number: int) -> str | None:
    return None if message is None else f"{message}\x1f{number}"


def _moment(told: dict[str, Any]) -> str:
    return f"{told.get('timestamp')}\x1f{told.get('model')}"


def _credits(told: dict[str, Any]) -> str | None:
    credit = amount(told.get("credits"))
    return f'{{"credits":"{credit}"}}' if credit else None


SOURCE = Log(
    name="amp",
    title="Amp threads",
    provider=None,
    authority="client",
    detect=detect,
    decode=events.document(rows),
    forms=("document",),
    paths=("$AMP_DATA_DIR/threads", "$XDG_DATA_HOME/amp/threads", "~/.local/share/amp/threads"),
    known="~/.local/share/amp/threads/T-*.json on each developer's machine",
    tells="tokens and credits by model call and thread",
    lacks="the user, and what a credit costs",
)
