"""What reports and doctor say of calls that several files hold, and ingest of files without usage."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.analysis.overlap import ASIDE, PAID, Joined
from tokenaudit.cli.main import run
from tokenaudit.ingest.run import ingest
from tokenaudit.reports.ingested import as_json, as_lines
from tokenaudit.reports.joined import sentences

if TYPE_CHECKING:
    import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "sample_logs"


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a command and return what it prints."""
    assert run(words) == 0
    return capsys.readouterr().out


def test_doctor_says_what_was_joined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bill and the usage it pays for, from their sample files."""
    ingest([str(SAMPLES / "openai-cost"), str(SAMPLES / "openai-usage")], tmp_path / "both")
    text = shown(capsys, "doctor", "--overlap", "--store", str(tmp_path / "both"))
    assert "of openai-cost is spread over" in text
    assert "tokens of openai-usage by list cost." in text


def test_money_that_was_set_aside_has_its_currency() -> None:
    """What two bills say in unlike currencies is never added up."""
    parts = [("focus", "aws-cur", "EUR", 0, Decimal(2)), ("focus", "aws-cur", "USD", 0, Decimal("8.33"))]
    aside = pl.DataFrame(parts, schema=ASIDE, orient="row")
    nothing = pl.DataFrame(
        schema={"source": pl.String, "provider": pl.String, "accounts": pl.Int64, "tokens": pl.Int64}
    )
    found = list(sentences(Joined(pl.DataFrame(schema=PAID), aside, nothing)))
    assert [text.partition(" is told")[0] for text in found] == [
        "Counted once: €2.00 billed by focus",
        "Counted once: $8.33 billed by focus",
    ]


def test_many_sources_are_named_in_short() -> None:
    """Seven sources are five names and a sum."""
    untied = pl.DataFrame(
        [(f"tool-{n}", "openai", 2, 1000 - n) for n in range(7)],
        schema={"source": pl.String, "provider": pl.String, "accounts": pl.Int64, "tokens": pl.Int64},
        orient="row",
    )
    (text,) = sentences(Joined(pl.DataFrame(schema=PAID), pl.DataFrame(schema=ASIDE), untied))
    assert text.startswith("Not tied to a bill: 1.0 K tokens of tool-0, 999 of tool-1, ")
    assert "996 of tool-4, 2.0 K of 2 other sources may be of any of 2 accounts of openai." in text


def test_doctor_says_that_nothing_overlaps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One source alone tells nothing twice."""
    ingest([str(SAMPLES / "codex")], tmp_path / "one")
    assert shown(capsys, "doctor", "--overlap", "--store", str(tmp_path / "one")) == (
        "No two files tell of the same calls.\n"
    )


def test_files_without_usage_are_named(tmp_path: Path) -> None:
    """A log that holds only a prompt is recognised, and no success."""
    log = tmp_path / "logs" / "s1.jsonl"
    log.parent.mkdir()
    log.write_text('{"type":"user","sessionId":"s1","message":{"role":"user","content":"hello"}}\n')
    summary = ingest([str(log.parent)], tmp_path / "store")
    assert f"Recognised, but without usage: 1 file\n  {log} (claude-code)" in "\n".join(as_lines(summary))
    assert as_json(summary)["notes"] == [f"Recognised, but without usage: 1 file: {log} (claude-code)"]


def test_a_spreadsheet_is_to_be_saved_as_csv(tmp_path: Path) -> None:
    """Programs for spreadsheets keep exports in a format of their own."""
    (tmp_path / "october.xlsx").write_bytes(b"PK\x03\x04 not really")
    (tmp_path / "october.ods").write_bytes(b"PK\x03\x04 nor this")
    text = "\n".join(as_lines(ingest([str(tmp_path)], tmp_path / "store")))
    assert text.count("(a spreadsheet: save its table as CSV)") == 2
