"""Usage seen through the org map: names become people and projects before overlaps are tied, charges get teams after.

A name, a membership and a team hold for some days. Rows are grouped by the days that differ, and everything is looked
up for the groups: thousands of rows, whatever the store holds. The store is never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from tokenaudit.analysis import org_keys
from tokenaudit.analysis.allocation import MONTH, SUMS, allocated
from tokenaudit.analysis.measures import known_sum
from tokenaudit.analysis.sight import MAPPED
from tokenaudit.analysis.teams import PAYS, ruled, with_group
from tokenaudit.analysis.times import local_day
from tokenaudit.analysis.where import PRICED_DIMENSIONS
from tokenaudit.org.map import OrgMap
from tokenaudit.org.match import DAY, RAW, fitting, held, is_like, text
from tokenaudit.org.records import Allocation, Rule, Where
from tokenaudit.schema import DIMENSIONS, MONEY, NAMES

ASSIGNED = ("team", "team_path", "cost_center", "gl_code", "allocation")
"""Dimensions that are known once charges are."""
PERSONAL = ("user", "team", "team_path", "cost_center", "gl_code")
"""Dimensions for which it must be known who somebody is."""
NOBODY = pl.lit(None, pl.String)
KEPT = ("billing_currency", "cost_basis", "granularity", "request_model", DAY, MONTH)
"""What charges are told apart by in any case, see `cube`."""
MOVED = {
    "user": PERSONAL,
    "team": PERSONAL[1:],
    "project": ("project", "project_group"),
    **{name: (name,) for name in PAYS},
}
"""What changes with what is given to a charge."""


@dataclass(frozen=True, slots=True, eq=False)
class Lens:
    """How one question sees usage: `wanted` are the dimensions that it breaks down or chooses by."""

    org: OrgMap
    wanted: frozenset[str]
    timezone: str = "UTC"
    span: tuple[date, date] | None = None
    ties: bool = False
    """Who somebody is matters in any case, as it is decided which files tell of the same calls."""

    @property
    def maps(self) -> bool:
        """Tell whether the question is about anything that the org map says."""
        return not self.wanted.isdisjoint(MAPPED)

    @property
    def assigns(self) -> bool:
        """Tell whether charges must be looked at: for teams and who pays, or as rules and shared cost move them."""
        moved = {name for rule in self.org.rules for name in (*_given("user", rule), *_given("project", rule))}
        return self.splits or not self.wanted.isdisjoint({*ASSIGNED, *moved})

    @property
    def splits(self) -> bool:
        """Tell whether shared cost must be split; what it is not split over stays the same."""
        moved = {name for item in self.org.allocations for name in MOVED[item.to]}
        return not self.wanted.isdisjoint({*moved, "allocation"} if moved else ())

    def waits(self, column: str) -> bool:
        """Tell whether a condition on a column can only be met after mapping."""
        return self.maps and (column in MAPPED or self.splits)

    @property
    def uses(self) -> frozenset[str]:
        """Return every column that the question, rules and shared cost look at."""
        return self.wanted | set(self._looked_at()) | {item.to for item in self._shared()}

    def _wheres(self) -> list[Where]:
        """Return what rules and shared cost choose by."""
        wheres = [item.where for item in self.org.rules] if self.assigns else []
        return wheres + [where for item in self._shared() for where in (item.where, item.among)]

    def _looked_at(self) -> list[str]:
        return [name for where in self._wheres() for name in where]

    @property
    def _names_projects(self) -> bool:
        """Tell whether projects must be told apart, and not only known from those that some rule is about."""
        targets = {item.to for item in self._shared()}
        return bool({"project", "project_group"} & (self.wanted | targets) or "project_group" in self._looked_at())

    def _tells(self, name: str) -> Callable[[str], bool]:
        """Return what tells whether any rule may be about a value of a stored column."""
        patterns = [where[name] for where in self._wheres() if name in where]
        owners = self.org.owners() if name == "project" else lambda value: (value,)
        return lambda value: any(is_like(owner, allowed) for owner in owners(value) for allowed in patterns)

    def _stored(self) -> list[str]:
        """Return those of them that only stored rows have."""
        return [name for name in self._looked_at() if name not in (*MAPPED, *PRICED_DIMENSIONS)]

    @property
    def _people(self) -> tuple[str, ...]:
        """Return the columns that say who somebody is; none where nobody asks."""
        return ("user", *self.org.columns) if self.ties or self.uses & {*PERSONAL} else ()

    @property
    def _projects(self) -> tuple[str, ...]:
        return ("project",) if self.uses & {"project", "project_group"} else ()

    def grouping(self, usage: pl.LazyFrame) -> list[pl.Expr]:
        """Return what `usage` must be grouped by besides, for the rest to be known: columns, day and month."""
        whole = [*self._people[:1], *(self._projects if self._names_projects else ())]
        told = {name: self._tells(name) for name in (*self._projects, *self._stored()) if name not in whole}
        kept = org_keys.columns(usage, whole, told, self._people[1:])
        month = [local_day(self.timezone).dt.month_start().alias(MONTH)] if self.splits else []
        return [*kept, org_keys.day(usage, self.org, self.timezone, self.span), *month]

    def identified(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Add `user`, `project` and `project_group` to cells grouped by `grouping`: what the names of the day mean."""
        keys = [*org_keys.raw((*self._people, *self._projects)), DAY]
        asked = cells.select(keys).unique(maintain_order=True)
        user, project = _user(asked, self.org, self._people), _project(asked, self.org, self._projects)
        found = with_group(asked.with_columns(user=user, project=project), self.org)
        return cells.join(found, on=keys, how="left", nulls_equal=True, maintain_order="left")

    def renamed(self, usage: pl.LazyFrame) -> pl.LazyFrame:
        """Put people and projects in the place of names in usage rows. Reads the names of `usage` at once."""
        names = usage.collect_schema().names()
        rows = usage.with_columns(self.grouping(usage))
        keys = [*org_keys.raw((*self._people, *self._projects)), DAY]
        found = self.identified(rows.select(keys).unique().collect(engine="streaming")).lazy()
        mapped = rows.drop("user", "project").join(found, on=keys, how="left", nulls_equal=True, maintain_order="left")
        return mapped.select(names).with_columns(pl.col("user", "project").cast(pl.Categorical))

    def assigned(self, charges: pl.DataFrame) -> pl.DataFrame:
        """Add teams, who pays, and how cost was shared out, to identified charges."""
        if not self.assigns:
            return charges
        texts = charges.with_columns(pl.col("user", "project").cast(pl.String))
        placed = ruled(texts, self.org)
        return allocated(self._coarser(placed) if self.splits else placed, self._shared(), self.org)

    def _shared(self) -> tuple[Allocation, ...]:
        return self.org.allocations if self.splits else ()

    def _coarser(self, charges: pl.DataFrame) -> pl.DataFrame:
        """Add up charges that nothing tells apart any more: there are as many parts of each as there are targets."""
        model = pl.when(pl.col("cost_basis") == "unpriced").then("request_model")
        known = charges if "request_model" in self.uses else charges.with_columns(model.alias("request_model"))
        kept = {*org_keys.stored(self.uses), *PERSONAL[1:], *org_keys.raw(self._stored()), *KEPT}
        told = {*NAMES, *DIMENSIONS, *SUMS, *MONEY, "last_start", "context_tier"}
        keys = [name for name in known.columns if name in kept or not (name in told or name.startswith(RAW))]
        return known.group_by(keys).agg(pl.col(SUMS).sum(), *map(known_sum, MONEY), pl.col("last_start").max())

    def spent(self, names: Iterable[str]) -> list[str]:
        """Return which columns are not needed any more once cells are identified."""
        kept = {DAY, MONTH, *org_keys.raw(self._stored())} if self.assigns else ()
        return [name for name in names if name.startswith(RAW) and name not in kept]


