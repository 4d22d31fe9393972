"""The table people read in a terminal: no vertical lines, figures never cut, words beside every colour.

On a terminal it fits the width: columns that matter least are left out and named, long names lose their middle. Into a
pipe or file it is plain text of any width, which takes no library to write.
"""

from __future__ import annotations

import os
import re
import textwrap
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, TextIO, TypeAlias

from tokenaudit.render import layout
from tokenaudit.render.cells import Cells, Grid, clean, grid
from tokenaudit.render.document import Kind, Section, Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tokenaudit.render.document import Document

Line: TypeAlias = list[tuple[str, str]]
"""Pieces of text, each with the name of its style."""

INDENT = " " * layout.GAP

BARS_FROM = 100
"""Narrowest terminal with bars."""

VERDICTS = {"ok": "green", "warn": "yellow", "over": "bold red", "unjudged": "magenta"}
DIRECTIONS = {"+": "yellow", "-": "green", "n": "cyan", "g": "dim"}
"""Styles of ``+38 %``, ``-12 %``, ``new`` and ``gone``."""

STYLES: dict[Kind, Callable[[str], str]] = {
    "text": lambda text: "dim" if text.startswith("(") else "",
    "words": lambda text: VERDICTS.get(text.partition(" ")[0], ""),
    "change": lambda text: DIRECTIONS.get(text[:1], ""),
    "difference": lambda text: DIRECTIONS.get(text[:1], ""),
    "bar": lambda _: "cyan",
}
"""From the text of a cell to its style. Colour only adds to what the words say."""


class Canvas(NamedTuple):
    """What the lines are drawn on: its width in cells, None for any, and whether it shows lines and blocks."""

    width: int | None = None
    drawing: bool = False


class Block(NamedTuple):
    """A drawn section: its lines, its width, and the titles of the columns left out."""

    lines: list[Line]
    width: int
    dropped: list[str]


def write(document: Document, out: TextIO) -> None:
    """Write the document to `out`: fitted and coloured on a terminal, else plain."""
    if out.isatty() or os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE") == "1":
        _write_coloured(document, out)
    else:
        out.writelines(f"{plain(line)}\n" for line in lines(document, Canvas()))


def lines(document: Document, canvas: Canvas) -> Iterator[Line]:
    """Return the lines of the document as drawn on `canvas`, its parts set apart by an empty line."""
    blocks = list(_blocks(document.sections, canvas))
    heading = list(_heading(document.heading, canvas, max((block.width for block in blocks), default=0)))
    dropped = list(dict.fromkeys(title for block in blocks for title in block.dropped))
    parts = (heading, *(block.lines for block in blocks), _remarks(document, canvas), _left_out(dropped, canvas))
    for number, part in enumerate(part for part in parts if part):
        yield from ([],) if number else ()
        yield from part


def plain(line: Line) -> str:
    """Return the text of the line."""
    return "".join(text for text, _ in line).rstrip()


def _write_coloured(document: Document, out: TextIO) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=out, highlight=False)
    drawing = out.isatty() and console.encoding.startswith("utf")
    for line in lines(document, Canvas(console.width if out.isatty() else None, drawing)):
        text = Text.assemble(*line)
        text.rstrip()
        console.print(text, soft_wrap=True)


# -- lines around the tables


def _heading(heading: Sequence[str], canvas: Canvas, edge: int) -> Iterator[Line]:
    for number, text in enumerate(heading):
        left, _, right = text.partition("\t")
        indent = INDENT if number and text else ""
        first, *rest = _wrapped(clean(left), canvas, indent)
        spoken = [_spoken(first, title=number == 0), *([(line, "")] for line in rest)]
        yield from _flushed(spoken, clean(right), canvas, edge)


def _spoken(text: str, *, title: bool) -> Line:
    """Return a line of the heading; in bold the title, and the first figure of a line of figures."""
    first, gap, rest = text.strip().partition("   ")
    indent = text[: len(text) - len(text.lstrip())]
    return [(indent + first, "bold" if title or gap else ""), (gap + rest, "bold" if title else "")]


def _flushed(left: list[Line], right: str, canvas: Canvas, edge: int) -> Iterator[Line]:
    """Return the lines with `right` at the right edge of the last one, or below where it has no room."""
    if not right:
        yield from left
        return
    yield from left[:-1]
    used = layout.cell_width(plain(left[-1]))
    needed = used + 2 * layout.GAP + layout.cell_width(right)
    if canvas.width is None or needed <= canvas.width:
        yield [*left[-1], (" " * (max(edge, needed) - used - layout.cell_width(right)) + right, "dim")]
    else:
        yield left[-1]
        yield from ([(line, "dim")] for line in _wrapped(right, canvas, INDENT))


