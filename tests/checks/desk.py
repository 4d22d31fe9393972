"""A folder with rows, a configuration and a store, for tests of `tokenaudit check` and `budget`."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenaudit.cli.main import run
from tokenaudit.ingest.run import ingest

if TYPE_CHECKING:
    import pytest

HEAD = (
    "charge_period_start", "charge_period_end", "granularity", "request_model", "user", "project", "tags",
    "output_tokens", "billed_cost", "billing_currency",
)  # fmt: skip


def event(at: str, amount: str | None = "1", **other: str) -> dict[str, str]:
    """Return a request at an instant that was billed; without an amount it costs what the price book says."""
    billed = {} if amount is None else {"billed_cost": amount}
    usual = {"request_model": "gpt-5", "user": "ana", "project": "web", "output_tokens": "100"}
    return {"charge_period_start": at, **usual, **billed, **other}


def days(month: str, amounts: Iterable[str | int], **other: str) -> list[dict[str, str]]:
    """Return a request at noon of each day of a month, from the first on."""
    return [event(f"{month}-{day:02}T12:00:00Z", str(amount), **other) for day, amount in enumerate(amounts, 1)]


class Desk:
    """Where budgets are judged."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.error = ""
        self.parts = 0

    def rows(self, rows: Iterable[Mapping[str, str]]) -> Desk:
        """Ingest some rows."""
        self.parts += 1
        path = self.folder / f"rows-{self.parts}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, HEAD, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        ingest([str(path)], self.folder / "store")
        return self

    def config(self, text: str) -> Desk:
        """Write the configuration."""
        (self.folder / "tokenaudit.toml").write_text(text, encoding="utf-8")
        return self

    def budget(self, limits: str, keys: str = "", name: str = "b", more: str = "") -> Desk:
        """Write a configuration with one budget."""
        return self.config(f'[[budget]]\nid = "{name}"\n{keys}\nlimits = [{limits}]\n{more}')

    def run(self, *words: str, command: str = "check", as_of: str = "2026-10-20", code: int | None = 0) -> str:
        """Run a command and return what it prints on stdout; its stderr is `error` then."""
        self.capsys.readouterr()
        store = ["--store", str(self.folder / "store")]
        own = ["--config", str(self.folder / "tokenaudit.toml"), "--as-of", as_of]
        found = run([*command.split(), *store, *own, *words])
        shown = self.capsys.readouterr()
        self.error = shown.err
        assert code is None or found == code, shown.out + shown.err
        return shown.out

    def json(self, *words: str, **options: Any) -> dict[str, Any]:
        """Return what check says as JSON."""
        told = self.run("--format", "json", *words, **options)
        assert told, self.error
        answer: dict[str, Any] = json.loads(told)
        return answer

    def verdicts(self, *words: str, **options: Any) -> dict[str, str]:
        """Return the verdicts by budget and key."""
        return {_name(row): row["verdict"] for row in self.json(*words, **{"code": None, **options})["rows"]}

    def spent(self, *words: str, **options: Any) -> dict[str, float]:
        """Return what was spent by budget and key."""
        return {_name(row): row["spent"] for row in self.json(*words, **{"code": None, **options})["rows"]}


def _name(row: Mapping[str, Any]) -> str:
    return row["budget"] if row["key"] is None else f"{row['budget']}/{row['key']}"
