"""What the org map is made of: people, teams, projects, rules, and shared cost. Dates are inclusive on both ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from tokenaudit.conditions import NOTHING

RESERVED = ("", *NOTHING)
"""Names that no team or person may have."""
ALWAYS = (date.min, date.max)
Value = str | bool
Allowed = Value | tuple[str, ...]
Where = Mapping[str, Allowed]
"""Conditions, all of which must hold: the allowed values, globs too, by dimension or by `tags.NAME`."""


class Place(NamedTuple):
    """Where something is written."""

    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


NOWHERE = Place(Path(), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record, the days for which it holds, and where it is written."""

    first: date | None = field(default=None, metadata={"key": "from"})
    """First day; None for every day up to `last`."""
    last: date | None = field(default=None, metadata={"key": "until"})
    """Last day, inclusive; None for every day since `first`."""
    place: Place = field(default=NOWHERE, metadata={"key": None})

    @property
    def days(self) -> tuple[date, date]:
        """Return the first and the last day."""
        return self.first or date.min, self.last or date.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(Entry):
    """Somebody, and in which team. Several entries of one person tell of several times."""

    user: str
    """The name that reports show."""
    aliases: tuple[str, ...] = ()
    """What exports and logs say instead, globs too; ``column=value`` looks at one column or tag only."""
    email: str | None = None
    """One more alias, as lists of people have a column of it."""
    team: str | None = None
    cost_center: str | None = None
    """Who pays, if not the cost center of the team."""
    gl_code: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return all aliases."""
        return (*self.aliases, *([self.email] if self.email else ()))

    @property
    def is_membership(self) -> bool:
        """Tell whether it says more than names."""
        return (self.team or self.cost_center or self.gl_code) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Team(Entry):
    """A team, and the one it is part of. What it does not say itself its parent says."""

    name: str
    parent: str | None = None
    cost_center: str | None = None
    gl_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project(Entry):
    """A project, what exports and logs call it, and the group it is part of."""

    name: str
    aliases: tuple[str, ...] = ()
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Entry):
    """What charges get that fit `where`; of several rules the first that fits."""

    where: Where
    user: str | None = None
    project: str | None = None
    team: str | None = None
    cost_center: str | None = None
    gl_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation(Entry):
    """Shared cost: the charges that fit `where`, and how they are split over the values of a dimension."""

    name: str
    where: Where
    to: str = "team"
    """The dimension that the parts are given to."""
    split: str = "cost"
    """``even``, ``fixed``, or in proportion to direct ``cost``, ``tokens`` or ``requests``."""
    weights: Mapping[str, Decimal] = field(default_factory=dict)
    """Per cent by value of `to`, for ``fixed``; they add up to 100."""
    among: Where = field(default_factory=dict)
    """Which direct charges count, and so whose values get a part."""


@dataclass(frozen=True, slots=True)
class File:
    """A CSV file of entries."""

    file: str
    """A relative path starts at the folder of the configuration."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """What the file calls our keys; none: they are called as here."""


@dataclass(frozen=True, slots=True)
class Section:
    """The ``[org]`` of a configuration, as it is written."""

    people: str | File | None = None
    """CSV file of people."""
    teams: str | File | None = None
    """CSV file of teams."""
    projects: str | File | None = None
    """CSV file of projects."""
    person: tuple[Person, ...] = ()
    team: tuple[Team, ...] = ()
    project: tuple[Project, ...] = ()
    rule: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Entries:
    """Everything that an org map says, in the order in which it is written."""

    people: tuple[Person, ...] = ()
    teams: tuple[Team, ...] = ()
    projects: tuple[Project, ...] = ()
    rules: tuple[Rule, ...] = ()
    allocations: tuple[Allocation, ...] = ()

    def all(self) -> tuple[Entry, ...]:
        """Return every entry."""
        return (*self.people, *self.teams, *self.projects, *self.rules, *self.allocations)
