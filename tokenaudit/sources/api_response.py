"""API responses that teams log themselves: bodies of any provider, bare or in an envelope, whole or as streamed chunks.

Bodies read: OpenAI Chat Completions, Responses, Embeddings and Images and whatever imitates them (Azure, DeepSeek,
Groq, Mistral, OpenRouter, xAI, gateways), Anthropic Messages, Gemini `generateContent` (also as the Python client
spells it), Bedrock Converse, Cohere. Files are JSON lines, one JSON document, or an array.

Envelopes. Anthropic, Gemini, Converse and Cohere bodies carry no time: log
``{"timestamp": ..., "user": ..., "project": ..., "metadata": {...}, "request": {...}, "response": {...}}``. Everything
but a time is optional. `response` may be the body, its text, or the list of streamed chunks. A response without a time
is refused. The provider's own clock goes before the envelope's. Failed calls hold no usage and are passed over. Output
of a Vertex AI batch is an envelope too (`processed_time`), marked as a batch.

Classes. See `_bodies`: for OpenAI, Gemini and those like them the input includes the cache, for Anthropic and Bedrock
it does not. A total above input and output is hidden reasoning, billed as output. Advisor calls and compactions inside
an Anthropic response are rows of their own: its usage leaves them out.

Text without counts. A response without usage, such as a stream that was never asked for it (OpenAI:
`stream_options.include_usage`), is counted from its texts, marked ``estimated``: those of the answer, and of the
request where the envelope holds it. `docs/tokens.md` says how, and how well. Without any text it is refused. Where
another line or file has the provider's own counts of the same response, these stand.

Money. `usage.cost` of OpenRouter is what it charges; on an own key that is its fee, and what the vendor charges is the
reported cost. xAI's `cost_in_usd_ticks` is a reported cost. Others tell no money.

What replaces what. The id of the response, else of the request; ids too short to be unique count together with time
and model. Where there is no id (Converse without `ResponseMetadata`), the content of the whole record is its name:
equal lines are one call. The lines of one id are one row, the larger of each count.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _events
from tokenaudit.sources._bodies import anthropic_parts, usage_of
from tokenaudit.sources._documents import at, items
from tokenaudit.sources._envelope import BODIES, SHORTEST_ID, Object, assembled, first_name, id_of, opened, time_of, who
from tokenaudit.sources._money import scaled
from tokenaudit.sources._texts import estimated
from tokenaudit.sources.source import Log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenaudit.sources.head import Head

FOREIGN = frozenset({
    "custom_id", "schemaType", "call_type", "response_cost", "ai_org", "req_units", "traceId", "usageDetails",
    "custom_llm_provider", "organisation_id", "span_attributes", "run_type", "request_created_at", "payload",
    "record_type", "sessionId", "uuid", "model_permaslug", "jsonrpc", "resourceSpans", "resourceLogs",
    "resourceMetrics",
})  # fmt: skip
"""Keys of records that hold a response too, and belong to another source."""
TYPES = ("message", "response.completed", "response.incomplete", "response.done", "message_start")
"""What a record's or body's `type` may be, where it has one."""
OBJECTS = ("chat.completion", "chat.completion.chunk", "text_completion", "response")
STREAM_EVENTS = ("message_start", "message_delta")
MODELS = ("model", "modelVersion", "model_version", "modelId", "model_id")
BATCH = "processed_time"
"""Key of an envelope that Vertex AI writes around the responses of a batch."""
NO_TIME = 'no timestamp: log each response as {"timestamp": ..., "response": {...}}'
NO_USAGE = "a response without usage or text: ask for usage (OpenAI streams: stream_options.include_usage)"
ONE_EVENT = "one event of a stream: log the events of a response as one list"


def detect(head: Head) -> bool:
    """Say whether the first records are responses, or envelopes around them, and of no other source."""
    found = list(head.records)
    return not any(record.keys() & FOREIGN for record in found) and any(map(_fits, found))


def _fits(record: Object) -> bool:
    """Say whether a record holds a response; one that is cut off may have lost its usage."""
    return any(usage_of(body) is not None or _is_response(body) for one in entries(record) if (body := _body(one)))


def _body(record: Object) -> Object:
    """Return the response in a record; nothing where its `type` is none of a response's."""
    body = opened(record)
    return body if body.get("type") in (None, *TYPES) else {}


def _is_response(body: Object) -> bool:
    """Say whether a body is a response that should have usage."""
    if at(body, "output", "message") or (body.get("type") == "message" and body.get("role") == "assistant"):
        return True
    return bool(items(body, "candidates")) or (body.get("object") in OBJECTS and not body.get("error"))


def entries(value: object) -> Iterator[Object]:
    """Yield the records of a document: itself, its elements, the responses of a list page, or one stream's chunks."""
    if isinstance(value, list):
        stream = value and at(value[0], "type") == "message_start"
        yield from [assembled(value)] if stream else (one for item in value for one in entries(item))
    elif isinstance(value, dict):
        yield from (listed if at(value, "object") == "list" and (listed := _listed(value)) else [value])


