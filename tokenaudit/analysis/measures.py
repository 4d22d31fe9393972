"""The figures of a report row, made from the sums of a cube."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tokenaudit.schema import CACHE_CREATION_CLASSES, CACHE_READ_CLASSES, INPUT_CLASSES, MONEY, OUTPUT_CLASSES

EXACT = pl.Decimal(38, 18)

UNCACHED_CLASSES = tuple(c for c in INPUT_CLASSES if c not in (*CACHE_READ_CLASSES, *CACHE_CREATION_CLASSES))
UNESTIMATED_CLASSES = tuple(c for c in OUTPUT_CLASSES if c != "output_tokens")

TOKENS: dict[str, tuple[str, ...]] = {
    "requests": ("requests",),
    "input_tokens": INPUT_CLASSES,
    "uncached_input_tokens": UNCACHED_CLASSES,
    "cache_read_input_tokens": CACHE_READ_CLASSES,
    "cache_creation_input_tokens": CACHE_CREATION_CLASSES,
    "output_tokens": OUTPUT_CLASSES,
    "reasoning_output_tokens": ("reasoning_output_tokens",),
    "total_tokens": (*INPUT_CLASSES, *OUTPUT_CLASSES),
}
"""Figures before the money, and the columns of a cube that each adds up; text, audio and images alike."""

UNCERTAIN: dict[str, tuple[str, ...]] = {
    "unpriced_requests": ("unpriced_requests",),
    "unpriced_tokens": ("unpriced_tokens",),
    "estimated_output_tokens": ("estimated_output_tokens", *UNESTIMATED_CLASSES),
}
"""Figures between the spend and its estimate. Only text output is ever estimated."""

MARKUP, CURRENCY = "markup", "billing_currency"
"""What charge-back adds, in cubes under an agreement that says any; and the column that keeps money apart."""

AMOUNTS = (*MONEY, "dearest_cost", MARKUP)
"""Every column of money that charges may have."""

MEASURES = (*TOKENS, *MONEY[:-1], *UNCERTAIN, MONEY[-1])
"""The figures of a row, in the order of the JSON contract."""


def measured(cube: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return `MEASURES` for each combination of the columns `by`, in no particular order; one row where `by` is empty.

    Text columns come back as String. Money is null where no part is known.
    """
    figures = [_figure(name) for name in MEASURES]
    grouped = cube.lazy().group_by(by).agg(figures) if by else cube.lazy().select(figures)
    return grouped.with_columns(pl.col(pl.Categorical).cast(pl.String)).collect(engine="streaming")


def amounts(charges: pl.DataFrame) -> list[str]:
    """Return the columns of money that charges have."""
    return [name for name in AMOUNTS if name in charges.columns]


def known_sum(column: str) -> pl.Expr:
    """Return the sum of the known values of `column`, null where none is known."""
    return pl.when(pl.col(column).count() > 0).then(pl.col(column).sum()).alias(column)


def ratio(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return part / whole as Decimal(38, 18), null where the whole is 0 or unknown."""
    return part.cast(EXACT) / pl.when(whole != 0).then(whole.cast(EXACT))


def _figure(name: str) -> pl.Expr:
    if name in MONEY:
        return known_sum(name)
    classes = {**TOKENS, **UNCERTAIN}[name]
    return pl.sum_horizontal(pl.col(classes).sum()).alias(name)


def has_markup(cube: pl.DataFrame) -> bool:
    """Say whether an agreement adds anything for charge-back."""
    return MARKUP in cube.columns


def with_markup(frame: pl.DataFrame, cube: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Add `markup` to rows of the dimensions `by`, or to a total; nothing where no agreement says any."""
    if not has_markup(cube):
        return frame
    if not by:
        total = cube.select(known_sum(MARKUP)).item() if cube[CURRENCY].n_unique() == 1 else None
        return frame.with_columns(pl.lit(total, EXACT).alias(MARKUP))
    keys = list(dict.fromkeys((*by, CURRENCY)))
    sums = cube.group_by(keys).agg(known_sum(MARKUP)).with_columns(pl.col(pl.Categorical).cast(pl.String))
    return frame.join(sums, on=keys, how="left", nulls_equal=True, maintain_order="left")
