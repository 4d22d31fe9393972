"""The org map as tables to join with: who has a name, who is in which team, and what a team is part of, by day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.errors import ConfigError
from tokenaudit.org.check import problems
from tokenaudit.org.claims import Claim, Claims, claims, folded, like
from tokenaudit.org.read import entries, is_mapped
from tokenaudit.org.records import Allocation, Entries, Entry, Rule
from tokenaudit.org.tree import branches, edges

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

    from tokenaudit.config import Config

DAYS: dict[str, PolarsDataType] = {"first": pl.Date(), "last": pl.Date(), "turn": pl.Int64()}
"""The days for which a line of a table holds; of several lines the one with the smallest `turn` counts."""
TEXT = pl.String()


@dataclass(frozen=True, slots=True, eq=False)
class OrgMap:
    """What an org map says. Tables have the columns `DAYS`, and are looked up by `value`, folded where it is a name."""

    people: pl.DataFrame
    """`column`, `value` and `owner`: who is meant by a value of a column."""
    projects: pl.DataFrame
    """The same of projects."""
    globs: tuple[Claim, ...]
    """Claims of people and projects on values that fit a pattern."""
    memberships: pl.DataFrame
    """`value` (a person), `team`, `cost_center`, `gl_code`."""
    groups: pl.DataFrame
    """`value` (a project), `group`."""
    teams: pl.DataFrame
    """`value` (a team as it is written), `path`, `cost_center`, `gl_code`."""
    rules: tuple[Rule, ...]
    allocations: tuple[Allocation, ...]
    changes: tuple[date, ...]
    """The days on which something changes for everybody."""
    own_changes: tuple[date, ...]
    """The days on which something changes for those that are `moving`."""
    moving: dict[str, frozenset[str]]
    """By column: the folded names of people and projects that change on some day."""
    names: dict[str, tuple[str, ...]]
    """By person, folded: every plain name of theirs as it is written, for what the configuration says of users."""
    team_names: tuple[str, ...]
    """Every team that somebody or something may be of."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns in which people are looked for, beside `user`, in that order."""
        found = [*self.people["column"].unique(maintain_order=True), *(claim.column for claim in self.globs)]
        return tuple(dict.fromkeys(name for name in found if name not in ("user", "project")))

    def owners(self) -> Callable[[str], tuple[str, ...]]:
        """Return what tells which projects a project's name may mean on some day, itself included."""
        exact: dict[str, list[str]] = {}
        for value, owner in self.projects.select("value", "owner").iter_rows():
            exact.setdefault(value, []).append(owner)
        globs = [item for item in self.globs if item.column == "project"]

        def owners(name: str) -> tuple[str, ...]:
            fitting = (item.owner for item in globs if like(folded(name), item.value))
            return (name, *exact.get(folded(name), ()), *fitting)

        return owners

    def spellings(self, user: str) -> tuple[str, ...]:
        """Return a user's name and every other plain name of the same person."""
        return tuple(dict.fromkeys((user, *(self._named(user) or ()))))

    def person(self, name: str) -> str:
        """Return the name that reports show for a name of a person; any other name stays as it is."""
        return (self._named(name) or (name,))[0]

    def _named(self, name: str) -> tuple[str, ...] | None:
        """Return the names of whoever has a name of their own, or else as an alias."""
        own = self.names.get(folded(name))
        return own or next((names for names in self.names.values() if folded(name) in map(folded, names)), None)


def org_of(config: Config) -> OrgMap | None:
    """Return the org map of a configuration, None where it has none. ConfigError for the first error in it."""
    return _made(_Same(config)) if is_mapped(config) else None


def checked(found: Entries) -> OrgMap:
    """Return entries as tables. ConfigError, with file and line, for the first error."""
    told = claims(found)
    wrong = [item for item in problems(found, told) if item.level == "error"]
    if wrong:
        more = f"; {len(wrong) - 1} more: run `tokenaudit org check`" if len(wrong) > 1 else ""
        raise ConfigError(f"{wrong[0].place}: {wrong[0].text}", f"{wrong[0].hint}{more}")
    return tables(found, told)


