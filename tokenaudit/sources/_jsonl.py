"""Flat JSON objects to pieces: polars where they stand on lines that are sound, one by one where one is not.

Polars passes over keys it was not asked for and reads decimals through binary floats. So a block it has read only
counts when the number of keys in its text proves that none was passed over, and money is cut from the text itself.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from tokenaudit.sources._blocks import Block, all_blocks, line_offsets, lines_of
from tokenaudit.sources._documents import documents, is_document
from tokenaudit.sources._nested import Numbered, elements
from tokenaudit.sources._piece import Piece, Reading, is_gathered, known_names, refuse
from tokenaudit.sources.source import Kind, Reject

if TYPE_CHECKING:
    from tokenaudit.sources.source import Table

NATIVE: dict[Kind, pl.DataType] = {"integer": pl.Int64(), "flag": pl.Boolean()}
FIRST_LINES = 100
ESCAPE = b"\\"
PADDED = (ESCAPE, b" ", b"\t")
"""Without any of these, no text in a block has blanks around it."""
KEY = '":'
KEY_BESIDE_ESCAPES = r'[^\\]":'
NO_VALUE, NESTED, NO_VALUE_OR_NESTED = r'":\s*null', r'":\s*[{\[]', r'":\s*[n{\[]'
AMOUNT = r'"%s":\s*("[^"\\]*"|-?[0-9][0-9.eE+-]*)\s*[,}]'
"""The digits of money as they stand in the text."""
HALF_CHARACTERS = (b"\\ud", b"\\uD")
"""Escapes that polars turns into NUL where their other half is missing."""
DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=str)


def read_jsonl(source: Table, path: str) -> Reading:
    """Return how to read a file of JSON lines, by the keys of its first object, or of one array of objects.

    SourceError as `known_names`, and for an array that is not whole.
    """
    if is_document(path):
        return Reading({}, elements(path), partial(_of_array, source, path))
    names = known_names(source, _first_object(path), path)
    labels = {name: spelling for spelling, name in names.items()}
    return Reading(labels, all_blocks(path), partial(_piece, source, names, path))


def _first_object(path: str) -> dict[str, Any]:
    lines = next((block.data.split(b"\n", FIRST_LINES) for block in all_blocks(path)), [])
    return next((found for line in lines[:FIRST_LINES] for found in _objects(line) if isinstance(found, dict)), {})


def _piece(source: Table, names: dict[str, str], path: str, block: Block) -> Piece:
    frame = _whole(block, source, names)
    return _by_line(block, source, path) if frame is None else Piece(frame, [], block, _plain(block))


def _plain(block: Block) -> bool:
    return not any(mark in block.data for mark in PADDED)


def _whole(block: Block, source: Table, names: dict[str, str]) -> pl.DataFrame | None:
    """Read a block at once; None where a line is not sound or holds a key that was not asked for."""
    escapes = ESCAPE in block.data
    if escapes and any(mark in block.data for mark in HALF_CHARACTERS):
        return None
    money = [spelling for spelling, name in names.items() if source.columns.get(name) == "money"]
    schema = {
        spelling: NATIVE.get(source.columns.get(name, "text"), pl.String())
        for spelling, name in names.items()
        if spelling not in money
    }
    try:
        frame = pl.read_ndjson(block.data, schema=schema)
        text = _lines(block)
    except pl.exceptions.PolarsError:
        return None
    if not frame.height == text.height == block.lines:
        return None
    amounts = [pl.col("text").str.extract(AMOUNT % re.escape(key)).str.strip_chars('"').alias(key) for key in money]
    whole = frame.hstack(text.select(amounts))
    if not _proven(whole, text, KEY_BESIDE_ESCAPES if escapes else KEY):
        return None
    return whole.rename(names).with_columns(line=pl.int_range(block.line, block.line + block.lines, dtype=pl.Int64))


def _proven(frame: pl.DataFrame, text: pl.DataFrame, key: str) -> bool:
    """Say whether each key of the text is one of the frame's values or a null, and no object holds another."""
    nulls = 0
    if _count(text, NO_VALUE_OR_NESTED):
        nulls = _count(text, NO_VALUE)
        if _count(text, NESTED):
            return False
    return _count(text, key) == nulls + sum(frame.height - column.null_count() for column in frame)


def _count(text: pl.DataFrame, pattern: str) -> int:
    """Return how often a pattern stands in all lines."""
    counts = pl.col("text").str.count_matches(pattern, literal=pattern == KEY)
    return int(text.select(counts.sum()).item())


def _lines(block: Block) -> pl.DataFrame:
    """Return the lines of a block as a column of text."""
    return pl.read_csv(block.data, has_header=False, schema={"text": pl.String()}, separator="\x1f", quote_char=None)


def _by_line(block: Block, source: Table, path: str) -> Piece:
    """Read a block line by line."""
    found: Numbered = []
    bad: dict[int, str] = {}
    for number, line in lines_of(block):
        objects = _objects(line)
        found += [(number, record) for record in objects if isinstance(record, dict)]
        if not all(isinstance(record, dict) for record in objects):
            bad[number] = "not a whole JSON object"
    rejects = [Reject(line, offset, bad[line]) for line, offset in line_offsets(block, set(bad)).items()]
    return Piece(_frame(source, found, path), rejects, block)


def _of_array(source: Table, path: str, found: Numbered) -> Piece:
    """Read some elements of an array, each by itself."""
    records = [(number, record) for number, record in found if isinstance(record, dict)]
    rejects = [Reject(number, 0, "not a JSON object") for number, value in found if not isinstance(value, dict)]
    return Piece(_frame(source, records, path), rejects)


def _frame(source: Table, found: Numbered, path: str) -> pl.DataFrame:
    """Return numbered objects as columns of text."""
    frame = pl.DataFrame(_columns(source, [record for _, record in found], path)).cast(pl.String)
    return frame.with_columns(line=pl.Series([number for number, _ in found], dtype=pl.Int64))


def _columns(source: Table, records: list[dict[str, Any]], path: str) -> dict[str, list[str | None]]:
    """Return the texts of each known key over all objects; a key may be spelt in several cases."""
    columns: dict[str, list[str | None]] = {}
    for spelling in sorted({spelling for record in records for spelling in record}):
        name = spelling.strip().lower()
        if name in source.columns or is_gathered(source, name):
            texts = [_text(record.get(spelling)) for record in records]
            earlier = columns.get(name)
            columns[name] = [text or other for text, other in zip(texts, earlier, strict=True)] if earlier else texts
        elif source.strict:
            refuse(source, spelling, path)
    return columns


def _objects(line: bytes) -> list[Any]:
    """Return the JSON objects of a line, their decimals as text; None for what of it is none."""
    try:
        return [DECODER.decode(line)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        errors: list[str] = []
        return [*documents(line, errors), *(None for _ in errors)]


def _text(value: object) -> str | None:
    """Return a value as text, objects as JSON."""
    if value is None or isinstance(value, str):
        return value
    return str(value) if type(value) is int else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
