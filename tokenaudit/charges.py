"""From usage to charges: what each row cost, at list price and as billed.

Pricing is a join and a sum. `with_price_dimensions` gives each row what its price depends on, so that rows may be added
up by it before they are priced; `charge` prices rows or such sums. Both give the same total to the last digit.
"""

from __future__ import annotations

import operator
from collections.abc import Collection
from functools import reduce
from typing import NamedTuple

import polars as pl

from tokenaudit.prices import tiers
from tokenaudit.prices.book import INPUT, OUTPUT, PRICE_CLASSES, SEARCH, UNDATED_OFFERS, PriceBook
from tokenaudit.prices.instants import INSTANT, Changes, banded, changes, minute_of_day
from tokenaudit.prices.quotes import quotes, wish
from tokenaudit.prices.unpriced import CURRENCY, reason
from tokenaudit.schema import INPUT_CLASSES, OUTPUT_CLASSES, TOKEN_CLASSES

ROW_DIMENSIONS = (
    "provider",
    "request_model",
    "wish",
    "input_above",
    "price_instant",
    "price_end",
    "price_marks",
    "cost_basis",
    "billing_currency",
)
"""What rows must have in common to be added up before they are priced: of `with_row_dimensions`."""

PRICE_DIMENSIONS = (
    "request_model",
    "model",
    "offer",
    "context_tier",
    "price_instant",
    "price_end",
    "price_marks",
    "cost_basis",
    "billing_currency",
)
"""What rows must have in common to be priced as one sum. `with_price_dimensions` adds those that usage has not."""

BILLED, LISTED, ASSUMED = 8, 16, 32
"""Bits of `price_marks`, beside INPUT, OUTPUT and SEARCH (the row holds such units): the source states what was billed;
it states the list price; another price stands in for that of the way the request was bought."""
UNITS = INPUT | OUTPUT | SEARCH
MONEY = pl.Decimal(38, 18)
SUFFIX, TOP_SUFFIX = "_rate", "_top"
QUOTED = ("seller_named", "assumed", "tier_1_above", "tier_2_above", "wish", "input_above")
HELPERS = ("offer", "price_instant", "price_end", "price_marks", "top_tier")


class Quoted(NamedTuple):
    """The offers for the names in some usage, and when their prices change."""

    offers: pl.DataFrame
    """As `quotes` gives them."""
    changing: list[str]
    """Request models with an offer whose price changes within the time range."""
    changes: Changes
    """When that is."""
    summed: bool = False
    """Some rows are sums of requests of which some may be in a long context: `top_tier` says which one."""


def quoted(usage: pl.LazyFrame, book: PriceBook) -> Quoted:
    """Look up the names in `usage`. Reads the names and the time range of `usage` at once."""
    seen = _seen(usage)
    offers = quotes(seen, book)
    first, last = seen.select(pl.col("first").min(), pl.col("last").max()).row(0)
    found = changes(book.rates, offers["offer"].unique(), first, last)
    names = offers.filter(pl.col("offer").is_in(found.offers))["request_model"].unique().to_list()
    return Quoted(offers, names, found, _summed(offers, seen))


def with_row_dimensions(usage: pl.LazyFrame, found: Quoted) -> pl.LazyFrame:
    """Add to usage rows `ROW_DIMENSIONS`: cheap, as millions of rows are not joined with anything."""
    return usage.with_columns(
        *_price_times(found),
        wish=wish(),
        billing_currency=pl.col("billing_currency").fill_null(CURRENCY),
        input_above=tiers.input_above(_thresholds(found.offers)),
        price_marks=_marks(),
    )


def with_offers(frame: pl.LazyFrame, found: Quoted) -> pl.LazyFrame:
    """Complete rows, or sums of them grouped by at least ROW_DIMENSIONS, to PRICE_DIMENSIONS."""
    rows = frame.join(found.offers.lazy(), on=["provider", "request_model", "wish"], how="left", nulls_equal=True)
    added = rows.with_columns(
        provider=pl.coalesce("provider", "seller_named"),
        context_tier=tiers.context_tier(),
        **({"top_tier": tiers.top_tier()} if found.summed else {}),
        price_marks=pl.col("price_marks") + pl.col("assumed").fill_null(value=False) * pl.lit(ASSUMED, pl.Int8),
    )
    return added.drop(QUOTED)


def with_price_dimensions(usage: pl.LazyFrame, book: PriceBook) -> pl.LazyFrame:
    """Add to usage rows what their price depends on. Reads the names and the time range of `usage` at once.

    Columns added: `model` (canonical name), `offer` (Int32, number in the price book, null without a price),
    `context_tier` (Int8; above 0 where a single request's whole input exceeds a threshold of its model),
    `price_instant` (UTC; `charge_period_start`, cut off as coarsely as the prices in that range allow), `price_end`
    (UTC; end of a bucket that may straddle a change of price, else null) and `price_marks` (Int8, bits). `provider` is
    filled from the name where it is null, `billing_currency` with USD.
    """
    found = quoted(usage, book)
    return with_offers(with_row_dimensions(usage, found), found)


