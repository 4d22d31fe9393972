"""How the same model is written in different places: prefixes, dates, versions, display names.

Rules of providers and gateways, as data and regular expressions; nothing here knows which models exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

SELLERS: tuple[tuple[str, str], ...] = (
    ("azure", "azure"),
    ("bedrock", "aws"),
    ("amazon", "aws"),
    ("openrouter", "openrouter"),
    ("vertex", "google"),
    ("gemini", "google"),
    ("google", "google"),
    ("anthropic", "anthropic"),
    ("copilot", "github-copilot"),
    ("openai", "openai"),
    ("xai", "x-ai"),
    ("x_ai", "x-ai"),
    ("mistral", "mistral"),
    ("moonshot", "moonshotai"),
    ("together", "together"),
    ("fireworks", "fireworks"),
    ("deepseek", "deepseek"),
)
"""Part of a provider's name in a log -> seller in the price book; the first that fits."""

LOCAL = ("llama.cpp", "lmstudio", "lm-studio", "local", "localhost", "mlx", "ollama", "oss", "vllm")
"""Providers that run on one's own machine: no list price holds there."""

GATEWAYS: dict[str, str | None] = {
    "accounts/fireworks/models/": "fireworks",
    "azure/": "azure",
    "azure_ai/": "azure",
    "bedrock/": "aws",
    "claude_platform/": "anthropic",
    "converse/": "aws",
    "fireworks_ai/": "fireworks",
    "gemini/": "google",
    "github_copilot/": "github-copilot",
    "groq/": "groq",
    "litellm_proxy/": None,
    "models/": "google",
    "openrouter/": "openrouter",
    "together_ai/": "together",
    "vertex_ai/": "google",
}
"""Prefix that names the seller, not the model."""

MAKERS: dict[str, str] = {
    "anthropic": "anthropic",
    "openai": "openai",
    "google": "google",
    "x-ai": "x-ai",
    "xai": "x-ai",
    "mistral": "mistral",
    "mistralai": "mistral",
    "deepseek": "deepseek",
    "deepseek-ai": "deepseek",
    "moonshotai": "moonshotai",
    "z-ai": "zai",
    "zai": "zai",
    "zai-org": "zai",
    "zhipuai": "zhipuai",
    "minimax": "minimax",
    "minimaxai": "minimax",
    "meta": "meta",
    "cohere": "cohere",
    "perplexity": "perplexity",
    "voyageai": "voyageai",
    "voyage": "voyageai",
    "cursor": "cursor",
    "typesafe": "typesafe",
}
"""Vendor in front of a model's name -> maker in the price book."""

PUBLISHER = re.compile(r"^(?:projects/[^/]+/locations/[^/]+/)?publishers/([^/]+)/models/")
BEDROCK = re.compile(
    r"^(?:arn:aws[\w-]*:bedrock:[^:]*:\d*:[a-z-]+/)?(?P<id>(?:(?:us-gov|us|eu|apac|jp|au|in|ca|sa|global)\.)?"
    r"(?P<vendor>anthropic|amazon|ai21|cohere|deepseek|google|luma|meta|minimax|mistral|moonshotai|nvidia|openai|qwen"
    r"|stability|twelvelabs|writer|zai)\.(?P<model>[a-z][\w.:-]*))$"
)
"""An id of Amazon Bedrock: a geography, a vendor and a model, alone or at the end of an ARN."""

ZONE = re.compile(r"^(?:us-gov|us|eu|apac)/")
"""In front of a model that Azure keeps within a data zone, as LiteLLM writes it: it costs more there."""
CHOSEN = re.compile(r"^auto: ")
"""In front of a model that Copilot chose by itself."""
WINDOW = re.compile(r"\[[^\[\]]*\]$")
"""Size of the context window, as Claude Code writes it: ``[1m]``."""
HARMLESS_TAG = re.compile(r":(?:beta|thinking)$")
TAG = re.compile(r":(?:batch|exacto|extended|floor|free|nitro|online)$")
"""OpenRouter's ways to buy the same model at another price."""
REMARK = re.compile(r" ?\((?![^()]*fast)[^()]*\)$")
BEDROCK_VERSION = re.compile(r"-v\d+(?::\d+)?(?::\d+k)?$")
DATE = re.compile(r"[-@](?:20\d{6}|20\d\d-\d\d-\d\d|latest|default)$")
EFFORT = re.compile(r"^((?:claude|gpt|o\d)\b.*)-(?:minimal|low|medium|high|xhigh)(?:-thinking)?$")
"""Reasoning effort at the end of a name, as Cursor writes it."""
FAST = re.compile(r"^(claude-.+)-fast$")
CLAUDE_DOT = re.compile(r"(?<=\d)\.(?=\d)")
CLAUDE_FAMILY_LAST = re.compile(r"^claude-(\d+)(?:-(\d))?-([a-z]+)")


