"""Where `tokenaudit ingest` looks when it is not told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tokenaudit.cli.ingest import known_folders
from tokenaudit.cli.main import run
from tokenaudit.errors import SourceError
from tokenaudit.ingest.run import ingest

SAMPLES = Path(__file__).resolve().parents[2] / "sample_logs"


def test_known_folders(isolated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders that are there: in the home, behind a variable that is set, in any editor; each once."""
    with pytest.raises(SourceError, match="found no agent logs"):
        known_folders(quiet=True)
    places = (
        ".gemini/tmp",
        ".config/Code - Insiders/User/globalStorage/saoudrizwan.claude-dev/tasks",
        ".config/Another Editor/User/globalStorage/kilocode.kilo-code/tasks",
        "amp data/threads",
    )
    for place in places:
        (isolated / place).mkdir(parents=True)
    monkeypatch.setenv("AMP_DATA_DIR", str(isolated / "amp data"))

    assert known_folders(quiet=True) == sorted(str((isolated / place).resolve()) for place in places)


def test_what_agents_keep_beside_usage_is_only_counted(isolated: Path, tmp_path: Path) -> None:
    """A settings file in an agent's folder is skipped, elsewhere it is unrecognised, and so it is when named."""
    log = '{"type":"user","sessionId":"s1","message":{"role":"user","content":"hello"}}\n'
    agents, other = isolated / ".claude" / "projects" / "shop", tmp_path / "other"
    for folder in (agents, other):
        folder.mkdir(parents=True)
        (folder / "state.json").write_text('{"version": 1}\n')
        (folder / "s1.jsonl").write_text(log)

    def statuses(*paths: Path) -> dict[str, str]:
        found = ingest([str(path) for path in paths], tmp_path / "store").files
        return {Path(item.path).name: item.status for item in found}

    assert statuses(agents) == {"s1.jsonl": "read", "state.json": "skipped"}
    assert statuses(agents) == {"s1.jsonl": "unchanged", "state.json": "skipped"}
    assert statuses(other) == {"s1.jsonl": "read", "state.json": "unrecognised"}
    assert statuses(agents / "state.json") == {"state.json": "unrecognised"}


def test_report_of_a_machine_where_nothing_was_ingested(
    isolated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`report --refresh` reads the agents' logs and reports on them; without any it is an error and makes no store."""
    arguments = ["report", "--refresh", "--store", str(tmp_path / "store"), "--period", "all", "-f", "csv"]
    assert run(arguments) == 2
    assert not (tmp_path / "store").exists()
    folder = isolated / ".claude" / "projects" / "shop"
    shutil.copytree(SAMPLES / "claude-code", folder)
    capsys.readouterr()
    assert run(arguments) == 0
    shown = capsys.readouterr()
    assert f"Found agent logs in {folder.parent.resolve()}" in shown.err
    assert len(shown.out.splitlines()) > 1
