"""Which agreement holds for which name on which day, and what a unit costs under it.

A *deal* is an agreement together with the one of its rates that holds for a name, or with none: then list prices hold
and the discount is taken off them. Its prices form a table like `PriceBook.rates`, so that charging them is one join.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from tokenaudit.prices.book import PRICE_CLASSES, UNDATED_OFFERS, PriceBook
from tokenaudit.prices.own import always, per_unit, priced, spellings
from tokenaudit.terms import patterns
from tokenaudit.terms.records import FEES, INSTEAD, TOKENS, UNITS, Agreement, Rate

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

NAMES = ("provider", "request_model", "model")
"""What tells one name from another, once it is known who sells."""
HOLDS = ("agreement", "deal", "overridden", "discount", "of_tokens", "of_fees")
"""What is known of a name on a day under an agreement."""
TIMES = ("effective_from", "effective_to", "band_start", "band_end", "weekdays")
RATES = ("deal", "offer", "context_tier", *TIMES, "priced", *PRICE_CLASSES)
"""Columns of `Deals.rates`."""
MONEY = pl.Decimal(38, 18)
DEAL = pl.Int32
NO_RATE = -1
WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)
ATTO = Decimal("1e-18")
PER_UNIT = {**{column: key for key, column in UNITS.items()}, "reasoning_output_tokens": "output"}
"""Usage column -> the price that decides about it; reasoning costs more than other output at a few models only."""
SEARCHES = "web_search"

CANDIDATE: dict[str, PolarsDataType] = {
    "provider": pl.String,
    "request_model": pl.String,
    "model": pl.String,
    "agreement": pl.Int32,
    "deal": DEAL,
    "overridden": pl.Boolean,
    "discount": MONEY,
    "of_tokens": pl.Boolean,
    "of_fees": pl.Boolean,
    "said": pl.Int32,
    "said_by_rate": pl.Int32,
    "first": pl.Date,
    "last": pl.Date,
}


class Deals(NamedTuple):
    """What holds for some cells."""

    by_day: pl.DataFrame
    """One row for each name and `on_day` under an agreement: NAMES, `on_day`, `agreement` and `deal` (numbers),
    `overridden` (a rate holds), `discount` (Decimal), `of_tokens` and `of_fees` (what it is taken off)."""
    rates: pl.DataFrame
    """RATES: what a unit costs, before discounts, of each offer under each deal."""


def deals(cells: pl.DataFrame, agreements: Sequence[Agreement], book: PriceBook) -> Deals:
    """Return what holds for cells with NAMES, `on_day`, `offer`."""
    seen = cells.select(*NAMES, "on_day", "offer").unique().with_row_index("at")
    texts = seen.with_columns(pl.col(NAMES).cast(pl.String))
    found = list(_candidates(texts.select(NAMES).unique().rows(), agreements))
    candidates = pl.DataFrame(found, CANDIDATE, orient="row")
    days = texts.join(candidates, on=NAMES, nulls_equal=True)
    in_force = days.filter(pl.col("on_day").is_between("first", "last"))
    most = in_force.sort("said", "first", "said_by_rate", "deal", descending=[True, True, True, False])
    best = most.unique("at", keep="first", maintain_order=True)
    terms = best.select("at", *HOLDS)
    by_day = seen.join(terms, on="at").drop("at", "offer").unique()
    return Deals(by_day, _rates(best.select("deal", "overridden", "offer").unique(), agreements, book))


def _candidates(names: Iterable[tuple[Any, ...]], agreements: Sequence[Agreement]) -> Iterator[tuple[Any, ...]]:
    """Yield each agreement, with each of its rates and with none, beside each name that it is for."""
    first_deals = _first_deals(agreements)
    for provider, *models in names:
        for number, agreement in enumerate(agreements):
            for rate, *row in _holding(agreement, provider, tuple(models)):
                yield provider, *models, number, first_deals[number] + 1 + rate, *row


def _first_deals(agreements: Sequence[Agreement]) -> list[int]:
    """Return the number of the deal without a rate of each agreement; those with its rates follow it."""
    sizes = [1 + len(agreement.rate) for agreement in agreements]
    return [sum(sizes[:number]) for number in range(len(sizes))]


def _holding(agreement: Agreement, provider: str | None, models: tuple[str | None, ...]) -> Iterator[tuple[Any, ...]]:
    """Yield what an agreement has for a name, with its days: nothing where it is not for it."""
    fitting = patterns.best(((pattern, None) for pattern in agreement.models), models)
    if provider is None or agreement.provider.strip().lower() not in spellings(provider) or fitting is None:
        return
    if not agreement.prices_usage():
        return
    said, begins, ends = fitting[0], agreement.first or date.min, agreement.last or date.max
    applies = _applies(agreement)
    yield NO_RATE, False, _discount(agreement, models), *applies, said, NO_RATE, begins, ends
    for number, rate in enumerate(agreement.rate):
        if patterns.fits(rate.model, models):
            days = max(begins, rate.first or begins), min(ends, rate.last or ends)
            yield number, True, Decimal(0), *applies, said, patterns.literal(rate.model), *days


def _applies(agreement: Agreement) -> tuple[bool, bool]:
    """Return whether discounts are taken off tokens, and off fees."""
    return TOKENS in agreement.applies_to, FEES in agreement.applies_to and SEARCHES not in agreement.exclude


def _discount(agreement: Agreement, models: tuple[str | None, ...]) -> Decimal | None:
    """Return the discount of a name, before tiers; null where it is excluded from all of them."""
    if any(patterns.fits(pattern, models) for pattern in agreement.exclude if pattern != SEARCHES):
        return None
    if not isinstance(agreement.discount, dict):
        return agreement.discount
    found = patterns.best(agreement.discount.items(), models)
    return found[1] if found else Decimal(0)


# -- what a unit costs


def _rates(pairs: pl.DataFrame, agreements: Sequence[Agreement], book: PriceBook) -> pl.DataFrame:
    """Return the rates of pairs of `deal` and `offer`, by the price book or by the rate of the deal."""
    listed = pairs.filter(~pl.col("overridden")).join(book.all_rates(), on="offer").select(RATES)
    deal_rates = [rate for agreement in agreements for rate in (None, *agreement.rate)]
    own = pairs.filter("overridden").select("deal", "offer").rows()
    rows = [
        {**row, "deal": deal} for deal, offer in own if (rate := deal_rates[deal]) for row in _of(rate, offer, book)
    ]
    return pl.concat([listed, pl.DataFrame(rows, listed.schema, orient="row")]) if rows else listed


def _of(rate: Rate, offer: int | None, book: PriceBook) -> Iterator[dict[str, Any]]:
    """Yield the rates of an offer under a negotiated one: it stands in for the standard price, factors stay."""
    if offer is None:
        rates = per_unit(rate)
        yield {**always(None), "priced": priced(rates), **rates}
        return
    standard = _standard(offer, book)
    for row in book.all_rates().filter(pl.col("offer") == offer).iter_rows(named=True):
        for base in standard:
            times = _both(row, base)
            if times:
                yield {**row, **times, **_negotiated(rate, row, base)}


def _standard(offer: int, book: PriceBook) -> list[dict[str, Any]]:
    """Return the rates of the standard offer of the model of an offer, for short contexts; else those of the offer."""
    offers = book.undated.offers if book.undated is not None and offer >= UNDATED_OFFERS else book.offers
    alike = offers.filter(pl.col("offer") == offer)
    of_model = offers.join(alike, on=["seller", "price_model"], how="semi").filter(pl.col("variant") == "standard")
    number = of_model["offer"][0] if of_model.height else offer
    return book.all_rates().filter(pl.col("offer") == number, pl.col("context_tier") == 0).to_dicts()


def _both(one: Mapping[str, Any], two: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the times at which both rates hold, None where there are none."""
    begins, ends, early, late, days = TIMES
    times = {
        begins: max(one[begins], two[begins]),
        ends: min(one[ends], two[ends]),
        early: max(one[early], two[early]),
        late: min(one[late], two[late]),
        days: one[days] & two[days],
    }
    return times if times[begins] < times[ends] and times[early] < times[late] and times[days] else None


def _negotiated(rate: Rate, row: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rate row's prices by class; one that the rate does not name keeps its proportion to the one it names."""
    stated = per_unit(rate)
    prices = {}
    for column, key in PER_UNIT.items():
        named = _named(rate, key)
        if named is not None:
            amount, standard = stated[UNITS[named]], base[UNITS[named]]
            usual = Decimal(column != "reasoning_output_tokens")
            factor = WIDE.divide(row[column], standard) if standard else usual
            prices[column] = WIDE.multiply(amount, factor).quantize(ATTO, context=WIDE)
    return {**prices, "priced": row["priced"] | priced(stated)}


def _named(rate: Rate, key: str | None) -> str | None:
    """Return the key of the price that decides about a class: its own, or the one it follows."""
    stated = rate.stated()
    while key is not None and key not in stated:
        key = INSTEAD.get(key)
    return key
