"""Documentation that cannot drift: examples run, generated tables are current, links lead somewhere.

``pytest --update-golden tests/test_docs.py`` writes the generated parts anew.
"""

from __future__ import annotations

import doctest
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path

import pytest

from tokenaudit import schema
from tokenaudit.cli.main import COMMANDS
from tokenaudit.cli.sources import WORDS
from tokenaudit.sources import sources
from tokenaudit.sources.source import Source

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("bench/*.md")])
README = ROOT / "README.md"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("  ", " ") for line in lines)


def plain(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return re.sub(r"([<*~])", r"\\\1", text)


def sources_table() -> str:
    """Return the sources that the registry knows."""
    rows = [(f"`{source.name}`", source.title, plain(source.known)) for source in sources().values()]
    return table(("source", "what it is", "where you get it"), sorted(rows))


def source_pages() -> str:
    """Return a section for each source: where it comes from, what it tells, what not, and the rules of its module."""
    return "\n\n".join(map(source_page, sources().values()))


def source_page(source: Source) -> str:
    """Return the section of one source."""
    rules = inspect.getdoc(import_module(f"tokenaudit.sources.{source.name.replace('-', '_')}")) or ""
    facts = {"Where": source.known, "Tells": source.tells, "Lacks": source.lacks, "Word": WORDS[source.authority]}
    lines = [f"- **{label}:** {plain(text)}" for label, text in facts.items()]
    return "\n".join([f"## `{source.name}`: {source.title}", "", *lines, "", markdown(rules)])


def markdown(docstring: str) -> str:
    """Return a docstring as Markdown: code stays, marks in other text are escaped, list marks excepted."""
    parts = re.split(r"`+([^`]+)`+", docstring)
    return "".join(f"`{part}`" if at % 2 else plain(part).replace("\n\\* ", "\n* ") for at, part in enumerate(parts))


def usage_table() -> str:
    """Return the columns of the usage table."""
    rows = [(f"`{item.name}`", item.unit, item.meaning, item.standard) for item in schema.USAGE]
    return table(("column", "unit", "meaning", "FOCUS or OpenTelemetry"), rows)


def demo_output() -> str:
    """Return what ``tokenaudit demo`` prints on stdout."""
    command = [sys.executable, "-m", "tokenaudit", "demo"]
    shown = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    text = "\n".join(line.rstrip() for line in shown.strip("\n").splitlines())
    return f"```text\n{text}\n```"


GENERATED: list[tuple[Path, str, Callable[[], str]]] = [
    (README, "sources", sources_table),
    (README, "demo", demo_output),
    (ROOT / "docs" / "sources.md", "source-pages", source_pages),
    (ROOT / "docs" / "counting.md", "usage-table", usage_table),
]
"""Page, name of its markers, and what stands between them."""


@pytest.mark.parametrize(("page", "name", "generate"), GENERATED, ids=[name for _, name, _ in GENERATED])
def test_generated_parts_are_current(
    page: Path, name: str, generate: Callable[[], str], *, update_golden: bool
) -> None:
    """What stands between markers is what the program says today."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, rest = page.read_text(encoding="utf-8").split(begin)
    found, after = rest.split(end)
    expected = f"\n{generate()}\n\n"
    if update_golden:
        page.write_text(f"{before}{begin}{expected}{end}{after}", encoding="utf-8")
        found = expected

    assert found == expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file of the project names one that exists."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_documented(command: str) -> None:
    """The README shows every command."""
    assert f"tokenaudit {command}" in README.read_text(encoding="utf-8")


@pytest.mark.parametrize("source", sorted(sources()))
def test_rules_of_sources_are_documented(source: str) -> None:
    """Every source says what it tells and what it cannot, and its module says how it is counted."""
    assert sources()[source].tells
    assert sources()[source].lacks
    assert len((import_module(f"tokenaudit.sources.{source.replace('-', '_')}").__doc__ or "").splitlines()) > 1


def test_python_examples_run(tmp_path: Path) -> None:
    """The examples of docs/python.md give what they say, on a store of the demo's rows."""
    from tokenaudit.demo import write_demo
    from tokenaudit.ingest.run import ingest

    ingest([str(path) for path in write_demo(tmp_path)], Path("spend-store"))
    page = ROOT / "docs" / "python.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    examples = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, page.name, str(page), 0)
    said: list[str] = []
    doctest.DocTestRunner().run(examples, out=said.append)

    assert "".join(said) == ""
