"""Which rows of a frame fit a pattern or a condition: patterns are held against unlike values, not against rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import reduce
from operator import and_

import polars as pl

from tokenaudit.org.claims import TAG, Claim, folded, like
from tokenaudit.org.map import DAYS
from tokenaudit.org.records import RESERVED, Allowed, Value, Where
from tokenaudit.org.tree import SEPARATOR

DAY = "org_day"
"""The day of a row, as far as the org map tells days apart."""
RAW = "org_"
"""What stands before the name of a column as it is stored."""
TAGS = f"{RAW}tags"
LINES = ("value", *DAYS)


def text(name: str, columns: Iterable[str]) -> pl.Expr:
    """Return a column or tag of a mapped frame as text: as mapped where it is, else as stored."""
    if name.startswith(TAG):
        return pl.col(TAGS).cast(pl.String).str.json_path_match(f'$["{name.removeprefix(TAG)}"]')
    return pl.col(name if name in set(columns) else f"{RAW}{name}").cast(pl.String)


def held(rows: pl.DataFrame, key: pl.Expr, table: pl.DataFrame) -> pl.DataFrame:
    """Return for each row what a table says of its key on its day: the other columns of the table, null for nothing."""
    asked = rows.select(value=key.str.strip_chars().str.to_lowercase(), day=DAY)
    found = asked.unique().join(table, on="value").filter(pl.col("day").is_between("first", "last"))
    first = found.sort("turn", maintain_order=True).unique(["value", "day"], keep="first")
    told = asked.join(first, on=["value", "day"], how="left", maintain_order="left")
    return told.select(name for name in table.columns if name not in LINES)


def fitting(values: pl.Series, globs: Iterable[Claim]) -> pl.DataFrame:
    """Return `value`, `owner` and days of each value that fits a pattern; the first pattern has the smallest turn."""
    names = [name for name in values.drop_nulls().str.strip_chars().str.to_lowercase().unique().sort() if name]
    rows = [
        (name, claim.owner, claim.first, claim.last, turn)
        for turn, claim in enumerate(globs, 1)
        for name in names
        if like(name, claim.value)
    ]
    return pl.DataFrame(rows, {"value": pl.String, "owner": pl.String, **DAYS}, orient="row")


def fits(frame: pl.DataFrame, where: Where, days: tuple[date, date]) -> pl.Series:
    """Say of each row of a mapped frame whether it meets all conditions, on days on which they hold."""
    dated = pl.lit(value=True) if DAY not in frame.columns else pl.col(DAY).is_between(*days)
    return frame.select(fits=reduce(and_, (_meets(frame, *item) for item in where.items()), dated)).to_series()


def _meets(frame: pl.DataFrame, name: str, allowed: Allowed) -> pl.Expr:
    """Return the condition on a column as an expression. A team's name stands for all teams below it."""
    patterns = _patterns(allowed)
    column = text("team_path" if name == "team" else name, frame.columns)
    values = frame.select(column.unique()).to_series().drop_nulls()
    met = [value for value in values if any(_like(part, patterns) for part in _parts(name, value))]
    return column.is_in(met).fill_null("" in patterns)


def is_like(value: str, allowed: Allowed) -> bool:
    """Tell whether a condition allows a value of a column."""
    return _like(value, _patterns(allowed))


def _patterns(allowed: Allowed) -> tuple[str, ...]:
    return tuple(map(_pattern, allowed if isinstance(allowed, tuple) else (allowed,)))


def _pattern(value: Value) -> str:
    text = str(value).lower() if isinstance(value, bool) else folded(value)
    return "" if text in RESERVED else text


def _parts(name: str, value: str) -> list[str]:
    return value.split(SEPARATOR) if name == "team" else [value]


def _like(value: str, patterns: Iterable[str]) -> bool:
    return any(like(folded(value), pattern) for pattern in patterns)
