"""What gateways and observers share: maps in cells, parts of a whole, labels, pages, and one event in many files."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit import schema
from tokenaudit.ingest.run import ingest
from tokenaudit.sources import _gateway
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from random import Random

SAMPLES = Path(__file__).resolve().parents[2] / "sample_logs"
PLAIN, READ, WRITTEN, HOUR = (
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "cache_creation_5m_input_tokens",
    "cache_creation_1h_input_tokens",
)
AUDIO, OUT, REASONING = "audio_input_tokens", "output_tokens", "reasoning_output_tokens"


def counted(text: str | None, *, within: bool = False, **maps: str) -> dict[str, Any]:
    """Return the usage columns that are not 0, of a usage map."""
    rows = _gateway.counts(
        pl.LazyFrame({"row": [0], "map": [text]}, {"row": pl.UInt32, "map": pl.String}), maps or {"map": ""}
    )
    classes = rows.select(**_gateway.classes(within=within)).collect().row(0, named=True)
    return {name: value for name, value in classes.items() if value}


MAPS: dict[str, dict[str, int]] = {
    '{"input":400,"input_cached_tokens":800,"output":150,"output_reasoning_tokens":50,"total":1400}': {
        PLAIN: 400, READ: 800, OUT: 200, REASONING: 50,
    },
    '{"input": 1000, "input_cached_tokens": 600, "output": 90, "output_reasoning_tokens": 40, "total": 1090}': {
        PLAIN: 400, READ: 600, OUT: 90, REASONING: 40,
    },
    '{"input":1000,"input_cached_tokens":600,"output":90,"output_reasoning_tokens":40,"total":1130}': {
        PLAIN: 400, READ: 600, OUT: 130, REASONING: 40,
    },
    '{"input":400,"input_cached_tokens":600,"output":90,"output_reasoning_tokens":40,"total":1090}': {
        PLAIN: 400, READ: 600, OUT: 90, REASONING: 40,
    },
    '{"input":100,"input_cache_read":7,"input_cache_creation":5,"output":3}': {PLAIN: 100, READ: 7, WRITTEN: 5, OUT: 3},
    '{"input_tokens":30,"cache_read_input_tokens":50,"cache_creation_input_tokens":6,'
    '"cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":2},"output_tokens":9}': {
        PLAIN: 30, READ: 50, WRITTEN: 4, HOUR: 2, OUT: 9,
    },
    '{"prompt_tokens":10,"completion_tokens":4,"total_tokens":14,"prompt_tokens_details.cached_tokens":8,'
    '"completion_tokens_details.reasoning_tokens":1,"prompt_tokens_details.audio_tokens":0}': {
        PLAIN: 2, READ: 8, OUT: 4, REASONING: 1,
    },
    '{"promptTokenCount":10,"cachedContentTokenCount":4,"candidatesTokenCount":6,"thoughtsTokenCount":5,'
    '"totalTokenCount":21}': {PLAIN: 6, READ: 4, OUT: 11, REASONING: 5},
    '{"input":5,"input_text_tokens":2,"input_audio_tokens":3,"output":1}': {PLAIN: 7, AUDIO: 3, OUT: 1},
    '{"output":1.0,"input":"2","input_cost":9,"web_search_requests":2,"time":7,"service_tier":"standard"}': {
        PLAIN: 2, OUT: 1, "web_search_requests": 2,
    },
    '[{"key":"input","value":5},{"key":"cache_read_input_tokens","value":2}]': {PLAIN: 5, READ: 2},
    "{'input': 5, 'output': 2}": {PLAIN: 5, OUT: 2},
    '{""input"":5}': {PLAIN: 5},
    '{"total":512}': {PLAIN: 512},
    "{}": {},
}  # fmt: skip


@pytest.mark.parametrize("text", MAPS)
def test_usage_maps(text: str) -> None:
    """Keys of every origin become disjoint classes; a total tells whether the parts stand beside their whole."""
    assert counted(text) == MAPS[text]


def test_no_map() -> None:
    """A cell without a map counts nothing."""
    assert counted(None) == {}


@pytest.mark.parametrize(
    ("whole", "parts", "total", "plain"),
    [(100, 60, 0, 40), (100, 60, 100, 40), (100, 60, 160, 100), (19, 3000, 19, 19), (19, 3000, 0, 19), (60, 60, 0, 0)],
)
def test_parts_within_a_whole(whole: int, parts: int, total: int, plain: int) -> None:
    """Where a format includes parts in their whole they are taken out, unless total or size say no."""
    text = json.dumps({"prompt_tokens": whole, "cached_tokens": parts, "total_tokens": total})
    assert counted(text, within=True) == {name: n for name, n in {PLAIN: plain, READ: parts}.items() if n}


COUNT = st.integers(0, 10**6)


@given(plain=COUNT, cached=COUNT, written=COUNT, text=COUNT, thought=COUNT)
def test_either_reading_of_a_total(plain: int, cached: int, written: int, text: int, thought: int) -> None:
    """With a total, a map that includes its parts and one that does not hold the same: nothing is lost or doubled."""
    parts = {"input_cached": cached, "cache_creation_input_tokens": written, "output_reasoning": thought}
    total = plain + cached + written + text + thought
    apart = {"input": plain, "output": text, "total": total}
    within = {"input": plain + cached + written, "output": text + thought, "total": total}
    expected = {PLAIN: plain, READ: cached, WRITTEN: written, OUT: text + thought, REASONING: thought}
    assert counted(json.dumps(parts | apart)) == {name: n for name, n in expected.items() if n}
    found = counted(json.dumps(parts | within))
    assert sum(found.get(name, 0) for name in schema.TOKEN_CLASSES) == total
    assert found == {name: n for name, n in expected.items() if n}


def test_labels() -> None:
    """Labels have roles; those that name a single call, long ones and unwanted ones are no tags."""
    text = {
        "userId": "u1", "Session_ID": "s1", "project": 'a"b', "team": "core", "n": 3, "on": True, "note": "x" * 201,
        "request_id": "r", "ls_type": "chat", "deep": {"app": "web"},
    }  # fmt: skip
    rows = pl.LazyFrame({"row": [0, 1], "map": [json.dumps(text), None], "tags": ["old", "old"], "env": [None, "dev"]})
    read = _gateway.labels(rows, "map", {"environment": pl.col("env")}).collect()
    assert read["label user"].to_list() == ["u1", None]
    assert read["label session"].to_list() == ["s1", None]
    assert read["label project"].to_list() == ['a"b', None]
    assert read["tags"].to_list() == ['{"team":"core","n":"3","on":"true","app":"web"}', '{"environment":"dev"}']
    few = _gateway.labels(rows, "map", {"team": pl.lit("own")}, only="^(team|app)$").collect()
    assert few["tags"].to_list() == ['{"team":"own","app":"web"}', '{"team":"own"}']


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1791194400, "2026-10-05T10:00:00.000Z"),
        (1791194400123, "2026-10-05T10:00:00.123Z"),
        ("2026-10-05", "2026-10-05"),
        (-1, -1),
        (True, True),
        (None, None),
    ],
)
def test_moments(value: object, expected: object) -> None:
    """Whole seconds and milliseconds since 1970 are instants; nothing else changes."""
    assert _gateway.shallow({"Created_At": value}) == {"created_at": expected}


def test_pages() -> None:
    """A page's objects, whether in a list or alone; else the document; of other shapes nothing."""
    records = _gateway.pages("data", "results")
    assert list(records({"data": [{"A": 1}, 2], "meta": {}})) == [{"a": 1}]
    assert list(records({"data": {"A": {"B": 2}}})) == [{"a": {"B": 2}}]
    assert list(records({"A": 1, "data": "text"})) == [{"a": 1, "data": "text"}]
    others: list[Any] = [None, 1, "x", [], {"data": []}]
    assert [item for document in others for item in records(document)] == []


