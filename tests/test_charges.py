"""What usage costs: the right rate, exactly, and nothing made up."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tokenaudit import schema
from tokenaudit.charges import PRICE_DIMENSIONS, charge, with_price_dimensions
from tokenaudit.prices.book import load_book

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TOTALS = (*schema.MONEY, "unpriced_requests", "unpriced_tokens")
SUMS = (*schema.COUNTS, "estimated_output_tokens", "billed_cost", "list_cost")
FRESH, READ, OUTPUT = "uncached_input_tokens", "cache_read_input_tokens", "output_tokens"
WRITE_5M, WRITE_1H = "cache_creation_5m_input_tokens", "cache_creation_1h_input_tokens"
WRITE_30M, WRITE_12H = "cache_creation_30m_input_tokens", "cache_creation_12h_input_tokens"
SEARCH = "web_search_requests"
MILLION = 1_000_000


def instant(text: str) -> datetime:
    """Return the UTC instant of ``2026-03-12`` or ``2026-03-12T06:00``."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def complete(row: dict[str, Any], line: int) -> dict[str, Any]:
    """Return a row with all usage columns, as the store would hold it."""
    defaults = {"granularity": "request", "requests": 1, "batch": False, "charge_period_start": NOON, "line": line}
    full = {**dict.fromkeys(schema.NAMES), **dict.fromkeys(schema.COUNTS, 0), **defaults, **row}
    full["charge_period_end"] = full["charge_period_end"] or full["charge_period_start"]
    full["estimated_output_tokens"] = full["estimated_output_tokens"] or full["output_tokens"]
    return full


def usage(rows: Iterable[dict[str, Any]]) -> pl.LazyFrame:
    """Return usage rows of dictionaries that name only what matters; `line` keeps their order."""
    return pl.LazyFrame([complete(row, line) for line, row in enumerate(rows)], schema=schema.dtypes())


