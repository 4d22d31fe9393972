"""Samples in other dress: the same facts, written as other programs would write them.

A sample is told by what it holds: a table of cells, JSON lines, one JSON document, a database, or something else.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import sys
import zipfile
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

from tokenaudit.sources._database import SQLITE
from tokenaudit.sources._documents import starts_document
from tokenaudit.sources._packed import ZSTANDARD
from tokenaudit.sources.lines import GZIP
from tokenaudit.sources.source import Table

if TYPE_CHECKING:
    from tokenaudit.sources.source import Source

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BOM = b"\xef\xbb\xbf"
Dress = Callable[[bytes, "Source"], bytes]
NUMBER = re.compile(r'"\\u0000([-+0-9.eE]+)"')
NOTHING = ("NULL", "NaN", "-", "Included", "")


def kind(data: bytes) -> str:
    """Return what a file is: ``csv``, ``lines``, ``document``, ``database`` or ``other``."""
    start = data.removeprefix(BOM).lstrip()
    if start.startswith(SQLITE):
        return "database"
    if start[:1] in (b"{", b"["):
        return "document" if starts_document(data) else "lines"
    return "csv" if b"," in start.partition(b"\n")[0] and b'{"' not in start.partition(b"\n")[0] else "other"


def unpacked(data: bytes) -> bytes:
    """Return a file without its gzip."""
    return gzip.decompress(data) if data.startswith(GZIP) else data


def marked(data: bytes, _: Source) -> bytes:
    """Return a file with a byte order mark, or without the one it has."""
    return data.removeprefix(BOM) if data.startswith(BOM) else BOM + data


# -- packed -----------------------------------------------------------------------------------------------------------
def gzipped(data: bytes) -> bytes:
    """Return a gzip file of two members."""
    half = len(data) // 2
    return gzip.compress(data[:half], mtime=0) + gzip.compress(data[half:], mtime=0)


def zstandard(data: bytes) -> bytes:
    """Return a Zstandard file."""
    packed = zstd.compress(data)
    assert packed.startswith(ZSTANDARD)
    return packed


def zipped(files: dict[str, bytes]) -> bytes:
    """Return a zip archive of some files by their paths in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("exports")
        for path, data in files.items():
            archive.writestr(f"exports/{path}", data)
    return buffer.getvalue()


# -- tables of cells --------------------------------------------------------------------------------------------------
Cells = list[list[str]]


