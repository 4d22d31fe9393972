"""What the tables of money must be, beyond their types: each mistake with the key it is at and what to write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import NamedTuple

from tokenaudit.errors import did_you_mean
from tokenaudit.schema import DIMENSIONS, NAMES
from tokenaudit.terms.records import FEES, TOKENS, Agreement, Commit, Credit, Flat, Fx, Price, Prices, Rate, Terms
from tokenaudit.terms.spans import PERIODS

CURRENCY = re.compile(r"[A-Z]{3}")
PLACES = 6
"""Decimal places of a share or a price that keep sums exact."""
ATOM = Decimal("1e-6")
PER = ("hour", "day", "month", "quarter", "year", "term", "once")
COVERS = ("models", *(name for name in DIMENSIONS if name in NAMES and name != "cost_basis"))


class Fault(NamedTuple):
    """What is wrong, what to do, and at which key."""

    text: str
    hint: str
    key: str = ""
    inside: tuple[str, int] | None = None
    """The table inside of an agreement that it is in, and its number among its like."""


def check_price(price: Price) -> Iterator[Fault]:
    """Yield the mistakes of a price of one's own."""
    yield from _prices(price)
    if price.input is None and price.output is None:
        yield Fault("a price without `input` and `output`", "name dollars per million tokens", "model")


def check_fx(rate: Fx) -> Iterator[Fault]:
    """Yield the mistakes of an exchange rate."""
    for key, code in (("from", rate.base), ("to", rate.quote)):
        yield from _currency(code, key)
    if rate.rate <= 0:
        yield Fault(f"the rate {rate.rate}", "it is above 0: units of `to` for one of `from`", "rate")
    if rate.base == rate.quote:
        yield Fault(f"a rate from {rate.base} to itself", "leave it out", "to")
    if rate.until and rate.until < rate.on:
        yield Fault(f"a rate that ends on {rate.until}, before {rate.on}", "mend the dates", "until")


def check_agreement(agreement: Agreement) -> Iterator[Fault]:
    """Yield the mistakes of an agreement."""
    yield from _dates(agreement.first, agreement.last)
    yield from _discounts(agreement)
    yield from _tiers(agreement)
    yield from _each("rate", map(_rate, agreement.rate))
    yield from _each("commit", map(_commit, [agreement.commit] if agreement.commit else []))
    yield from _each("credit", map(_credit, agreement.credit))
    yield from _each("flat", (_flat(flat, agreement) for flat in agreement.flat))


def _each(name: str, tables: Iterable[Iterator[Fault]]) -> Iterator[Fault]:
    """Yield the mistakes of tables inside of an agreement, each with its place."""
    for number, faults in enumerate(tables):
        yield from (fault._replace(inside=(name, number)) for fault in faults)


def _rate(rate: Rate) -> Iterator[Fault]:
    yield from _prices(rate)
    if not rate.stated():
        yield Fault(f"a rate of `{rate.model}` without a price", "name `input`, `output`, ...", "model")


def check_all(terms: Terms) -> Iterator[Fault]:
    """Yield the mistakes that several tables make together."""
    ids = [agreement.id for agreement in terms.agreements]
    for name in ids:
        if ids.count(name) > 1:
            yield Fault(f"two [[agreement]] with the id `{name}`", "give each an id of its own")
    for one, two in combinations(terms.prices, 2):
        if (one.provider, one.model) == (two.provider, two.model) and not one.assumed and _meet(one, two):
            yield Fault(f"two [[price]] of `{one.model}` on the same days", "end the one with `to` before the other")
    pairs = [(rate.base, rate.quote, rate.on) for rate in terms.fx]
    for pair in pairs:
        if pairs.count(pair) > 1:
            yield Fault(f"two rates from {pair[0]} to {pair[1]} on {pair[2]}", "leave one of them out")


def _meet(one: Price, two: Price) -> bool:
    begins = max(one.first or date.min, two.first or date.min)
    return begins <= min(one.last or date.max, two.last or date.max)


def _prices(prices: Prices) -> Iterator[Fault]:
    yield from _dates(prices.first, prices.last)
    for key, amount in prices.stated().items():
        yield from _amount(amount, key)


