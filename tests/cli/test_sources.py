"""`tokenaudit sources`: what people and scripts learn of a format, and how its files are written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tokenaudit.cli import suggest
from tokenaudit.cli.main import run
from tokenaudit.cli.sources import kind
from tokenaudit.sources import by_name, sources
from tokenaudit.sources._database import SQLITE
from tokenaudit.sources._documents import is_document
from tokenaudit.sources.source import Log


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("codex", "a log: one JSON document a line"),
        ("amp", "a log: one JSON document"),
        ("goose", "a log: an SQLite database"),
        ("gemini-cli", "a log: one JSON document a line or one JSON document"),
        ("cursor-usage", "a table: CSV, TSV, Parquet or nested JSON"),
        ("aws-cur", "a table: CSV, TSV, Parquet or JSON lines"),
    ],
)
def test_kind(name: str, expected: str) -> None:
    """Lines, documents and databases are told apart."""
    assert kind(by_name(name)) == expected


LOGS = [item for item in sources().values() if isinstance(item, Log)]


@pytest.mark.parametrize("source", LOGS, ids=[item.name for item in LOGS])
def test_samples_are_of_the_forms_that_are_told(source: Log, root: Path) -> None:
    """Each sample of a log is written in one of the ways that its source names."""
    folder = root / "sample_logs" / source.name
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix in {".json", ".jsonl", ".db"}]
    for path in files:
        with path.open("rb") as file:
            database = file.read(len(SQLITE)) == SQLITE
        form = "database" if database else "document" if is_document(str(path)) else "lines"
        single = form == "lines" and path.read_bytes().count(b"\n{") == 0
        assert form in source.forms or (single and "document" in source.forms), path


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run the command and return what it prints."""
    assert run(["sources", *words]) == 0
    return capsys.readouterr().out


def test_every_source_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Name and title, and where to learn more."""
    lines = shown(capsys).splitlines()
    assert [line.split()[0] for line in lines[:-2]] == list(sources())


@pytest.mark.parametrize("name", sources())
def test_details(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each source says where its file comes from, what it tells and whose word it is."""
    text = shown(capsys, name)
    assert all(f"  {label}" in text for label in ("where", "tells", "lacks", "whose word", "counted once"))


def test_columns_are_those_of_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    """A table lists the names in its header; names that only our reading of nested JSON has are not shown."""
    assert "    usage_input_tokens_no_cache\n" in shown(capsys, "anthropic-usage")
    assert "Columns" not in shown(capsys, "litellm-spend-logs")
    assert "file name" not in shown(capsys, "anthropic-spend-report")


def test_one_source_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A name chooses rows in JSON too."""
    rows = json.loads(shown(capsys, "aider", "-f", "json"))["rows"]
    assert [row["source"] for row in rows] == ["aider"]
    assert len(json.loads(shown(capsys, "--format", "json"))["rows"]) == len(sources())


@pytest.mark.parametrize("command", ["sources", "doctor"])
def test_formats_that_it_has_not_are_refused(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Text under the name of a table would mislead a script."""
    assert run([command, "-f", "csv"]) == 2
    assert "format `csv`" in capsys.readouterr().err


def test_names_complete() -> None:
    """A shell offers the sources that begin as what was typed."""
    assert suggest.sources("openai-b") == ["openai-batch"]
    assert suggest.sources("x") == []
