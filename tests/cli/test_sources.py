"""`tokenaudit sources`: how files of each source are written."""

from __future__ import annotations

from pathlib import Path

import pytest

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
