"""`tokenaudit count`: tokens of texts, for people and machines."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tokenaudit.cli.main import run

WORDS = ("--model", "gpt-4o", "--on", "2026-11-20", "--no-config")


@pytest.fixture
def prompt(tmp_path: Path) -> str:
    """Return a file of two tokens."""
    (tmp_path / "prompt.txt").write_text("hello world")
    return str(tmp_path / "prompt.txt")


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """Return what the command prints as JSON."""
    assert run(["count", *words, "-f", "json"]) == 0
    return json.loads(capsys.readouterr().out, parse_float=Decimal)


def test_one_file(prompt: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Two tokens at $2.50 and $10 a million."""
    (row,) = told(capsys, prompt, *WORDS)["rows"]
    assert (row["characters"], row["tokens"], row["method"], row["by"]) == (11, 2, "tokenizer", "o200k_base")
    assert (row["input_cost"], row["output_cost"]) == (Decimal("0.000005"), Decimal("0.00002"))


def test_several_files_and_standard_input(
    prompt: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each by itself, and the sum."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"hello")))
    answer = told(capsys, prompt, "-", *WORDS)
    assert [row["tokens"] for row in answer["rows"]] == [2, 1]
    assert answer["totals"]["tokens"] == 3


def test_an_estimate_says_so(prompt: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For people in the note, for machines in the column."""
    assert run(["count", prompt, "-m", "claude-opus-5-5", "--no-config"]) == 0
    assert "Estimated by characters" in capsys.readouterr().out
    assert told(capsys, prompt, "-m", "claude-opus-5-5", "--no-config")["rows"][0]["method"] == "characters"


def test_a_model_without_price(prompt: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its tokens are counted, its cost is unknown and not nothing."""
    answer = told(capsys, prompt, "-m", "my-own-model", "--no-config")
    assert (answer["rows"][0]["tokens"], answer["rows"][0]["input_cost"], answer["totals"]["input_cost"]) == (
        3,
        None,
        None,
    )
    assert "No price of `my-own-model` is known." in answer["notes"]


@pytest.mark.parametrize(
    ("name", "error"), [("folder", "is a folder"), ("binary", "is no UTF-8 text"), ("nowhere", "cannot read")]
)
def test_what_is_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, error: str) -> None:
    """Exit code 2 and a sentence."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert run(["count", str(tmp_path / name), "--no-config"]) == 2
    assert error in capsys.readouterr().err
