"""What a cloud's meters count: from names such as ``gpt-4o-0806-Inp-glbl Tokens`` to model, class, tier and scope.

A name is cut into words. Words of the vocabulary say what is counted and how it was bought; those that are left over
are the model. A name that says neither input nor output, or speaks of hours, images or searches, counts no tokens.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

WORDS: dict[str, str] = {
    word: mark
    for mark, words in {
        "input": "in inp inpt input prompt",
        "output": "completion opt ouptut out outp output outpt response",
        "read": "cached caching ccchd cchd cd hit read",
        "write": "creation wr write",
        "1h": "1h 1hr",
        "30m": "30m",
        "12h": "12h",
        "audio": "aud audio",
        "image": "image img",
        "text": "text txt video",
        "batch": "batch",
        "priority": "pp priority",
        "flex": "flex",
        "global": "gl glbl global",
        "data zone": "datazone dz dzone zone",
        "regional": "geo reg regional regnl rgnl",
        "long": "l long longco",
        "nothing": "1k 1m 5m a ai amazon anthropic api as azure bedrock cache cloud co content count cross ctx data"
        " edition for from garden generate generatecontent google k million mantle meta model mp of on online openai"
        " per predictions region service short shortco standard std thousand tok token tokens unit units vertex with",
        "other": "characters customization finetuned finetuning generation generations grader grounding guardrail"
        " guardrails hosting hour hours images minute minutes page pages provisioned ptu queries query rerank reserved"
        " search second seconds session sessions storage throughput tpm training tuning videos",
    }.items()
    for word in words.split()
}
"""Word -> what it says. `nothing`: neither a part of the model's name nor news; `other`: no tokens are counted."""
GEMINI_NOTHING = ("ga", "non", "thinking")
"""Words of Google's names that tell variants of one price."""
MODALITIES = ("text", "audio", "image")
MEDIA = ("imagen", "lyria", "sora", "veo")
"""Models that count no tokens."""
SEARCHES = {"grounding", "queries", "query", "search"}
"""What belongs to no model."""
FAMILY = (
    r"claude|gpt|chatgpt|\bo\d\b|codex|embed|whisper|tts|dall|gemini|gemma|palm|bison|nova|titan|llama|mistral|mixtral"
    r"|ministral|codestral|devstral|magistral|pixtral|command|jamba|deepseek|grok|kimi|qwen|glm|minimax|phi|nemotron"
    r"|imagen|lyria|sora|veo"
)
"""What the name of a model holds, if it is one that we know."""
BRANDS: tuple[tuple[str, str], ...] = (
    ("openai", "gpt"), ("grok", "grok"), ("deepseek", "deepseek"), ("kimi", "kimi"), ("llama", "llama"),
    ("mistral", "mistral"), ("claude", "claude"), ("phi", "phi"), ("qwen", "qwen"),
)  # fmt: skip
"""Part of a product's name -> what Azure leaves out of the names of its models: ``5.4`` of Azure OpenAI GPT5."""
AWS_REGION = r"^(?:(?:US|EU|AP|CA|SA|ME|AF|IL|UG|MX)[A-Z]{0,2}\d?-)?(?:MP:[A-Z]{2,4}\d?_)?"
PRICE = r"\$[\d.]+"
OPENAI_VERSION = r"^(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])(?:20\d\d)?$"
"""``0806``: day of the model's version, which logs leave out or write in full."""
MAKER = r"^(?:anthropic|amazon|cohere|deepseek|google|meta|mistral|moonshotai|openai|qwen|zai)\."


class Meter(NamedTuple):
    """What one meter is."""

    model: str | None = None
    counts: str | None = None
    """Usage column that its quantity counts; None: no tokens, or of no known kind."""
    batch: bool = False
    service_tier: str | None = None
    scope: str | None = None
    """Where it may be served from: global, data zone or regional."""
    context: str | None = None
    """``long`` where the price is that of a long context."""


def with_meters(rows: pl.LazyFrame, texts: Iterable[str], product: str) -> pl.LazyFrame:
    """Add the fields of `Meter` as columns `meter_model`, `meter_counts`, ... Reads the distinct names at once.

    In: columns that may hold a meter's name, likeliest first, and the column that names its product; `ours` says
    which rows are looked at. Out: null in all others.
    """
    import polars as pl

    order = [*texts, product]
    keys = list(dict.fromkeys(order))
    names = rows.filter("ours").select(keys).unique().collect()
    cells = (tuple(row[name] for name in order) for row in names.iter_rows(named=True))
    found = [meter(row[:-1], row[-1]) for row in cells]
    kinds: dict[str, type[pl.DataType]] = dict.fromkeys(Meter._fields, pl.String) | {"batch": pl.Boolean}
    read = pl.DataFrame(found, schema=kinds, orient="row").rename(lambda name: f"meter_{name}")
    known = names.hstack(read).lazy()
    return rows.join(known, on=keys, how="left", nulls_equal=True, maintain_order="left")


