"""OTLP as JSON: spans, log records and metric points with all attributes that hold for them.

A collector writes one request a line (``resourceSpans``, ``resourceLogs``, ``resourceMetrics``; attributes are lists,
64-bit numbers are text); the file exporter of the JavaScript SDK writes one span or metric a line, attributes plain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tokenaudit.sources._documents import at, items
from tokenaudit.sources._envelope import first_name, short, tags_of
from tokenaudit.sources._instant import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

Object = dict[str, Any]
USERS = (
    "user.email", "enduser.id", "user.name", "user.account_id", "user.account_uuid", "enduser.pseudo.id", "user.id",
)  # fmt: skip
SESSIONS = ("session.id", "gen_ai.conversation.id", "conversation.id")
PROJECTS = ("project", "project.name", "repository", "repo", "vcs.repository.name")
ACCOUNTS = ("organization.id", "org.id")
LABELS = {
    "service": "service.name", "environment": "deployment.environment.name", "agent": "gen_ai.agent.name",
    "query_source": "query_source", "effort": "effort",
}  # fmt: skip
"""Tag -> attribute that it comes from."""
CONVENTIONS = frozenset({
    "app", "aws", "azure", "browser", "cloud", "container", "deployment", "device", "faas", "gcp", "host", "k8s",
    "organization", "os", "process", "service", "session", "telemetry", "terminal", "user", "vcs", "wsl",
})  # fmt: skip
"""First parts of the names of resource attributes that OpenTelemetry or the tool defines: all others are labels that a
company gave."""


class Signal(NamedTuple):
    """A span, log record or metric."""

    record: Object
    resource: Object
    """Attributes of what sent it."""
    told: Object
    """Attributes of the resource and the record itself."""


def attributes(found: object) -> Object:
    """Return attributes by name, from a list of keys and values or from a plain object."""
    if isinstance(found, dict):
        return found
    pairs = found if isinstance(found, list) else []
    return {key: _value(pair.get("value")) for pair in pairs if isinstance(key := at(pair, "key"), str)}


def _value(value: object) -> Any:  # noqa: ANN401 - any JSON
    """Return what an attribute's value holds; lists and objects are left out."""
    names = ("stringValue", "intValue", "doubleValue", "boolValue")
    return next((value[name] for name in names if name in value), None) if isinstance(value, dict) else value


def spans(record: Object) -> Iterator[Signal]:
    """Yield the spans of a line."""
    if record.get("type") == "span":
        yield _signal(record, attributes(at(record, "resource", "attributes")))
    yield from _signals(record, "resourceSpans", "scopeSpans", "spans")
    yield from _signals(record, "resourceSpans", "instrumentationLibrarySpans", "spans")


def logs(record: Object) -> Iterator[Signal]:
    """Yield the log records of a line."""
    yield from _signals(record, "resourceLogs", "scopeLogs", "logRecords")


def metrics(record: Object) -> Iterator[Signal]:
    """Yield the metrics of a line; their points have attributes of their own."""
    yield from _signals(record, "resourceMetrics", "scopeMetrics", "metrics")


def _signals(record: Object, outer: str, middle: str, inner: str) -> Iterator[Signal]:
    for group in items(record, outer):
        resource = attributes(at(group, "resource", "attributes"))
        for scope in items(group, middle):
            for item in items(scope, inner):
                yield _signal(item, resource)


def _signal(record: Object, resource: Object) -> Signal:
    return Signal(record, resource, {**resource, **attributes(record.get("attributes"))})


def service(signal: Signal) -> str:
    """Return the name of the service that sent a signal, in lower case."""
    return str(signal.resource.get("service.name") or signal.told.get("service.name") or "").lower()


def time_of(record: Object, *names: str) -> str | None:
    """Return the first instant under some names: nanoseconds, or a pair of seconds and nanoseconds."""
    found = (record.get(name) for name in names)
    return next((instant for value in found if (instant := moment(_joined(value)))), None)


def _joined(value: Any) -> Any:  # noqa: ANN401 - whatever stands where a time should
    if not (isinstance(value, list) and len(value) == 2 and all(isinstance(part, int) for part in value)):  # noqa: PLR2004
        return value
    return value[0] * 10**9 + value[1]


def who(signal: Signal) -> Object:
    """Return user, project, account, session and tags of a signal."""
    told = (signal.told,)
    return {
        "user": first_name(told, USERS),
        "project": first_name(told, PROJECTS),
        "account": first_name(told, ACCOUNTS),
        "session": first_name(told, SESSIONS),
        "tags": tags_of({**_own_labels(signal.resource), **_labels(signal.told)}),
    }


def _labels(told: Object) -> dict[str, str | None]:
    return {label: short(told.get(name)) for label, name in LABELS.items()}


def _own_labels(resource: Object) -> dict[str, str | None]:
    """Return the resource attributes that a company made up: ``OTEL_RESOURCE_ATTRIBUTES``."""
    own = {name: value for name, value in resource.items() if name.partition(".")[0] not in CONVENTIONS}
    return {name: short(value) for name, value in own.items() if name not in PROJECTS}
