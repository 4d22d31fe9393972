"""A comment on a pull or merge request: what is wrong first, all tables folded, with a mark to find it again by."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

from tokenaudit.render import as_markdown

if TYPE_CHECKING:
    from tokenaudit.render.gate import Gate

MARK = "<!-- tokenaudit:check -->"
"""The first line: whoever posts the comment looks for an older one that begins so, and updates it."""
LONGEST = 60_000
"""Bytes; GitHub takes 65,536 characters."""
SHOWN = 20
HEADINGS = {
    "failed": "Over budget",
    "unjudged": "Budgets could not be judged",
    "warned": "Budgets are nearly used up",
    "passed": "All budgets are kept",
}


def text(gate: Gate) -> str:
    """Return the comment in GitHub Markdown, cut with a notice where it would be too long."""
    bad = [item for item in gate.findings if item.level]
    lines = [f"- **{item.verdict}** {as_markdown.escape(item.message)}" for item in bad[:SHOWN]]
    lines += [f"- and {len(bad) - SHOWN} more"] if len(bad) > SHOWN else []
    head = "\n".join([MARK, f"### {HEADINGS[gate.status]}", "", *lines, *([""] if lines else [])])
    title, tables = as_markdown.escape(gate.title), _tables(gate, len(head))
    return f"{head}\n<details><summary>{title}</summary>\n\n{tables}\n\n</details>\n"


def _tables(gate: Gate, used: int) -> str:
    out = io.StringIO()
    as_markdown.write(replace(gate.document, heading=()), out)
    return as_markdown.cut(out.getvalue().strip(), LONGEST - used)
