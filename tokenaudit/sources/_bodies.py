"""The `usage` of provider response bodies as usage columns, disjoint classes, wherever such a body is logged.

* `openai` (Chat Completions, Responses, Images, and all who copy them): cached and written input, audio and images
  stand inside the input, reasoning, audio and images inside the output. Where the total is more than input and output,
  the rest is billed thinking that was not shown (Gemini behind an OpenAI-like door) or not counted in (xAI).
* `anthropic`: input, cache reads and cache writes are disjoint. `anthropic_parts` are model calls that the top level
  leaves out.
* `gemini`: cached input stands inside the prompt, the results of tools beside it; thoughts stand beside the candidates.
* `converse` (Bedrock): disjoint, like Anthropic.
* `cohere`: the units that are billed.

A number that is none becomes `NOT_A_COUNT`, and parts that exceed their whole leave a negative rest: `Table` and `Log`
refuse negative counts, so that such a row is a reject.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tokenaudit.sources._documents import at, items

Columns = dict[str, Any]
"""Usage columns by name."""

NOT_A_COUNT = -(1 << 60)
SEPARATE = ("advisor_message", "compaction")
"""Kinds of iterations that Anthropic's top level does not hold."""
NOWHERE = (None, "", "not_available", "global")
CACHED = (
    "prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens", "cached_prompt_text_tokens",
    "cache_read_input_tokens",
)  # fmt: skip
"""Names of cached input outside the details: DeepSeek, Mistral, Moonshot, xAI, LiteLLM."""
TRAFFIC = {"ON_DEMAND_FLEX": "flex", "ON_DEMAND_PRIORITY": "priority", "PROVISIONED_THROUGHPUT": "provisioned"}
"""Service tiers of Vertex AI, by its `trafficType`."""


class Part(NamedTuple):
    """A model call inside a response that the response's own usage leaves out."""

    position: int
    model: str | None
    columns: Columns


def usage_of(body: object) -> Columns | None:
    """Return the usage columns of a response body of any provider; None where it holds no usage."""
    found = at(body, "usageMetadata") or at(body, "usage_metadata")
    if isinstance(found, dict):
        return gemini(found)
    usage = at(body, "usage")
    if isinstance(usage, dict):
        return _by_names(usage)
    billed = at(body, "meta", "billed_units")
    return cohere({"billed_units": billed}) if isinstance(billed, dict) else None


def _by_names(usage: dict[str, Any]) -> Columns | None:
    """Return what a `usage` tells, recognised by its names."""
    if "inputTokens" in usage:
        return converse(usage)
    if "billed_units" in usage:
        return cohere(usage)
    if "input_tokens" in usage and ("cache_read_input_tokens" in usage or "cache_creation_input_tokens" in usage):
        return anthropic(usage)
    return openai(usage) if usage.keys() & {"prompt_tokens", "input_tokens"} else None


def openai(usage: dict[str, Any]) -> Columns:
    """Return the columns of an OpenAI-like `usage`: its input and output include their parts."""
    whole = _first(usage, "prompt_tokens", "input_tokens")
    inside = _details(usage, "prompt_tokens_details", "input_tokens_details", "input_token_details")
    cached = number(_named(inside, "cached_tokens", usage, *CACHED))
    audio, cached_audio = number(inside.get("audio_tokens")), _cached_part(inside, "audio")
    image = number(_named(inside, "image_tokens", usage, "prompt_image_tokens"))
    cached_image = _cached_part(inside, "image")
    classes = {
        "cache_read_input_tokens": cached - cached_audio - cached_image,
        **_openai_writes(usage, inside),
        "audio_input_tokens": audio - cached_audio,
        "cache_read_audio_input_tokens": cached_audio,
        "image_input_tokens": image - cached_image,
        "cache_read_image_input_tokens": cached_image,
    }
    return {"uncached_input_tokens": whole - sum(classes.values()), **classes, **_openai_output(usage, whole, inside)}


