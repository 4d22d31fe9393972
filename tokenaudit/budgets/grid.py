"""Finance's grid: a CSV with one budget a line and one month, quarter or year a column.

    id,scope,parent,2026-11,2026-12,2027-Q1
    web,project=web,,2000,2500,8000
    everyone,,,250000,250000,

`scope` is written as --where has it, several conditions with ``;`` between them. An empty cell is no limit.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from tokenaudit.errors import ConfigError, PeriodError, did_you_mean
from tokenaudit.periods import parse_period

WORDS = ("id", "scope", "parent", "each", "currency", "unit", "warn", "fail")
"""Columns that are no period; only `id` is needed. `unit` is ``tokens`` or ``amount``."""
PERIOD = re.compile(r"\d{4}(-\d\d|-q[1-4])?", re.IGNORECASE)
NUMBER = re.compile(r"\d+(\.\d+)?")


class Row(NamedTuple):
    """A line as the table of a budget, or what is wrong with it."""

    line: int
    table: Mapping[str, Any]
    faults: tuple[tuple[str, str], ...]


def read(path: Path) -> list[Row]:
    """Read a grid. Raises ConfigError where the file cannot be read as one."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"cannot read `{path}`: {error.strerror}", "mend `budget_grids` of the configuration"
        ) from error
    except ValueError as error:
        raise ConfigError(f"`{path}` is not UTF-8", "save it as CSV UTF-8") from error
    head, _, _ = text.partition("\n")
    delimiter = max(",;\t", key=head.count)
    lines = csv.reader(io.StringIO(text), delimiter=delimiter)
    names = [name.strip() for name in next(lines, [])]
    _check(names, path)
    return [_row(lines.line_num, dict(zip(names, cells, strict=False))) for cells in lines if any(cells)]


def _check(names: list[str], path: Path) -> None:
    if "id" not in names:
        raise ConfigError(f"`{path}:1`: no column `id`", "the first line names the columns: id,scope,2026-11,2026-12")
    for name in names:
        if name not in WORDS and not PERIOD.fullmatch(name):
            near = did_you_mean(name, WORDS) or f"columns are {', '.join(WORDS)} and periods such as 2026-11 or 2026-Q4"
            raise ConfigError(f"`{path}:1`: unknown column `{name}`", near)


def _row(line: int, cells: Mapping[str, str]) -> Row:
    """Return a line as a table: its limits are totals of the days that the columns name."""
    words = {name: text.strip() for name, text in cells.items()}
    faults: list[tuple[str, str]] = []
    scope = _scope(words.pop("scope", ""), faults)
    unit, currency = words.pop("unit", "") or "amount", words.pop("currency", "")
    shared: dict[str, Any] = {"currency": currency} if currency else {}
    shared |= {key: Decimal(text) for key in ("warn", "fail") if NUMBER.fullmatch(text := words.pop(key, ""))}
    limits = [
        {**shared, **_days(name), unit: amount}
        for name, text in words.items()
        if PERIOD.fullmatch(name) and (amount := _number(name, text, unit, faults)) is not None
    ]
    said = {name: text for name, text in words.items() if name in WORDS and text}
    return Row(line, {**said, "scope": scope, "limits": limits}, tuple(faults))


def _scope(text: str, faults: list[tuple[str, str]]) -> dict[str, list[str]]:
    parts = [part.partition("=") for part in re.split(r"\s*;\s*", text) if part]
    faults += [
        (f"cannot read the scope `{text}`", "write project=web,docs; model=gpt-*") for _, sign, _ in parts if not sign
    ]
    return {column.strip(): [value.strip() for value in values.split(",")] for column, _, values in parts}


def _days(name: str) -> Mapping[str, str | date]:
    try:
        period = parse_period(name, date.min)
    except PeriodError as error:
        raise ConfigError(f"`{name}` is no period: {error.message}", error.hint) from error
    return {"period": "total", "from": period.first, "until": period.last}


def _number(name: str, text: str, unit: str, faults: list[tuple[str, str]]) -> Decimal | int | None:
    if text and not NUMBER.fullmatch(text):
        hint = "write 20000 or 20000.50: a comma may mean thousands or decimals"
        faults.append((f"`{text}` under {name} is no number", hint))
        return None
    if not text:
        return None
    return int(Decimal(text)) if unit == "tokens" else Decimal(text)
