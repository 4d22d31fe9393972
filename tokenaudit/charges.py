"""From usage to charges: what each row cost, at list price and as billed.

Pricing is a join and a sum. `with_price_dimensions` gives each row what its price depends on, so that rows may be added
up by it before they are priced; `charge` prices rows or such sums. Both give the same total to the last digit.
"""

from __future__ import annotations

import operator
from datetime import datetime
from functools import reduce
from math import gcd
from typing import NamedTuple

import polars as pl

from tokenaudit.prices.book import INPUT, OUTPUT, PRICE_CLASSES, SEARCH, PriceBook
from tokenaudit.prices.quotes import PURCHASES, US, WISH, quotes
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
CURRENCY = "USD"
"""Currency of the price book, and of rows that name none."""
ORDINARY = ("standard", "default", "auto", "on_demand")
"""Service tiers at the standard price."""
MINUTES_OF_DAY = 24 * 60
FEW = 24
"""Changes of prices up to which it is looked up between which of them a row lies."""
MONEY = pl.Decimal(38, 18)
INSTANT = pl.Datetime("us", "UTC")
SUFFIX = "_rate"
QUOTED = ("seller_named", "assumed", "tier_1_above", "tier_2_above", "wish", "input_above")
HELPERS = ("offer", "price_instant", "price_end", "price_marks")


class Quoted(NamedTuple):
    """The offers for the names in some usage, and when their prices change."""

    offers: pl.DataFrame
    """As `quotes` gives them."""
    changing: list[str]
    """Request models with an offer whose price changes within the time range."""
    minutes: int
    """What divides all changes of a day."""
    first: datetime | None
    """Beginning of the time range."""
    edges: tuple[datetime, ...] = ()
    """All changes within the time range, in order; none where there are many, or some come every day."""


def quoted(usage: pl.LazyFrame, book: PriceBook) -> Quoted:
    """Look up the names in `usage`. Reads the names and the time range of `usage` at once."""
    seen = _seen(usage)
    offers = quotes(seen, book)
    changing, minutes, edges = _changes(offers["offer"], seen, book)
    names = offers.filter(pl.col("offer").is_in(changing))["request_model"].unique().to_list()
    return Quoted(offers, names, minutes, seen.select(pl.col("first").min()).item(), edges)


def with_row_dimensions(usage: pl.LazyFrame, found: Quoted) -> pl.LazyFrame:
    """Add to usage rows `ROW_DIMENSIONS`: cheap, as millions of rows are not joined with anything."""
    return usage.with_columns(
        *_price_times(found),
        wish=_wish(),
        billing_currency=pl.col("billing_currency").fill_null(CURRENCY),
        input_above=_input_above(found.offers),
        price_marks=_marks(),
    )


