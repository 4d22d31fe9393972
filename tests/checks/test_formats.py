"""Formats that CI systems read: against their schemas, within their limits, with names that want to break out."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
import xmlschema

from tests.checks.desk import Desk, days
from tokenaudit.render import as_comment, as_github, as_markdown

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"
HOSTILE = (
    "a\n::error::owned",
    "%0A::set-output name=x::y",
    "x,file=/etc/passwd:1",
    "<b>&\"'</b>",
    "| `x` | <!-- tokenaudit:check -->",
    "[click](javascript:x)",
    "\x1b[31mred\x07",
    "\u202eevil",
    "</details><script>",
    "::warning::plain",
    "ünïcödé 漢字",
    "\ufffe",
)

MANY = '[[budget]]\nid = "person"\neach = "user"\nlimits = [{ amount = 5, period = "month" }]\n'


@pytest.fixture
def hostile(desk: Desk) -> Desk:
    """Return a desk with users of names that mean harm, each over a limit, and a warning and an unjudged limit."""
    for name in HOSTILE:
        desk.rows(days("2026-10", [6], user=name, project=name))
    more = '[[budget]]\nid = "all: 100%, yes"\nlimits = [{ amount = 80, period = "month" }]\n'
    more += '[[budget]]\nid = "pool"\nlimits = [{ tokens = 99, period = "month" }]\n[policy]\nstale = 0\n'
    return desk.config(MANY + more)


def test_junit(hostile: Desk) -> None:
    """Valid by its schema; over is a failure, unjudged an error, and figures are properties."""
    text = hostile.run("--format", "junit", as_of="2026-10-05", code=1)
    xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd")).validate(text)
    root = ET.fromstring(text)  # noqa: S314 - our own
    suites = {suite.get("name"): suite for suite in root}

    assert set(suites) == {"budget.person", "budget.all: 100%, yes", "budget.pool", "policy"}
    assert (root.get("failures"), root.get("errors")) == (str(len(HOSTILE) + 1), "1")
    assert suites["budget.person"].get("failures") == str(len(suites["budget.person"].findall("testcase")))
    failure = suites["budget.pool"].find("testcase/failure")
    assert failure is not None
    assert failure.get("type") == "TA001"
    assert "1,200 tokens" in (failure.get("message") or "") or "1.2 K tokens" in (failure.get("message") or "")
    assert "warning: budget all: 100%, yes" in (suites["budget.all: 100%, yes"].findtext("testcase/system-out") or "")
    figures = {item.get("name"): item.get("value") for item in suites["budget.pool"].iter("property")}
    assert figures["month tokens October 2026: spent"] == "1200"


def test_sarif(hostile: Desk) -> None:
    """Valid by its schema; results point at the line of their budget and are the same in the next run."""
    first = json.loads(hostile.run("--format", "sarif", as_of="2026-10-05", code=1))
    fastjsonschema.compile(_schema())(first)
    (run,) = first["runs"]
    levels = [result["level"] for result in run["results"]]

    assert levels == ["error"] * (len(HOSTILE) + 2) + ["warning"]
    assert {result["locations"][0]["physicalLocation"]["region"]["startLine"] for result in run["results"]} == {
        1,
        5,
        8,
        11,
    }
    assert all(run["tool"]["driver"]["rules"][item["ruleIndex"]]["id"] == item["ruleId"] for item in run["results"])
    hostile.rows(days("2026-10", [1] * 3, user="new"))
    again = json.loads(hostile.run("--format", "sarif", as_of="2026-10-05", code=1))["runs"][0]["results"]
    prints = [result["partialFingerprints"]["tokenaudit/v1"] for result in run["results"]]
    assert set(prints) <= {result["partialFingerprints"]["tokenaudit/v1"] for result in again}
    assert len(set(prints)) == len(prints)


def _schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
    return found


def test_the_sarif_schema_refuses(hostile: Desk) -> None:
    """A log with a level that does not exist is not valid: the schema is one."""
    log = json.loads(hostile.run("--format", "sarif", as_of="2026-10-05", code=1))
    log["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(fastjsonschema.JsonSchemaException):
        fastjsonschema.compile(_schema())(log)


def test_github(hostile: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line is one command, whatever names hold; at most ten of a kind; the rest is in the summary, all of it."""
    summary, outputs = hostile.folder / "summary.md", hostile.folder / "outputs"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    monkeypatch.chdir(hostile.folder)
    lines = hostile.run("--format", "github", as_of="2026-10-05", code=1).splitlines()

    assert len([line for line in lines if line.startswith("::error file=tokenaudit.toml,line=")]) == 9
    assert lines[9].startswith("::error title=tokenaudit::5 more, all of them in the step summary:%0A")
    assert lines[10].startswith("::warning file=tokenaudit.toml,line=5,title=all%3A 100%25%2C yes%3A warn::")
    assert len(lines) == 11
    assert outputs.read_text() == "status=failed\nexit_code=1\nover=13\nwarn=1\nunjudged=1\n"
    assert summary.read_text(encoding="utf-8").count("| over since") == 11  # ten people, and the pool
    assert "\n::" not in summary.read_text(encoding="utf-8")


def test_a_long_summary_is_cut() -> None:
    """GitHub shows nothing of a summary that is too long: it is cut at the end of a line, whatever a letter takes."""
    text = as_markdown.cut("漢字漢字\n" * 100, 500)

    assert text.startswith("漢字漢字\n漢字漢字\n")
    assert len(text.partition("\n\nCut here")[0].encode()) <= 500
    assert as_markdown.cut("short", 500) == "short"


@pytest.mark.parametrize(
    ("name", "as_property", "as_data"),
    [
        ("50%", "50%25", "50%25"),
        ("a\r\nb", "a%0D%0Ab", "a%0D%0Ab"),
        ("a:b,c", "a%3Ab%2Cc", "a:b,c"),
        ("%3A", "%253A", "%253A"),
        ("::error::", "%3A%3Aerror%3A%3A", "::error::"),
    ],
)
def test_github_escapes(name: str, as_property: str, as_data: str) -> None:
    """Percent and line ends everywhere, colon and comma in properties too."""
    assert (as_github.value(name), as_github.data(name)) == (as_property, as_data)


def test_comment(hostile: Desk) -> None:
    """The mark stands alone on the first line, once; names are shown and do nothing."""
    text = hostile.run("--format", "pr-comment", as_of="2026-10-05", code=1)

    assert text.startswith(f"{as_comment.MARK}\n### Over budget\n")
    assert text.count(as_comment.MARK) == 1
    assert text.count("</details>") == 1
    assert "<script>" not in text
    assert "\x1b" not in text
    assert "- **over** budget person" in text


def test_a_long_comment_is_cut(desk: Desk) -> None:
    """A comment stays below what GitHub takes, says so, and keeps the failures."""
    budgets = [
        f'[[budget]]\nid = "{"x" * 200}-{n}"\nlimits = [{{ amount = 5, period = "month" }}]\n' for n in range(300)
    ]
    desk.rows(days("2026-10", [6])).config("".join(budgets))
    text = desk.run("--format", "pr-comment", as_of="2026-10-01", code=1)

    assert len(text.encode()) < 65_536
    assert "and 280 more" in text
    assert "Cut here" in text
    assert text.rstrip().endswith("</details>")
