"""Prices of one's own: behind those of the price book, on their days, and only there."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tokenaudit import schema
from tokenaudit.charges import charge
from tokenaudit.prices.book import load_book
from tokenaudit.prices.own import OWN, with_own_prices
from tokenaudit.terms.records import Price

NOON = datetime(2026, 10, 14, 12, tzinfo=UTC)
MILLION = 10**6


def price(model: str, **more: Any) -> Price:
    """Return a price of $1 and $3 per million tokens."""
    return Price(**{"model": model, "input": Decimal(1), "output": Decimal(3), **more})


def charged(prices: list[Price], **row: Any) -> dict[str, Any]:
    """Return the charge of one row of a million tokens of input, priced by one's own prices too."""
    full: dict[str, Any] = {
        **dict.fromkeys(schema.NAMES),
        **dict.fromkeys(schema.COUNTS, 0),
        "requests": 1,
        "batch": False,
    }
    full |= {"granularity": "request", "charge_period_start": NOON, "uncached_input_tokens": MILLION, **row}
    full["charge_period_end"] = full["charge_period_end"] or full["charge_period_start"]
    full["estimated_output_tokens"] = full["output_tokens"]
    usage = pl.LazyFrame([full], schema=schema.dtypes())
    return charge(usage, with_own_prices(load_book(), prices)).collect().to_dicts()[0]


@pytest.mark.parametrize(
    ("row", "basis", "cost"),
    [
        ({"request_model": "house-9"}, "list", "1"),
        ({"request_model": "house-9", "provider": "ollama"}, "list", "1"),
        ({"request_model": "House-9", "uncached_input_tokens": 0, "cache_read_input_tokens": MILLION}, "list", "1"),
        ({"request_model": "house-9", "uncached_input_tokens": 0, "audio_output_tokens": MILLION}, "list", "3"),
        ({"request_model": "house-9", "batch": True}, "estimated", "1"),
        ({"request_model": "house-9", "web_search_requests": 1}, "unpriced", None),
        ({"request_model": "house-9", "billed_cost": Decimal(7)}, "billed", "7"),
        ({"request_model": "gpt-5"}, "list", "1.25"),
    ],
)
def test_what_is_priced(row: dict[str, Any], basis: str, cost: str | None) -> None:
    """Classes that are not named follow input and output; what the book prices keeps its price."""
    found = charged([price("house-*"), price("gpt-5", input=Decimal(99))], **row)
    assert (found["cost_basis"], found["effective_cost"]) == (basis, None if cost is None else Decimal(cost))


def test_each_day_has_its_price() -> None:
    """Prices may follow each other; on days between them there is none."""
    september = price("house-9", last=date(2026, 9, 30))
    later = price("house-9", input=Decimal(2), first=date(2026, 10, 15))
    days = {(2026, 9, 30): 1, (2026, 10, 1): None, (2026, 10, 14): None, (2026, 10, 15): 2}
    for day, cost in days.items():
        at = datetime(*day, 23, 59, tzinfo=UTC)
        found = charged([later, september], request_model="house-9", charge_period_start=at)
        assert found["effective_cost"] == cost


def test_the_longest_pattern_counts_and_a_guess_comes_last() -> None:
    """A stated price goes before an assumed one, however long its pattern; provider and model must fit."""
    guess = price("house-9", input=Decimal(5), assumed=True)
    for prices, row, cost in (
        ([price("*"), price("house-*", input=Decimal(2))], {}, 2),
        ([price("*"), guess], {}, 1),
        ([guess], {}, 5),
        ([price("house-9", provider="openai")], {"provider": "groq"}, None),
        ([price("house-9", provider="OpenAI")], {"provider": "openai"}, 1),
        ([price("house-9", provider="openai")], {}, 1),
    ):
        assert charged(prices, request_model="house-9", **row)["effective_cost"] == cost


def test_names_say_whose_price_holds() -> None:
    """The seller of a price of one's own is nobody of the book's."""
    names = with_own_prices(load_book(), [price("house-9", provider="acme", assumed=True)]).names
    found = names.find(None, "house-9")
    assert (found.provider, found.seller, found.price_model) == ("acme", OWN, "house-9 of acme, assumed")
    assert with_own_prices(load_book(), []) is load_book()
