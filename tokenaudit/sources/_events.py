"""Decoders for logs whose records are billable things by themselves, or with a few facts remembered from earlier ones.

A source says how a record becomes rows; here lines are found, JSON is read carefully, rows are checked, and rows of
one identity fold (the maximum of each count, the earliest instant, who and where from the row nearest its original),
just as the store folds the rows of two files.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from tokenaudit import schema
from tokenaudit.sources._database import connect
from tokenaudit.sources._documents import DOCUMENT, documents, is_document
from tokenaudit.sources._instant import instant
from tokenaudit.sources._money import amount
from tokenaudit.sources.lines import BLANK, BOM, DAMAGED, Lines, open_binary
from tokenaudit.sources.source import Decoded, Reject, Tail

LARGEST_COUNT = 10**15
LONGEST_SHOWN = 80
MONEY = ("billed_cost", "list_cost", "reported_cost")
TEXTS = {"identity", *(column.name for column in schema.USAGE if column.dtype == "Categorical")}
DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(schema.COUNTS, 0),
    "requests": 1,
    "granularity": "request",
    "origin_rank": 0,
    "batch": False,
    "tokens_basis": "reported",
}
"""Values of the columns that a row leaves out; those of others are null."""

COUNTED = frozenset(schema.COUNTS)
ALWAYS = ("identity", "line", "charge_period_start")
"""Columns of a file without rows."""

Row = dict[str, Any]
"""Usage columns by name, with `identity` (text that names the billable thing) and `charge_period_start` (ISO 8601).

A row with `reject` (text: why it cannot count) is a reject and nothing else: a generator that raises `UncountedError`
yields no more rows, which loses the rest of a document or database.
"""


class UncountedError(Exception):
    """A record that should count and cannot; its text says why."""


@dataclass(slots=True)
class Memory:
    """What a source knows of a file beside the record in hand."""

    path: str
    facts: dict[str, Any] = field(default_factory=dict)
    """Anything JSON can hold: facts of earlier records, kept for the next reading of a growing file."""


LineRows = Callable[[dict[str, Any], Memory], Iterable[Row]]
DocumentRows = Callable[[Any, Memory], Iterable[Row]]
DatabaseRows = Callable[[sqlite3.Connection], Iterable[Row]]
Trim = Callable[[bytes], bytes]


def lines(rows: LineRows, *needles: bytes, trim: Trim = bytes) -> Callable[[Tail], Decoded]:
    """Return a decoder of JSON lines. Only lines that hold one of the needles are decoded; without any, all are.

    `trim` takes from such a line what stands around its JSON.
    """
    return lambda tail: _read_lines(tail, rows, needles or (b"{",), trim)


def document(rows: DocumentRows) -> Callable[[Tail], Decoded]:
    """Return a decoder of files that are one JSON document, written anew as they grow."""
    return lambda tail: _read_document(tail, rows)


def lines_or_document(rows: DocumentRows) -> Callable[[Tail], Decoded]:
    """Return a decoder of files that hold JSON lines, or are one JSON document or an array, whichever a file is."""
    return lambda tail: (_read_document if is_document(tail.path) else _read_lines_of_any)(tail, rows)


def table(rows: LineRows, read: Callable[[str], Iterable[tuple[int, dict[str, Any]]]]) -> Callable[[Tail], Decoded]:
    """Return a decoder of tables whose cells hold JSON: `read` gives the records of a file with their numbers."""
    return lambda tail: _read_table(tail, rows, read)


def database(rows: DatabaseRows) -> Callable[[Tail], Decoded]:
    """Return a decoder of SQLite databases."""
    return lambda tail: _read_database(tail, rows)


def _read_lines(tail: Tail, rows: LineRows, needles: tuple[bytes, ...], trim: Trim) -> Decoded:
    source = Lines(tail)
    memory = Memory(tail.path, json.loads(tail.state) if tail.state else {})
    folded = Folded()
    for number, offset, data in source.hits(*needles):
        errors: list[str] = []
        for record in documents(trim(data), errors):
            if isinstance(record, dict):
                _take(folded, rows(record, memory), number, errors)
        source.rejects.extend(Reject(number, offset, error) for error in errors)
    state = json.dumps(memory.facts, separators=(",", ":")) if memory.facts else ""
    return folded.decoded(source.offset, source.line, state, source.rejects)


def _read_lines_of_any(tail: Tail, rows: DocumentRows) -> Decoded:
    return _read_lines(tail, rows, (b"{",), bytes)


def _read_document(tail: Tail, rows: DocumentRows) -> Decoded:
    with open_binary(tail.path) as file:
        data = file.read()
    folded, errors = Folded(), list[str]()
    found = list(_whole(data.removeprefix(BOM).strip(BLANK), errors))
    for value in found:
        _take(folded, rows(value, Memory(tail.path)), 1, errors)
    return folded.decoded(len(data), data.count(b"\n"), "", [Reject(1, 0, error) for error in errors])


def _whole(data: bytes, errors: list[str]) -> Iterator[Any]:
    """Yield the document of a file; one that is being written just now is an error, and read next time."""
    try:
        yield DOCUMENT.decode(data)
    except ValueError:
        yield from documents(data, errors)


def _read_table(tail: Tail, rows: LineRows, read: Callable[[str], Iterable[tuple[int, dict[str, Any]]]]) -> Decoded:
    folded, memory, rejects = Folded(), Memory(tail.path), list[Reject]()
    line = 0
    try:
        for line, record in read(tail.path):
            errors: list[str] = []
            _take(folded, rows(record, memory), line, errors)
            rejects.extend(Reject(line, 0, error) for error in errors)
    except DAMAGED as error:
        rejects.append(Reject(line + 1, 0, f"damaged file: {error}"))
    return folded.decoded(0, 0, "", rejects)


def _read_database(tail: Tail, rows: DatabaseRows) -> Decoded:
    folded, errors = Folded(), list[str]()
    try:
        with closing(connect(tail.path)) as opened:
            opened.row_factory = sqlite3.Row
            _take(folded, rows(opened), 1, errors)
    except sqlite3.DatabaseError as error:
        errors.append(f"not a sound database: {error}")
    return folded.decoded(0, 0, "", [Reject(1, 0, error) for error in errors])


def _take(folded: Folded, rows: Iterable[Row], line: int, errors: list[str]) -> None:
    """Fold the rows of one record in; the reasons why some cannot count are added to `errors`, the others count."""
    try:
        for row in rows:
            _take_row(folded, row, line, errors)
    except UncountedError as error:
        errors.append(str(error))


def _take_row(folded: Folded, row: Row, line: int, errors: list[str]) -> None:
    try:
        folded.add(checked(row), row.get("line", line))
    except UncountedError as error:
        errors.append(str(error))


def checked(row: Row) -> Row:
    """Return a row with whole counts, money as decimal text and instants in UTC; UncountedError where it has not."""
    if row.get("reject"):
        raise UncountedError(row["reject"])
    if text(row.get("identity")) is None:
        raise UncountedError("nothing names what was used")
    start = instant(row["charge_period_start"])
    if start is None:
        raise UncountedError(f"usage without a usable timestamp: {shown(row['charge_period_start'])}")
    made = {**row, "charge_period_start": start, "charge_period_end": instant(row.get("charge_period_end")) or start}
    made.pop("reject", None)
    for name in row.keys() & TEXTS:
        made[name] = text(row[name])
    for name in row.keys() & {*schema.COUNTS}:
        made[name] = count(row[name], name)
    for name in row.keys() & {*MONEY}:
        made[name] = amount(row[name])
    return made


def text(value: object) -> str | None:
    """Return a name as text, also one that is a number; None for what is no name."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None


