"""Message batches: only what succeeded, half priced by its batch mark, and a day that only the file's name tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.conftest import lab
from tokenaudit.sources import detect
from tokenaudit.sources.anthropic_batch import COUNTS, NO_TIME, SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.sources.source import Decoded, Tail

Json = dict[str, Any]
FULL: Json = {
    "input_tokens": 12, "cache_creation_input_tokens": 50, "cache_read_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 40}, "output_tokens": 31,
    "output_tokens_details": {"thinking_tokens": 9}, "server_tool_use": {"web_search_requests": 2},
    "service_tier": "batch", "inference_geo": "us", "speed": "standard",
}  # fmt: skip
DATED = "results-2026-10-05.jsonl"


def result(name: str | None = "msg_1", usage: Json | None = None, **more: object) -> Json:
    """Return a succeeded result."""
    message: Json = {"id": name, "model": "claude-opus-5-5", "content": [], "usage": FULL if usage is None else usage}
    return {"custom_id": "c1", "result": {"type": "succeeded", "message": message}, **more}


def read(folder: Path, *found: Json, name: str = DATED) -> Decoded:
    """Read results from a file of that name."""
    path = folder / name
    path.write_text("".join(f"{json.dumps(item)}\n" for item in found))
    return SOURCE.decode(Tail(str(path)))


def counts(decoded: Decoded) -> list[tuple[int, ...]]:
    """Return the counts of each row."""
    return list(zip(*(decoded.columns[name] for name in COUNTS), strict=True))


def test_a_result(tmp_path: Path) -> None:
    """Classes are disjoint, the tier is the standard one sent as a batch."""
    made = read(tmp_path, result())
    row = {name: values[0] for name, values in made.columns.items()}

    assert counts(made) == [(12, 300, 10, 40, 31, 9, 2)]
    assert (row["identity"], row["request_model"], row["region"]) == ("msg_1", "claude-opus-5-5", "us")
    assert (row["service_tier"], row["batch"], row["speed"]) == ("standard", True, "standard")
    assert not {"custom_id", "content"} & row.keys()


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input_tokens": 1, "output_tokens": 2}, (1, 0, 0, 0, 2, 0, 0)),
        ({"input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": 7}, (1, 0, 7, 0, 2, 0, 0)),
        ({"input_tokens": 1, "cache_creation": None, "server_tool_use": None}, (1, 0, 0, 0, 0, 0, 0)),
        ({**FULL, "cache_creation_input_tokens": 55}, (12, 300, 15, 40, 31, 9, 2)),
    ],
)
def test_cache_writes(tmp_path: Path, usage: Json, expected: tuple[int, ...]) -> None:
    """What no breakdown names is written for five minutes; what is missing is nothing."""
    assert counts(read(tmp_path, result(usage=usage))) == [expected]


@pytest.mark.parametrize("ending", ["errored", "canceled", "expired"])
def test_what_did_not_succeed(tmp_path: Path, ending: str) -> None:
    """It is not charged: neither a row nor a reject, and the file is known by it nevertheless."""
    made = read(tmp_path, *[{"custom_id": str(n), "result": {"type": ending}} for n in range(9)], result())

    assert detect(Head(str(tmp_path / DATED))) is SOURCE
    assert (made.columns["identity"], made.rejects) == (["msg_1"], [])


def test_separate_iterations(tmp_path: Path) -> None:
    """An advisor and a compaction are not in the message's usage; its own iterations are."""
    part = {"input_tokens": 5, "output_tokens": 3}
    kinds = [{"type": "message"}, {"type": "advisor_message", "model": "claude-fable-5"}, {"type": "compaction"}]
    made = read(tmp_path, result(usage={**FULL, "iterations": [{**part, **kind} for kind in kinds]}))

    assert made.columns["identity"] == ["msg_1", "msg_1\x1fadv:1", "msg_1\x1fadv:2"]
    assert made.columns["request_model"] == ["claude-opus-5-5", "claude-fable-5", "claude-opus-5-5"]
    assert counts(made)[1:] == [(5, 0, 0, 0, 3, 0, 0)] * 2


