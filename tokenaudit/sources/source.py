"""What a source is: a `Table` is data and polars expressions, a `Log` is a decoder from bytes to rows.

Both say how to recognise a file by its content and what makes two rows the same billable thing.
Nothing here imports polars: a source's expressions are built inside its ``usage`` function, so that the registry
loads in a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from tokenaudit.sources.head import Head

Kind = Literal["text", "integer", "money", "epoch", "instant", "zoned", "flag"]
"""How the text of a table's cell is read.

``text``: trimmed, blank is null. ``integer``: also ``4.0`` and ``"1,200"``. ``money``: exact decimal, also ``$1.50``
and ``1,000.50``. ``epoch``: seconds since 1970. ``instant``: ISO 8601 date or date-time, UTC where it names no zone, or
the ``M/D/YY`` of a spreadsheet. ``zoned``: ISO 8601 date-time that names its offset.
``flag``: true/false in any case. Blank, ``NULL``, ``NaN`` and ``-`` are null in every kind but text.
"""

Merge = Literal["newest", "largest"]
"""What becomes of rows with one identity.

``newest``: the newest file's rows with that identity replace all others (buckets of a bucketed export, re-downloads).
``largest``: one row, the maximum of each count, the earliest instant (log lines that repeat and grow).
"""


Authority = Literal["bill", "usage", "gateway", "client", "none"]
"""Whose word a source is, when several tell of the same calls.

``bill``: what the provider charges. ``usage``: the provider's own count. ``gateway``: a router or an observer between.
``client``: what the caller's own machine saw. ``none``: neither tokens nor money, such as seats.
"""

Form = Literal["lines", "document", "table", "database"]
"""How a log's file is written: a JSON document a line; one JSON document; CSV or Parquet; an SQLite database."""

FILE_NAME = "file name"
"""A column of this name (kind text) holds the file's own name in every row: where only it tells the period."""


DECLARED_RULES = 1 << 30
"""Rules from this number on are of a source that a configuration declares; odd ones where the newest file wins."""


class Reject(NamedTuple):
    """A line that could not be read: its number from 1, its byte offset, and why."""

    line: int
    offset: int
    reason: str


class LeftOut(NamedTuple):
    """Rows of a file that are none of ours: how many, why, and what they cost."""

    reason: str
    rows: int
    cost: Decimal
    currency: str


class Retention(NamedTuple):
    """How a tool deletes its own logs: those that nobody has touched for some days, usually when it starts."""

    days: int
    """Unless its settings say otherwise."""
    files: str
    """Pattern of the names of the files that hold usage: ``*.jsonl``."""
    settings: str
    """A JSON file, from each folder in `paths`: ``../settings.json``."""
    setting: tuple[str, ...]
    """Where in it the days stand, as a number or as text such as ``30d``: keys, one inside the other."""
    switch: tuple[str, ...] = ()
    """Where it may say (false) that nothing is deleted."""


class Lineage(NamedTuple):
    """The conversation that a log file holds, and the oldest one whose events it may begin with copies of."""

    thread: str
    origin: str
    """The same as `thread` where it is a fork of none."""


