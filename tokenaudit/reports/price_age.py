"""Is the price book old enough to matter? Where models are used that first came after it, somebody should know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.prices.listing import midnight
from tokenaudit.store.catalog import NAME
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from tokenaudit.prices.book import PriceBook

OLD_DAYS = 30
SHOWN = 5


def staleness(folder: Path, book: PriceBook, as_of: date) -> Iterator[str]:
    """Yield a warning where the book is older than 30 days and the store in a folder has models that it cannot know."""
    age = (as_of - book.date).days
    if age <= OLD_DAYS or not (folder / NAME).exists():
        return
    with Store.open(folder) as store:
        names = newer_models(store, book.date)
    if names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        yield (
            f"The price book is {age} days old (of {book.date}); first seen since: {', '.join(names[:SHOWN])}{more}. "
            "A newer version of tokenaudit has newer prices."
        )


def newer_models(store: Store, day: date) -> list[str]:
    """Return the names of models of which the store has nothing up to a day, those with most rows first."""
    first = pl.col("charge_period_start").min()
    found = (
        store.usage()
        .group_by(pl.col("request_model").cast(pl.String))
        .agg(first=first, rows=pl.len())
        .filter(pl.col("first") > midnight(day), pl.col("request_model").is_not_null())
        .sort("rows", "request_model", descending=[True, False])
        .collect(engine="streaming")
    )
    return found["request_model"].to_list()


def logged(store: Store) -> pl.DataFrame:
    """Return each `provider` and `request_model` that a store has rows of."""
    return (
        store.usage().select(pl.col("provider", "request_model").cast(pl.String)).unique().collect(engine="streaming")
    )
