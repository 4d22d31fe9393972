"""Markdown shows the sections as GitHub tables and takes no orders from names."""

from __future__ import annotations

import io

import polars as pl
import pytest

from tokenaudit.render import render
from tokenaudit.render.as_markdown import escape
from tokenaudit.render.document import Document, Section, Shown


def text(document: Document) -> str:
    """Return the document as Markdown."""
    out = io.StringIO()
    render(document, "markdown", out)
    return out.getvalue()


def test_report(report: Document) -> None:
    """Headings, tables with a bold total, footer and notes."""
    shown = text(report)

    assert shown.startswith("## October 2026, UTC · price book 2026-11-10, 4 sources, data to 31 Oct 23:58\n\n")
    assert "### By user\n\n| user | spend | share |" in shown
    assert "| --- | ---: | ---: |" in shown
    assert "| alice | $41,203.88 | 23 % | +$29,870 | 9.1 B | 91 % | 98 % |" in shown
    assert "| **total** | **$182,940.17** |  | **+$50,379** | **41.2 B** |  |  |" in shown
    assert shown.endswith("- 3 rejected lines, see \\`tokenaudit doctor\\`\n")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a|b", r"a\|b"),
        ("a\\|b", r"a\\\|b"),
        ("two\nlines", "two\ufffdlines"),
        ("<script>", r"\<script\>"),
        ("[x](http://e)", r"\[x\](http://e)"),
        ("my_project_name", "my_project_name"),
        ("__init__", r"\_\_init\_\_"),
        ("$1 of $2", r"\$1 of \$2"),
        ("$5", "$5"),
    ],
)
def test_escape(name: str, expected: str) -> None:
    """Whatever Markdown or HTML would act on reads as it is."""
    assert escape(name) == expected


def test_a_table_keeps_its_columns() -> None:
    """A pipe or line break in a name does not add a cell or row."""
    frame = pl.DataFrame({"user": ["a|b\nc"], "requests": [3]})
    section = Section("By user", frame, (Shown("user", ""), Shown("requests", "requests", "count")))
    rows = text(Document(schema="s/1", rows=frame, sections=(section,))).splitlines()

    assert rows[-1] == "| a\\|b\ufffdc | 3 |"
