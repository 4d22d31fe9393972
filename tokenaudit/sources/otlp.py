"""OpenTelemetry traces and logs as JSON: model calls of any instrumented program, and those of coding agents.

Read are the lines of a collector's file exporter and of the JavaScript SDK's (Copilot: `~/.copilot/otel`), in the old
names (`gen_ai.usage.prompt_tokens`, `gen_ai.system`, `llm.usage.*`, OpenInference's `llm.token_count.*`) and the new.

Which signal counts. A call may stand in a span, a log record and a metric; only one of them counts, and which one
depends on the program alone, not on what else a file or the store holds:

* Claude Code, Codex, Gemini CLI and Qwen Code: their log events (``claude_code.api_request``, ``codex.sse_event`` of
  kind ``response.completed``, ``gemini_cli.api_response``). Their spans are left out.
* All others: spans, and the event ``gen_ai.client.inference.operation.details``, which has the response id or else the
  span id of its span and is one row with it. Copilot's is left out: its spans say the same.
* Metrics never count here: they are the source `otlp-metrics`, where a file holds nothing else.

Spans nest, and the outer ones repeat the sum of the inner: agents, workflows and tools (`gen_ai.operation.name`) are
left out, so that the model call itself counts. A span that names no operation counts if it is a client span.

Classes. By the convention the input includes what was read from and written to a cache, and the output includes
reasoning. Where the cached counts exceed the input, or the total shows it, they stand beside it. Claude Code's four
counts are disjoint. Codex and Gemini CLI count as their vendors do.

Money. `cost_usd` of Claude Code is the client's own estimate: the reported cost. There is no other.

Who. User, session and organisation by their usual attributes. Resource attributes that no convention defines
(`OTEL_RESOURCE_ATTRIBUTES`: team, cost_center, ...) become tags.

What replaces what. `gen_ai.response.id`, else trace and span. Claude Code's events: the request id where there is one,
else session, time, sequence, prompt, model and counts; likewise the others. A batch that a collector sent twice folds.

The same calls may also stand in the session logs of these tools: see `tokenaudit doctor --overlap`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _events, _otlp
from tokenaudit.sources._bodies import Columns, either, gemini, number, openai
from tokenaudit.sources._envelope import SHORTEST_ID, first_name
from tokenaudit.sources._otlp import Object, Signal, service, time_of
from tokenaudit.sources.source import Log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tokenaudit.sources.head import Head

OWN_EVENTS = ("claude-code", "codex", "gemini-cli", "qwen-code")
"""Beginnings of the names of services whose own log events count, and whose spans do not."""
COPILOT = "copilot"
INFERENCE = "gen_ai.client.inference.operation.details"
OUTER = ("invoke_", "create_", "execute_", "agent", "plan", "retriev", "workflow", "tool", "session", "chain", "task")
"""Beginnings of operations that hold model calls, or are none."""
OPERATIONS = ("gen_ai.operation.name", "llm.request.type", "openinference.span.kind")
CLIENT = (3, "3", "SPAN_KIND_CLIENT", "CLIENT")
MODELS = ("gen_ai.response.model", "gen_ai.request.model", "llm.response.model", "llm.model_name", "model")
PROVIDERS = ("gen_ai.provider.name", "gen_ai.system", "llm.provider")
INPUTS = (
    "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens", "llm.token_count.prompt",
)  # fmt: skip
OUTPUTS = (
    "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens",
    "llm.token_count.completion",
)  # fmt: skip
READS = (
    "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.details.cache_read_tokens", "llm.token_count.prompt_details.cache_read",
)  # fmt: skip
WRITES = (
    "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.details.cache_write_tokens",
    "llm.token_count.prompt_details.cache_write",
)  # fmt: skip
REASONING = (
    "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens", "gen_ai.usage.details.reasoning_tokens",
    "llm.usage.reasoning_tokens", "llm.token_count.completion_details.reasoning",
)  # fmt: skip
TOTALS = ("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total")
SELLERS = (
    ("aws", "aws"), ("azure", "azure"), ("gcp", "google"), ("vertex", "google"), ("gemini", "google"),
    ("github", "github-copilot"),
)  # fmt: skip
"""Part of a provider's name in the convention -> seller."""


