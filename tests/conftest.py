"""What every test gets: an empty home, a quiet environment, golden files and the shared samples.

``pytest --update-golden`` writes the golden files anew; read the difference before committing it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = Path(__file__).parent / "golden"
MEMORY, ROOM = Path("/dev/shm"), 4 << 30  # noqa: S108 - pytest makes folders of its own there
PRIVATE = ("TOKENAUDIT_", "XDG_", "CLAUDE_", "CODEX_", "CLICOLOR")
"""Variables that would let a test see or touch what the developer has."""
TERMINAL = (
    "APPDATA",
    "LOCALAPPDATA",
    "COLUMNS",
    "FORCE_COLOR",
    "LINES",
    "NO_COLOR",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
)
"""Variables that would change where a program looks or how its output is laid out."""

settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update-golden``."""
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files instead of comparing with them"
    )


def pytest_configure() -> None:
    """Put the stores of tests into memory where there is room: thousands of them wait for the disk otherwise."""
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Write golden files in one process: several tests write parts of one document."""
    if config.option.update_golden and hasattr(config.option, "numprocesses"):
        config.option.numprocesses, config.option.dist = 0, "no"


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run the test in an empty home folder, which is returned, so that it touches nothing of the developer's."""
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith(PRIVATE) or name in TERMINAL]:
        monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name, folder in {
        "CONFIG": ".config",
        "DATA": ".local/share",
        "STATE": ".local/state",
        "CACHE": ".cache",
    }.items():
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / folder))
    monkeypatch.chdir(home)
    return home


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the checkout."""
    return ROOT


_SHARED = os.environ.get("TOKENAUDIT_SHARED")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of shared samples: ``$TOKENAUDIT_SHARED``, or ``shared`` beside the checkout. Skip without."""
    folder = Path(_SHARED) if _SHARED else ROOT.parent / "shared"
    if not (folder / "samples").is_dir():
        pytest.skip(f"no shared samples at {folder}")
    return folder


class Golden:
    """Compares text with the files under ``tests/golden``, or writes them."""

    def __init__(self, *, update: bool) -> None:
        self.update = update

    def __call__(self, name: str, text: str) -> None:
        """Fail where `text` is not what the golden file `name` holds."""
        path = GOLDEN / name
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        if not path.exists():
            pytest.fail(f"no golden file {name}: look at the result, then run pytest --update-golden")
        assert text == path.read_bytes().decode()


@pytest.fixture(scope="session")
def update_golden(pytestconfig: pytest.Config) -> bool:
    """Return whether ``--update-golden`` was given."""
    return bool(pytestconfig.getoption("--update-golden"))


@pytest.fixture(scope="session")
def golden(update_golden: bool) -> Golden:  # noqa: FBT001
    """Compare text with a golden file: ``golden("claude_code.csv", text)``."""
    return Golden(update=update_golden)
