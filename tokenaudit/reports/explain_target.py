"""What the word after `tokenaudit explain` means: a call, by its id, or a model, by its name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tokenaudit.conditions import Condition
from tokenaudit.errors import NoDataError, did_you_mean
from tokenaudit.reports.price_age import logged
from tokenaudit.sources.identity import hash_text

if TYPE_CHECKING:
    from tokenaudit.prices.book import PriceBook
    from tokenaudit.store.store import Store

NUMBER = re.compile(r"-?\d{5,19}")
"""A `response_id` as the usage table has it."""


class Target(NamedTuple):
    """What was meant."""

    calls: tuple[int, ...] | None = None
    """`response_id` of the rows; None where a model was meant."""
    condition: Condition | None = None


def target(store: Store, text: str, book: PriceBook) -> Target:
    """Return what a text means in a store. NoDataError where nothing there is called so.

    The id of a call is the provider's (``msg_...``, ``resp_...``), the source's own key, or the number that stands in
    the usage table. A model is named as logged, or by its canonical name.
    """
    ids = _ids(store, text)
    if ids:
        return Target(calls=ids)
    pairs = logged(store)
    names = {name for _, name in pairs.iter_rows() if name}
    models = {model for pair in pairs.iter_rows() if (model := book.names.find(*pair).model)}
    if text in models:
        return Target(condition=Condition("model", (text,)))
    if text in names:
        return Target(condition=Condition("request_model", (text,)))
    known = (*sorted(models), *sorted(names - models))
    hint = did_you_mean(text, known) or "choose rows with --where and --period, as in a report"
    raise NoDataError(f"no call and no model in the store is called `{text}`", hint)


def _ids(store: Store, text: str) -> tuple[int, ...]:
    """Return the `response_id` of rows that a text may name: it is hashed with the name of each source."""
    hashes = [hash_text(f"{source}\x1f{text}") for source in sorted(store.catalog.sources())]
    if NUMBER.fullmatch(text) and abs(int(text)) < 1 << 63:
        hashes.append(int(text))
    found = store.usage().filter(pl.col("response_id").is_in(hashes)).select(pl.col("response_id").unique())
    return tuple(sorted(found.collect(engine="streaming").to_series()))
