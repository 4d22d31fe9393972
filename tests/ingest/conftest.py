"""A folder of logs and exports beside a store, and the lines of Claude Code to write into it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tokenaudit import schema
from tokenaudit.ingest.run import ingest
from tokenaudit.ingest.summary import FileResult, Summary
from tokenaudit.sources import sources
from tokenaudit.store.catalog import Catalog, FileEntry, RejectEntry
from tokenaudit.store.store import Store
from tokenaudit.store.verify import verify

BUSINESS = [name for name in schema.NAMES if name not in {"file_id", "line", "origin_rank", "merged"}]
"""What must not depend on how, when and from which files the rows came."""


class World:
    """Files, and the store they are read into."""

    def __init__(self, folder: Path) -> None:
        """Begin with an empty folder and no store."""
        self.logs, self.folder = folder / "logs", folder / "store"
        self.logs.mkdir(parents=True)

    def reply(self, name: str = "msg_1", output: int = 5, **more: Any) -> str:
        """Return a line of a Claude Code response."""
        usage = {"input_tokens": 10, "output_tokens": output, **more.pop("usage", {})}
        message = {"id": name, "model": "claude-opus-5-5", "content": more.pop("content", [])}
        message["stop_reason"] = more.pop("stop_reason", "end_turn")
        line = {"type": "assistant", "timestamp": "2026-10-05T10:00:00.000Z", "sessionId": "s1", "cwd": "/src/shop"}
        return json.dumps({**line, "requestId": "req", "uuid": name, **more, "message": {**message, "usage": usage}})

    def write(self, name: str, *lines: str, end: str = "\n") -> Path:
        """Write a file anew."""
        path = self.logs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + end, encoding="utf-8")
        return path

    def append(self, name: str, *lines: str, end: str = "\n") -> Path:
        """Add lines to a file."""
        with (self.logs / name).open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + end)
        return self.logs / name

    def ingest(self, *paths: Path) -> Summary:
        """Read files, or all of them."""
        return ingest([str(path) for path in paths or (self.logs,)], self.folder)

    def read(self, *paths: Path) -> dict[str, str]:
        """Ingest, and return how each file ended, by its name."""
        return {Path(item.path).name: item.status for item in self.ingest(*paths).files}

    def one(self, *paths: Path) -> FileResult:
        """Ingest, and return the result of the only file."""
        (result,) = self.ingest(*paths).files
        return result

    def rows(self) -> list[dict[str, Any]]:
        """Return the usage rows, without where they came from."""
        with Store.open(self.folder) as store:
            rows = store.usage().select(BUSINESS).collect().to_dicts()
        return sorted(rows, key=lambda row: (row["response_id"], str(row)))

    def outputs(self) -> list[int]:
        """Return the output tokens of each row."""
        return sorted(row["output_tokens"] for row in self.rows())

    def segments(self) -> list[str]:
        """Return the names of the segments that count."""
        _, live, aside = self.catalog(lambda catalog: catalog.snapshot())
        return [item.name for item in (*live, *aside)]

    def catalog(self, look: Any) -> Any:
        """Ask the catalog something."""
        catalog = Catalog.open(self.folder)
        try:
            return look(catalog)
        finally:
            catalog.close()

    def ledger(self) -> dict[str, FileEntry]:
        """Return the ledger by file name."""
        return {Path(path).name: entry for path, entry in self.catalog(lambda catalog: catalog.files()).items()}

    def rejects(self) -> list[RejectEntry]:
        """Return the quarantine."""
        found: list[RejectEntry] = self.catalog(lambda catalog: catalog.rejects())
        return found

    def sound(self) -> bool:
        """Say whether the store is what its catalog says."""
        newest = {item.name for item in sources().values() if item.merge == "newest"}
        return not self.catalog(lambda catalog: verify(catalog, newest))

    def total(self, column: str) -> int:
        """Return the sum of a column."""
        with Store.open(self.folder) as store:
            total: int = store.usage().select(pl.col(column).sum()).collect().item()
        return total


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Give an empty folder of logs and no store yet."""
    return World(tmp_path / "world")


@pytest.fixture(scope="session")
def new_world() -> type[World]:
    """Give the maker of worlds, for tests that need several."""
    return World
