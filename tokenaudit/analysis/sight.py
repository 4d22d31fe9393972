"""What a question must know of the org map before what applies it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from tokenaudit.schema import ORG_DIMENSIONS

if TYPE_CHECKING:
    from tokenaudit.org.map import OrgMap

MAPPED = ("user", "project", *ORG_DIMENSIONS)
"""Dimensions that an org map gives or changes."""
RATIO = "allocated_ratio"


class Sight(NamedTuple):
    """The org map of a configuration, and the time that is looked at."""

    org: OrgMap | None = None
    span: tuple[date, date] | None = None
    """First and last day asked for; None for all time."""


UNMAPPED = Sight()


def shown(names: Sequence[str]) -> list[str]:
    """Return columns with the ratio of shared cost beside its name."""
    return [column for name in names for column in ((name, RATIO) if name == "allocation" else (name,))]
