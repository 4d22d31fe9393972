"""OpenCode: one message once, whether it stands in a file, in two tables or in a fork."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.logs import Row, decoded, read_rows, reasons, write_database
from tokenaudit.ingest.run import ingest
from tokenaudit.sources.head import Head
from tokenaudit.sources.opencode import SOURCE
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    import random

START = 1_791_450_000_000
"""2026-10-08T09:00:00Z."""


def message(begun: int = 0, shown: int = 5, cost: float = 0.25, **more: object) -> Row:
    """Return a complete answer."""
    return {
        "id": "msg_1", "sessionID": "ses_1", "role": "assistant", "modelID": "gpt-5.2", "providerID": "openai",
        "time": {"created": START + begun, "completed": START + begun + 9}, "path": {"cwd": "/src/shop"},
        "tokens": {"input": 1, "output": shown, "reasoning": 3, "cache": {"read": 7, "write": 11}},
        "cost": cost, **more,
    }  # fmt: skip


def newer(begun: int = 0, shown: int = 5) -> Row:
    """Return the same answer as the second table has it."""
    told = message(begun, shown)
    model = {"id": told.pop("modelID"), "providerID": told.pop("providerID"), "variant": "default"}
    return {**told, "type": "assistant", "model": model, "path": None}


def database(path: Path, *rows: tuple[str, Row], table: str = "message", **tables: list[Row]) -> Path:
    """Write a database of messages by session; `fork` is a session that began after all of them."""
    sessions = [{"id": "ses_1", "directory": "/src/shop", "time_created": START - 9}]
    sessions += [{"id": "fork", "directory": "/src/shop", "time_created": START + 10**9}]
    data = [{"id": f"m{n}", "session_id": session, "data": json.dumps(row)} for n, (session, row) in enumerate(rows)]
    return write_database(path, {"session": sessions, table: data, **tables})


def test_message_file(tmp_path: Path) -> None:
    """Classes are disjoint, reasoning is billed as output, the path tells the project."""
    path = tmp_path / "msg_1.json"
    path.write_text(json.dumps(message(), indent=2))
    (row,) = read_rows("opencode", path)
    row.pop("identity")
    assert row == {
        "uncached_input_tokens": 1, "cache_read_input_tokens": 7, "cache_creation_5m_input_tokens": 11,
        "output_tokens": 8, "reasoning_output_tokens": 3, "charge_period_start": "2026-10-08T09:00:00.000Z",
        "session": "ses_1", "project_path": "/src/shop", "provider": "openai", "request_model": "gpt-5.2",
        "reported_cost": "0.25",
    }  # fmt: skip


@pytest.mark.parametrize(
    "told",
    [
        message(role="user", tokens=None),
        message(time={"created": START}),
        message(tokens={"input": 0, "output": 0, "reasoning": 0, "cache": {"read": 0, "write": 0}}),
        {"id": "prt_1", "sessionID": "s", "messageID": "m", "type": "step-finish", "tokens": message()["tokens"]},
        {"id": "ses_1", "projectID": "p", "directory": "/src", "time": {"created": START}},
    ],
)
def test_files_without_a_complete_answer(tmp_path: Path, told: Row) -> None:
    """They are known and hold nothing to count."""
    path = tmp_path / "file.json"
    path.write_text(json.dumps(told, indent=2))
    assert SOURCE.detect(Head(str(path)))
    assert read_rows("opencode", path) == []


def test_free_is_no_price(tmp_path: Path) -> None:
    """A cost of 0 is left out."""
    assert "reported_cost" not in read_rows("opencode", database(tmp_path / "a.db", ("ses_1", message(cost=0))))[0]


def test_forks_and_tables(tmp_path: Path) -> None:
    """A copy in a fork or in the other table is the same; it counts for the session in which it was made."""
    rows = (("fork", message()), ("ses_1", message()), ("fork", message(20)), ("ses_1", message(40, shown=6)))
    copied = [{"id": "s1", "session_id": "ses_1", "data": json.dumps(newer())}]
    copied += [{"id": "s2", "session_id": "ses_1", "data": json.dumps(newer(60))}]
    found = read_rows("opencode", database(tmp_path / "opencode.db", *rows, session_message=copied))
    assert [(row["session"], row["output_tokens"]) for row in found] == [
        ("ses_1", 8), ("fork", 8), ("ses_1", 9), ("ses_1", 8),
    ]  # fmt: skip
    assert found[-1]["project_path"] == "/src/shop"


def test_broken_data(tmp_path: Path) -> None:
    """One broken message costs no other."""
    rows = [{"session_id": "ses_1", "data": text} for text in ("{", json.dumps(message()))]
    made = decoded("opencode", write_database(tmp_path / "opencode.db", {"message": rows}))
    assert len(made.columns["identity"]) == 1
    assert reasons(made) == ["a message whose data is not JSON"]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3)), min_size=1, max_size=6), st.randoms())
@settings(max_examples=8)
def test_any_places(calls: list[tuple[int, int]], shuffler: random.Random) -> None:
    """Wherever messages stand and in whatever order they are read, each counts once."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        paths = [folder / f"msg_{number}.json" for number in range(len(calls))]
        for path, call in zip(paths, shuffler.sample(calls, len(calls)), strict=True):
            path.write_text(json.dumps(message(*call), indent=2))
        paths.append(database(folder / "a.db", *(("fork", message(*call)) for call in calls)))
        newest = (("ses_1", newer(*call)) for call in calls[:2])
        paths.append(database(folder / "b.db", *newest, table="session_message"))
        for path in shuffler.sample(paths, len(paths)):
            ingest([str(path)], folder / "store")
        with Store.open(folder / "store") as store:
            rows: Any = store.rows().collect()
    assert rows.height == len(set(calls))
    assert rows["output_tokens"].sum() == sum(shown + 3 for _, shown in set(calls))