def with_offers(frame: pl.LazyFrame, found: Quoted) -> pl.LazyFrame:
    """Complete rows, or sums of them grouped by at least ROW_DIMENSIONS, to PRICE_DIMENSIONS."""
    rows = frame.join(found.offers.lazy(), on=["provider", "request_model", "wish"], how="left", nulls_equal=True)
    added = rows.with_columns(
        provider=pl.coalesce("provider", "seller_named"),
        context_tier=_context_tier(),
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


def charge(frame: pl.LazyFrame, book: PriceBook) -> pl.LazyFrame:
    """Price usage rows, or sums of them grouped by at least PRICE_DIMENSIONS.

    A sum holds the counts of `schema.COUNTS`, `estimated_output_tokens`, `billed_cost` and `list_cost` under their own
    names. Added or completed are these columns, all money Decimal(38, 18) in `billing_currency`:

    * `list_cost`: as the source states it, else by the price book; null where there is no price
    * `contracted_cost`: null, no contract is known
    * `effective_cost`: what was billed, else 0 where a plan covers it, else the list cost; null where there is none
    * `estimated_cost`: the same with the list price of `estimated_output_tokens` in place of `output_tokens`
    * `cost_basis`: billed, included, list, estimated or unpriced
    * `unpriced_requests` and `unpriced_tokens`: the counts of rows without an effective cost
    """
    names = frame.collect_schema().names()
    rows = frame if "offer" in names else with_price_dimensions(frame, book)
    joined = rows.join(book.rates.lazy(), on=["offer", "context_tier"], how="left", suffix=SUFFIX)
    in_force = joined.filter(_in_force() | pl.col("priced").is_null())
    costed = in_force.with_columns(_computed().alias("computed"), _surplus().alias("surplus"))
    listed = costed.with_columns(list_cost=_list_cost(), billed_cost=pl.when(_has(BILLED)).then("billed_cost"))
    spent = listed.with_columns(effective_cost=_effective_cost(), contracted_cost=pl.lit(None, MONEY))
    charged = spent.with_columns(
        estimated_cost=pl.col("effective_cost") + _estimated_surplus(),
        cost_basis=_cost_basis(),
        unpriced_requests=pl.when(_unpriced()).then("requests").otherwise(0),
        unpriced_tokens=pl.when(_unpriced()).then(pl.sum_horizontal(TOKEN_CLASSES)).otherwise(0),
    )
    return charged.drop(*_price_columns(book), *HELPERS, "computed", "surplus")


# -- what a price depends on


def _seen(usage: pl.LazyFrame) -> pl.DataFrame:
    """Return the pairs of `provider` and `request_model`, with the `first` and `last` instant of each."""
    first, last = pl.col("charge_period_start").min(), pl.col("charge_period_end").max()
    latest = pl.max_horizontal(pl.col("charge_period_start").max(), last)
    return usage.group_by("provider", "request_model").agg(first=first, last=latest).collect(engine="streaming")


def _wish() -> pl.Expr:
    """Return the number of the way a request was bought, see `quotes`."""
    tier, numbers = pl.col("service_tier"), {name: pl.lit(n, WISH) for n, name in enumerate(PURCHASES)}
    purchase = pl.when(pl.col("batch")).then(numbers["batch"]).when(pl.col("speed") == "fast").then(numbers["fast"])
    for name in PURCHASES[1:-1]:
        purchase = purchase.when(tier == name).then(numbers[name])
    bought = purchase.when(tier.is_null() | tier.is_in(ORDINARY)).then(numbers["standard"]).otherwise(numbers["other"])
    return bought + pl.when(pl.col("region") == "us").then(pl.lit(US, WISH)).otherwise(pl.lit(0, WISH))


def _input_above(offers: pl.DataFrame) -> pl.Expr:
    """Return the greatest threshold of any offer that the whole input of a single request exceeds, else 0."""
    thresholds = {*offers["tier_1_above"].drop_nulls(), *offers["tier_2_above"].drop_nulls()}
    size, nothing = pl.sum_horizontal(INPUT_CLASSES), pl.lit(0, pl.Int64)
    above = nothing
    for threshold in sorted(thresholds):
        above = pl.when(size > threshold).then(pl.lit(threshold, pl.Int64)).otherwise(above)
    return pl.when(pl.col("granularity") == "request").then(above).otherwise(nothing)


def _context_tier() -> pl.Expr:
    tiers = [(pl.col("input_above") >= pl.col(f"tier_{n}_above")).fill_null(value=False).cast(pl.Int8) for n in (1, 2)]
    return tiers[0] + tiers[1]


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
    beginning, never = pl.lit(found.first, INSTANT), pl.lit(None, INSTANT)
    if not found.changing:
        return [beginning.alias("price_instant"), never.alias("price_end")]
    start, end = pl.col("charge_period_start"), pl.col("charge_period_end")
    changes = pl.col("request_model").is_in(found.changing)
    begun, lasts = _between_edges(found, start) if found.edges else _in_minutes(found, start)
    return [
        pl.when(changes).then(begun).otherwise(beginning).alias("price_instant"),
        pl.when(changes & (end > lasts)).then(end).otherwise(never).alias("price_end"),
    ]


def _in_minutes(found: Quoted, start: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Return from when until when the price at `start` holds for certain: as few minutes as lie between changes."""
    begun = start.dt.truncate(f"{found.minutes}m")
    return begun, begun.dt.offset_by(f"{found.minutes}m")


def _between_edges(found: Quoted, start: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Return the changes before and after `start`: the fewer instants, the fewer sums are priced."""
    begun, lasts = pl.lit(found.first, INSTANT), pl.lit(None, INSTANT)
    for edge in found.edges:
        begun = pl.when(start >= pl.lit(edge, INSTANT)).then(pl.lit(edge, INSTANT)).otherwise(begun)
    for edge in reversed(found.edges):
        lasts = pl.when(start < pl.lit(edge, INSTANT)).then(pl.lit(edge, INSTANT)).otherwise(lasts)
    return begun, lasts


def _changes(offers: pl.Series, seen: pl.DataFrame, book: PriceBook) -> tuple[list[int], int, tuple[datetime, ...]]:
    """Return the offers whose price changes in the time range, the minutes that divide all changes, and the changes."""
    bounds = pl.col("effective_from")
    within = bounds.is_between(seen["first"].min(), seen["last"].max(), closed="right")
    found = book.rates.filter(pl.col("offer").is_in(offers.unique().to_list()) & (within | _banded()))
    of_day = {*found["band_start"], *found.filter(within).select(_minute(bounds)).to_series()}
    edges = found.filter(within)["effective_from"].unique().sort().to_list()
    few = len(edges) <= FEW and found.filter(_banded()).is_empty()
    return found["offer"].unique().to_list(), reduce(gcd, of_day, MINUTES_OF_DAY), tuple(edges) if few else ()


def _banded() -> pl.Expr:
    """Say whether a rate holds for a part of the day only."""
    return pl.col("band_end") - pl.col("band_start") < MINUTES_OF_DAY


def _minute(instant: pl.Expr) -> pl.Expr:
    return instant.dt.hour().cast(pl.Int16) * 60 + instant.dt.minute()


# -- what it costs


def _in_force() -> pl.Expr:
    instant = pl.col("price_instant")
    dated = (pl.col("effective_from") <= instant) & (instant < pl.col("effective_to"))
    return dated & (pl.col("band_start") <= _minute(instant)) & (_minute(instant) < pl.col("band_end"))


def _has(bits: int) -> pl.Expr:
    return pl.col("price_marks") & pl.lit(bits, pl.Int8) != 0


def _computed() -> pl.Expr:
    """Return the cost by the price book; 0 for a row that holds nothing, null where any unit has no price.

    A source that says ``unpriced`` counts something that no column holds, such as images or hours.
    """
    units = pl.col("price_marks") & pl.lit(UNITS, pl.Int8)
    amount = reduce(operator.add, (pl.col(name) * pl.col(name + SUFFIX) for name in PRICE_CLASSES))
    covered = (units & pl.col("priced").fill_null(0)) == units
    in_currency = (pl.col("billing_currency") == CURRENCY) | (units == 0)
    told = (pl.col("cost_basis") == "unpriced").fill_null(value=False)
    return pl.when(covered & in_currency & ~told).then(amount.fill_null(0))


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
    by_price_book = ~_has(BILLED | LISTED) & (pl.col("cost_basis") != "included").fill_null(value=True)
    return pl.when(by_price_book).then("surplus").otherwise(pl.lit(0, MONEY))


def _unpriced() -> pl.Expr:
    return pl.col("effective_cost").is_null()


def _cost_basis() -> pl.Expr:
    straddles = (pl.col("price_end") > pl.col("effective_to")) | (pl.col("price_end").is_not_null() & _banded())
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
        .otherwise(_word("list"))
    )


def _word(text: str) -> pl.Expr:
    return pl.lit(text, pl.Categorical)


def _price_columns(book: PriceBook) -> list[str]:
    """Return the columns that joining the rates added."""
    rates = [name for name in book.rates.columns if name not in ("offer", "context_tier")]
    return [name + SUFFIX if name in PRICE_CLASSES else name for name in rates]
