"""Portkey: chosen fields, analytics records and stored logs; cents; cache hits; classes from the response."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from tokenaudit import schema
from tokenaudit.ingest.run import ingest
from tokenaudit.sources import detect
from tokenaudit.sources.head import Head
from tokenaudit.sources.portkey import SOURCE
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText

LOG: dict[str, Any] = {
    "id": "log-1", "trace_id": "t-1", "created_at": "2026-10-05T08:00:00.000Z", "ai_org": "openai",
    "ai_model": "gpt-5.4", "req_units": 1000, "res_units": 200, "total_units": 1200, "cost": 0.55,
    "cost_currency": "USD", "metadata": {"_user": "ann@example.com", "team": "core"},
}  # fmt: skip
OPENAI = {
    "prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200,
    "prompt_tokens_details": {"cached_tokens": 700}, "completion_tokens_details": {"reasoning_tokens": 120},
}  # fmt: skip
ANTHROPIC = {"input_tokens": 30, "cache_read_input_tokens": 700, "cache_creation_input_tokens": 10, "output_tokens": 5}
CLASSES: list[tuple[dict[str, Any], tuple[int, int, int, int]]] = [
    ({}, (1000, 0, 0, 200)),
    ({"response": {"usage": OPENAI}}, (300, 700, 0, 200)),
    ({"response": {"body": {"usage": OPENAI}}}, (300, 700, 0, 200)),
    ({"response.body": {"usage": OPENAI}}, (300, 700, 0, 200)),
    ({"response": {"usage": ANTHROPIC}}, (30, 700, 10, 5)),
    ({"response": "text", "req_units": None}, (1000, 0, 0, 200)),
    ({"res_units": None}, (1000, 0, 0, 200)),
    ({"req_units": None, "total_units": None, "total_tokens": 1200}, (1000, 0, 0, 200)),
    ({"req_units": None, "res_units": None}, (1200, 0, 0, 0)),
]


@pytest.mark.parametrize(("change", "expected"), CLASSES)
def test_classes(read_text: ReadText, change: dict[str, Any], expected: tuple[int, ...]) -> None:
    """The usage of the response tells cached input; without it units do; a total alone is a guess."""
    row = read_text(SOURCE, json.dumps(LOG | change)).row()
    names = ("uncached_input_tokens", "cache_read_input_tokens", "cache_creation_5m_input_tokens", "output_tokens")
    assert tuple(row[name] for name in names) == expected
    assert sum(row[name] for name in schema.TOKEN_CLASSES) == sum(expected)
    assert row["tokens_basis"] == ("estimated" if expected == (1200, 0, 0, 0) else "reported")


def test_cost_is_cents(read_text: ReadText) -> None:
    """The currency says USD, the amount is cents, and every digit of it stays."""
    row = read_text(SOURCE, json.dumps(LOG).replace("0.55", "0.1234567890123456")).row()
    assert (row["reported_cost"], row["billing_currency"]) == (Decimal("0.001234567890123456"), "USD")
    assert row["billed_cost"] is None


@pytest.mark.parametrize("status", ["HIT", "hit", "SEMANTIC HIT"])
def test_cache_hits_cost_nothing(read_text: ReadText, status: str) -> None:
    """What the gateway answered by itself is no call of a model; a miss is."""
    hit = read_text(SOURCE, json.dumps(LOG | {"cache_status": status})).row()
    assert [hit[name] for name in ("requests", "reported_cost", "uncached_input_tokens", "output_tokens")] == [0] * 4
    assert hit["tags"] == '{"cache":"hit","team":"core"}'
    miss = read_text(SOURCE, json.dumps(LOG | {"cache_status": "MISS"})).row()
    assert (miss["requests"], miss["uncached_input_tokens"]) == (1, 1000)


def test_who_and_where(read_text: ReadText) -> None:
    """Metadata may be an object, JSON, or two lists; `_user` a column."""
    lists = {"key": ["_user", "team", "session_id"], "value": ["bob@example.com", "ops", "s-1"]}
    forms: list[Any] = [LOG["metadata"], json.dumps(LOG["metadata"]), lists, None]
    found = [read_text(SOURCE, json.dumps(LOG | {"metadata": form})).row() for form in forms]
    assert [row["user"] for row in found] == ["ann@example.com", "ann@example.com", "bob@example.com", None]
    assert [row["tags"] for row in found] == ['{"team":"core"}', '{"team":"core"}', '{"team":"ops"}', None]
    assert [row["session"] for row in found] == ["t-1", "t-1", "s-1", "t-1"]
    assert read_text(SOURCE, json.dumps(LOG | {"_user": "cy@example.com"})).row()["user"] == "cy@example.com"


def test_epochs(read_text: ReadText) -> None:
    """The time may be a number of milliseconds."""
    row = read_text(SOURCE, json.dumps(LOG | {"created_at": 1791194400123})).row()
    assert row["charge_period_start"] == datetime(2026, 10, 5, 10, 0, 0, 123_000, tzinfo=UTC)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_units_give_way_to_classes(tmp_path: Path, order: tuple[int, int]) -> None:
    """The same call in an export with and one without responses is one, with its classes, in any order."""
    later = {"id": "log-2", "created_at": "2026-10-09T08:00:00.000Z"}
    files = [[LOG | {"response": {"usage": OPENAI}}], [LOG, LOG, LOG | later]]
    for number in order:
        path = tmp_path / f"{number}.jsonl"
        path.write_text("\n".join(map(json.dumps, files[number])))
        ingest([str(path)], tmp_path / "store")
    with Store.open(tmp_path / "store") as store:
        rows = store.rows().collect().sort("charge_period_start")
    assert rows["uncached_input_tokens"].to_list() == [300, 1000]
    assert rows["cache_read_input_tokens"].to_list() == [700, 0]


def test_real_analytics_record(shared: Path, read_file: ReadFile) -> None:
    """The vendor's sample of the analytics store holds units, a cost and metadata as two lists."""
    path = shared / "samples" / "exports" / "portkey_logs" / "sample_metric_file.json"
    stated = json.loads(path.read_text(), parse_float=Decimal)
    read = read_file(SOURCE, path)
    row = read.row()

    assert detect(Head(str(path))) is SOURCE
    assert read.rejects == []
    assert (row["uncached_input_tokens"], row["output_tokens"]) == (stated["req_units"], stated["res_units"])
    assert sum(row[name] for name in schema.TOKEN_CLASSES) == stated["total_units"] == 350
    assert row["reported_cost"] * 100 == stated["cost"]
    assert (row["user"], row["workspace"], row["provider"]) == (stated["_user"], stated["workspace_slug"], "openai")
    labels = dict(zip(stated["metadata"]["key"], stated["metadata"]["value"], strict=True))
    assert row["session"] == labels.pop("session_id")
    own = {"environment": "production", "prompt": stated["prompt_slug"], "organisation": stated["organisation_id"]}
    assert json.loads(row["tags"]) == {**own, **labels}


def test_real_stored_log(shared: Path, read_file: ReadFile) -> None:
    """The vendor's sample of the log store holds a request and a response; only their usage is read."""
    path = shared / "samples" / "exports" / "portkey_logs" / "sample_log_file.json"
    stated = json.loads(path.read_text())
    usage = stated["response"]["body"]["usage"]
    read = read_file(SOURCE, path)
    row = read.row()

    assert detect(Head(str(path))) is SOURCE
    assert (row["uncached_input_tokens"], row["output_tokens"]) == (usage["prompt_tokens"], usage["completion_tokens"])
    assert (row["request_model"], row["provider"]) == (stated["response"]["body"]["model"], "openai")
    assert (row["requests"], row["reported_cost"]) == (1, None)
    texts = read.rows.with_columns(pl.col(pl.Categorical).cast(pl.String)).write_json()
    assert "Hello" not in texts
