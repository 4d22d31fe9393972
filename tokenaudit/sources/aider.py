"""Aider's analytics log (`--analytics-log FILE`): one JSON line for each event; ``message_send`` has tokens.

* A message may stand for several calls (a retry, a lint fix); its counts are their sum. Other events have none.
* The counts are Aider's: with a streamed answer, which is the default, it counts with a tokenizer. They are marked
  `estimated`. Cached input is not told apart.
* ``cost`` is Aider's own estimate for the message; ``total_cost`` is the session's running total and never added.
* There is no id: user, second, model, counts and running total name a message.
* Models that Aider does not know are written as ``vendor/REDACTED`` or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _events as events
from tokenaudit.sources._documents import at
from tokenaudit.sources._instant import moment
from tokenaudit.sources._money import estimate
from tokenaudit.sources.source import Log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenaudit.sources.head import Head

NAMED_BY = ("main_model", "prompt_tokens", "completion_tokens", "total_cost")


def detect(head: Head) -> bool:
    """Say whether a record is an event of Aider's."""
    return any(
        isinstance(at(record, "properties", "aider_version"), str) and "event" in record for record in head.records
    )


def rows(record: dict[str, Any], _memory: events.Memory) -> Iterator[events.Row]:
    """Give the row of a message."""
    told, start = record.get("properties"), moment(record.get("time"))
    if record.get("event") != "message_send" or not (at(told, "prompt_tokens") or at(told, "completion_tokens")):
        return
    yield {
        "identity": "\x1f".join(map(str, (record.get("user_id"), start, *(at(told, name) for name in NAMED_BY)))),
        "charge_period_start": start,
        "user": record.get("user_id"),
        "request_model": at(told, "main_model"),
        "uncached_input_tokens": at(told, "prompt_tokens"),
        "output_tokens": at(told, "completion_tokens"),
        "tokens_basis": "estimated",
        "reported_cost": estimate(at(told, "cost")),
    }


SOURCE = Log(
    name="aider",
    title="Aider analytics log",
    provider=None,
    authority="client",
    detect=detect,
    decode=events.lines(rows, b'"message_send"'),
    known="the file named with --analytics-log (or AIDER_ANALYTICS_LOG)",
    tells="tokens and an estimated cost by message and model",
    lacks="the project, cached input, exact counts of streamed answers, and models that Aider does not know",
)
