"""Workflow commands of GitHub Actions: an annotation for each finding, as many as GitHub shows.

Nothing else goes to the output: whatever line begins with ``::`` is a command, and names come from logs. The tables
belong into the step summary, see `cli.check`.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from tokenaudit.render import as_markdown
from tokenaudit.render.gate import relative

if TYPE_CHECKING:
    from tokenaudit.render.gate import Finding, Gate

Codes: TypeAlias = dict[str, str | int | None]
SUMMARY = 1_000_000
"""Bytes of a step summary; GitHub takes 1 MiB, and nothing of a longer one."""
SHOWN = 10
"""Annotations of one kind that GitHub shows of a step; 50 in a job."""
DATA: Codes = {"%": "%25", "\r": "%0D", "\n": "%0A"}
PROPERTY: Codes = {**DATA, ":": "%3A", ",": "%2C"}


def text(gate: Gate) -> str:
    """Return the annotations, errors first."""
    return "".join(f"{line}\n" for level in ("error", "warning") for line in _annotations(gate.of_level(level), level))


def _annotations(found: list[Finding], level: str) -> list[str]:
    if len(found) <= SHOWN:
        return [_annotation(item) for item in found]
    rest = found[SHOWN - 1 :]
    names = "\n".join(item.message for item in rest[:SHOWN])
    more = f"{len(rest)} more, all of them in the step summary:\n{names}"
    return [*(_annotation(item) for item in found[: SHOWN - 1]), f"::{level} title=tokenaudit::{data(more)}"]


def _annotation(item: Finding) -> str:
    file = relative(item.path, Path.cwd())
    title = f"{item.subject}: {item.verdict}"
    return f"::{item.level} file={value(file)},line={item.line},title={value(title)}::{data(item.message)}"


def data(words: str) -> str:
    r"""Return text as the message of a command.

    >>> data("100 %\n::error::no")
    '100 %25%0A::error::no'
    """
    return _escaped(words, DATA)


def value(words: str) -> str:
    """Return text as a property of a command.

    >>> value("a:b,c%")
    'a%3Ab%2Cc%25'
    """
    return _escaped(words, PROPERTY)


def _escaped(words: str, codes: Codes) -> str:
    return words.translate(str.maketrans(codes))


def summary(gate: Gate) -> str:
    """Return the tables as Markdown, for ``$GITHUB_STEP_SUMMARY``, as much of them as GitHub takes."""
    out = io.StringIO()
    as_markdown.write(gate.document, out)
    return as_markdown.cut(out.getvalue(), SUMMARY)


def outputs(gate: Gate) -> str:
    """Return what following steps may read, as lines for ``$GITHUB_OUTPUT``."""
    counts = {verdict: gate.counts.get(verdict, 0) for verdict in ("over", "warn", "unjudged")}
    found = {"status": gate.status, "exit_code": gate.exit_code, **counts}
    return "".join(f"{key}={word}\n" for key, word in found.items())