def _openai_writes(usage: dict[str, Any], inside: dict[str, Any]) -> Columns:
    """Return input written to a cache, by its life."""
    written = number(_named(inside, "cache_write_tokens", usage, "cache_creation_input_tokens"))
    lives = at(inside, "cache_write_tokens_details")
    half_hour, half_day = number(at(lives, "ttl_30m_tokens")), number(at(lives, "ttl_12h_tokens"))
    return {
        "cache_creation_5m_input_tokens": max(written - half_hour - half_day, min(written, 0)),
        "cache_creation_30m_input_tokens": half_hour,
        "cache_creation_12h_input_tokens": half_day,
    }


def _cached_part(inside: dict[str, Any], kind: str) -> int:
    return number(at(inside, "cached_tokens_details", f"{kind}_tokens"))


def _openai_output(usage: dict[str, Any], prompt: int, inside: dict[str, Any]) -> Columns:
    """Return the classes of the output, and what of it was reasoning."""
    parts = _details(usage, "completion_tokens_details", "output_tokens_details", "output_token_details")
    shown = _first(usage, "completion_tokens", "output_tokens")
    reasoning = number(_named(parts, "reasoning_tokens", usage, "reasoning_tokens"))
    unseen = max(number(usage.get("total_tokens")) - prompt - shown, 0)
    if not unseen and usage.get("total_tokens") is None and reasoning > shown:
        unseen = reasoning
    audio, image = number(parts.get("audio_tokens")), number(parts.get("image_tokens"))
    if not parts and "output_tokens" in usage and "image_tokens" in inside and "cached_tokens" not in inside:
        image = shown  # the Images API before it told the parts of its output
    return {
        "output_tokens": shown + unseen - audio - image,
        "audio_output_tokens": audio,
        "image_output_tokens": image,
        "reasoning_output_tokens": max(reasoning, unseen),
    }


def either(usage: dict[str, Any]) -> Columns:
    """Return the columns of an OpenAI-like `usage` of which it is not sure that its input includes the cache.

    It does unless the cached counts exceed it, or the total shows that they stand beside it.
    """
    inside = _details(usage, "prompt_tokens_details")
    whole, shown, total = _first(usage, "prompt_tokens"), _first(usage, "completion_tokens"), usage.get("total_tokens")
    read, written = number(inside.get("cached_tokens")), number(inside.get("cache_write_tokens"))
    beside = read + written > whole or (total is not None and number(total) == whole + shown + read + written)
    return openai({**usage, "prompt_tokens": whole + read + written} if beside and read + written else usage)


def anthropic(usage: dict[str, Any]) -> Columns:
    """Return the columns of an Anthropic `usage`, with its tier, speed and region; parts of the response left out."""
    flat, long = number(usage.get("cache_creation_input_tokens")), _life(usage, "1h")
    tier, region = usage.get("service_tier"), usage.get("inference_geo")
    return {
        "uncached_input_tokens": number(usage.get("input_tokens")),
        "cache_read_input_tokens": number(usage.get("cache_read_input_tokens")),
        "cache_creation_5m_input_tokens": max(flat - long, _life(usage, "5m")),
        "cache_creation_1h_input_tokens": long,
        "output_tokens": number(usage.get("output_tokens")),
        "reasoning_output_tokens": number(at(usage, "output_tokens_details", "thinking_tokens")),
        "web_search_requests": number(at(usage, "server_tool_use", "web_search_requests")),
        "service_tier": tier or None,
        "batch": tier == "batch",
        "speed": usage.get("speed") or None,
        "region": None if region in NOWHERE else region,
    }


def anthropic_parts(usage: dict[str, Any]) -> list[Part]:
    """Return the calls of advisors and compactions inside a response: rows of their own, never in the top level."""
    shared = {name: usage.get(name) for name in ("service_tier", "inference_geo", "speed")}
    return [
        Part(index, part.get("model"), anthropic({**shared, **part}))
        for index, part in enumerate(items(usage, "iterations"))
        if part.get("type") in SEPARATE
    ]


def _life(usage: dict[str, Any], life: str) -> int:
    return number(at(usage, "cache_creation", f"ephemeral_{life}_input_tokens"))


