"""From LiteLLM's price file to undated prices: what today's list says of models that no dated source knows.

The file has no dates and forgets models that are retired, so its prices are a last resort and marked as such. Prices of
zero are left out: they are as often unknown as free.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from tokenaudit.prices import spelling
from tokenaudit.prices.making.published import Tiered
from tokenaudit.prices.making.rates import FIRST, History, Span, class_prices, scaled

Entry = Mapping[str, Any]
"""What the file says about one model."""

SELLERS = {
    "azure_ai": "azure",
    "azure_text": "azure",
    "bedrock_converse": "aws",
    "bedrock_mantle": "aws",
    "bedrock": "aws",
    "codestral": "mistral",
    "cohere_chat": "cohere",
    "fireworks_ai": "fireworks",
    "fireworks_ai-embedding-models": "fireworks",
    "gemini": "google",
    "moonshot": "moonshotai",
    "text-completion-openai": "openai",
    "together_ai": "together",
    "voyage": "voyageai",
    "xai": "x-ai",
}
"""Provider in the file -> seller, where they are called otherwise."""
INCLUDED = ("chatgpt", "github_copilot", "lm_studio", "ollama", "vllm")
"""Providers that sell no tokens: subscriptions, and machines of one's own."""
PRICES = {
    "input_cost_per_token": "input_mtok",
    "output_cost_per_token": "output_mtok",
    "cache_read_input_token_cost": "cache_read_mtok",
    "cache_creation_input_token_cost": "cache_write_mtok",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h_mtok",
    "cache_creation_input_token_cost_above_12hr": "cache_write_12h_mtok",
    "input_cost_per_audio_token": "input_audio_mtok",
    "cache_read_input_audio_token_cost": "cache_audio_read_mtok",
    "output_cost_per_audio_token": "output_audio_mtok",
    "input_cost_per_image_token": "input_image_mtok",
    "cache_read_input_image_token_cost": "cache_image_read_mtok",
    "output_cost_per_image_token": "output_image_mtok",
    "output_cost_per_reasoning_token": "output_reasoning_mtok",
}
"""Price in the file, USD per token, to the price at genai-prices, USD per million tokens."""
VARIANTS = {"batches": "batch", "flex": "flex", "priority": "priority", "ultrafast": "ultrafast"}
KEY = re.compile(
    rf"({'|'.join(sorted(PRICES, key=len, reverse=True))})(?:_above_(\d+)k_tokens)?(?:_({'|'.join(VARIANTS)}))?"
)
NO_OUTPUT = ("embedding", "rerank")
MILLION = 10**6
INCLUSIVE = "xai"
"""The provider whose long context begins at the threshold, not above it."""


class Offer(NamedTuple):
    """One model of one seller, and the names it is known by there."""

    seller: str
    model: str
    texts: tuple[str, ...]
    bare: bool
    """The name alone says who sells it."""
    histories: dict[str, History]


def offers(prices: Mapping[str, Entry]) -> Iterator[Offer]:
    """Yield what the file sells by the token, in its order."""
    for model, entry in prices.items():
        provider = entry.get("litellm_provider", "")
        if provider not in INCLUDED and (found := _histories(entry)):
            yield Offer(_seller(provider), model, _texts(model, provider), "/" not in model, found)


def _seller(provider: str) -> str:
    return "google" if provider.startswith("vertex_ai") else SELLERS.get(provider, provider)


def _texts(model: str, provider: str) -> tuple[str, ...]:
    """Return how a log may spell a name of the file: without the gateway, without the provider in front."""
    whole = model.lower()
    listed = spelling.read(whole).listed
    first, slash, rest = whole.partition("/")
    own = (rest,) if slash and first in (provider, provider.partition("-")[0]) else ()
    return tuple(dict.fromkeys((listed, *own)))


def _histories(entry: Entry) -> dict[str, History]:
    """Return the prices of all ways to buy a model; empty where it is not sold by the token."""
    stated = _tiers(entry) if "tiered_pricing" in entry else _stated(entry)
    if not any(price for prices in stated.get("standard", {}).values() for price in prices.values()):
        return {}
    base = stated["standard"]
    found = {variant: [_span(entry, {**base, **prices})] for variant, prices in stated.items()}
    found |= {name: _times(found["standard"], factor) for name, factor in _factors(entry) if name == "fast"}
    places = [(name, factor) for name, factor in _factors(entry) if name != "fast"]
    return found | {
        f"{variant} {name}": _times(history, factor) for name, factor in places for variant, history in found.items()
    }


Steps = dict[str, dict[int, Decimal]]
"""Prices per million tokens by their key, and by the size of the request above which they hold."""


def _stated(entry: Entry) -> dict[str, Steps]:
    """Return the prices of each variant."""
    found: dict[str, Steps] = {}
    less = 1 if entry.get("litellm_provider") == INCLUSIVE else 0
    for key, price in entry.items():
        if (match := KEY.fullmatch(key)) and _counts(entry, match[1], price):
            above = int(match[2]) * 1000 - less if match[2] else 0
            variant = VARIANTS[match[3]] if match[3] else "standard"
            found.setdefault(variant, {}).setdefault(PRICES[match[1]], {})[above] = _per_million(price)
    return found


def _counts(entry: Entry, key: str, price: object) -> bool:
    """Say whether a price is one: a cache is never written for nothing, and embeddings have no output."""
    if not isinstance(price, int | float) or price < 0:
        return False
    return price > 0 or not (key.startswith("cache") or entry.get("mode") in NO_OUTPUT)


def _per_million(price: float) -> Decimal:
    """Return a price as it is written, times a million: the shortest text of the number is what the file holds."""
    return Decimal(repr(price)) * MILLION


def _tiers(entry: Entry) -> dict[str, Steps]:
    """Return the prices of a model whose file lists ranges of sizes."""
    found: Steps = {}
    for tier in entry["tiered_pricing"]:
        above = int(tier["range"][0]) if "range" in tier else 0
        for key, price in tier.items():
            if key in PRICES and _counts(entry, key, price):
                found.setdefault(PRICES[key], {})[above] = _per_million(price)
    return {"standard": found}


def _span(entry: Entry, steps: Steps) -> Span:
    stated: dict[str, Decimal | Tiered] = {key: _priced(prices) for key, prices in steps.items() if 0 in prices}
    searches = entry.get("search_context_cost_per_query") or {}
    if price := searches.get("search_context_size_medium"):
        stated["web_searches_kcount"] = Decimal(repr(price)) * 1000
    return Span(FIRST, class_prices(stated))


def _priced(prices: Mapping[int, Decimal]) -> Decimal | Tiered:
    base, *tiers = sorted(prices.items())
    return Tiered(base[1], tuple(tiers)) if tiers else base[1]


def _factors(entry: Entry) -> Iterator[tuple[str, Fraction]]:
    """Yield by what the price is multiplied in fast mode and where inference stays in a region."""
    own = entry.get("provider_specific_entry") or {}
    yield from ((name, Fraction(repr(own[name]))) for name in ("fast", "us") if name in own)
    for key in ("regional_processing_uplift_multiplier_eu", "regional_endpoint_uplift_multiplier"):
        if key in entry:
            yield "regional", Fraction(repr(entry[key]))


def _times(history: History, factor: Fraction) -> History:
    return [scaled(span, factor) for span in history]
