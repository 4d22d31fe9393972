"""AWS Bedrock model invocation log: one record a call, as S3 or CloudWatch keep it.

Dresses read: the JSON lines of S3 (plain or packed), one record or an array as a JSON document, pages of CloudWatch
events (`events[].message`, `logEvents[].message`), results of a query (`@message`, in JSON or CSV), and the lines of a
CloudWatch export, which have an instant in front. Operations are InvokeModel, Converse and their streams.

Classes. All four counts are disjoint: `inputTokenCount` has neither the input read from a cache nor that written to
one, which stand in `input` or beside it. Of the logged answer nothing is read but the life of cache writes: those of
an hour are dearer. What a prompt or an answer says of tokens is text.

Who and what. The user is the last part of the caller's ARN, for an assumed role the name of its session; where a
machine made that name up, it is the role. `requestMetadata` becomes tags. The model stays as logged, often an ARN or a
name with a geography (``us.``, ``eu.``, ``global.``), which decides the price together with the region of the call; the
region that a profile chose to compute in does not, and is a tag. An application's own inference profile does not tell
its model: it is unpriced.

Failed calls (`errorCode`) have no counts and are no rows. A call without counts (images) is a request and unpriced.

What replaces what. The identity is `requestId`: S3 and CloudWatch may hold the same calls. Money is on the AWS bill.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _events
from tokenaudit.sources._bedrock_shapes import COLUMN, MARK, invocations, trimmed
from tokenaudit.sources._bodies import number
from tokenaudit.sources._documents import at, documents, is_document, items
from tokenaudit.sources.source import Decoded, Log, Tail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenaudit.sources.head import Head

COUNTS = {
    "uncached_input_tokens": "inputTokenCount",
    "cache_read_input_tokens": "cacheReadInputTokenCount",
    "cache_creation_5m_input_tokens": "cacheWriteInputTokenCount",
    "output_tokens": "outputTokenCount",
}
MACHINE_MADE = r"botocore-session-\d+|aws-sdk-\S+|i-[0-9a-f]+|\d+|[0-9a-fA-F-]{32,}"
"""Names of sessions that nobody chose."""


def detect(head: Head) -> bool:
    """Say whether the first records, or what follows an instant or stands in a cell of the first lines, are of it."""
    if any(any(invocations(record)) for record in head.records):
        return True
    lines = head.data.split(b"\n", 4)[:3] if MARK.encode() in head.data else []
    return any(any(invocations(found)) for line in lines for found in documents(trimmed(line), []))


def decode(tail: Tail) -> Decoded:
    """Read the unread lines of a file, or the whole of a document."""
    return (_document if is_document(tail.path) else _lines)(tail)


def rows(value: object, _: object) -> Iterator[_events.Row]:
    """Yield a row for each call of a line or document."""
    for record in invocations(value):
        if isinstance(record, str):
            yield {"reject": record}
        elif not record.get("errorCode"):
            yield _row(record)


def _row(record: dict[str, Any]) -> _events.Row:
    counts = {column: _count(record, name) for column, name in COUNTS.items()}
    known = {column: number(value) for column, value in counts.items()}
    long = min(_one_hour(at(record, "output", "outputBodyJson")), known["cache_creation_5m_input_tokens"])
    known["cache_creation_5m_input_tokens"] -= long
    return {
        **known,
        "cache_creation_1h_input_tokens": long,
        "identity": record.get("requestId"),
        "charge_period_start": record.get("timestamp"),
        "user": _user(at(record, "identity", "arn")),
        "account": _text(record.get("accountId")),
        "region": _text(record.get("region")),
        "provider": "aws",
        "request_model": _text(record.get("modelId")),
        "tags": _tags(record),
        "cost_basis": "unpriced" if all(value is None for value in counts.values()) else None,
        "reject": None if _text(record.get("requestId")) else "no requestId",
    }


def _count(record: dict[str, Any], name: str) -> object:
    """Return a count from wherever it stands: in the input, in the output or beside them."""
    places = (at(record, "input"), at(record, "output"), record)
    return next((found for place in places if (found := at(place, name)) is not None), None)


def _one_hour(body: object) -> int:
    """Return the input that a logged answer says was written to a cache for an hour; of chunks, the last word."""
    chunks = body if isinstance(body, list) else [body]
    paths = (("usage",), ("message", "usage"), ("metadata", "usage"))
    usages = [usage for chunk in chunks for path in paths if isinstance(usage := at(chunk, *path), dict)]
    return max((max(_converse(usage), _claude(usage), 0) for usage in usages), default=0)


def _converse(usage: dict[str, Any]) -> int:
    return sum(number(part.get("inputTokens")) for part in items(usage, "cacheDetails") if part.get("ttl") == "1h")


def _claude(usage: dict[str, Any]) -> int:
    return number(at(usage, "cache_creation", "ephemeral_1h_input_tokens"))


def _user(arn: object) -> str | None:
    """Return who called, from an ARN; None where it names nobody."""
    kind, *names = arn.split(":", 5)[-1].split("/") if isinstance(arn, str) else [""]
    if not names:
        return kind if kind == "root" else None
    chosen = [name for name in names if name and not re.fullmatch(MACHINE_MADE, name)] or names
    return chosen[-1]


def _tags(record: dict[str, Any]) -> str | None:
    """Return what the caller said of the call, its operation, and where it was computed if elsewhere."""
    told = record.get("requestMetadata")
    labels = {
        **(told if isinstance(told, dict) else {}),
        "operation": record.get("operation"),
        "inference_region": record.get("inferenceRegion"),
    }
    known = {str(key): text for key, value in labels.items() if (text := _text(value))}
    return json.dumps(known, ensure_ascii=False, separators=(",", ":")) if known else None


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str | int) and value != "" else None


_lines = _events.lines(rows, MARK.encode(), COLUMN, trim=trimmed)
_document = _events.document(rows)

SOURCE = Log(
    name="bedrock-log",
    title="AWS Bedrock model invocation log",
    provider="aws",
    authority="usage",
    detect=detect,
    decode=decode,
    forms=("lines", "document"),
    known="S3: AWSLogs/<account>/BedrockModelInvocationLogs/, or the CloudWatch log group of Bedrock > Settings",
    tells="every call with its tokens, caller, account, region and the metadata of the request",
    lacks="money; batch inference; the model behind an application's own inference profile",
)
