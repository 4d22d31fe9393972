"""Whose a call is where files have owners: of two owners of one call the file with the earliest own line wins.

Copies of a call stand in several files: a session that somebody else resumed or forked. The sighting nearest its
original decides, as it does for project and session. Files that copied every line of a log, times included, are equally
near. Of these the one with the earliest own line wins, then the one whose first line that no other file holds comes
first (one that holds none is where the others began), then the one that ends first, then the first owner by name.
All of this is a function of what files hold: the order in which they were read changes nothing.
"""

from __future__ import annotations

import polars as pl

START = "charge_period_start"
SIGHTING = ("response_id", "file_id", "origin_rank", START)
CLAIM = {
    "response_id": pl.Int64,
    "owner": pl.String,
    "file_id": pl.Int64,
    "other": pl.String,
    "other_file_id": pl.Int64,
}
"""A call that files of two owners hold: who has it, by which file, and one who has it not."""
ORDER = {"origin_rank": False, "own": True, "apart": False, "last": False, "owner": False, "file_id": False}
"""What decides between the sightings of a call, and whether a missing value comes last."""


def owned_by_copies(live: pl.LazyFrame, aside: pl.LazyFrame, owners: pl.DataFrame) -> pl.DataFrame:
    """Return each call that files of several owners hold, or whose row names a file without owner while a copy has one.

    `live` are the usage rows that count and name no user, `aside` the sightings kept aside, `owners` has the `owner` of
    each `file_id`. Out: `response_id`, and `low` and `high`, the first and the last owner by name.
    """
    owned = owners.lazy()
    copies = aside.select("response_id", "file_id").join(owned, on="file_id").select("response_id", "owner")
    rows = live.select("response_id", "file_id").join(
        copies.select("response_id").unique(), on="response_id", how="semi"
    )
    own = rows.join(owned, on="file_id", how="left").select("response_id", "owner", counts=pl.lit(value=True))
    both = pl.concat([copies.with_columns(counts=pl.lit(value=False)), own])
    stray = pl.col("owner").is_null().any().alias("stray")
    ends = pl.col("owner").min().alias("low"), pl.col("owner").max().alias("high")
    found = both.group_by("response_id").agg(*ends, stray, pl.col("counts").any())
    return found.filter("counts", (pl.col("low") != pl.col("high")) | pl.col("stray")).collect(engine="streaming")


def contested(live: pl.LazyFrame, aside: pl.LazyFrame, owners: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """Return who has each of some calls (`response_id`) that files of several owners hold: the columns of `CLAIM`.

    `live` are all usage rows that count, merged ones left out, `aside` the sightings kept aside.
    """
    if calls.is_empty():
        return pl.DataFrame(schema=CLAIM)
    sightings = pl.concat([live.select(SIGHTING), aside.select(SIGHTING)]).join(owners.lazy(), on="file_id")
    claims = sightings.join(calls.lazy().select("response_id"), on="response_id", how="semi").collect(
        engine="streaming"
    )
    files = claims.select("file_id").unique().lazy()
    whole = sightings.join(files, on="file_id", how="semi").collect(engine="streaming")
    ranked = claims.join(_starts(whole), on="file_id").sort(list(ORDER), nulls_last=list(ORDER.values()))
    other = pl.col("owner") != pl.col("owner").first()
    return (
        ranked.group_by("response_id", maintain_order=True)
        .agg(
            pl.col("owner", "file_id").first(),
            other=pl.col("owner").filter(other).first(),
            other_file_id=pl.col("file_id").filter(other).first(),
        )
        .select(*CLAIM)
    )


def _starts(sightings: pl.DataFrame) -> pl.DataFrame:
    """Return for each `file_id` its earliest `own` line, its first line `apart` from all others, and its `last`."""
    own = pl.col("origin_rank") == pl.col("origin_rank").min().over("response_id")
    apart = pl.col("file_id").n_unique().over("response_id") == 1
    start = pl.col(START)
    return (
        sightings.with_columns(is_own=own, is_apart=apart)
        .group_by("file_id")
        .agg(own=start.filter("is_own").min(), apart=start.filter("is_apart").min(), last=start.max())
    )
