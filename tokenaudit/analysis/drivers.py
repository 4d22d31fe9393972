"""Why spend changed from one span of days to another: more use, dearer models, less cache, other prices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from tokenaudit.analysis.measures import UNCACHED_CLASSES
from tokenaudit.schema import CACHE_CREATION_CLASSES, CACHE_READ_CLASSES, OUTPUT_CLASSES, TOKEN_CLASSES

WEIGHTS: dict[tuple[str, ...], float] = {
    tuple(UNCACHED_CLASSES): 1.0,
    CACHE_READ_CLASSES: 0.1,
    CACHE_CREATION_CLASSES: 1.25,
    OUTPUT_CLASSES: 5.0,
}
"""What tokens of each kind usually cost, in units of uncached input: it tells a dearer mix of tokens from a dearer
token. Real prices of the day are in the spend itself."""


class Change(NamedTuple):
    """What the spend of two spans differs by. The four parts add up to the difference."""

    before: float
    now: float
    volume: float
    """More or fewer tokens."""
    models: float
    """Other models for the same number of tokens."""
    cache: float
    """Of the same models, another mix of cached input, fresh input and output."""
    prices: float
    """What is left: another price for the same tokens."""


def change(before: pl.DataFrame, now: pl.DataFrame, cost: str, scale: float = 1.0) -> Change:
    """Return why the spend of `now` differs from that of `before`; both are cubes with a column `model`.

    `before` counts `scale` times, where it is of a longer span.
    """
    earlier = _sums(before, cost).with_columns(pl.col("cost", "tokens", "weighed") * scale)
    sides = earlier.join(_sums(now, cost), on="model", how="full", nulls_equal=True, coalesce=True)
    models = sides.fill_null(0.0)
    total = {name: float(models[name].sum()) for name in models.columns if name != "model"}
    usual = total["cost"] / total["tokens"] if total["tokens"] else 0.0
    volume = (total["tokens_right"] - total["tokens"]) * usual if total["tokens"] else total["cost_right"]
    parts = models.select(cache=_cache(), prices=_prices()).sum().row(0, named=True)
    cache, prices = float(parts["cache"]), float(parts["prices"])
    difference = total["cost_right"] - total["cost"]
    return Change(total["cost"], total["cost_right"], volume, difference - volume - cache - prices, cache, prices)


def movers(before: pl.DataFrame, now: pl.DataFrame, by: str, cost: str) -> pl.DataFrame:
    """Return by how much each value of a dimension changed, as `key` and `difference` (Decimal), the largest first."""
    sums = [
        frame.group_by(key=pl.col(by).cast(pl.String)).agg((pl.col(cost).sum() * sign).alias("difference"))
        for frame, sign in ((before, -1), (now, 1))
    ]
    both = pl.concat(sums).group_by("key").agg(pl.col("difference").sum())
    return both.sort(pl.col("difference").abs(), "key", descending=[True, False])


def _sums(cube: pl.DataFrame, cost: str) -> pl.DataFrame:
    """Return cost, tokens and weighed tokens of each model."""
    return cube.group_by(pl.col("model").cast(pl.String)).agg(
        cost=pl.col(cost).sum().cast(pl.Float64),
        tokens=_tokens(TOKEN_CLASSES).cast(pl.Float64),
        weighed=pl.sum_horizontal(_tokens(classes) * weight for classes, weight in WEIGHTS.items()),
    )


def _tokens(classes: Sequence[str]) -> pl.Expr:
    return pl.sum_horizontal(pl.col(list(classes)).sum())


def _cache() -> pl.Expr:
    """Return the effect of another mix of tokens, at what a weighed token of the model cost before."""
    mix = _ratio("weighed_right", "tokens_right") - _ratio("weighed", "tokens")
    return pl.when(_both()).then(pl.col("tokens_right") * mix * _ratio("cost", "weighed")).otherwise(0.0)


def _prices() -> pl.Expr:
    dearer = _ratio("cost_right", "weighed_right") - _ratio("cost", "weighed")
    return pl.when(_both()).then(pl.col("weighed_right") * dearer).otherwise(0.0)


def _both() -> pl.Expr:
    return (pl.col("weighed") > 0) & (pl.col("weighed_right") > 0)


def _ratio(part: str, whole: str) -> pl.Expr:
    return pl.col(part) / pl.when(pl.col(whole) > 0).then(pl.col(whole))
