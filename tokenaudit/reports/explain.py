"""Why a number is what it is: the price rows behind it, and the files and lines behind those."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from tokenaudit.analysis.cube import SUMS
from tokenaudit.analysis.measures import MEASURES, known_sum, measured
from tokenaudit.analysis.origins import calls, files, told_again
from tokenaudit.analysis.traced import KEPT, PRICE_ROW, RATE, Traced, Wanted, price_rows, traced
from tokenaudit.analysis.where import whole_days
from tokenaudit.conditions import Condition
from tokenaudit.errors import QueryError
from tokenaudit.prices.book import PRICE_CLASSES, UNDATED_OFFERS, PriceBook
from tokenaudit.prices.own import OWN
from tokenaudit.reports.people import as_people, of_people
from tokenaudit.reports.question import (
    Question,
    book_of,
    expected_rows,
    no_data,
    not_counted,
    overlap_of,
    reach,
    under_terms,
)
from tokenaudit.schema import MONEY, ORG_DIMENSIONS, TOKEN_CLASSES
from tokenaudit.sources import newest_wins
from tokenaudit.store import segments

if TYPE_CHECKING:
    from tokenaudit.analysis.overlap import Overlap
    from tokenaudit.store.store import Store

COST = ("list_cost", "contracted_cost", "billed_cost", "effective_cost")
PROVENANCE = ("price_source", "price_source_date", "price_source_url")
"""Where a price comes from: list and version, the day it was released, and where it is published."""
PRICE = ("seller", "price_model", "variant", "context_tier", "tier_1_above", "tier_2_above")
WHEN = ("effective_from", "effective_to", "band_start", "band_end", "weekdays")
AGREED = ("agreement", "what")
"""The agreement that a cost is under, and what a fee of it is for."""
FORMULA = "formula_cost"
"""Units times their rates, added up."""
MONEY_TYPE = pl.Decimal(38, 18)
SHOWN_CALLS, ALL = 10, 1 << 31
"""Calls that are shown where no limit is given, and where it is 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """What there is to say of the rows that fit a question."""

    question: Question
    book: PriceBook
    by_price: pl.DataFrame
    """One row for each provider, model, price row and cost basis, the dearest first."""
    totals: pl.DataFrame
    """As the report has them: one row a currency."""
    files: pl.DataFrame
    """The files of the rows, with `path` and whether it is `there`."""
    calls: pl.DataFrame
    set_aside: pl.DataFrame
    """Lines that do not stand because of these rows, with `path` and `kept_path`."""
    finer: pl.DataFrame
    """By source: `tokens` that its rows tell, and those of them that are `counted`: a finer source tells the rest."""
    names: pl.DataFrame
    """What the rows call their models: `provider`, `request_model`, `requests`, `tokens`; most tokens first."""
    paid: pl.DataFrame
    """By source and currency: `amount` of the spend that is part of a bill of `bills`."""


def explain(store: Store, question: Question, chosen: Sequence[int] | None, limit: int | None) -> Explained:
    """Return what stands behind the report that answers a question. NoDataError where there is nothing.

    `chosen` are the `response_id` to look at; None for all. `limit` is the number of calls to show, 0 for all.
    """
    question = replace(question, conditions=of_people(_known(question), question.config))
    overlapping, book = overlap_of(store, question), book_of(question.config)
    found = reach(store, question, overlapping)
    whole = question.period if overlapping is None or question.period.open else whole_days(question.period)
    wanted = Wanted(
        question.by,
        question.conditions,
        chosen,
        question.period.timezone,
        overlapping,
        found.inside,
        expected_rows(store, question.period),
    )
    result = traced(as_people(found.usage, question.config, whole), book, wanted)
    cells = _under_terms(store, question, overlapping, chosen) if question.is_dated else result.cells
    if result.told.is_empty() and cells.is_empty():
        raise no_data(store, question, not_counted(found.left_out, question))
    aside = segments.scan(store.folder, store.catalog.segments("superseded"))
    places = paths(store)
    return Explained(
        question=question,
        book=book,
        by_price=by_price(cells, book),
        totals=measured(cells, ["billing_currency"]).select("billing_currency", *MEASURES).sort("billing_currency"),
        files=named(files(result), places, "file_id", "path"),
        calls=named(_calls(result, question, limit), places, "file_id", "path"),
        set_aside=_both_named(told_again(result, aside, newest_wins(store.catalog.rules())), places),
        finer=_finer(result),
        names=_names(result.told),
        paid=_paid(result),
    )


