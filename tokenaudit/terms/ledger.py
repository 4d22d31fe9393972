"""The books of one agreement, day by day: volume discounts, commitments, credits. Exact, and without usage rows.

What comes in are sums of whole UTC days, of all of the agreement's usage; what comes out are amounts of days. So
neither the breakdown nor the period of a report changes them, and the days of a month add up to the month.

* Volumes are counted day by day: a day that crosses a threshold has some of each discount.
* Commitments and credits are settled month by month; a month's amount is spread over its days in proportion.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from functools import reduce
from itertools import accumulate, groupby, pairwise
from typing import NamedTuple

from tokenaudit.terms.records import Agreement, Credit, Tier
from tokenaudit.terms.spans import Span, month_of, period_of, term

EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
ATTO = Decimal("1e-18")
NOTHING = Decimal(0)
Amounts = dict[date, Decimal]


class Volume(NamedTuple):
    """What counts towards tiers on one day, and what their discount is taken off."""

    spend: Decimal
    tokens: int
    base: Decimal


class Discount(NamedTuple):
    """The discount of a day: a rate, or an amount for the whole day where it crosses a threshold."""

    rate: Decimal | None
    amount: Decimal | None = None


class Used(NamedTuple):
    """What one day draws from a commitment, and what its discounts took off."""

    drawn: Decimal
    saved: Decimal


def term_of(agreement: Agreement) -> Span:
    """Return the days of an agreement."""
    return term(agreement.first, agreement.last)


# -- tiers


def tier_discounts(agreement: Agreement, days: Mapping[date, Volume]) -> dict[date, Discount]:
    """Return the discount of each day, by the volume of its period up to then, or of its whole period."""
    steps = _steps(agreement)
    found: dict[date, Discount] = {}
    for _, group in groupby(sorted(days), key=lambda day: period_of(term_of(agreement), agreement.tier_period, day)):
        period = list(group)
        volumes = [_counted(agreement.tier, days[day]) for day in period]
        if agreement.tiers == "retroactive":
            rate = _step(steps, sum(volumes, NOTHING))
            found.update((day, Discount(rate)) for day in period)
        else:
            for day, (before, after) in zip(period, pairwise(_running(volumes)), strict=True):
                found[day] = _of_day(steps, before, after, days[day].base)
    return found


def _steps(agreement: Agreement) -> list[tuple[Decimal, Decimal]]:
    """Return each threshold and the discount beyond it, that of the first tier from 0."""
    base = agreement.discount if isinstance(agreement.discount, Decimal) else NOTHING
    return [(NOTHING, base), *((Decimal(_over(tier)), tier.discount) for tier in agreement.tier)]


def _over(tier: Tier) -> Decimal | int:
    return tier.over_usd if tier.over_usd is not None else tier.over_tokens or 0


def _running(volumes: Iterable[Decimal]) -> Iterator[Decimal]:
    """Yield the volume before the first day and after each."""
    yield from accumulate(volumes, EXACT.add, initial=NOTHING)


def _counted(tiers: Sequence[Tier], volume: Volume) -> Decimal:
    return Decimal(volume.tokens) if tiers[0].over_usd is None else volume.spend


def _step(steps: Sequence[tuple[Decimal, Decimal]], volume: Decimal) -> Decimal:
    return [discount for over, discount in steps if volume > over or over == 0][-1]


def _of_day(steps: Sequence[tuple[Decimal, Decimal]], before: Decimal, after: Decimal, base: Decimal) -> Discount:
    """Return the discount of a day that takes the volume from one amount to another."""
    if after <= before or not any(before < over < after for over, _ in steps):
        return Discount(_step(steps, max(before, after)))
    taken = EXACT.subtract(_taken_off(steps, after), _taken_off(steps, before))
    amount = EXACT.divide(EXACT.multiply(base, taken), EXACT.subtract(after, before))
    return Discount(None, amount.quantize(ATTO, context=EXACT))


def _taken_off(steps: Sequence[tuple[Decimal, Decimal]], volume: Decimal) -> Decimal:
    """Return what a volume has off in all, each part of it at the discount of its tier."""
    ends = [*(over for over, _ in steps[1:]), max(volume, steps[-1][0])]
    parts = [
        EXACT.multiply(max(NOTHING, EXACT.subtract(min(volume, end), over)), discount)
        for (over, discount), end in zip(steps, ends, strict=True)
    ]
    return _sum(parts)


# -- commitments


def overages(agreement: Agreement, days: Mapping[date, Used]) -> Amounts:
    """Return what comes back on top of each day's cost, as list prices hold beyond the commitment."""
    commit = agreement.commit
    if commit is None or commit.overage != "list":
        return {}
    found: Amounts = {}
    for _, period in _by_period(agreement, days):
        before = NOTHING
        for month in _months(period):
            drawn = _sum(days[day].drawn for day in month)
            after = EXACT.add(before, drawn)
            over = EXACT.subtract(after, max(commit.amount, before))
            saved = {day: max(NOTHING, days[day].saved) for day in month}
            if over > 0:
                whole = EXACT.divide(EXACT.multiply(min(over, drawn), _sum(saved.values())), drawn)
                found |= apportioned(whole.quantize(ATTO, ROUND_FLOOR, context=EXACT), saved)
            before = after
    return found