def _listed(page: Object) -> list[Object]:
    return [item for item in items(page, "data") if usage_of(item) is not None]


def rows(value: object, _: object) -> Iterator[_events.Row]:
    """Yield the rows of a line or document."""
    for record in entries(value):
        yield from _rows(record)


def _rows(record: Object) -> Iterator[_events.Row]:
    body = opened(record)
    columns = usage_of(body) or _estimated(record, body)
    if columns is None or body.get("type") in STREAM_EVENTS:
        yield from _refused(body, record)
        return
    usage = body["usage"] if isinstance(body.get("usage"), dict) else {}
    at_time, names = time_of(record, body), who(record, body)
    row = {
        **columns,
        **names,
        **_what(record, body, columns),
        **_money(usage),
        "charge_period_start": at_time,
        "identity": _identity(record, body, at_time),
        "origin_rank": int(not any(names.values())),
        "reject": None if at_time else NO_TIME,
    }
    yield row
    if at_time:
        yield from (_part(row, part) for part in anthropic_parts(usage))


def _estimated(record: Object, body: Object) -> Object | None:
    """Return the columns of a response without usage, from its texts; None where nothing was logged to count."""
    if not _is_whole(body, record):
        return None
    chunks = next((found for name in BODIES if isinstance(found := record.get(name), list)), None)
    return estimated(record.get("request"), chunks or [body], _model(record, body))


def _is_whole(body: Object, record: Object) -> bool:
    """Say whether a body is a response, or one put together from its chunks."""
    return _is_response(body) and (body is not record or body.get("object") != "chat.completion.chunk")


def _refused(body: Object, record: Object) -> Iterator[_events.Row]:
    """Yield why a response cannot count; nothing for what is no response."""
    if body.get("type") in STREAM_EVENTS or record.get("type") in STREAM_EVENTS:
        yield {"reject": ONE_EVENT}
    elif _is_whole(body, record):
        yield {"reject": NO_USAGE}


def _part(row: _events.Row, part: Any) -> _events.Row:  # noqa: ANN401
    """Return the row of a call inside a response."""
    return {
        **row,
        "billed_cost": None,
        "reported_cost": None,
        **part.columns,
        "request_model": part.model or row["request_model"],
        "identity": f"{row['identity']}\x1fadv:{part.position}",
    }


def _what(record: Object, body: Object, columns: Object) -> Object:
    """Return provider, model, tier and searches of a response."""
    tier = columns.get("service_tier") or first_name((body,), ("service_tier",)) or at(body, "serviceTier", "type")
    calls = [item for item in items(body, "output") if item.get("type") == "web_search_call"]
    searches = sum(at(item, "action", "type") in (None, "search") for item in calls)
    return {
        "provider": _provider(record, body),
        "request_model": _model(record, body),
        "service_tier": "standard" if tier == "default" else tier,
        "web_search_requests": columns.get("web_search_requests", 0) or searches,
        "batch": columns.get("batch", False) or BATCH in record,
    }


def _model(record: Object, body: Object) -> str | None:
    """Return the model that answered, else the one that was asked."""
    asked = record.get("request")
    return first_name((body, record, *([asked] if isinstance(asked, dict) else [])), MODELS)


def _provider(record: Object, body: Object) -> str | None:
    """Return who sold a response, where the envelope or the form of the body tells; else its model's name will."""
    usage = at(body, "usage")
    if at(usage, "is_byok") is not None or at(usage, "cost_details") or str(body.get("id")).startswith("gen-"):
        return "openrouter"
    if at(usage, "inputTokens") is not None:
        return "aws"
    if at(body, "prompt_filter_results"):
        return "azure"
    told = first_name((record,), ("provider",))
    return told.lower() if told else None


def _money(usage: Object) -> Object:
    """Return what OpenRouter charged, and what is said to have been charged elsewhere."""
    own_key = usage.get("is_byok") is True
    upstream = at(usage, "cost_details", "upstream_inference_cost") if own_key else None
    charged = usage.get("cost") if "cost_details" in usage or "is_byok" in usage else None
    return {
        "billed_cost": charged,
        "cost_basis": None if charged is None else "billed",
        "reported_cost": upstream if own_key else scaled(usage.get("cost_in_usd_ticks"), -10),
    }


def _identity(record: Object, body: Object, at_time: str | None) -> str:
    """Return the name of a response."""
    name = id_of(record, body)
    if name is None:
        content = json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
    return name if len(name) >= SHORTEST_ID else "\x1f".join((name, at_time or "", _model(record, body) or ""))


SOURCE = Log(
    name="api-response",
    title="Logged API responses",
    provider=None,
    authority="client",
    rules=2,
    detect=detect,
    decode=_events.lines_or_document(rows),
    forms=("lines", "document"),
    known="what your own code logs of each call: one JSON line with a timestamp and the response",
    tells="tokens by response, and user, project and team where the envelope names them",
    lacks="money (but OpenRouter's), calls that were not logged, and Gemini's searches",
)
