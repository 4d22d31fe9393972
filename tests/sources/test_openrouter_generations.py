"""OpenRouter generations: two shapes of one call, native counts, the fee on an own key, one id in many files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.ingested import rows_of, totals_of
from tokenaudit import schema
from tokenaudit.sources.head import Head
from tokenaudit.sources.openrouter_generations import SOURCE, records
from tokenaudit.sources.table import detect_table

if TYPE_CHECKING:
    from tests.sources.conftest import ReadText

HEADER = (
    "generation_id,created_at,cost_total,cost_web_search,cost_cache,cost_file_processing,byok_usage_inference,"
    "tokens_prompt,tokens_completion,tokens_reasoning,tokens_cached,model_permaslug,provider_name,variant,cancelled,"
    "streamed,user,finish_reason_raw,finish_reason_normalized,generation_time_ms,time_to_first_token_ms,"
    "api_key_disabled,api_key_name,app_name"
)
CELLS = {
    "generation_id": "gen-1790847600-a", "created_at": "2026-10-01 09:00:00.713", "cost_total": "0.01275",
    "cost_web_search": "0.01", "cost_cache": "-0.004", "byok_usage_inference": "0", "tokens_prompt": "4000",
    "tokens_completion": "300", "tokens_reasoning": "120", "tokens_cached": "2500", "variant": "standard",
    "model_permaslug": "anthropic/claude-sonnet-4.5-20250929", "provider_name": "Anthropic", "cancelled": "false",
    "user": "alice@example.com", "api_key_name": "backend", "app_name": "Support Bot",
}  # fmt: skip
GENERATION: dict[str, Any] = {
    "id": "gen-1790847600-a", "created_at": "2026-10-01T09:00:00.713+00:00", "total_cost": 0.01275, "usage": 0.01275,
    "model": "anthropic/claude-sonnet-4.5-20250929", "provider_name": "Anthropic", "is_byok": False,
    "upstream_inference_cost": 0.01275, "tokens_prompt": 4000, "tokens_completion": 300, "native_tokens_prompt": 4210,
    "native_tokens_completion": 331, "native_tokens_completion_images": 30, "native_tokens_reasoning": 140,
    "native_tokens_cached": 2500, "external_user": "alice@example.com", "session_id": "s-1", "workspace_id": "ws-1",
    "service_tier": "priority", "data_region": "global",
}  # fmt: skip


def export(*rows: dict[str, str]) -> str:
    """Return a CSV of the generation above with what each row changes."""
    lines = [HEADER, *(",".join((CELLS | row).get(name, "") for name in HEADER.split(",")) for row in rows or ({},))]
    return "\n".join(lines) + "\n"


def answer(**changes: object) -> str:
    """Return what the API answers for the generation above, on one line."""
    return json.dumps({"data": GENERATION | changes}) + "\n"


def test_csv(read_text: ReadText) -> None:
    """Prompt holds the cache reads, completion the reasoning; the total cost is the bill, its parts are in it."""
    row = read_text(SOURCE, export()).row()

    assert {name: row[name] for name in schema.COUNTS if row[name]} == {
        "uncached_input_tokens": 1500, "cache_read_input_tokens": 2500, "output_tokens": 300,
        "reasoning_output_tokens": 120, "requests": 1,
    }  # fmt: skip
    assert (row["billed_cost"], row["reported_cost"], row["cost_basis"]) == (Decimal("0.01275"), None, "billed")
    assert (row["provider"], row["user"], row["api_key"]) == ("openrouter", "alice@example.com", "backend")
    assert row["charge_period_start"] == datetime(2026, 10, 1, 9, 0, 0, 713_000, tzinfo=UTC)
    assert json.loads(row["tags"]) == {"provider_name": "Anthropic", "variant": "standard", "app": "Support Bot"}


def test_json_counts_natively(read_text: ReadText) -> None:
    """The model's own tokenizer counts what is paid; images are taken out of the output."""
    row = read_text(SOURCE, answer()).row()

    assert {name: row[name] for name in schema.COUNTS if row[name]} == {
        "uncached_input_tokens": 1710, "cache_read_input_tokens": 2500, "output_tokens": 301,
        "image_output_tokens": 30, "reasoning_output_tokens": 140, "requests": 1,
    }  # fmt: skip
    assert (row["session"], row["workspace"], row["service_tier"], row["region"]) == ("s-1", "ws-1", "priority", None)
    assert row["billed_cost"] == Decimal("0.01275")
    assert row["reported_cost"] is None


