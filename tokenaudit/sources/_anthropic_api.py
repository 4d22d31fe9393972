"""What the pages of Anthropic's reports have in common: buckets of results, money in cents, terms, and totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenaudit.sources._documents import flat, items
from tokenaudit.sources._money import scaled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

ENTERPRISE = ("product", "actor", "list_amount", "rbac_group_id")
"""Keys that only the reports of Claude Enterprise have."""
CLASSES = {
    "uncached_input_tokens": "uncached_input_tokens",
    "cache_read_input_tokens": "cache_read_input_tokens",
    "cache_creation.ephemeral_5m_input_tokens": "cache_creation_5m_input_tokens",
    "cache_creation.ephemeral_1h_input_tokens": "cache_creation_1h_input_tokens",
    "output_tokens": "output_tokens",
    "server_tool_use.web_search_requests": "web_search_requests",
}
TIMES = ("starting_at", "ending_at")
CENTS = ("amount", "list_amount")
NOWHERE = "not_available"
TOTAL = "\x1etotal"
COARSE = 2
"""`origin_rank` of what gives way to anything finer."""


def rows(document: object, mark: str, *, enterprise: bool) -> Iterator[Mapping[str, Any]]:
    """Yield the flat results of a page, each with its bucket's times, that hold the key `mark`; amounts in dollars."""
    for bucket in items(document, "data") or items([document]):
        if not bucket.keys() >= set(TIMES):
            continue
        times = {name: bucket[name] for name in TIMES}
        for result in items(bucket, "results") if "results" in bucket else [bucket]:
            if mark in result and not isinstance(result[mark], dict) and enterprise == _is_enterprise(result):
                money = {name: scaled(result[name], -2) for name in CENTS if name in result}
                yield from flat({**result, **times, **money})


def _is_enterprise(result: dict[str, Any]) -> bool:
    return any(name in result for name in ENTERPRISE)


def terms() -> dict[str, pl.Expr]:
    """Return the bucket, the model and the terms that move the price."""
    import polars as pl

    from tokenaudit.sources import expressions

    tier = pl.col("service_tier").str.to_lowercase()
    start, end = pl.col("starting_at"), pl.col("ending_at")
    return {
        "charge_period_start": start,
        "charge_period_end": end,
        "granularity": expressions.granularity(start, end),
        "request_model": pl.col("model"),
        "service_tier": tier.replace("batch", "standard"),
        "batch": tier == "batch",
        "speed": pl.col("speed").str.to_lowercase(),
        "region": pl.when(pl.col("inference_geo") != NOWHERE).then("inference_geo"),
    }


def finest(counted: pl.LazyFrame, scope: tuple[str, ...], within: tuple[str, ...] = ()) -> pl.LazyFrame:
    """Add `identity`: a bucket of each combination of `scope`; a total of the bucket gives way to any that is finer.

    In: usage rows with `reject`. Where no sound row of a bucket names any of the scope, the bucket is a total. Where
    one does, a blank row takes the place of the total, so that a grouped download and one that is not never add up.
    `within` are further columns of the identity, where a page may end inside a bucket.
    """
    import polars as pl

    from tokenaudit.sources import expressions

    names = pl.any_horizontal(pl.col(scope).is_not_null()) & pl.col("reject").is_null()
    split = names.any().over(expressions.BUCKET)
    parted = counted.with_columns(split=split, origin_rank=pl.when(split).then(0).otherwise(COARSE))
    place = pl.when("split").then(expressions.joined((*scope, *within))).otherwise(pl.lit(TOTAL))
    totals = (
        parted.filter("split").group_by(expressions.BUCKET).agg(pl.col("line").min(), pl.col("granularity").first())
    )
    blanks = totals.with_columns(place=pl.lit(TOTAL), blank=True, origin_rank=0)
    whole = pl.concat([parted.with_columns(place=place), blanks], how="diagonal")
    return whole.with_columns(identity=expressions.joined(("place", *expressions.BUCKET))).sort("line", "place")
