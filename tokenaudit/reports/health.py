"""Is the data good enough to trust? What `doctor` says of a store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tokenaudit.prices.book import load_book
from tokenaudit.render.numbers import plural
from tokenaudit.schema import TOKEN_CLASSES
from tokenaudit.sources import names, newest_wins
from tokenaudit.store.catalog import Catalog
from tokenaudit.store.verify import verify

if TYPE_CHECKING:
    from tokenaudit.store.store import Store


class Check(NamedTuple):
    """One thing looked at: `verdict` is ok, warn or broken."""

    name: str
    verdict: str
    text: str


def checks(store: Store) -> list[Check]:
    """Return what there is to say of a store, in reading order."""
    catalog = store.catalog
    return [_size(catalog), *_by_source(store), *_finality(store), _rejected(catalog), _prices()]


def verified(store: Store) -> list[Check]:
    """Read every segment and compare it with the catalog."""
    found = verify(store.catalog, newest_wins(store.catalog.sources()))
    if found:
        return [Check("verify", "broken", f"{item.where}: {item.what}") for item in found]
    live, aside = store.catalog.segments("usage"), store.catalog.segments("superseded")
    rows = sum(segment.rows for segment in (*live, *aside))
    return [Check("verify", "ok", f"{rows:,} rows in {len(live) + len(aside)} segments are as they were written")]


def _size(catalog: Catalog) -> Check:
    live, aside = catalog.segments("usage"), catalog.segments("superseded")
    size = sum(segment.bytes for segment in (*live, *aside)) / 1e6
    rows, kept = sum(segment.rows for segment in live), sum(segment.rows for segment in aside)
    text = f"{rows:,} rows, {kept:,} superseded kept aside, {size:,.1f} MB, schema {catalog.schema_version()}"
    return Check("store", "ok", text)


def _by_source(store: Store) -> Iterator[Check]:
    read = dict.fromkeys(names(), 0)
    merged = dict(read)
    for entry in store.catalog.files().values():
        if entry.source in read:
            read[entry.source] += 1
            merged[entry.source] += entry.merged
    tokens = pl.sum_horizontal(pl.col(TOKEN_CLASSES).sum())
    start = pl.col("charge_period_start")
    totals = (
        store.usage()
        .group_by(pl.col("source").cast(pl.String))
        .agg(pl.len(), tokens, start.min().alias("first"), start.max().alias("last"))
    )
    for name, rows, found, first, last in totals.collect().sort("source").iter_rows():
        files = read.get(name, 0)
        lines = f", {merged[name]:,} repeated lines merged" if merged.get(name) else ""
        yield Check(
            name,
            "ok",
            f"{plural(files, 'file')}, {plural(rows, 'row')}, {found:,} tokens, "
            f"{first:%Y-%m-%d} to {last:%Y-%m-%d}{lines}",
        )


def _finality(store: Store) -> Iterator[Check]:
    """Tell where logs hold placeholders instead of final output counts."""
    shares = (
        store.usage()
        .group_by(pl.col("source").cast(pl.String))
        .agg(open=(~pl.col("finalized")).sum(), rows=pl.len())
        .filter(pl.col("open") > 0)
        .collect()
    )
    for name, unfinished, rows in shares.sort("source").iter_rows():
        text = f"{unfinished:,} of {rows:,} responses were never finalized in the log: their output is a placeholder"
        yield Check(f"{name} output", "warn", text)


def _rejected(catalog: Catalog) -> Check:
    rejects = catalog.rejects()
    if not rejects:
        return Check("rejected", "ok", "no line was rejected")
    files = len({item.path for item in rejects})
    first = rejects[0]
    text = (
        f"{plural(len(rejects), 'line')} in {plural(files, 'file')}, such as {first.path}:{first.line}: {first.reason}"
    )
    return Check("rejected", "warn", text)


def _prices() -> Check:
    book = load_book()
    return Check("prices", "ok", f"price book {book.version}")
