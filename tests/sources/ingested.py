"""Texts ingested into a store of their own: what counts in the end."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit import schema
from tokenaudit.ingest.run import ingest
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable

SUMMED = (*schema.COUNTS, "billed_cost", "list_cost", "reported_cost")


def rows_of(texts: Iterable[str]) -> pl.DataFrame:
    """Return the rows that count of some files, ingested one after the other in the order given."""
    with TemporaryDirectory() as folder:
        for number, text in enumerate(texts):
            path = Path(folder) / f"{number}.txt"
            path.write_text(text, encoding="utf-8")
            ingest([str(path)], Path(folder) / "store")
        with Store.open(Path(folder) / "store") as store:
            return store.rows().collect().filter(~pl.col("blank"))


def totals_of(texts: Iterable[str]) -> dict[str, object]:
    """Return the sum of each count and amount of money over the rows that count."""
    return rows_of(texts).select(pl.col(SUMMED).sum()).row(0, named=True)
