"""Where `tokenaudit ingest` looks when it is not told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tokenaudit.cli.ingest import known_folders
from tokenaudit.errors import SourceError


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
