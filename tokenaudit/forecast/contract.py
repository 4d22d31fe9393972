"""Series as a plain CSV, ``series,date,value`` and perhaps ``dim``; what is forecast of them as plain values."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tokenaudit.errors import NoDataError, QueryError
from tokenaudit.forecast.detect import flags
from tokenaudit.forecast.engine import Outlook, Totals
from tokenaudit.forecast.panel import Floats, Panel
from tokenaudit.periods import parse_date

COLUMNS = ("series", "date", "value")
NO_DIM = "all"
NEXT = {"next_7": 7, "next_14": 14, "next_30": 30}
BANDS = {"lo95": 0.025, "lo80": 0.1, "p50": 0.5, "hi80": 0.9, "hi95": 0.975}
LONGEST = 20_000
"""Days between the first row and the as-of date from which a date is taken for a mistake."""


class Value(NamedTuple):
    """One row: what a series was worth on a day."""

    series: str
    dim: str
    day: date
    value: float


def read_panel(path: Path, as_of: date) -> Panel:
    """Return the series of a CSV up to `as_of`. QueryError for a file that cannot be read so, NoDataError for none."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(_rows(csv.DictReader(file), path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise QueryError(f"cannot read `{path}`: {error}") from error
    return panel_of(rows, as_of)


def _rows(table: csv.DictReader[str], path: Path) -> Iterator[Value]:
    lacking = [name for name in COLUMNS if name not in (table.fieldnames or ())]
    if lacking:
        raise QueryError(f"`{path}` lacks the column `{lacking[0]}`", "a row is series,date,value and perhaps dim")
    for row in table:
        yield _value(row, f"`{path}`, line {table.line_num}")


def _value(row: dict[str, str], place: str) -> Value:
    try:
        value = float(row["value"])
    except (TypeError, ValueError) as error:
        raise QueryError(f"{place}: `{row['value']}` is not a number") from error
    if not np.isfinite(value):
        raise QueryError(f"{place}: `{row['value']}` is not a number")
    return Value(row["series"], row.get("dim") or NO_DIM, parse_date(row["date"] or ""), value)


def panel_of(rows: Iterable[Value], as_of: date) -> Panel:
    """Return values as series up to `as_of`, by name; later values do not count, negative ones count as 0."""
    known = [row for row in rows if row.day <= as_of]
    if not known:
        raise NoDataError(f"no values up to {as_of}", "give another --as-of")
    names = sorted({row.series for row in known})
    place = {name: number for number, name in enumerate(names)}
    first = min(row.day for row in known)
    days = (as_of - first).days + 1
    if days > LONGEST:
        raise QueryError(f"the first value is of {first}, {days:,} days before {as_of}", "is one of the dates wrong?")
    values, start = np.zeros((len(names), days)), np.full(len(names), days)
    for row in known:
        column = (row.day - first).days
        values[place[row.series], column] += row.value
        start[place[row.series]] = min(start[place[row.series]], column)
    dims = {row.series: row.dim for row in known}
    return Panel(names, [dims[name] for name in names], first, np.maximum(values, 0.0), start)


def targets(found: Outlook) -> dict[str, Totals]:
    """Return the totals of the next 7, 14 and 30 days and of the month, by name."""
    return {name: found.next(days) for name, days in NEXT.items()} | {"month_end": month_end(found)}


def month_end(found: Outlook) -> Totals:
    """Return the totals of the month of the last day: what is spent, and what remains."""
    today = found.panel.last
    return found.next(days_left(today), found.panel.recent(today.day))


def days_left(today: date) -> int:
    """Return how many days of a month are left after a day.

    >>> days_left(date(2026, 2, 27)), days_left(date(2026, 12, 31))
    (1, 0)
    """
    return ((today.replace(day=28) + timedelta(days=4)).replace(day=1) - today).days - 1


def forecast_rows(found: Outlook) -> list[dict[str, Any]]:
    """Return the forecasts as the contract has them, one object for each series."""
    columns = {name: _bands(totals) for name, totals in targets(found).items()}
    return [
        {
            "series": name,
            "as_of": found.panel.last.isoformat(),
            "targets": {target: _target(bands, at) for target, bands in columns.items()},
        }
        for at, name in enumerate(found.panel.names)
    ]


def _bands(totals: Totals) -> dict[str, Floats]:
    return {"point": totals.middle, **{name: totals.at(level) for name, level in BANDS.items()}}


def _target(bands: dict[str, Floats], at: int) -> dict[str, float]:
    return {name: round(float(values[at]), 6) for name, values in bands.items()}


def flag_rows(panel: Panel) -> list[dict[str, Any]]:
    """Return what does not fit as the contract has it, one object for each flag, the clearest first."""
    return [
        {
            "series": panel.names[flag.series],
            "date": panel.day(flag.column).isoformat(),
            "kind": flag.kind,
            "score": round(flag.score, 3),
            "days": flag.days,
            "actual": round(flag.actual, 6),
            "expected": round(flag.expected, 6),
            "low": round(flag.low, 6),
            "high": round(flag.high, 6),
            "excess": round(flag.excess, 6),
            "first": panel.day(flag.first).isoformat(),
        }
        for flag in flags(panel)
    ]
