"""One model of the price book as a document: its history, another beside it, and how a name finds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from tokenaudit.analysis.measures import EXACT, ratio
from tokenaudit.errors import NoDataError, did_you_mean
from tokenaudit.prices import listing
from tokenaudit.prices.listing import CACHED, INPUT, OUTPUT
from tokenaudit.prices.trace import trace
from tokenaudit.render.document import Document, Section, Shown
from tokenaudit.render.numbers import exact_money, percent
from tokenaudit.render.price_words import DAY_MINUTES, LABELS, NOWHERE, dates_words
from tokenaudit.reports.price_lists import SCHEMA, about, band_or_size, machine, price_columns, worded_rows

if TYPE_CHECKING:
    from tokenaudit.prices.book import PriceBook
    from tokenaudit.prices.names import Name

TOKENIZERS = (
    "A token is not the same amount of text in every model: the same text may make a third more of them in one than in "
    "another, so an equal price is no equal cost."
)


class Found(NamedTuple):
    """A model that was asked for, and its rows."""

    name: Name
    rows: pl.DataFrame


def model(book: PriceBook, name: str, provider: str | None) -> Found:
    """Return the rows of the model that a name means. NoDataError, with names like it, where there is none."""
    meant = book.names.find(provider, name)
    if meant.price_model is None:
        known = tuple(book.offers["price_model"].unique().sort())
        hint = did_you_mean(name.lower(), known) or f"`tokenaudit prices search {name}` looks for parts of names"
        raise NoDataError(f"no price of `{name}` is known{f' at {provider}' if provider else ''}", hint)
    return Found(meant, rows_of(book, meant))


def rows_of(book: PriceBook, name: Name) -> pl.DataFrame:
    """Return the rows of what a name means; none where it has no price."""
    mine = pl.col("seller").eq_missing(name.seller) & pl.col("price_model").eq_missing(name.price_model)
    return listing.listed(book, undated=name.undated).filter(mine)


def history(book: PriceBook, name: str, provider: str | None, day: date) -> Document:
    """Return what a model has cost, and will: a row for each price, and who else sells it."""
    found = model(book, name, provider)
    rows = found.rows.sort(pl.col("variant") != "standard", maintain_order=True)
    worded = worded_rows(rows, size=band_or_size, dates=lambda row: dates_words(row) or "always")
    columns = (
        Shown("variant", "", "words"),
        Shown("size", "holds for", "words", 9),
        Shown("dates", "when", "words"),
        *price_columns(rows),
    )
    others = _elsewhere(book, found, day)
    sections = [Section("History", worded, columns)]
    if others.height:
        elsewhere = (Shown("seller", ""), Shown("price_model", "as"), *price_columns(others, (INPUT, CACHED, OUTPUT)))
        sections.append(Section(f"Elsewhere on {day}", others, elsewhere))
    title = f"{found.name.price_model} of {found.name.seller}"
    return Document(
        schema=SCHEMA,
        head={"model": found.name.price_model, "seller": found.name.seller, "on": day},
        rows=machine(rows),
        tail={"elsewhere": machine(others)},
        heading=(f"{title}: {about(book)}", *_chart(rows, day)),
        notes=(*_certainty(found.name, book),),
        sections=tuple(sections),
    )


def _elsewhere(book: PriceBook, found: Found, day: date) -> pl.DataFrame:
    """Return what other sellers ask for the same model on a day."""
    rows = listing.standard(listing.on_day(listing.listed(book), day)).filter(pl.col("seller") != found.name.seller)
    pairs = rows.select("seller", "price_model").unique(maintain_order=True)
    same = [book.names.find(*pair).model == found.name.model for pair in pairs.iter_rows()]
    return rows.join(pairs.filter(pl.Series(same, dtype=pl.Boolean)), on=["seller", "price_model"], how="semi")


def _certainty(name: Name, book: PriceBook) -> Iterator[str]:
    """Yield what makes a price less than certain."""
    if name.assumed:
        yield f"{name.provider} lists no price for {name.model}: that of {name.seller} is assumed."
    if name.undated:
        told = book.about["undated"]
        source = f"{told['source']} {told['version']}"
        yield f"{name.price_model}: the price is of a list without dates ({source}); it may have been another before."


BLOCKS = "▁▂▃▄▅▆▇█"
MONTHS_AROUND = 2
"""Months shown before the first and after the last change."""
WIDEST = 48


def _chart(rows: pl.DataFrame, day: date) -> Iterator[str]:
    """Yield a line for input and one for output: the price month by month, as far as it changes."""
    ordinary = listing.standard(rows)
    edges = [moment for moment in ordinary["effective_from"].unique().sort() if moment.year != NOWHERE[0]]
    if not edges:
        yield from ("", f"  No change of its price is known up to {day}.")
        return
    first, last = min(edges[0].date(), day), max(edges[-1].date(), day)
    months = pl.date_range(_month(first, -MONTHS_AROUND), _month(last, MONTHS_AROUND), "1mo", eager=True)[-WIDEST:]
    yield ""
    for column, label in ((INPUT, "input"), (OUTPUT, "output")):
        yield f"  {label:<7}{_line(ordinary, column, months)}"
    yield f"  {'':<7}{f'{months[0]:%Y-%m}':<{max(len(months) - 7, 8)}}{months[-1]:%Y-%m}"


def _month(day: date, away: int) -> date:
    number = day.year * 12 + day.month - 1 + away
    return date(number // 12, number % 12 + 1, 1)


def _line(rows: pl.DataFrame, column: str, months: pl.Series) -> str:
    """Return the largest price in force at the end of each month as blocks, and the last step in words."""
    ends = [listing.on_day(rows, _last_of(month))[column].max() for month in months]
    known = [price for price in ends if isinstance(price, Decimal)]
    highest = max(known, default=Decimal())
    drawn = "".join(BLOCKS[_level(price, highest)] if isinstance(price, Decimal) else " " for price in ends)
    steps = [price for at, price in enumerate(known) if not at or price != known[at - 1]]
    banded = rows.select((pl.col("band_end") - pl.col("band_start") < DAY_MINUTES).any()).item()
    dearest = ", at the dearest time of the day" if banded else ""
    return f"{drawn}  {', then '.join(exact_money(price) for price in steps)}{dearest}"


def _level(price: Decimal, highest: Decimal) -> int:
    return int(price / highest * (len(BLOCKS) - 1)) if highest else 0


def _last_of(month: date) -> date:
    return date.fromordinal(_month(month, 1).toordinal() - 1)


# -- two models


class Mix(NamedTuple):
    """Tokens to compare prices by."""

    input_tokens: int
    output_tokens: int
    cached: Decimal
    """Share of the input that is read from a cache."""

    def units(self) -> dict[str, int]:
        """Return the tokens of each class."""
        read = int(self.input_tokens * self.cached)
        return {
            "uncached_input_tokens": self.input_tokens - read,
            "cache_read_input_tokens": read,
            "output_tokens": self.output_tokens,
        }


def compared(book: PriceBook, pair: Sequence[str], mix: Mix, day: date) -> Document:
    """Return what a mix of tokens costs with each of two models, as ordinary requests of a day."""
    found = [model(book, name, None) for name in pair]
    rows = [_dearest(item, day) for item in found]
    units = mix.units()
    frame = pl.DataFrame(
        {
            "unit": list(units),
            "tokens": list(units.values()),
            **{f"price_{at}": [row[f"{name}_per_million"] for name in units] for at, row in enumerate(rows, 1)},
        },
        {"unit": pl.String, "tokens": pl.Int64, "price_1": EXACT, "price_2": EXACT},
    )
    amounts = [
        (pl.col("tokens") * pl.col(f"price_{at}") / Decimal(10**6)).cast(EXACT).alias(f"cost_{at}") for at in (1, 2)
    ]
    costed = frame.with_columns(amounts).filter(pl.col("tokens") > 0)
    total = costed.select(pl.col("tokens", "cost_1", "cost_2").sum())
    names = [f"{item.name.price_model} ({item.name.seller})" for item in found]
    return Document(
        schema="tokenaudit.prices-compare/1",
        head={"on": day, "models": [_told(item) for item in found]},
        rows=costed,
        tail={"totals": total.row(0, named=True)},
        heading=(f"{names[0]} and {names[1]} on {day}\tprice book {book.date}",),
        sections=(_side_by_side(costed, total, names),),
        notes=(
            *_verdict(total, names),
            *filter(None, map(_holds, rows)),
            *(note for item in found for note in _certainty(item.name, book)),
            TOKENIZERS,
        ),
    )


def _told(found: Found) -> dict[str, object]:
    return {"model": found.name.price_model, "seller": found.name.seller}


def _dearest(found: Found, day: date) -> Mapping[str, Any]:
    """Return the row of an ordinary request, of several times of the day the dearest."""
    rows = listing.standard(listing.on_day(found.rows, day)).sort(OUTPUT, INPUT, descending=True)
    if rows.is_empty():
        raise NoDataError(
            f"`{found.name.price_model}` of {found.name.seller} has no price on {day}", "give another --on"
        )
    return rows.row(0, named=True)


def _side_by_side(costed: pl.DataFrame, total: pl.DataFrame, names: Sequence[str]) -> Section:
    worded = costed.with_columns(pl.col("unit").replace(LABELS))
    prices = [
        shown
        for at, name in enumerate(names, 1)
        for shown in (Shown(f"price_{at}", "a million", "exact"), Shown(f"cost_{at}", name.partition(" ")[0], "exact"))
    ]
    return Section("", worded, (Shown("unit", "tokens"), Shown("tokens", "count", "count"), *prices), total)


def _verdict(total: pl.DataFrame, names: Sequence[str]) -> Iterator[str]:
    one, two = total.item(0, "cost_1"), total.item(0, "cost_2")
    if not one or not two:
        return
    cheap, dear = sorted(((one, names[0]), (two, names[1])))
    share = total.select(ratio(pl.lit(dear[0] - cheap[0], EXACT), pl.lit(dear[0], EXACT))).item()
    yield (
        f"{cheap[1]} costs {percent(share)} less than {dear[1]} for these tokens."
        if share
        else "Both cost the same for these tokens."
    )


def _holds(row: Mapping[str, Any]) -> str:
    words = band_or_size(row)
    return f"{row['price_model']}: the price is that of requests {words}." if words else ""


# -- one name


def matched(book: PriceBook, name: str, provider: str | None, day: date) -> Document:
    """Return each step from a logged name to its price on a day."""
    meant = book.names.find(provider, name)
    steps = [(at, *step) for at, step in enumerate(trace(provider, name, day, book), 1)]
    texts = dict.fromkeys(("rule", "text", "found", "seller"), pl.String)
    frame = pl.DataFrame(steps, {"step": pl.Int64, **texts}, orient="row")
    columns = (
        Shown("step", "step", "count"),
        Shown("rule", "rule", "words"),
        Shown("text", "looked up"),
        Shown("seller", "list of", missing=""),
        Shown("found", "found", missing="nothing"),
    )
    prices = listing.on_day(rows_of(book, meant), day)
    worded = worded_rows(prices, size=band_or_size)
    priced = (Shown("variant", "", "words"), Shown("size", "holds for", "words", 9), *price_columns(prices))
    said = f"{meant.price_model} of {meant.seller}" if prices.height else "no price: unpriced"
    return Document(
        schema="tokenaudit.prices-match/1",
        head={"name": name, "provider": provider, "on": day, **meant._asdict()},
        rows=frame,
        tail={"prices": machine(prices)},
        heading=(f"`{name}` of {provider or 'no named provider'} on {day}: {said}\tprice book {book.date}",),
        sections=(
            Section("", frame, columns),
            *([Section("US dollars for a million tokens", worded, priced)] if prices.height else []),
        ),
        notes=(*_certainty(meant, book),),
    )
