"""Whatever an org map says: no cent and no token is lost, no order matters, and no breakdown changes a figure."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any

import polars as pl
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.analysis.conftest import usage_frame
from tokenaudit.analysis.cube import SUMS, cube
from tokenaudit.analysis.sight import Sight
from tokenaudit.conditions import parse_condition
from tokenaudit.config import Config
from tokenaudit.org.check import problems
from tokenaudit.org.map import OrgMap, tables
from tokenaudit.org.read import entries
from tokenaudit.prices.book import load_book
from tokenaudit.schema import MONEY

NAMES = ("alice", "alice@x.com", "bob", "seats", "eve", None)
PROJECTS = ("web-front", "web-back", "cli", None)
TEAMS = ("eng", "web", "pay", "sales")
BOOK = load_book()
MEASURES = (*SUMS, *MONEY)
Map = dict[str, Any]

days = st.none() | st.dates(date(2026, 9, 28), date(2026, 11, 3))


def dated(first: date | None, last: date | None) -> Map:
    """Return the dates of an entry, the earlier one first."""
    if first and last and last < first:
        first, last = last, first
    return {key: day for key, day in (("from", first), ("until", last)) if day}


PERIODS = st.builds(dated, days, days)
ROWS = st.lists(
    st.builds(
        lambda user, key, project, day, amount, tokens, currency: {
            "user": user,
            "api_key": key,
            "project": project,
            "charge_period_start": datetime(2026, 9, 30, 20, tzinfo=UTC).replace(day=day),
            "billed_cost": amount,
            "cost_basis": None if amount is None else "billed",
            "output_tokens": tokens,
            "request_model": "no-such-model" if amount is None else "claude-haiku-4-5",
            "billing_currency": currency,
        },
        st.sampled_from(NAMES),
        st.sampled_from(("k1", "k2", None)),
        st.sampled_from(PROJECTS),
        st.integers(1, 30),
        st.none() | st.decimals(-50, 1000, places=3),
        st.integers(0, 1000),
        st.sampled_from(("USD", "USD", "EUR")),
    ),
    min_size=1,
    max_size=12,
)
PERSON = st.builds(
    lambda user, aliases, team, center, held: (
        {"user": user, "aliases": aliases, **held}
        | ({"team": team} if team else {})
        | ({"cost_center": center} if center else {})
    ),
    st.sampled_from(("alice", "bob", "carl")),
    st.lists(st.sampled_from(("alice@x.com", "k1", "api_key=k2", "e*", "bob*")), max_size=2),
    st.none() | st.sampled_from(TEAMS),
    st.none() | st.sampled_from(("C1", "C2")),
    PERIODS,
)
TEAM = st.builds(
    lambda name, parent, center: {"name": name, **({"parent": parent} if parent else {}), "cost_center": center},
    st.sampled_from(TEAMS),
    st.none() | st.sampled_from(TEAMS),
    st.sampled_from(("C1", "C3")),
)
WHERE = st.sampled_from(
    (
        {"user": "seats"},
        {"user": "alice"},
        {"user": ""},
        {"user": "b*", "project": "web-*"},
        {"project": ("cli", "")},
        {"team": "eng"},
        {"team": ("web", ""), "model": "claude-*"},
        {"model": "no-such-model"},
    )
)
RULE = st.builds(
    lambda where, given, held: {"where": where, **given, **held},
    WHERE,
    st.fixed_dictionaries(
        {"team": st.sampled_from(TEAMS)},
        optional={"user": st.sampled_from(("bob", "robot")), "project": st.just("p"), "cost_center": st.just("C9")},
    ),
    PERIODS,
)
SHARED = st.builds(
    lambda where, to, split, among, held: {
        "where": where,
        "to": to,
        "split": split,
        "among": among,
        **({"weights": {"eng": 33.3, "web": 66.7}} if split == "fixed" else {}),
        **held,
    },
    WHERE,
    st.sampled_from(("team", "user", "project", "cost_center")),
    st.sampled_from(("even", "fixed", "cost", "tokens", "requests")),
    st.just({}) | WHERE,
    PERIODS,
)
MAPS = st.builds(
    lambda people, teams, rules, shared: (
        {"person": people, "team": teams, "rule": rules},
        [{"name": f"s{at}", **item} for at, item in enumerate(shared)],
    ),
    st.lists(PERSON, max_size=4),
    st.lists(TEAM, max_size=4, unique_by=lambda item: item["name"]),
    st.lists(RULE, max_size=2),
    st.lists(SHARED, max_size=3),
)


def usable(drawn: tuple[Map, list[Map]]) -> OrgMap | None:
    """Return the org map, None where a report would refuse it; unknown teams are no matter here."""
    found = entries(Config(org=drawn[0], allocations=tuple(drawn[1])))
    wrong = [item for item in problems(found) if item.level == "error" and "unknown team" not in item.text]
    return None if wrong else tables(found)


def sums(result: pl.DataFrame, by: list[str]) -> list[tuple[Any, ...]]:
    """Return the sums of every measure by some columns, in order."""
    texts = result.with_columns(pl.col(pl.Categorical).cast(pl.String))
    money = [pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name) for name in MONEY]
    found = texts.group_by(*by, "billing_currency").agg(pl.col(SUMS).sum(), *money)
    zero = [pl.col(name).fill_null(Decimal(0)) for name in MONEY]
    moved = found.with_columns(zero).filter(pl.any_horizontal(pl.col(MEASURES) != 0))
    return sorted(moved.rows(), key=str)


@settings(max_examples=25)
@given(rows=ROWS, drawn=MAPS, shuffle=st.randoms(use_true_random=False))
def test_nothing_is_lost(rows: list[Map], drawn: tuple[Map, list[Map]], shuffle: Random) -> None:
    """Allocated and unallocated are the total, in every breakdown, in whatever order rows come."""
    org = usable(drawn)
    assume(org is not None)
    sight = Sight(org, (date(2026, 9, 1), date(2026, 9, 30)))
    plain = cube(usage_frame(rows), [], BOOK)
    fine = ["team", "team_path", "user", "project", "model", "day", "cost_center", "allocation"]
    finest = cube(usage_frame(rows), fine, BOOK, sight=sight)
    assert sums(finest, []) == sums(plain, [])
    assert sums(finest, ["model", "day"]) == sums(cube(usage_frame(rows), ["model", "day"], BOOK), ["model", "day"])
    shuffled = rows[:]
    shuffle.shuffle(shuffled)
    for by in (["team"], ["cost_center", "day"], ["user", "allocation"]):
        assert sums(cube(usage_frame(shuffled), by, BOOK, sight=sight), by) == sums(finest, by)
    parts = [
        cube(usage_frame(rows), ["team"], BOOK, sight=sight, conditions=[parse_condition(f"team{sign}eng")])
        for sign in ("=", "!=")
    ]
    assert sums(pl.concat(parts), []) == sums(plain, [])
    ratios = finest.filter(pl.col("allocated_ratio").is_not_null())
    assert ratios.select(pl.col("allocated_ratio").is_between(0, 1).all()).item()
