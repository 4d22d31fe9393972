"""What our store is asked to do beside DuckDB, in a process of its own: the query of ``duck.py group``.

python bench/ours.py STORE
"""

from __future__ import annotations

import sys

import polars as pl

from tokenaudit.schema import COUNTS
from tokenaudit.store.store import Store

SUMMED = (*COUNTS, "billed_cost")


def main() -> None:
    """Group the rows of a store and print how many groups there are, then the sum of each column."""
    with Store.open(sys.argv[1]) as store:
        groups = store.usage().group_by("user", "request_model").agg(pl.col(*SUMMED).sum()).collect(engine="streaming")
    print(groups.height, *groups.select(*SUMMED).sum().row(0))


if __name__ == "__main__":
    main()
