"""Read invented tables: text, bytes or files to the rows and rejects that come of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from tokenaudit import schema
from tokenaudit.sources.source import Reject, Table
from tokenaudit.sources.table import read_table


class Read(NamedTuple):
    """What came of a file."""

    rows: pl.DataFrame
    rejects: list[Reject]

    def used(self) -> pl.DataFrame:
        """Return the rows that count."""
        return self.rows.filter(~pl.col("blank"))

    def row(self) -> dict[str, Any]:
        """Return the only row that counts."""
        return self.used().row(0, named=True) if self.used().height == 1 else {}


ReadFile = Callable[[Table, Path], Read]
ReadText = Callable[[Table, str | bytes], Read]
CsvText = Callable[..., str]


def written(base: dict[str, str], *changes: dict[str, str]) -> str:
    """Return a file of rows, each `base` with what it changes; a column that one of them has stands in all."""
    rows = [base | change for change in changes]
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [names, *([row.get(name, "") for name in names] for row in rows)]
    return "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in line) + "\n" for line in lines)


def collect(source: Table, path: Path) -> Read:
    """Read a whole file."""
    batches = list(read_table(source, str(path)))
    empty = pl.DataFrame(schema=schema.dtypes())
    return Read(pl.concat([empty, *(batch.rows for batch in batches)]), [r for batch in batches for r in batch.rejects])


@pytest.fixture(scope="session")
def csv_text() -> CsvText:
    """Write rows as CSV: see `written`."""
    return written


@pytest.fixture(scope="session")
def read_file() -> ReadFile:
    """Read a file as a source."""
    return collect


@pytest.fixture(scope="session")
def read_text(tmp_path_factory: pytest.TempPathFactory) -> ReadText:
    """Read text as a source."""
    path = tmp_path_factory.mktemp("tables") / "table.csv"

    def read(source: Table, text: str | bytes) -> Read:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return collect(source, path)

    return read
