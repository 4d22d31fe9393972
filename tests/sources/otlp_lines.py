"""Invented OTLP lines: resources, spans, log records and metric points from plain dictionaries."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
SECOND = 10**9
START = 1_791_277_200
"""2026-10-06T09:00:00Z."""


def attributes(told: Object) -> list[Object]:
    """Return attributes as OTLP writes them: whole numbers as text."""
    names = {str: "stringValue", bool: "boolValue", float: "doubleValue", int: "intValue"}
    return [
        {"key": key, "value": {names[type(value)]: str(value) if type(value) is int else value}}
        for key, value in told.items()
    ]


def _line(outer: str, middle: str, inner: str, service: str, resource: Object, found: tuple[Object, ...]) -> Object:
    told = {"service.name": service, **resource}
    return {outer: [{"resource": {"attributes": attributes(told)}, middle: [{"scope": {}, inner: list(found)}]}]}


def spans(*found: Object, service: str = "bot", **resource: str) -> Object:
    """Return a line of spans."""
    return _line("resourceSpans", "scopeSpans", "spans", service, resource, found)


def logs(*found: Object, service: str = "bot", **resource: str) -> Object:
    """Return a line of log records."""
    return _line("resourceLogs", "scopeLogs", "logRecords", service, resource, found)


def metrics(*found: Object, service: str = "claude-code", **resource: str) -> Object:
    """Return a line of metrics."""
    return _line("resourceMetrics", "scopeMetrics", "metrics", service, resource, found)


def span(told: Object, number: int = 1, kind: int = 3, second: int = 0) -> Object:
    """Return a span."""
    return {
        "traceId": f"{number:032x}", "spanId": f"{number:016x}", "parentSpanId": "", "name": "chat", "kind": kind,
        "startTimeUnixNano": str((START + second) * SECOND), "attributes": attributes(told),
    }  # fmt: skip


def log(told: Object, body: str = "", second: int = 0, **more: str) -> Object:
    """Return a log record."""
    at = str((START + second) * SECOND)
    return {"timeUnixNano": at, "body": {"stringValue": body}, "attributes": attributes(told), **more}


def point(told: Object, value: float, start: int = 0, end: int = 60, **more: str) -> Object:
    """Return a point of a counter."""
    times = {"startTimeUnixNano": str((START + start) * SECOND), "timeUnixNano": str((START + end) * SECOND)}
    return {"attributes": attributes(told), **times, "asDouble": value, **more}


def counter(name: str, *points: Object, temporality: int = 1) -> Object:
    """Return a counter."""
    return {
        "name": name,
        "sum": {"aggregationTemporality": temporality, "isMonotonic": True, "dataPoints": list(points)},
    }