@cache
def meter(texts: tuple[str | None, ...], product: str | None = None) -> Meter:
    """Return what a meter is by its names, likeliest first: the first that says so gives the class, or the model."""
    read = [_read(text, product) for text in texts if text]
    telling = next((item for item in read if item.counts is not None), next(iter(read), Meter()))
    models = [item.model for item in read if item.model]
    known = (model for model in models if _is_known(model) and (telling.counts or re.search(r"\d", model)))
    model = next(known, next(iter(models), None) if telling.counts else None)
    return telling._replace(model=model, counts=telling.counts or None)


def _is_known(model: str) -> bool:
    """Say whether a name is that of a model we know, and not just its brand."""
    return re.search(FAMILY, model) is not None and re.fullmatch(FAMILY, model) is None


def _read(text: str, product: str | None) -> Meter:
    """Take one name apart; `counts` is "" where it says that no tokens are counted, null where it says nothing."""
    words = _words(text)
    modality = _modality(words)
    spoken = {_says(word, text) for word in words} | ({"other"} if set(MEDIA) & set(words) else set())
    left = [word for at, word in enumerate(words) if at != modality and _is_model(word, text)]
    name = None if SEARCHES & set(words) else _model(left, (product or "").lower())
    return Meter(
        name if name and ("other" not in spoken or re.search(FAMILY, name)) else None,
        _counts(spoken, words[modality] if modality is not None else "", text.lower()),
        "batch" in spoken,
        next((tier for tier in ("priority", "flex") if tier in spoken), None),
        next((scope for scope in ("global", "data zone", "regional") if scope in spoken), None),
        "long" if "long" in spoken else None,
    )


def _words(text: str) -> list[str]:
    """Cut a name into words: at blanks and dashes, at capitals within, and before the digits of a few words."""
    plain = re.sub(AWS_REGION, "", re.sub(PRICE, "", text))
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", " ", plain).lower()
    spaced = re.sub(r"\b(claude|write)(?=\d)", r"\1 ", split.replace("text-embedding", "text~embedding"))
    words = [
        re.sub(MAKER, "", word) for word in re.split(r"[\s_/,:|()-]+", spaced.replace("embed content", "")) if word
    ]
    # Of GPT-4o Audio the abbreviation names both the model and what is counted; a capital is no word of the vocabulary.
    return ["Audio", *words] if "aud" in words and "rt" not in words else words


def _says(word: str, text: str) -> str:
    if word in GEMINI_NOTHING and "gemini" in text.lower():
        return "nothing"
    return WORDS.get(word, "")


def _is_model(word: str, text: str) -> bool:
    says = _says(word, text)
    return not says or says in MODALITIES


def _modality(words: list[str]) -> int | None:
    """Return the word that names what is counted, and not the model: beside input or output, or else the last."""
    at = [index for index, word in enumerate(words) if WORDS.get(word) in MODALITIES]
    beside = [index for index in at if _is_direction(words, index + 1) or _is_direction(words, index - 1)]
    counted = at if {"count", "aud", "txt"} & set(words) else []
    return next(iter([*beside, *reversed(counted)]), None)


def _is_direction(words: list[str], at: int) -> bool:
    return 0 <= at < len(words) and WORDS.get(words[at]) in ("input", "output", "read")


def _model(words: list[str], product: str) -> str | None:
    """Join what is left of a name, with the brand that Azure keeps in the product's name."""
    brand = next((brand for part, brand in BRANDS if part in product), "")
    dated = len(words) > 1 and (brand == "gpt" or words[0].startswith(("gpt", "o1", "o3", "o4")))
    kept = [word for word in words if not (dated and re.match(OPENAI_VERSION, word))]
    ordered = sorted(kept, key=lambda word: word == "Audio")
    name = "-".join(ordered).lower().replace("~", "-").replace("-rt", "-realtime")
    known = re.search(FAMILY, name) if brand != "gpt" else not name[:1].isdigit()
    return (f"{brand}-{name}" if brand and not known else name) if name else None


def _counts(spoken: set[str], modality: str, text: str) -> str | None:
    """Return the usage column that a meter counts, "" for none."""
    kind = WORDS.get(modality, "text")
    part = "" if kind == "text" else f"{kind}_"
    if "other" in spoken:
        return ""
    if "write" in spoken:
        return f"cache_creation_{next((life for life in ('1h', '30m', '12h') if life in spoken), '5m')}_input_tokens"
    if "read" in spoken:
        return f"cache_read_{part}input_tokens"
    if "output" in spoken:
        return f"{part}output_tokens"
    if "input" in spoken or "embed" in text:
        return f"{part}input_tokens" if part else "uncached_input_tokens"
    return None
