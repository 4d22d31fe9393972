"""Whatever a log calls a model, it is found; what is no known model is not."""

from __future__ import annotations

import pytest

from tokenaudit.prices.book import load_book
from tokenaudit.prices.names import Name

ONE_MODEL = (
    "claude-opus-4-5",
    "claude-opus-4-5-20251101",
    "claude-opus-4-5-20251101[1m]",
    " Claude-Opus-4-5 ",
    "claude-opus-4-5@20251101",
    "claude-opus-4.5",
    "claude-4.5-opus-high-thinking",
    "Claude Opus 4.5",
    "anthropic/claude-opus-4.5",
    "anthropic/claude-4.5-opus-20251101",
    "openrouter/anthropic/claude-opus-4.5:thinking",
    "us.anthropic.claude-opus-4-5-20251101-v1:0",
    "global.anthropic.claude-opus-4-5-20251101-v1:0",
    "bedrock/converse/eu.anthropic.claude-opus-4-5-20251101-v1:0",
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-5-20251101-v1:0",
    "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-5-20251101-v1:0",
    "vertex_ai/claude-opus-4-5@20251101",
    "projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-4-5@20251101",
)


def find(provider: str | None, request_model: str | None) -> Name:
    """Return what the bundled price book makes of a name."""
    return load_book().names.find(provider, request_model)


@pytest.mark.parametrize("name", ONE_MODEL)
def test_one_model_has_one_name(name: str) -> None:
    """Prefixes, dates, dots, geographies, ARNs and display names do not make another model."""
    found = find(None, name)
    assert found.model == "claude-opus-4-5"
    assert found.price_model is not None


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("Claude 3.5 Sonnet 2024-06-20", "claude-3-5-sonnet"),
        ("Claude Haiku 4.5", "claude-haiku-4-5"),
        ("Claude Opus 4.8", "claude-opus-4-8"),
        ("claude-4-sonnet", "claude-sonnet-4-0"),
        ("claude-sonnet-4-20250514[1m]", "claude-sonnet-4-0"),
        ("GPT-5.6 Sol (Auto, high)", "gpt-5.6-sol"),
        ("gpt-5-codex-high", "gpt-5"),
        ("Auto: GPT-5", "gpt-5"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("gpt-5.2-20251211", "gpt-5.2"),
        ("gpt-3.5-turbo-0125", "gpt-3.5-turbo"),
        ("models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("text-embedding-3-small", "text-embedding-3-small"),
        ("openai.gpt-5.6-luna", "gpt-5.6-luna"),
    ],
)
def test_names_of_many_kinds(name: str, model: str) -> None:
    """Each is known by the name its maker gave it, and has a price."""
    found = find(None, name)
    assert found.model == model
    assert found.price_model is not None


@pytest.mark.parametrize(
    "name",
    [
        None,
        "<synthetic>",
        "auto",
        "mystery-model-9",
        "Claude Instant",
        "claude-opus-4-55",
        "claude-opus-4-10",
        "claude-opus-4-5-1",
        "gpt-5.10",
        "gpt-4o-mini-3",
        "grok-4.35",
        "notclaude-opus-4-5",
        "our-claude-opus-4-5-deployment",
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3",
        "google/gemini-2.0-flash-exp:free",
    ],
)
def test_what_is_not_known_has_no_price(name: str | None) -> None:
    """No name is stretched over the digits of a version; a free model is not sold at its paid price."""
    found = find(None, name)
    assert (found.seller, found.price_model) == (None, None)


def test_unknown_names_stay_as_logged() -> None:
    """Nothing is made up about a model that is not known."""
    assert find("acme", "Mystery-Model 9") == Name("acme", "Mystery-Model 9")


