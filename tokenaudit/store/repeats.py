"""Sightings that say nothing new: another file holds the same values. They need no resolving, only remembering."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from tokenaudit import schema
from tokenaudit.store.resolve import SIGHTING

ABOUT_THE_FILE = ("response_id", "file_id", "line", "origin_rank", "merged")
"""Columns in which equal sightings may differ."""
VALUES = tuple(name for name in schema.NAMES if name not in ABOUT_THE_FILE)


class Repeats(NamedTuple):
    """Keys of things that were only seen again, and the sightings to remember of them."""

    keys: pl.DataFrame
    sightings: pl.DataFrame


def repeats(incoming: pl.DataFrame, live: pl.DataFrame, superseded: pl.DataFrame, newest: set[str]) -> Repeats:
    """Return what of the incoming rows only repeats live rows that stand as they are.

    Sources whose newest file wins are left out: there a repetition may still decide which file that is.
    """
    events = incoming.filter(~pl.col("source").cast(pl.String).is_in(newest))
    stands = live.filter(~pl.col("merged")).select("response_id", *VALUES, holder="file_id")
    beside = _nearer(events, pl.concat([live, superseded])).join(stands, on="response_id", how="left", suffix="_live")
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_live")) for name in VALUES)
    marked = beside.with_columns(same=same & pl.col("holder").is_not_null() & ~pl.col("nearer"))
    again = marked.filter(pl.col("same").all().over("response_id"))
    fresh = again.filter(pl.col("file_id") != pl.col("holder")).select(schema.NAMES).unique(SIGHTING, keep="any")
    return Repeats(again.select("response_id").unique(), fresh.join(superseded, on=SIGHTING, how="anti"))


def _nearer(events: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Add `nearer`: the file already has the thing, further from its original than it stands now."""
    known = stored.group_by(SIGHTING).agg(known_rank=pl.col("origin_rank").min())
    beside = events.join(known, on=SIGHTING, how="left", maintain_order="left")
    return beside.with_columns(nearer=(pl.col("known_rank") > pl.col("origin_rank")).fill_null(value=False))
