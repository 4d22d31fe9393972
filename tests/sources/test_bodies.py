"""Usage of response bodies: disjoint classes that add up to what the provider says, on real bodies too."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenaudit import schema
from tokenaudit.sources import _bodies as bodies
from tokenaudit.sources._bodies import NOT_A_COUNT

if TYPE_CHECKING:
    from pathlib import Path

UNCACHED, READ, OUTPUT = "uncached_input_tokens", "cache_read_input_tokens", "output_tokens"
SHORT, HALF_HOUR, HOUR, HALF_DAY = (f"cache_creation_{life}_input_tokens" for life in ("5m", "30m", "1h", "12h"))
REASONING = "reasoning_output_tokens"


def told(columns: dict[str, Any] | None) -> dict[str, Any]:
    """Return the columns that say something."""
    return {name: value for name, value in (columns or {}).items() if value}


def total(columns: dict[str, Any] | None) -> int:
    """Return the sum of all token classes."""
    return sum((columns or {}).get(name, 0) for name in schema.TOKEN_CLASSES)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120,
                "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
                "completion_tokens_details": {"reasoning_tokens": 5, "rejected_prediction_tokens": 4},
            },
            {UNCACHED: 10, READ: 60, SHORT: 30, OUTPUT: 20, REASONING: 5},
        ),
        (
            {
                "input_tokens": 100, "output_tokens": 20, "total_tokens": 120,
                "input_tokens_details": {
                    "cached_tokens": 10, "cache_write_tokens": 50,
                    "cache_write_tokens_details": {"ttl_30m_tokens": 30, "ttl_12h_tokens": 15},
                },
                "output_tokens_details": {"reasoning_tokens": 20},
            },
            {UNCACHED: 40, READ: 10, SHORT: 5, HALF_HOUR: 30, HALF_DAY: 15, OUTPUT: 20, REASONING: 20},
        ),
        # thinking behind an OpenAI-like door: only the total tells
        (
            {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109},
            {UNCACHED: 35, OUTPUT: 74, REASONING: 62},
        ),
        # reasoning beside the completion, by the total; and where there is no total
        (
            {
                "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 45,
                "completion_tokens_details": {"reasoning_tokens": 30},
            },
            {UNCACHED: 10, OUTPUT: 35, REASONING: 30},
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "reasoning_tokens": 30, "cached_prompt_text_tokens": 4},
            {UNCACHED: 6, READ: 4, OUTPUT: 35, REASONING: 30},
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 50, "reasoning_tokens": 30},
            {UNCACHED: 10, OUTPUT: 50, REASONING: 30},
        ),
        ({"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 8}, {UNCACHED: 1, READ: 8, OUTPUT: 1}),
        ({"prompt_tokens": 9, "completion_tokens": 1, "num_cached_tokens": 8}, {UNCACHED: 1, READ: 8, OUTPUT: 1}),
        (
            {
                "prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10,
                "cache_read_input_tokens": 5, "cache_creation_input_tokens": 3,
            },
            {UNCACHED: 1, READ: 5, SHORT: 3, OUTPUT: 1},
        ),
        # realtime: the cache has kinds too
        (
            {
                "input_tokens": 100, "output_tokens": 30, "total_tokens": 130,
                "input_token_details": {
                    "text_tokens": 40, "audio_tokens": 60, "cached_tokens": 50,
                    "cached_tokens_details": {"text_tokens": 30, "audio_tokens": 20},
                },
                "output_token_details": {"text_tokens": 10, "audio_tokens": 20},
            },
            {
                UNCACHED: 10, READ: 30, "audio_input_tokens": 40, "cache_read_audio_input_tokens": 20,
                OUTPUT: 10, "audio_output_tokens": 20,
            },
        ),
        # images, before and since the output had parts
        (
            {
                "input_tokens": 60, "output_tokens": 400, "total_tokens": 460,
                "input_tokens_details": {"text_tokens": 10, "image_tokens": 50},
            },
            {UNCACHED: 10, "image_input_tokens": 50, "image_output_tokens": 400},
        ),
        (
            {
                "input_tokens": 60, "output_tokens": 400, "total_tokens": 460,
                "input_tokens_details": {"text_tokens": 10, "image_tokens": 50},
                "output_tokens_details": {"text_tokens": 100, "image_tokens": 300},
            },
            {UNCACHED: 10, "image_input_tokens": 50, OUTPUT: 100, "image_output_tokens": 300},
        ),
        ({"prompt_tokens": "7.0", "completion_tokens": None}, {UNCACHED: 7}),
    ],
)  # fmt: skip
def test_openai(usage: dict[str, Any], expected: dict[str, int]) -> None:
    """Parts are taken out of their whole; what the total has more is output."""
    assert told(bodies.openai(usage)) == expected


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "input_tokens": 1, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 300,
                "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
                "output_tokens": 4000, "output_tokens_details": {"thinking_tokens": 50},
                "server_tool_use": {"web_search_requests": 6}, "service_tier": "batch", "inference_geo": "us",
                "speed": "fast",
            },
            {
                UNCACHED: 1, READ: 20, SHORT: 100, HOUR: 200, OUTPUT: 4000, REASONING: 50, "web_search_requests": 6,
                "service_tier": "batch", "batch": True, "region": "us", "speed": "fast",
            },
        ),
        ({"input_tokens": 1, "cache_creation_input_tokens": 30}, {UNCACHED: 1, SHORT: 30}),
        (
            {"cache_creation_input_tokens": 30, "cache_creation": {"ephemeral_1h_input_tokens": 20}},
            {SHORT: 10, HOUR: 20},
        ),
        ({"input_tokens": 1, "inference_geo": "not_available"}, {UNCACHED: 1}),
        ({"input_tokens": 1, "inference_geo": "global"}, {UNCACHED: 1}),
    ],
)  # fmt: skip
def test_anthropic(usage: dict[str, Any], expected: dict[str, Any]) -> None:
    """Classes are disjoint; writes that the breakdown leaves out are of 5 minutes."""
    assert told(bodies.anthropic(usage)) == expected


def test_anthropic_parts() -> None:
    """Only calls that the top level leaves out are parts; tier and region are the response's."""
    part = {"input_tokens": 2, "output_tokens": 3}
    kinds = ("message", "advisor_message", "compaction", "message", "fallback_message")
    usage = {"service_tier": "standard", "iterations": [{**part, "type": kind, "model": kind} for kind in kinds]}
    found = [(item.position, item.model, told(item.columns)) for item in bodies.anthropic_parts(usage)]
    columns = {UNCACHED: 2, OUTPUT: 3, "service_tier": "standard"}
    assert found == [(1, "advisor_message", columns), (2, "compaction", columns)]


