"""What every source owes, shown on its sample: a new module and a sample are found here by themselves.

A sample is ``sample_logs/<name>.<suffix>`` or a folder ``sample_logs/<name>/``. Its normalised rows stand in
``tests/golden/sources/<name>.csv``; ``pytest --update-golden`` writes them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tokenaudit import schema
from tokenaudit.ingest.run import ingest
from tokenaudit.sources import detect, fits, newest_wins, sources
from tokenaudit.sources.head import Head
from tokenaudit.store.store import Store
from tokenaudit.store.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).resolve().parents[2] / "sample_logs"
NOT_COMPARED = ("file_id", "line", "origin_rank", "merged")
"""Columns that depend on which file of several was read."""


def samples(name: str) -> list[Path]:
    """Return the sample files of a source, metadata left out."""
    inside = [path for path in (SAMPLES / name).rglob("*") if path.is_file() and not path.name.endswith(".meta.json")]
    return sorted([*SAMPLES.glob(f"{name}.*"), *inside])


def stored(folder: Path) -> pl.DataFrame:
    """Return all rows of a store, in an order of their own."""
    with Store.open(folder) as store:
        rows = store.rows().collect().select(name for name in schema.NAMES if name not in NOT_COMPARED)
        assert verify(store.catalog, newest_wins(dict.fromkeys(sources(), 1))) == []
    parts = pl.col("output_parts").list.eval(pl.element().cast(pl.String)).list.join(" ")
    plain = rows.with_columns(pl.col(pl.Categorical).cast(pl.String), parts)
    return plain.sort(plain.columns, nulls_last=True)


@pytest.mark.parametrize("name", sources())
def test_sample_is_of_one_source(name: str) -> None:
    """Each sample fits its own source and no other."""
    files = samples(name)
    assert files
    for path in files:
        head = Head(str(path))
        assert [item.name for item in sources().values() if fits(item, head)] == [name], path
        assert detect(head) is sources()[name]


@pytest.mark.parametrize("name", sources())
def test_golden(name: str, tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    """The sample's rows are those that a person has read and approved."""
    summary = ingest([str(path) for path in samples(name)], tmp_path / "store")
    assert [item for item in summary.rejects if not item.reason] == []
    rows = stored(tmp_path / "store")
    assert rows["source"].unique().to_list() == [name]
    filled = [column for column in rows.columns if rows[column].null_count() < rows.height]
    golden(f"sources/{name}.csv", rows.select(filled).write_csv())


@pytest.mark.parametrize("name", sources())
def test_twice_is_once(name: str, tmp_path: Path) -> None:
    """Reading a sample again, under its own or another name, adds nothing and changes nothing."""
    files = [str(path) for path in samples(name)]
    ingest(files, tmp_path / "store")
    once = stored(tmp_path / "store")
    copies = tmp_path / "copies"
    copies.mkdir()
    for number, path in enumerate(files):
        copy = copies / f"{number}-{Path(path).name}"
        copy.write_bytes(Path(path).read_bytes())
    again = ingest([*files, str(copies)], tmp_path / "store")
    assert again.total("new") == 0
    assert stored(tmp_path / "store").equals(once)


@pytest.mark.parametrize("name", sources())
def test_any_order(name: str, tmp_path: Path) -> None:
    """One file at a time, first to last or last to first, gives the store of all at once."""
    files = [str(path) for path in samples(name)]
    ingest(files, tmp_path / "whole")
    for label, order in (("forward", files), ("backward", files[::-1])):
        for path in order:
            ingest([path], tmp_path / label)
        assert stored(tmp_path / label).equals(stored(tmp_path / "whole")), label


@pytest.mark.parametrize("name", sources())
def test_listed(name: str) -> None:
    """A source says what it is and where its files come from."""
    source = sources()[name]
    assert source.title
    assert source.known
    assert source.rules >= 1
