"""Factory Droid: a session's running total, whose newest version counts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.logged import Json, classes, fitting, reasons, row_of, rows_of, together, totals, write_document
from tests.sources.test_every_source import stored
from tokenaudit.ingest.run import ingest
from tokenaudit.sources.droid import SOURCE

ID = "7c0e0000-0000-4000-8000-00000000000"
AT = "2026-10-05T08:00:00.123Z"
NAMES = ("inputTokens", "cacheReadTokens", "cacheCreationTokens", "outputTokens", "thinkingTokens")


def settings(counts: tuple[Any, ...] = (10, 30, 20, 5, 2), at: str | None = AT, model: str = "gpt-5.1") -> Json:
    """Return the settings of a session."""
    usage = dict(zip(NAMES, counts, strict=True))
    return {"model": model, "providerLock": "openai", "providerLockTimestamp": at, "tokenUsage": usage}


def test_classes(tmp_path: Path) -> None:
    """Four counts are disjoint, thinking is added to the output; the session is a period."""
    path = write_document(tmp_path / f"{ID}1.settings.json", settings(), indent=2)
    row = row_of(SOURCE, path)

    assert fitting(path) == ["droid"]
    assert classes(row) == {
        "uncached_input_tokens": 10, "cache_read_input_tokens": 30, "cache_creation_5m_input_tokens": 20,
        "output_tokens": 7, "reasoning_output_tokens": 2,
    }  # fmt: skip
    assert (row["session"], row["granularity"], row["charge_period_start"]) == (f"{ID}1", "period", AT)
    assert (row["provider"], row["request_model"]) == ("openai", "gpt-5.1")


@pytest.mark.parametrize(
    ("first", "second", "sessions"),
    [(f"{ID}1.settings.json", f"copy-{ID}1.json", 1), (f"{ID}1.json", f"{ID}2.json", 2), ("a.json", "b.json", 1)],
)
def test_what_names_a_session(tmp_path: Path, first: str, second: str, sessions: int) -> None:
    """The id in the name; without one, the instant of the session."""
    files = [write_document(tmp_path / name, settings()) for name in (first, second)]

    assert len(together(SOURCE, files)) == sessions


def test_without_an_instant(tmp_path: Path) -> None:
    """The file's own time is the last resort."""
    path = write_document(tmp_path / f"{ID}1.settings.json", settings(at=None))
    os.utime(path, (1790000000, 1790000000))

    assert row_of(SOURCE, path)["charge_period_start"] == "2026-09-21T14:13:20.000Z"


def test_nothing_used(tmp_path: Path) -> None:
    """A session that used nothing is none; a count that is none is refused; other settings are not a session's."""
    assert rows_of(SOURCE, write_document(tmp_path / "a.json", settings((0, 0, 0, 0, 0)))) == []
    assert reasons(SOURCE, write_document(tmp_path / "b.json", settings((1, 0, 0, -5, 0)))) == [
        "impossible count: outputTokens is -5"
    ]
    assert fitting(write_document(tmp_path / "c.json", {"model": "gpt-5.1", "theme": "dark"})) == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_last_model(tmp_path: Path, order: tuple[int, ...]) -> None:
    """The version with the most tokens names the model, in any order of reading."""
    files = [
        write_document(tmp_path / "old" / f"{ID}1.settings.json", settings(model="a-model")),
        write_document(tmp_path / "new" / f"{ID}1.settings.json", settings((11, 30, 20, 5, 2), model="z-model")),
    ]
    for place in order:
        ingest([str(files[place])], tmp_path / "store")
    row = stored(tmp_path / "store").row(0, named=True)

    assert (row["request_model"], row["uncached_input_tokens"]) == ("z-model", 11)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.randoms())
def test_versions_in_any_order(tmp_path_factory: pytest.TempPathFactory, steps: list[int], random: Any) -> None:
    """Of versions that grow, seen in any order, any number of times, the last counts."""
    folder = tmp_path_factory.mktemp("droid")
    grown = [sum(steps[: n + 1]) for n in range(len(steps))]
    seen = [*grown, *grown[:2]]
    random.shuffle(seen)
    files = [
        write_document(folder / str(n) / f"{ID}1.settings.json", settings((total, 0, 0, total, 0)))
        for n, total in enumerate(seen)
    ]

    assert totals(together(SOURCE, files).values())["output_tokens"] == grown[-1]
