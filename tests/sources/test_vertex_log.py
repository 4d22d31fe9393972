"""Vertex AI's request-response log: Gemini and Claude, whole and streamed, in every export; failed calls."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit.ingest.run import ingest
from tokenaudit.sources import fits, sources
from tokenaudit.sources.head import Head
from tokenaudit.sources.source import Decoded, Tail
from tokenaudit.sources.vertex_log import SOURCE, rows
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

Row = dict[str, Any]
GEMINI: Row = {
    "candidates": [{"content": {"parts": [{"text": '"promptTokenCount": 999999'}]}}],
    "modelVersion": "gemini-2.5-pro",
    "responseId": "resp-1",
    "usageMetadata": {
        "promptTokenCount": 1000, "cachedContentTokenCount": 600, "candidatesTokenCount": 50,
        "thoughtsTokenCount": 200, "toolUsePromptTokenCount": 30, "totalTokenCount": 1280,
    },
}  # fmt: skip
CLAUDE: Row = {
    "id": "msg_vrtx_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
    "usage": {
        "input_tokens": 12, "cache_read_input_tokens": 5000, "cache_creation_input_tokens": 300,
        "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100}, "output_tokens": 80,
    },
}  # fmt: skip
RECORD: Row = {
    "endpoint": "projects/acme/locations/europe-west4/publishers/google/models/gemini-2.5-pro",
    "deployed_model_id": "",
    "logging_time": "2026-10-01 10:00:00.123456 UTC",
    "request_id": "98765432101234567",
    "model": "gemini-2.5-pro",
    "api_method": "generateContent",
    "full_request": {
        "contents": "promptTokenCount 999999",
        "labels": {"team": "search", "user_email": "ann@example.com"},
    },
    "full_response": GEMINI,
    "metadata": {"request_latency": 812},
}
CLASSES = ("uncached_input_tokens", "cache_read_input_tokens", "output_tokens", "reasoning_output_tokens")
EXPECTED = (430, 600, 250, 200)


def as_text(record: Row) -> Row:
    """Return a record whose objects are JSON text."""
    return {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in record.items()}


def table(records: list[Row], mark: str = ",") -> bytes:
    """Return records as CSV."""
    made = io.StringIO()
    writer = csv.DictWriter(made, [*records[0]], delimiter=mark, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(as_text, records))
    return made.getvalue().encode()


def parquet(records: list[Row]) -> bytes:
    """Return records as Parquet, with times and numbers in types of their own."""
    typed = [
        as_text(record)
        | {
            "logging_time": datetime.fromisoformat(record["logging_time"].replace(" UTC", "+00:00")),
            "request_id": Decimal(record["request_id"]),
            "response_payload": [],
        }
        for record in records
    ]
    made = io.BytesIO()
    kinds = {"request_id": pl.Decimal(38, 9), "response_payload": pl.List(pl.String)}
    pl.DataFrame(typed, schema_overrides=kinds).write_parquet(made)
    return made.getvalue()


DRESSES: dict[str, Callable[[list[Row]], bytes]] = {
    "lines": lambda records: "".join(f"{json.dumps(record)}\n" for record in records).encode(),
    "lines of text": lambda records: "".join(f"{json.dumps(as_text(record))}\n" for record in records).encode(),
    "array": lambda records: json.dumps(records, indent=1).encode(),
    "csv": table,
    "csv with a mark": lambda records: b"\xef\xbb\xbf" + table(records).replace(b"\n", b"\r\n"),
    "tabs": lambda records: table(records, "\t"),
    "semicolons": lambda records: b"\xef\xbb\xbf" + table(records, ";"),
    "packed csv": lambda records: gzip.compress(table(records)),
    "parquet": parquet,
}


def read(path: Path, data: bytes) -> Decoded:
    """Decode a file with those bytes."""
    path.write_bytes(data)
    return SOURCE.decode(Tail(str(path)))


def only(record: Row) -> Row:
    """Return the only row of a record."""
    (row,) = rows(record, None)
    return row


@pytest.mark.parametrize("dress", DRESSES)
def test_dresses(tmp_path: Path, dress: str) -> None:
    """Every export is of this source and no other, and holds the same call."""
    path = tmp_path / "export"
    made = read(path, DRESSES[dress]([RECORD]))
    row = {name: values[0] for name, values in made.columns.items()}

    assert [item.name for item in sources().values() if fits(item, Head(str(path)))] == ["vertex-log"]
    assert made.rejects == []
    assert tuple(row[name] for name in CLASSES) == EXPECTED
    assert (row["identity"], row["charge_period_start"]) == ("98765432101234567", "2026-10-01T10:00:00.123Z")
    assert (row["account"], row["region"], row["user"]) == ("acme", "europe-west4", "ann@example.com")
    assert (row["provider"], row["request_model"]) == ("google", "gemini-2.5-pro")
    assert json.loads(row["tags"]) == {
        "team": "search", "user_email": "ann@example.com", "api_method": "generateContent",
    }  # fmt: skip
    assert "999999" not in str(row)


def chunk(**usage: int) -> Row:
    """Return a chunk of Gemini's stream."""
    return {"candidates": [{"content": {}}], "usageMetadata": usage}