def charge(frame: pl.LazyFrame, book: PriceBook, *, keep: Collection[str] = ()) -> pl.LazyFrame:
    """Price usage rows, or sums of them grouped by at least PRICE_DIMENSIONS.

    What is named in `keep` of the book's rates, and of what prices depend on, stays beside what was priced.

    A sum holds the counts of `schema.COUNTS`, `estimated_output_tokens`, `billed_cost` and `list_cost` under their own
    names. Added or completed are these columns, all money Decimal(38, 18) in `billing_currency`:

    * `list_cost`: as the source states it, else by the price book; null where there is no price
    * `contracted_cost`: null, no contract is known
    * `effective_cost`: what was billed, else 0 where a plan covers it, else the list cost; null where there is none
    * `estimated_cost`: the same with the list price of `estimated_output_tokens` in place of `output_tokens`
    * `cost_basis`: billed, included, list, list_undated, estimated or unpriced
    * `unpriced_requests` and `unpriced_tokens`: the counts of rows without an effective cost
    * `unpriced_reason`: why there is none, see `prices.unpriced.REASONS`; null where there is one
    * `dearest_cost`: for computed costs of sums of requests, what they would cost if all were as large as they may be;
      null where size does not matter
    """
    names = frame.collect_schema().names()
    rows = frame if "offer" in names else with_price_dimensions(frame, book)
    costed = _with_rates(rows, book).with_columns(_computed().alias("computed"), _surplus().alias("surplus"))
    listed = costed.with_columns(list_cost=_list_cost(), billed_cost=pl.when(_has(BILLED)).then("billed_cost"))
    spent = listed.with_columns(effective_cost=_effective_cost(), contracted_cost=pl.lit(None, MONEY))
    charged = spent.with_columns(
        estimated_cost=pl.col("effective_cost") + _estimated_surplus(),
        cost_basis=_cost_basis(),
        unpriced_reason=pl.when(_unpriced()).then(reason(book)),
        dearest_cost=pl.when(_by_price_book() & ~_unpriced()).then("dearest_cost"),
        unpriced_requests=pl.when(_unpriced()).then("requests").otherwise(0),
        unpriced_tokens=pl.when(_unpriced()).then(pl.sum_horizontal(TOKEN_CLASSES)).otherwise(0),
    )
    helpers = (*_price_columns(book), *HELPERS, "computed", "surplus")
    return charged.drop(name for name in helpers if name not in keep)


def _with_rates(rows: pl.LazyFrame, book: PriceBook) -> pl.LazyFrame:
    """Join the rates in force, and add `dearest_cost`."""
    rates = book.all_rates().lazy()
    joined = rows.join(rates, on=["offer", "context_tier"], how="left", suffix=SUFFIX)
    in_force = joined.filter(_in_force() | pl.col("priced").is_null())
    nothing = pl.lit(None, MONEY).alias("dearest_cost")
    if "top_tier" not in rows.collect_schema().names():
        return in_force.with_columns(nothing, top_tier=pl.lit(None, pl.Int8))
    sure = in_force.filter(pl.col("top_tier").is_null()).with_columns(nothing)
    doubtful = tiers.with_top_rates(in_force.filter(pl.col("top_tier").is_not_null()), rates, TOP_SUFFIX)
    dearest = doubtful.filter(_in_force(TOP_SUFFIX)).with_columns(dearest_cost=_amount(TOP_SUFFIX))
    return pl.concat([sure, dearest.select(sure.collect_schema().names())])


# -- what a price depends on


def _seen(usage: pl.LazyFrame) -> pl.DataFrame:
    """Return the pairs of `provider` and `request_model`, with the `first` and `last` instant of each."""
    first, last = pl.col("charge_period_start").min(), pl.col("charge_period_end").max()
    latest = pl.max_horizontal(pl.col("charge_period_start").max(), last)
    summed = (pl.col("granularity") != "request").fill_null(value=True).any()
    pairs = usage.group_by("provider", "request_model")
    return pairs.agg(first=first, last=latest, summed=summed).collect(engine="streaming")


def _thresholds(offers: pl.DataFrame) -> set[int]:
    return {*offers["tier_1_above"].drop_nulls(), *offers["tier_2_above"].drop_nulls()}


def _summed(offers: pl.DataFrame, seen: pl.DataFrame) -> bool:
    """Say whether there are sums of requests to a model with context tiers."""
    names = seen.filter("summed").select("provider", "request_model")
    return bool(_thresholds(offers.join(names, on=["provider", "request_model"], how="semi", nulls_equal=True)))


