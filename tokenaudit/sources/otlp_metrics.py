"""OpenTelemetry metrics as JSON: token counters of Claude Code, Codex, Gemini CLI and of the GenAI convention.

Read are ``claude_code.token.usage`` with ``claude_code.cost.usage``, ``codex.turn.token_usage``,
``gemini_cli.token.usage`` (and Qwen Code's), and of all other programs the histogram ``gen_ai.client.token.usage``.

Use it where nothing better is exported: a metric knows no single calls, and the same calls may stand in the traces and
logs of the source `otlp`. A file is read as metrics only where its first lines hold neither of those, so that a mixed
file counts once; of two separate files of the same calls, traces and logs go first.

Delta and cumulative. Points of a counter with delta temporality (Claude Code's default) each count: one row for each
export interval, named by its labels, start and end. Points of a cumulative counter repeat the sum since its start:
they are one row, named by labels and start, with the largest value; no difference is taken, so that neither the order
of files nor a lost line matters. A restarted program has a new start and is a new row.

Classes. Claude Code's four types are disjoint. For Codex and Gemini CLI cached input is part of the input, and Codex's
reasoning is part of the output, Gemini's is not. The convention knows input and output only: input is all uncached.

Money. ``claude_code.cost.usage`` is the client's own estimate: the reported cost.

Requests. Only the histogram tells how many there were; the rows of counters have none.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _events, _otlp
from tokenaudit.sources._bodies import Columns, gemini, number, openai
from tokenaudit.sources._documents import items
from tokenaudit.sources._envelope import first_name
from tokenaudit.sources._otlp import Object, Signal, attributes, service, time_of
from tokenaudit.sources.otlp import OWN_EVENTS
from tokenaudit.sources.otlp import SOURCE as OTLP
from tokenaudit.sources.source import Log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tokenaudit.sources.head import Head

KINDS = ("sum", "gauge", "histogram", "exponentialHistogram")
CUMULATIVE = (2, "2", "AGGREGATION_TEMPORALITY_CUMULATIVE")
CONVENTION, COST = "gen_ai.client.token.usage", "claude_code.cost.usage"
TYPES = ("type", "token_type", "gen_ai.token.type")
"""Attributes that say which tokens a point counts."""
MODELS = ("model", "gen_ai.response.model", "gen_ai.request.model")


def detect(head: Head) -> bool:
    """Say whether the first records hold metrics and neither traces nor logs."""
    return not OTLP.detect(head) and any(isinstance(record.get("resourceMetrics"), list) for record in head.records)


def rows(value: object, _: object) -> Iterator[_events.Row]:
    """Yield the rows of a line, or of a document."""
    for record in value if isinstance(value, list) else [value]:
        for metric in _otlp.metrics(record) if isinstance(record, dict) else ():
            name = str(metric.record.get("name"))
            if name in METRICS and not (name == CONVENTION and service(metric).startswith(OWN_EVENTS)):
                yield from _rows(metric, name)


def _rows(metric: Signal, name: str) -> Iterator[_events.Row]:
    """Yield one row for each set of labels and interval: the points of its types together."""
    groups: dict[str, list[tuple[Object, Object]]] = {}
    for kind in KINDS:
        data = metric.record.get(kind)
        repeats = isinstance(data, dict) and data.get("aggregationTemporality") in CUMULATIVE
        for point in items(data, "dataPoints"):
            told = {**metric.resource, **attributes(point.get("attributes"))}
            groups.setdefault(_series(told, point, repeats=repeats), []).append((point, told))
    for series, points in groups.items():
        yield {**_row(metric, name, points), "identity": series}


def _series(told: Object, point: Object, *, repeats: bool) -> str:
    """Return the name of a counter's interval; of one that repeats its sum, of the counter."""
    labels = {key: value for key, value in told.items() if key not in TYPES}
    whole = [labels, point.get("startTimeUnixNano"), None if repeats else point.get("timeUnixNano")]
    return json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _row(metric: Signal, name: str, points: list[tuple[Object, Object]]) -> _events.Row:
    point, told = points[0]
    start = time_of(point, "startTimeUnixNano", "timeUnixNano")
    end = time_of(point, "timeUnixNano")
    values = {str(first_name((labels,), TYPES)).lower(): _amount(point) for point, labels in points}
    return {
        **METRICS[name](values),
        **_otlp.who(Signal(metric.record, metric.resource, told)),
        "request_model": first_name((told,), MODELS),
        "provider": _provider(told),
        "requests": max(number(point.get("count")) for point, _ in points),
        "charge_period_start": start,
        "charge_period_end": end,
        "granularity": "period",
        "reject": None if start else "a point without a time",
    }


def _provider(told: Object) -> str | None:
    """Return who sold the tokens, where it is sure."""
    named = first_name((told,), ("gen_ai.provider.name", "gen_ai.system"))
    return named or ("anthropic" if str(told.get("model")).startswith("claude-") else None)


def _amount(point: Object) -> Any:  # noqa: ANN401 - a number or its text
    return next((point[name] for name in ("asInt", "asDouble", "sum") if point.get(name) is not None), None)


def _claude(values: Object) -> Columns:
    return {
        "uncached_input_tokens": number(values.get("input")),
        "cache_read_input_tokens": number(values.get("cacheread")),
        "cache_creation_5m_input_tokens": number(values.get("cachecreation")),
        "output_tokens": number(values.get("output")),
    }


def _cost(values: Object) -> Columns:
    return {"reported_cost": next(iter(values.values()))}


def _codex(values: Object) -> Columns:
    usage = {"prompt_tokens": values.get("input"), "completion_tokens": values.get("output"), "total_tokens": 0}
    reasoning = {"reasoning_tokens": values.get("reasoning_output")}
    cached = {"cached_tokens": values.get("cached_input")}
    return openai({**usage, "prompt_tokens_details": cached, "completion_tokens_details": reasoning})


def _gemini(values: Object) -> Columns:
    names = {
        "promptTokenCount": "input",
        "candidatesTokenCount": "output",
        "cachedContentTokenCount": "cache",
        "thoughtsTokenCount": "thought",
        "toolUsePromptTokenCount": "tool",
    }
    return gemini({theirs: values.get(name) for theirs, name in names.items()})


def _convention(values: Object) -> Columns:
    return {"uncached_input_tokens": number(values.get("input")), "output_tokens": number(values.get("output"))}


METRICS: dict[str, Callable[[Object], Columns]] = {
    "claude_code.token.usage": _claude,
    COST: _cost,
    "codex.turn.token_usage": _codex,
    "gemini_cli.token.usage": _gemini,
    "qwen-code.token.usage": _gemini,
    CONVENTION: _convention,
}
"""Metric -> how its values by type become columns."""

SOURCE = Log(
    name="otlp-metrics",
    title="OpenTelemetry metrics",
    provider=None,
    authority="client",
    restates=("otlp", "claude-code", "codex", "gemini-cli", "qwen-code", "copilot-cli", "copilot-cli-events"),
    detect=detect,
    decode=_events.lines_or_document(rows),
    forms=("lines", "document"),
    known="the file exporter of an OpenTelemetry collector whose pipeline holds metrics only (*.jsonl)",
    tells="tokens by user, session and model, for each export interval or run of a program",
    lacks="single calls, and mostly their number; money; what the traces and logs of `otlp` tell better",
)
