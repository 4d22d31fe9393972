"""Polars expressions that the table sources share: from a provider's columns to usage columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ZONED_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z")
LOCAL_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")
DAY_FORMATS = (
    (r"^\d{4}-\d{1,2}-\d{1,2}$", "%Y-%m-%d"),
    (r"^\d{1,2}/\d{1,2}/\d{2}$", "%m/%d/%y"),
    (r"^\d{1,2}/\d{1,2}/\d{4}$", "%m/%d/%Y"),
)
SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
BUCKET = ("charge_period_start", "charge_period_end")
STRING = r'"(?:[^"\\]|\\.)*"'
TAGS = rf"^\{{\s*(?:{STRING}\s*:\s*{STRING}\s*(?:,\s*{STRING}\s*:\s*{STRING}\s*)*)?\}}$"
VENDORS: tuple[tuple[str, str], ...] = (
    ("anthropic", r"^claude"),
    ("openai", r"^(gpt|chatgpt|o\d|codex|text-embedding-(3|ada)|dall-e|whisper|tts|omni-moderation|computer-use)"),
    ("google", r"^(gemini|gemma|imagen|veo)"),
    ("x-ai", r"^grok"),
    ("deepseek", r"^deepseek"),
    ("mistral", r"^(mistral|ministral|codestral|devstral|magistral|pixtral|open-mi[sx]tral)"),
    ("cohere", r"^(command|embed-|rerank)"),
    ("moonshotai", r"^kimi"),
)
"""Who sells the models whose names begin so."""


def zoned_instant(text: pl.Expr) -> pl.Expr:
    """Return the UTC instant of ISO 8601 text that names its offset or ``Z``; null for all other text.

    Digits beyond the microsecond are cut off.
    """
    iso = text.str.replace(r"^(\d{4}-\d\d-\d\d) ", "${1}T").str.replace(r" ?UTC$", "Z")
    return pl.coalesce(_parse(iso, pattern, zoned=True) for pattern in ZONED_FORMATS)


def instant(text: pl.Expr) -> pl.Expr:
    """Return the UTC instant of an ISO 8601 date or date-time, UTC where it names no zone, or of an ``M/D/YY`` date."""
    iso = text.str.replace(r"^(\d{4}-\d\d-\d\d) ", "${1}T")
    local = [_parse(iso, pattern, zoned=False) for pattern in LOCAL_FORMATS]
    days = [
        pl.when(text.str.contains(shape)).then(_parse(text, pattern, zoned=False)) for shape, pattern in DAY_FORMATS
    ]
    return pl.coalesce(zoned_instant(text), *local, *days)


def granularity(start: pl.Expr, end: pl.Expr) -> pl.Expr:
    """Return the grain of a bucket from its width: minute, hour, day, else period."""
    seconds = (end - start).dt.total_seconds()
    names = {width: name for name, width in SECONDS.items()}
    return seconds.replace_strict(names, default="period", return_dtype=pl.String)


def number(name: str) -> pl.Expr:
    """Return a count, 0 where the file holds none."""
    return pl.col(name).fill_null(0)


def vendor(model: pl.Expr) -> pl.Expr:
    """Return who sells a model, from its name; null where the name does not tell."""
    name = model.str.to_lowercase().str.replace(r"^(models/|[a-z-]+/)", "")
    named = [pl.when(name.str.contains(pattern)).then(pl.lit(provider)) for provider, pattern in VENDORS]
    return pl.coalesce(named)


def tags(labels: Mapping[str, pl.Expr]) -> pl.Expr:
    """Return a JSON object of the labels that have a value, keys in the order given; null where none has."""
    pairs = [pl.format('"{}":{}', pl.lit(key), quoted(value.cast(pl.String))) for key, value in labels.items()]
    joined = pl.concat_str(pairs, separator=",", ignore_nulls=True)
    return pl.when(joined != "").then(pl.concat_str(pl.lit("{"), joined, pl.lit("}")))


def is_tags(text: pl.Expr) -> pl.Expr:
    """Say whether text is a JSON object whose values are strings."""
    return text.str.contains(TAGS)


def first_reason(faults: Mapping[str, pl.Expr]) -> pl.Expr:
    """Return the first reason whose condition holds for a row, null where none does."""
    return pl.coalesce([pl.when(fault).then(pl.lit(reason)) for reason, fault in faults.items()])


def joined(names: Iterable[str]) -> pl.Expr:
    """Return one text of several usage columns, the same for ever: instants as microseconds, null as nothing."""
    texts = [microseconds(pl.col(name)) if name in BUCKET else pl.col(name).cast(pl.String) for name in names]
    return pl.concat_str([text.fill_null("") for text in texts], separator="\x1f")


def microseconds(instants: pl.Expr) -> pl.Expr:
    """Return instants as the text of their microseconds since 1970."""
    return instants.dt.epoch("us").cast(pl.String)


def declare_blanks(
    rows: pl.LazyFrame, scope: tuple[str, ...], coarser: Iterable[Mapping[str, pl.Expr | None]] = ()
) -> pl.LazyFrame:
    """Turn empty buckets into blank rows of everything the file speaks for.

    In: usage rows and, with `blank` true, the buckets the file shows empty. A file speaks for each combination of the
    `scope` columns that one of its rows has, in each of its buckets; where it shows none, the row is blank: it
    replaces what an older file has there and adds nothing. A file without any row speaks for nobody.
    `coarser`: what else it speaks for, as changes of its combinations: who names projects knows the whole as well.
    """
    used = rows.filter(~pl.col("blank"))
    buckets = rows.group_by(BUCKET).agg(pl.col("line").min(), pl.col("granularity").first())
    named = used.select(scope).unique()
    spoken = pl.concat([named, *(named.with_columns(**change).select(scope) for change in coarser)]).unique()
    gaps = buckets.join(spoken, how="cross").join(used, on=[*BUCKET, *scope], how="anti", nulls_equal=True)
    return pl.concat([used, gaps.with_columns(blank=True)], how="diagonal").sort("line", *scope)


def _parse(text: pl.Expr, pattern: str, *, zoned: bool) -> pl.Expr:
    parsed = text.str.to_datetime(pattern, time_unit="us", strict=False, ambiguous="earliest")
    return parsed.dt.convert_time_zone("UTC") if zoned else parsed.dt.replace_time_zone("UTC")


def quoted(text: pl.Expr) -> pl.Expr:
    """Return text as a JSON string."""
    escaped = text.str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
    plain = escaped.str.replace_all(r"[\x00-\x1f]", " ")
    return pl.concat_str(pl.lit('"'), plain, pl.lit('"'))