def charged(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the charges of rows, in their order."""
    return charge(usage(rows), load_book()).sort("line").collect().to_dicts()


def cost(name: str | None, **row: Any) -> Decimal | None:
    """Return the effective cost of one row."""
    (found,) = charged({"request_model": name, **row})
    spent: Decimal | None = found["effective_cost"]
    return spent


EXAMPLES: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("gpt-5.4", {FRESH: 10_000, OUTPUT: 2_000}, "0.055"),
    ("gpt-4o", {FRESH: 100_000, READ: 900_000}, "1.375"),
    ("claude-sonnet-4-6", {WRITE_5M: 100_000}, "0.375"),
    ("claude-sonnet-4-6", {WRITE_1H: 100_000}, "0.6"),
    ("gpt-6-astra", {WRITE_30M: 100_000}, "1.25"),
    ("gpt-6-astra", {WRITE_12H: 100_000}, "2.5"),
    ("gemini-2.5-flash", {FRESH: 1_000, "audio_input_tokens": 1_000}, "0.0013"),
    ("claude-opus-4-5", {FRESH: 1_000, OUTPUT: 1_000}, "0.03"),
    ("us.anthropic.claude-opus-4-5-20251101-v1:0", {FRESH: 1_000, OUTPUT: 1_000}, "0.033"),
    ("global.anthropic.claude-opus-4-5-20251101-v1:0", {FRESH: 1_000, OUTPUT: 1_000}, "0.03"),
    ("anthropic.claude-opus-4-5-20251101-v1:0", {FRESH: 1_000, OUTPUT: 1_000}, "0.033"),
    ("claude-opus-5", {SEARCH: 3}, "0.03"),
    ("claude-sonnet-5", {FRESH: MILLION, OUTPUT: MILLION, "batch": True}, "6"),
    ("gpt-5", {FRESH: MILLION, "batch": True, "charge_period_start": instant("2026-10-01")}, "0.625"),
    ("gpt-5.5", {FRESH: 20_000, OUTPUT: 1_000, "service_tier": "priority"}, "0.325"),
    ("gpt-5.5", {FRESH: 20_000, OUTPUT: 1_000, "service_tier": "default"}, "0.13"),
    ("gpt-6-astra", {FRESH: 20_000, OUTPUT: 1_000, "service_tier": "ultrafast"}, "1.5"),
    ("claude-opus-4-6", {FRESH: 50_000, OUTPUT: 2_000, "speed": "fast"}, "1.8"),
    ("claude-opus-5-5", {FRESH: MILLION, OUTPUT: MILLION, "speed": "fast", "region": "us"}, "52.8"),
    ("gpt-5.6-sol", {FRESH: 100_000, SEARCH: 1, "batch": True}, "0.21"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "row", "expected"), EXAMPLES)
def test_published_examples(name: str, row: dict[str, Any], expected: str) -> None:
    """Each rule of the providers' price pages, worked out by hand."""
    assert cost(name, **row) == Decimal(expected)


THRESHOLDS = (
    ("gpt-5.4", 272_000, "0.0000025", "0.000005"),
    ("claude-haiku-5-5", 100_000, "0.0000001", "0.0000005"),
    ("claude-sonnet-4-5", 200_000, "0.000003", "0.000006"),
    ("claude-sonnet-4-20250514[1m]", 200_000, "0.000003", "0.000006"),
    ("gemini-2.5-pro", 200_000, "0.00000125", "0.0000025"),
    ("grok-4.3", 199_999, "0.00000125", "0.0000025"),
)


@pytest.mark.parametrize(("name", "most", "below", "above"), THRESHOLDS)
def test_long_context_reprices_the_whole_request(name: str, most: int, below: str, above: str) -> None:
    """Up to the threshold the low rate holds, from one token more the high one, for every token."""
    assert cost(name, **{FRESH: most}) == most * Decimal(below)
    assert cost(name, **{FRESH: most + 1}) == (most + 1) * Decimal(above)


def test_cached_input_counts_towards_the_context() -> None:
    """The whole input decides, however little of it is new."""
    (row,) = charged({"request_model": "gpt-5.4", FRESH: 1, READ: 271_999, OUTPUT: 1_000})
    assert (row["context_tier"], row["effective_cost"]) == (0, Decimal("0.0830022500"))
    (row,) = charged({"request_model": "gpt-5.4", FRESH: 1, READ: 272_000, OUTPUT: 1_000})
    assert (row["context_tier"], row["effective_cost"]) == (1, Decimal("0.158505"))


@pytest.mark.parametrize("granularity", ["minute", "hour", "day", "month"])
def test_sums_of_many_requests_never_reach_a_long_context(granularity: str) -> None:
    """A day of small requests is no large request."""
    assert cost("gpt-5.4", granularity=granularity, **{FRESH: 300_000}) == Decimal("0.75")


TOP = (
    ("gpt-5.4", "request", {FRESH: 300_000}, None),
    ("gpt-5.4", "day", {FRESH: 272_000}, None),
    ("gpt-5.4", "day", {FRESH: 272_001}, "1.360005"),
    ("gpt-5.4", "day", {FRESH: 200_000, READ: 100_000, OUTPUT: 1_000}, "1.0725"),
    ("gpt-5", "day", {FRESH: MILLION}, None),
    ("gpt-5.4", "day", {FRESH: MILLION, "billed_cost": Decimal(1)}, None),
    ("gpt-5.4", "day", {FRESH: MILLION, "cost_basis": "included"}, None),
    ("deepseek-v4-pro", "month", {FRESH: MILLION}, None),
)


@pytest.mark.parametrize(("name", "grain", "row", "most"), TOP)
def test_sums_of_requests_say_what_they_may_cost(name: str, grain: str, row: dict[str, Any], most: str | None) -> None:
    """Where some request of a sum may be in a long context, the price of all of them in it stands beside."""
    (found,) = charged({"request_model": name, "granularity": grain, **row})
    assert found["dearest_cost"] == (Decimal(most) if most else None)
    assert most is None or found["effective_cost"] < found["dearest_cost"]


def test_doubt_about_the_tier_goes_by_the_price_of_the_day() -> None:
    """Two tiers, or a tier that ended: the dearest price is that of the same instant."""
    day = {"granularity": "day", FRESH: MILLION}
    rows = [
        {"request_model": "claude-opus-4-6", "charge_period_start": instant(text), **day}
        for text in ("2026-03-12", "2026-03-13")
    ]
    assert [row["dearest_cost"] for row in charged(*rows)] == [10, 5]


REASONS = (
    ({"request_model": "mystery", FRESH: 1}, "model"),
    ({"request_model": None, FRESH: 1}, "model"),
    ({"request_model": "deepseek-chat", FRESH: 1}, "date"),
    ({"request_model": "deepseek-chat", FRESH: 1, "charge_period_start": instant("2026-07-24T15:58")}, None),
    ({"request_model": "deepseek-chat", FRESH: 1, "charge_period_start": instant("2026-07-24T15:59")}, "date"),
    ({"request_model": "text-embedding-3-small", OUTPUT: 1}, "unit"),
    ({"request_model": "gpt-4o", "cost_basis": "unpriced"}, "unit"),
    ({"request_model": "gpt-4o", FRESH: 1, "billing_currency": "EUR"}, "currency"),
    ({"request_model": "gpt-4o", FRESH: 1}, None),
    ({"request_model": "mystery", FRESH: 1, "billed_cost": Decimal(1)}, None),
    ({"request_model": "mystery", FRESH: 1, "cost_basis": "included"}, None),
)


@pytest.mark.parametrize(("row", "reason"), REASONS)
def test_why_there_is_no_price(row: dict[str, Any], reason: str | None) -> None:
    """An unknown model, a day on which it is not sold, a unit or a currency without a price are told apart."""
    (found,) = charged(row)
    assert (found["unpriced_reason"], found["cost_basis"] == "unpriced") == (reason, reason is not None)


DATED = (
    ("deepseek-chat", "2025-09-29", {FRESH: MILLION, OUTPUT: MILLION}, "2.24", "0.70"),
    ("deepseek-chat", "2026-04-24", {FRESH: MILLION, OUTPUT: MILLION}, "0.70", "0.42"),
    ("mistral-large-latest", "2025-12-02", {FRESH: MILLION, OUTPUT: MILLION}, "8", "2"),
    ("openai/gpt-5.6-sol", "2026-08-21", {FRESH: MILLION // 4}, "1.25", "1"),
    ("grok-4.5", "2026-07-09", {READ: 100_000}, "0.05", "0.03"),
    ("o3", "2025-06-10", {FRESH: MILLION, OUTPUT: MILLION}, "50", "10"),
    ("gpt-5.6-terra", "2026-07-30", {FRESH: 90, READ: 10, OUTPUT: 5}, "0.0003025", "0.000242"),
    ("claude-opus-4-6", "2026-03-13", {FRESH: 300_000}, "3", "1.5"),
    ("gemini-4-argon", "2026-12-01", {FRESH: MILLION}, "2", "4"),
)


SELLS = {"openai/gpt-5.6-sol": "openrouter"}


@pytest.mark.parametrize(("name", "day", "row", "before", "since"), DATED)
def test_the_price_of_the_day_holds(name: str, day: str, row: dict[str, Any], before: str, since: str) -> None:
    """The old price holds to the last microsecond, the new one from midnight UTC; prices to come are known."""
    midnight = instant(day)
    rows = [
        {"provider": SELLS.get(name), "request_model": name, "charge_period_start": t, **row}
        for t in (midnight - timedelta(microseconds=1), midnight)
    ]
    assert [row["effective_cost"] for row in charged(*rows)] == [Decimal(before), Decimal(since)]


def test_hour_of_the_day() -> None:
    """A price that holds for some hours only is told apart by the minute."""
    hours = ("00:59", "01:00", "03:59", "04:00", "09:59", "10:00")
    rows = [
        {"request_model": "deepseek-v4-pro", FRESH: MILLION, "charge_period_start": instant(f"2026-11-20T{h}")}
        for h in hours
    ]
    low, high = Decimal("0.66"), Decimal("1.32")
    assert [row["effective_cost"] for row in charged(*rows)] == [low, high, high, low, high, low]


DEEPSEEK = (
    ("deepseek-v4-pro", "2026-08-16T15:59", "0.435"),  # one price all day
    ("deepseek-v4-pro", "2026-08-16T16:00", "0.66"),  # midnight in Beijing
    ("deepseek-v4-pro", "2026-08-22T02:00", "1.32"),  # a Saturday, before weekends were off-peak
    ("deepseek-v4-pro", "2026-08-29T02:00", "0.66"),  # a Saturday
    ("deepseek-v4-pro", "2026-08-28T02:00", "1.32"),  # the Friday before
    ("deepseek-v4-pro", "2026-10-05T02:00", "0.66"),  # a Monday of the National Day week
    ("deepseek-v4-pro", "2026-10-08T02:00", "1.32"),  # the Thursday after
    ("deepseek-v4-flash", "2026-05-01T02:00", "0.14"),
    ("deepseek-v4-flash", "2026-08-18T02:00", "0.44"),
    ("deepseek-v4-flash", "2026-08-18T05:00", "0.22"),
    ("deepseek-v4-flash", "2026-09-10T02:00", "0.30"),
    ("deepseek-flash", "2026-11-21T02:00", "0.15"),
    ("deepseek-chat", "2025-03-01T12:00", "0.27"),
    ("deepseek-chat", "2025-03-01T17:00", "0.135"),
    ("deepseek-chat", "2025-09-06T17:00", "0.56"),
)


@pytest.mark.parametrize(("name", "time", "expected"), DEEPSEEK)
def test_peak_hours_weekends_and_holidays(name: str, time: str, expected: str) -> None:
    """DeepSeek's prices by hour, day of the week and holiday, as its price page has had them."""
    assert cost(name, charge_period_start=instant(time), **{FRESH: MILLION}) == Decimal(expected)


REGIONS = (
    ("anthropic", "claude-opus-5-5", "us", "4.4"),
    ("anthropic", "claude-opus-5-5", "global", "4"),
    ("openai", "gpt-5.4-mini", "eu", "0.825"),
    ("openai", "gpt-5", "eu", "1.25"),
    ("x-ai", "grok-4.6", "us", "4.4"),
    ("vertex_ai", "claude-opus-4-5@20251101", "europe-west1", "5.5"),
    ("vertex_ai", "claude-opus-4-5@20251101", "global", "5"),
    ("azure", "gpt-5.4-mini", "eastus", "0.75"),
)


@pytest.mark.parametrize(("provider", "name", "region", "expected"), REGIONS)
def test_inference_kept_in_a_region(provider: str, name: str, region: str, expected: str) -> None:
    """A tenth more where the seller says so: for these models, in these regions."""
    assert cost(name, provider=provider, region=region, **{FRESH: MILLION}) == Decimal(expected)


UNDATED = (
    ("azure", "azure/us/gpt-5.4", {FRESH: MILLION}, "5.5"),
    ("azure", "azure_ai/deepseek-r1", {FRESH: MILLION, OUTPUT: MILLION}, "6.75"),
    ("deepinfra", "deepseek-ai/DeepSeek-R1", {FRESH: MILLION}, "0.7"),
    ("dashscope", "qwen-turbo", {OUTPUT: 1_000, "reasoning_output_tokens": 400}, "0.00032"),
)


@pytest.mark.parametrize(("provider", "name", "row", "expected"), UNDATED)
def test_undated_prices_are_the_last_resort(provider: str, name: str, row: dict[str, Any], expected: str) -> None:
    """What no dated source knows at that seller has today's list price, at any time, and says so."""
    for day in ("2024-01-01", "2026-11-20"):
        (found,) = charged({"provider": provider, "request_model": name, "charge_period_start": instant(day), **row})
        assert (found["cost_basis"], found["effective_cost"]) == ("list_undated", Decimal(expected))


def test_reasoning_with_a_price_of_its_own() -> None:
    """Where a provider asks less for reasoning, that part of the output costs less: 600 at $8 and 400 at $3."""
    row = {FRESH: 1_000, OUTPUT: 1_000, "reasoning_output_tokens": 400}
    assert cost("perplexity/sonar-deep-research", provider="openrouter", **row) == Decimal("0.008")
    assert cost("claude-opus-5", **row) == Decimal("0.03")


@pytest.mark.parametrize("name", ["gpt-4o", "gemini-2.0-flash", "gpt-6.1-sol", "claude-opus-4-5", "o3-mini"])
@pytest.mark.parametrize("provider", [None, "azure", "vertex_ai", "aws"])
def test_batch_never_exceeds_standard(provider: str | None, name: str) -> None:
    """Whoever sells, whatever the day: a batch costs at most what single requests do."""
    row = {"provider": provider, FRESH: 1_000, READ: 1_000, WRITE_1H: 1_000, OUTPUT: 1_000, SEARCH: 1}
    for day in ("2025-06-01", "2026-11-20"):
        when = {"charge_period_start": instant(day)}
        single, batch = (cost(name, batch=batch, **row, **when) for batch in (False, True))
        assert (single is None) == (batch is None)
        assert single is None or batch is None or batch <= single


def test_a_bucket_across_a_change_of_price_is_estimated() -> None:
    """A month in which the price fell cannot be priced for sure; one in which it stayed, can, and so can a day."""
    spans = (
        ("month", "2025-06-01", "2025-07-01"),
        ("month", "2025-07-01", "2025-08-01"),
        ("day", "2025-06-09", "2025-06-10"),
        ("day", "2025-06-10", "2025-06-11"),
    )
    bounds = ("granularity", "charge_period_start", "charge_period_end")
    rows = [dict(zip(bounds, (grain, instant(start), instant(end)), strict=True)) for grain, start, end in spans]
    rows = [{"request_model": "o3", FRESH: 1, **row} for row in rows]
    assert [row["cost_basis"] for row in charged(*rows)] == ["estimated", "list", "list", "list"]


def test_time_splits_no_sum_without_need() -> None:
    """Rows share one instant while no price changes, and are told apart by the changes of their model's price."""
    days = [instant("2025-06-09T01:00") + timedelta(hours=13 * n) for n in range(40)]
    rows = usage({"request_model": name, "charge_period_start": day} for name in ("o3", "gpt-4o") for day in days)
    instants = (
        with_price_dimensions(rows, load_book()).group_by("request_model").agg(pl.col("price_instant").n_unique())
    )
    assert dict(instants.collect().rows()) == {"o3": 2, "gpt-4o": 1}
    calm = with_price_dimensions(rows.filter(pl.col("charge_period_start") < days[2]), load_book())
    assert calm.select(pl.col("price_instant").n_unique()).collect().item() == 1


def test_unknown_models_are_unpriced_and_counted() -> None:
    """No price is never a price of zero."""
    unknown, empty = charged(
        {"request_model": "mystery-model-9", FRESH: 1_500, OUTPUT: 500}, {"request_model": "mystery"}
    )
    assert unknown["model"] == "mystery-model-9"
    assert unknown["cost_basis"] == "unpriced"
    assert [unknown[name] for name in TOTALS] == [None, None, None, None, None, 1, 2_000]
    assert (empty["effective_cost"], empty["unpriced_requests"], empty["unpriced_tokens"]) == (Decimal(0), 0, 0)


SEARCHES = (
    (None, "claude-opus-5", "0.03"),
    ("openai", "gpt-5", "0.03"),
    ("x-ai", "grok-4.6", "0.015"),
    ("vertex_ai", "gemini-3.5-flash", "0.042"),
    ("vertex_ai", "claude-opus-5", "0.03"),
    ("openai", "gpt-4", None),
)


@pytest.mark.parametrize(("provider", "name", "expected"), SEARCHES)
def test_web_searches(provider: str | None, name: str, expected: str | None) -> None:
    """Three searches cost what the seller asks for them, batch or not; without a price they are unpriced."""
    for batch in (False, True):
        found = cost(name, provider=provider, batch=batch, **{SEARCH: 3})
        assert found == (Decimal(expected) if expected else None)


def test_a_row_is_priced_as_a_whole_or_not_at_all() -> None:
    """Output of a model that has a price for input only leaves nothing out in silence."""
    (row,) = charged({"request_model": "text-embedding-3-small", FRESH: 1_000, OUTPUT: 1})
    assert (row["effective_cost"], row["unpriced_tokens"]) == (None, 1_001)
    assert cost("text-embedding-3-small", **{FRESH: MILLION}) == Decimal("0.02")


def test_billed_beats_computed_and_both_are_kept() -> None:
    """The bill is spent; the list price stands beside it."""
    (row,) = charged({"request_model": "claude-opus-4-5", FRESH: 1_000, OUTPUT: 1_000, "billed_cost": Decimal("0.024")})
    assert (row["billed_cost"], row["effective_cost"], row["estimated_cost"]) == (Decimal("0.024"),) * 3
    assert (row["list_cost"], row["cost_basis"]) == (Decimal("0.03"), "billed")


def test_a_bill_without_tokens_has_no_list_price() -> None:
    """A line of a bill that names no tokens is not free at list price."""
    (row,) = charged({"request_model": "claude-opus-4-5", "billed_cost": Decimal(5)})
    assert (row["effective_cost"], row["list_cost"]) == (Decimal(5), None)


def test_what_a_plan_covers_costs_nothing_and_keeps_its_value() -> None:
    """An included request is spent at 0 and shown at list price, known model or not."""
    known, unknown = charged(
        {"request_model": "claude-opus-4-5", FRESH: 1_000, OUTPUT: 1_000, "cost_basis": "included"},
        {"request_model": "auto", FRESH: 1_000, "cost_basis": "included"},
    )
    assert (known["effective_cost"], known["estimated_cost"], known["list_cost"]) == (0, 0, Decimal("0.03"))
    assert (unknown["effective_cost"], unknown["list_cost"], unknown["unpriced_requests"]) == (0, None, 0)
    assert {known["cost_basis"], unknown["cost_basis"]} == {"included"}


def test_list_price_of_the_source_is_kept() -> None:
    """Where the source states the list price, nothing is computed."""
    (row,) = charged({"request_model": "mystery", FRESH: 1_000, "list_cost": Decimal("1.25")})
    assert (row["list_cost"], row["effective_cost"], row["cost_basis"]) == (Decimal("1.25"), Decimal("1.25"), "list")


def test_list_prices_are_dollars() -> None:
    """A row in another currency has no computed price; what it was billed stays in its currency."""
    bare, billed = charged(
        {"request_model": "gpt-5", FRESH: 1_000, "billing_currency": "EUR"},
        {"request_model": "gpt-5", FRESH: 1_000, "billing_currency": "EUR", "billed_cost": Decimal(2)},
    )
    assert (bare["cost_basis"], bare["unpriced_tokens"]) == ("unpriced", 1_000)
    assert (billed["effective_cost"], billed["list_cost"], billed["billing_currency"]) == (Decimal(2), None, "EUR")


@pytest.mark.parametrize(
    ("row", "basis"),
    [
        ({"service_tier": "standard"}, "list"),
        ({"service_tier": "scale"}, "estimated"),
        ({"speed": "fast"}, "estimated"),
        ({"provider": "my-gateway"}, "estimated"),
        ({"region": "us"}, "list"),
    ],
)
def test_a_price_that_stands_in_is_marked(row: dict[str, Any], basis: str) -> None:
    """Where the way a request was bought has no price of its own, the standard price is an estimate."""
    (found,) = charged({"request_model": "claude-opus-4-5", "provider": "anthropic", FRESH: MILLION, **row})
    assert (found["cost_basis"], found["effective_cost"]) == (basis, Decimal(5))


def test_estimated_output_is_shown_beside_and_never_spent() -> None:
    """A placeholder count is spent as recorded; what was probably used stands beside it."""
    (row,) = charged({"request_model": "claude-opus-4-5", OUTPUT: 1, "estimated_output_tokens": 1_000})
    assert (row["effective_cost"], row["estimated_cost"]) == (Decimal("0.000025"), Decimal("0.025"))


def test_provider_and_currency_are_filled() -> None:
    """What the log leaves out and the name tells is filled in."""
    (row,) = charged({"request_model": "us.anthropic.claude-opus-4-5-20251101-v1:0"})
    assert (row["provider"], row["model"], row["billing_currency"]) == ("aws", "claude-opus-4-5", "USD")


def test_all_columns_of_usage_survive() -> None:
    """Charges are usage with money added, and nothing of the inner workings."""
    found = charge(usage([{"request_model": "gpt-5"}]), load_book()).collect_schema().names()
    assert set(found) == {*schema.NAMES, "model", "context_tier", *TOTALS, "unpriced_reason", "dearest_cost"}


def test_nothing_to_price() -> None:
    """An empty frame has empty charges."""
    assert charge(usage([]), load_book()).collect().is_empty()


def test_huge_counts_do_not_overflow() -> None:
    """A trillion tokens a row, in a thousand rows, at the dearest rate: exact."""
    rows = usage({"request_model": "o1-pro", OUTPUT: 10**12} for _ in range(1_000))
    assert charge(rows, load_book()).select(pl.col("effective_cost").sum()).collect().item() == 600 * 10**9


@pytest.mark.parametrize("count", [20 * 10**9, 10**12])
def test_a_row_of_all_kinds_of_tokens_does_not_overflow(count: int) -> None:
    """Twenty billion tokens, and a trillion, of each kind: the sum is that of its parts, by hand."""
    kinds = (FRESH, READ, WRITE_5M, WRITE_1H, OUTPUT)
    day = {"granularity": "day", **dict.fromkeys(kinds, count)}
    assert cost("claude-opus-5", **day) == count * Decimal("0.00004675")
    assert cost("claude-opus-5", **day, speed="fast", region="us") == count * Decimal("0.00010285")


def test_a_bill_of_a_billion_dollars_is_exact() -> None:
    """Amounts of 10^9 dollars with 18 decimals survive, and so does their sum."""
    amount = Decimal("999999999.000000000000000001")
    rows = usage({"billed_cost": amount} for _ in range(3))
    assert charge(rows, load_book()).select(pl.col("effective_cost").sum()).collect().item() == 3 * amount


MODELS = ("claude-opus-4-6", "gpt-5.4", "o3", "deepseek-v4-pro", "text-embedding-3-small", "mystery", None)
COUNTS_DRAWN = st.sampled_from([0, 1, 999, 100_000, 272_001, 10**12])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "request_model": st.sampled_from(MODELS),
            "provider": st.sampled_from([None, "openai", "acme"]),
            "charge_period_start": st.datetimes(datetime(2025, 6, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
            "granularity": st.sampled_from(["request", "day"]),
            "service_tier": st.sampled_from([None, "priority", "flex", "scale"]),
            "speed": st.sampled_from([None, "fast"]),
            "region": st.sampled_from([None, "us"]),
            "batch": st.booleans(),
            "cost_basis": st.sampled_from([None, "included"]),
            "billing_currency": st.sampled_from([None, "USD", "EUR"]),
            "billed_cost": st.sampled_from([None, None, Decimal("0.01"), Decimal("-1.000000000000000001")]),
            "list_cost": st.sampled_from([None, None, Decimal("0.3")]),
            "requests": st.integers(0, 3),
            **dict.fromkeys((FRESH, READ, WRITE_1H, OUTPUT), COUNTS_DRAWN),
            SEARCH: st.integers(0, 2),
        }
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=25)
@given(rows=ROWS)
def test_pricing_sums_is_summing_prices(rows: list[dict[str, Any]]) -> None:
    """Rows added up by their price dimensions and then priced come to what they cost one by one, to the last digit."""
    by = ("model", "cost_basis", "billing_currency")
    book = load_book()
    grouped = with_price_dimensions(usage(rows), book).group_by(PRICE_DIMENSIONS).agg(pl.col(SUMS).sum())
    totals = [
        charge(frame, book).group_by(by).agg(pl.col(TOTALS).sum()).sort(by).collect()
        for frame in (usage(rows), grouped)
    ]
    assert_frame_equal(*totals)


@settings(max_examples=15)
@given(rows=ROWS, order=st.randoms(use_true_random=False), cut=st.integers(0, 12))
def test_order_and_parts_do_not_matter(rows: list[dict[str, Any]], order: random.Random, cut: int) -> None:
    """A row costs the same whatever stands beside it: shuffled, or priced in two parts."""
    numbered = [{**row, "line": line} for line, row in enumerate(rows)]
    whole = {row["line"]: row["effective_cost"] for row in charged(*numbered)}
    order.shuffle(numbered)
    parts = [row for part in (numbered[:cut], numbered[cut:]) for row in charged(*part)]
    assert {row["line"]: row["effective_cost"] for row in parts} == whole


@settings(max_examples=15)
@given(rows=ROWS, unknown=st.integers(1, 3))
def test_an_unknown_model_never_changes_a_total_in_silence(rows: list[dict[str, Any]], unknown: int) -> None:
    """Rows of an unknown model leave what the others cost, and are counted beside it, all of them."""
    more = [{"request_model": "mystery-9", "provider": "acme", FRESH: 5, "requests": 1}] * unknown
    few, all_rows = charged(*rows), charged(*rows, *more)
    spent = [[row["effective_cost"] for row in found if row["effective_cost"] is not None] for found in (few, all_rows)]
    assert sum(spent[0]) == sum(spent[1])
    unpriced = [sum(row["unpriced_tokens"] for row in found) for found in (few, all_rows)]
    assert unpriced[1] - unpriced[0] == 5 * unknown


@settings(max_examples=25)
@given(rows=ROWS)
def test_every_row_is_charged_once_and_never_in_silence(rows: list[dict[str, Any]]) -> None:
    """No row is lost or doubled; each has an amount or is counted as unpriced; estimates never lower the amount."""
    found = charged(*rows)
    assert [row["line"] for row in found] == list(range(len(rows)))
    for row in found:
        assert (row["effective_cost"] is None) == (row["cost_basis"] == "unpriced")
        assert (row["effective_cost"] is None) >= (row["unpriced_tokens"] > 0)
        assert (row["effective_cost"] is None) == (row["unpriced_reason"] is not None)
        if row["effective_cost"] is not None:
            assert row["estimated_cost"] >= row["effective_cost"]
            assert row["dearest_cost"] is None or row["dearest_cost"] >= row["effective_cost"]


CLASS_OF = {
    "fresh": FRESH,
    "cache_read": READ,
    "cache_write_5m": WRITE_5M,
    "cache_write_1h": WRITE_1H,
    "output": OUTPUT,
}
NAMED = {"sonnet 3/3.75/6": "claude-sonnet-4-6"}
"""Cases that describe a model by its prices."""
DAYS = {"openrouter-15": "2026-08-10"}
"""Days of cases that name none and hold on a certain day only."""
FEES = {"openrouter-04": "0.002", "xai-44": "0.005", "xai-45": "0.005"}
"""Fees for tools that no column counts: reading a page of a PDF, searching an attachment. Each is part of the cost."""
ROUNDED = {"aider-ds32-chat": 4}
"""Decimals of costs that a tool has rounded."""


def test_independent_costs(shared: Path) -> None:
    """Costs that providers billed or documented, case by case and to the last digit: all of them are met."""
    cases = json.loads((shared / "prices" / "ground_truth_costs.json").read_text(encoding="utf-8"))
    rows = [
        {
            "provider": case["provider"],
            "request_model": NAMED.get(case["model"], case["model"]),
            "charge_period_start": instant(day) if (day := case["ts"] or DAYS.get(case["id"])) else NOON,
            **{CLASS_OF[name]: count for name, count in case["usage"].items() if name in CLASS_OF},
        }
        for case in cases
    ]
    missed = {}
    for case, row in zip(cases, charged(*rows), strict=True):
        cost = (row["effective_cost"] or Decimal("NaN")) + Decimal(FEES.get(case["id"], "0"))
        if round(cost, ROUNDED.get(case["id"], 18)) != Decimal(case["expected_usd"]):
            missed[case["id"]] = (cost, case["expected_usd"])
    assert len(cases) >= 55
    assert missed == {}
