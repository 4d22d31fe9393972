"""Usage seen through the org map: names become people and projects before overlaps are tied, charges get teams after.

A name, a membership and a team hold for some days. Rows are grouped by the days that differ, and everything is looked
up for the groups: thousands of rows, whatever the store holds. The store is never changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import chain

import polars as pl

from tokenaudit.analysis.allocation import MONTH, allocated
from tokenaudit.analysis.sight import MAPPED
from tokenaudit.analysis.teams import ruled, with_group
from tokenaudit.analysis.times import local_day
from tokenaudit.analysis.where import PRICED_DIMENSIONS
from tokenaudit.org.claims import TAG
from tokenaudit.org.map import OrgMap
from tokenaudit.org.match import DAY, RAW, fitting, held, text
from tokenaudit.schema import NAMES

ASSIGNED = ("team", "team_path", "cost_center", "gl_code", "allocation")
"""Dimensions that are known once charges are."""
MANY = 24
"""Changes in a period from which days are simply told apart one by one."""


@dataclass(frozen=True, slots=True, eq=False)
class Lens:
    """How one question sees usage: `wanted` are the dimensions that it breaks down or chooses by."""

    org: OrgMap
    wanted: frozenset[str]
    timezone: str = "UTC"
    span: tuple[date, date] | None = None

    @property
    def maps(self) -> bool:
        """Tell whether the question is about anything that the org map says."""
        return not self.wanted.isdisjoint(MAPPED)

    @property
    def assigns(self) -> bool:
        """Tell whether charges must be looked at: for teams and who pays, or as rules and shared cost move them."""
        return self.maps and bool(self.wanted & {*ASSIGNED} or self.org.rules or self.org.allocations)

    @property
    def splits(self) -> bool:
        """Tell whether shared cost is split."""
        return self.maps and bool(self.org.allocations)

    def waits(self, column: str) -> bool:
        """Tell whether a condition on a column can only be met after mapping."""
        return self.maps and (column in MAPPED or self.splits)

    def grouping(self) -> list[pl.Expr]:
        """Return what usage rows must be grouped by besides, for the rest to be known: columns, day and month."""
        stored = [pl.col(name).alias(f"{RAW}{name}") for name in self._stored()]
        day = local_day(self.timezone)
        month = [day.dt.month_start().alias(MONTH)] if self.splits else []
        return [*stored, self._day(day).alias(DAY), *month]

    def _stored(self) -> list[str]:
        columns = ["user", "project", *self.org.columns]
        if self.assigns:
            of_rules, shared = (item.where for item in self.org.rules), self.org.allocations
            columns += chain(*of_rules, *(item.where for item in shared), *(item.among for item in shared))
        names = ("tags" if name.startswith(TAG) else name for name in columns)
        return [name for name in dict.fromkeys(names) if name in NAMES and name not in PRICED_DIMENSIONS]

    def _day(self, day: pl.Expr) -> pl.Expr:
        """Return the day of a row, or where nothing changes between two days the first of them."""
        first, last = self.span or (date.min, date.max)
        changes = [change for change in self.org.changes if first < change <= last]
        if len(changes) > MANY:
            return day
        told = pl.lit(first)
        for change in changes:
            told = pl.when(day >= change).then(pl.lit(change)).otherwise(told)
        return told

    def identified(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Add `user`, `project` and `project_group` to cells grouped by `grouping`: what the names of the day mean."""
        named = ("user", *self.org.columns, "project")
        stored = dict.fromkeys(f"{RAW}{'tags' if name.startswith(TAG) else name}" for name in named)
        keys = [*stored, DAY]
        asked = cells.select(keys).unique(maintain_order=True)
        found = with_group(asked.with_columns(user=_user(asked, self.org), project=_project(asked, self.org)), self.org)
        return cells.join(found, on=keys, how="left", nulls_equal=True, maintain_order="left")

    def renamed(self, usage: pl.LazyFrame) -> pl.LazyFrame:
        """Put people and projects in the place of names in usage rows. Reads the names of `usage` at once."""
        rows = usage.with_columns(self.grouping())
        keys = [*dict.fromkeys(f"{RAW}{name}" for name in self._stored()), DAY]
        found = self.identified(rows.select(keys).unique().collect(engine="streaming")).lazy()
        mapped = rows.drop("user", "project").join(found, on=keys, how="left", nulls_equal=True, maintain_order="left")
        return mapped.select(usage.collect_schema().names()).with_columns(
            pl.col("user", "project").cast(pl.Categorical)
        )

    def assigned(self, charges: pl.DataFrame) -> pl.DataFrame:
        """Add teams, who pays, and how cost was shared out, to identified charges."""
        if not self.assigns:
            return charges
        texts = charges.with_columns(pl.col("user", "project").cast(pl.String))
        return allocated(ruled(texts, self.org), self.org)

    def spent(self, names: Iterable[str]) -> list[str]:
        """Return which columns are not needed any more once cells are identified."""
        return [] if self.assigns else [name for name in names if name.startswith(RAW)]


def _user(asked: pl.DataFrame, org: OrgMap) -> pl.Series:
    """Return who is meant: whoever has the name, else the name; without a name whoever has the key or tag."""
    own = text("user", ())
    told = [_owner(asked, name, org.people, org) for name in ("user", *org.columns)]
    names = asked.select(own.alias("own")).with_columns(item.alias(str(at)) for at, item in enumerate(told))
    others = [pl.col(str(at)) for at in range(1, len(told))] or [pl.lit(None, pl.String)]
    named = pl.when(pl.col("own").is_not_null()).then(pl.coalesce("0", "own"))
    return names.select(named.otherwise(pl.coalesce(others))).to_series()


def _project(asked: pl.DataFrame, org: OrgMap) -> pl.Series:
    found = _owner(asked, "project", org.projects, org).alias("found")
    return asked.select(pl.coalesce(found, text("project", ()))).to_series()


def _owner(asked: pl.DataFrame, name: str, exact: pl.DataFrame, org: OrgMap) -> pl.Series:
    """Return who or what the values of a column mean on their days; exact names go before patterns."""
    column = text(name, ())
    globs = [claim for claim in org.globs if claim.column == name]
    values = asked.select(column.unique().alias("value")).to_series()
    table = pl.concat([exact.filter(pl.col("column") == name).drop("column"), fitting(values, globs)])
    return held(asked, column, table).to_series()
