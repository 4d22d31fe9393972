"""Conditions on columns, as `--where` has them: ``project=web,docs``, ``user!=``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from tokenaudit.errors import QueryError, did_you_mean
from tokenaudit.schema import DIMENSIONS, TIME_DIMENSIONS

UNATTRIBUTED = "(unattributed)"
"""What tables show for a missing value."""
UNALLOCATED = "(unallocated)"
"""What they show for what no team or cost center has."""
DIRECT = "(direct)"
"""What they show for cost that no rule shared out."""
NOTHING = (UNATTRIBUTED, UNALLOCATED, DIRECT)

TAG = "tag."
"""What the columns of tags begin with."""


class Condition(NamedTuple):
    """Rows whose `column` is one of `values` (the empty one means no value), or none of them where `negated`."""

    column: str
    values: tuple[str, ...]
    negated: bool = False


def parse_condition(text: str) -> Condition:
    r"""Read ``key=value``, ``key=a,b`` or ``key!=value``. Raises QueryError for an unknown key.

    Nothing, or what tables show for nothing, such as ``(unattributed)``, is a missing value. ``\,`` is a comma.

    >>> parse_condition("project=web,docs")
    Condition(column='project', values=('web', 'docs'), negated=False)
    >>> parse_condition("user!=")
    Condition(column='user', values=('',), negated=True)
    """
    key, equals, values = text.partition("=")
    column = key.removesuffix("!").strip()
    if not equals or not column:
        raise QueryError(f"cannot read the condition `{text}`", "write --where key=value, such as --where project=web")
    if column in TIME_DIMENSIONS:
        raise QueryError(f"cannot choose rows by `{column}`", "choose the time with --period")
    if column not in DIMENSIONS and not is_tag(column):
        known = f"known are: {', '.join(DIMENSIONS)}"
        raise QueryError(f"unknown column `{column}`", did_you_mean(column, DIMENSIONS) or known)
    return Condition(column, tuple(map(_value, re.split(r"(?<!\\),", values))), key.endswith("!"))


def is_tag(column: str) -> bool:
    """Tell whether a column is one of the tags of a row: ``tag.env``."""
    return column.startswith(TAG) and len(column) > len(TAG) and "'" not in column


def combined(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """Join the values of conditions on one column and sign: they are alternatives, as in ``user=a`` and ``user=b``."""
    values: dict[tuple[str, bool], list[str]] = {}
    for condition in conditions:
        values.setdefault((condition.column, condition.negated), []).extend(condition.values)
    return tuple(Condition(column, tuple(found), negated) for (column, negated), found in values.items())


def _value(text: str) -> str:
    return "" if text.strip() in NOTHING else text.replace("\\,", ",").strip()