def gemini(usage: dict[str, Any]) -> Columns:
    """Return the columns of Gemini's `usageMetadata`, also as the Python client spells it, with its tier."""
    told = {_plain(name): value for name, value in usage.items()}
    prompt, cached = number(told.get("prompttokencount")), number(told.get("cachedcontenttokencount"))
    audio, image = _modality(told, "prompt", "AUDIO"), _modality(told, "prompt", "IMAGE")
    cached_audio, cached_image = (
        min(audio, _modality(told, "cache", "AUDIO")),
        min(image, _modality(told, "cache", "IMAGE")),
    )
    shown = number(told.get("candidatestokencount") or told.get("responsetokencount"))
    spoken, drawn = _shown(told, "AUDIO"), _shown(told, "IMAGE")
    thoughts = number(told.get("thoughtstokencount"))
    uncached = prompt - cached + number(told.get("tooluseprompttokencount"))
    return {
        "uncached_input_tokens": uncached - (audio - cached_audio) - (image - cached_image),
        "cache_read_input_tokens": cached - cached_audio - cached_image,
        "audio_input_tokens": audio - cached_audio,
        "cache_read_audio_input_tokens": cached_audio,
        "image_input_tokens": image - cached_image,
        "cache_read_image_input_tokens": cached_image,
        "output_tokens": shown + thoughts - spoken - drawn,
        "audio_output_tokens": spoken,
        "image_output_tokens": drawn,
        "reasoning_output_tokens": thoughts,
        "service_tier": told.get("servicetier") or TRAFFIC.get(str(told.get("traffictype"))),
    }


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _modality(told: dict[str, Any], of: str, modality: str) -> int:
    """Return the tokens of one kind of content in the prompt, the cache or the output."""
    parts = [{_plain(key): value for key, value in part.items()} for part in items(told, f"{of}tokensdetails")]
    return sum(number(part.get("tokencount")) for part in parts if part.get("modality") == modality)


def _shown(told: dict[str, Any], modality: str) -> int:
    return _modality(told, "candidates", modality) or _modality(told, "response", modality)


def converse(usage: dict[str, Any]) -> Columns:
    """Return the columns of a Bedrock Converse `usage`."""
    written = _first(usage, "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    long = sum(number(part.get("inputTokens")) for part in items(usage, "cacheDetails") if part.get("ttl") == "1h")
    return {
        "uncached_input_tokens": number(usage.get("inputTokens")),
        "cache_read_input_tokens": _first(usage, "cacheReadInputTokens", "cacheReadInputTokenCount"),
        "cache_creation_5m_input_tokens": written - long,
        "cache_creation_1h_input_tokens": long,
        "output_tokens": number(usage.get("outputTokens")),
    }


def cohere(usage: dict[str, Any]) -> Columns:
    """Return the columns of a Cohere `usage`: its tokens beside the billed units are more, and not charged."""
    billed = usage["billed_units"]
    return {
        "uncached_input_tokens": number(at(billed, "input_tokens")),
        "image_input_tokens": number(at(billed, "image_tokens")),
        "output_tokens": number(at(billed, "output_tokens")),
    }


def number(value: object) -> int:
    """Return a count: null is 0, whole decimals and text of digits are read; `NOT_A_COUNT` for anything else."""
    if isinstance(value, int):
        return value
    try:
        return int(float(str(value))) if value not in (None, "") else 0
    except (ValueError, OverflowError):
        return NOT_A_COUNT


def _first(usage: dict[str, Any], *names: str) -> int:
    """Return the first count that is there."""
    return number(next((usage[name] for name in names if usage.get(name) is not None), None))


def _details(usage: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the first object that is there; an empty one where none is."""
    return next((usage[name] for name in names if isinstance(usage.get(name), dict)), {})


def _named(details: dict[str, Any], name: str, usage: dict[str, Any], *others: str) -> object:
    """Return a value from the details, else from the usage under other names."""
    found = details.get(name)
    return found if found is not None else next((usage[other] for other in others if usage.get(other)), None)