def shown(value: object) -> str:
    """Return a value for a person to recognise, never a whole prompt."""
    return f"{value!r:.{LONGEST_SHOWN}}"


def count(value: object, name: str = "count") -> int:
    """Return a count: null is 0, text and whole decimals are read. UncountedError for what cannot be one."""
    try:
        whole = int(value) if isinstance(value, int) else int(float(str(value))) if value not in (None, "") else 0
    except (ValueError, OverflowError) as error:
        raise UncountedError(f"impossible count: {name} is {shown(value)}") from error
    if not 0 <= whole <= LARGEST_COUNT:
        raise UncountedError(f"impossible count: {name} is {value}")
    return whole


class Folded:
    """Rows by identity, as they come."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.merged = 0

    def add(self, row: Row, line: int) -> None:
        """Take in a row."""
        known = self.rows.get(row["identity"])
        if known is None:
            self.rows[row["identity"]] = {**row, "line": line}
            return
        self.merged += 1
        nearest, other = sorted(({**row, "line": line}, known), key=_nearness)
        whole = {**other, **{name: value for name, value in nearest.items() if value is not None}}
        told = _counted(nearest, other)
        for name in (*schema.COUNTS, "charge_period_end", *MONEY):
            values = [row[name] for row in (told if name in COUNTED else (nearest, other)) if row.get(name) is not None]
            if values:
                whole[name] = max(values, key=_size if name in MONEY else None)
        if "tokens_basis" in whole:
            whole["tokens_basis"] = told[0].get("tokens_basis")
        whole["charge_period_start"] = min(nearest["charge_period_start"], other["charge_period_start"])
        if (whole.get("granularity") or "request") == "request":
            whole["charge_period_end"] = whole["charge_period_start"]
        self.rows[row["identity"]] = whole

    def decoded(self, offset: int, line: int, state: str, rejects: list[Reject]) -> Decoded:
        """Return all rows as columns."""
        rows = [*self.rows.values()]
        names = dict.fromkeys((*ALWAYS, *(name for row in rows for name in row)))
        columns = {name: [_filled(row, name) for row in rows] for name in names}
        return Decoded(columns, offset, line, state, self.merged, rejects)


def _counted(*rows: Row) -> list[Row]:
    """Return the rows whose counts hold: those of the provider, where there are any."""
    return [row for row in rows if row.get("tokens_basis") != "estimated"] or list(rows)


def _nearness(row: Row) -> tuple[int, str, int]:
    return row.get("origin_rank", 0), row["charge_period_start"], row["line"]


def _filled(row: Row, name: str) -> Any:  # noqa: ANN401 - whatever the column holds
    value = row.get(name)
    return DEFAULTS.get(name) if value is None else value


def _size(text: str) -> float:
    return float(text)