def test_normalised_counts_where_native_ones_are_missing(read_text: ReadText) -> None:
    """An old record without native counts is not a record without tokens."""
    row = read_text(SOURCE, answer(native_tokens_prompt=None, native_tokens_completion=None, data_region="us")).row()

    assert (row["uncached_input_tokens"], row["cache_read_input_tokens"]) == (1500, 2500)
    assert (row["output_tokens"], row["region"]) == (270, "us")


OWN_KEY = {"is_byok": True, "total_cost": 0.00012, "upstream_inference_cost": 0.0024}


@pytest.mark.parametrize(
    ("text", "billed", "elsewhere"),
    [
        (export({"cost_total": "0.0006", "byok_usage_inference": "0.012"}), "0.0006", "0.012"),
        (answer(**OWN_KEY), "0.00012", "0.0024"),
        (export({"cost_total": "0", "variant": "free"}), "0", None),
        (export({"cost_total": "", "byok_usage_inference": ""}), None, None),
    ],
)
def test_money(read_text: ReadText, text: str, billed: str | None, elsewhere: str | None) -> None:
    """On an own key only the fee is billed here; what is paid elsewhere is never counted. No cost is not cost 0."""
    row = read_text(SOURCE, text).row()

    assert row["billed_cost"] == (billed and Decimal(billed))
    assert row["reported_cost"] == (elsewhere and Decimal(elsewhere))
    assert row["cost_basis"] == ("billed" if billed else None)


@pytest.mark.parametrize("text", [export({"tokens_cached": "9000"}), answer(native_tokens_cached=9000)])
def test_more_cached_than_prompt(read_text: ReadText, text: str) -> None:
    """No more is read from a cache than was asked."""
    row = read_text(SOURCE, text).row()

    assert row["uncached_input_tokens"] == 0
    assert row["cache_read_input_tokens"] in (4000, 4210)


@pytest.mark.parametrize(
    ("model", "variant", "expected"),
    [("a/b", "free", "a/b:free"), ("a/b:free", "free", "a/b:free"), ("a/b", "standard", "a/b"), ("a/b", "", "a/b")],
)
def test_variant_is_part_of_the_model(read_text: ReadText, model: str, variant: str, expected: str) -> None:
    """A variant has another price, so it is part of the name, as OpenRouter writes it."""
    row = read_text(SOURCE, export({"model_permaslug": model, "variant": variant})).row()

    assert row["request_model"] == expected


@pytest.mark.parametrize("column", ["generation_id", "created_at"])
def test_rejects(read_text: ReadText, column: str) -> None:
    """A generation without id or time cannot count."""
    read = read_text(SOURCE, export({column: ""}))

    assert read.rows.height == 0
    assert [item.reason for item in read.rejects] == [f"no {column}"]


def test_csv_and_json_are_one_call() -> None:
    """Whichever comes first, they are one row, which the CSV says more of."""
    for texts in ([export(), answer()], [answer(), export()]):
        rows = rows_of(texts)
        (row,) = rows.rows(named=True)
        assert (row["output_tokens"], row["billed_cost"]) == (301, Decimal("0.01275"))
        assert (row["api_key"], row["user"], row["requests"]) == ("backend", "alice@example.com", 1)


@settings(max_examples=12)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=12))
def test_each_id_counts_once(sightings: list[tuple[int, int]]) -> None:
    """Repeated in a file, over files and in any order, each generation counts once."""
    files = {number: [call for call, at in sightings if at == number] for _, number in sightings}
    texts = [export(*({"generation_id": f"gen-{call}"} for call in calls)) for calls in files.values()]
    once = len({call for call, _ in sightings})

    found = totals_of(texts)

    assert (found["requests"], found["output_tokens"]) == (once, 300 * once)
    assert found["billed_cost"] == Decimal("0.01275") * once


VERCEL = {"id": "gen_01", "total_cost": 0.1, "native_tokens_prompt": 1, "billable_web_search_calls": 0}


@pytest.mark.parametrize("document", [{"data": VERCEL}, VERCEL, [GENERATION], "gen-1", None, {"data": [1]}, {"id": 1}])
def test_foreign_documents(document: object) -> None:
    """Other gateways' generations, and what is no generation, yield nothing."""
    assert list(records(document)) == []


def test_real_header(shared: Path) -> None:
    """The header of a real export is recognised."""
    path = shared / "samples" / "exports" / "openrouter" / "activity_generations_header.csv"

    assert detect_table(Head(str(path)), SOURCE)
    assert path.read_text().strip() == HEADER
