"""Is the store sound? What `doctor` says of it as a whole; `findings` tells of each source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tokenaudit.prices.book import load_book
from tokenaudit.render.numbers import plural
from tokenaudit.reports.findings import Check
from tokenaudit.reports.owners import owners_of
from tokenaudit.sources import names, newest_wins
from tokenaudit.store.catalog import Catalog
from tokenaudit.store.owners import Owner, owners
from tokenaudit.store.verify import verify

if TYPE_CHECKING:
    import polars as pl

    from tokenaudit.store.store import Store

NAMES = 5
"""Owners that are named before the rest is only counted."""
UNDECLARED = "; no source has this name now: its rows count, its files are not read"
"""Said of rows whose [[source]] is no longer in the configuration."""


def checks(store: Store) -> list[Check]:
    """Return what there is to say of a store as a whole, in reading order."""
    catalog = store.catalog
    return [_size(catalog), _prices(), *_unrecognised(catalog), *_undeclared(catalog), *_owned(catalog)]


def verified(store: Store) -> list[Check]:
    """Read every segment and compare it with the catalog."""
    found = verify(store.catalog, newest_wins(store.catalog.rules()))
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


def _unrecognised(catalog: Catalog) -> Iterator[Check]:
    """Tell how many files looked like data and are none that a source reads."""
    found = sorted(path for path, item in catalog.files().items() if item.state == "unrecognised" and not item.source)
    if found:
        text = f"{plural(len(found), 'file')} that no source reads, such as {found[0]}"
        yield Check("unrecognised", "warn", text)


def _undeclared(catalog: Catalog) -> Iterator[Check]:
    """Tell of files that were read as a source which no longer has a name."""
    read = Counter(entry.source for entry in catalog.files().values() if entry.source)
    for name in sorted(read.keys() - names().keys()):
        yield Check(name, "warn", f"{plural(read[name], 'file')}{UNDECLARED}")


def _owned(catalog: Catalog) -> Iterator[Check]:
    """Tell whose files are whose, and who has the calls that files of several owners hold."""
    found = owners_of(catalog)
    if found is None:
        return
    noted = [item for item in owners(catalog) if item.user]
    whose = {item.path: item.user for item in noted}
    files = [entry.path for entry in catalog.files().values() if entry.source]
    people = Counter(whose[path] for path in files if path in whose)
    lacking = len(files) - people.total()
    without = f"; {plural(lacking, 'file')} without an owner" if lacking else ""
    yield Check("owners", "ok", f"{_numbers(people, 'file')}{without}")
    yield from _shared_tables(noted)
    if found.contested.height:
        shares = Counter(found.contested["owner"].to_list())
        text = f"{plural(shares.total(), 'call')} stand in files of several owners: {_numbers(shares, 'call')}"
        yield Check("shared calls", "warn", f"{text}, such as {_example(catalog, found.contested)}")


def _shared_tables(noted: list[Owner]) -> Iterator[Check]:
    """Tell of tables that lie, byte for byte, in folders of several owners."""
    by_content: dict[int, list[Owner]] = {}
    for item in sorted(noted, key=lambda item: (item.user, item.path)):
        by_content.setdefault(item.file_id, []).append(item)
    shared = [found for found in by_content.values() if len({item.user for item in found}) > 1]
    if shared:
        first, *_, last = shared[0]
        example = f"{first.path} of {first.user} and {last.path} of {last.user}"
        text = f"{plural(len(shared), 'table')} of several owners, of whom the first by name has it, such as {example}"
        yield Check("shared tables", "warn", text)


def _numbers(counts: Counter[str], thing: str) -> str:
    shown = [f"{name} has {plural(number, thing)}" for name, number in counts.most_common(NAMES)]
    return ", ".join(shown) + (f" and {len(counts) - NAMES} others" if len(counts) > NAMES else "")


def _example(catalog: Catalog, contested: pl.DataFrame) -> str:
    """Name the two files of one call that two owners claim."""
    first = contested.sort("response_id").row(0, named=True)
    paths = {item.file_id: item.path for item in catalog.versions()}
    paths |= {entry.file_id: entry.path for entry in catalog.files().values()}
    return f"{paths[first['file_id']]} before {paths[first['other_file_id']]} of {first['other']}"


def _prices() -> Check:
    return Check("prices", "ok", f"price book {load_book().version}")