def detect(head: Head) -> bool:
    """Say whether the first records are traces or logs, or lines of the JavaScript SDK's file exporter."""
    return any(map(_is_mine, head.records))


def _is_mine(record: Object) -> bool:
    if record.get("type") in ("span", "metric"):
        return record.keys() >= {"name", "resource"} or record.keys() >= {"traceId", "spanId", "attributes"}
    return any(isinstance(record.get(name), list) for name in ("resourceSpans", "resourceLogs"))


def rows(value: object, _: object) -> Iterator[_events.Row]:
    """Yield the rows of a line, or of a document."""
    for record in value if isinstance(value, list) else [value]:
        if isinstance(record, dict):
            yield from (row for span in _otlp.spans(record) if (row := _span(span)))
            yield from (row for log in _otlp.logs(record) if (row := _log(log)))


def _span(span: Signal) -> _events.Row | None:
    """Return the row of a span; None where it is no model call, or its program's events count."""
    if service(span).startswith(OWN_EVENTS) or not _is_call(span) or not _has_usage(span.told):
        return None
    return _call(span, time_of(span.record, "startTimeUnixNano", "startTime", "endTimeUnixNano", "endTime"))


def _is_call(span: Signal) -> bool:
    operation = first_name((span.told,), OPERATIONS)
    if operation is None:
        return span.record.get("kind") in CLIENT
    return not operation.lower().startswith(OUTER)


def _has_usage(told: Object) -> bool:
    return any(told.get(name) is not None for name in (*INPUTS, *OUTPUTS, *TOTALS))


def _call(signal: Signal, start: str | None) -> _events.Row:
    """Return the row of a model call by the GenAI convention."""
    told, record = signal.told, signal.record
    place = record.get("traceId"), record.get("spanId")
    name = first_name((told,), ("gen_ai.response.id",)) or ""
    if len(name) < SHORTEST_ID:
        name = ":".join((name, *map(str, place))) if all(place) else ""
    return {
        **_classes(told),
        **_common(signal, start),
        "provider": _provider(told),
        "service_tier": first_name((told,), ("gen_ai.response.service_tier", "gen_ai.openai.response.service_tier")),
        "identity": name or _named(signal, start, (*INPUTS, *OUTPUTS)),
    }


def _classes(told: Object) -> Columns:
    """Return the classes of a call; the cache is part of the input unless the counts say that it is not."""
    parts = {"cached_tokens": _count(told, READS), "cache_write_tokens": _count(told, WRITES)}
    return either({
        "prompt_tokens": _count(told, INPUTS),
        "completion_tokens": _count(told, OUTPUTS),
        "total_tokens": _count(told, TOTALS),
        "prompt_tokens_details": parts,
        "completion_tokens_details": {"reasoning_tokens": _count(told, REASONING)},
    })  # fmt: skip


def _count(told: Object, names: tuple[str, ...]) -> Any:  # noqa: ANN401 - whatever an attribute holds
    return next((told[name] for name in names if told.get(name) is not None), None)


def _counts(columns: Columns) -> Columns:
    return {name: value for name, value in columns.items() if name.endswith(("_tokens", "_requests"))}


def _provider(told: Object) -> str | None:
    named = (first_name((told,), PROVIDERS) or "").lower()
    return next((seller for part, seller in SELLERS if part in named), named or None)


def _common(signal: Signal, start: str | None) -> _events.Row:
    return {
        **_otlp.who(signal),
        "request_model": first_name((signal.told,), MODELS),
        "charge_period_start": start,
        "reject": None if start else "a model call without a time",
    }


def _named(signal: Signal, start: str | None, names: tuple[str, ...]) -> str:
    """Return a name made of what an event tells; what may change is no part of it."""
    telling = ("session.id", "conversation.id", "event.timestamp", "event.sequence", "prompt.id", "prompt_id", "model")
    values = [start, signal.record.get("timeUnixNano"), *(signal.told.get(name) for name in (*telling, *names))]
    return "\x1f".join("" if value is None else str(value) for value in values)


