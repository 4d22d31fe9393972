"""The books of an agreement, worked out by hand: tiers, commitments, credits and fees."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenaudit.terms.fees import expired, flat_fees, shortfalls
from tokenaudit.terms.ledger import (
    Used,
    Volume,
    apportioned,
    commitments,
    credits_drawn,
    overages,
    reductions,
    tier_discounts,
)
from tokenaudit.terms.records import Agreement, Commit, Credit, Flat, Tier
from tokenaudit.terms.spans import Span, period_of, term

ATTO = Decimal("1e-18")
MONTH = Span(date(2026, 10, 1), date(2026, 10, 31))
amounts = st.decimals(0, 1000, places=6)
months = st.dictionaries(st.dates(date(2026, 9, 1), date(2026, 12, 31)), amounts, max_size=20)


def day(number: int, month: int = 10) -> date:
    """Return a day of October 2026, or of another month."""
    return date(2026, month, number)


def agreement(**terms: Any) -> Agreement:
    """Return an agreement of the year 2026."""
    return Agreement(**{"id": "a", "provider": "p", "first": date(2026, 1, 1), "last": date(2026, 12, 31), **terms})


def tiers(*steps: tuple[str, str], **terms: Any) -> Agreement:
    """Return an agreement with tiers: dollars, and the discount beyond them."""
    found = [Tier(over_usd=Decimal(over), discount=Decimal(discount)) for over, discount in steps]
    return agreement(tier=found, **terms)


def spent(days: dict[date, Decimal]) -> dict[date, Volume]:
    """Return volumes of which all is discounted."""
    return {day: Volume(amount, 0, amount) for day, amount in days.items()}


def saved(terms: Agreement, days: dict[date, Decimal]) -> Decimal:
    """Return what tiers take off in all."""
    found = tier_discounts(terms, spent(days))
    parts = (item.amount if item.rate is None else days[day] * item.rate for day, item in found.items())
    return sum((part or Decimal(0) for part in parts), Decimal(0))


def test_marginal_tiers() -> None:
    """Each part of the volume has the discount of its tier; a day across a threshold has some of both."""
    terms = tiers(("100", "0.2"), ("200", "0.3"), discount=Decimal("0.1"))
    days = {day(1): Decimal(60), day(2): Decimal(60), day(3): Decimal(100), day(4): Decimal(10)}
    found = tier_discounts(terms, spent(days))
    assert [(item.rate, item.amount) for item in found.values()] == [
        (Decimal("0.1"), None),
        (None, 4 + 4),  # 40 at 10 %, 20 at 20 %
        (None, 16 + 6),  # 80 at 20 %, 20 at 30 %
        (Decimal("0.3"), None),
    ]


def test_retroactive_tiers() -> None:
    """The tier that a period reaches holds for all of it, and for no other; a threshold itself is not beyond it."""
    terms = tiers(("100", "0.2"), tiers="retroactive", tier_period="month")
    days = {day(30, 9): Decimal(100), day(1): Decimal(60), day(31): Decimal("40.01")}
    assert [item.rate for item in tier_discounts(terms, spent(days)).values()] == [0, Decimal("0.2"), Decimal("0.2")]


def test_tiers_of_tokens() -> None:
    """Tokens are the volume, dollars what the discount is taken off."""
    terms = agreement(tier=[Tier(over_tokens=1000, discount=Decimal("0.5"))])
    found = tier_discounts(terms, {day(1): Volume(Decimal(8), 4000, Decimal(8))})
    assert found[day(1)].amount == 3  # three quarters of the tokens, at half price


@given(whole=amounts, more=amounts)
def test_marginal_tiers_have_no_steps(whole: Decimal, more: Decimal) -> None:
    """A dollar more never saves more than the highest discount of it, nor less than the lowest: no cliffs."""
    terms = tiers(("100", "0.2"), ("500", "0.4"), discount=Decimal("0.1"))
    gain = saved(terms, {day(1): whole + more}) - saved(terms, {day(1): whole})
    assert more * Decimal("0.1") - 2 * ATTO <= gain <= more * Decimal("0.4") + 2 * ATTO


@given(days=months)
def test_marginal_tiers_do_not_depend_on_how_days_are_cut(days: dict[date, Decimal]) -> None:
    """What a term has off in all is that of its whole volume on one day."""
    terms = tiers(("100", "0.2"), ("500", "0.4"))
    assert abs(saved(terms, days) - saved(terms, {day(1): sum(days.values(), Decimal(0))})) < 30 * ATTO


def test_overage_at_list_prices() -> None:
    """What goes beyond the amount of a month loses its discount, in proportion."""
    terms = agreement(commit=Commit(amount=Decimal(100), period="month", overage="list"))
    days = {day(5): Used(Decimal(90), Decimal(10)), day(6): Used(Decimal(35), Decimal(15))}
    assert overages(terms, days) == {day(5): 2, day(6): 3}  # 25 of 125, so a fifth of what was saved
    assert overages(agreement(commit=Commit(amount=Decimal(100), period="month")), days) == {}


def test_commitment_over_several_months() -> None:
    """Months draw one after the other, and only the last one goes beyond."""
    terms = agreement(commit=Commit(amount=Decimal(100), period="quarter", overage="list"))
    days = {day(1, month): Used(Decimal(80), Decimal(8)) for month in (7, 8, 9, 10)}
    assert overages(terms, days) == {day(1, 8): 6, day(1, 9): 8}  # 60 of the 80 of August, all of September


def test_shortfall_of_each_period() -> None:
    """Each period that is over owes what it did not use, on its last day."""
    terms = agreement(commit=Commit(amount=Decimal(100), period="month"))
    drawn = {day(3, 8): Decimal(30), day(3, 9): Decimal(200)}
    year = Span(date(2026, 1, 1), date(2026, 12, 31))
    found = {fee.day: fee.amount for fee in shortfalls(terms, drawn, year, as_of=day(1))}
    assert {at: owed for at, owed in found.items() if at.month > 7} == {day(31, 8): 70}
    assert sum(found.values()) == 7 * 100 + 70
    (october,) = commitments(terms, {day(3): Decimal(130)}, MONTH)
    assert (october.unused, october.overage) == (Decimal(0), Decimal(30))
    waived = agreement(commit=Commit(amount=Decimal(100), period="month", shortfall="waived"))
    assert list(shortfalls(waived, drawn, year, as_of=day(1))) == []


def test_credits_expire() -> None:
    """The one that expires first pays first; after its day it pays nothing; what it cost stays a cost."""
    first = Credit(amount=Decimal(100), expires=day(10), paid=Decimal(50), name="bought")
    second = Credit(amount=Decimal(30), expires=day(31, 12))
    terms = agreement(credit=[second, first])
    costs = {day(5): Decimal(60), day(20): Decimal(40), day(1, 11): Decimal(40)}
    bought, granted = credits_drawn(terms, costs)
    assert bought.days == {day(5): 60}
    assert granted.days == {day(20): 30}
    assert reductions([bought, granted]) == {day(5): 30, day(20): 30}
    (lost,) = expired(terms, [bought, granted], MONTH, as_of=day(11))
    assert (lost.day, lost.amount) == (day(10), Decimal(20))  # 40 left, bought at half price


@given(costs=months, sizes=st.lists(amounts, max_size=3), data=st.data())
def test_credits_never_pay_more_than_there_is(costs: dict[date, Decimal], sizes: list[Decimal], data: Any) -> None:
    """No credit exceeds its amount, no day becomes negative, and nothing is paid after the last day."""
    expiries = st.dates(date(2026, 9, 1), date(2026, 12, 31))
    found = [Credit(amount=size, expires=data.draw(expiries)) for size in sizes]
    drawn = credits_drawn(agreement(credit=found), costs)
    for item in drawn:
        assert sum(item.days.values(), Decimal(0)) <= item.credit.amount
        assert all(amount >= 0 and at <= item.credit.expires for at, amount in item.days.items())
    for at, amount in reductions(drawn).items():
        assert 0 <= amount <= costs[at]


@given(weights=months, share=st.integers(0, 1000))
def test_shares_of_days_add_up(weights: dict[date, Decimal], share: int) -> None:
    """Shares are the whole, none is above its weight, and none is further from its proportion than rounding takes."""
    total = sum(weights.values(), Decimal(0))
    whole = total * share / 1000
    parts = apportioned(whole, weights)
    assert sum(parts.values(), Decimal(0)) == whole
    assert all(0 <= part <= weights[at] for at, part in parts.items())
    assert all(abs(part * total - whole * weights[at]) <= total * ATTO for at, part in parts.items())


FEES: tuple[tuple[dict[str, Any], Span, str], ...] = (
    ({"amount": 310}, MONTH, "310"),
    ({"amount": 310, "first": day(22)}, MONTH, "100"),
    ({"amount": 310, "first": day(22)}, Span(day(30), day(31)), "20"),
    ({"amount": 100}, Span(day(1), day(3)), "9.677419354838709677"),
    ({"amount": 2, "units": 300, "per": "hour"}, Span(day(1), day(1)), "14400"),
    ({"amount": 5, "per": "day", "last": day(10)}, MONTH, "50"),
    ({"amount": 365, "per": "year"}, MONTH, "31"),
    ({"amount": 365, "per": "term"}, MONTH, "31"),
    ({"amount": 92, "per": "quarter"}, MONTH, "31"),
    ({"amount": 7, "per": "once", "first": day(12)}, MONTH, "7"),
    ({"amount": 7, "per": "once", "first": day(12)}, Span(day(13), day(31)), "0"),
)


@pytest.mark.parametrize(("flat", "days", "expected"), FEES)
def test_flat_fees(flat: dict[str, Any], days: Span, expected: str) -> None:
    """A fee counts for the days on which it is in force."""
    values: dict[str, Any] = {key: Decimal(value) if isinstance(value, int) else value for key, value in flat.items()}
    terms = agreement(flat=[Flat(what="x", **values)])
    assert sum((fee.amount for fee in flat_fees(terms, days)), Decimal(0)) == Decimal(expected)


@given(amount=amounts, first=st.dates(date(2026, 1, 1), date(2026, 12, 1)))
def test_days_of_a_fee_add_up(amount: Decimal, first: date) -> None:
    """The days of whole months are the fee times the months, exactly."""
    terms = agreement(first=first.replace(day=1), flat=[Flat(what="x", amount=amount)])
    fees = flat_fees(terms, Span(date(2026, 1, 1), date(2026, 12, 31)))
    assert sum((fee.amount for fee in fees), Decimal(0)) == amount * (13 - first.month)


@given(begins=st.dates(date(2024, 1, 1), date(2026, 12, 31)), after=st.integers(0, 1500), unit=st.sampled_from(
    ["month", "quarter", "year", "term"]))  # fmt: skip
def test_periods_of_an_agreement_meet(begins: date, after: int, unit: str) -> None:
    """Every day is of one period; the next one begins on the day after its last."""
    whole = Span(begins, begins + timedelta(days=2000))
    at = begins + timedelta(days=after)
    period = period_of(whole, unit, at)
    assert at in period
    assert all(period_of(whole, unit, other) == period for other in (period.first, period.last))
    if period.last < whole.last:
        assert period_of(whole, unit, period.after).first == period.after
    assert period_of(term(None, None), "month", at).first == at.replace(day=1)