@pytest.mark.parametrize(
    ("text", "expected"), [('["a","b"]', "a,b"), ("['a', 'b']", "a,b"), ("[]", None), ("", None), (None, None)]
)
def test_lists(text: str | None, expected: str | None) -> None:
    """Lists of labels in JSON or as Python prints them."""
    assert pl.select(_gateway.listed(pl.lit(text, pl.String))).item() == expected


EVENTS = {
    "langfuse": "ui-export.jsonl",
    "helicone": "export.jsonl",
    "portkey": "export.jsonl",
    "langsmith": "runs.jsonl",
    "braintrust": "spans.jsonl",
    "cloudflare-gateway": "logs.jsonl",
    "vercel-generations": "generations.jsonl",
}
"""Sources whose rows are events, each with a file of its sample."""
SUMS = ("requests", *schema.TOKEN_CLASSES, "billed_cost", "reported_cost")


def sums(files: list[list[str]]) -> list[dict[str, Any]]:
    """Return what a store counts, by model, after it has read files of these lines one after the other."""
    with TemporaryDirectory() as folder:
        for number, lines in enumerate(files):
            path = Path(folder, f"{number}.jsonl")
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            ingest([str(path)], Path(folder, "store"))
        with Store.open(Path(folder, "store")) as store:
            rows = store.rows().collect().with_columns(pl.col("request_model").cast(pl.String))
    return rows.group_by("request_model").agg(pl.col(SUMS).sum()).sort("request_model").to_dicts()


@pytest.mark.parametrize("name", EVENTS)
@given(random=st.randoms(use_true_random=False), data=st.data())
@settings(max_examples=6)
def test_events_count_once(name: str, random: Random, data: st.DataObject) -> None:
    """Order, repetition within a file and between files, and cutting a file in two change nothing."""
    lines = (SAMPLES / name / EVENTS[name]).read_text(encoding="utf-8").splitlines()
    again = data.draw(st.lists(st.sampled_from(lines), max_size=4))
    mixed = [*lines, *again]
    random.shuffle(mixed)
    cut = data.draw(st.integers(0, len(mixed)))
    files = [part for part in (mixed[:cut], mixed[cut:], again) if part]
    assert sums(files) == sums([lines])
