"""Small usage frames to analyse."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from tokenaudit import schema
from tokenaudit.prices.book import PriceBook, load_book

NOON = datetime(2026, 10, 14, 12, tzinfo=UTC)

DEFAULTS: dict[str, Any] = {
    "source": "usage",
    "granularity": "request",
    "provider": "anthropic",
    "request_model": "claude-haiku-4-5",
    "batch": False,
    "tokens_basis": "reported",
    "requests": 1,
    "billing_currency": "USD",
    "blank": False,
}


def complete(row: dict[str, Any]) -> dict[str, Any]:
    """Return `row` with all usage columns, as the store would hold it."""
    counts = dict.fromkeys(schema.COUNTS, 0)
    full = {**dict.fromkeys(schema.NAMES), **counts, **DEFAULTS, "charge_period_start": NOON, **row}
    end = full["charge_period_end"] or full["charge_period_start"]
    likely = full["estimated_output_tokens"] or full["output_tokens"]
    return {**full, "charge_period_end": end, "estimated_output_tokens": likely}


def usage_frame(rows: Iterable[dict[str, Any]]) -> pl.LazyFrame:
    """Return usage rows as the store gives them."""
    return pl.LazyFrame([complete(row) for row in rows], schema=schema.dtypes())


@pytest.fixture(scope="session")
def usage() -> Callable[..., pl.LazyFrame]:
    """Make usage rows of dictionaries that name only what matters."""
    return lambda *rows: usage_frame(rows)


@pytest.fixture(scope="session")
def book() -> PriceBook:
    """Return the bundled prices."""
    return load_book()
