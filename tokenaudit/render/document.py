"""What a command has to say, before it is known how it will be shown.

A `Document` carries the machine rows (csv, json, ndjson, parquet) and, beside them, the `Section`s that people read
(table, markdown). Both come from the same frames, so the two can never disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

Kind = Literal[
    "text",
    "words",
    "figure",
    "money",
    "exact",
    "rough",
    "tokens",
    "count",
    "share",
    "percent",
    "change",
    "difference",
    "bar",
]
"""How the cells of a column read.

| kind | value | reads |
|---|---|---|
| ``text`` | a name, date or flag | as it is; null ``(unattributed)``; long ones are shortened in the middle |
| ``words`` | a verdict or remark | as it is, never shortened; null is empty |
| ``figure`` | a figure in words | as it is, at the right edge; null is empty |
| ``money`` | Decimal | ``$1,305.10``; the parts add up to the total |
| ``exact`` | Decimal | ``$0.0625``: all digits, at least two decimals |
| ``tokens`` | int | ``41.2 B`` |
| ``count`` | int | ``388,120`` |
| ``percent`` | ratio | ``23 %`` |
| ``share`` | ratio | ``23 %``, and a bar where there is room |
| ``rough`` | Decimal | ``$1,305``, ``<$1``: an estimate, of which no cents are known |
| ``bar`` | ratio | a bar, the longest for the largest of the section |
| ``change`` | Decimal, and `against` | ``+38 %``, ``new``, ``gone`` |
| ``difference`` | Decimal, and `against` | ``+$29,870``, ``new``, ``gone`` |
"""

NUMERIC: frozenset[Kind] = frozenset(
    {"figure", "money", "exact", "rough", "tokens", "count", "share", "percent", "change", "difference"}
)
"""Kinds that stand at the right edge of their column."""


class Shown(NamedTuple):
    """One column of a section, as people see it."""

    name: str
    """The column of the section's frame."""
    title: str
    kind: Kind = "text"
    priority: int = 0
    """Where the terminal is narrow the column with the largest number goes first; 0 always stays."""
    against: str = ""
    """For ``change`` and ``difference``: the column of the earlier amount; 0 there is ``new``, null is not known."""
    missing: str | None = None
    """What a null reads; by default ``(unattributed)`` in ``text`` and nothing in the other kinds."""


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """One table for people.

    Money is in the currency of the row's `billing_currency` where the frame has that column, else in `currency`.
    The first column's heading is `title` where that column has none of its own; otherwise `title` stands above.
    """

    title: str
    frame: pl.DataFrame
    columns: tuple[Shown, ...]
    total: pl.DataFrame | None = None
    """The total row, or one for each currency. Columns it lacks stay empty; the first reads ``total``."""
    currency: str = "USD"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Document:
    """The answer of one command: rows for machines, sections for people.

    A tab in a line of `heading` sends the rest of that line to the right edge. An empty line stays empty.
    """

    schema: str
    """Name and version of the JSON contract, such as ``tokenaudit.report/1``."""
    rows: pl.DataFrame
    """Machine columns in the order of the contract: money Decimal, counts Int64, times UTC."""
    rows_name: str = "rows"
    """Name of the rows in JSON."""
    head: Mapping[str, object] = field(default_factory=dict)
    """What stands before the rows in JSON, such as ``period``."""
    tail: Mapping[str, object] = field(default_factory=dict)
    """What stands between the rows and the notes in JSON, such as ``totals``."""
    notes: tuple[str, ...] | None = ()
    """Remarks; None where the JSON contract has none."""
    heading: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    footer: tuple[str, ...] = ()
