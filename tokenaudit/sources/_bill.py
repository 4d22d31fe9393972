"""What the bills of clouds have in common: columns of many spellings, labels, units, periods, and which rows are ours.

A bill holds everything that an account buys. Rows that are no LLM spend are left out, and the ingest says how many they
are and what they cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl  # noqa: TID253 - only the expressions of a bill's source import this module

from tokenaudit import schema
from tokenaudit.sources import expressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tokenaudit.sources._fields import Fields

NOT_OURS = "no LLM spend"
LLM = (
    r"anthropic|bedrock|openai|\b(ai gateway|amazon ?q\b|chatgpt|claude|cohere|copilot|cursor|deepseek|fireworks ai"
    r"|foundry models|gemini|generative (ai|language)|gpt[ -]?(\d|oss)|grok|groq|hugging ?face|kimi|kiro|llama|mistral"
    r"|moonshot|open ai|openrouter|perplexity|together ai|windsurf)"
)
"""Services, publishers and models, in lower case, whose rows are LLM spend whatever they count."""
LLM_METER = r"\btokens?\b|token ?count|imagen|veo |lyria|gemma|palm|text-bison|qwen|glm-|phi-\d|grounding|embedding"
"""What only a meter of an AI service tells: the same words may mean other things elsewhere."""
STRING = r'"(?:[^"\\]|\\.)*"'
PAIR = rf'\{{\s*"[kK]ey"\s*:\s*({STRING})\s*,\s*"[vV]alue"\s*:\s*({STRING})\s*\}}'
BARE = rf"({STRING}\s*:\s*)(true|false|null|-?\d[\d.eE+-]*)"
PROVIDERS: tuple[tuple[str, str], ...] = (
    ("azure", "azure"), ("microsoft", "azure"), ("bedrock", "aws"), ("amazon", "aws"), ("aws", "aws"),
    ("google", "google"), ("gcp", "google"), ("vertex", "google"), ("gemini", "google"), ("anthropic", "anthropic"),
    ("openai", "openai"), ("openrouter", "openrouter"), ("mistral", "mistral"), ("xai", "x-ai"), ("x.ai", "x-ai"),
    ("together", "together"), ("fireworks", "fireworks"), ("deepseek", "deepseek"), ("moonshot", "moonshotai"),
    ("github", "github-copilot"), ("databricks", "databricks"), ("groq", "groq"), ("cohere", "cohere"),
    ("perplexity", "perplexity"), ("cursor", "cursor"), ("anysphere", "cursor"),
)  # fmt: skip
"""Part of a company's name -> what it is called in the price book; the first that fits."""
CLOUDS = ("aws", "azure", "google")
INSTANTS = ("billing", "start", "end", "exported")
"""Fields that are instants, in every bill."""


def named(rows: pl.LazyFrame, fields: Fields, *more: str) -> pl.LazyFrame:
    """Return the fields, each from the first of its columns that is not blank, with `line` and some columns more."""
    return rows.select("line", *more, **{field: pl.coalesce(names) for field, (_, names) in fields.items()})


def holds(pattern: str, *texts: str) -> pl.Expr:
    """Say whether any of some columns holds a pattern, in any case."""
    return pl.any_horizontal(
        pl.col(text).str.to_lowercase().str.contains(pattern).fill_null(value=False) for text in texts
    )


def seller(name: pl.Expr) -> pl.Expr:
    """Return what the price book calls a company; one that it does not know in lower case."""
    lower = name.str.to_lowercase()
    return pl.coalesce(
        [pl.when(lower.str.contains(part, literal=True)).then(pl.lit(id_)) for part, id_ in PROVIDERS] + [lower]
    )


def identity(*values: str) -> pl.Expr:
    """Return one text of some fields: instants as microseconds, null as nothing."""
    texts = [expressions.microseconds(pl.col(name)) if name in INSTANTS else pl.col(name) for name in values]
    return pl.concat_str([text.cast(pl.String).fill_null("") for text in texts], separator="\x1f")


def granularity(start: pl.Expr, end: pl.Expr) -> pl.Expr:
    """Return the grain of a charge period: minute, hour, day, month or period."""
    month = (start.dt.day() == 1) & (end == start.dt.offset_by("1mo"))
    return pl.when(month).then(pl.lit("month")).otherwise(expressions.granularity(start, end))


