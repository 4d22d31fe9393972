"""What a table tells, where its makers spell one column in several ways; cheap to import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenaudit.sources.source import Kind

    Fields = Mapping[str, tuple[Kind, tuple[str, ...]]]
    """What a row tells -> how it is read, and the columns it may stand in, the best first."""


def columns(fields: Fields) -> dict[str, Kind]:
    """Return every column that may hold one of the fields."""
    return {name: kind for kind, names in fields.values() for name in names}