@pytest.mark.parametrize(
    ("name", "more", "start", "end", "grain"),
    [
        (DATED, {}, "2026-10-05T00:00:00.000Z", "2026-10-06T00:00:00.000Z", "day"),
        ("msgbatch_01_20261231.jsonl", {}, "2026-12-31T00:00:00.000Z", "2027-01-01T00:00:00.000Z", "day"),
        (DATED, {"completed_at": "2026-10-06T03:00:00+02:00"}, *["2026-10-06T01:00:00.000Z"] * 2, "request"),
        ("results.jsonl", {"timestamp": "2026-10-06T01:00:00Z"}, *["2026-10-06T01:00:00.000Z"] * 2, "request"),
    ],
)
def test_when(tmp_path: Path, name: str, more: Json, start: str, end: str, grain: str) -> None:
    """A time in the line is an instant; the date of the file's name is a day."""
    made = read(tmp_path, result(**more), name=name)

    assert made.columns["charge_period_start"] == [start]
    assert made.columns["charge_period_end"] == [end]
    assert made.columns["granularity"] == [grain]


@pytest.mark.parametrize(
    ("name", "line", "reason"),
    [
        ("results.jsonl", result(), NO_TIME),
        ("2026-10-05_to_2026-10-06.jsonl", result(), NO_TIME),
        ("results-2026-13-05.jsonl", result(), NO_TIME),
        ("results.jsonl", result(timestamp=1_790_000_000), NO_TIME),
        (DATED, result(None), "a succeeded result without a message id"),
        (DATED, result(usage={"input_tokens": -1}), "unreadable usage: Expected `int` >= 0 - at `$.input_tokens`"),
    ],
)
def test_rejects(tmp_path: Path, name: str, line: Json, reason: str) -> None:
    """A line that cannot be counted says why; the others count."""
    made = read(tmp_path, line, result("msg_2", timestamp="2026-10-05T00:00:00Z"), name=name)

    assert [(item.line, item.reason) for item in made.rejects] == [(1, reason)]
    assert made.columns["identity"] == ["msg_2"]


def test_an_array_of_results(tmp_path: Path) -> None:
    """Saved as one array, printed for people, each result counts or is rejected by itself."""
    found = [result("msg_1"), result(None), "no result", result("msg_2")]
    path = tmp_path / DATED
    path.write_text(json.dumps(found, indent=2))
    made = SOURCE.decode(Tail(str(path)))

    assert SOURCE.detect(Head(str(path)))
    assert made.columns["identity"] == ["msg_1", "msg_2"]
    assert [item.reason for item in made.rejects] == ["a succeeded result without a message id"]


@pytest.mark.parametrize("usage", [None, "text", {"input_tokens": "many"}])
def test_unreadable_usage(tmp_path: Path, usage: object) -> None:
    """A message whose usage is none of any sort is a reject."""
    line = result()
    line["result"]["message"]["usage"] = usage

    assert [item.reason.split(":")[0] for item in read(tmp_path, line).rejects] == ["unreadable usage"]


@settings(max_examples=15)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.integers(1, 11))
def test_each_message_counts_once(ids: list[int], cut: int) -> None:
    """Repeated, reordered or split over files: the total is that of the distinct messages."""
    lines = [f"{json.dumps(result(f'msg_{n}', {'input_tokens': 2**n}))}\n" for n in ids]
    with lab(
        {"a-2026-10-05.jsonl": "".join(lines[:cut]), "b-2026-10-05.jsonl": "".join(lines[cut:] + lines[:1])}
    ) as made:
        assert sum(row["uncached_input_tokens"] for row in made.rows()) == sum(2**n for n in set(ids))
        assert sum(row["requests"] for row in made.rows()) == len(set(ids))
