"""What OpenAI's two bucketed sources share: pages of the organization API, and buckets that are cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources._documents import at, flat, items

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

TIMES = ("start_time", "end_time")
PAGE_END = "page_end_time"
"""The column that holds how far a page goes."""
EMPTY = {"start_time_iso": None, "end_time_iso": None}
"""What an empty bucket names beside its times: so a page of nothing else looks like the empty export."""
RESULTS = "organization."
EXACTNESS = 8
"""Ranks that a source gives to files which tell less of a whole bucket; each second that a bucket lacks weighs more."""


def results(document: object, kind: str) -> Iterator[dict[str, Any]]:
    """Yield the results in the buckets of a page (or in a bucket that stands alone), and its empty buckets after them.

    A result whose `object` does not begin with `kind` is of another source: there is only its `object`, to be refused.
    """
    found = items(document, "data") if at(document, "object") == "page" else [document]
    buckets = [item for item in found if isinstance(item, dict) and item.get("object") == "bucket"]
    last = {PAGE_END: max((end for item in buckets if isinstance(end := item.get("end_time"), int)), default=None)}
    for bucket in buckets:
        for result in _results(bucket):
            named = str(result.get("object"))
            if named.startswith(kind):
                yield {**dict(*flat(result)), **_times(bucket), **last}
            elif named.startswith(RESULTS):
                yield {"object": named}
    yield from ({**_times(bucket), **EMPTY} for bucket in buckets if not _results(bucket))


def _results(bucket: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results of a bucket; older pages call them `result`, and one of them may stand alone."""
    name = "results" if bucket.get("results") else "result"
    alone = at(bucket, name)
    return [alone] if isinstance(alone, dict) else items(bucket, name)


def _times(bucket: dict[str, Any]) -> dict[str, Any]:
    return {name: bucket.get(name) for name in TIMES}


def bucketed(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Add the charge period and its `granularity`.

    A bucket that is cut off, as the API's first and last are, has the grain of the widest one in its file.
    """
    import polars as pl

    from tokenaudit.sources.expressions import SECONDS, granularity

    start, end = (pl.col(name) for name in TIMES)
    width = pl.coalesce(pl.when((end - start).dt.total_seconds().max() <= unit).then(unit) for unit in SECONDS.values())
    first = start.dt.epoch("s") // width * width
    whole = granularity(start, end)
    inside = (end.dt.epoch("s") <= first + width).fill_null(value=False)
    cut = width.replace_strict({unit: name for name, unit in SECONDS.items()}, return_dtype=pl.String)
    return rows.with_columns(
        charge_period_start=start,
        charge_period_end=end,
        granularity=pl.when((whole == "period") & inside).then(cut).otherwise(whole),
    )


def newest_pages(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Leave out what a later page of the same file says anew of a bucket: it may have been appended day by day."""
    import polars as pl

    whole = pl.col("missing") == pl.col("missing").min().over("identity")
    last = pl.col(PAGE_END).filter(whole).max().over("identity")
    return rows.filter(pl.col(PAGE_END).is_null() | last.is_null() | (pl.col(PAGE_END) == last))


def placed(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Add `bucket_start` and `bucket_end`, those of the whole bucket as text, and `missing`: its seconds not covered.

    The longest piece of a bucket is to stand, whichever is newer.
    """
    import polars as pl

    from tokenaudit.sources.expressions import BUCKET, SECONDS

    start, end = (pl.col(name).dt.epoch("us") for name in BUCKET)
    width = 1_000_000 * pl.col("granularity").replace_strict(SECONDS, default=None, return_dtype=pl.Int64)
    first = pl.coalesce(start // width * width, start)
    last = pl.coalesce(first + width, end)
    return rows.with_columns(
        bucket_start=first.cast(pl.String),
        bucket_end=last.cast(pl.String),
        missing=((last - first) - (end - start)) // 1_000_000,
    )
