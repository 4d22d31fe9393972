"""Bedrock invocation logs: every dress of a record, disjoint counts, callers, failed calls, and text that lies."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit import schema
from tokenaudit.ingest.run import ingest
from tokenaudit.sources import fits, sources
from tokenaudit.sources._bedrock_shapes import invocations
from tokenaudit.sources.bedrock_log import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.sources.source import Decoded, Tail
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

RECORD: dict[str, Any] = {
    "schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "timestamp": "2026-10-01T10:30:00.123Z",
    "accountId": "111122223333", "region": "us-east-1", "requestId": "r-1", "operation": "Converse",
    "modelId": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "identity": {"arn": "arn:aws:sts::111122223333:assumed-role/BedrockUser/ann@example.com"},
    "input": {
        "inputContentType": "application/json", "inputTokenCount": 25, "cacheReadInputTokenCount": 100,
        "cacheWriteInputTokenCount": 20,
    },
    "output": {"outputContentType": "application/json", "outputTokenCount": 150},
}  # fmt: skip
CLASSES = {
    "uncached_input_tokens": 25, "cache_read_input_tokens": 100, "cache_creation_5m_input_tokens": 20,
    "cache_creation_1h_input_tokens": 0, "output_tokens": 150,
}  # fmt: skip


def line(**changes: Any) -> str:
    """Return the record above with changes, as a line of JSON."""
    return json.dumps(RECORD | changes)


def table(*messages: str) -> str:
    """Return a query's result as CSV."""
    made = io.StringIO()
    rows = [["@timestamp", "@message"], *(["2026-10-01 10:30:00.123", message] for message in messages)]
    csv.writer(made, lineterminator="\n").writerows(rows)
    return made.getvalue()


def events(*messages: str) -> dict[str, Any]:
    """Return a page of CloudWatch events."""
    listed = [{"timestamp": 1790850600123, "message": text, "eventId": str(n)} for n, text in enumerate(messages)]
    return {"events": listed, "searchedLogStreams": []}


DRESSES: dict[str, Callable[[str], str]] = {
    "line": lambda text: f"{text}\n",
    "pretty": lambda text: json.dumps(json.loads(text), indent=2),
    "array": lambda text: f"[{text}]",
    "page": lambda text: json.dumps(events(text)),
    "pretty page": lambda text: json.dumps(events(text), indent=4),
    "subscription": lambda text: json.dumps({"messageType": "DATA_MESSAGE", "logEvents": [{"message": text}]}),
    "query": lambda text: json.dumps({"results": [[{"field": "@message", "value": text}]]}, indent=1),
    "row of a query": lambda text: json.dumps({"@timestamp": "2026-10-01 10:30:00.123", "@message": json.loads(text)}),
    "csv": table,
    "export": lambda text: f"2026-10-01T10:30:00.123Z {text}\n",
}


