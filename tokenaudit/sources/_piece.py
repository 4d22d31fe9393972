"""What every kind of table file is read into first: named columns of text or of typed values, and lines given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tokenaudit.errors import SourceError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import polars as pl

    from tokenaudit.sources._blocks import Block
    from tokenaudit.sources.source import Reject, Table


class Piece(NamedTuple):
    """Some consecutive rows of a file."""

    frame: pl.DataFrame
    """`line` and the columns the source knows, by their names there; absent ones are missing."""
    rejects: list[Reject]
    """Lines that are no rows."""
    block: Block | None = None
    """The text they stand in."""
    plain: bool = False
    """No cell has blanks around it."""
    comma_decimals: bool = False
    """The file writes ``1,5`` for one and a half."""


class Reading(NamedTuple):
    """How to read a file: its parts one after the other, and what turns any of them into a piece, in any thread."""

    labels: dict[str, str]
    """How the file spells each column that the source knows."""
    parts: Iterator[Any]
    piece: Callable[[Any], Piece]


def known_names(source: Table, found: Iterable[str], path: str) -> dict[str, str]:
    """Return, for each column of a file that the source knows, its name there; keys are the file's spellings.

    SourceError where one stands twice, or where the source is strict and does not know one.
    """
    names: dict[str, str] = {}
    for spelling in found:
        name = spelling.strip().lower()
        if name in names.values():
            raise SourceError(f"{path}: column `{spelling}` stands twice", "rename one of them")
        if name in source.columns or is_gathered(source, name):
            names[spelling] = name
        elif source.strict and name:
            refuse(source, spelling, path)
    return names


def is_gathered(source: Table, name: str) -> bool:
    """Say whether a column is one of many that the source takes together."""
    return any(name.startswith(beginnings) for beginnings in source.gather.values())


def need_one(source: Table, names: dict[str, str], path: str) -> None:
    """Raise SourceError where a file has none of the columns that its source needs one of."""
    if source.needs and source.needs.isdisjoint(names.values()):
        raise SourceError(f"{path}: no column to count", f"add one of {', '.join(sorted(source.needs))}")


def refuse(source: Table, spelling: str, path: str) -> None:
    """Raise SourceError for a column that a strict source does not know."""
    word = spelling.strip().lower()
    holding = [f"did you mean `{name}`?" for name in source.columns if word in name]
    hint = did_you_mean(word, tuple(source.columns)) or next(iter(holding), f"see `tokenaudit sources {source.name}`")
    raise SourceError(f"{path}: unknown column `{spelling}`", hint)
