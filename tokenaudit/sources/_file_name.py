"""What only a file's name tells: the period or the day that its content is of."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from tokenaudit.sources.source import FILE_NAME

if TYPE_CHECKING:
    import polars as pl

MONTH = r"20\d\d-(?:0[1-9]|1[0-2])"
DAY = MONTH + r"-(?:0[1-9]|[12]\d|3[01])"
RANGE = rf"({DAY})-to-({DAY})"
WHOLE_MONTH = rf"(?:^|\D)({MONTH})(?:$|[^\d-]|-$|-\D)"
ONE_DAY = r"(?<!\d)(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)"


def period() -> dict[str, pl.Expr]:
    """Return the UTC bucket that a table's file name spells out, null where it spells none.

    ``2026-10-01-to-2026-10-31`` (both days are part of it) or the month ``2026-10``, also with underscores.
    """
    import polars as pl

    name = pl.col(FILE_NAME).str.replace_all("[_. ]", "-")
    first, last = (_date(name.str.extract(RANGE, group)) for group in (1, 2))
    month = _date(name.str.extract(WHOLE_MONTH, 1) + "-01")
    end = pl.coalesce(last.dt.offset_by("1d"), month.dt.offset_by("1mo"))
    start = pl.coalesce(first, month)
    return {"charge_period_start": pl.when(start < end).then(start), "charge_period_end": end}


def day(path: str) -> str | None:
    """Return the one date in a file's name (``2026-10-05`` or ``20261005``); None where there is none or another."""
    found = {"-".join(date) for date in re.findall(ONE_DAY, os.path.basename(path))}
    return found.pop() if len(found) == 1 else None


def _date(text: pl.Expr) -> pl.Expr:
    return text.str.to_datetime("%Y-%m-%d", time_unit="us", strict=False).dt.replace_time_zone("UTC")
