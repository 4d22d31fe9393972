"""Anthropic's report APIs: buckets of results, cents, disjoint classes, and totals that give way to what is finer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.conftest import lab
from tokenaudit import schema
from tokenaudit.sources import (
    anthropic_cost_api,
    anthropic_usage_api,
    claude_enterprise_cost,
    claude_enterprise_usage,
    fits,
    sources,
)
from tokenaudit.sources.head import Head

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText
    from tokenaudit.sources.source import Table

Json = dict[str, Any]
USAGE, COST = anthropic_usage_api.SOURCE, anthropic_cost_api.SOURCE
WORK, BILL = claude_enterprise_usage.SOURCE, claude_enterprise_cost.SOURCE
DAY = {"starting_at": "2026-10-12T00:00:00Z", "ending_at": "2026-10-13T00:00:00Z"}
TOKENS: Json = {
    "uncached_input_tokens": 100,
    "cache_creation": {"ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 40},
    "cache_read_input_tokens": 900,
    "output_tokens": 20,
    "server_tool_use": {"web_search_requests": 3},
}
TERMS: Json = {
    "api_key_id": "apikey_1", "workspace_id": "wrkspc_1", "model": "claude-opus-5-5", "service_tier": "standard",
    "context_window": "0-200k", "inference_geo": "us", "speed": None,
}  # fmt: skip
AMOUNT: Json = {
    "amount": "123.78912", "currency": "USD", "cost_type": "tokens", "token_type": "output_tokens",
    "description": "Claude Opus 5.5 Usage - Output Tokens", **TERMS,
}  # fmt: skip
PERSON: Json = {"actor": {"type": "user_actor", "user_id": "user_1", "email_address": "ann@example.com"}}
PRODUCT: Json = {"product": "chat", "model": "claude-opus-5-5", "rbac_group_id": None, "requests": 4, **DAY}
MONEY: Json = {"amount": "80.5", "list_amount": "100", "currency": "USD"}
CLASSES = (
    "uncached_input_tokens", "cache_read_input_tokens", "cache_creation_5m_input_tokens",
    "cache_creation_1h_input_tokens", "output_tokens",
)  # fmt: skip


def page(*results: Json, **times: str) -> str:
    """Return a page with one bucket, a day by default."""
    return json.dumps({"data": [{**DAY, **times, "results": list(results)}], "has_more": False, "next_page": None})


def rows(*items: Json) -> str:
    """Return a page whose rows stand in no bucket."""
    return json.dumps({"data": list(items)})


def test_usage_result(read_text: ReadText) -> None:
    """Classes are disjoint and stay as they are; a bucket has its times; nothing counts requests."""
    row = read_text(USAGE, page({**TOKENS, **TERMS})).row()

    assert [row[name] for name in CLASSES] == [100, 900, 7, 40, 20]
    assert sum(row[name] for name in schema.TOKEN_CLASSES) == 1067
    assert (row["requests"], row["web_search_requests"], row["billed_cost"]) == (0, 3, None)
    assert (row["charge_period_start"], row["charge_period_end"], row["granularity"]) == (
        datetime(2026, 10, 12, tzinfo=UTC), datetime(2026, 10, 13, tzinfo=UTC), "day",
    )  # fmt: skip
    assert (row["workspace"], row["api_key"], row["region"]) == ("wrkspc_1", "apikey_1", "us")
    assert row["tags"] == '{"context_window":"0-200k"}'


@pytest.mark.parametrize(
    ("terms", "column", "value"),
    [
        ({"service_tier": "batch"}, "service_tier", "standard"),
        ({"service_tier": "batch"}, "batch", True),
        ({"service_tier": "priority"}, "service_tier", "priority"),
        ({"speed": "fast"}, "speed", "fast"),
        ({"inference_geo": "not_available"}, "region", None),
        ({"workspace_id": None}, "workspace", None),
        ({"account_id": "user_1"}, "user", "user_1"),
        ({"service_account_id": "svac_1"}, "user", "svac_1"),
    ],
)
def test_terms(read_text: ReadText, terms: Json, column: str, value: object) -> None:
    """Tiers, speed, geography and accounts go by the names they have elsewhere."""
    assert read_text(USAGE, page({**TOKENS, **TERMS, **terms})).row()[column] == value


@pytest.mark.parametrize(("end", "grain"), [("00:01", "minute"), ("01:00", "hour")])
def test_finer_buckets(read_text: ReadText, end: str, grain: str) -> None:
    """A bucket's width is its grain."""
    row = read_text(USAGE, page({**TOKENS, **TERMS}, ending_at=f"2026-10-12T{end}:00Z")).row()

    assert row["granularity"] == grain