def common(own: pl.Expr, more: Mapping[str, str], names: Iterable[str]) -> dict[str, pl.Expr]:
    """Return the usage columns that every bill fills in the same way.

    In: the columns `start`, `end`, `ours` and those of `with_meters`; the labels of the row as `labels` gives them, and
    `more`, which says what else becomes a label and in which column it stands; the `names` of what a row is of.
    """
    return {
        "charge_period_start": pl.col("start"),
        "charge_period_end": pl.col("end"),
        "granularity": granularity(pl.col("start"), pl.col("end")),
        "batch": pl.col("meter_batch"),
        "service_tier": pl.col("meter_service_tier"),
        "tags": joined(own, expressions.tags({label: pl.col(name) for label, name in more.items()})),
        "identity": identity(*names),
        "left_out": pl.when(~pl.col("ours")).then(pl.lit(NOT_OURS)),
    }


# -- tokens


def block(unit: pl.Expr) -> pl.Expr:
    """Return how many tokens a unit is: ``1K tokens``, ``1M``, ``1000000 Tokens``, ``Million Tokens``, ``Tokens``."""
    text = unit.str.to_lowercase().str.replace_all(",", "")
    number = text.str.extract(r"^\s*(\d+)").cast(pl.Int64, strict=False).fill_null(1)
    scale = pl.when(text.str.contains(r"^\s*\d*\s*m\b|million")).then(1_000_000)
    return number * scale.when(text.str.contains(r"^\s*\d*\s*k\b|thousand")).then(1000).otherwise(1)


def tokens(quantity: pl.Expr, size: pl.Expr) -> pl.Expr:
    """Return whole tokens of a quantity in blocks; what is taken back is no count."""
    return (quantity * size).round(0).cast(pl.Int64, strict=False).clip(0)


def classes(count: pl.Expr, counts: pl.Expr) -> dict[str, pl.Expr]:
    """Return the usage columns of a row that counts tokens of one class; of an unknown one they are uncached input."""
    known = counts.fill_null("uncached_input_tokens")
    return {name: pl.when(known == name).then(count).otherwise(0).fill_null(0) for name in schema.TOKEN_CLASSES}


# -- labels


def labels(text: pl.Expr) -> pl.Expr:
    """Return labels as a JSON object of strings, null where there are none.

    In: an object, a list of ``{"key", "value"}``, or pairs without braces, as Azure writes them. What is none of these
    becomes the value of ``labels``.
    """
    return text.map_batches(_as_object, return_dtype=pl.String)


def _as_object(cells: pl.Series) -> pl.Series:
    """Return a column of labels as objects, step by step: a single expression would hold each of them many times."""
    text = pl.col("text")
    inner = text.str.strip_chars("[]")
    quoted = text.str.replace_all(BARE, '${1}"${2}"')
    steps = (
        text.str.strip_chars().str.replace_all(PAIR, "${1}:${2}"),
        pl.when(text.str.starts_with("[") | text.str.starts_with('"')).then(pl.format("{{{}}}", inner)).otherwise(text),
        pl.when(expressions.is_tags(text)).then(text).otherwise(quoted),
        pl.when(expressions.is_tags(text)).then(text).otherwise(expressions.tags({"labels": pl.col("given")})),
        pl.when(~text.str.contains(r"^\{\s*\}$")).then(text),
    )
    frame = pl.DataFrame({"text": cells, "given": cells}, schema={"text": pl.String, "given": pl.String})
    for step in steps:
        frame = frame.with_columns(text=step)
    return frame["text"]


def joined(first: pl.Expr, second: pl.Expr) -> pl.Expr:
    """Return the labels of two JSON objects as one."""
    inner = [item.str.strip_prefix("{").str.strip_suffix("}") for item in (first, second)]
    text = pl.concat_str(inner, separator=",", ignore_nulls=True)
    return pl.when(text != "").then(pl.concat_str(pl.lit("{"), text, pl.lit("}")))


def without(text: pl.Expr, beginnings: Iterable[str]) -> pl.Expr:
    """Return labels without what AWS puts in front of a user's own keys."""
    return text.str.replace_all(rf'"(?:{"|".join(beginnings)})([^"]+"\s*:)', '"${1}')
