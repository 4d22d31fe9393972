"""GitHub Copilot CLI, `session-state/<session>/events.jsonl`: one row for each session and model.

Use it for sessions of before the middle of 2026, when `session-store.db` (source `copilot-cli`) did not have each
request yet: where both hold a session, that one goes first, and session and model tie them.

Sums. ``session.shutdown`` carries the session's sums by model, over all its resumed legs: the last one counts. A sum
that is smaller than the one before was begun anew (after a compaction): both count. A session without a shutdown has
only the output of its ``assistant.message`` lines, as far as they name it; its input is not known.

Classes. The input includes what was read from and written to the cache, reasoning is part of the output.

Money. None: premium requests and AI units are on GitHub's bill (source `copilot-usage`).

What replaces what. Session, model and how often its sums had begun anew. Larger counts stand.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _events
from tokenaudit.sources._bodies import number
from tokenaudit.sources._documents import at
from tokenaudit.sources._envelope import first_name, tags_of
from tokenaudit.sources.copilot_cli import PROVIDER, classes, repository_name
from tokenaudit.sources.source import Log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenaudit.sources.head import Head

Object = dict[str, Any]
TYPES = ("session.start", "session.resume", "session.shutdown", "assistant.message", "user.message")
NAMES = {
    "input_tokens": "inputTokens",
    "output_tokens": "outputTokens",
    "cache_read_tokens": "cacheReadTokens",
    "cache_write_tokens": "cacheWriteTokens",
    "reasoning_tokens": "reasoningTokens",
}
NEEDLES = (b'"session.', b'"outputTokens"')


def detect(head: Head) -> bool:
    """Say whether the first records are events of a session."""
    return any(map(_is_mine, head.records))


def _is_mine(record: Object) -> bool:
    return record.get("type") in TYPES and isinstance(record.get("data"), dict) and "timestamp" in record


def _rows(event: Object, memory: _events.Memory) -> Iterator[_events.Row]:
    """Yield the rows of an event: of a shutdown one for each model, of an answer before the first what it adds to."""
    data, facts = event.get("data"), memory.facts
    if not isinstance(data, dict):
        return
    kind, at_time = event.get("type"), event.get("timestamp")
    if kind in ("session.start", "session.resume", "session.model_change"):
        _remember(data, facts, at_time)
    elif kind == "session.shutdown":
        told = data.get("modelMetrics")
        for model, metrics in told.items() if isinstance(told, dict) else ():
            counted = _sum(facts, model, metrics)
            if any(counted[name] for name in ("uncached_input_tokens", "cache_read_input_tokens", "output_tokens")):
                yield {**counted, **_where(memory, model, at_time)}
        facts["ended"] = at_time
    elif kind == "assistant.message" and data.get("outputTokens") and not facts.get("ended"):
        yield from _answer(data, memory, at_time)


def _remember(data: Object, facts: Object, at_time: object) -> None:
    told = {
        "session": data.get("sessionId"),
        "model": data.get("newModel") or data.get("selectedModel"),
        **{name: at(data, "context", name) for name in ("cwd", "repository", "branch")},
    }
    facts.update({name: found for name, value in told.items() if (found := _events.text(value))})
    facts.setdefault("start", at_time)


def _sum(facts: Object, model: str, metrics: object) -> _events.Row:
    """Return the counts of a model up to a shutdown, and which time its sums run."""
    counts = {name: number(at(metrics, "usage", theirs)) for name, theirs in NAMES.items()}
    era, before = facts.setdefault("sums", {}).get(model, (0, 0))
    total = counts["input_tokens"] + counts["output_tokens"]
    if total < before:
        era += 1
        facts.setdefault("starts", {})[model] = facts.get("ended")
    facts["sums"][model] = (era, total)
    return {**classes(counts), "requests": number(at(metrics, "requests", "count")), "era": era}


def _answer(data: Object, memory: _events.Memory, at_time: object) -> Iterator[_events.Row]:
    """Yield what a model's answers wrote up to here."""
    model = first_name((data,), ("model",)) or memory.facts.get("model")
    if model:
        shown, requests = memory.facts.setdefault("shown", {}).get(model, (0, 0))
        shown, requests = shown + number(data["outputTokens"]), requests + 1
        memory.facts["shown"][model] = (shown, requests)
        yield {"output_tokens": shown, "requests": requests, "era": 0, **_where(memory, model, at_time)}


def _where(memory: _events.Memory, model: str, at_time: object) -> _events.Row:
    facts = memory.facts
    return {
        "charge_period_start": at(facts, "starts", model) or facts.get("start") or at_time,
        "charge_period_end": at_time,
        "granularity": "period",
        "session": facts.get("session") or os.path.basename(os.path.dirname(memory.path)),
        "project": repository_name(facts.get("repository")),
        "project_path": facts.get("cwd"),
        "tags": tags_of({"git_branch": facts.get("branch")}),
        "provider": PROVIDER,
        "request_model": model,
    }


def rows(event: Object, memory: _events.Memory) -> Iterator[_events.Row]:
    """Yield rows with their identities."""
    for row in _rows(event, memory):
        era = row.pop("era")
        yield {**row, "identity": f"{row['session']}\x1f{row['request_model']}\x1f{era}"}


SOURCE = Log(
    name="copilot-cli-events",
    title="Copilot CLI session logs",
    provider=PROVIDER,
    authority="client",
    restates=("copilot-cli",),
    detect=detect,
    decode=_events.lines(rows, *NEEDLES),
    paths=("$COPILOT_HOME/session-state", "~/.copilot/session-state"),
    known="~/.copilot/session-state/<session>/events.jsonl on each developer's machine",
    tells="tokens by session, model, repository and working directory",
    lacks="single requests; the input of sessions that were killed; the user; the charge",
)
