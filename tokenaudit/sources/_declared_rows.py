"""The rows of a declared source as canonical rows: times and money in our units, token classes disjoint."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit import schema
from tokenaudit.sources import expressions
from tokenaudit.sources import usage as canonical
from tokenaudit.sources._cells import DTYPES
from tokenaudit.sources._declaration import TIMES, is_parsed, labels, mapped, own_id

if TYPE_CHECKING:
    from tokenaudit.config import Declared

MONEY = {"units": None, "cents": Decimal("0.01"), "micros": Decimal("0.000001")}
"""What an amount is multiplied by."""
EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
"""Microseconds in what a time counts."""
SPELLINGS = {
    "iso": "is not a date or time",
    "epoch_s": "is not a time in seconds since 1970",
    "epoch_ms": "is not a time in milliseconds since 1970",
    "epoch_us": "is not a time in microseconds since 1970",
}
STEPS = {"minute": "1m", "hour": "1h", "day": "1d", "month": "1mo"}
"""How long a bucket is whose end no column says."""
DATED = ("day", "month", "period")
"""Buckets that stay those of the dates they name, in whatever zone: reports know days by their UTC date."""
ZONED = re.compile("%[:#]*z")
"""What a pattern names an offset by."""
DAYS = ("%d", "%e", "%j", "%D", "%F", "%x", "%c", "%s")
ADDED = ("audio_input_tokens", "image_input_tokens")
"""Uncached input beside text."""
CACHED = "input_tokens is less than the classes it should include: should input_includes_cache be false?"
REASONED = "output_tokens is less than its reasoning: should output_includes_reasoning be false?"


def canonical_rows(declared: Declared, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return canonical rows, and why some cannot be counted as `fault` (text).

    In: `line` and the file's columns, each in its kind. Out: `line`, every column of the source `usage`, `fault`.
    """
    values = {name: _value(declared, name) for name in canonical.COLUMNS if name not in TIMES}
    taken = rows.select("line", **values, **_times(declared), fault=_time_fault(declared))
    return _disjoint(declared, _bucketed(taken))


def _value(declared: Declared, name: str) -> pl.Expr:
    """Return what a usage column holds: the file's cell, else the constant."""
    column = (mapped(declared) | {"response_id": own_id(declared)}).get(name)
    dtype = DTYPES[canonical.COLUMNS[name]]
    found = pl.lit(None, dtype) if column is None else pl.col(column)
    if name == "tags" and labels(declared):
        found = expressions.tags({label: pl.col(column) for label, column in labels(declared).items()})
    scale = MONEY[declared.money]
    if scale is not None and canonical.COLUMNS[name] == "money":
        found = found * pl.lit(scale)
    constant = {"provider": declared.provider, **declared.constants}.get(name)
    return found if constant is None else found.fill_null(pl.lit(constant, dtype))


# -- time -------------------------------------------------------------------------------------------------------------
def _times(declared: Declared) -> dict[str, pl.Expr]:
    """Return start and end, each as if what names no zone were UTC and, as `local ...`, of the declared zone."""
    columns, nothing = mapped(declared), pl.lit(None, DTYPES["instant"])
    return {
        f"{prefix}{name}": _instant(declared, columns[name], zone) if name in columns else nothing
        for name in TIMES
        for prefix, zone in (("", "UTC"), ("local ", declared.timezone))
    }


def _instant(declared: Declared, column: str, zone: str) -> pl.Expr:
    """Return the UTC instants of a column; null where it holds something else."""
    text = pl.col(column)
    if is_parsed(declared):
        return text
    if declared.time in EPOCHS:
        ticks = text.cast(pl.Decimal(38, 18), strict=False) * pl.lit(Decimal(EPOCHS[declared.time]))
        return pl.from_epoch(ticks.cast(pl.Int64, strict=False), time_unit="us").dt.replace_time_zone("UTC")
    if declared.time == "iso":
        return pl.coalesce(expressions.zoned_instant(text), _in_zone(expressions.instant(text), zone))
    return _patterned(text, declared.time, zone)