@pytest.mark.parametrize(
    ("cents", "dollars"),
    [
        ("123.78912", "1.2378912"),
        ("0.0000000000000001", "0.000000000000000001"),
        ("-50", "-0.5"),
        (12, "0.12"),
        ("much", None),
        (None, None),
    ],
)
def test_cents(read_text: ReadText, cents: object, dollars: str | None) -> None:
    """An amount is cents, with all its digits; what is no amount is no zero."""
    read = read_text(COST, page({**AMOUNT, "amount": cents}))

    assert read.row().get("billed_cost") == (dollars and Decimal(dollars))
    assert [item.reason for item in read.rejects] == ([] if dollars else ["amount is no number of cents"])


def test_cost_result(read_text: ReadText) -> None:
    """A bill has neither tokens nor requests, and says what it is for; a model may stand in the description only."""
    row, named = (read_text(COST, page({**AMOUNT, **more})).row() for more in ({}, {"model": None}))

    assert (row["cost_basis"], row["billing_currency"], row["requests"], row["workspace"]) == (
        "billed", "USD", 0, "wrkspc_1",
    )  # fmt: skip
    assert sum(row[name] for name in schema.TOKEN_CLASSES) == 0
    assert json.loads(row["tags"]) == {
        "token_type": "output_tokens", "cost_type": "tokens", "context_window": "0-200k",
        "description": "Claude Opus 5.5 Usage - Output Tokens",
    }  # fmt: skip
    assert (row["request_model"], named["request_model"]) == ("claude-opus-5-5", "Claude Opus 5.5")


@pytest.mark.parametrize("source", [USAGE, COST], ids=lambda source: source.name)
def test_total_gives_way(read_text: ReadText, source: Table) -> None:
    """A bucket without names is a total; one with names brings a blank that takes the total's place."""
    facts = TOKENS if source is USAGE else AMOUNT
    grouped = read_text(source, page({**facts, **TERMS}, {**facts, **TERMS, "workspace_id": None, "api_key_id": None}))
    total = read_text(source, page({**facts, **dict.fromkeys(TERMS)}))
    blank = grouped.rows.filter(grouped.rows["blank"])

    assert (grouped.used().height, grouped.rows["response_id"].n_unique()) == (2, 3)
    assert blank["response_id"].to_list() == total.rows["response_id"].to_list()
    assert (blank["origin_rank"].to_list(), total.rows["origin_rank"].to_list()) == ([0], [2])


def test_person(read_text: ReadText) -> None:
    """A row of a person names its user and product, counts requests, and has its own times."""
    row = read_text(WORK, rows({**PERSON, **TOKENS, **PRODUCT, "total_tokens": 1067})).row()

    assert [row[name] for name in CLASSES] == [100, 900, 7, 40, 20]
    assert (row["user"], row["requests"], row["granularity"]) == ("ann@example.com", 4, "day")
    assert row["tags"] == '{"product":"chat"}'


def test_billed_before_credits(read_text: ReadText) -> None:
    """Cents after discounts are billed, those before are the list price; requests stand in the usage report."""
    row = read_text(BILL, page({**MONEY, **PRODUCT})).row()

    assert (row["billed_cost"], row["list_cost"], row["requests"]) == (Decimal("0.805"), Decimal(1), 0)
    assert (row["cost_basis"], row["user"]) == ("billed", None)


@pytest.mark.parametrize("source", [WORK, BILL], ids=lambda source: source.name)
def test_groups_overlap(read_text: ReadText, source: Table) -> None:
    """Who is in two groups is in two rows: neither counts, and neither takes the place of a total."""
    facts = {**(TOKENS if source is WORK else MONEY), **PRODUCT, **PERSON}
    read = read_text(source, rows({**facts, "rbac_group_id": "g1"}, {**facts, "rbac_group_id": "g2"}))

    assert read.rows.height == 0
    assert [item.reason.split(":")[0] for item in read.rejects] == ["grouped by rbac_group_id"]