# -- log events -------------------------------------------------------------------------------------------------------
def _log(log: Signal) -> _events.Row | None:
    """Return the row of a log record; None where it is none of the events that count."""
    start = time_of(log.record, "timeUnixNano", "observedTimeUnixNano") or time_of(log.told, "event.timestamp")
    name = _event_name(log)
    if name == INFERENCE:
        copilot = COPILOT in service(log)
        return None if copilot or service(log).startswith(OWN_EVENTS) or not _has_usage(log.told) else _call(log, start)
    found = EVENTS.get(name)
    if found is None or (name == "codex.sse_event" and log.told.get("event.kind") != "response.completed"):
        return None
    names, columns = found
    row = {**columns(log.told), **_common(log, start)}
    return {**row, "identity": first_name((log.told,), ("request_id",)) or _named(log, start, names)}


def _event_name(log: Signal) -> str:
    """Return the full name of an event; Claude Code gives the short one, and its full name as the body."""
    name = str(log.told.get("event.name") or log.record.get("eventName") or "")
    body = _otlp.attributes([{"key": "body", "value": log.record.get("body")}]).get("body")
    if name == "api_request" and (body == CLAUDE or service(log).startswith("claude-code")):
        return CLAUDE
    return name or str(body or "")


CLAUDE = "claude_code.api_request"
SPEEDS = {"normal": "standard", "standard": "standard", "fast": "fast"}
CLAUDE_COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
COUNTS = (
    "input_token_count", "output_token_count", "cached_token_count", "cached_content_token_count",
    "thoughts_token_count", "reasoning_token_count",
)  # fmt: skip


def _claude(told: Object) -> Columns:
    """Return the columns of a request of Claude Code: disjoint classes, and its own estimate of the cost."""
    return {
        "uncached_input_tokens": number(told.get("input_tokens")),
        "cache_read_input_tokens": number(told.get("cache_read_tokens")),
        "cache_creation_5m_input_tokens": number(told.get("cache_creation_tokens")),
        "output_tokens": number(told.get("output_tokens")),
        "reported_cost": told.get("cost_usd"),
        "speed": SPEEDS.get(str(told.get("speed"))),
        "provider": "anthropic" if str(told.get("model")).startswith("claude-") else None,
    }


def _codex(told: Object) -> Columns:
    """Return the columns of a response of Codex: cached and written input inside the input; writes live 30 minutes."""
    written = number(told.get("cache_write_token_count"))
    columns = openai({
        "prompt_tokens": told.get("input_token_count"),
        "completion_tokens": told.get("output_token_count"),
        "total_tokens": 0,
        "prompt_tokens_details": {"cached_tokens": told.get("cached_token_count"), "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": told.get("reasoning_token_count")},
    })  # fmt: skip
    lives = {"cache_creation_5m_input_tokens": 0, "cache_creation_30m_input_tokens": written}
    return {**columns, **lives, "provider": "openai"}


def _gemini(told: Object) -> Columns:
    """Return the columns of a response of Gemini CLI or Qwen Code."""
    names = {
        "promptTokenCount": "input_token_count",
        "candidatesTokenCount": "output_token_count",
        "cachedContentTokenCount": "cached_content_token_count",
        "thoughtsTokenCount": "thoughts_token_count",
        "toolUsePromptTokenCount": "tool_token_count",
    }
    columns = _counts(gemini({theirs: told.get(name) for theirs, name in names.items()}))
    return {**columns, "provider": "google" if "gemini" in str(told.get("model")) else None}


EVENTS: dict[str, tuple[tuple[str, ...], Callable[[Object], Columns]]] = {
    CLAUDE: (CLAUDE_COUNTS, _claude),
    "codex.sse_event": (COUNTS, _codex),
    "gemini_cli.api_response": (COUNTS, _gemini),
    "qwen-code.api_response": (COUNTS, _gemini),
}
"""Event -> the counts that help to name it, and how it becomes columns."""

SOURCE = Log(
    name="otlp",
    title="OpenTelemetry traces and logs",
    provider=None,
    authority="client",
    restates=("claude-code", "codex", "gemini-cli", "qwen-code", "copilot-cli", "copilot-cli-events"),
    detect=detect,
    decode=_events.lines_or_document(rows),
    forms=("lines", "document"),
    paths=("~/.copilot/otel",),
    known="the file exporter of an OpenTelemetry collector, or COPILOT_OTEL_FILE_EXPORTER_PATH (*.jsonl)",
    tells="every instrumented call with user, session, service and the labels of OTEL_RESOURCE_ATTRIBUTES",
    lacks="money; Claude Code's spans (its events say the same) and its split of cache writes by life",
)