def _given(name: str, rule: Rule) -> tuple[str, ...]:
    return MOVED[name] if getattr(rule, name) else ()


def _user(asked: pl.DataFrame, org: OrgMap, columns: Sequence[str]) -> pl.Expr:
    """Return who is meant: whoever has the name, else the name; without a name whoever has the key or tag."""
    if not columns:
        return NOBODY
    own = text("user", ())
    named, *others = (_owner(asked, name, org.people, org) for name in columns)
    return pl.when(own.is_not_null()).then(pl.coalesce(named, own)).otherwise(pl.coalesce(*others, NOBODY))


def _project(asked: pl.DataFrame, org: OrgMap, columns: Sequence[str]) -> pl.Expr:
    if not columns:
        return NOBODY
    return pl.coalesce(_owner(asked, "project", org.projects, org), text("project", ()))


def _owner(asked: pl.DataFrame, name: str, exact: pl.DataFrame, org: OrgMap) -> pl.Expr:
    """Return who or what the values of a column mean on their days; exact names go before patterns."""
    column = text(name, ())
    globs = [claim for claim in org.globs if claim.column == name]
    values = asked.select(column.unique().alias("value")).to_series()
    table = pl.concat([exact.filter(pl.col("column") == name).drop("column"), fitting(values, globs)])
    return pl.lit(held(asked, column, table).to_series())