def _known(question: Question) -> tuple[Condition, ...]:
    """Return the conditions. QueryError for one on what only the org map says: teams are given to sums, not to rows."""
    for item in question.conditions:
        if item.column in ORG_DIMENSIONS:
            raise QueryError(
                f"explain does not know `{item.column}`: it is given to sums, not to rows",
                "ask for a user or project: --where user=alice",
            )
    return question.conditions


def _under_terms(
    store: Store, question: Question, overlapping: Overlap | None, chosen: Sequence[int] | None
) -> pl.DataFrame:
    """Return the charges under agreements, with the price rows they began with; fees count where no call was chosen."""
    those = None if chosen is None else pl.col("response_id").is_in(list(chosen))
    _, dated = under_terms(store, question, overlapping, those, KEPT)
    rows = dated.rows if chosen is None else dated.rows.filter(pl.col("kind").is_null())
    agreements = question.config.terms.agreements if question.config.terms else ()
    named = pl.col("agreement").replace_strict(
        dict(enumerate(item.id for item in agreements)), default=None, return_dtype=pl.String
    )
    counts = [pl.col(name).fill_null(0) for name in dict.fromkeys((*SUMS, *PRICE_CLASSES))]
    return rows.with_columns(pl.col(pl.Categorical).cast(pl.String)).with_columns(*counts, agreement=named)


def paths(store: Store) -> pl.DataFrame:
    """Return the `path` of each `place` (a `file_id`), also of files that are gone."""
    known = {item.file_id: item.path for item in store.catalog.versions()}
    known |= {entry.file_id: entry.path for entry in store.catalog.files().values()}
    return pl.DataFrame({"place": known.keys(), "path": known.values()}, {"place": pl.Int64, "path": pl.String})


def named(frame: pl.DataFrame, places: pl.DataFrame, file_id: str, name: str) -> pl.DataFrame:
    """Add the path of each `file_id` in the column `name`."""
    beside = places.rename({"path": name})
    return frame.join(beside, left_on=file_id, right_on="place", how="left", maintain_order="left")


def _calls(result: Traced, question: Question, limit: int | None) -> pl.DataFrame:
    """Return the dearest rows; under agreements a row by itself has no spend, as that is settled by days."""
    found = calls(result, book_of(question.config), SHOWN_CALLS if limit is None else limit or ALL)
    return found.with_columns(effective_cost=pl.lit(None, MONEY_TYPE)) if question.is_dated else found