def _remarks(document: Document, canvas: Canvas) -> list[Line]:
    texts = (*document.footer, *(document.notes or ()))
    return [[(line, "")] for text in texts for line in _wrapped(clean(text), canvas, INDENT)]


def _left_out(titles: list[str], canvas: Canvas) -> list[Line]:
    if not titles:
        return []
    text = f"Left out at width {canvas.width}: {', '.join(titles)} (widen the terminal, or use --format csv)"
    return [[(line, "dim")] for line in _wrapped(text, canvas, INDENT)]


def _wrapped(text: str, canvas: Canvas, indent: str) -> list[str]:
    """Return the text in lines of the width of `canvas`; what is set apart by wider gaps is kept together."""
    if canvas.width is None or layout.cell_width(indent + text) <= canvas.width:
        return [indent + text]
    rows = [""]
    for chunk in re.split(" {2,}", text.strip()):
        joined = f"{rows[-1]}   {chunk}" if rows[-1] else chunk
        if layout.cell_width(indent + joined) <= canvas.width:
            rows[-1] = joined
        else:
            rows += _words(chunk, canvas.width - len(indent))
    return [indent + row for row in rows if row]


def _words(text: str, width: int) -> list[str]:
    hang = INDENT if len(text) > width else ""
    return textwrap.wrap(text, width, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False)


# -- tables


def _blocks(sections: Sequence[Section], canvas: Canvas) -> Iterator[Block]:
    for _, alike in groupby(sections, key=_shape):
        yield from _aligned(list(alike), canvas)


def _shape(section: Section) -> tuple[str, ...]:
    """Return what neighbouring sections must share to stand in line below each other."""
    return (section.columns[0].title, *(shown.title for shown in section.columns[1:]))


def _aligned(sections: list[Section], canvas: Canvas) -> list[Block]:
    grids = _grids(sections, canvas)
    widths = layout.fit(layout.extents(grids), canvas.width)
    return [_block(drawn, widths, canvas) for drawn in grids]


def _grids(sections: list[Section], canvas: Canvas) -> list[Grid]:
    if canvas.drawing and canvas.width is not None and canvas.width >= BARS_FROM:
        grids = [grid(_with_bars(section)) for section in sections]
        if layout.is_roomy(layout.extents(grids), canvas.width):
            return grids
    return [grid(section) for section in sections]


def _with_bars(section: Section) -> Section:
    shares = {shown: Shown(shown.name, "", "bar") for shown in section.columns if shown.kind == "share"}
    pairs = ((shown, shares[shown]) if shown in shares else (shown,) for shown in section.columns)
    return replace(section, columns=tuple(shown for pair in pairs for shown in pair))


def _block(drawn: Grid, widths: list[int | None], canvas: Canvas) -> Block:
    kept = [(column, width) for column, width in zip(drawn.columns, widths, strict=True) if width is not None]
    dropped = [column.shown.title for column, width in zip(drawn.columns, widths, strict=True) if width is None]
    return Block(list(_table(drawn, kept, canvas)), layout.spread(widths), dropped)


def _table(drawn: Grid, columns: list[tuple[Cells, int]], canvas: Canvas) -> Iterator[Line]:
    rule: Line = [
        (INDENT + ("─" if canvas.drawing else "-") * (layout.spread(w for _, w in columns) - layout.GAP), "dim")
    ]
    if drawn.columns[0].shown.title and drawn.title:
        yield [(INDENT + clean(drawn.title), "bold")]
    yield _line(
        (layout.heading(drawn, column), "bold" if n == 0 else "dim", column, w) for n, (column, w) in enumerate(columns)
    )
    yield rule
    yield from (_row(columns, number) for number in range(drawn.height))
    if not drawn.height:
        yield [(f"{INDENT}(none)", "dim")]
    if drawn.columns[0].totals:
        yield rule
    for number in range(len(drawn.columns[0].totals)):
        yield _line((column.totals[number], "bold", column, width) for column, width in columns)


def _row(columns: list[tuple[Cells, int]], number: int) -> Line:
    return _line((column.rows[number], _style(column, column.rows[number]), column, width) for column, width in columns)


def _line(cells: Iterable[tuple[str, str, Cells, int]]) -> Line:
    return [
        (INDENT + layout.pad(layout.fitted(text, column, width), width, right=layout.is_right(column)), style)
        for text, style, column, width in cells
    ]


def _style(column: Cells, text: str) -> str:
    if text and text == column.shown.missing:
        return "yellow"
    return STYLES.get(column.shown.kind, _unstyled)(text)


def _unstyled(_: str) -> str:
    return ""
