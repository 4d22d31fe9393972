"""Columns of decoded logs to usage rows."""

from __future__ import annotations

from typing import Any

import polars as pl

from tokenaudit import schema
from tokenaudit.ingest.decode import DEFAULTS, LogBatch, log_file_id
from tokenaudit.sources.source import Reject
from tokenaudit.store.resolve import with_estimate

LARGEST_COUNT = 10**15
INSTANT = "%Y-%m-%dT%H:%M:%S%.3fZ"
LAST_PART = r"([^/\\]+)[/\\]*$"


def log_frame(batch: LogBatch) -> tuple[pl.DataFrame, dict[str, list[Reject]]]:
    """Return the usage rows of a batch, and by path the rows that had to be refused."""
    columns = {name: list(values) for name, values in batch.columns.items()}
    paths = {log_file_id(file.path): file.path for file in batch.files}
    refused = _refuse_counts(columns, paths)
    rows = _complete(pl.DataFrame(columns, schema=_raw_schema(columns), orient="col"), batch.source)
    dated = [pl.col(name).is_between(*schema.TIMES) for name in ("charge_period_start", "charge_period_end")]
    rows = rows.with_columns(dated=pl.all_horizontal(dated).fill_null(value=False))
    undated = rows.filter(~pl.col("dated"))
    for file_id, line in undated.select("file_id", "line").iter_rows():
        refused.setdefault(paths[file_id], []).append(Reject(line, -1, "the timestamp is no date"))
    return rows.filter("dated").select(schema.NAMES), refused


def _raw_schema(columns: dict[str, list[Any]]) -> dict[str, pl.DataType]:
    text = ("charge_period_start", "charge_period_end", "reported_cost", "billed_cost", "list_cost")
    kinds = schema.dtypes()
    return {name: pl.String() if name in text else kinds[name] for name in columns}


def _refuse_counts(columns: dict[str, list[Any]], paths: dict[int, str]) -> dict[str, list[Reject]]:
    """Take rows with an impossible count out of the columns."""
    counts = [name for name in columns if name in schema.COUNTS and columns[name]]
    wrong = [name for name in counts if min(columns[name]) < 0 or max(columns[name]) > LARGEST_COUNT]
    refused: dict[str, list[Reject]] = {}
    bad = sorted({i for name in wrong for i, value in enumerate(columns[name]) if not 0 <= value <= LARGEST_COUNT})
    for index in reversed(bad):
        names = [name for name in wrong if not 0 <= columns[name][index] <= LARGEST_COUNT]
        reason = f"impossible count: {names[0]} is {columns[names[0]][index]}"
        path = paths[columns["file_id"][index]]
        refused.setdefault(path, []).append(Reject(columns["line"][index], -1, reason))
        for values in columns.values():
            del values[index]
    return refused


def _complete(raw: pl.DataFrame, source: str) -> pl.DataFrame:
    kinds = schema.dtypes()
    start = pl.col("charge_period_start").str.to_datetime(INSTANT, time_unit="us", time_zone="UTC", strict=False)
    end = pl.col("charge_period_end").str.to_datetime(INSTANT, time_unit="us", time_zone="UTC", strict=False)
    money = [name for name in ("reported_cost", "billed_cost", "list_cost") if name in raw.columns]
    given = raw.with_columns(
        charge_period_start=start,
        charge_period_end=end if "charge_period_end" in raw.columns else start,
        source=pl.lit(source, dtype=pl.Categorical),
        **{name: pl.col(name).cast(kinds[name], strict=False) for name in money},
    )
    if "project_path" in given.columns:
        last = pl.col("project_path").cast(pl.String).str.extract(LAST_PART).cast(pl.Categorical)
        given = given.with_columns(project=pl.coalesce("project", last) if "project" in given.columns else last)
    absent = [name for name in schema.NAMES if name not in given.columns]
    return with_estimate(
        given.with_columns(pl.lit(DEFAULTS.get(name), dtype=kinds[name]).alias(name) for name in absent)
    )
