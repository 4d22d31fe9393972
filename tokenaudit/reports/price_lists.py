"""The price book as documents: what is for sale, and which prices will change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from tokenaudit.errors import NoDataError
from tokenaudit.prices import listing
from tokenaudit.prices.listing import CACHED, INPUT, OUTPUT
from tokenaudit.render.document import Document, Section, Shown
from tokenaudit.render.numbers import count
from tokenaudit.render.price_words import band_words, days_words, instant, size_words

if TYPE_CHECKING:
    from tokenaudit.prices.book import PriceBook

SCHEMA = "tokenaudit.prices/1"
SHOWN_ROWS = 40
"""Rows of a list that a table shows where no limit is given."""
COLUMNS: dict[str, str] = {
    INPUT: "input",
    CACHED: "cached",
    "cache_creation_5m_input_tokens_per_million": "write 5 min",
    "cache_creation_30m_input_tokens_per_million": "30 min",
    "cache_creation_1h_input_tokens_per_million": "1 h",
    "cache_creation_12h_input_tokens_per_million": "12 h",
    OUTPUT: "output",
    "audio_input_tokens_per_million": "audio in",
    "audio_output_tokens_per_million": "audio out",
    "image_input_tokens_per_million": "image in",
    "image_output_tokens_per_million": "image out",
    "web_search_requests_each": "a search",
    "requests_each": "a request",
}
"""Prices in the order of a table, with their headings."""

INSTEAD = {
    "cache_creation_30m_input_tokens_per_million": "cache_creation_5m_input_tokens_per_million",
    "cache_creation_1h_input_tokens_per_million": "cache_creation_5m_input_tokens_per_million",
    "cache_creation_12h_input_tokens_per_million": "cache_creation_5m_input_tokens_per_million",
    "audio_output_tokens_per_million": OUTPUT,
    "image_output_tokens_per_million": OUTPUT,
}
"""Whose price holds where a list tells none; the input's for the others."""


def about(book: PriceBook) -> str:
    """Return what a list is of."""
    return f"US dollars for a million tokens\tprice book {book.date}"


def listed(rows: pl.DataFrame, day: date, limit: int | None, title: str, book: PriceBook) -> Document:
    """Return a list of models: what an ordinary request costs on a day. NoDataError where there is none."""
    ordinary = listing.standard(listing.on_day(rows, day))
    if ordinary.is_empty():
        raise NoDataError(f"no model with a price on {day} is called so", "see `tokenaudit prices list`")
    most = SHOWN_ROWS if limit is None else limit or ordinary.height
    kinds = rows.group_by("seller", "price_model").agg(other=_others())
    shown = ordinary.head(most).join(kinds, on=["seller", "price_model"], how="left", maintain_order="left")
    worded = worded_rows(shown, size=band_or_size)
    columns = (
        Shown("price_model", ""),
        Shown("seller", "sold by"),
        *price_columns(shown, (INPUT, CACHED, OUTPUT)),
        Shown("size", "holds for", "words", 2),
        Shown("other", "also", "words", 3),
    )
    return Document(
        schema=SCHEMA,
        head={"on": day},
        rows=machine(ordinary.head(limit) if limit else ordinary),
        heading=(about(book),),
        sections=(Section(title, worded, columns),),
        notes=tuple(_more(ordinary.height, most)),
    )


def _others() -> pl.Expr:
    """Return the other ways in which a model is sold, as words."""
    plain = ~pl.col("variant").str.contains(" us$") & (pl.col("variant") != "standard")
    return pl.col("variant").filter(plain).unique().sort().str.join(", ")


def _more(height: int, most: int) -> Iterator[str]:
    if height > most:
        yield f"{count(height - most)} more: --limit 0 shows all, `tokenaudit prices search TEXT` finds one."


def band_or_size(row: Mapping[str, Any]) -> str:
    """Return for which requests a price holds, by size and time of the day."""
    return ", ".join(filter(None, (size_words(row), band_words(row), days_words(row))))


def machine(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows in the order of the contract."""
    return listing.open_ends(rows).with_columns(billing_currency=pl.lit("USD")).rename({"price_model": "model"})


def price_columns(rows: pl.DataFrame, names: Sequence[str] = ()) -> Iterator[Shown]:
    """Yield the columns of some prices; where none are named, of those that tell something in any row."""
    told = names or [name for name in COLUMNS if name in (INPUT, OUTPUT) or _tells(rows, name)]
    for place, name in enumerate(told):
        yield Shown(name, COLUMNS[name], "exact", 0 if name in (INPUT, OUTPUT) else place + 1)


def _tells(rows: pl.DataFrame, name: str) -> bool:
    """Say whether any price is neither nothing nor the one that stands in where a list tells none."""
    instead = pl.col(INSTEAD.get(name, INPUT))
    return bool(rows.select(((pl.col(name) != instead) & (pl.col(name) != 0)).any()).item())


def worded_rows(rows: pl.DataFrame, **words: Callable[[Mapping[str, Any]], str]) -> pl.DataFrame:
    """Add columns of words made of each row."""
    told = [*rows.iter_rows(named=True)]
    return rows.with_columns(pl.Series(name, list(map(word, told)), pl.String) for name, word in words.items())


def coming(book: PriceBook, rows: pl.DataFrame, day: date) -> Document:
    """Return the changes of price that are known to come after a day; people see those of ordinary requests."""
    found = listing.scheduled(rows, day)
    keys = ["effective_from", "seller", "price_model"]
    others = found.group_by(keys).agg(other=_others())
    ordinary = listing.standard(found).join(others, on=keys, how="left", maintain_order="left")
    worded = worded_rows(ordinary, size=band_or_size, date=lambda row: instant(row["effective_from"]))
    columns = (
        Shown("date", "", "words"),
        Shown("price_model", "model"),
        Shown("seller", "sold by", priority=4),
        Shown(f"old_{INPUT}", "input now", "exact", missing="new"),
        Shown(INPUT, "then", "exact"),
        Shown(f"old_{OUTPUT}", "output now", "exact", missing="new"),
        Shown(OUTPUT, "then", "exact"),
        Shown("size", "holds for", "words", 3),
        Shown("other", "also", "words", 5),
    )
    return Document(
        schema=SCHEMA,
        head={"on": day},
        rows=machine(found),
        heading=(about(book),),
        sections=(Section("Changes to come", worded, columns),),
        notes=("Announced prices change, too: a planned one may never come.",) if found.height else (),
    )