def _in_zone(utc: pl.Expr, zone: str) -> pl.Expr:
    """Read the clock of UTC instants in another zone: the earlier of two such moments, null where there is none."""
    clock = utc.dt.replace_time_zone(None).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return clock.dt.convert_time_zone("UTC")


def _patterned(text: pl.Expr, pattern: str, zone: str) -> pl.Expr:
    """Read times by a pattern; one without days is of months, each from its first."""
    if not any(day in pattern for day in DAYS):
        text, pattern = text + " 01", f"{pattern} %d"
    parsed = text.str.to_datetime(pattern, time_unit="us", strict=False)
    return parsed.dt.convert_time_zone("UTC") if ZONED.search(pattern) else _in_zone(parsed, zone)


def _time_fault(declared: Declared) -> pl.Expr:
    """Say what is wrong with times that are text which cannot be read."""
    columns = [column for name, column in mapped(declared).items() if name in TIMES]
    if is_parsed(declared):
        return pl.lit(None, pl.String)
    said = SPELLINGS.get(declared.time, f"is not a time like {declared.time}")
    odd = [pl.col(name).is_not_null() & _instant(declared, name, declared.timezone).is_null() for name in columns]
    shown = [pl.format('"{}" {}: "{}"', pl.lit(name), pl.lit(said), pl.col(name)) for name in columns]
    return pl.coalesce([pl.when(bad).then(text) for bad, text in zip(odd, shown, strict=True)])


def _bucketed(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Settle grain, start and end: of an event they are equal, of a bucket without an end its grain says how long."""
    start, end = (pl.col(name) for name in TIMES)
    grain = pl.col("granularity")
    width = pl.when(end > start).then(expressions.granularity(start, end))
    steps = [pl.when(grain == name).then(start.dt.offset_by(step)) for name, step in STEPS.items()]
    endless = (grain == "period") & end.is_null()
    return (
        rows.with_columns(granularity=pl.coalesce(grain.str.to_lowercase(), width, pl.lit("request")))
        .with_columns(pl.when(grain.is_in(DATED)).then(name).otherwise(f"local {name}").alias(name) for name in TIMES)
        .with_columns(
            charge_period_end=pl.coalesce(end, *steps, start),
            fault=pl.coalesce("fault", pl.when(endless).then(pl.lit("a period without charge_period_end"))),
        )
        .drop(f"local {name}" for name in TIMES)
    )


# -- tokens -----------------------------------------------------------------------------------------------------------
def _disjoint(declared: Declared, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Take apart what the file counts together, and put together what it counts apart."""
    changes = _uncached(declared) if "input_tokens" in declared.columns else {}
    faults = {CACHED: pl.col("uncached_input_tokens") < 0} if changes else {}
    if declared.output_includes_reasoning is False:
        changes["output_tokens"] = _sum("output_tokens", "reasoning_output_tokens")
    else:
        faults[REASONED] = pl.col("reasoning_output_tokens") > pl.col("output_tokens")
    found = rows.with_columns(**changes)
    return found.with_columns(fault=pl.coalesce("fault", expressions.first_reason(faults))) if faults else found


def _uncached(declared: Declared) -> dict[str, pl.Expr]:
    """Return uncached input: what the file says, else the rest of all input."""
    excluded = declared.input_includes_cache is False
    others = ADDED if excluded else tuple(name for name in schema.INPUT_CLASSES if name != "uncached_input_tokens")
    rest = pl.col("input_tokens") - pl.sum_horizontal(others)
    whole = {"input_tokens": pl.lit(None, pl.Int64)} if excluded else {}
    return {"uncached_input_tokens": pl.coalesce("uncached_input_tokens", rest), **whole}


def _sum(*names: str) -> pl.Expr:
    """Return the sum of columns; null where all are."""
    return pl.when(pl.any_horizontal(pl.col(names).is_not_null())).then(pl.sum_horizontal(names))
