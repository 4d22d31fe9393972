"""Shared options: how their texts are read, and what counts where several say something."""

from __future__ import annotations

import logging
import sys
from datetime import date
from pathlib import Path

import pytest

from tokenaudit import periods, schema
from tokenaudit.cli import options
from tokenaudit.cli.options import parse_by, parse_cost, settings
from tokenaudit.config import Config
from tokenaudit.errors import ConfigError, PeriodError, QueryError


def test_by() -> None:
    """Commas and repetition are the same; order stays and doubles go; time is a dimension."""
    assert parse_by(["user,model", " day", "model"]) == ["user", "model", "day"]
    assert parse_by(None) == []
    with pytest.raises(QueryError, match="unknown column `usr`") as caught:
        parse_by(["model,usr"])
    assert caught.value.hint == "did you mean `user`?"
    with pytest.raises(QueryError, match="unknown column ``"):
        parse_by(["user,"])


def test_cost() -> None:
    """The money columns that hold something are views, by their short and their full name."""
    assert {parse_cost(view) for view in options.COSTS} == {*schema.MONEY} - {"estimated_cost"}
    assert [parse_cost(f"{view}_cost") for view in options.COSTS] == [parse_cost(view) for view in options.COSTS]
    with pytest.raises(QueryError, match="unknown cost `lst`"):
        parse_cost("lst")


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("a.csv", "csv"), ("a.json", "json"), ("a.ndjson", "ndjson"), ("a.jsonl", "ndjson"),
        ("a.md", "markdown"), ("a.PARQUET", "parquet"), ("a.txt", "table"), ("-", "table"),
    ],
)  # fmt: skip
def test_format_follows_the_ending(output: str, expected: str) -> None:
    """Without --format the ending of -o decides; with it the ending does not matter."""
    assert options.output_format(None, Path(output)) == expected
    assert options.output_format("json", Path(output)) == "json"


def test_format_of_stdout_and_of_an_unknown_ending() -> None:
    """No file is a table; an ending that is no format's is an error."""
    assert options.output_format(None, None) == "table"
    with pytest.raises(QueryError, match=r"cannot tell the format of `a\.pdf`"):
        options.output_format(None, Path("a.pdf"))


def test_destination() -> None:
    """No file and ``-`` are stdout."""
    assert options.destination(None) is sys.stdout
    assert options.destination(Path("-")) is sys.stdout
    assert options.destination(Path("a.csv")) == Path("a.csv")


def test_settings_by_default(isolated: Path) -> None:
    """Without anything said: UTC, today, the user's store."""
    found = settings()
    assert found.config == Config()
    assert found.timezone == "UTC"
    assert (periods.today() - found.as_of).days in (0, 1)
    assert found.store.name == "store"
    assert found.store.is_absolute()
    assert found.store.is_relative_to(isolated)
    assert not found.store.exists()


def test_options_go_before_the_configuration(isolated: Path) -> None:
    """What the command line says wins over the file, which wins over the default; --no-config leaves the file out."""
    (isolated / "tokenaudit.toml").write_text('store = "told"\ntimezone = "Asia/Tokyo"', encoding="utf-8")
    assert (settings().store, settings().timezone) == (isolated / "told", "Asia/Tokyo")
    given = settings(isolated / "given", timezone="Europe/Berlin", as_of=date(2026, 10, 14))
    assert (given.store, given.timezone, given.as_of) == (isolated / "given", "Europe/Berlin", date(2026, 10, 14))
    assert given.period("mtd").echo()["start"] == "2026-09-30T22:00:00Z"
    assert settings(no_config=True).timezone == "UTC"
    with pytest.raises(QueryError, match="exclude each other"):
        settings(config=isolated / "tokenaudit.toml", no_config=True)


def test_a_wrong_zone_in_the_file_names_the_file(isolated: Path) -> None:
    """A zone that does not exist is found when settings are made, and the file is named."""
    path = isolated / "tokenaudit.toml"
    path.write_text('timezone = "Europe/Berln"', encoding="utf-8")
    with pytest.raises(ConfigError, match="unknown time zone `Europe/Berln` in `") as caught:
        settings()
    assert str(path) in caught.value.message
    assert caught.value.hint == "did you mean `Europe/Berlin`?"
    assert settings(timezone="UTC").timezone == "UTC"
    with pytest.raises(PeriodError):
        options.parse_timezone("Nowhere")


def test_verbose(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """-v says what is done, -vv everything, on stderr; without it nothing changes."""
    ours, root = logging.getLogger("tokenaudit"), logging.getLogger()
    monkeypatch.setattr(ours, "level", ours.level)
    monkeypatch.setattr(root, "handlers", [])
    assert options.log_to_stderr(0) == 0
    assert root.handlers == []
    assert options.log_to_stderr(1) == 1
    ours.info("12 files")
    ours.debug("detail")
    assert options.log_to_stderr(2) == 2
    ours.debug("more")
    assert capsys.readouterr().err == "12 files\nmore\n"