def tables(found: Entries, told: Claims | None = None) -> OrgMap:
    """Return entries without errors as tables; `told` are their claims where they are known."""
    people, projects = told or claims(found)
    globs = tuple(claim for claim in (*people, *projects) if claim.is_glob)
    return OrgMap(
        people=_claims(people),
        projects=_claims(projects),
        globs=globs,
        memberships=_table(
            (item for item in found.people if item.is_membership),
            {"value": "user", "team": "team", "cost_center": "cost_center", "gl_code": "gl_code"},
        ),
        groups=_table((item for item in found.projects if item.group), {"value": "name", "group": "group"}),
        teams=_teams(found),
        rules=found.rules,
        allocations=found.allocations,
        **_days(found, [*people, *projects]),  # type: ignore[arg-type]
        names=_names(found),
        team_names=_team_names(found),
    )


def _days(found: Entries, told: Sequence[Claim]) -> dict[str, object]:
    """Return the fields of `OrgMap` that say on which days what changes, and for whom."""
    named = [(folded(item.user), item) for item in found.people] + [
        (folded(item.name), item) for item in found.projects
    ]
    moved = {name for name, item in named if item.first or item.last}
    moving: dict[str, set[str]] = {}
    for claim in told if moved else ():
        if folded(claim.owner) in moved:
            moving.setdefault(claim.column, set()).add(claim.value)
    everybody = edges([*found.teams, *found.rules, *found.allocations])
    own = edges(item for _, item in named)
    if _reaches(found, told, moved):
        everybody, own = sorted({*everybody, *own}), []
    frozen = {name: frozenset(values) for name, values in moving.items()}
    return {"changes": tuple(everybody), "own_changes": tuple(own), "moving": frozen}


def _reaches(found: Entries, told: Sequence[Claim], moved: set[str]) -> bool:
    """Tell whether rows may be of people or projects that change without having one of their plain names."""
    given = {folded(name) for rule in found.rules for name in (rule.user, rule.project) if name}
    shared = any(item.to in ("user", "project") for item in found.allocations)
    loose = (claim for claim in told if claim.is_glob or claim.column not in ("user", "api_key", "project"))
    return bool(moved) and (shared or not moved.isdisjoint(given) or any(folded(item.owner) in moved for item in loose))


def _claims(told: Iterable[Claim]) -> pl.DataFrame:
    rows = [(*item[:5], 0) for item in told if not item.is_glob]
    return pl.DataFrame(rows, {"column": TEXT, "value": TEXT, "owner": TEXT, **DAYS}, orient="row")


def _table(items: Iterable[Entry], columns: dict[str, str]) -> pl.DataFrame:
    rows = [
        (*(folded(text) if name == "value" and text else text for name, text in _fields(item, columns)), *item.days, 0)
        for item in items
    ]
    return pl.DataFrame(rows, {**dict.fromkeys(columns, TEXT), **DAYS}, orient="row")


def _fields(item: Entry, columns: dict[str, str]) -> list[tuple[str, str | None]]:
    return [(name, getattr(item, field)) for name, field in columns.items()]


def _teams(found: Entries) -> pl.DataFrame:
    rows = [(folded(branch.team), *branch[1:], 0) for branch in branches(found.teams)]
    columns = dict.fromkeys(("value", "path", "cost_center", "gl_code"), TEXT)
    return pl.DataFrame(rows, {**columns, **DAYS}, orient="row")


def _team_names(found: Entries) -> tuple[str, ...]:
    given = [name for name in (*(item.team for item in found.people), *(item.team for item in found.rules)) if name]
    weighted = [name for item in found.allocations if item.to == "team" for name in item.weights]
    return tuple(dict.fromkeys((*(item.name for item in found.teams), *given, *weighted)))


def _names(found: Entries) -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for item in found.people:
        plain = (name for name in item.names if "=" not in name)
        names[folded(item.user)] = tuple(dict.fromkeys((*names.get(folded(item.user), ()), item.user, *plain)))
    return names


class _Same:
    """A configuration, equal to itself only: a cache may hold what was made of it."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.config is other.config

    def __hash__(self) -> int:
        return id(self.config)


@lru_cache(maxsize=1)
def _made(same: _Same) -> OrgMap:
    return checked(entries(same.config))
