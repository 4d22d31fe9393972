"""Stores for properties: many small ingests, without waiting for the disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tokenaudit import schema
from tokenaudit.ingest.run import ingest
from tokenaudit.sources import sources
from tokenaudit.store import segments
from tokenaudit.store.store import Store
from tokenaudit.store.verify import verify

BUSINESS = [name for name in schema.NAMES if name not in {"file_id", "line", "origin_rank", "merged"}]
"""What must not depend on how, when and from which files the rows came."""
Rows = list[dict[str, Any]]


class Lab:
    """A folder of files and a store."""

    def __init__(self, folder: Path) -> None:
        """Begin with neither."""
        self.files, self.folder = folder / "files", folder / "store"
        self.files.mkdir()

    def add(self, name: str, text: str) -> None:
        """Add text to the end of a file."""
        with (self.files / name).open("a", encoding="utf-8", newline="") as file:
            file.write(text)

    def ingest(self, *names: str) -> None:
        """Read some files, or all."""
        ingest([str(self.files / name) for name in names] or [str(self.files)], self.folder)

    def rows(self) -> Rows:
        """Return the rows that count, of a store that is sound."""
        newest = {item.name for item in sources().values() if item.merge == "newest"}
        with Store.open(self.folder) as store:
            assert verify(store.catalog, newest) == []
            rows = store.usage().select(BUSINESS).collect().to_dicts()
        return sorted(rows, key=lambda row: (row["response_id"], str(row)))


@contextmanager
def lab(files: Mapping[str, str] | None = None) -> Iterator[Lab]:
    """Give a lab, with these files ingested at once."""
    with TemporaryDirectory() as folder:
        made = Lab(Path(folder))
        for name, text in (files or {}).items():
            made.add(name, text)
        if files:
            made.ingest()
        yield made


@pytest.fixture(scope="session")
def new_lab() -> Iterator[Any]:
    """Give the maker of labs; nothing waits for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "sync", lambda _: None)
        yield lab