GEMINI = {
    "promptTokenCount": 1000, "cachedContentTokenCount": 400, "candidatesTokenCount": 70, "thoughtsTokenCount": 5,
    "toolUsePromptTokenCount": 30, "totalTokenCount": 1105,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 600}, {"modality": "AUDIO", "tokenCount": 100},
        {"modality": "IMAGE", "tokenCount": 200}, {"modality": "VIDEO", "tokenCount": 100},
    ],
    "cacheTokensDetails": [
        {"modality": "AUDIO", "tokenCount": 90}, {"modality": "IMAGE", "tokenCount": 10}, {"modality": "TEXT"},
    ],
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 50}],
}  # fmt: skip


def test_gemini() -> None:
    """The prompt includes the cache, each of both has kinds; tools and thoughts come on top."""
    expected = {
        UNCACHED: 1000 - 400 - 10 - 190 + 30, READ: 300, "audio_input_tokens": 10, "cache_read_audio_input_tokens": 90,
        "image_input_tokens": 190, "cache_read_image_input_tokens": 10, OUTPUT: 25, "image_output_tokens": 50,
        REASONING: 5,
    }  # fmt: skip
    assert told(bodies.gemini(GEMINI)) == expected
    assert total(expected) == GEMINI["totalTokenCount"]
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in json.dumps(GEMINI))
    spelt = json.loads(snake.replace('"_t_e_x_t"', '"TEXT"').replace('"_a_u_d_i_o"', '"AUDIO"')
                       .replace('"_i_m_a_g_e"', '"IMAGE"').replace('"_v_i_d_e_o"', '"VIDEO"'))  # fmt: skip
    assert "prompt_token_count" in spelt
    assert told(bodies.usage_of({"usage_metadata": spelt})) == expected


def test_cache_without_kinds_of_the_prompt() -> None:
    """A cache of kinds that the prompt does not name is text: no class is negative."""
    usage = {name: value for name, value in GEMINI.items() if name != "promptTokensDetails"}
    columns = bodies.gemini(usage)
    assert total(columns) == GEMINI["totalTokenCount"]
    assert told(columns)[READ] == 400


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"usage": {
                "inputTokens": 3, "outputTokens": 288, "cacheReadInputTokens": 5, "cacheWriteInputTokens": 2074,
                "cacheDetails": [{"ttl": "5m", "inputTokens": 2000}, {"ttl": "1h", "inputTokens": 74}],
            }},
            {UNCACHED: 3, READ: 5, SHORT: 2000, HOUR: 74, OUTPUT: 288},
        ),
        (
            {"usage": {"inputTokens": 3, "cacheReadInputTokenCount": 5, "cacheWriteInputTokenCount": 7}},
            {UNCACHED: 3, READ: 5, SHORT: 7},
        ),
        (
            {"usage": {"billed_units": {"input_tokens": 4, "output_tokens": 6}, "tokens": {"input_tokens": 900}}},
            {UNCACHED: 4, OUTPUT: 6},
        ),
        ({"meta": {"billed_units": {"input_tokens": 4, "image_tokens": 2}}}, {UNCACHED: 4, "image_input_tokens": 2}),
        ({"usage": {"input_tokens": 5, "cache_read_input_tokens": 9}}, {UNCACHED: 5, READ: 9}),
        ({"usage": {"prompt_tokens": 5, "cache_read_input_tokens": 4}}, {UNCACHED: 1, READ: 4}),
    ],
)  # fmt: skip
def test_the_right_reading_is_picked(body: object, expected: dict[str, int]) -> None:
    """The names of a `usage` tell whose it is."""
    assert told(bodies.usage_of(body)) == expected