class Written(NamedTuple):
    """A name taken apart."""

    seller: str | None
    """Who sells, where the name says so."""
    maker: str | None
    """Who made the model, where the name says so."""
    listed: str
    """As logged, without a gateway's prefix: what a seller's list may hold letter by letter."""
    sold_as: tuple[str, ...]
    """Forms to look up in a seller's list, likeliest first."""
    made_as: tuple[str, ...]
    """Forms to look up in the maker's list, likeliest first."""
    fast: bool
    """The name asks for the fast variant."""


def read(name: str) -> Written:
    """Take a model's name apart."""
    listed, seller = _without_gateway(name.strip().lower())
    text = FAST.sub(r"\1", listed)
    fast = text != listed
    if found := BEDROCK.match(text):
        made_as = tuple(forms(BEDROCK_VERSION.sub("", found["model"])))
        place = found["id"].removesuffix(found["model"])
        sold_as = (found["id"], *(place + form for form in made_as))
        return Written("aws", MAKERS.get(found["vendor"]), listed, sold_as, made_as, fast)
    maker, slash, rest = text.partition("/")
    made_as = tuple(forms(rest if slash else text))
    sold_as = tuple(dict.fromkeys((*forms(text), *made_as)))
    return Written(seller, MAKERS.get(maker) if slash else None, listed, sold_as, made_as, fast)


def is_zoned(seller: str | None, written: Written) -> bool:
    """Say whether a name asks for a data zone of its seller, whose price no other of the model stands for."""
    return seller == "azure" and ZONE.match(written.listed) is not None


def _without_gateway(text: str) -> tuple[str, str | None]:
    seller = None
    while True:
        if found := PUBLISHER.match(text):
            return f"{found[1]}/{text[found.end() :]}", "google"
        prefix = next((prefix for prefix in GATEWAYS if text.startswith(prefix)), None)
        if prefix is None or text == prefix:
            return text, seller
        text, seller = text.removeprefix(prefix), GATEWAYS[prefix] or seller


def forms(text: str) -> Iterator[str]:
    """Yield a name as it stands, then with less and less of what does not change its price."""
    yield from dict.fromkeys(form for form, _ in rewritten(text))


def rewritten(text: str) -> Iterator[tuple[str, str]]:
    """Yield a name as it stands, then after each rule of `REWRITING`, with what the rule does."""
    yield text, "exact"
    for kind, simpler in REWRITING:
        text = simpler(text)
        yield text, kind


def untagged(text: str) -> str:
    """Return a name without a tag that changes its price, such as ``:free``: it is the same model all the same."""
    return TAG.sub("", text)


def _undecorated(text: str) -> str:
    return CHOSEN.sub("", REMARK.sub("", HARMLESS_TAG.sub("", WINDOW.sub("", text))))


def _dashed(text: str) -> str:
    return "-".join(text.split())


def _undated(text: str) -> str:
    return DATE.sub("", text)


def _claude(text: str) -> str:
    """Write a Claude name the way Anthropic does: family before version, dashes in the version."""
    if not text.startswith("claude"):
        return text
    dashes = CLAUDE_DOT.sub("-", text)
    return CLAUDE_FAMILY_LAST.sub(lambda m: "-".join(filter(None, ("claude", m[3], m[1], m[2]))), dashes)


def _effortless(text: str) -> str:
    return EFFORT.sub(r"\1", text)


REWRITING: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("alias", _undecorated),
    ("alias", _dashed),
    ("snapshot", _undated),
    ("alias", _claude),
    ("alias", _effortless),
)
"""What is done to a name, one after the other, and what that is: another way to write it, or a date taken off."""