def test_range_of_the_file_name(read_file: ReadFile, tmp_path: Path) -> None:
    """A person's row without a bucket is of the period that the file's name tells, or of none."""
    text = rows({**PERSON, **TOKENS, **PRODUCT, "starting_at": None, "ending_at": None})
    for name in ("persons.json", "persons-2026-10.json"):
        (tmp_path / name).write_text(text)
    undated, dated = (read_file(WORK, tmp_path / name) for name in ("persons.json", "persons-2026-10.json"))

    assert (undated.rows.height, [item.reason.split(":")[0] for item in undated.rejects]) == (0, ["no period"])
    assert dated.row()["charge_period_end"] == datetime(2026, 11, 1, tzinfo=UTC)
    assert dated.row()["granularity"] == "period"


def cost(*parts: tuple[str | None, str]) -> str:
    """Return a page of the twelfth with an amount in dollars for each workspace."""
    return page(*({**AMOUNT, "workspace_id": name, "amount": f"{amount}00"} for name, amount in parts))


DOWNLOADS = {
    "total.json": cost((None, "10")),
    "early.json": cost(("w1", "4"), ("w2", "2")),
    "whole.json": cost(("w1", "5"), ("w2", "3"), (None, "1"), (None, "1")),
}
"""A day as a total, by workspace before it was over, and by workspace: the last has the most rows."""


@settings(max_examples=15)
@given(st.permutations([*DOWNLOADS, *DOWNLOADS]))
def test_grouped_and_ungrouped_never_add_up(names: list[str]) -> None:
    """Whatever is downloaded when and read how often: the bill of a day is its finest, newest download."""
    with lab() as made:
        for name, text in DOWNLOADS.items():
            made.add(name, text)
        for name in names:
            made.ingest(name)
        assert sum(row["billed_cost"] for row in made.rows() if not row["blank"]) == 10


PEOPLE: list[Json] = [
    {**MONEY, **PRODUCT, "actor": {"user_id": name}, "model": model, "amount": f"{amount}00"}
    for name, model, amount in (("u1", "a", 1), ("u1", "b", 2), ("u2", "a", 4), ("u2", "b", 8))
]


@settings(max_examples=15)
@given(st.integers(1, 3), st.permutations(["0.json", "1.json", "2.json"]))
def test_a_page_may_end_between_two_rows_of_a_person(cut: int, order: list[str]) -> None:
    """However the rows are paged, and with the organisation's own bucket beside them, each counts once."""
    total = page({**MONEY, **PRODUCT, "model": None, "amount": "1600"})
    with lab() as made:
        for name, text in {"1.json": rows(*PEOPLE[:cut]), "2.json": rows(*PEOPLE[cut:]), "0.json": total}.items():
            made.add(name, text)
        for name in order:
            made.ingest(name)
        assert sum(row["billed_cost"] for row in made.rows() if not row["blank"]) == 15


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (page({**TOKENS, **TERMS}), "anthropic-usage-api"),
        (json.dumps([json.loads(page({**TOKENS, **TERMS}))] * 2, indent=1), "anthropic-usage-api"),
        (json.dumps({**DAY, "results": [{**TOKENS, **TERMS}]}), "anthropic-usage-api"),
        (page(AMOUNT), "anthropic-cost-api"),
        (page({**TOKENS, **PRODUCT}), "claude-enterprise-usage"),
        (rows({**TOKENS, **PRODUCT, **PERSON}), "claude-enterprise-usage"),
        (page({**MONEY, **PRODUCT}), "claude-enterprise-cost"),
        (json.dumps({"charge_period_start": "2026-10-12T00:00:00Z", "request_model": "m", **TOKENS}), None),
        (json.dumps({"data": [{"start_time": 1, "results": [{"amount": {"value": 1, "currency": "usd"}}]}]}), None),
    ],
)
def test_detected(tmp_path: Path, text: str, name: str | None) -> None:
    """Each page fits one source; another vendor's fits none of these."""
    path = tmp_path / "page.json"
    path.write_text(text)
    ours = {item.name for item in (USAGE, COST, WORK, BILL)}

    assert [item.name for item in sources().values() if fits(item, Head(str(path))) and item.name in ours] == (
        [name] if name else []
    )


def test_real_cost_example(shared: Path, read_file: ReadFile) -> None:
    """The documentation's example is $1.2378912, not $123."""
    row = read_file(COST, shared / "samples/exports/anthropic_admin_api/cost_report_doc_example.json").row()

    assert row["billed_cost"] == Decimal("1.2378912")
    assert (row["request_model"], row["charge_period_start"]) == ("claude-opus-5", datetime(2025, 8, 1, tzinfo=UTC))