@pytest.mark.parametrize(
    "body", [None, 1, [], {}, {"usage": None}, {"usage": "4"}, {"usage": {"output_tokens": 3}}, {"usage": {"total": 1}}]
)
def test_no_usage(body: object) -> None:
    """What is no usage is None."""
    assert bodies.usage_of(body) is None


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}},
        {"prompt_tokens": "many"},
        {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": {}}},
        {"prompt_tokens": 5, "completion_tokens": []},
        {"prompt_tokens": 5, "prompt_tokens_details": {"cache_write_tokens": "some"}},
        {"inputTokens": float("inf")},
    ],
)
def test_impossible_counts_are_negative(usage: dict[str, Any]) -> None:
    """Every source refuses a negative count."""
    columns = bodies.usage_of({"usage": usage}) or {}
    assert min(columns.get(name, 0) for name in schema.COUNTS) < 0


@given(
    st.integers(0, 10**9), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6)
)
def test_openai_classes_add_up(text: int, cached: int, written: int, audio: int, out: int) -> None:
    """Whatever the parts, the classes add up to the total."""
    usage = {
        "prompt_tokens": text + cached + written + audio, "completion_tokens": out,
        "total_tokens": text + cached + written + audio + out,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": audio},
    }  # fmt: skip
    columns = bodies.openai(usage)
    assert total(columns) == usage["total_tokens"]
    assert min(columns[name] for name in columns) >= 0
    assert columns[UNCACHED] == text


def test_numbers() -> None:
    """Counts come as numbers or text."""
    values: list[object] = [None, "", 3, "4", "5.0", "x", []]
    found = [bodies.number(value) for value in values]
    assert found == [0, 0, 3, 4, 5, NOT_A_COUNT, NOT_A_COUNT]


# -- real bodies ------------------------------------------------------------------------------------------------------
def stated(body: dict[str, Any]) -> Any:
    """Return the total that a body states, or that its disjoint counts make; None where it has none."""
    usage = body.get("usage") or body.get("usageMetadata") or {}
    if "cache_creation_input_tokens" in usage:
        parts = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
        return sum(usage[name] for name in parts)
    return next((usage[name] for name in ("total_tokens", "totalTokens", "totalTokenCount") if name in usage), None)


@pytest.mark.parametrize(
    ("name", "lines", "with_total", "tokens", "reasoning"),
    [
        ("openai_chat_completions_compatible", 409, 409, 206_782, 20_149),
        ("openai_responses", 254, 254, 452_323, 53_171),
        ("anthropic_messages", 226, 226, 1_365_928, 886),
        ("gemini_generateContent", 451, 440, 408_856, 118_722),
        ("bedrock_converse", 220, 220, 224_070, 0),
        ("cohere_and_other", 17, 0, 4_240, 0),
    ],
)
def test_real_bodies(shared: Path, name: str, lines: int, with_total: int, tokens: int, reasoning: int) -> None:
    """The classes of each real body add up to its total, none is negative."""
    text = (shared / "samples/agent-logs/raw_api_responses" / f"{name}.jsonl").read_text()
    found = [json.loads(line) for line in text.splitlines()]
    columns = [bodies.usage_of(body) or {} for body in found]
    totals = [(stated(body), total(row)) for body, row in zip(found, columns, strict=True)]
    assert len(found) == lines
    assert [pair for pair in totals if pair[0] not in (None, pair[1])] == []
    assert sum(whole is not None for whole, _ in totals) == with_total
    assert sum(counted for _, counted in totals) == tokens
    assert sum(row.get(REASONING, 0) for row in columns) == reasoning
    assert all(row.get(name, 0) >= 0 for row in columns for name in schema.COUNTS)


def test_real_parts(shared: Path) -> None:
    """Advisors and compactions of real responses, which their top level leaves out."""
    path = shared / "samples/agent-logs/raw_api_responses/anthropic_messages.jsonl"
    parts = [
        part for line in path.read_text().splitlines() for part in bodies.anthropic_parts(json.loads(line)["usage"])
    ]
    classes: Counter[str] = Counter()
    for part in parts:
        classes.update({name: part.columns[name] for name in (UNCACHED, SHORT, OUTPUT)})
    assert (len(parts), sum(part.model is not None for part in parts)) == (5, 3)
    assert classes == {UNCACHED: 2518 + 2529 + 2564 + 100 + 55196, SHORT: 55096, OUTPUT: 22 + 38 + 99 + 82 + 125}