class Empty(NamedTuple):
    """How an export looks that holds nothing: exactly these columns, and only its file name tells what it is of."""

    columns: frozenset[str]
    file_name: str
    """Regular expression that is found in the file's name, in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file format with named columns: CSV, TSV, Parquet or flat JSON lines.

    Column names are compared trimmed and in lower case, as a set, never by position.
    """

    name: str
    title: str
    provider: str | None
    merge: Merge
    authority: Authority
    columns: Mapping[str, Kind]
    """Every column the source knows, in lower case. Absent ones are read as null."""
    signatures: tuple[frozenset[str], ...]
    """A file is of this source when its header holds all names of one of these sets."""
    absent: frozenset[str] = frozenset()
    """Names that a file of this source never has: they tell it from a relative with more columns."""
    usage: Callable[[pl.LazyFrame], pl.LazyFrame]
    """From the typed columns (and `line`) to usage columns; those left out take their defaults.

    May add `identity` (text, null = all values of the row and its occurrence); else `identity` below names it.
    May add `reject` (text): the reason why a row cannot be counted, null where it can.
    May add `left_out` (text): what a row is that is none of ours, such as the disks on a cloud's bill; null where it
    is ours. Such rows yield no usage; the ingest says how many they are and what they cost (`billed_cost`).
    """
    records: Callable[[Any], Iterable[Mapping[str, Any]]] | None = None
    """For nested JSON: from one document (a line, an element of an array, or the whole file) to its flat records.

    Keys are the names in `columns`; decimals come as text, see `_documents`. It is also tried on documents of other
    sources, of any shape, and must yield nothing there. `_documents.flat` is the simplest.
    """
    restates: tuple[str, ...] = ()
    """Sources that tell of the same calls or the same money: where both do, this one gives way to them."""
    books: str = ""
    """Which of a provider's separate businesses it is of: what two of them sell is never the same call."""
    gather: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Text columns beside `columns` that hold, as a JSON object of strings, all columns of a file whose names begin in
    one of these ways, such as one for each tag. Keys are what follows, as the file spells it."""
    identity: tuple[str, ...] = ()
    """Usage columns whose values name the bucket or the event."""
    once: bool = False
    """An identity names one event, never a bucket: of its rows in one file only the first counts."""
    empty: Empty | None = None
    strict: bool = False
    """Refuse columns that are not in `columns`, with a did-you-mean."""
    needs: frozenset[str] = frozenset()
    """A file needs one of these columns."""
    rules: int = 1
    """Raised when the same file would be counted differently."""
    paths: tuple[str, ...] = ()
    known: str = ""
    """One line for `tokenaudit sources NAME`: where a person gets the file."""
    tells: str = ""
    """What a reader learns from it, in a line."""
    lacks: str = ""
    """What it cannot tell, in a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A file that grows or is rewritten between two ingests: JSON lines, one JSON document, or an SQLite database.

    `decode` reads the part that is new, or all of it where the file cannot be read on; rows that come again fold.
    """

    name: str
    title: str
    provider: str | None
    authority: Authority
    detect: Callable[[Head], bool]
    decode: Callable[[Tail], Decoded]
    merge: Merge = "largest"
    restates: tuple[str, ...] = ()
    """As in `Table`."""
    books: str = ""
    """As in `Table`."""
    rules: int = 1
    paths: tuple[str, ...] = ()
    """Folders on a developer's machine that hold such files; `~`, `$VARIABLE` and `*` allowed."""
    tables: frozenset[str] = frozenset()
    """For a database: the columns by which it is recognised, as `Head.tables` names them."""
    forms: tuple[Form, ...] = ("lines",)
    retention: Retention | None = None
    """None where the tool keeps its logs."""
    lineage: Callable[[str], Lineage] | None = None
    """From the state that `decode` returned for a file to what it descends from; None where no state tells."""
    known: str = ""
    tells: str = ""
    lacks: str = ""


Source = Table | Log


class Tail(NamedTuple):
    """The part of a log file that has not been read yet."""

    path: str
    offset: int = 0
    """Byte to start at: the end of the last line read."""
    line: int = 0
    """Lines before that byte."""
    state: str = ""
    """What the decoder wanted to remember of the part before, as it returned it; "" at the start."""


@dataclass(slots=True)
class Decoded:
    """What a decoder made of a `Tail`."""

    columns: dict[str, list[Any]]
    """Usage column name -> values, all of one length, plus `identity` (text). Counts are ints, times are ISO 8601
    text in UTC with milliseconds and `Z`. Within one call each identity stands once."""
    offset: int
    line: int
    state: str = ""
    merged: int = 0
    """Lines folded into a row that another line had begun."""
    rejects: list[Reject] = field(default_factory=list)
