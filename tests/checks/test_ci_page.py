"""The jobs of docs/ci.md: every command of tokenaudit in them runs as it stands, and ends as it should."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(yaml|sh)\n(.*?)```", PAGE, flags=re.DOTALL)
HEAD = "charge_period_start,request_model,user,project,billed_cost\n"
BUDGET = """
[[budget]]
id = "all"
limits = [{{ amount = {}, period = "total" }}]
[policy]
stale = {{ limit = 3, level = "{}" }}
"""


def commands(block: str) -> list[str]:
    """Return the commands of a block that call tokenaudit: a line each, as YAML has them or as a shell script."""
    lines = (re.sub(r"^\s*(- )?(run: |entry: )?", "", line) for line in block.splitlines())
    return [line for line in lines if line.startswith("tokenaudit ")]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout with exports, and `tokenaudit` on the path."""
    folder = tmp_path / "checkout"
    (folder / "exports").mkdir(parents=True)
    (folder / "exports" / "october.csv").write_text(f"{HEAD}2026-10-05T10:00:00Z,gpt-5,ana,web,60\n")
    program = tmp_path / "bin" / "tokenaudit"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m tokenaudit "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(folder)
    return folder


def ran(script: str) -> subprocess.CompletedProcess[str]:
    """Run lines of a shell, each ending the script where it fails."""
    shell = shutil.which("sh")
    assert shell
    return subprocess.run([shell, "-eu", "-c", script], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "block", [block for _, block in BLOCKS], ids=[block.split("\n")[0].strip("# !") for _, block in BLOCKS]
)
@pytest.mark.parametrize(("amount", "level", "code"), [(100, "off", 0), (50, "off", 1), (100, "fail", 3)])
def test_jobs_end_as_they_should(checkout: Path, block: str, amount: int, level: str, code: int) -> None:
    """Kept, over and stale: the commands of a job end with the code of the gate, and leave the files they name."""
    (checkout / "tokenaudit.toml").write_text(BUDGET.format(amount, level))
    lines = commands(block)
    script = block if block.startswith("#!/bin/sh") else "\n".join(line for line in lines if "--exit-zero" not in line)
    done = ran(script)
    judges = any(line.startswith("tokenaudit check") for line in lines)

    assert done.returncode == (code if judges else 0), done.stdout + done.stderr
    if not judges:
        return
    assert (checkout / "spend").is_dir()
    for line in lines:
        if "--exit-zero" in line:
            assert ran(line).returncode == (0 if code == 1 or "||" in line else code)
    for name in re.findall(r"--output (\w+\.\w+)", "\n".join(lines)):
        assert (checkout / name).stat().st_size > 0


def test_every_command_was_found() -> None:
    """The page has the jobs it should have, with a check in all but pre-commit."""
    assert [block.split("\n")[0] for _, block in BLOCKS] == [
        "# .github/workflows/budget.yml", "# .gitlab-ci.yml", "tokenaudit ingest --store spend exports",
        "# .pre-commit-config.yaml", "#!/bin/sh",
    ]  # fmt: skip
    assert sum(line.startswith("tokenaudit check") for _, block in BLOCKS for line in commands(block)) == 7


def test_outputs_are_those_of_the_program(checkout: Path) -> None:
    """What the page says of the outputs is what the program sets."""
    (checkout / "tokenaudit.toml").write_text(BUDGET.format(50, "off"))
    outputs = checkout / "outputs"
    done = ran(
        f"tokenaudit ingest -q --store spend exports; GITHUB_OUTPUT={outputs} tokenaudit check --store spend -f github"
    )

    assert done.returncode == 1
    keys = [line.partition("=")[0] for line in outputs.read_text().splitlines()]
    assert keys == ["status", "exit_code", "over", "warn", "unjudged"]
    assert all(f"`{key}`" in PAGE for key in keys)
