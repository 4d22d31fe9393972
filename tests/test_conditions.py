"""Conditions on columns, as --where has them."""

from __future__ import annotations

import pytest

from tokenaudit import schema
from tokenaudit.conditions import Condition, combined, parse_condition
from tokenaudit.errors import QueryError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("project=web", Condition("project", ("web",))),
        ("user=a,b", Condition("user", ("a", "b"))),
        ("model!=gpt-5", Condition("model", ("gpt-5",), negated=True)),
        ("project=a=b", Condition("project", ("a=b",))),
        (r"project=Smith\, Jones,web", Condition("project", ("Smith, Jones", "web"))),
        ("user=", Condition("user", ("",))),
        ("user=alice,(unattributed)", Condition("user", ("alice", ""))),
    ],
)
def test_where(text: str, expected: Condition) -> None:
    """Commas mean either, != means others, nothing means rows without a value."""
    assert parse_condition(text) == expected


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("project", "cannot read the condition `project`", "write --where key=value, such as --where project=web"),
        ("=web", "cannot read the condition `=web`", "write --where key=value, such as --where project=web"),
        ("projct=web", "unknown column `projct`", "did you mean `project`?"),
        ("day=2026-10-01", "cannot choose rows by `day`", "choose the time with --period"),
        ("zzz=1", "unknown column `zzz`", f"known are: {', '.join(schema.DIMENSIONS)}"),
    ],
)
def test_where_refused(text: str, message: str, hint: str) -> None:
    """A condition that cannot be read, or names no column, is an error and never ignored."""
    with pytest.raises(QueryError) as caught:
        parse_condition(text)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_combined() -> None:
    """Conditions on one column and sign are alternatives; others must all hold."""
    texts = ("user=alice", "project!=app", "user=bob", "project!=web")
    assert combined(map(parse_condition, texts)) == (
        Condition("user", ("alice", "bob")),
        Condition("project", ("app", "web"), negated=True),
    )