STREAM = [
    chunk(promptTokenCount=40, candidatesTokenCount=1, totalTokenCount=41),
    chunk(promptTokenCount=40, candidatesTokenCount=9, thoughtsTokenCount=6, totalTokenCount=55),
]
CLAUDE_STREAM = [
    {
        "type": "message_start",
        "message": {"id": "m", "usage": {"input_tokens": 20, "cache_read_input_tokens": 7, "output_tokens": 1}},
    },
    {"type": "message_delta", "usage": {"output_tokens": 33}},
]
BODIES: dict[str, tuple[Row, tuple[int, int, int, int]]] = {
    "whole": ({"full_response": GEMINI}, EXPECTED),
    "payload": ({"full_response": None, "response_payload": [json.dumps(GEMINI)]}, EXPECTED),
    "stream": ({"full_response": STREAM}, (40, 0, 15, 6)),
    "stream as text": ({"full_response": json.dumps(STREAM)}, (40, 0, 15, 6)),
    "stream in payloads": ({"full_response": None, "response_payload": [*map(json.dumps, STREAM)]}, (40, 0, 15, 6)),
    "last chunk without usage": ({"full_response": [*STREAM, {"candidates": []}]}, (40, 0, 15, 6)),
    "claude": ({"full_response": CLAUDE}, (12, 5000, 80, 0)),
    "claude as text": ({"full_response": json.dumps(CLAUDE)}, (12, 5000, 80, 0)),
    "claude's stream": ({"full_response": CLAUDE_STREAM}, (20, 7, 33, 0)),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies(name: str) -> None:
    """Wherever the response stands and however it came, its last counts stand, in disjoint classes."""
    changes, expected = BODIES[name]
    row = only(RECORD | changes)

    assert tuple(row.get(column, 0) for column in CLASSES) == expected
    assert row["identity"] == RECORD["request_id"]


def test_cache_writes_of_claude() -> None:
    """Lives are told apart."""
    row = only(RECORD | {"full_response": CLAUDE})

    assert (row["cache_creation_5m_input_tokens"], row["cache_creation_1h_input_tokens"]) == (200, 100)


@pytest.mark.parametrize("response", [None, "", {}, [], {"error": {"code": 429}}, [{"error": {"code": 500}}], "null"])
def test_failed_calls_are_no_rows(response: Any) -> None:
    """Without a response there is nothing to count."""
    assert list(rows(RECORD | {"full_response": response}, None)) == []


def test_odd_records(tmp_path: Path) -> None:
    """They are rejects with their reasons; the others count."""
    bad = GEMINI | {"usageMetadata": {"promptTokenCount": -5}}
    records = [
        RECORD,
        RECORD | {"request_id": "2", "full_response": {"candidates": []}},
        RECORD | {"request_id": "3", "full_response": bad},
        RECORD | {"request_id": "4", "logging_time": "soon"},
        RECORD | {"request_id": None, "full_response": GEMINI | {"responseId": None}},
        RECORD | {"request_id": None},
        RECORD | {"request_id": "7", "full_response": '{"usageMetadata": {"promptTo'},
        RECORD | {"request_id": "8", "full_response": [*map(json.dumps, STREAM), '{"torn']},
    ]
    made = read(tmp_path / "export", DRESSES["csv"](records))

    assert made.columns["identity"] == ["98765432101234567", "resp-1"]
    assert [(item.line, item.reason.split(":")[0]) for item in made.rejects] == [
        (3, "a response without usage"),
        (4, "impossible count"),
        (5, "usage without a usable timestamp"),
        (6, "no request_id"),
        (8, "the response is not whole JSON"),
        (9, "the response is not whole JSON"),
    ]


@pytest.mark.parametrize("data", [gzip.compress(table([RECORD] * 99))[:-20], parquet([RECORD])[:-40]])
def test_damaged_files(tmp_path: Path, data: bytes) -> None:
    """What cannot be read is a reject, not an error."""
    assert "damaged file" in read(tmp_path / "export", data).rejects[-1].reason


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "gemini-2.5-pro"),
        ({"model": None}, "gemini-2.5-pro"),
        ({"model": "", "full_response": CLAUDE}, "claude-sonnet-4-5-20250929"),
        ({"model": None, "full_response": {"usageMetadata": {}, "candidates": [], "x": 1}}, None),
        ({"model": None, "full_response": STREAM}, "gemini-2.5-pro"),
    ],
)
def test_models(changes: Row, expected: str | None) -> None:
    """The logged one, else the response's, else that of the endpoint."""
    made = list(rows(RECORD | changes, None))

    assert [row.get("request_model") for row in made] == [expected]