def _marks() -> pl.Expr:
    """Return the bits of `price_marks`. Rows with unlike ones may be priced in unlike ways: they are never added up."""
    holds = {
        INPUT: pl.sum_horizontal(INPUT_CLASSES) != 0,
        OUTPUT: pl.sum_horizontal(*OUTPUT_CLASSES, "estimated_output_tokens") != 0,
        SEARCH: pl.col("web_search_requests") != 0,
        BILLED: pl.col("billed_cost").is_not_null(),
        LISTED: pl.col("list_cost").is_not_null(),
    }
    return reduce(operator.add, (true.fill_null(value=False) * pl.lit(bit, pl.Int8) for bit, true in holds.items()))


def _price_times(found: Quoted) -> list[pl.Expr]:
    """Return `price_instant` and `price_end`.

    Only models whose price changes within the time range need a time at all; the others get its beginning.
    """
    beginning, never = pl.lit(found.changes.first, INSTANT), pl.lit(None, INSTANT)
    if not found.changing:
        return [beginning.alias("price_instant"), never.alias("price_end")]
    end, changing = pl.col("charge_period_end"), pl.col("request_model").is_in(found.changing)
    begun, lasts = found.changes.around(pl.col("charge_period_start"))
    return [
        pl.when(changing).then(begun).otherwise(beginning).alias("price_instant"),
        pl.when(changing & (end > lasts)).then(end).otherwise(never).alias("price_end"),
    ]


# -- what it costs


def _in_force(suffix: str = "") -> pl.Expr:
    instant, minute = pl.col("price_instant"), minute_of_day(pl.col("price_instant"))
    dated = (pl.col("effective_from" + suffix) <= instant) & (instant < pl.col("effective_to" + suffix))
    in_band = (pl.col("band_start" + suffix) <= minute) & (minute < pl.col("band_end" + suffix))
    return dated & in_band & (pl.col("weekdays" + suffix) // 2 ** (instant.dt.weekday() - 1) % 2 == 1)


def _has(bits: int) -> pl.Expr:
    return pl.col("price_marks") & pl.lit(bits, pl.Int8) != 0


def _computed() -> pl.Expr:
    """Return the cost by the price book; 0 for a row that holds nothing, null where any unit has no price.

    A source that says ``unpriced`` counts something that no column holds, such as images or hours.
    """
    units = pl.col("price_marks") & pl.lit(UNITS, pl.Int8)
    covered = (units & pl.col("priced").fill_null(0)) == units
    in_currency = (pl.col("billing_currency") == CURRENCY) | (units == 0)
    told = (pl.col("cost_basis") == "unpriced").fill_null(value=False)
    return pl.when(covered & in_currency & ~told).then(_amount(SUFFIX).fill_null(0))


def _amount(suffix: str) -> pl.Expr:
    return reduce(operator.add, (pl.col(name) * pl.col(name + suffix) for name in PRICE_CLASSES))


def _surplus() -> pl.Expr:
    """Return the cost of the output that a placeholder count leaves out."""
    missing = pl.col("estimated_output_tokens").fill_null(pl.col("output_tokens")) - pl.col("output_tokens")
    return (missing * pl.col("output_tokens" + SUFFIX)).fill_null(0)


def _list_cost() -> pl.Expr:
    bill_only = _has(BILLED) & ~_has(UNITS)
    return pl.when(_has(LISTED)).then("list_cost").when(~bill_only).then("computed")


def _effective_cost() -> pl.Expr:
    covered = pl.when(pl.col("cost_basis") == "included").then(pl.lit(0, MONEY))
    return pl.coalesce("billed_cost", covered, "list_cost")


def _estimated_surplus() -> pl.Expr:
    return pl.when(_by_price_book()).then("surplus").otherwise(pl.lit(0, MONEY))


def _by_price_book() -> pl.Expr:
    return ~_has(BILLED | LISTED) & (pl.col("cost_basis") != "included").fill_null(value=True)


def _unpriced() -> pl.Expr:
    return pl.col("effective_cost").is_null()


def _cost_basis() -> pl.Expr:
    straddles = (pl.col("price_end") > pl.col("effective_to")) | (pl.col("price_end").is_not_null() & banded())
    guessed = (_has(ASSUMED) | straddles.fill_null(value=False)) & _has(UNITS) & ~_has(LISTED)
    return (
        pl.when(pl.col("cost_basis") == "included")
        .then(_word("included"))
        .when(_has(BILLED))
        .then(_word("billed"))
        .when(_unpriced())
        .then(_word("unpriced"))
        .when(guessed)
        .then(_word("estimated"))
        .when((pl.col("offer") >= UNDATED_OFFERS) & _has(UNITS) & ~_has(LISTED))
        .then(_word("list_undated"))
        .otherwise(_word("list"))
    )


def _word(text: str) -> pl.Expr:
    return pl.lit(text, pl.Categorical)


def _price_columns(book: PriceBook) -> list[str]:
    """Return the columns that joining the rates added."""
    rates = [name for name in book.rates.columns if name not in ("offer", "context_tier")]
    return [name + SUFFIX if name in PRICE_CLASSES else name for name in rates]
