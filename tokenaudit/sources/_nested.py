"""Nested JSON to pieces: API pages, arrays of records, lines with objects inside.

A document is a line, an element of an array that fills the file, or the whole file. The source's `records` turns it
into flat records; here those become columns of text, money with the digits that stand in the file.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from tokenaudit.errors import SourceError
from tokenaudit.sources._blocks import Block, all_blocks, line_offsets, lines_of
from tokenaudit.sources._documents import documents, is_document
from tokenaudit.sources._piece import Piece, Reading
from tokenaudit.sources.lines import BLANK, BOM, open_binary
from tokenaudit.sources.source import FILE_NAME, Reject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenaudit.sources.source import Table

BATCH = 50_000
"""Elements of an array in a piece."""
Numbered = list[tuple[int, Any]]


def read_nested(source: Table, path: str) -> Reading:
    """Return how to read a file of nested JSON. SourceError where it is one document and not whole."""
    if is_document(path):
        return Reading({}, elements(path), partial(_piece, source))
    return Reading({}, all_blocks(path), partial(_lines, source))


def elements(path: str) -> Iterator[Numbered]:
    """Yield the elements of a file that is one JSON document, numbered from 1."""
    with open_binary(path) as file:
        data = file.read().removeprefix(BOM).strip(BLANK)
    errors: list[str] = []
    found = [item for whole in documents(data, errors) for item in (whole if isinstance(whole, list) else [whole])]
    if errors:
        raise SourceError(f"{path}: not a whole JSON document ({errors[0]})", "copy or download it again")
    for start in range(0, len(found), BATCH):
        yield list(enumerate(found[start : start + BATCH], start + 1))


def _lines(source: Table, block: Block) -> Piece:
    """Read the documents of a block of lines; two may be glued together on one."""
    found: Numbered = []
    bad: dict[int, str] = {}
    for number, line in lines_of(block):
        errors: list[str] = []
        found.extend((number, document) for document in documents(line, errors))
        bad.update((number, error) for error in errors)
    piece = _piece(source, found)
    rejects = [Reject(line, offset, bad[line]) for line, offset in line_offsets(block, set(bad)).items()]
    return Piece(piece.frame, sorted([*rejects, *piece.rejects]), block)


def _piece(source: Table, found: Numbered) -> Piece:
    """Return the records of some documents as columns of text."""
    if source.records is None:
        raise TypeError(source.name)
    records = [(number, record) for number, document in found for record in source.records(document)]
    names = [name for name in source.columns if name != FILE_NAME]
    columns = {name: [text(record.get(name)) for _, record in records] for name in names}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String))
    return Piece(frame.with_columns(line=pl.Series([number for number, _ in records], dtype=pl.Int64)), [])


def text(value: object) -> str | None:
    """Return a value as text, objects and lists as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
