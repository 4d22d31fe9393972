"""`tokenaudit doctor`: a damaged store is told from a sound one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tokenaudit.cli.main import run
from tokenaudit.ingest.run import ingest

SAMPLE = Path(__file__).resolve().parents[2] / "sample_logs" / "usage.csv"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store of some canonical rows."""
    ingest([str(SAMPLE)], tmp_path / "store")
    return tmp_path / "store"


def test_sound(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is wrong: exit code 0."""
    assert run(["doctor", "--verify", "--store", str(store)]) == 0
    assert "are as they were written" in capsys.readouterr().out


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:100])])
def test_damaged(store: Path, harm: object, capsys: pytest.CaptureFixture[str]) -> None:
    """A segment that is gone or cut is a finding with its name: exit code 1."""
    (segment, *_) = sorted(store.rglob("*.parquet"))
    assert callable(harm)
    harm(segment)
    assert run(["doctor", "--verify", "--store", str(store)]) == 1
    assert f"broken  verify  {segment.parent.name}/{segment.name}: the file is" in capsys.readouterr().out


def test_report_of_a_damaged_store(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is gone is no bug of ours: a sentence, and what to do."""
    for segment in store.rglob("*.parquet"):
        segment.unlink()
    assert run(["report", "--store", str(store), "--period", "all"]) == 2
    assert "the store lacks its file" in capsys.readouterr().err
