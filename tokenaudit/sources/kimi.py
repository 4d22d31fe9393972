"""Kimi CLI and Kimi Code wire logs (``wire.jsonl``): one line of usage for each model call.

* Kimi CLI: ``StatusUpdate`` with ``token_usage``, seconds, named by ``message_id``. A sub-agent's come wrapped in
  ``SubagentEvent`` in its parent's file, in newer versions again in a file of its own: they count once. No line tells
  the model.
* Kimi Code: ``usage.record``, milliseconds. It has no id: the instant, the model and the four counts name it, so that a
  forked session's copies count once. ``usageScope`` ``session`` is not a total: it marks calls outside a turn, such as
  compaction, and counts like ``turn``. The record names the model by its alias; ``llm.request`` tells what it is.
* Input, cache reads, cache writes and output are disjoint.
* Session and project stand in the path only, see `origin_rank`: a file elsewhere tells neither.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _events as events
from tokenaudit.sources._documents import at
from tokenaudit.sources._instant import moment
from tokenaudit.sources._packed import as_written
from tokenaudit.sources.source import Log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenaudit.sources.head import Head

CLASSES = ("uncached_input_tokens", "cache_read_input_tokens", "cache_creation_5m_input_tokens", "output_tokens")
CLI = ("input_other", "input_cache_read", "input_cache_creation", "output")
CODE = ("inputOther", "inputCacheRead", "inputCacheCreation", "output")
TYPES = ("usage.record", "llm.request", "llm.tools_snapshot", "turn.prompt", "config.update", "context.append_message")
SELLERS = {"kimi": "moonshotai", "moonshot": "moonshotai"}
PLACE = r"[/\\]sessions[/\\]([^/\\]+)[/\\]([^/\\]+)[/\\](?:(?:agents|subagents)[/\\][^/\\]+[/\\])?wire\.jsonl$"
"""A session's folder, in the one of its working directory."""
WORKING_DIRECTORY = r"^wd_(.+)_[0-9a-f]{12}$"


def detect(head: Head) -> bool:
    """Say whether a record is one of a wire log, of either program."""
    return any(_is_cli(record) or _is_code(record) for record in head.records)


def _is_cli(record: dict[str, Any]) -> bool:
    timed = _is_number(record.get("timestamp")) and isinstance(at(record, "message", "type"), str)
    greeting = record.get("type") in ("hello", "metadata") and "protocol_version" in record
    return greeting or (timed and "type" not in record)


def _is_code(record: dict[str, Any]) -> bool:
    return record.get("type") in TYPES and _is_number(record.get("time"))


def _is_number(value: object) -> bool:
    """Say whether a time is a number since 1970 and not a date, as in other programs' logs."""
    return ":" not in str(value) and moment(value) is not None


def rows(record: dict[str, Any], memory: events.Memory) -> Iterator[events.Row]:
    """Give the row of a line of usage, and remember which model an alias means."""
    if record.get("type") == "llm.request":
        memory.facts[str(record.get("modelAlias"))] = [record.get("model"), record.get("provider")]
    elif record.get("type") == "usage.record":
        yield from _code(record, memory)
    else:
        yield from _cli(record, record.get("message"), memory)


def _code(record: dict[str, Any], memory: events.Memory) -> Iterator[events.Row]:
    usage, alias, start = record.get("usage"), record.get("model"), moment(record.get("time"))
    counts = [at(usage, name) for name in CODE]
    model, seller = memory.facts.get(str(alias), [None, None])
    if any(counts):
        yield {
            "identity": "\x1f".join(map(str, (start, alias, *counts))),
            "charge_period_start": start,
            "request_model": model or alias,
            "provider": SELLERS.get(str(seller), seller) or SELLERS["kimi"],
            **dict(zip(CLASSES, counts, strict=True)),
            **_place(memory.path),
        }


def _cli(record: dict[str, Any], message: object, memory: events.Memory) -> Iterator[events.Row]:
    if at(message, "type") == "SubagentEvent":
        yield from _cli(record, at(message, "payload", "event"), memory)
    counts = [at(message, "payload", "token_usage", name) for name in CLI]
    start = moment(record.get("timestamp"))
    if at(message, "type") == "StatusUpdate" and any(counts):
        yield {
            "identity": at(message, "payload", "message_id") or "\x1f".join(map(str, (start, *counts))),
            "charge_period_start": start,
            "request_model": None,
            "provider": SELLERS["kimi"],
            **dict(zip(CLASSES, counts, strict=True)),
            **_place(memory.path),
        }


def _place(path: str) -> dict[str, Any]:
    """Return the session and the project that a path names."""
    found = re.search(PLACE, as_written(path))
    named = re.search(WORKING_DIRECTORY, found[1]) if found else None
    return {
        "session": found[2] if found else None,
        "project": named[1] if named else None,
        "origin_rank": 0 if found else 1,
    }


SOURCE = Log(
    name="kimi",
    title="Kimi CLI and Kimi Code sessions",
    provider="moonshotai",
    authority="client",
    detect=detect,
    decode=events.lines(rows, b'"token_usage"', b'"usage.record"', b'"llm.request"'),
    paths=(
        "$KIMI_SHARE_DIR/sessions",
        "~/.kimi/sessions",
        "$KIMI_CODE_HOME/sessions",
        "~/.kimi-code/sessions",
        "~/Library/Application Support/kimi-desktop/daimon-share/daimon/runtime/kimi-code/home/sessions",
    ),
    known="~/.kimi/sessions/**/wire.jsonl and ~/.kimi-code/sessions/**/wire.jsonl on each developer's machine",
    tells="tokens by model call and session, with sub-agents and compaction",
    lacks="the user, Kimi CLI's model, and what a subscription covers",
)