def read(path: Path, text: str | bytes) -> Decoded:
    """Decode a file with that text."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return SOURCE.decode(Tail(str(path)))


def only(made: Decoded) -> dict[str, Any]:
    """Return the only row."""
    assert made.rejects == []
    assert [len(values) for values in made.columns.values()] == [1] * len(made.columns)
    return {name: values[0] for name, values in made.columns.items()}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dress", DRESSES)
def test_dresses(tmp_path: Path, dress: str, *, packed: bool) -> None:
    """Every dress is of this source and no other, and holds the same call."""
    text = DRESSES[dress](line()).encode()
    path = tmp_path / "log"
    row = only(read(path, gzip.compress(text) if packed else text))

    assert [item.name for item in sources().values() if fits(item, Head(str(path)))] == ["bedrock-log"]
    assert {name: row[name] for name in CLASSES} == CLASSES
    assert (row["identity"], row["charge_period_start"]) == ("r-1", "2026-10-01T10:30:00.123Z")
    assert (row["user"], row["account"], row["region"], row["provider"]) == (
        "ann@example.com", "111122223333", "us-east-1", "aws",
    )  # fmt: skip
    assert row["request_model"] == RECORD["modelId"]


@pytest.mark.parametrize("place", ["input", "output", "top"])
def test_cache_counts_stand_anywhere(tmp_path: Path, place: str) -> None:
    """In the input, in the output, or beside them."""
    cache = {"cacheReadInputTokenCount": 100, "cacheWriteInputTokenCount": 20}
    record: dict[str, Any] = {**RECORD, "input": {"inputTokenCount": 25}, "output": {"outputTokenCount": 150}}
    record |= cache if place == "top" else {place: record[place] | cache}
    row = only(read(tmp_path / "log", json.dumps(record)))

    assert {name: row[name] for name in CLASSES} == CLASSES


CREATION = {"cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 15}}
BODIES: dict[str, tuple[Any, int]] = {
    "invoked": ({"usage": CREATION}, 15),
    "streamed": ([{"type": "message_start", "message": {"usage": CREATION}}, {"usage": {"output_tokens": 9}}], 15),
    "converse": ({"usage": {"cacheDetails": [{"ttl": "1h", "inputTokens": 15}, {"ttl": "5m", "inputTokens": 5}]}}, 15),
    "converse stream": ({"metadata": {"usage": {"cacheDetails": [{"ttl": "1h", "inputTokens": 20}]}}}, 20),
    "more than was written": ({"usage": {"cacheDetails": [{"ttl": "1h", "inputTokens": 99}]}}, 20),
    "no number": ({"usage": {"cacheDetails": [{"ttl": "1h", "inputTokens": "many"}]}}, 0),
    "elsewhere": ([{"content": [{"input": {"usage": CREATION}}]}, "usage", None], 0),
    "not logged": (None, 0),
}


@pytest.mark.parametrize("body", BODIES)
def test_writes_for_an_hour(tmp_path: Path, body: str) -> None:
    """The logged answer tells which writes are for an hour; together they stay what was written."""
    logged, long = BODIES[body]
    row = only(read(tmp_path / "log", line(output={"outputTokenCount": 150, "outputBodyJson": logged})))

    assert row["cache_creation_1h_input_tokens"] == long
    assert row["cache_creation_5m_input_tokens"] == 20 - long


def test_text_is_text(tmp_path: Path) -> None:
    """What prompt and answer say of tokens and errors counts nothing, and leaves no trace."""
    lie = 'x","inputTokenCount":999999,"outputTokenCount":999999,"errorCode":"no","schemaType":"ModelInvocationLog"'
    text = line(
        input=RECORD["input"] | {"inputBodyJson": {"messages": [{"content": lie}], "inputTokenCount": 999999}},
        output=RECORD["output"] | {"outputBodyJson": {"content": [{"text": lie}]}},
    )
    row = only(read(tmp_path / "log", text))

    assert {name: row[name] for name in CLASSES} == CLASSES
    assert "999999" not in str(row)


ARNS = {
    "arn:aws:sts::111122223333:assumed-role/BedrockUser/ann@example.com": "ann@example.com",
    "arn:aws:sts::111122223333:assumed-role/checkout-api": "checkout-api",
    "arn:aws:sts::111122223333:assumed-role/EtlRole/botocore-session-1790000000": "EtlRole",
    "arn:aws:sts::111122223333:assumed-role/NodeRole/i-0abc123def456": "NodeRole",
    "arn:aws:sts::111122223333:assumed-role/web-role/aws-sdk-js-1790000000": "web-role",
    "arn:aws-us-gov:sts::111122223333:federated-user/bo": "bo",
    "arn:aws:iam::111122223333:user/engineering/cy": "cy",
    "arn:aws:iam::111122223333:root": "root",
    "arn:aws:sts::xxxx": None,
    "": None,
}


@pytest.mark.parametrize("arn", ARNS)
def test_callers(tmp_path: Path, arn: str) -> None:
    """The session of a role, else the role, else the user."""
    assert only(read(tmp_path / "log", line(identity={"arn": arn})))["user"] == ARNS[arn]


def test_metadata(tmp_path: Path) -> None:
    """What the caller said of a request is its tags, with the operation and where it was computed."""
    told = {"team": "search", "empty": "", "n": 3, "nested": {"a": 1}}
    row = only(read(tmp_path / "log", line(requestMetadata=told, inferenceRegion="us-west-2")))

    assert json.loads(row["tags"]) == {
        "team": "search",
        "n": "3",
        "operation": "Converse",
        "inference_region": "us-west-2",
    }
    assert row["region"] == "us-east-1"


def test_calls_that_do_not_count(tmp_path: Path) -> None:
    """Failed calls are no rows; a call without counts is a request without a price; odd records are rejects."""
    broken = events(line(requestId="r-2"), line()[:-9], line(requestId="r-3"))
    lines = [
        line(requestId="failed", errorCode="ThrottlingException", input={}, output={}),
        line(requestId="image", input={"inputContentType": "application/json"}, output={}),
        line(requestId=None),
        line(requestId="odd", input={"inputTokenCount": -1}),
        line(requestId="late", timestamp="soon"),
        json.dumps(broken),
        '{"schemaType":"ModelInvocationLog","torn',
        '{"schemaType":"Other"}',
    ]
    made = read(tmp_path / "log", "\n".join(lines) + "\n")

    assert made.columns["identity"] == ["image", "r-2", "r-3"]
    assert made.columns["cost_basis"] == ["unpriced", None, None]
    assert [(item.line, item.reason.split(":")[0]) for item in made.rejects] == [
        (3, "no requestId"),
        (4, "impossible count"),
        (5, "usage without a usable timestamp"),
        (6, "the message of an event is not whole JSON"),
        (7, "not JSON"),
    ]


@pytest.mark.parametrize("value", [None, 1, "ModelInvocationLog", {"message": {"content": "x"}}, {"events": 1}, [[]]])
def test_foreign_documents(value: object) -> None:
    """Documents of other shapes hold no calls."""
    assert list(invocations(value)) == []


def test_a_log_that_grows(tmp_path: Path) -> None:
    """The second reading starts where the first ended."""
    path = tmp_path / "log"
    first = read(path, line() + "\n")
    with path.open("a") as file:
        file.write(line(requestId="r-2") + "\n" + line()[:40])
    second = SOURCE.decode(Tail(str(path), first.offset, first.line, first.state))

    assert (second.columns["identity"], second.line) == (["r-2"], 2)


@settings(max_examples=12)
@given(
    seen=st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(sorted(DRESSES))), min_size=1, max_size=8),
    random=st.randoms(),
)
def test_calls_count_once(tmp_path_factory: pytest.TempPathFactory, seen: list[tuple[str, str]], random: Any) -> None:
    """However often, in whatever order and dress a call is logged, it is one row with its counts."""
    folder = tmp_path_factory.mktemp("logs")
    random.shuffle(seen)
    for number, (name, dress) in enumerate(seen):
        text = DRESSES[dress](line(requestId=name, output={"outputTokenCount": ord(name)}))
        (folder / str(number)).write_text(text)
        ingest([str(folder / str(number))], folder / "store")
    with Store.open(folder / "store") as store:
        rows = store.rows().collect()

    assert sorted(rows["output_tokens"]) == sorted(ord(name) for name in {name for name, _ in seen})


REAL = {
    "exports/bedrock_invocation_log/converse_real.json": 9,
    "exports/bedrock_invocation_log/invokemodel_test_fixture.json": 295,
    "agent-logs/bedrock_invocation_log/sample.jsonl": 35 + 446 + 1500 + 500,
}


@pytest.mark.parametrize("name", REAL)
def test_samples(shared: Path, name: str) -> None:
    """Real and documented records, with their totals."""
    path = shared / "samples" / name
    made = SOURCE.decode(Tail(str(path)))

    assert SOURCE.detect(Head(str(path)))
    assert made.rejects == []
    assert sum(sum(made.columns.get(column, ())) for column in schema.TOKEN_CLASSES) == REAL[name]
