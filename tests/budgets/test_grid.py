"""Finance's grid of budgets: a CSV as spreadsheets write it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tokenaudit.budgets.load import load, loaded
from tokenaudit.config import read
from tokenaudit.errors import ConfigError

GRID = "id,scope,parent,2026-11,2026-Q4\nall,,,250000,\nweb,project=web,all,2000.50,\nmix,project=a;model=gpt-*,,,9\n"


def config(folder: Path, grid: str, encoding: str = "utf-8") -> Path:
    """Return a configuration that names a grid."""
    (folder / "budget.csv").write_text(grid, encoding=encoding)
    path = folder / "tokenaudit.toml"
    path.write_text('budget_grids = ["budget.csv"]\n')
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_cells_are_limits_of_their_days(tmp_path: Path, delimiter: str) -> None:
    """Each filled cell is a total of the days of its column, whatever separates the columns."""
    grid = GRID if delimiter == "," else GRID.replace(";", "; ").replace(",", delimiter)
    if delimiter == ";":
        grid = grid.replace("project=a; model=gpt-*", '"project=a; model=gpt-*"')
    every, web, mix = loaded(read(config(tmp_path, grid, "utf-8-sig"))).budgets

    assert [(limit.amount, limit.first, limit.last) for limit in web.limits] == [
        (Decimal("2000.50"), date(2026, 11, 1), date(2026, 11, 30))
    ]
    assert web.parent == "all"
    assert every.scope == {}
    assert mix.scope == {"project": ("a",), "model": ("gpt-*",)}
    assert (mix.limits[0].first, mix.limits[0].last) == (date(2026, 10, 1), date(2026, 12, 31))


def test_units_and_thresholds(tmp_path: Path) -> None:
    """A line may be in tokens, in another currency, for each of some values, with thresholds of its own."""
    grid = "id,each,unit,currency,warn,fail,2026-11\na,user,tokens,,0.5,,1000\nb,,,EUR,,1.1,5\n"
    tokens, euros = loaded(read(config(tmp_path, grid))).budgets

    assert (tokens.each, tokens.limits[0].tokens, tokens.limits[0].warn) == ("user", 1000, Decimal("0.5"))
    assert (euros.limits[0].currency, euros.limits[0].fail) == ("EUR", Decimal("1.1"))


@pytest.mark.parametrize(
    ("grid", "line", "words"),
    [
        ('id,2026-11\na,"20,000"\n', 2, "`20,000` under 2026-11 is no number"),
        ("id,2026-11\n\na,5\nb,x\n", 4, "`x` under 2026-11 is no number"),
        ("id,scope,2026-11\na,prject=x,5\n", 2, "unknown column `prject` in budget `a`"),
        ("id,scope,2026-11\na,web,5\n", 2, "cannot read the scope `web`"),
        ("id,parent,2026-11\na,b,5\n", 2, "no budget `b` in budget `a`"),
        ("id,parent,2026-11\na,,5\nb,a,6\n", 3, "is over the 5"),
    ],
)
def test_mistakes_have_the_line_of_the_file(tmp_path: Path, grid: str, line: int, words: str) -> None:
    """A cell that cannot be read is named with the grid's own line: a comma may mean two things."""
    _, faults = load(read(config(tmp_path, grid)))

    assert [(fault.origin.path.name, fault.origin.line) for fault in faults][:1] == [("budget.csv", line)]
    assert words in faults[0].text


@pytest.mark.parametrize(
    ("grid", "words"),
    [("a,b\n", "no column `id`"), ("id,2026-13\n", "2026-13"), ("id,scop\n", "unknown column `scop`")],
)
def test_grids_that_are_none(tmp_path: Path, grid: str, words: str) -> None:
    """A first line that names no budgets is refused as a whole."""
    with pytest.raises(ConfigError, match=words):
        load(read(config(tmp_path, grid + "x,1\n")))


def test_a_missing_grid_is_named(tmp_path: Path) -> None:
    """The configuration names a file that is not there."""
    path = config(tmp_path, GRID)
    (tmp_path / "budget.csv").unlink()
    with pytest.raises(ConfigError, match="cannot read"):
        load(read(path))
