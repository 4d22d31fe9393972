"""Which usage rows decide what others cost under agreements, and which cost nothing as a flat fee covers them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from operator import or_

import polars as pl

from tokenaudit.analysis.where import whole_days
from tokenaudit.periods import ALWAYS, Period
from tokenaudit.prices.book import PriceBook
from tokenaudit.prices.own import sells
from tokenaudit.terms import patterns
from tokenaudit.terms.ledger import term_of
from tokenaudit.terms.records import Agreement, Flat
from tokenaudit.terms.spans import Span, month_of, period_of, term

MODELS = "models"
LATEST = date(2999, 12, 31)


def widest(period: Period, agreements: Sequence[Agreement]) -> Period:
    """Return the UTC days that a period touches, and those whose usage decides what these cost."""
    if period.open:
        return period
    days = whole_days(period)
    asked = Span(days.first, days.last)
    spans = [asked, *(span for agreement in agreements for span in _deciding(agreement, asked))]
    first, last = min(span.first for span in spans), min(LATEST, max(span.last for span in spans))
    start = ALWAYS[0] if first <= date(1970, 1, 1) else datetime.combine(first, time(), UTC)
    end = datetime.combine(last + timedelta(days=1), time(), UTC)
    return replace(days, start=start, end=end, first=first, last=last)


def _deciding(agreement: Agreement, asked: Span) -> Iterator[Span]:
    """Yield the days whose usage decides what an agreement makes of the days asked for."""
    whole = term_of(agreement)
    within = asked.within(whole)
    if not within.length:
        return
    if agreement.tier:
        last = (
            within.last if agreement.tiers == "marginal" else period_of(whole, agreement.tier_period, within.last).last
        )
        yield Span(period_of(whole, agreement.tier_period, within.first).first, last)
    month = Span(month_of(within.first).first, month_of(within.last).last).within(whole)
    if agreement.commit:
        yield Span(period_of(whole, agreement.commit.period, within.first).first, month.last)
    for credit in agreement.credit:
        if term(credit.first, credit.expires).within(asked).length:
            yield Span(max(whole.first, credit.first or date.min), month.last)


# -- what flat fees cover


def with_covered(usage: pl.LazyFrame, agreements: Sequence[Agreement], book: PriceBook) -> pl.LazyFrame:
    """Mark the usage that flat fees cover as `included`: it costs nothing beyond them."""
    covering = [(agreement, flat) for agreement in agreements for flat in agreement.flat if flat.covers is not None]
    if not covering:
        return usage
    names = usage.select(pl.col("provider", "request_model").cast(pl.String)).unique().collect(engine="streaming")
    covered = reduce(or_, (_covers(agreement, flat, names, book) for agreement, flat in covering))
    basis = pl.when(covered.fill_null(value=False)).then(pl.lit("included", pl.Categorical)).otherwise("cost_basis")
    return usage.with_columns(cost_basis=basis)


def _covers(agreement: Agreement, flat: Flat, names: pl.DataFrame, book: PriceBook) -> pl.Expr:
    """Say whether a flat fee covers a usage row."""
    columns = dict(flat.covers or {})
    wanted = _values(columns.pop(MODELS, "*"))
    named = {pair: book.names.find(*pair) for pair in names.iter_rows()}
    fitting = [
        pair
        for pair, name in named.items()
        if sells(agreement.provider, name) and any(patterns.fits(pattern, (pair[1], name.model)) for pattern in wanted)
    ]
    whole = term(flat.first, flat.last).within(term_of(agreement))
    day = pl.col("charge_period_start").dt.date()
    models: dict[str | None, list[str | None]] = {}
    for provider, model in fitting:
        models.setdefault(provider, []).append(model)
    of_names = reduce(or_, (_sold(*found) for found in models.items()), pl.lit(value=False))
    chosen = [_any(column, _values(value)) for column, value in columns.items()]
    return pl.all_horizontal(of_names, day.is_between(whole.first, whole.last), *chosen)


def _sold(provider: str | None, models: Sequence[str | None]) -> pl.Expr:
    """Say whether a row is of a provider and one of some models, no name being one of them if None is."""
    named = pl.col("request_model").is_in([model for model in models if model is not None])
    nameless = pl.col("request_model").is_null() & pl.lit(None in models)
    return pl.col("provider").eq_missing(pl.lit(provider)) & (named.fill_null(value=False) | nameless)


def _any(column: str, values: Sequence[str]) -> pl.Expr:
    """Say whether a column is one of some values, case and type left aside."""
    return pl.col(column).cast(pl.String).str.to_lowercase().is_in([value.lower() for value in values])


def _values(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
