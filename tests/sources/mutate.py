"""Samples with something wrong in them: bytes, lines, cells, and values of JSON that nobody would expect there."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

from tests.sources.dress import cells, dump, kind, load, table


def deep(levels: int) -> Any:
    """Return lists and objects inside each other."""
    found: Any = []
    for level in range(levels):
        found = [found] if level % 2 else {"a": found}
    return found


ODD: tuple[Any, ...] = (
    None, True, 0, -1, 7, -(10**18), 10**15 + 1, 2**63, 10**30, 1e300, -0.5, "", " ", "x" * 70_000, "1e999", "NaN",
    "9" * 5000, "\ud83d", "\x00", "a\nb", "{}", '{"usage": 1}', "2026-13-45T99:00:00Z", "0000-00-00",
    "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00+14:00", "1,5", [], [[]], [None], [1, "a"], [{}], {}, {"": ""},
    {"a": {"b": [1]}}, deep(300),
)  # fmt: skip
"""What may stand where a number, a text, a list or an object should."""
CELLS = (
    "", " ", "-", "NaN", "abc", "-1", "1e999", "1e-30", "9" * 60, "-" + "9" * 30, "1.5", "1,5", "$-1", "2026-13-45",
    "9999-12-31T23:59:59Z", "0001-01-01", "[]", "{}", '{"a": 1}', "[[1]]", '"', "\x00", "x" * 70_000, "true", "'",
)  # fmt: skip
BYTES = (b"\x00", b"\xff", b"\xc3", b"\n", b"\r", b'"', b"{", b"}", b"[", b",", b";", b"\t", b"\\", b"\xef\xbb\xbf")
Place = tuple[Any, Any]
"""What holds a value, and under which key or at which index."""


# -- one thing wrong, at random ---------------------------------------------------------------------------------------
def mutated(data: bytes, random: Random) -> bytes:
    """Return a file with one to three things wrong in it."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        change = random.choice((*CHANGES[kind(data)], in_bytes))
        data = change(data, random) if data else data
    return data


def in_bytes(data: bytes, random: Random) -> bytes:
    """Cut, repeat, turn or put in some bytes."""
    start = random.randint(0, len(data))
    stop = min(len(data), start + random.choice((1, 1, 2, 9, 100, 5000)))
    piece = data[start:stop]
    changed = (b"", piece + piece, piece[::-1], random.choice(BYTES), piece[:1] + random.choice(BYTES) + piece[1:])
    return data[:start] + random.choice(changed) + data[stop:] if random.random() < 0.8 else data[:start]


def in_lines(data: bytes, random: Random) -> bytes:
    """Take a line out, and perhaps write it twice, elsewhere, torn, or glued to the next."""
    lines = data.splitlines(keepends=True)
    line, to = lines.pop(random.randrange(len(lines))), random.randint(0, len(lines))
    lines[to:to] = random.choice(([], [line, line], [line.strip()], [line[: len(line) // 2] + b"\n"], [b"\n", line]))
    return b"".join(lines)


def in_cells(data: bytes, random: Random) -> bytes:
    """Change a cell, or the name of a column."""
    rows = cells(data.decode("utf-8", "replace").replace("\x00", "").encode())
    row = random.choice(rows[1:] or rows or [[]]) if random.random() < 0.95 else rows[0]
    if row:
        row[random.randrange(len(row))] = random.choice((*CELLS, random.choice(row)))
    return table(rows)


def in_json_line(data: bytes, random: Random) -> bytes:
    """Change something in the JSON of a line."""
    lines = data.splitlines()
    at = random.randrange(len(lines))
    lines[at] = in_json(lines[at], random)
    return b"\n".join(lines) + b"\n"


def in_json(text: bytes, random: Random) -> bytes:
    """Change a value or a key of a document."""
    try:
        document = load(text)
    except (ValueError, RecursionError):
        return text
    found = list(places(document))
    if not found:
        return text
    holder, key = random.choice(found)
    value = holder.pop(key)
    if isinstance(holder, list):
        holder[key:key] = random.choice(([], [value] * 3, [random.choice(ODD)], [[value]]))
    elif random.random() < 0.8:
        name = random.choice((key, key, key, "usage", "id", "type", str(key).upper(), ""))
        holder[name] = random.choice((*ODD, [value], {key: value}, str(value), copy.deepcopy(random.choice(found)[0])))
    return dump(document).encode()


CHANGES = {
    "csv": (in_cells, in_cells, in_cells, in_lines),
    "lines": (in_json_line, in_json_line, in_json_line, in_lines),
    "document": (in_json, in_json, in_json),
    "database": (in_bytes,),
    "other": (in_lines,),
}


# -- every place, one after the other ---------------------------------------------------------------------------------
def places(value: Any) -> Iterator[Place]:
    """Yield where each value of a document stands, at any depth."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def odd_documents(text: str, random: Random) -> Iterator[str]:
    """Yield the document once for each value in it, that value replaced by two that nobody expects."""
    document = load(text)
    for holder, key in list(places(document)):
        kept = holder[key]
        for odd in random.sample(ODD, 2):
            holder[key] = odd
            yield dump(document)
        holder[key] = kept


def odd_rows(rows: list[list[str]], random: Random) -> Iterator[list[str]]:
    """Yield a row of a table once for each of its cells, that cell replaced by one that nobody expects."""
    for at in range(len(rows[0])):
        row = [*random.choice(rows)]
        row[at] = random.choice(CELLS)
        yield row