def test_endpoints_of_tuned_models() -> None:
    """They name project and location, and no model."""
    row = only(
        RECORD | {"endpoint": "projects/p/locations/global/endpoints/123", "model": None, "full_response": STREAM}
    )

    assert (row["account"], row["region"], row["request_model"]) == ("p", "global", None)


def test_calls_inside_a_response() -> None:
    """What Claude's usage leaves out is a row of its own."""
    inner = {"type": "advisor_message", "model": "claude-opus-4-6", "input_tokens": 9, "output_tokens": 4}
    whole, part = rows(RECORD | {"full_response": CLAUDE | {"usage": CLAUDE["usage"] | {"iterations": [inner]}}}, None)

    assert (whole["output_tokens"], part["output_tokens"], part["uncached_input_tokens"]) == (80, 4, 9)
    assert (part["request_model"], whole["identity"] != part["identity"]) == ("claude-opus-4-6", True)


@settings(max_examples=20)
@given(
    seen=st.lists(st.tuples(st.integers(1, 4), st.sampled_from(sorted(DRESSES))), min_size=1, max_size=6),
    random=st.randoms(),
)
def test_calls_count_once(tmp_path_factory: pytest.TempPathFactory, seen: list[tuple[int, str]], random: Any) -> None:
    """However often, in whatever order and export a call stands, in one file or several, it is one row."""
    folder = tmp_path_factory.mktemp("exports")
    random.shuffle(seen)
    for number, (name, dress) in enumerate(seen):
        record = RECORD | {"request_id": str(name), "full_response": [chunk(candidatesTokenCount=name)]}
        (folder / str(number)).write_bytes(DRESSES[dress]([record, record]))
        ingest([str(folder / str(number))], folder / "store")
    with Store.open(folder / "store") as store:
        stored = store.rows().collect()

    assert sorted(stored["output_tokens"]) == sorted({name for name, _ in seen})


def test_text_without_counts() -> None:
    """Eight characters of Gemini are two tokens, asked or answered, whole or streamed."""
    asked = json.dumps({"contents": [{"role": "user", "parts": [{"text": "12345678"}]}], "labels": {"user": "ann"}})
    part = {"candidates": [{"content": {"parts": [{"text": "1234"}]}}]}
    for answer in ({"candidates": [{"content": {"parts": [{"text": "12345678"}]}}]}, [part, part]):
        (row,) = rows(RECORD | {"full_request": asked, "full_response": answer}, None)
        counts = (row["uncached_input_tokens"], row["output_tokens"], row["tokens_basis"], row["user"])
        assert counts == (2, 2, "estimated", "ann")