def cells(data: bytes) -> Cells:
    """Return the rows of a table, its header first."""
    return [row for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")) if row]


def table(rows: Cells, mark: str = ",", quoting: Any = csv.QUOTE_MINIMAL, end: str = "\n") -> bytes:
    """Write the rows of a table."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=mark, quoting=quoting, lineterminator=end).writerows(rows)
    return text.getvalue().encode()


def is_of(source: Source, name: str, *kinds: str) -> bool:
    """Say whether a column is one of a table source's, of one of some kinds."""
    return isinstance(source, Table) and source.columns.get(name.strip().lower()) in kinds


def shuffled(data: bytes, _: Source) -> bytes:
    """Return a table with its columns in another order."""
    rows = cells(data)
    order = list(range(len(rows[0])))
    Random(1).shuffle(order)
    return table([[row[at] for at in order] for row in rows])


def shouted(data: bytes, source: Source) -> bytes:
    """Return a table with its header in capitals and blanks around it; names that become keys of tags stay."""
    header, *rows = cells(data)
    gathered = tuple(start for starts in getattr(source, "gather", {}).values() for start in starts)
    kept = [name if gathered and name.lower().startswith(gathered) else f" {name.upper()} " for name in header]
    return table([kept, *rows])


def wider(data: bytes, _: Source) -> bytes:
    """Return a table with columns that no source knows, first and last."""
    header, *rows = cells(data)
    return table([["our own note", *header, "and another"], *(["x", *row, "1"] for row in rows)])


def changed(data: bytes, source: Source, kinds: tuple[str, ...], change: Callable[[str, int], str]) -> Cells:
    """Return a table's rows with other spellings in the columns of some kinds."""
    header, *rows = cells(data)
    at = [place for place, name in enumerate(header) if is_of(source, name, *kinds)]
    for number, row in enumerate(rows):
        for place in at:
            row[place] = change(row[place], number + place)
    return [header, *rows]


def grouped(cell: str, _: int) -> str:
    """Return a number with its thousands apart."""
    whole, point, rest = cell.partition(".")
    return f"{int(whole):,}{point}{rest}" if whole.lstrip("-").isdigit() and whole != "-0" else cell


def with_dollar(cell: str, number: int) -> str:
    """Return money with a dollar sign and its thousands apart, and behind the apostrophe of a spreadsheet."""
    if not re.fullmatch(r"-?\d+(\.\d*)?", cell):
        return cell
    sign, digits = ("-", cell[1:]) if cell.startswith("-") else ("", cell)
    return ("'" if number % 2 else "") + sign + "$" + grouped(digits, 0)


def nothing(cell: str, number: int) -> str:
    """Return another word for nothing."""
    return cell if cell.strip() else NOTHING[number % len(NOTHING)]


def decimal_comma(cell: str, _: int) -> str:
    """Return a number as it is written in most of Europe."""
    return cell.replace(".", ",") if re.fullmatch(r"-?\d+\.\d+", cell) else cell


def as_spreadsheet(data: bytes, source: Source) -> bytes:
    """Return a table with thousands apart, dollar signs, apostrophes, and words for nothing."""
    data = table(changed(data, source, ("integer",), grouped))
    data = table(changed(data, source, ("money",), with_dollar))
    return table(changed(data, source, ("integer", "money", "instant", "zoned", "epoch"), nothing))


def european(data: bytes, source: Source) -> bytes:
    """Return a table with semicolons and decimal commas."""
    return table(changed(data, source, ("money", "integer"), decimal_comma), ";")


TABLES: dict[str, Dress] = {
    "mark": marked,
    "crlf": lambda data, _: table(cells(data), end="\r\n"),
    "shuffled": shuffled,
    "tabs": lambda data, _: table(cells(data), "\t"),
    "semicolons": lambda data, _: BOM + table(cells(data), ";", csv.QUOTE_ALL, "\r\n"),
    "quoted": lambda data, _: table(cells(data), quoting=csv.QUOTE_ALL),
    "shouted": shouted,
    "wider": wider,
    "blank lines": lambda data, _: data + b"\n\r\n" + b"," * (len(cells(data)[0]) - 1) + b"\n\n",
    "no last newline": lambda data, _: data.rstrip(b"\r\n"),
    "spreadsheet": as_spreadsheet,
    "european": european,
}


# -- JSON -------------------------------------------------------------------------------------------------------------
def load(text: str | bytes) -> Any:
    """Return JSON, each number that is not whole as text that `dump` writes as it was."""
    return json.loads(text, parse_float=lambda digits: f"\x00{digits}")


def dump(value: Any, **how: Any) -> str:
    """Write JSON with the digits it was read with."""
    return NUMBER.sub(r"\1", json.dumps(value, **how))


def turned(value: Any) -> Any:
    """Return a value with the keys of all its objects in the opposite order."""
    if isinstance(value, list):
        return [turned(item) for item in value]
    return {key: turned(value[key]) for key in reversed(value)} if isinstance(value, dict) else value


def noted(value: Any) -> Any:
    """Return an object, or those of an array, with keys that no source knows."""
    if isinstance(value, list):
        return [noted(item) for item in value]
    note = {"a": [1, {"b": None}], "text": '{"usage":{"input_tokens":7}}'}
    return {"our own note": note, **value, "and another": "x"} if isinstance(value, dict) else value


def by_line(change: Callable[[Any], Any], **how: Any) -> Dress:
    """Return a dress that writes each line anew."""
    return lambda data, _: "".join(f"{dump(change(load(line)), **how)}\n" for line in json_lines(data)).encode()


def json_lines(data: bytes) -> list[bytes]:
    """Return the lines of a file that are not blank."""
    return [line for line in data.removeprefix(BOM).splitlines() if line.strip()]


def glued(data: bytes, _: Source) -> bytes:
    """Return lines two by two, without anything or with a blank between."""
    found = json_lines(data)
    pairs = [found[at : at + 2] for at in range(0, len(found), 2)]
    return b"".join((b"" if at % 2 else b" ").join(pair) + b"\n" for at, pair in enumerate(pairs))


def not_utf8(data: bytes, _: Source) -> bytes:
    """Return lines with a byte in each that no character begins with."""
    return b"".join(line.replace(b"{", b'{"our own note":"caf\xe9 \xff",', 1) + b"\n" for line in json_lines(data))


LINES: dict[str, Dress] = {
    "mark": marked,
    "crlf": lambda data, _: b"".join(line + b"\r\n" for line in json_lines(data)),
    "blank lines": lambda data, _: b"\n" + b"".join(line + b"\n\n \r\n" for line in json_lines(data)),
    "no last newline": lambda data, _: data.rstrip(b"\n"),
    "compact": by_line(lambda value: value, separators=(",", ":"), ensure_ascii=False),
    "spaced": by_line(lambda value: value, separators=(" , ", " : "), ensure_ascii=False),
    "turned": by_line(turned, separators=(",", ":"), ensure_ascii=False),
    "noted": by_line(noted, separators=(",", ":"), ensure_ascii=False),
    "glued": glued,
    "not utf-8": not_utf8,
}


def array(data: bytes, _: Source) -> bytes:
    """Return the documents of lines as one array, printed for people."""
    return dump([load(line) for line in json_lines(data)], indent=2).encode()


def rewritten(change: Callable[[Any], Any], **how: Any) -> Dress:
    """Return a dress that writes a document anew."""
    return lambda data, _: dump(change(load(data.removeprefix(BOM))), **how).encode()


DOCUMENTS: dict[str, Dress] = {
    "mark": marked,
    "crlf": lambda data, _: rewritten(lambda value: value, indent=2)(data, _).replace(b"\n", b"\r\n"),
    "tabs": rewritten(lambda value: value, indent="\t", ensure_ascii=False),
    "blank lines": lambda data, _: b"\n\n" + data + b"\n\r\n\n",
    "one line": rewritten(lambda value: value, separators=(",", ":")),
    "turned": rewritten(turned, indent=1),
    "noted": rewritten(noted, indent=2),
}
DRESSES = {"csv": TABLES, "lines": LINES, "document": DOCUMENTS}
