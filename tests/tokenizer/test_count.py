"""Which tokenizer a model has, and what stands in where there is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenaudit.tokenizer.count import CHARACTERS, by_characters, count

TEXT = "The quick brown fox jumps over the lazy dog. " * 8


@pytest.mark.parametrize(
    ("model", "method", "by"),
    [
        ("gpt-4", "tokenizer", "cl100k_base"),
        ("gpt-4-0613", "tokenizer", "cl100k_base"),
        ("gpt-35-turbo-16k", "tokenizer", "cl100k_base"),
        ("text-embedding-3-small", "tokenizer", "cl100k_base"),
        ("gpt-4o-mini", "tokenizer", "o200k_base"),
        ("gpt-4.1", "tokenizer", "o200k_base"),
        ("azure/gpt-5.4-2026-03-05", "tokenizer", "o200k_base"),
        ("openai.gpt-oss-120b-1:0", "tokenizer", "o200k_base"),
        ("ft:gpt-4o-mini:me", "tokenizer", "o200k_base"),
        ("o3-mini", "tokenizer", "o200k_base"),
        ("gpt-6-astra", "assumed tokenizer", "o200k_base"),
        ("gpt-realtime", "assumed tokenizer", "o200k_base"),
        ("claude-opus-5-5", "characters", CHARACTERS[0].source),
        ("us.anthropic.claude-opus-4-7-v1:0", "characters", CHARACTERS[0].source),
        ("anthropic/claude-sonnet-4.5", "characters", CHARACTERS[1].source),
        ("claude-3-5-haiku-latest", "characters", CHARACTERS[1].source),
        ("models/gemini-2.5-pro", "characters", CHARACTERS[2].source),
        ("deepseek-chat", "characters", CHARACTERS[3].source),
        ("mistral-large-latest", "characters", CHARACTERS[4].source),
        ("opus", "characters", CHARACTERS[4].source),
        (None, "tokenizer", "o200k_base"),
    ],
)
def test_method(model: str | None, method: str, by: str) -> None:
    """Published, assumed, or by characters: each says so."""
    assert count("x", model)[1:] == (method, by)


def test_characters_by_hand() -> None:
    """360 letters: 103 tokens at 3.5 a token; 35 % more since Opus 4.7; a character of Chinese is one."""
    assert len(TEXT) == 360
    assert count(TEXT, "claude-sonnet-4-5").tokens == 103
    assert count(TEXT, "claude-opus-5").tokens == 139
    assert count(TEXT, "gemini-3.1-pro").tokens == 90
    assert count("世界你好", "gemini-3.1-pro").tokens == 4
    assert count("世界你好", "deepseek-chat").tokens == 3


def test_nothing_is_no_token() -> None:
    """Neither way."""
    assert [count("", model).tokens for model in ("gpt-5", "claude-opus-5")] == [0, 0]


@given(st.text(max_size=200), st.text(max_size=200), st.sampled_from(CHARACTERS))
def test_characters_add_up(one: str, two: str, rule: object) -> None:
    """Two texts together are never more than each by itself, and at most a token less."""
    apart = by_characters(one, rule) + by_characters(two, rule)  # type: ignore[arg-type]
    assert apart - 1 <= by_characters(one + two, rule) <= apart  # type: ignore[arg-type]


@given(st.text(max_size=500))
def test_any_text_can_be_counted(text: str) -> None:
    """Also half a surrogate pair, and what looks like a special token."""
    assert count(text + "<|endoftext|>", "gpt-5").tokens > 0
