"""Crush: one row a session, whose tokens are those of its last request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sources.logs import Row, read_rows, write_database
from tokenaudit.ingest.run import ingest
from tokenaudit.sources.crush import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

ANSWER = {"id": 1, "session_id": "1", "role": "assistant", "model": "gpt-5.2", "provider": "openai"}


def crush_session(number: int, parent: int | None, prompt: int, shown: int, cost: float, **more: int) -> Row:
    """Return a session of Crush."""
    return {
        "id": str(number), "parent_session_id": parent and str(parent), "prompt_tokens": prompt,
        "completion_tokens": shown, "cost": cost, "created_at": 1_791_450_000, "updated_at": 1_791_450_600, **more,
    }  # fmt: skip


def test_crush(tmp_path: Path) -> None:
    """A sub-agent's cost is its parent's; the last answer's model and the folder of the database tell the rest."""
    folder = tmp_path / "shop" / ".crush"
    folder.mkdir(parents=True)
    sessions = [
        crush_session(1, None, 100, 10, 0.5), crush_session(2, 1, 30, 3, 0.2), crush_session(3, None, 0, 0, 0),
        crush_session(4, 9, 7, 1, 0.1, created_at=1_791_450_000_500), crush_session(5, 1, 0, 0, 0.3),
    ]  # fmt: skip
    answers = [{**ANSWER, "model": "old"}, ANSWER, {**ANSWER, "role": "tool", "model": "no"}]
    path = write_database(folder / "crush.db", {"sessions": sessions, "messages": answers})
    found = read_rows("crush", path)
    names = ("session", "uncached_input_tokens", "output_tokens", "reported_cost", "request_model", "tokens_basis")
    assert [tuple(row.get(name) for name in names) for row in found] == [
        ("1", 100, 10, "0.5", "gpt-5.2", "estimated"),
        ("2", 30, 3, None, None, "estimated"),
        ("4", 7, 1, "0.1", None, "estimated"),
    ]
    assert {row["project_path"] for row in found} == {str(tmp_path / "shop")}
    assert [row["charge_period_start"] for row in found] == [
        "2026-10-08T09:00:00.000Z", "2026-10-08T09:00:00.000Z", "2026-10-08T09:00:00.500Z",
    ]  # fmt: skip
    assert SOURCE.detect(Head(str(path)))


def test_growth(tmp_path: Path) -> None:
    """A session counts once, with its largest counts and cost."""
    for number, session in enumerate((crush_session(1, None, 10, 1, 0.1), crush_session(1, None, 7, 2, 0.3))):
        ingest([str(write_database(tmp_path / f"{number}.db", {"sessions": [session]}))], tmp_path / "store")
    with Store.open(tmp_path / "store") as store:
        rows = store.rows().collect()
    assert rows.select("uncached_input_tokens", "output_tokens").rows() == [(10, 2)]
    assert str(rows["reported_cost"][0]) == "0.300000000000000000"
