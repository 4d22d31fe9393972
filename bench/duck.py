"""What DuckDB is asked to do, one process each.

python bench/duck.py csv|jsonl INPUT OUTPUT.parquet     write a file as Parquet, with DuckDB's defaults
python bench/duck.py group STORE                        sum all counts and the money by user and model
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from tokenaudit.schema import COUNTS

READERS = {"csv": "read_csv", "jsonl": "read_json"}
SUMMED = (*COUNTS, "billed_cost")


def convert(reader: str, source: str, target: str) -> None:
    """Write a CSV or JSON lines file as Parquet."""
    duckdb.connect().execute(f"copy (select * from {reader}('{source}')) to '{target}' (format parquet)")


def group(store: str) -> None:
    """Group the rows of a fresh store and print how many groups there are, then the sum of each column."""
    files = [str(path) for path in Path(store).glob("segments/*/*.parquet")]
    sums = ", ".join(f"sum({name}) as {name}" for name in SUMMED)
    grouped = f'select {sums} from read_parquet({files!r}) where not blank group by "user", request_model'
    print(*(duckdb.connect().execute(f"select count(*), {sums} from ({grouped})").fetchone() or ()))


if __name__ == "__main__":
    if sys.argv[1] == "group":
        group(sys.argv[2])
    else:
        convert(READERS[sys.argv[1]], *sys.argv[2:])
