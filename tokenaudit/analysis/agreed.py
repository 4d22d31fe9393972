"""Charges under agreements: contracted costs row by row, and what volumes, commitments and credits make of them.

Unit prices and plain discounts are a property of each row. What depends on other rows is settled in `terms.ledger`, on
sums of whole days of all of an agreement's usage, and then allotted to the rows of the day. So no breakdown, condition
or period changes what a day costs.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from tokenaudit.analysis.allot import allot, scaled
from tokenaudit.analysis.cube import USAGE_SUMS
from tokenaudit.charges import UNITS
from tokenaudit.prices.agreed import NAMES, deals
from tokenaudit.prices.book import PRICE_CLASSES, PriceBook
from tokenaudit.prices.unpriced import CURRENCY
from tokenaudit.schema import TOKEN_CLASSES
from tokenaudit.terms.ledger import (
    EXACT,
    Amounts,
    Drawn,
    Used,
    Volume,
    credits_drawn,
    overages,
    reductions,
    tier_discounts,
)
from tokenaudit.terms.records import Agreement

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

MONEY = pl.Decimal(38, 18)
DAY = "on_day"
BY_DAY = ("agreement", DAY)
AGREED = "_agreed"
FEE_CLASSES = tuple(name for name in PRICE_CLASSES if name.endswith("requests"))
PRICED_TOKENS = tuple(name for name in PRICE_CLASSES if name not in FEE_CLASSES)
HELPERS = ("deal", "overridden", "discount", "of_tokens", "of_fees", "agreed_tokens", "agreed_fees", "agreed_surplus")
TIERED: dict[str, PolarsDataType] = {"agreement": pl.Int32, DAY: pl.Date, "day_rate": MONEY, "day_amount": MONEY}
AMOUNT: dict[str, PolarsDataType] = {"agreement": pl.Int32, DAY: pl.Date, "day_amount": MONEY}
LISTS = ("list", "list_undated", "unpriced")
"""Where a cost came from that an agreement takes the place of."""


class Books(NamedTuple):
    """What was settled of one agreement, by day."""

    drawn: Amounts
    """What its usage draws from a commitment."""
    credits: list[Drawn]


class Settled(NamedTuple):
    """Charges under agreements, and the books of each of these."""

    charges: pl.DataFrame
    """With `agreement` (its number) and `under` (its prices are the row's spend) more."""
    books: list[Books]


def day_key() -> pl.Expr:
    """Return the UTC day that a usage row begins on: what dated terms go by."""
    return pl.col("charge_period_start").dt.date().alias(DAY)


def numbered(cells: pl.DataFrame, *, ordered: bool) -> pl.DataFrame:
    """Number cells, in an order that is their own if that matters: it decides who takes what rounding leaves."""
    sums = {*USAGE_SUMS, "billed_cost", "list_cost", "last_start"}
    keys = [_ordered(cells, name) for name in cells.columns if name not in sums] if ordered else []
    return (cells.sort(keys) if keys else cells).with_row_index("cell")


def _ordered(cells: pl.DataFrame, name: str) -> pl.Expr:
    """Return a column as what it is sorted by: names by their letters, without comparing each."""
    column = pl.col(name)
    if cells.schema[name] != pl.Categorical:
        return column
    return column.cast(pl.Enum(cells[name].unique().cast(pl.String).drop_nulls().sort()))


def with_deals(cells: pl.DataFrame, agreements: Sequence[Agreement], book: PriceBook) -> pl.DataFrame:
    """Add to unpriced cells what holds for them, and what their units cost under it before discounts.

    `agreement` and `deal` are null without one. `agreed_tokens` and `agreed_fees` are null without a price.
    """
    found = deals(cells, agreements, book)
    named = cells.join(found.by_day, on=[*NAMES, DAY], how="left", nulls_equal=True, maintain_order="left")
    joined = named.join(
        found.rates, on=["deal", "offer", "context_tier"], how="left", nulls_equal=True, suffix=AGREED
    ).filter(_in_force() | pl.col("priced").is_null())
    known = _is_priced()
    by_source = pl.col("list_cost").is_not_null() & ~pl.col("overridden")
    missing = pl.col("estimated_output_tokens").fill_null(pl.col("output_tokens")) - pl.col("output_tokens")
    nothing = pl.lit(0, MONEY)
    stated = pl.when(by_source)
    costed = joined.with_columns(
        agreed_tokens=stated.then("list_cost").when(known).then(_cost(PRICED_TOKENS)),
        agreed_fees=stated.then(nothing).when(known).then(_cost(FEE_CLASSES)),
        agreed_surplus=stated.then(nothing).when(known).then(missing * pl.col("output_tokens" + AGREED)),
    )
    return costed.select(*cells.columns, "agreement", *HELPERS)


def _in_force() -> pl.Expr:
    instant = pl.col("price_instant")
    minute = instant.dt.hour().cast(pl.Int16) * 60 + instant.dt.minute()
    dated = (pl.col("effective_from") <= instant) & (instant < pl.col("effective_to"))
    on_day = pl.col("weekdays") // 2 ** (instant.dt.weekday() - 1) % 2 == 1
    return dated & on_day & (pl.col("band_start") <= minute) & (minute < pl.col("band_end"))


def _is_priced() -> pl.Expr:
    """Say whether every unit of a cell has a price under its deal."""
    units = pl.col("price_marks") & pl.lit(UNITS, pl.Int8)
    told = (pl.col("cost_basis") == "unpriced").fill_null(value=False)
    in_currency = (pl.col("billing_currency") == CURRENCY) | (units == 0)
    return ((units & pl.col("priced")) == units) & in_currency & ~told


def _cost(classes: Sequence[str]) -> pl.Expr:
    return reduce(operator.add, (pl.col(name) * pl.col(name + AGREED) for name in classes))


# -- what they come to


def settled(charges: pl.DataFrame, agreements: Sequence[Agreement]) -> Settled:
    """Return charges with contracted costs, and with what volumes, commitments and credits make of the spend.

    In: priced cells of `with_deals`, after bills were spread. What was billed stays as it is, and counts towards
    volumes and commitments. What a plan covers is left alone, and so is another currency than the price book's.
    """
    in_currency = pl.col("billing_currency").cast(pl.String) == CURRENCY
    whose = pl.col("agreement").is_not_null() & in_currency & (pl.col("cost_basis").cast(pl.String) != "included")
    agreed = whose & (pl.col("agreed_tokens") + pl.col("agreed_fees")).is_not_null()
    marked = charges.with_columns(
        whose=whose.fill_null(value=False),
        agreed=agreed.fill_null(value=False),
        under=(agreed & pl.col("billed_cost").is_null()).fill_null(value=False),
        gross=pl.col("agreed_tokens") + pl.col("agreed_fees"),
    ).with_columns(base=_base())
    saved = _saved(marked, agreements)
    net = pl.col("gross") - pl.col("saved")
    lost = pl.max_horizontal(pl.col("list_cost") - net, pl.lit(0, MONEY)).fill_null(0)
    contracted = saved.with_columns(net=pl.when("agreed").then(net)).with_columns(lost=pl.when("under").then(lost))
    with_overage, books = _committed(contracted, agreements)
    return Settled(_finished(with_overage), books)


def _base() -> pl.Expr:
    """Return what discounts are taken off."""
    parts = [
        pl.when(f"of_{name}").then(pl.col(f"agreed_{name}")).otherwise(pl.lit(0, MONEY)) for name in ("tokens", "fees")
    ]
    free = pl.col("agreed") & ~pl.col("overridden") & pl.col("discount").is_not_null()
    return pl.when(free).then(parts[0] + parts[1]).otherwise(pl.lit(0, MONEY))


def _saved(cells: pl.DataFrame, agreements: Sequence[Agreement]) -> pl.DataFrame:
    """Add `saved`: what discounts take off each cell, those of tiers by the volume of its day."""
    plain = pl.col("base") * pl.col("discount").fill_null(0)
    tiered = [number for number, agreement in enumerate(agreements) if agreement.tier]
    if not tiered:
        return cells.with_columns(saved=plain, day_rate=pl.lit(None, MONEY))
    amount = pl.coalesce("gross", "billed_cost", pl.lit(0, MONEY))
    tokens = pl.sum_horizontal(TOKEN_CLASSES)
    sums = _by_day(cells.filter("whose"), tiered, spend=amount.sum(), tokens=tokens.sum(), base=pl.col("base").sum())
    rows = [
        (number, day, *discount)
        for number, days in sums.items()
        for day, discount in tier_discounts(
            agreements[number], {day: Volume(*row) for day, row in days.items()}
        ).items()
    ]
    beside = _beside(cells, pl.DataFrame(rows, TIERED, orient="row"))
    shared = allot(beside, "day_amount", "base", BY_DAY, "shared")
    by_rate = pl.col("base") * pl.col("day_rate")
    of_tier = pl.when(pl.col("day_amount").is_not_null()).then("shared").otherwise(by_rate)
    in_tier = pl.col("day_rate").is_not_null() | pl.col("day_amount").is_not_null()
    return shared.with_columns(saved=pl.when(in_tier).then(of_tier).otherwise(plain)).drop("day_amount", "shared")


def _committed(cells: pl.DataFrame, agreements: Sequence[Agreement]) -> tuple[pl.DataFrame, list[Books]]:
    """Add overage to `net`, and `paid_by_credit`; return the books beside."""
    numbers = range(len(agreements))
    drawn = pl.when(pl.col("billed_cost").is_not_null()).then("billed_cost").when("under").then("net").sum()
    cost = pl.when("under").then("net").sum()
    sums = _by_day(cells.filter("whose"), numbers, drawn=drawn, lost=pl.col("lost").sum(), cost=cost)
    extra, less, books = [], [], []
    for number, agreement in enumerate(agreements):
        days = sums.get(number, {})
        over = overages(agreement, {day: Used(drawn, lost) for day, (drawn, lost, _) in days.items()})
        paying = credits_drawn(agreement, _plus({day: cost for day, (_, _, cost) in days.items()}, over))
        extra += [(number, day, amount) for day, amount in over.items()]
        less += [(number, day, amount) for day, amount in reductions(paying).items()]
        books.append(Books(_plus({day: drawn for day, (drawn, _, _) in days.items()}, over), paying))
    more = _shared(cells, extra, "lost", "overage")
    on_top = more.with_columns(net=pl.col("net") + pl.when("under").then("overage").otherwise(pl.lit(0, MONEY)))
    owed = on_top.with_columns(owed=pl.when("under").then("net"))
    return _shared(owed, less, "owed", "paid_by_credit").drop("owed"), books


def _shared(cells: pl.DataFrame, amounts: list[tuple[int, date, Decimal]], weight: str, name: str) -> pl.DataFrame:
    """Add `name`: each cell's share of the amount of its agreement and day, by `weight`."""
    if not amounts:
        return cells.with_columns(pl.lit(0, MONEY).alias(name))
    beside = _beside(cells, pl.DataFrame(amounts, AMOUNT, orient="row"))
    return allot(beside, "day_amount", weight, BY_DAY, name).drop("day_amount")


def _plus(amounts: Amounts, more: Amounts) -> Amounts:
    return {day: EXACT.add(amount, more.get(day, Decimal(0))) for day, amount in amounts.items()}


def _beside(cells: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    return cells.join(days, on=BY_DAY, how="left", maintain_order="left")


def _by_day(cells: pl.DataFrame, numbers: Sequence[int], **sums: pl.Expr) -> dict[int, dict[date, tuple[Any, ...]]]:
    """Return sums of each day of some agreements."""
    chosen = cells.filter(pl.col("agreement").is_in(list(numbers)))
    found: dict[int, dict[date, tuple[Any, ...]]] = {}
    for number, day, *amounts in chosen.group_by(BY_DAY).agg(**sums).sort(BY_DAY).iter_rows():
        found.setdefault(number, {})[day] = tuple(Decimal(0) if amount is None else amount for amount in amounts)
    return found


def _finished(cells: pl.DataFrame) -> pl.DataFrame:
    """Put contracted costs, spend and what follows from them in their places."""
    nothing = pl.lit(0, MONEY)
    basis = pl.col("cost_basis").cast(pl.String)
    spend = pl.when("under").then(pl.col("net") - pl.col("paid_by_credit")).otherwise("effective_cost")
    kept = 1 - pl.when(pl.col("overridden") | ~pl.col("of_tokens")).then(nothing).otherwise(
        pl.coalesce("day_rate", "discount", nothing)
    )
    surplus = pl.col("estimated_cost") - pl.col("effective_cost")
    dearer = pl.col("dearest_cost") - pl.col("list_cost")
    agreed_surplus = pl.col("agreed_surplus").fill_null(0) * kept
    spent = cells.with_columns(
        contracted_cost=pl.when(basis == "included").then(nothing).when("agreed").then("net").otherwise("list_cost"),
        effective_cost=spend,
        estimated_cost=spend + pl.when("under").then(agreed_surplus).otherwise(surplus),
        dearest_cost=pl.when("under").then(spend + dearer * kept).otherwise("dearest_cost"),
        cost_basis=pl.when(pl.col("under") & basis.is_in(LISTS)).then(pl.lit("contract")).otherwise(basis),
        unpriced_requests=pl.when("under").then(0).otherwise("unpriced_requests"),
        unpriced_tokens=pl.when("under").then(0).otherwise("unpriced_tokens"),
    )
    helpers = ("whose", "agreed", "gross", "base", "saved", "net", "lost", "overage", "day_rate", "paid_by_credit")
    return spent.drop(*HELPERS, *helpers)


def with_markup(charges: pl.DataFrame, agreements: Sequence[Agreement]) -> pl.DataFrame:
    """Add `markup`: what charge-back adds to the spend, never inside it; null where no agreement says any."""
    shares = {number: agreement.markup for number, agreement in enumerate(agreements) if agreement.markup}
    share = pl.col("agreement").replace_strict(shares, default=None, return_dtype=MONEY) if shares else None
    marked = charges.with_columns(
        markup=pl.when(share.is_not_null()).then("effective_cost") if share is not None else pl.lit(None, MONEY)
    )
    return marked if share is None else scaled(marked, ["markup"], lambda spend: spend * share, BY_DAY)
