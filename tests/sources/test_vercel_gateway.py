"""Vercel AI Gateway: reports by one grouping at a time, own keys, tags that overlap, and single generations."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit.ingest.run import ingest
from tokenaudit.sources import detect, vercel_generations
from tokenaudit.sources.head import Head
from tokenaudit.sources.vercel_gateway import DAYLESS, SOURCE, TAGGED
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from random import Random

    from tests.sources.conftest import ReadText

ROW: dict[str, Any] = {
    "day": "2026-10-05", "model": "anthropic/claude-sonnet-4.6", "total_cost": 12.4, "market_cost": 13.5,
    "input_tokens": 4200, "output_tokens": 980, "cached_input_tokens": 1600, "cache_creation_input_tokens": 380,
    "reasoning_tokens": 520, "request_count": 84,
}  # fmt: skip
GENERATION: dict[str, Any] = {
    "id": "gen_1", "total_cost": 0.00123, "upstream_inference_cost": 0.0011, "usage": 0.00123,
    "created_at": "2026-10-08T09:00:00.000Z", "model": "openai/gpt-5.4", "is_byok": False, "provider_name": "openai",
    "native_tokens_prompt": 100, "native_tokens_completion": 50, "native_tokens_reasoning": 20,
    "native_tokens_cached": 40, "native_tokens_cache_creation": 0, "billable_web_search_calls": 1,
}  # fmt: skip


def camel(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as the SDK spells it."""
    heads = ((name.removeprefix("native_").split("_"), value) for name, value in row.items())
    spelt = {first + "".join(word.title() for word in words): value for (first, *words), value in heads}
    renamed = {"tokensPrompt": "promptTokens", "tokensCompletion": "completionTokens", "tokensCached": "cachedTokens"}
    renamed |= {"tokensReasoning": "reasoningTokens", "tokensCacheCreation": "cacheCreationTokens"}
    return {renamed.get(name, name): value for name, value in spelt.items()}


@pytest.mark.parametrize("row", [ROW, camel(ROW)])
@pytest.mark.parametrize("page", [True, False])
def test_reports(read_text: ReadText, tmp_path: Path, row: dict[str, Any], page: bool) -> None:  # noqa: FBT001
    """Both spellings, in a page and by themselves, give disjoint classes and what is billed."""
    text = json.dumps({"results": [row]} if page else row)
    path = tmp_path / "report.json"
    path.write_text(text)
    read = read_text(SOURCE, text).row()

    assert detect(Head(str(path))) is SOURCE
    names = ("uncached_input_tokens", "cache_read_input_tokens", "cache_creation_5m_input_tokens", "output_tokens")
    assert [read[name] for name in (*names, "reasoning_output_tokens", "requests")] == [2220, 1600, 380, 980, 520, 84]
    assert (read["billed_cost"], read["list_cost"], read["reported_cost"]) == (Decimal("12.4"), Decimal("13.5"), None)
    assert (read["provider"], read["cost_basis"], read["tags"]) == ("vercel", "billed", '{"seller":"anthropic"}')
    assert (read["granularity"], read["charge_period_end"]) == ("day", datetime(2026, 10, 6, tzinfo=UTC))


def test_own_keys(read_text: ReadText) -> None:
    """On one's own key the provider bills, and Vercel only tells."""
    read = read_text(SOURCE, json.dumps(ROW | {"credential_type": "byok"})).row()
    assert (read["billed_cost"], read["reported_cost"], read["cost_basis"]) == (None, Decimal("12.4"), None)
    assert read["provider"] == "anthropic"
    assert read["tags"] == '{"seller":"anthropic","credential_type":"byok"}'


def test_hours_and_cached_input_beside(read_text: ReadText) -> None:
    """An hour is an hour of its day; cached input larger than the input stands beside it."""
    read = read_text(SOURCE, json.dumps(ROW | {"hour": "2026-10-05T09:00:00Z", "cached_input_tokens": 9000})).row()
    assert (read["granularity"], read["charge_period_end"]) == ("hour", datetime(2026, 10, 5, 10, tzinfo=UTC))
    assert (read["uncached_input_tokens"], read["cache_read_input_tokens"]) == (4200, 9000)
    assert read["response_id"] == read_text(SOURCE, json.dumps(ROW)).row()["response_id"]


def test_what_cannot_count(read_text: ReadText) -> None:
    """Rows by tag overlap, rows without a day belong nowhere."""
    rows = [ROW, ROW | {"tag": "beta"}, {name: value for name, value in ROW.items() if name != "day"}]
    read = read_text(SOURCE, "\n".join(map(json.dumps, rows)))
    assert [(item.line, item.reason) for item in read.rejects] == [(2, TAGGED), (3, DAYLESS)]
    assert read.rows.height == 1


def by(grouping: str, days: int) -> str:
    """Return a report of 12 dollars a day in two rows of a grouping."""
    rows = [
        {**ROW, "model": None, grouping: value, "day": f"2026-10-{day:02}", "total_cost": cost}
        for day in range(1, days + 1)
        for value, cost in (("a", 7), ("b", 5))
    ]
    return json.dumps({"results": rows})


@given(random=st.randoms(use_true_random=False))
@settings(max_examples=8)
def test_groupings_never_add_up(random: Random) -> None:
    """Whatever reports of a day are read, in whatever order and however often, the day counts once."""
    reports = [by(grouping, days) for grouping in ("model", "user", "provider") for days in (2, 3)]
    read = [*reports, random.choice(reports)]
    random.shuffle(read)
    with TemporaryDirectory() as folder:
        for number, text in enumerate(read):
            path = Path(folder, f"{number}.json")
            path.write_text(text)
            ingest([str(path)], Path(folder, "store"))
        with Store.open(Path(folder, "store")) as store:
            rows = store.rows().collect()
    days = rows.group_by("charge_period_start").agg(pl.col("billed_cost", "requests").sum()).sort("charge_period_start")
    assert days["billed_cost"].to_list() == [12, 12, 12]
    assert days["requests"].to_list() == [168, 168, 168]


@pytest.mark.parametrize("row", [GENERATION, camel(GENERATION)])
@pytest.mark.parametrize("page", [True, False])
def test_generations(read_text: ReadText, tmp_path: Path, row: dict[str, Any], page: bool) -> None:  # noqa: FBT001
    """A generation in both spellings, as an answer of the API and by itself."""
    text = json.dumps({"data": row} if page else row)
    path = tmp_path / "generation.json"
    path.write_text(text)
    source = vercel_generations.SOURCE
    read = read_text(source, text).row()

    assert detect(Head(str(path))) is source
    names = ("uncached_input_tokens", "cache_read_input_tokens", "output_tokens", "reasoning_output_tokens")
    assert [read[name] for name in (*names, "web_search_requests", "requests")] == [60, 40, 50, 20, 1, 1]
    assert (read["billed_cost"], read["provider"], read["granularity"]) == (Decimal("0.00123"), "vercel", "request")
    own = read_text(source, json.dumps(GENERATION | {"is_byok": True})).row()
    assert (own["billed_cost"], own["reported_cost"], own["provider"]) == (None, Decimal("0.00123"), "openai")
    assert own["response_id"] == read["response_id"]
