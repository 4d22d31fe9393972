"""What the code base promises about itself: short functions, small modules, quick imports, nothing private inside."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "tokenaudit").rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef

MEDIAN_LINES, NINETIETH_LINES, LONGEST_FUNCTION, LONGEST_MODULE = 5, 20, 60, 350
DEAR = ("duckdb", "genai_prices", "numpy", "polars", "pyarrow", "pydantic", "rich", "tiktoken")
"""Modules that take 30 to 150 ms to import."""


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the name of each function of a module, and the lines of its body without the docstring."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", body_lines(node)


def body_lines(function: Function) -> int:
    """Return the lines from a function's first statement after the docstring to its end."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def tracked() -> list[Path]:
    """Return every text file that belongs to the project."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = [git, "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    files = [ROOT / name for name in listed.stdout.splitlines() if not name.endswith(".parquet")]
    return [path for path in files if path.is_file()]


def test_functions_are_short() -> None:
    """Half of all functions have at most 5 lines, nine of ten at most 20, none more than 60."""
    lengths = dict(found for path in MODULES for found in functions(path))
    longest = [f"{name}: {lines} lines" for name, lines in lengths.items() if lines > LONGEST_FUNCTION]

    assert longest == []
    assert median(lengths.values()) <= MEDIAN_LINES
    assert quantiles(lengths.values(), n=10)[-1] <= NINETIETH_LINES


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_is_small(path: Path) -> None:
    """No module has more than 350 lines."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


def test_nothing_private_is_tracked() -> None:
    """No file names a path of the machine it was written on or the host of a package registry."""
    # Put together here, so that this file does not hold them itself.
    hosts = ("py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "deb" + "ian.org")
    private = re.compile("|".join([r"(?<![\w.])/" + "work/", "/" + "root/", *map(re.escape, hosts)]))
    named = [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path in tracked()
        if (found := private.search(path.read_text(encoding="utf-8", errors="replace")))
    ]

    assert named == []


def loaded_by(code: str) -> set[str]:
    """Return the dear modules that a fresh Python has loaded after running `code`."""
    report = "import json, sys; print(json.dumps(list(sys.modules)), file=sys.stderr)"
    script = f"{code}\n{report}"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1])) & set(DEAR)


def test_help_loads_no_polars() -> None:
    """``tokenaudit --help`` starts without the libraries that crunch numbers."""
    run = "import sys\nfrom tokenaudit.cli.main import main\nsys.argv = ['tokenaudit', '--help']\n"
    loaded = loaded_by(f"{run}try:\n    main()\nexcept SystemExit:\n    pass")

    assert loaded <= {"rich"}


def test_registry_loads_nothing_dear() -> None:
    """Every source can be listed and recognised without polars."""
    assert loaded_by("from tokenaudit.sources import sources\nsources()") == set()


@pytest.fixture(scope="module")
def demo_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store of the demo's rows."""
    from tokenaudit.demo import write_demo
    from tokenaudit.ingest.run import ingest

    folder = tmp_path_factory.mktemp("demo")
    ingest([str(path) for path in write_demo(folder)], folder / "store")
    return folder / "store"


@pytest.mark.parametrize("form", ["csv", "json", "ndjson", "markdown", "table"])
def test_machine_formats_load_polars_only(demo_store: Path, form: str) -> None:
    """A report loads nothing dear beside the engine that answers it: no numpy, which only forecasts need."""
    arguments = ["tokenaudit", "report", "--store", str(demo_store), "--period", "all", "--format", form]
    run = f"import sys\nfrom tokenaudit.cli.main import main\nsys.argv = {arguments!r}\n"
    loaded = loaded_by(f"{run}try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code")

    assert loaded == {"polars"}


def test_files_with_counts_need_no_tokenizer(tmp_path: Path) -> None:
    """Neither ingest of files that hold counts nor a report imports tiktoken; a text without counts does."""
    sample = ROOT / "sample_logs" / "api-response"
    run = "from tokenaudit.cli.main import run\n"
    ingest = "assert run(['ingest', {path!r}, '--store', {store!r}, '-q']) == 0\n"
    counted = ingest.format(path=str(sample / "bedrock-and-cohere.jsonl"), store=str(tmp_path / "store"))
    report = f"assert run(['report', '--period', 'all', '--store', {str(tmp_path / 'store')!r}, '-f', 'json']) == 0\n"
    guessed = ingest.format(path=str(sample / "without_usage.jsonl"), store=str(tmp_path / "store"))

    assert "tiktoken" not in loaded_by(run + counted + report)
    assert "tiktoken" in loaded_by(run + guessed)
