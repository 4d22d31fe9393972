"""Rows that name no user get the owner of their file, as `ingest --user` and `--user-from` said it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tokenaudit.analysis.owners import CLAIM, contested, owned_by_copies
from tokenaudit.sources import newest_wins
from tokenaudit.store import segments
from tokenaudit.store.owners import named

if TYPE_CHECKING:
    from tokenaudit.store.catalog import Catalog
    from tokenaudit.store.store import Store


class Owners(NamedTuple):
    """Who has what in a store."""

    files: pl.DataFrame
    """The `owner` of each `file_id`."""
    calls: pl.DataFrame
    """The `owner` of each `response_id` whose copies belong to others, or that only a copy gives an owner."""
    contested: pl.DataFrame
    """Calls that files of two owners hold, see `analysis.owners.CLAIM`."""


def attributed(store: Store, usage: pl.LazyFrame) -> pl.LazyFrame:
    """Give usage rows without user the owner of their file; in a store without owners they stay as they are."""
    found = owners_of(store.catalog)
    if found is None:
        return usage
    owner = pl.coalesce(*([_looked_up("response_id", found.calls)] if found.calls.height else []), by_file(found.files))
    user = pl.when(pl.col("user").is_null()).then(owner).otherwise(pl.col("user").cast(pl.String))
    return usage.with_columns(user=user.cast(pl.Categorical))


def own_or_owner(catalog: Catalog) -> pl.Expr:
    """Return whose a sighting is: the user that it names, else the owner of its file."""
    return pl.coalesce(pl.col("user").cast(pl.String), by_file(_frame(named(catalog))))


def by_file(files: pl.DataFrame) -> pl.Expr:
    """Return the owner of the file that a row names."""
    return _looked_up("file_id", files)


def _looked_up(key: str, table: pl.DataFrame) -> pl.Expr:
    return pl.col(key).replace_strict(table[key], table["owner"], default=None, return_dtype=pl.String)


def owners_of(catalog: Catalog) -> Owners | None:
    """Return who has what; None in a store whose files have no owners."""
    found = named(catalog)
    if not found:
        return None
    files = _frame(found)
    nothing = Owners(files, _no_calls(), pl.DataFrame(schema=CLAIM))
    return _settled(catalog, catalog.generation()) if catalog.segments("superseded") else nothing


def _frame(found: dict[int, str]) -> pl.DataFrame:
    return pl.DataFrame({"file_id": found.keys(), "owner": found.values()}, {"file_id": pl.Int64, "owner": pl.String})


def _no_calls() -> pl.DataFrame:
    return pl.DataFrame(schema={name: CLAIM[name] for name in ("response_id", "owner")})


@lru_cache(maxsize=1)
def _settled(catalog: Catalog, generation: int) -> Owners:  # noqa: ARG001 - what the answer holds for
    """Look which calls have copies with an owner. Where the newest file wins, its owner does, whatever others hold."""
    files = _frame(named(catalog))
    largest = ~pl.col("source").is_in(sorted(newest_wins(catalog.rules())))
    live, aside = (
        segments.scan(catalog.folder, catalog.segments(tier)).filter(largest) for tier in ("usage", "superseded")
    )
    found = owned_by_copies(live.filter(pl.col("user").is_null()), aside, files)
    several = pl.col("low") != pl.col("high")
    decided = contested(live.filter(~pl.col("merged")), aside, files, found.filter(several))
    plain = found.filter(~several).select("response_id", owner="low")
    return Owners(files, pl.concat([plain, decided.select("response_id", "owner")]), decided)