def _both_named(frame: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    return named(named(frame, places, "file_id", "path"), places, "kept_file_id", "kept_path")


def by_price(cells: pl.DataFrame, book: PriceBook) -> pl.DataFrame:
    """Return the cells by what their price depends on: counts, rates, what they make together, and the money."""
    agreed = [pl.lit(None, pl.String).alias(name) for name in AGREED if name not in cells.columns]
    cells = cells.with_columns(agreed)
    keys = ("provider", "model", "cost_basis", "billing_currency", "unpriced_reason", *AGREED, *PRICE_ROW)
    counts = [pl.col(name).sum() for name in (*PRICE_CLASSES, "joined_tokens")]
    sums = cells.group_by(keys).agg(*counts, *map(known_sum, (*COST, "dearest_cost")))
    columns = dict.fromkeys((*PRICE_ROW, *PRICE, *WHEN, *(name + RATE for name in PRICE_CLASSES)))
    rates = price_rows(book).select(*columns)
    beside = sums.join(rates, on=PRICE_ROW, how="left").with_columns(_provenance(book))
    formula = pl.sum_horizontal(pl.col(name) * pl.col(name + RATE) for name in PRICE_CLASSES)
    priced = pl.col("seller").is_not_null() & (pl.sum_horizontal(PRICE_CLASSES) != 0)
    whole = beside.with_columns(
        pl.when(priced).then(formula).alias(FORMULA), total_tokens=pl.sum_horizontal(TOKEN_CLASSES)
    )
    order = ["effective_cost", "list_cost", "total_tokens", *keys]
    return whole.sort(order, descending=[True, True, True, *(False for _ in keys)], nulls_last=True)


def _provenance(book: PriceBook) -> list[pl.Expr]:
    """Return PROVENANCE of priced rows; those of a book without such a note are null."""
    dated, undated = (book.about.get(kind) or {} for kind in ("dated", "undated"))
    facts = [
        [f"{told['source']} {told['version']}", told["released"], told["url"]] if told else [None] * len(PROVENANCE)
        for told in (dated, undated)
    ]
    offer = pl.col("offer")
    own = pl.col("seller") == OWN
    return [
        pl.when(own)
        .then(pl.lit("[[price]]" if name == PROVENANCE[0] else None, pl.String))
        .when(offer >= UNDATED_OFFERS)
        .then(pl.lit(late, pl.String))
        .when(offer.is_not_null())
        .then(pl.lit(early, pl.String))
        .alias(name)
        for name, early, late in zip(PROVENANCE, *facts, strict=True)
    ]


def _finer(result: Traced) -> pl.DataFrame:
    """Return by source how many tokens its rows tell, and how many of them count: the rest is told by finer sources."""
    tokens = pl.sum_horizontal(pl.col(TOKEN_CLASSES).sum())
    source = pl.col("source").cast(pl.String)
    told = result.told.group_by(source).agg(tokens=tokens)
    counted = result.cells.group_by(source).agg(counted=tokens)
    both = told.join(counted, on="source", how="left").with_columns(pl.col("counted").fill_null(0))
    return both.filter(pl.col("tokens") > pl.col("counted")).sort("tokens", "source", descending=[True, False])


def _names(told: pl.DataFrame) -> pl.DataFrame:
    names = pl.col("provider", "request_model").cast(pl.String)
    sums = told.group_by(names).agg(pl.col("requests").sum(), tokens=pl.sum_horizontal(pl.col(TOKEN_CLASSES).sum()))
    order = ["tokens", "requests", "request_model", "provider"]
    return sums.sort(order, descending=[True, True, False, False], nulls_last=True)


def _paid(result: Traced) -> pl.DataFrame:
    """Return by source how much of its spend is part of another source's bill, and of which ones."""
    amounts = (
        result.cells.filter(pl.col("joined_tokens") > 0)
        .group_by("source", "billing_currency")
        .agg(amount=known_sum("effective_cost"))
    )
    if result.joined is None:
        return amounts.with_columns(bills=pl.lit(None, pl.List(pl.String)))
    bills = result.joined.paid.group_by("source", "billing_currency").agg(bills=pl.col("bill").unique().sort())
    both = amounts.join(bills, on=["source", "billing_currency"], how="left")
    return both.sort("amount", "source", descending=[True, False], nulls_last=True)


def totals(found: Explained) -> dict[str, Any]:
    """Return the totals of all currencies as the report has them: no money where there are several."""
    alike = found.totals.height == 1
    sums = found.totals.select(pl.col(MEASURES).sum()).row(0, named=True)
    money = {name: found.totals.item(0, name) if alike else None for name in MONEY}
    return {"billing_currency": found.totals.item(0, "billing_currency") if alike else None, **sums, **money}
