"""Shared cost: who gets which part of what, by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tests.analysis.test_lens import TRANSFER, Row, org, paid, spent
from tokenaudit.analysis.allocation import MEASURES
from tokenaudit.analysis.cube import SUMS, cube
from tokenaudit.analysis.lens import Lens
from tokenaudit.analysis.sight import Sight
from tokenaudit.schema import MONEY, TOKEN_CLASSES

Frames = Callable[..., pl.LazyFrame]
SEATS: dict[str, Any] = {"name": "seats", "where": {"user": "seats"}}
PEOPLE = {
    "person": [{"user": name, "team": team} for name, team in (("a", "x"), ("b", "x"), ("c", "y"), ("d", "z"))],
    "team": [{"name": "x", "cost_center": "CX"}, {"name": "y", "cost_center": "CY", "parent": "top"}, {"name": "z"},
             {"name": "top"}],
}  # fmt: skip


def rows(usage: Frames) -> pl.LazyFrame:
    """Return direct cost of 30 (x), 10 (y) and 0 (z), and 100 that is shared."""
    return usage(
        paid("10", user="a", requests=1, output_tokens=100), paid("20", user="b", requests=5, output_tokens=0),
        paid("10", user="c", requests=2, output_tokens=300), paid("0", user="d", requests=0), paid("7", user="eve"),
        paid("100", user="seats", requests=3, output_tokens=10),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, {"x": "75", "y": "25"}),
        ({"split": "even"}, {"x": "33.333333333333333334", "y": "33.333333333333333333", "z": "33.333333333333333333"}),
        ({"split": "tokens"}, {"x": "25", "y": "75"}),
        ({"split": "requests"}, {"x": "75", "y": "25"}),
        ({"split": "fixed", "weights": {"x": 12.5, "z": 87.5}}, {"x": "12.5", "z": "87.5"}),
        ({"split": "even", "among": {"team": "top"}}, {"y": "100"}),
        ({"split": "even", "among": {"team": ["x", "top"], "user": ["a", "c"]}}, {"x": "50", "y": "50"}),
        ({"from": date(2026, 10, 15)}, {None: "100"}),
        ({"until": date(2026, 10, 14)}, {"x": "75", "y": "25"}),
        ({"among": {"team": "nobody"}}, {None: "100"}),
    ],
)
def test_methods(usage: Frames, book: Any, more: dict[str, Any], expected: dict[str | None, str]) -> None:
    """Each method gives teams their part of the 100; what has no target stays where it was."""
    found = org(**PEOPLE, allocations=[SEATS | more])
    both = spent(rows(usage), ["team", "user"], book, found)
    assert {team: amount for (team, user), amount in both.items() if user == "seats"} == {
        team: Decimal(amount) for team, amount in expected.items()
    }
    direct = {key: amount for key, amount in both.items() if key[1] != "seats"}
    assert direct == {("x", "a"): 10, ("x", "b"): 20, ("y", "c"): 10, ("z", "d"): 0, (None, "eve"): 7}


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("user", {("a", "x", "CX"): 25, ("b", "x", "CX"): 50, ("c", "y", "CY"): 25}),
        ("team", {("seats", "x", "CX"): 75, ("seats", "y", "CY"): 25}),
        ("cost_center", {("seats", None, "CX"): 75, ("seats", None, "CY"): 25}),
    ],
)
def test_what_follows_from_a_target_is_looked_up(
    usage: Frames, book: Any, to: str, expected: dict[tuple[str | None, ...], int]
) -> None:
    """A person's part is their team's, a team's that of its cost center."""
    found = org(**PEOPLE, allocations=[SEATS | {"to": to, "among": {"team": ["x", "y", "z"]}}])
    by = ["allocation", "user", "team", "cost_center"]
    shared = {key[1:]: amount for key, amount in spent(rows(usage), by, book, found).items() if key[0]}
    assert shared == expected


