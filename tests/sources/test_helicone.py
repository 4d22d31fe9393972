"""Helicone: three formats of one request, prompt tokens without cached ones, and hits of Helicone's own cache."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tokenaudit.ingest.run import ingest
from tokenaudit.sources.head import Head
from tokenaudit.sources.helicone import SOURCE
from tokenaudit.sources.table import detect_table
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from tests.sources.conftest import ReadText

NONE = "00000000-0000-0000-0000-000000000000"
REQUEST: dict[str, Any] = {
    "response_id": "res-1", "request_id": "req-1", "request_created_at": "2026-10-05 09:00:00.250",
    "request_user_id": "ann@example.com", "request_properties": {"team": "core", "Helicone-Session-Id": "s-1"},
    "provider": "ANTHROPIC", "model": "claude-sonnet-4-6", "response_status": 200, "prompt_tokens": 40,
    "completion_tokens": 90, "total_tokens": 130, "prompt_cache_read_tokens": 3000, "prompt_cache_write_tokens": 500,
    "prompt_audio_tokens": 7, "completion_audio_tokens": 3, "reasoning_tokens": 30, "cost": 0.0042,
    "cache_reference_id": NONE, "cache_enabled": True,
}  # fmt: skip
TABLE = (
    "response_id,response_created_at,response_status,request_created_at,request_body,request_properties,"
    "request_user_id,model,prompt_tokens,completion_tokens,latency,cost\n"
    '"res-1","2026-10-05 09:00:01.000","200","2026-10-05 09:00:00.250","",'
    '"{""""team"""":""""core"""",""""Helicone-Session-Id"""":""""s-1""""}","ann@example.com","claude-sonnet-4-6",'
    '"40","90","","0.0042"\n'
)
LINE = json.dumps(REQUEST)
DRESSES = {"lines": LINE, "array": f"[\n{LINE}\n]", "page": json.dumps({"data": [REQUEST]}), "table": TABLE}


@pytest.mark.parametrize("dress", DRESSES)
def test_every_format_holds_the_same_request(read_text: ReadText, tmp_path: Path, dress: str) -> None:
    """Each format is recognised and names the same request, user, session and tags; the CSV lacks cached tokens."""
    path = tmp_path / "export"
    path.write_text(DRESSES[dress])
    read = read_text(SOURCE, DRESSES[dress])
    row = read.row()

    assert detect_table(Head(str(path)), SOURCE)
    assert read.rejects == []
    assert row["response_id"] == read_text(SOURCE, LINE).row()["response_id"]
    assert row["charge_period_start"] == datetime(2026, 10, 5, 9, 0, 0, 250_000, tzinfo=UTC)
    assert (row["user"], row["session"], row["tags"]) == ("ann@example.com", "s-1", '{"team":"core"}')
    assert (row["provider"], row["request_model"]) == ("anthropic", "claude-sonnet-4-6")
    assert (row["uncached_input_tokens"], row["output_tokens"], row["requests"]) == (40, 90, 1)
    assert (row["reported_cost"], row["billed_cost"]) == (Decimal("0.0042"), None)
    beside = ("cache_read_input_tokens", "cache_creation_5m_input_tokens", "audio_input_tokens", "audio_output_tokens")
    assert [row[name] for name in beside] == ([0] * 4 if dress == "table" else [3000, 500, 7, 3])
    assert row["reasoning_output_tokens"] == (0 if dress == "table" else 30)


@pytest.mark.parametrize("order", [("lines", "table"), ("table", "lines")])
def test_formats_are_one_request(tmp_path: Path, order: tuple[str, str]) -> None:
    """The CSV adds nothing to the JSON, and takes no cached tokens away."""
    for name in order:
        path = tmp_path / name
        path.write_text(DRESSES[name] + "\n")
        ingest([str(path)], tmp_path / "store")
    with Store.open(tmp_path / "store") as store:
        rows = store.rows().collect()
    assert rows.select("uncached_input_tokens", "cache_read_input_tokens", "requests").rows() == [(40, 3000, 1)]


@pytest.mark.parametrize("change", [{"cache_reference_id": "req-0"}, {"cache_reference_id": None, "is_cached": True}])
def test_hits_of_the_gateways_cache(read_text: ReadText, change: dict[str, Any]) -> None:
    """A request that repeats another used no tokens; that caching is enabled says nothing."""
    row = read_text(SOURCE, json.dumps(REQUEST | change)).row()
    assert [row[name] for name in ("requests", "reported_cost", "uncached_input_tokens", "output_tokens")] == [0] * 4
    assert row["tags"] == '{"cache":"hit","team":"core"}'


def test_other_spellings(read_text: ReadText) -> None:
    """Cost, model and properties have had other names; a failed request has no response and no tokens."""
    old = {"cost": None, "costUSD": 0.5, "model": None, "request_model": "gpt-5.4", "request_properties": None}
    row = read_text(SOURCE, json.dumps(REQUEST | old | {"properties": {"app": "web"}})).row()
    assert (row["reported_cost"], row["request_model"], row["tags"]) == (Decimal("0.5"), "gpt-5.4", '{"app":"web"}')
    failed = {"response_id": None, "prompt_tokens": None, "completion_tokens": None, "cost": None}
    lines = "\n".join(json.dumps(REQUEST | failed | {"request_id": name}) for name in ("req-2", "req-3", "req-2"))
    rows = read_text(SOURCE, lines).rows
    assert rows["response_id"].n_unique() == 2
    assert rows["uncached_input_tokens"].to_list() == [0, 0, 0]
