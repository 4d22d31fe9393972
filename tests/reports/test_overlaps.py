"""`doctor --overlap`, pair by pair, and the sentences at the foot of a report."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tokenaudit.analysis.overlap import ASIDE, PAID, Joined
from tokenaudit.cli.main import run
from tokenaudit.ingest.run import ingest
from tokenaudit.reports.joined import SENTENCES, sentences
from tokenaudit.reports.overlaps import hints, pairs

if TYPE_CHECKING:
    import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "sample_logs"
UNTIED = {"source": pl.String, "provider": pl.String, "accounts": pl.Int64, "tokens": pl.Int64}


def joined(paid: Any = (), aside: Any = (), untied: Any = ()) -> Joined:
    """Return decisions, given as rows."""
    tables = ((paid, PAID), (aside, ASIDE), (untied, UNTIED))
    return Joined(*(pl.DataFrame(list(rows), dict(schema), orient="row") for rows, schema in tables))


def overlap(store: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run ``doctor --overlap`` and return what it prints."""
    assert run(["doctor", "--overlap", "--store", str(store), "--no-config", *words]) == 0
    return capsys.readouterr().out


def test_pairs_hold_every_decision() -> None:
    """The largest of each kind first; what a kind does not know is null."""
    decided = joined(
        paid=[("bill", "small", "USD", 1, Decimal(1)), ("bill", "large", "USD", 2, Decimal(5))],
        aside=[("count", "log", None, 7, None)],
        untied=[("codex", "openai", 3, 9)],
    )
    found = [(row["decision"], row["source"], row["other_source"], row["tokens"]) for row in pairs(decided).to_dicts()]

    assert found == [
        ("joined", "large", "bill", 2),
        ("joined", "small", "bill", 1),
        ("set_aside", "count", "log", 7),
        ("untied", "codex", None, 9),
    ]
    assert pairs(decided)["amount"].to_list() == [Decimal(5), Decimal(1), None, None]
    assert pairs(joined()).is_empty()


def test_notes_leave_out_bills_and_rows_without_tokens() -> None:
    """A bill cannot be tied to a bill, and nothing to nothing."""
    decided = joined(untied=[("openai-cost", "openai", 3, 5), ("pi", "openai", 3, 0), ("codex", "openai", 3, 9)])
    (said,) = sentences(decided)
    assert said.startswith("Not tied to a bill: 9 tokens of codex may be of any of 3 accounts of openai. ")


def test_notes_are_few() -> None:
    """Sources of one bill share a sentence; of each kind so many sentences, and how many more there are."""
    one = joined(paid=[("bill", "a", "USD", 10, Decimal(1)), ("bill", "b", "USD", 20, Decimal(2))])
    many = joined(aside=[(f"s{number}", "log", None, 100 - number, None) for number in range(SENTENCES + 2)])

    assert list(sentences(one)) == [
        "Joined: $3.00 of bill is spread over 20 tokens of b, 10 of a by list cost.",
    ]
    assert len(list(sentences(many))) == SENTENCES + 1
    assert list(sentences(many))[-1] == "Counted once: and 2 more, see `tokenaudit doctor --overlap`."


def test_json_of_a_period(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows and sources with stable keys; a period without data holds no row, and its amounts are not those of all."""
    store = tmp_path / "store"
    ingest([str(SAMPLES / "openai-cost"), str(SAMPLES / "openai-usage")], store)
    told = json.loads(overlap(store, capsys, "-f", "json"))
    (row,) = [row for row in told["rows"] if row["decision"] == "joined"]

    assert told["schema"] == "tokenaudit.overlap/1"
    assert list(row) == [
        "decision", "source", "other_source", "provider", "accounts", "billing_currency", "tokens", "amount",
    ]  # fmt: skip
    assert (row["source"], row["other_source"], row["billing_currency"]) == ("openai-usage", "openai-cost", "USD")
    assert {item["source"]: item["authority"] for item in told["sources"]} == {
        "openai-cost": "bill",
        "openai-usage": "usage",
    }
    assert json.loads(overlap(store, capsys, "-f", "json", "--period", "2001-01"))["rows"] == []


def test_hints_where_something_can_be_done() -> None:
    """The configuration names accounts for what is untied, `--keep` counts what was set aside; the largest is named."""
    untied = [("pi", "openai", 3, 2), ("codex", "openai", 3, 9)]
    decided = joined(aside=[("count", "log", None, 7, None)], untied=untied)

    assert list(hints(decided)) == [
        'hint: name the account in the configuration: [[account]] with source = "codex" and account = "..."',
        "hint: `tokenaudit report --keep count` counts what was set aside of it too",
    ]
    assert list(hints(joined())) == []


def test_a_period_needs_overlap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What doctor says of sources is about all that is stored."""
    assert run(["doctor", "--store", str(tmp_path), "--period", "2026-10"]) == 2
    assert "--period is for --overlap" in capsys.readouterr().err


def test_formats_that_doctor_does_not_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says so instead of printing text where CSV was asked for."""
    assert run(["doctor", "--store", str(tmp_path), "-f", "csv"]) == 2
    assert "doctor has no format `csv`" in capsys.readouterr().err