def test_the_ratio_stands_on_the_row(usage: Frames, book: Any) -> None:
    """Beside the rule's name; direct cost has neither. Counts are split as money is."""
    found = org(**PEOPLE, allocations=[SEATS])
    result = cube(rows(usage), ["team", "allocation"], book, sight=Sight(found))
    columns = ("team", "allocation", "allocated_ratio", "effective_cost", "requests", "output_tokens")
    sums = pl.col("effective_cost", "requests", "output_tokens").sum()
    shown = result.group_by(columns[:3]).agg(sums).sort(columns[:2], nulls_last=True)
    assert shown.select(columns).rows() == [
        ("x", "seats", Decimal("0.75"), 75, 2, 8),
        ("x", None, None, 30, 6, 100),
        ("y", "seats", Decimal("0.25"), 25, 1, 2),
        ("y", None, None, 10, 2, 300),
        ("z", None, None, 0, 0, 0),
        (None, None, None, 7, 1, 0),
    ]


def test_months_are_split_apart(usage: Frames, book: Any) -> None:
    """Whoever used nothing in a month gets nothing of that month's."""
    one = [paid("1", 1, user="a"), paid("9", 2, user="seats")]
    nine = {"charge_period_start": paid("1")["charge_period_start"].replace(month=9)}
    other = [paid("1", user="c") | nine, paid("90", user="seats") | nine]
    found = org(**PEOPLE, allocations=[SEATS])
    assert spent(usage(*one, *other), ["team"], book, found) == {"x": 10, "y": 91}
    assert spent(usage(*one, *other), ["team", "month"], book, found) == {("x", "2026-10"): 10, ("y", "2026-09"): 91}


def test_the_first_rule_takes_a_charge(usage: Frames, book: Any) -> None:
    """What is shared by one rule neither weighs in another nor is shared again."""
    rules = [
        {"name": "one", "where": {"user": "a"}, "split": "cost"},
        {"name": "two", "where": {"user": ["a", "seats"]}, "split": "cost"},
    ]
    by = spent(rows(usage), ["team", "allocation"], book, org(**PEOPLE, allocations=rules))
    assert by == {
        ("x", None): 20, ("y", None): 10, ("z", None): 0, (None, None): 7,
        ("x", "one"): Decimal("6.666666666666666667"), ("y", "one"): Decimal("3.333333333333333333"),
        ("x", "two"): Decimal("66.666666666666666667"), ("y", "two"): Decimal("33.333333333333333333"),
    }  # fmt: skip


def test_currencies_are_never_added(usage: Frames, book: Any) -> None:
    """Fees in euros are split by cost in euros, or where there is none by that in the only other currency."""
    euros: Row = {"billing_currency": "EUR"}
    fee = paid("100", user="seats", **euros)
    direct = [paid("10", user="a"), paid("30", user="c")]
    found = org(**PEOPLE, allocations=[SEATS])

    def by_currency(*given: Row) -> dict[Any, Any]:
        result = cube(usage(*given), ["team"], book, sight=Sight(found))
        sums = result.group_by("team", "billing_currency").agg(pl.col("effective_cost").sum())
        return {(team, str(currency)): amount for team, currency, amount in sums.iter_rows()}

    dollars: dict[tuple[str | None, str], int] = {("x", "USD"): 10, ("y", "USD"): 30}
    assert by_currency(fee, *direct) == {**dollars, ("x", "EUR"): 25, ("y", "EUR"): 75}
    assert by_currency(fee, *direct, paid("1", user="d", **euros)) == {**dollars, ("z", "EUR"): 101}
    several = by_currency(fee, *direct, paid("1", user="d", billing_currency="GBP"))
    assert several == dollars | {("z", "GBP"): 1, (None, "EUR"): 100}


