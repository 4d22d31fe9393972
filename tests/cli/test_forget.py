"""`tokenaudit forget`, as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tokenaudit.cli.main import run

SAMPLES = Path(__file__).resolve().parents[2] / "sample_logs"


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Return a store that holds two sources."""
    folder = str(tmp_path / "store")
    assert run(["ingest", "-q", str(SAMPLES / "cursor-usage.csv"), str(SAMPLES / "usage.csv"), "--store", folder]) == 0
    return folder


def rows(store: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the requests by source."""
    capsys.readouterr()
    assert run(["report", "-q", "--store", store, "--period", "all", "--by", "source", "-f", "csv"]) == 0
    return sorted(line.split(",")[0] for line in capsys.readouterr().out.splitlines()[1:])


def test_a_source(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """All of one source goes, the other stays; --dry-run only says so."""
    assert run(["forget", "--store", store, "--source", "usage", "--dry-run"]) == 0
    assert "Would forget" in capsys.readouterr().err
    assert rows(store, capsys) == ["cursor-usage", "usage"]
    assert run(["forget", "--store", store, "--source", "usage"]) == 0
    assert rows(store, capsys) == ["cursor-usage"]


def test_a_source_and_a_condition_must_both_fit(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody's rows of one source are nothing: no row of another source, or of somebody else, goes."""
    assert run(["forget", "--store", store, "--source", "usage", "--where", "user=nobody"]) == 0
    assert "Forgot 0 rows" in capsys.readouterr().err
    assert rows(store, capsys) == ["cursor-usage", "usage"]


def test_nothing_and_too_much_are_refused(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a choice nothing is forgotten; a file and a condition exclude each other."""
    assert run(["forget", "--store", store]) == 2
    assert "nothing to forget" in capsys.readouterr().err
    assert run(["forget", "--store", store, "--file", "x.csv", "--where", "user=a"]) == 2
    assert "exclude each other" in capsys.readouterr().err
