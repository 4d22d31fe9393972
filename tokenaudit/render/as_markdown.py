"""GitHub Markdown, such as for ``$GITHUB_STEP_SUMMARY`` or a pull request comment: the sections people read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TextIO

from tokenaudit.render.cells import Grid, clean, grid
from tokenaudit.render.document import NUMERIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tokenaudit.render.document import Document

SPECIAL = re.compile(r"[\\|`*<>\[\]~#&]|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown or HTML would act on; an underscore inside a word is harmless and stays readable."""


def write(document: Document, out: TextIO) -> None:
    """Write heading, sections, footer and notes to `out`."""
    out.write("\n\n".join(_parts(document)) + "\n")


def cut(text: str, longest: int) -> str:
    """Return a text in at most about as many bytes, whole lines of it, with a notice where something is left out."""
    whole = text.encode("utf-8", errors="replace")
    if len(whole) <= longest:
        return text
    kept = whole[: max(0, longest)].decode("utf-8", errors="ignore").rpartition("\n")[0]
    return f"{kept}\n\nCut here, as there is room for no more: run `tokenaudit check` for all of it.\n"


def escape(text: str) -> str:
    """Return `text` as Markdown that reads exactly like it. Two dollar signs would enclose a formula on GitHub."""
    escaped = SPECIAL.sub(r"\\\g<0>", clean(text))
    return escaped.replace("$", r"\$") if escaped.count("$") > 1 else escaped


def _parts(document: Document) -> Iterator[str]:
    first, *rest = [text for text in document.heading if text] or [""]
    yield from (f"## {_spoken(first)}",) if first else ()
    yield from map(_spoken, rest)
    yield from ("\n".join(_section(grid(section))) for section in document.sections)
    yield from (escape(text) for text in document.footer if text)
    if document.notes:
        yield "\n".join(f"- {escape(note)}" for note in document.notes)


def _spoken(text: str) -> str:
    """Return a heading line with its gaps, which Markdown would swallow, as separators."""
    return escape(" · ".join(part for part in re.split(r"\t| {2,}", text.strip()) if part))


def _section(drawn: Grid) -> Iterator[str]:
    if drawn.title:
        yield from (f"### {escape(drawn.title)}", "")
    yield _row(escape(column.shown.title or column.shown.name) for column in drawn.columns)
    yield _row("---:" if column.shown.kind in NUMERIC else "---" for column in drawn.columns)
    yield from (_row(map(escape, cells)) for cells in _across([column.rows for column in drawn.columns]))
    totals = _across([column.totals for column in drawn.columns])
    yield from (_row(f"**{escape(cell)}**" if cell else "" for cell in cells) for cells in totals)


def _across(columns: Sequence[Sequence[str]]) -> Iterable[tuple[str, ...]]:
    return zip(*columns, strict=True)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
