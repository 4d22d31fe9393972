"""What teams put around a logged response: when, who and where, under whatever names, and the response inside.

Only named fields are looked at; texts of prompts and answers are never touched.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tokenaudit.sources._bodies import usage_of
from tokenaudit.sources._documents import DOCUMENT, at
from tokenaudit.sources._instant import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Object = dict[str, Any]
BODIES = ("response", "response_body", "responseBody", "body", "completion", "result", "chunks", "events", "stream")
TIMES = (
    "timestamp", "@timestamp", "time", "ts", "datetime", "date", "created_at", "createdAt", "created", "logged_at",
    "request_time", "requested_at", "started_at", "start_time", "startTime", "completed_at", "processed_time",
    "end_time", "endTime",
)  # fmt: skip
OWN_TIMES = ("created", "created_at", "createTime", "create_time")
"""A provider's own clock: the same in every copy of a response."""
WHO: dict[str, tuple[str, ...]] = {
    "user": ("user", "user_email", "email", "user_id", "userId", "username", "end_user", "safety_identifier"),
    "api_key": ("api_key_name", "api_key_alias", "key_alias", "key_name", "api_key_id"),
    "project": ("project", "project_name", "project_id", "repository", "repo"),
    "workspace": ("workspace", "workspace_id"),
    "account": ("account", "account_id", "organization", "organization_id", "org_id"),
    "session": ("session", "session_id", "conversation", "conversation_id", "thread_id"),
}
"""Usage column -> its names in envelopes and metadata, the first that is there."""
LABELS = (
    "team", "cost_center", "department", "environment", "env", "application", "app", "service", "feature", "agent",
    "workflow", "customer", "tenant", "branch",
)  # fmt: skip
LONGEST_NAME = 200
REQUEST_IDS = ("request_id", "requestId", "x_request_id", "_request_id")
RESPONSE_IDS = ("id", "responseId", "response_id")
SHORTEST_ID = 16
"""Ids of fewer characters come again."""


def opened(record: Object) -> Object:
    """Return the response inside an envelope, its chunks put together; the record itself where there is none."""
    found = [body for name in BODIES if (body := _inner(record.get(name))) is not None]
    with_usage = (body for body in (*found, record) if usage_of(body) is not None)
    return next(with_usage, found[0] if found else record)


def _inner(value: object) -> Object | None:
    """Return the response that stands in a field of an envelope, itself, as text, as chunks, or a level deeper."""
    told = _parsed(value) if isinstance(value, str) else value
    whole = assembled(told) if isinstance(told, list) else told
    if not isinstance(whole, dict) or not whole:
        return None
    return whole if usage_of(whole) is not None else opened(whole)


def _parsed(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON that was logged as text; None for other text."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return DOCUMENT.decode(text)
    except ValueError:
        return None


def assembled(chunks: Iterable[object]) -> Object:
    """Return the chunks of a streamed response as one body: what a later chunk tells overwrites what an earlier told.

    Anthropic's counts are cumulative and left out where unchanged; Gemini's are cumulative and whole.
    """
    body: Object = {}
    for chunk in chunks:
        part = _part(chunk)
        usage = {**_told(body.get("usage")), **_told(part.get("usage"))}
        body |= {name: value for name, value in _told(part).items() if name != "type"}
        if usage:
            body["usage"] = usage
    return body


def _part(chunk: object) -> Object:
    """Return what a chunk tells of the body: Anthropic, Responses and Converse put it a level deeper."""
    inner = next((at(chunk, name) for name in ("message", "response", "metadata") if at(chunk, name, "usage")), None)
    found = inner if isinstance(inner, dict) else chunk
    return found if isinstance(found, dict) else {}


def _told(part: object) -> Object:
    return {name: value for name, value in part.items() if value} if isinstance(part, dict) else {}


def time_of(record: Object, body: Object) -> str | None:
    """Return when a response was made: by the provider's clock, else by the envelope's; None where nothing says so."""
    own = next((body[name] for name in OWN_TIMES if body.get(name)), None)
    told = (found.get(name) for found in _places(record) for name in TIMES if found.get(name))
    header = at(body, "ResponseMetadata", "HTTPHeaders", "date")
    return next((found for value in (own, *told) if (found := moment(value))), None) or _header_date(header)


def _header_date(text: object) -> str | None:
    """Return the instant of an HTTP ``Date`` header, such as boto3 keeps with a response."""
    from email.utils import parsedate_to_datetime

    try:
        return moment(parsedate_to_datetime(text).isoformat()) if isinstance(text, str) else None
    except ValueError:
        return None


def _places(record: Object) -> list[Object]:
    """Return the objects in which an envelope tells who and when, the outermost first."""
    request = record.get("request")
    found = (record, record.get("metadata"), request, at(request, "metadata"))
    return [place for place in found if isinstance(place, dict)]


def who(record: Object, body: Object) -> Object:
    """Return user, key, project, workspace, account, session and tags, as far as an envelope tells them."""
    places = [*_places(record), *([] if body is record else _places(body))]
    columns = {column: first_name(places, names) for column, names in WHO.items()}
    return {**columns, "tags": tags_of({**{label: first_name(places, (label,)) for label in LABELS}, **_own(places)})}


def _own(places: list[Object]) -> Object:
    """Return the labels that a team collected under `tags` or `labels`."""
    found = [place[name] for place in places for name in ("tags", "labels") if isinstance(place.get(name), dict)]
    return {str(key): short(value) for labels in reversed(found) for key, value in labels.items()}


def first_name(places: Iterable[Object], names: tuple[str, ...]) -> str | None:
    """Return the first short text under one of the names."""
    return next((found for place in places for name in names if (found := short(place.get(name)))), None)


def short(value: object) -> str | None:
    """Return a name or an id as text, of an object its own; None for what is neither."""
    if isinstance(value, dict):
        return first_name((value,), ("email", "name", "id"))
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if 0 < len(text) <= LONGEST_NAME and "\n" not in text else None


def tags_of(labels: Mapping[str, str | None]) -> str | None:
    """Return labels that have a value as the JSON object of a row's `tags`; None where none has."""
    told = {name: value for name, value in labels.items() if value}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")) if told else None


def id_of(record: Object, body: Object) -> str | None:
    """Return the provider's id of a response or of its request; None where nothing names it."""
    return (
        first_name((body,), (*RESPONSE_IDS, *REQUEST_IDS))
        or short(at(body, "ResponseMetadata", "RequestId"))
        or first_name(_places(record), (*REQUEST_IDS, "response_id"))
    )
