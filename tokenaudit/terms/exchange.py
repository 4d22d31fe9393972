"""Exchange rates in force: which rate converts what a day cost, and where none does.

A rate holds from its day on, until the day before the next rate of the same pair, or its own last day. Where a pair is
only known the other way round, amounts are divided by that rate.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from tokenaudit.terms.records import Fx


class Conversion(NamedTuple):
    """How an amount becomes another currency: times the rate, or divided by it."""

    rate: Fx
    divided: bool


def conversion(rates: Iterable[Fx], base: str, quote: str, day: date) -> Conversion | None:
    """Return how amounts of `base` become `quote` on a day; None where no rate is in force."""
    known = list(rates)
    straight = in_force(known, base, quote, day)
    if straight:
        return Conversion(straight, divided=False)
    other = in_force(known, quote, base, day)
    return Conversion(other, divided=True) if other else None


def in_force(rates: Iterable[Fx], base: str, quote: str, day: date) -> Fx | None:
    """Return the newest rate of a pair up to a day, if it still holds."""
    begun = [rate for rate in rates if (rate.base, rate.quote) == (base, quote) and rate.on <= day]
    newest = max(begun, key=lambda rate: rate.on, default=None)
    return newest if newest and (newest.until is None or day <= newest.until) else None
