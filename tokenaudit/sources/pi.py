"""Sessions of Pi and its family (Oh My Pi, OpenClaw and its earlier names): one JSON line for each message.

* Input, cache reads, cache writes and output are disjoint; reasoning is part of the output. Broken-off answers carry
  what was used until then and count; those without any token do not.
* A response is named by ``responseId``. Where a line has none (all older ones), by its instant and its four counts:
  branches and forks copy lines into a new file, which count once.
* Where a file copied its history (``branchedFrom``, ``parentSession``), lines older than the file itself belong to the
  session they were copied from; `origin_rank` says so.
* Newer versions also tell what a compaction or the summary of a branch used: those count too. Their model is the last
  one named, by an answer, a ``model_change`` or a ``model-snapshot``.
* ``cost.total`` is Pi's own estimate. 0 stands for a subscription or an unknown price, not for nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _events as events
from tokenaudit.sources._documents import at
from tokenaudit.sources._instant import instant, moment
from tokenaudit.sources._money import estimate
from tokenaudit.sources.source import Log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenaudit.sources.head import Head

COUNTS = ("input", "output", "cacheRead", "cacheWrite")
COPIED_FROM = ("branchedFrom", "parentSession")
REASONING = ("reasoning", "reasoningTokens")
MODEL = ("modelId", "model")
SUMMARIES = ("compaction", "branch_summary")
AGENTS = ("openclaw", "clawdbot", "moltbot", "moldbot")


def detect(head: Head) -> bool:
    """Say whether a record is the head of a session, or an answer with Pi's usage."""
    return any(_is_head(record) or _is_answer(record) for record in head.records)


def _is_head(record: dict[str, Any]) -> bool:
    return record.get("type") == "session" and all(
        isinstance(record.get(name), str) for name in ("id", "timestamp", "cwd")
    )


def _is_answer(record: dict[str, Any]) -> bool:
    usage = at(record, "message", "usage")
    return record.get("type") == "message" and isinstance(usage, dict) and {"cacheRead", "cacheWrite"} <= usage.keys()


def rows(record: dict[str, Any], memory: events.Memory) -> Iterator[events.Row]:
    """Give the row of an answer or a summary, and remember what the lines between tell."""
    facts, kind, message = memory.facts, record.get("type"), record.get("message")
    if kind == "session":
        _begin(facts, record)
    elif kind == "model_change":
        _name(facts, record)
    elif kind == "custom" and record.get("customType") == "model-snapshot":
        _name(facts, record.get("data"))
    elif kind == "message" and at(message, "role") == "assistant":
        _name(facts, message)
        yield from _used(record, message or {}, facts)
    elif kind in SUMMARIES:
        yield from _used(record, record, facts)


def _begin(facts: dict[str, Any], head: dict[str, Any]) -> None:
    """Take in the head of a session."""
    copied = any(head.get(name) for name in COPIED_FROM)
    start = instant(head.get("timestamp")) if copied else None
    facts.update({"session": head.get("id"), "cwd": head.get("cwd"), "start": start})
    _name(facts, head)


def _name(facts: dict[str, Any], told: Any) -> None:  # noqa: ANN401 - any JSON
    """Take in a model and who sells it, where they are told."""
    model = next((at(told, name) for name in MODEL if at(told, name)), None)
    facts.update({"model": model, "provider": at(told, "provider")} if model else {})


def _used(record: dict[str, Any], told: dict[str, Any], facts: dict[str, Any]) -> Iterator[events.Row]:
    """Give the row of what an answer or a summary used, if anything."""
    usage = told.get("usage")
    if not isinstance(usage, dict) or not any(usage.get(name) for name in COUNTS):
        return
    start = instant(record.get("timestamp")) or moment(told.get("timestamp"))
    counts = [usage.get(name) for name in COUNTS]
    long = events.count(usage.get("cacheWrite1h"), "cacheWrite1h")
    yield {
        "identity": told.get("responseId") or f"{start}\x1f{','.join(map(str, counts))}",
        "charge_period_start": start,
        "session": facts.get("session"),
        "project_path": facts.get("cwd"),
        "origin_rank": int(bool(start and start < (facts.get("start") or ""))),
        "provider": facts.get("provider"),
        "request_model": facts.get("model"),
        "uncached_input_tokens": usage.get("input"),
        "cache_read_input_tokens": usage.get("cacheRead"),
        "cache_creation_5m_input_tokens": events.count(usage.get("cacheWrite"), "cacheWrite") - long,
        "cache_creation_1h_input_tokens": long,
        "output_tokens": usage.get("output"),
        "reasoning_output_tokens": next((usage[name] for name in REASONING if usage.get(name)), 0),
        "reported_cost": estimate(at(usage, "cost", "total"), told.get("costUSD"), record.get("costUSD")),
    }


SOURCE = Log(
    name="pi",
    title="Pi, Oh My Pi and OpenClaw sessions",
    provider=None,
    authority="client",
    detect=detect,
    decode=events.lines(rows, b'"usage"', b'"session"', b'"model_change"', b'"model-snapshot"'),
    paths=(
        "$PI_CODING_AGENT_DIR/sessions",
        "~/.pi/agent/sessions",
        "~/.omp/agent/sessions",
        *(f"~/.{name}/agents" for name in AGENTS),
    ),
    known="~/.pi/agent/sessions, ~/.omp/agent/sessions, ~/.openclaw/agents/*/sessions on each developer's machine",
    tells="tokens and an estimated cost by response, model, session and working directory",
    lacks="the user, and what a subscription covers; older versions do not tell what compaction used",
)