def _discounts(agreement: Agreement) -> Iterator[Fault]:
    found = agreement.discount
    for share in found.values() if isinstance(found, dict) else (found,):
        yield from _share(share, "discount")
    yield from _amount(agreement.markup, "markup")
    for word in agreement.applies_to:
        yield from _word("applies_to", word, (TOKENS, FEES))


def _tiers(agreement: Agreement) -> Iterator[Fault]:
    yield from _word("tiers", agreement.tiers, ("marginal", "retroactive"))
    yield from _word("tier_period", agreement.tier_period, PERIODS)
    yield from _each("tier", (_tier(number, agreement) for number in range(len(agreement.tier))))
    if isinstance(agreement.discount, dict) and agreement.tier:
        hint = "name one `discount`: tiers take its place beyond a volume"
        yield Fault("tiers beside discounts by model", hint, "discount")


def _tier(number: int, agreement: Agreement) -> Iterator[Fault]:
    """Look at a tier, and at the one before it."""
    tier, key = agreement.tier[number], "over_usd" if agreement.tier[0].over_usd is not None else "over_tokens"
    yield from _share(tier.discount, "discount")
    if (tier.over_usd is None) == (tier.over_tokens is None):
        yield Fault("a tier without one threshold", "name either `over_usd` or `over_tokens`", "over_usd")
    elif getattr(tier, key) is None:
        yield Fault("tiers of spend beside tiers of tokens", "use one of the two", "over_usd")
    elif getattr(tier, key) < (getattr(agreement.tier[number - 1], key) + ATOM if number else 0):
        yield Fault("tiers out of order", "sort them by volume, each above the one before", key)


def _commit(commit: Commit) -> Iterator[Fault]:
    yield from _amount(commit.amount, "amount")
    yield from _word("period", commit.period, PERIODS)
    yield from _word("overage", commit.overage, ("contracted", "list"))
    yield from _word("shortfall", commit.shortfall, ("billed", "waived"))


def _credit(credit: Credit) -> Iterator[Fault]:
    yield from _amount(credit.amount, "amount")
    yield from _dates(credit.first, credit.expires)
    if not 0 <= credit.paid <= credit.amount:
        yield Fault(f"a credit of {credit.amount} that cost {credit.paid}", "`paid` is 0 to `amount`", "paid")


def _flat(flat: Flat, agreement: Agreement) -> Iterator[Fault]:
    yield from _dates(flat.first, flat.last)
    yield from _amount(flat.amount, "amount")
    yield from _amount(flat.units, "units")
    yield from _word("per", flat.per, PER)
    yield from _currency(flat.currency, "currency")
    if not (flat.first or agreement.first):
        yield Fault(f"the fee `{flat.what}` without a first day", "name `from`", "what")
    if flat.per == "term" and not (flat.last or agreement.last):
        yield Fault(f"the fee `{flat.what}` of a term without a last day", "name `to`", "per")
    for column in flat.covers or ():
        yield from _word("column", column, COVERS, "covers")


def _dates(first: date | None, last: date | None) -> Iterator[Fault]:
    if first and last and last < first:
        yield Fault(f"days that end on {last}, before they begin on {first}", "mend `from` and `to`", "to")


def _share(share: Decimal, key: str) -> Iterator[Fault]:
    if not 0 <= share <= 1:
        yield Fault(f"{key} = {share}", "write the part that is taken off, from 0 to 1: 0.17 for 17 %", key)
    yield from _amount(share, key)


def _amount(amount: Decimal, key: str) -> Iterator[Fault]:
    """Look at an amount that is multiplied: more places than these would be rounded."""
    if not amount.is_finite() or amount < 0:
        yield Fault(f"{key} = {amount}", "write an amount of 0 or more", key)
    elif -int(amount.as_tuple().exponent) > PLACES:
        yield Fault(f"{key} = {amount}", f"write at most {PLACES} decimal places", key)


def _currency(code: str, key: str) -> Iterator[Fault]:
    if not CURRENCY.fullmatch(code):
        yield Fault(f"the currency `{code}`", "write its ISO 4217 code, such as EUR", key)


def _word(what: str, word: str, words: Sequence[str], key: str = "") -> Iterator[Fault]:
    if word not in words:
        yield Fault(
            f"unknown {what} `{word}`",
            did_you_mean(word, tuple(words)) or f"write one of {', '.join(words)}",
            key or what,
        )
