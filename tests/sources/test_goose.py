"""Goose: one row a session, from a database that keeps no more."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.logs import Row, read_rows, write_database
from tokenaudit.ingest.run import ingest
from tokenaudit.sources.goose import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.store.store import Store

ANSWER = {"id": 1, "session_id": "1", "role": "assistant", "model": "gpt-5.2", "provider": "openai"}


def goose_session(total: int | None, whole: int | None, shown: int | None, **more: object) -> Row:
    """Return a session of Goose."""
    return {
        "id": "1", "working_dir": "/src/shop", "created_at": "2026-10-08 09:00:00", "updated_at": "2026-10-08 09:30:00",
        "provider_name": "openai", "model_config_json": json.dumps({"model_name": "gpt-5.2"}), "total_tokens": 3,
        "accumulated_total_tokens": total, "accumulated_input_tokens": whole, "accumulated_output_tokens": shown,
        **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (goose_session(110, 100, 10), {"uncached_input_tokens": 100, "output_tokens": 10}),
        (goose_session(70, None, None), {"uncached_input_tokens": 70, "tokens_basis": "estimated"}),
        (
            goose_session(
                110, 100, 10, accumulated_cache_read_tokens=60, accumulated_cache_write_tokens=30, accumulated_cost=0.5
            ),
            {
                "uncached_input_tokens": 10, "cache_read_input_tokens": 60, "cache_creation_5m_input_tokens": 30,
                "output_tokens": 10, "reported_cost": "0.5",
            },
        ),
        (
            goose_session(170, 100, 10, accumulated_cache_read_tokens=60, accumulated_cost=0),
            {"uncached_input_tokens": 100, "cache_read_input_tokens": 60, "output_tokens": 10},
        ),
        (goose_session(None, None, None), None),
        (goose_session(0, 0, 0), None),
    ],
)  # fmt: skip
def test_goose(tmp_path: Path, session: Row, expected: Row | None) -> None:
    """Sums of a session, with the cache where the database tells it; the last turn's columns are not read."""
    messages = [ANSWER, {**ANSWER, "id": 2}, {**ANSWER, "id": 3, "role": "user"}]
    path = write_database(tmp_path / "sessions.db", {"sessions": [session], "messages": messages})
    rest = {
        "session": "1", "project_path": "/src/shop", "provider": "openai", "request_model": "gpt-5.2", "requests": 2,
        "granularity": "period", "charge_period_start": "2026-10-08T09:00:00.000Z",
        "identity": "1\x1f2026-10-08 09:00:00\x1f/src/shop",
    }  # fmt: skip
    assert SOURCE.detect(Head(str(path)))
    assert read_rows("goose", path) == ([] if expected is None else [{**rest, **expected}])


def test_goose_on_two_machines(tmp_path: Path) -> None:
    """An id that two machines gave is two sessions; a model that is no JSON is none."""
    for number, home in enumerate(("/home/ann", "/home/bob")):
        session = goose_session(110, 100, 10, working_dir=home, model_config_json="{" if number else None)
        write_database(tmp_path / f"{number}.db", {"sessions": [session]})
    ingest([str(tmp_path / "0.db"), str(tmp_path / "1.db")], tmp_path / "store")
    with Store.open(tmp_path / "store") as store:
        assert store.rows().collect().height == 2


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4))
@settings(max_examples=6)
def test_growth(order: list[int]) -> None:
    """A session counts once with its largest sums, in whatever order its databases are read."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for number, size in enumerate([*order, 3, 2]):
            session = goose_session(11 * size, 10 * size, size, updated_at=f"2026-10-08 09:0{size}:00")
            path = write_database(folder / f"{number}.db", {"sessions": [session], "messages": [ANSWER]})
            ingest([str(path)], folder / "store")
        with Store.open(folder / "store") as store:
            rows: Any = store.rows().collect()
    assert rows.select("uncached_input_tokens", "output_tokens").rows() == [(30, 3)]
    assert rows["charge_period_end"][0].minute == 3
