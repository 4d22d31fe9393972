"""A desk to judge budgets at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checks.desk import Desk


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """Return an empty desk."""
    return Desk(tmp_path, capsys)