def test_unpriced_cost_is_shared_unpriced(usage: Frames, book: Any) -> None:
    """Unknown money stays unknown on every part; tokens are split."""
    unknown = {"request_model": "no-such-model", "user": "seats", "output_tokens": 10, "requests": 1}
    found = org(**PEOPLE, allocations=[SEATS | {"split": "even"}])
    result = cube(usage(paid("1", user="a"), paid("1", user="c"), unknown), ["team"], book, sight=Sight(found))
    shared = result.filter(pl.col("allocation").is_not_null()).sort("team")
    assert shared.select("team", "effective_cost", "unpriced_tokens", "unpriced_requests").rows() == [
        ("x", None, 5, 1),
        ("y", None, 5, 0),
    ]


def test_a_condition_chooses_among_the_parts(usage: Frames, book: Any) -> None:
    """A team's report holds its part of what is shared, though the seats are nobody's there."""
    found = org(**PEOPLE, allocations=[SEATS])
    assert spent(rows(usage), ["model"], book, found, "team=x") == {"claude-haiku-4-5": 105}
    assert spent(rows(usage), ["team"], book, found, "source=usage", "allocation!=") == {"x": 75, "y": 25}
    assert spent(rows(usage), ["team"], book, found, "allocation=(direct)") == {"x": 30, "y": 10, "z": 0, None: 7}


def test_large_and_small_amounts_are_exact(usage: Frames, book: Any) -> None:
    """A billion over weights of 18 digits, and the smallest amount there is."""
    for amount in ("1000000000", "0.000000000000000001", "-12345.678901234567890123"):
        direct = [paid("0.333333333333333333", user="a"), paid("123456789.123456789123456789", user="c")]
        result = spent(usage(paid(amount, user="seats"), *direct), ["team"], book, org(**PEOPLE, allocations=[SEATS]))
        whole = cube(usage(paid(amount, user="seats"), *direct), [], book)["effective_cost"].sum()
        assert sum(result.values(), Decimal(0)) == whole


def test_every_measure_is_split() -> None:
    """No column of a cube is left out, or counted with each part."""
    assert set(MEASURES) == {*SUMS, *MONEY}
    assert set(TOKEN_CLASSES) < set(MEASURES)


def test_charges_are_told_apart_by_what_else_they_have() -> None:
    """Columns that neither the question nor any rule knows stay; those that nobody asks about are added up."""
    seen = Lens(org(**PEOPLE, allocations=[SEATS | {"split": "even"}]), frozenset({"team", "tags.env"}))
    texts = {"user": "a", "project": "p", "provider": "x", "model": "m", "request_model": "m", "tags": '{"env":"e"}',
             "billing_currency": "USD", "cost_basis": "billed", "granularity": "request"}  # fmt: skip
    days = {
        "org_day": date(2026, 10, 1),
        "org_month": date(2026, 10, 1),
        "last_start": paid("1")["charge_period_start"],
    }
    measures = {name: Decimal(1) if name in MONEY else 1 for name in MEASURES}
    charges = pl.DataFrame(
        [texts | days | measures | {"window": window, "model": model} for window in (1, 2) for model in "mn"],
        schema_overrides=dict.fromkeys(MONEY, pl.Decimal(38, 18)),
    )
    assigned = seen.assigned(charges)
    assert sorted(assigned.select("window", "tags", "team", "requests").rows()) == [
        (1, '{"env":"e"}', "x", 2),
        (2, '{"env":"e"}', "x", 2),
    ]
    assert "model" not in assigned.columns


def test_transfers_and_shared_cost(usage: Frames, book: Any) -> None:
    """The parts of a person who moved are split between both teams, by what was spent in each."""
    found = org(**TRANSFER, allocations=[SEATS | {"to": "team"}])
    result = spent(usage(paid("1", 1, user="alice@x.com"), paid("3", 20, user="Alice"), paid("8", user="seats")),
                   ["team"], book, found)  # fmt: skip
    assert result == {"web": 3, "pay": 9}