class Commitment(NamedTuple):
    """How much of a commitment one of its periods uses."""

    span: Span
    amount: Decimal
    used: Decimal
    is_used: bool
    """There is usage in it."""

    @property
    def unused(self) -> Decimal:
        """Return what is left of it."""
        return max(NOTHING, EXACT.subtract(self.amount, self.used))

    @property
    def overage(self) -> Decimal:
        """Return what went beyond it."""
        return max(NOTHING, EXACT.subtract(self.used, self.amount))


def commitments(agreement: Agreement, drawn: Mapping[date, Decimal], asked: Span) -> list[Commitment]:
    """Return the periods of a commitment that the days asked for touch, and what they used by the last of those."""
    if agreement.commit is None:
        return []
    whole = term_of(agreement)
    spans: list[Span] = []
    day = max(asked.first, whole.first)
    while day <= min(asked.last, whole.last):
        spans.append(period_of(whole, agreement.commit.period, day))
        if spans[-1].last >= date.max:
            break
        day = spans[-1].after
    return [_commitment(agreement.commit.amount, span, drawn, asked.last) for span in spans]


def _commitment(amount: Decimal, span: Span, drawn: Mapping[date, Decimal], until: date) -> Commitment:
    days = [day for day in drawn if day in span and day <= until]
    return Commitment(span, amount, _sum(drawn[day] for day in days), bool(days))


def _by_period(agreement: Agreement, days: Iterable[date]) -> Iterator[tuple[Span, list[date]]]:
    unit = agreement.commit.period if agreement.commit else "term"
    for span, group in groupby(sorted(days), key=lambda day: period_of(term_of(agreement), unit, day)):
        yield span, list(group)


# -- credits


class Drawn(NamedTuple):
    """What one credit pays for, by day."""

    credit: Credit
    days: Amounts

    def used(self, until: date) -> Decimal:
        """Return what it has paid for by the end of a day."""
        return _sum(amount for day, amount in self.days.items() if day <= until)

    def left(self, until: date) -> Decimal:
        """Return what is left of it at the end of a day."""
        return EXACT.subtract(self.credit.amount, self.used(until))

    def cost_of(self, amount: Decimal) -> Decimal:
        """Return what a part of it cost."""
        if not self.credit.amount:
            return NOTHING
        part = EXACT.divide(EXACT.multiply(amount, self.credit.paid), self.credit.amount)
        return part.quantize(ATTO, context=EXACT)


def credits_drawn(agreement: Agreement, costs: Mapping[date, Decimal]) -> list[Drawn]:
    """Return what each credit pays of each day's cost: the one that expires first goes first, none pays twice."""
    order = sorted(agreement.credit, key=lambda credit: credit.expires)
    drawn = [Drawn(credit, {}) for credit in order]
    left = {day: amount for day, amount in costs.items() if amount > 0}
    for month in _months(sorted(left)):
        for item in drawn:
            span = term(item.credit.first, item.credit.expires)
            open_days = {day: left[day] for day in month if day in span and left[day] > 0}
            parts = apportioned(min(item.left(date.max), _sum(open_days.values())), open_days)
            item.days.update(parts)
            left.update((day, EXACT.subtract(left[day], part)) for day, part in parts.items())
    return drawn


def reductions(drawn: Iterable[Drawn]) -> Amounts:
    """Return what credits take off each day's cost, less what they cost themselves."""
    found: Amounts = {}
    for item in drawn:
        for day, amount in item.days.items():
            net = EXACT.subtract(amount, item.cost_of(amount))
            found[day] = EXACT.add(found.get(day, NOTHING), net)
    return found


# -- amounts over days


def apportioned(whole: Decimal, weights: Mapping[date, Decimal]) -> Amounts:
    """Return the parts of an amount in proportion to weights, none above its weight where the amount is not above them.

    Parts are rounded down to 18 places; what is left goes to those that lost most, so that they add up.
    """
    total = _sum(weights.values())
    if whole <= 0 or total <= 0:
        return {}
    exact = {day: EXACT.divide(EXACT.multiply(whole, weight), total) for day, weight in weights.items()}
    parts = {day: amount.quantize(ATTO, ROUND_FLOOR, context=EXACT) for day, amount in exact.items()}
    left = EXACT.subtract(whole, _sum(parts.values()))
    for day in sorted(exact, key=lambda day: (parts[day] - exact[day], day)):
        more = min(ATTO, left, EXACT.subtract(weights[day], parts[day])) if left > 0 else NOTHING
        parts[day], left = EXACT.add(parts[day], more), EXACT.subtract(left, more)
    return parts


def _months(days: Sequence[date]) -> list[list[date]]:
    return [list(group) for _, group in groupby(days, key=month_of)]


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return reduce(EXACT.add, amounts, NOTHING)
