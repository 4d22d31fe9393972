"""What an unrecognised file is nearest to: helpful where it is nearly one, silent where it is something else."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from tokenaudit.sources._nearest import Near, nearest
from tokenaudit.sources.head import Head

ALMOST = [
    ("usage_date_utc,model,workspace,cost\n", Near("anthropic-cost", ["cost_usd"])),
    ("start_time,end_time,amount_value,project_name\n1,2,3,4\n", Near("openai-cost", ["amount_currency"])),
    (
        '{"charge_period_start":"2026-10-01T00:00:00Z","model":"x","output_tokens":4}\n',
        Near("usage", ["request_model"]),
    ),
    ("request_id,call_type,spend,total_tokens,model\n", Near("litellm-spend-logs", ["starttime"])),
]
OTHER = [
    "date,cost\n2026-10-01,3\n",
    "name,email,product,quantity,sku,date\n",
    "sepal_length,sepal_width,species\n",
    '{"name":"x","version":"1.0","dependencies":{"a":"1"}}\n',
    '{"timestamp":"2026-10-01T00:00:00Z","level":"info","msg":"hello","request_id":"abc","status":200}\n',
    '{"trace_id":"1","span_id":"2","name":"x","start_time":"1","end_time":"2","attributes":{}}\n',
    '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}\n',
    '{"role":"user","content":"hello"}\n',
    '[{"id":1,"created_at":"x","user":{"login":"a"},"title":"issue"}]\n',
]


def near(folder: Path, text: str) -> Near | None:
    """Return what a file of this text is nearest to."""
    path = folder / "file"
    path.write_text(text, encoding="utf-8")
    return nearest(Head(str(path)))


@pytest.mark.parametrize(("text", "expected"), ALMOST, ids=[found.source for _, found in ALMOST])
def test_nearly(tmp_path: Path, text: str, expected: Near) -> None:
    """One of the columns by which a source is known is missing, and is named."""
    assert near(tmp_path, text) == expected


@pytest.mark.parametrize("text", OTHER)
def test_something_else(tmp_path: Path, text: str) -> None:
    """Names that many formats have suggest nothing."""
    assert near(tmp_path, text) is None


def test_nested_names_count(tmp_path: Path) -> None:
    """Keys inside objects and fields of nested Parquet are compared as the source spells them."""
    record = {"usage_start_time": "2026-10-01", "cost": 1, "sku": {"description": "x"}, "service": {"id": "1"}}
    expected = Near("gcp-billing", ["service.description"])
    pl.DataFrame([record]).write_parquet(tmp_path / "bill.parquet")

    assert near(tmp_path, json.dumps(record)) == expected
    assert nearest(Head(str(tmp_path / "bill.parquet"))) == expected


DATABASES = [
    ("sessions (id, model, request_model, charge_period_start)", None),
    (
        "sessions (id, parent_session_id, prompt_tokens, completion_tokens, created_at, updated_at)",
        Near("crush", ["sessions.cost"]),
    ),
    ("sessions (id, working_dir, total_tokens)", Near("goose", ["sessions.accumulated_total_tokens"])),
    ("messages (id, text)", None),
]


@pytest.mark.parametrize(("table", "expected"), DATABASES)
def test_databases(tmp_path: Path, table: str, expected: Near | None) -> None:
    """A database of a version that lacks some columns is named, one of another program is not."""
    with closing(sqlite3.connect(tmp_path / "x.db")) as database:
        database.execute(f"create table {table}")
        database.commit()

    assert nearest(Head(str(tmp_path / "x.db"))) == expected