@pytest.mark.parametrize(
    ("provider", "name", "seller", "price_model"),
    [
        (None, "us.anthropic.claude-opus-4-5-20251101-v1:0", "aws", "regional.anthropic.claude-opus-4-5-v1:0"),
        (None, "global.anthropic.claude-opus-4-5-20251101-v1:0", "aws", "global.anthropic.claude-opus-4-5-v1:0"),
        (None, "global.anthropic.claude-opus-5-5-20260901-v1:0", "aws", "global.anthropic.claude-opus-5-5"),
        (None, "eu.anthropic.claude-opus-5-5-20260901-v1:0", "aws", "regional.anthropic.claude-opus-5-5"),
        ("aws", "anthropic.claude-opus-4-5-20251101-v1:0", "aws", "regional.anthropic.claude-opus-4-5-v1:0"),
        ("vertex_ai", "claude-opus-4-5@20251101", "google", "claude-opus-4-5"),
        ("azure.ai.openai", "gpt-5-mini", "openai", "gpt-5-mini"),
        ("azure", "o3-mini", "azure", "o3-mini"),
        ("openrouter", "anthropic/claude-4.6-sonnet-20260217", "openrouter", "anthropic/claude-sonnet-4.6"),
        ("github-copilot", "claude-opus-4.8-fast", "github-copilot", "claude-opus-4.8-fast"),
        ("groq", "openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b"),
        ("x-ai", "grok-4.3", "x-ai", "grok-4.3"),
    ],
)
def test_who_sells_decides_the_price(provider: str | None, name: str, seller: str, price_model: str) -> None:
    """The same model has the price of the seller that the row or the name itself states."""
    found = find(provider, name)
    assert (found.seller, found.price_model, found.assumed) == (seller, price_model, False)


def test_provider_comes_from_the_name_where_the_log_has_none() -> None:
    """Who sells is filled in, never replaced."""
    assert find(None, "gpt-5").provider == "openai"
    assert find(None, "us.anthropic.claude-opus-4-5-20251101-v1:0").provider == "aws"
    assert find("my-gateway", "gpt-5").provider == "my-gateway"


def test_price_of_the_maker_stands_in_for_an_unknown_seller() -> None:
    """A gateway without a price list is priced like the maker, which is said; a machine of one's own is not."""
    assert find("my-gateway", "gpt-5") == Name("my-gateway", "gpt-5", "openai", "gpt-5", assumed=True)
    assert find("ollama", "gpt-oss-20b").price_model is None


@pytest.mark.parametrize(
    ("provider", "name", "expected"),
    [
        ("deepinfra", "deepseek-ai/DeepSeek-R1", ("deepinfra", "deepinfra/deepseek-ai/DeepSeek-R1", False)),
        (None, "deepinfra/deepseek-ai/DeepSeek-R1", ("deepinfra", "deepinfra/deepseek-ai/DeepSeek-R1", False)),
        ("azure", "eu/gpt-5.4", ("azure", "azure/eu/gpt-5.4", False)),
        (None, "text-moderation-stable", (None, None, False)),
        (None, "jamba-1.5", ("ai21", "jamba-1.5", False)),
        ("my-gateway", "jamba-1.5", ("ai21", "jamba-1.5", True)),
        ("ollama", "jamba-1.5", (None, None, False)),
    ],
)
def test_lists_without_dates_come_last(provider: str | None, name: str, expected: tuple[str, str, bool]) -> None:
    """What no dated list has is sought in the undated one: of the seller, or of whoever sells a model of that name."""
    found = find(provider, name)
    assert (found.seller, found.price_model, found.assumed) == expected
    assert found.undated == (found.seller is not None)


def test_fast_in_the_name_is_the_fast_variant() -> None:
    """Some clients write the mode into the model's name."""
    assert find(None, "claude-opus-4-8-fast") == find(None, "claude-opus-4-8")._replace(fast=True)


@pytest.mark.parametrize(
    ("provider", "name", "model"),
    [
        ("azure", "Prod-Chat ", "gpt-5-mini"),
        ("azure", "prod-embed", "gpt-4o"),
        ("openai", "prod-embed", "prod-embed"),
        ("openai", "team-7-large", "gpt-5"),
        ("openai", "gpt-5", "gpt-5"),
    ],
)
def test_the_users_own_list(provider: str, name: str, model: str) -> None:
    """Names count before patterns, the first pattern that fits counts, and one behind a provider is of it only."""
    own = {"team-?-*": "gpt-5", "azure/prod-*": "gpt-4o", "prod-chat": "gpt-5-mini"}
    found = load_book().names.with_models(own).find(provider, name)
    assert found.model == model
    assert load_book().names.models == {}
