"""What a gate found, before it is known how it will be shown: findings for other programs, a document for people.

``write(gate, "junit", sys.stdout)``. Formats that only CI systems read are modules of their own; all others are those
of the document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from tokenaudit.errors import QueryError, did_you_mean

if TYPE_CHECKING:
    from tokenaudit.render.document import Document

RULES: dict[str, str] = {
    "TA001": "A budget is exceeded",
    "TA002": "A budget is nearly used up",
    "TA003": "A budget cannot be judged",
    "TA004": "Spend that has no name",
    "TA005": "Tokens without a price",
    "TA006": "The newest data is too old",
    "TA007": "Lines that could not be read",
    "TA008": "No data is stored",
}
"""What is found, by the number that other programs know it by."""
LEVELS = {"over": "error", "unjudged": "error", "warn": "warning"}
"""How bad a verdict is; those that are ok have no level."""
OWN = {"junit": "as_junit", "sarif": "as_sarif", "github": "as_github", "pr-comment": "as_comment"}
"""Modules of the formats that only a gate has."""
FORMATS = ("table", "json", *OWN, "markdown", "csv", "ndjson", "parquet")
SUFFIXES = {".xml": "junit", ".sarif": "sarif"}
"""Formats by the ending of a file, beside those of every document."""


class Finding(NamedTuple):
    """One thing that was judged."""

    rule: str
    """One of `RULES`."""
    subject: str
    """The budget or policy, and whose limit it is: ``person / alice``."""
    verdict: str
    message: str
    path: Path
    """The file that declares it."""
    line: int
    identity: str
    """The same in every run that finds the same thing."""
    group: str
    """What it is of: ``budget.person`` or ``policy``."""
    name: str
    """What tells it from others of the group: window, unit and whose it is."""
    properties: Mapping[str, str]
    """Figures, as exact text."""

    @property
    def level(self) -> str:
        """How bad it is: ``error``, ``warning``, or nothing."""
        return LEVELS.get(self.verdict, "")


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """What a gate says."""

    document: Document
    find: Callable[[], Sequence[Finding]]
    """Gives everything that was judged, the worst first: only some formats ask for it."""
    errors: tuple[str, ...]
    """Sentences for people: what is over, and what could not be judged."""
    exit_code: int
    title: str
    counts: Mapping[str, int]
    """How many limits and policies have each verdict."""

    @property
    def findings(self) -> Sequence[Finding]:
        """Everything that was judged, the worst first."""
        return self.find()

    def of_level(self, level: str) -> list[Finding]:
        """Return the findings of a level."""
        return [item for item in self.find() if item.level == level]

    @property
    def status(self) -> str:
        """Return the word for all: ``failed``, ``unjudged``, ``warned`` or ``passed``."""
        words = {"over": "failed", "unjudged": "unjudged", "warn": "warned"}
        return next((word for verdict, word in words.items() if self.counts.get(verdict)), "passed")


def checked(name: str) -> str:
    """Return the name of a format. Raises QueryError for an unknown one."""
    if name not in FORMATS:
        raise QueryError(f"unknown format `{name}`", did_you_mean(name, FORMATS) or f"formats are {', '.join(FORMATS)}")
    return name


def write(gate: Gate, name: str, out: TextIO | Path) -> None:
    """Write what a gate says in a format to a stream or file. Raises QueryError for a file that cannot be written."""
    if name not in OWN:
        from tokenaudit.render import render

        return render(gate.document, name, out)
    renderer: Callable[[Gate], str] = import_module(f"tokenaudit.render.{OWN[name]}").text
    return _put(renderer(gate), out)


def _put(text: str, out: TextIO | Path) -> None:
    from tokenaudit.render import prepared

    if not isinstance(out, Path):
        prepared(out, "json").write(text)
        return
    try:
        out.write_text(text, encoding="utf-8", errors="replace", newline="\n")
    except OSError as error:
        raise QueryError(f"cannot write `{out}`: {error.strerror}") from error


def relative(path: Path, folder: Path) -> str:
    """Return a path as CI systems name files of a checkout: from `folder`, with slashes."""
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()
