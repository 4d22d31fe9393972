"""Two names that may be the same: `alice` in a log and `alice@example.com` on a bill, a name and an id."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

PERSON = "tie_person"
"""A user without the domain of its address, in lower case."""
ID = r"^(?:user|svac|wrkspc|proj|apikey|key)[-_][A-Za-z0-9]{8,}$"
"""Ids of users, workspaces and keys, as OpenAI and Anthropic give them."""


def person(user: pl.Expr) -> pl.Expr:
    """Return PERSON of a user."""
    return user.str.to_lowercase().str.replace(r"@.*$", "")


def is_address(name: pl.Expr) -> pl.Expr:
    """Say whether a name is an address with a domain; null where there is no name."""
    return name.str.contains("@", literal=True)


def is_id(name: pl.Expr) -> pl.Expr:
    """Say whether a name is an id of a provider; null where there is no name."""
    return name.str.contains(ID)


def may_be_one(one: pl.Expr, two: pl.Expr) -> pl.Expr:
    """Say whether two names do not contradict each other: equal, one of them missing, or an id beside a name."""
    return (one == two).fill_null(value=True) | (is_id(one) != is_id(two)).fill_null(value=True)


def may_be_one_person(one: pl.Expr, two: pl.Expr) -> pl.Expr:
    """Say whether two users do not contradict each other, also where only one of them has a domain."""
    same = (person(one) == person(two)) & (is_address(one) != is_address(two))
    return may_be_one(one, two) | same.fill_null(value=False)
