"""The org map of a configuration, as questions use it: who is meant, and which days are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.analysis.sight import Sight
from tokenaudit.conditions import Condition
from tokenaudit.config import Config
from tokenaudit.errors import QueryError, did_you_mean
from tokenaudit.periods import Period

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from tokenaudit.org.map import OrgMap


def org_of(config: Config) -> OrgMap | None:
    """Return the org map of a configuration, None where it has none. ConfigError for the first error in it."""
    if not (config.org or config.allocations):
        return None
    from tokenaudit.org.map import org_of

    return org_of(config)


def sight(config: Config, period: Period) -> Sight:
    """Return the org map, and the days of a period."""
    return Sight(org_of(config), None if period.open else (period.first, period.last))


def as_people(usage: pl.LazyFrame, config: Config, period: Period) -> pl.LazyFrame:
    """Put people and projects of the org map in the place of names; without a map usage stays as it is."""
    org, days = sight(config, period)
    if org is None:
        return usage
    from tokenaudit.analysis.lens import Lens

    return Lens(org, frozenset({"user", "project"}), period.timezone, days).renamed(usage)


def of_people(conditions: Iterable[Condition], config: Config) -> tuple[Condition, ...]:
    """Return conditions, with the names that reports show for people under whichever name they are asked for.

    Raises QueryError for a team that the org map does not have.
    """
    org = org_of(config)
    return tuple(conditions) if org is None else tuple(of_org(item, org) for item in conditions)


def of_org(condition: Condition, org: OrgMap) -> Condition:
    """Return a condition with the names that reports show. QueryError for a team that the org map does not have."""
    if condition.column == "team":
        for name in condition.values:
            if name and name not in org.team_names:
                other = "`tokenaudit report --by team_path` lists teams with charges"
                raise QueryError(f"unknown team `{name}`", did_you_mean(name, org.team_names) or other)
    if condition.column == "user":
        return condition._replace(values=tuple(map(org.person, condition.values)))
    return condition
