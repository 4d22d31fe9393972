"""Flat fees by day, and the charges that end a commitment or a credit: amounts that no usage carries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import NamedTuple

from tokenaudit.terms.ledger import Drawn, commitments, term_of
from tokenaudit.terms.records import Agreement, Flat
from tokenaudit.terms.spans import Span, calendar_period, term

EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
ATTO = Decimal("1e-18")
HOURS = 24


class Fee(NamedTuple):
    """An amount of a day that is no usage: a `kind` of flat, shortfall or expired."""

    agreement: str
    provider: str
    kind: str
    what: str
    day: date
    amount: Decimal
    currency: str = "USD"


def flat_fees(agreement: Agreement, asked: Span) -> Iterator[Fee]:
    """Yield the flat fees of the days asked for; the parts of a month, quarter or year add up to the fee."""
    for flat in agreement.flat:
        whole = term(flat.first, flat.last).within(term_of(agreement))
        for day in whole.within(asked).days():
            amount = _of_day(flat, whole, day)
            if amount:
                yield Fee(agreement.id, agreement.provider, "flat", flat.what, day, amount, flat.currency)


def _of_day(flat: Flat, whole: Span, day: date) -> Decimal:
    amount = EXACT.multiply(flat.amount, flat.units)
    if flat.per in ("hour", "day"):
        return EXACT.multiply(amount, Decimal(HOURS if flat.per == "hour" else 1))
    if flat.per == "once":
        return amount if day == whole.first else Decimal(0)
    span = whole if flat.per == "term" else calendar_period(flat.per, day)
    at = (day - span.first).days
    return EXACT.subtract(_up_to(amount, at + 1, span.length), _up_to(amount, at, span.length))


def _up_to(amount: Decimal, days: int, length: int) -> Decimal:
    """Return the part of an amount that falls on the first days of a span."""
    return EXACT.divide(EXACT.multiply(amount, Decimal(days)), Decimal(length)).quantize(ATTO, context=EXACT)


def shortfalls(agreement: Agreement, drawn: Mapping[date, Decimal], asked: Span, as_of: date) -> Iterator[Fee]:
    """Yield what is owed for unused commitments, on the last day of each period that is over by `as_of`."""
    if agreement.commit is None or agreement.commit.shortfall != "billed":
        return
    for item in commitments(agreement, drawn, asked):
        if item.span.last in asked and item.span.last < as_of and item.unused:
            yield Fee(agreement.id, agreement.provider, "shortfall", "commitment", item.span.last, item.unused)


def expired(agreement: Agreement, drawn: Iterable[Drawn], asked: Span, as_of: date) -> Iterator[Fee]:
    """Yield what was paid for credits that expired unused, on their last day."""
    for item in drawn:
        last = item.credit.expires
        lost = item.cost_of(item.left(last))
        if last in asked and last < as_of and lost:
            yield Fee(agreement.id, agreement.provider, "expired", item.credit.name, last, lost)
