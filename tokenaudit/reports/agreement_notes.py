"""What agreements, prices of one's own and exchange rates did to a report: for JSON, and in sentences for its foot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from tokenaudit.analysis.measures import known_sum
from tokenaudit.periods import name_of
from tokenaudit.prices.own import OWN
from tokenaudit.render.numbers import EXACT, money, percent, plural
from tokenaudit.terms.ledger import commitments
from tokenaudit.terms.records import Agreement, Terms

if TYPE_CHECKING:
    from tokenaudit.analysis.dated import Dated
    from tokenaudit.prices.book import PriceBook
    from tokenaudit.terms.ledger import Commitment, Drawn
    from tokenaudit.terms.spans import Span

CURRENCY = "USD"
COSTS = ("list_cost", "contracted_cost", "effective_cost")
SHOWN = 3
"""Exchange rates and prices that a note names before it only counts."""
Outcome = Mapping[str, Any]


def outcomes(dated: Dated, terms: Terms, as_of: date) -> list[Outcome]:
    """Return what each agreement did in the rows asked for, as JSON has it; those that did nothing are left out."""
    found = [_outcome(number, agreement, dated, as_of) for number, agreement in enumerate(terms.agreements)]
    return [item for item in found if any(item[key] for key in (*COSTS, "fees", "commitments", "credits"))]


def _outcome(number: int, agreement: Agreement, dated: Dated, as_of: date) -> Outcome:
    rows = dated.rows.filter(pl.col("agreement") == number)
    costs = rows.filter("under").select(*(known_sum(name) for name in COSTS)).row(0, named=True)
    both = rows.filter("under", pl.col("list_cost").is_not_null())
    saved = both.select(known_sum("list_cost") - known_sum("contracted_cost")).item()
    days, book = dated.days, dated.books[number]
    used = [item for item in commitments(agreement, book.drawn, days) if item.is_used or item.span.last in days]
    until = min(as_of, days.after)
    paying = [_credit(item, days, until) for item in book.credits if _is_open(item, days)]
    return {
        "agreement": agreement.id,
        "provider": agreement.provider,
        "billing_currency": CURRENCY,
        **costs,
        "saved": saved,
        "fees": _fees(rows),
        "commitments": [_used(item, agreement, dated.since, until) for item in used],
        "credits": [credit for credit in paying if credit["used"] or credit["left"]],
    }


def _fees(rows: pl.DataFrame) -> Sequence[Mapping[str, Any]]:
    keys = ("kind", "what", "billing_currency")
    fees = rows.filter(pl.col("kind").is_not_null()) if "kind" in rows.columns else rows.clear()
    return fees.group_by(keys).agg(amount=pl.col("effective_cost").sum()).sort(keys).to_dicts()


def _used(item: Commitment, agreement: Agreement, since: date | None, until: date) -> Mapping[str, Any]:
    bounded = {"start": item.span.first, "end": item.span.after if item.span.last < date.max else None}
    amounts = {"amount": item.amount, "used": item.used, "unused": item.unused, "overage": item.overage}
    billed = agreement.commit is not None and agreement.commit.shortfall == "billed"
    return {**bounded, **amounts, "over": item.span.last < until, "shortfall_billed": billed, "stored_since": since}


def _is_open(item: Drawn, days: Span) -> bool:
    return (item.credit.first or days.first) <= days.last and item.credit.expires >= days.first


def _credit(item: Drawn, days: Span, until: date) -> Mapping[str, Any]:
    credit = item.credit
    before = item.used(days.first - timedelta(days=1)) if days.first > date.min else Decimal(0)
    return {
        "credit": credit.name,
        "amount": credit.amount,
        "used": EXACT.subtract(item.used(days.last), before),
        "left": item.left(days.last),
        "expires": credit.expires,
        "expired": credit.expires < until,
    }


# -- in sentences


def sentences(found: Sequence[Outcome]) -> Iterator[str]:
    """Yield what each agreement saved, which fees it has, and how its commitments and credits stand."""
    for item in found:
        yield from _saved(item)
        yield from _flat(item)
        for used in item["commitments"]:
            yield f"Commitment of {item['agreement']}, {_days(used)}: {_standing(used)}."
        for credit in item["credits"]:
            yield (
                f"Credit of {item['agreement']}, {credit['credit']}: {money(credit['used'], CURRENCY)} used, "
                f"{money(credit['left'], CURRENCY)} of {money(credit['amount'], CURRENCY)} "
                f"{'expired' if credit['expired'] and credit['left'] else 'left, expires'} on {credit['expires']}."
            )


def _saved(item: Outcome) -> Iterator[str]:
    if item["contracted_cost"] is None:
        return
    costs = f"{money(item['contracted_cost'], CURRENCY)} under the agreement"
    if item["list_cost"] is None:
        yield f"Agreement {item['agreement']}: {costs}."
        return
    saved = item["saved"]
    word = "saved" if saved >= 0 else "more"
    yield (
        f"Agreement {item['agreement']}: {money(item['list_cost'], CURRENCY)} at list prices, {costs}, "
        f"{money(abs(saved), CURRENCY)} {word}."
    )


def _flat(item: Outcome) -> Iterator[str]:
    fees = [f"{fee['what']} {money(fee['amount'], fee['billing_currency'])}" for fee in _of_kind(item, "flat")]
    if fees:
        yield f"Flat fees of {item['agreement']}: {', '.join(fees)}."
    for fee in _of_kind(item, "expired"):
        yield (
            f"Expired: {money(fee['amount'], fee['billing_currency'])} was paid for {fee['what']} of "
            f"{item['agreement']} and never used."
        )


def _of_kind(item: Outcome, kind: str) -> Sequence[Mapping[str, Any]]:
    return [fee for fee in item["fees"] if fee["kind"] == kind]


def _days(used: Mapping[str, Any]) -> str:
    start, end = used["start"], used["end"]
    if start == date.min or end is None:
        return f"to {end - timedelta(days=1)}" if end else "without end"
    return name_of(start, end - timedelta(days=1))


def _standing(used: Mapping[str, Any]) -> str:
    """Return how much is used, and what becomes of the rest."""
    part = f" ({percent(EXACT.divide(used['used'], used['amount']))})" if used["amount"] else ""
    said = f"{money(used['used'], CURRENCY)} of {money(used['amount'], CURRENCY)} used{part}"
    if used["overage"]:
        return f"{said}, {money(used['overage'], CURRENCY)} beyond it"
    if not used["unused"]:
        return said
    unused = money(used["unused"], CURRENCY)
    if not used["over"]:
        return f"{said}, {unused} left"
    first = used["stored_since"]
    since = f" (usage is stored from {first} on)" if first and first > used["start"] else ""
    return f"{said}, {unused} unused {'and billed' if used['shortfall_billed'] else 'and waived'}{since}"


def markup_note(markup: Mapping[str, Decimal]) -> Iterator[str]:
    """Yield what charge-back adds, by currency."""
    for currency, amount in markup.items():
        yield f"Markup for charge-back: {money(amount, currency)}, not in the spend."


# -- exchange rates


def exchange_rates(rates: pl.DataFrame) -> Sequence[Mapping[str, Any]]:
    """Return the rates used, as JSON has them: each with the days it converted; null where there was none."""
    keys = ("billing_currency", "fx_pair", "fx_rate", "fx_on")
    days = rates.group_by(keys).agg(first=pl.col("on_day").min(), last=pl.col("on_day").max(), days=pl.len())
    return (
        days.rename({"billing_currency": "from", "fx_pair": "pair", "fx_rate": "rate", "fx_on": "on"})
        .sort("from", "first", "on", nulls_last=True)
        .to_dicts()
    )


def exchange_notes(rates: Sequence[Mapping[str, Any]], currency: str) -> Iterator[str]:
    """Yield with which rates amounts were converted, and on which days there was none."""
    used = [rate for rate in rates if rate["rate"] is not None]
    named = [f"{_plain(rate['rate'])} {rate['pair']} of {rate['on']}" for rate in used]
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    if named:
        yield f"Converted to {currency} with the rate of each day: {', '.join(named[-SHOWN:])}{more}."
    for rate in rates:
        if rate["rate"] is None:
            yield (
                f"Not converted: {rate['from']} of {plural(rate['days'], 'day')}, {rate['first']} to {rate['last']}: "
                f"[[fx]] has no rate to {currency} for them."
            )


def _plain(rate: Decimal) -> str:
    return f"{rate:f}".rstrip("0").rstrip(".")


# -- prices of one's own


def own_price_notes(usage: pl.LazyFrame, book: PriceBook, terms: Terms) -> Iterator[str]:
    """Yield which models are priced by prices of one's own."""
    if not terms.prices:
        return
    pairs = usage.select(pl.col("provider", "request_model").cast(pl.String)).unique().collect(engine="streaming")
    found = [(name, book.names.find(provider, name)) for provider, name in pairs.sort("request_model").iter_rows()]
    for assumed, words in ((False, "Priced by [[price]]"), (True, "Priced by an assumption (estimated)")):
        models = [str(name) for name, what in found if what.seller == OWN and what.assumed == assumed]
        if models:
            more = f" and {len(models) - SHOWN} more" if len(models) > SHOWN else ""
            yield f"{words}, as the price book lacks them: {', '.join(models[:SHOWN])}{more}."
