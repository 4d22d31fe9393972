"""The example of docs/org.md gives what it says.

``pytest --update-golden`` writes what the commands print into the page; read the difference before committing it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tokenaudit.cli.main import run

if TYPE_CHECKING:
    import pytest

FILES = {"charge_period_start": "october.csv", "user,": "people.csv", "[org]": "tokenaudit.toml"}
"""Files of the example by how they begin."""


def block(language: str) -> str:
    """Return the pattern of a block of code."""
    return rf"```{language}\n(.*?)```"


def test_the_example(root: Path, isolated: Path, capsys: pytest.CaptureFixture[str], *, update_golden: bool) -> None:
    """Every command prints what stands under it."""
    page = root / "docs" / "org.md"
    text = page.read_text(encoding="utf-8")
    for content in re.findall(block("(?:csv|toml)"), text, flags=re.DOTALL):
        name = next(name for start, name in FILES.items() if content.startswith(start))
        (isolated / name).write_text(content, encoding="utf-8")

    def played(found: re.Match[str]) -> str:
        commands = [line for line in found[1].splitlines() if line.startswith("$ ")]
        return f"```console\n{''.join(map(said, commands))}```"

    def said(command: str) -> str:
        assert run(command.split()[2:]) == 0
        return "\n".join([command, *(line.rstrip() for line in capsys.readouterr().out.splitlines())]) + "\n"

    shown = re.sub(block("console"), played, text, flags=re.DOTALL)
    if update_golden:
        page.write_text(shown, encoding="utf-8")
    else:
        assert shown == text
