"""How wide each column is, and which ones a narrow terminal leaves out. A figure is never cut, only left out.

Widths are terminal cells: a Chinese character takes two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tokenaudit.render.document import NUMERIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tokenaudit.render.cells import Cells, Grid

GAP = 2
"""Cells between columns, and before the first."""

SENSIBLE = 16
"""A name is not shortened below this as long as columns can be left out instead."""

SHORTEST = 8
"""A name is never shortened below this."""


COMFORTABLE = 32
"""A name of this length is not shortened to make room for bars."""


class Extent(NamedTuple):
    """How much room a column wants: that of its heading and that of its widest cell."""

    heading: int
    cells: int
    flexible: bool
    """Names may be shortened, figures and verdicts may not."""
    priority: int

    def width(self, cap: int) -> int:
        """Return the width of the column where names are cut at `cap`."""
        return max(self.heading, min(self.cells, cap) if self.flexible else self.cells)


def heading(grid: Grid, column: Cells) -> str:
    """Return the heading of the column; the first one without a title of its own carries that of the section."""
    return column.shown.title or (grid.title if column is grid.columns[0] else "")


def extents(grids: Sequence[Grid]) -> list[Extent]:
    """Return the extents of the columns of like `grids`, so that they can stand in line below each other."""
    return [_extent(grids, place) for place in range(len(grids[0].columns))]


def fit(wanted: Sequence[Extent], width: int | None) -> list[int | None]:
    """Return the width of each column, None where it is left out to fit into `width`."""
    if width is None:
        return [extent.width(extent.cells) for extent in wanted]
    kept = _kept(wanted, width)
    cap = _cap([wanted[place] for place in kept], width)
    return [extent.width(cap) if place in kept else None for place, extent in enumerate(wanted)]


def is_roomy(wanted: Sequence[Extent], width: int) -> bool:
    """Tell whether everything fits into `width` with names of a comfortable length."""
    return spread(extent.width(COMFORTABLE) for extent in wanted) <= width


def spread(widths: Iterable[int | None]) -> int:
    """Return the cells a line with these columns takes."""
    return sum(GAP + width for width in widths if width is not None)


def pad(text: str, width: int, *, right: bool) -> str:
    """Return `text` filled up to `width` cells, or as it is where it is wider."""
    fill = " " * (width - cell_width(text))
    return fill + text if right else text + fill


def shorten(text: str, width: int) -> str:
    """Return `text` in at most `width` cells, with ``…`` for its middle: both ends of a name tell it apart."""
    if cell_width(text) <= width:
        return text
    front, back = width - width // 2 - 1, width // 2
    while cell_width(text[:front]) + cell_width(text[len(text) - back :]) >= width:
        front, back = (front - 1, back) if front >= back else (front, back - 1)
    return f"{text[:front]}…{text[len(text) - back :]}"


def cell_width(text: str) -> int:
    """Return the cells `text` takes in a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def fitted(text: str, column: Cells, width: int) -> str:
    """Return the text of a cell of `column`, shortened where it is a name too long for `width`."""
    return shorten(text, width) if column.shown.kind == "text" else text


def is_right(column: Cells) -> bool:
    """Tell whether the column stands at its right edge."""
    return column.shown.kind in NUMERIC


def _extent(grids: Sequence[Grid], place: int) -> Extent:
    columns = [(grid, grid.columns[place]) for grid in grids]
    shown = columns[0][1].shown
    headings = max(cell_width(heading(grid, column)) for grid, column in columns)
    cells = max((cell_width(cell) for _, column in columns for cell in (*column.rows, *column.totals)), default=0)
    return Extent(headings, cells, shown.kind == "text", shown.priority)


def _kept(wanted: Sequence[Extent], width: int) -> set[int]:
    """Return the columns that stay: the one with the largest priority number goes first, the right one of equals."""
    kept = set(range(len(wanted)))
    optional = sorted((place for place in kept if wanted[place].priority), key=lambda p: (wanted[p].priority, p))
    while optional and spread(wanted[place].width(SENSIBLE) for place in kept) > width:
        kept.remove(optional.pop())
    return kept


def _cap(wanted: Sequence[Extent], width: int) -> int:
    """Return the width at which all names are cut alike so that the line fits."""
    longest = max((extent.cells for extent in wanted if extent.flexible), default=SHORTEST)
    caps = range(longest, SHORTEST, -1)
    return next((cap for cap in caps if spread(extent.width(cap) for extent in wanted) <= width), SHORTEST)
