"""How many tokens some texts are, and what they cost once: what `tokenaudit count` says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.prices import listing
from tokenaudit.render.document import Document, Section, Shown
from tokenaudit.tokenizer.count import count

if TYPE_CHECKING:
    from tokenaudit.prices.book import PriceBook

SCHEMA = "tokenaudit.count/1"
MONEY = pl.Decimal(38, 18)
Prices = Mapping[str, Decimal | None]
SURE = {
    "tokenizer": "Counted with {by}, the encoding that OpenAI publishes for this model.",
    "assumed tokenizer": "Estimated with {by}: OpenAI has published no encoding for this model.",
    "characters": "Estimated by characters, as there is no tokenizer for this model here ({by}).",
}
"""How sure a count is."""


def count_report(texts: Mapping[str, str], model: str | None, prices: Prices, day: date) -> Document:
    """Return the tokens of each text for a model, and what they cost as input and as output."""
    counts = {name: count(text, model) for name, text in texts.items()}
    frame = pl.DataFrame(
        [(name, len(texts[name]), found.tokens, found.method, found.by) for name, found in counts.items()],
        {"file": pl.String, "characters": pl.Int64, "tokens": pl.Int64, "method": pl.String, "by": pl.String},
        orient="row",
    ).with_columns(
        (pl.col("tokens") * pl.lit(price, MONEY) / Decimal(10**6)).cast(MONEY).alias(f"{kind}_cost")
        for kind, price in prices.items()
    )
    total = frame.select(pl.col("characters", "tokens", "input_cost", "output_cost").sum())
    known = total if prices["input"] is not None else total.drop("input_cost", "output_cost")
    first = next(iter(counts.values()))
    columns = (
        Shown("file", ""),
        Shown("characters", "characters", "count", 1),
        Shown("tokens", "tokens", "count"),
        Shown("input_cost", "as input", "exact", 2),
        Shown("output_cost", "as output", "exact", 3),
    )
    return Document(
        schema=SCHEMA,
        head={"model": model, "on": day},
        rows=frame,
        tail={"totals": total.row(0, named=True) if prices["input"] is not None else {**_sums(total)}},
        sections=(Section(f"Tokens for {model or 'gpt-5'}", frame, columns, known if len(counts) > 1 else None),),
        notes=(SURE[first.method].format(by=first.by), *_priced(prices, model)),
    )


def _sums(total: pl.DataFrame) -> dict[str, object]:
    return {**total.row(0, named=True), "input_cost": None, "output_cost": None}


def prices_of(model: str | None, provider: str | None, book: PriceBook, day: date) -> Prices:
    """Return what a million tokens cost as input and as output, None where nobody knows."""
    meant = book.names.find(provider, model or "gpt-5")
    mine = pl.col("seller").eq_missing(meant.seller) & pl.col("price_model").eq_missing(meant.price_model)
    listed = listing.listed(book, undated=meant.undated).filter(mine)
    rows = listing.standard(listing.on_day(listed, day)).sort(listing.OUTPUT)
    if rows.is_empty():
        return {"input": None, "output": None}
    return {"input": rows.item(-1, listing.INPUT), "output": rows.item(-1, listing.OUTPUT)}


def _priced(prices: Prices, model: str | None) -> tuple[str, ...]:
    return () if prices["input"] is not None else (f"No price of `{model}` is known.",)
