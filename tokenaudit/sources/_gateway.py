"""What the exports of gateways and observers share: pages, names in two spellings, maps in a cell, and labels.

A map is a JSON object in a cell, whatever the file: CSV and JSON hold it as text, Parquet as text or as a list of keys
and values. Its keys are not known beforehand, so its pairs become rows, each with the `row` it stands in.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tokenaudit.sources._documents import at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import polars as pl

    from tokenaudit.sources.source import Kind

STRING = r'"(?:[^"\\]|\\.)*"'
PAIR = rf"({STRING})\s*:\s*({STRING}|-?[0-9][0-9.eE+-]*|true|false)"
ENTRY = rf'\{{"key":({STRING}),"value":([^{{}}]*)\}}'
"""One pair of a map in a Parquet file."""
MOMENTS = ("created_at", "start_time", "request_created_at")
"""Fields that some exporters write as a number of seconds or milliseconds since 1970."""
MILLISECONDS = 10**11
"""A number of seconds never gets so large, one of milliseconds was so in 1973."""

MEANINGS: tuple[tuple[str, str], ...] = (
    (r"cost|price|latency|time|per_second", "no count"),
    (r"web_search", "web_searches"),
    (r"^(total|tokens$)", "total"),
    (r"reason|think|thought", "reasoning"),
    (r"(creat|writ|ephemeral).*1h", "written_1h"),
    (r"(creat|writ|ephemeral).*5m", "written_5m"),
    (r"creat|writ|ephemeral", "written"),
    (r"cache.*audio|audio.*cache", "cached_audio"),
    (r"cache.*image|image.*cache", "cached_image"),
    (r"cache", "cached"),
    (r"(output|completion|candidate).*audio", "audio_out"),
    (r"(output|completion|candidate).*image", "image_out"),
    (r"audio", "audio_in"),
    (r"image", "image_in"),
    (r"^(output|completion|candidates)(_?tokens?_?(count)?)?$", "output"),
    (r"output|completion|candidate", "output_part"),
    (r"^(input|prompt)(_?tokens?_?(count)?)?$", "input"),
    (r"input|prompt", "input_part"),
)
"""What the key of a usage map counts; the first pattern that is found in it decides. Other keys count no tokens."""
IN_PARTS = (
    "cached", "cached_audio", "cached_image", "written", "written_5m", "written_1h", "audio_in", "image_in",
    "input_part",
)  # fmt: skip
OUT_PARTS = ("reasoning", "audio_out", "image_out", "output_part")
COUNTED = ("total", "input", *IN_PARTS, "output", *OUT_PARTS, "web_searches")

ROLES: dict[str, tuple[str, ...]] = {
    "user": ("_user", "user", "user_id", "userid", "user_email", "useremail", "email", "user_name", "username"),
    "session": ("session_id", "sessionid", "session", "thread_id", "conversation_id", "helicone-session-id"),
    "project": ("project", "project_name", "repository"),
}
"""Labels with a column of their own, the most telling name first."""
NO_LABEL = r"^(ls|lc|langgraph)_|(request|trace|span|run|message|correlation|checkpoint|parent)[_-]?(id|ns)$"
"""Labels that name a single call or the tracer's own state."""
FOR_REPORTS = (
    r"^(team|environment|env|feature|app|application|service|customer|tenant|department|cost_?cent(er|re)|"
    r"organi[sz]ation|org|tier|plan|version|workflow|agent|product)(_?(id|name))?$"
)
"""Labels that are taken from metadata which may hold anything, texts too."""
LONGEST_LABEL = 200
SELLERS = {
    "google-ai-studio": "google", "google-vertex-ai": "google", "vertex-ai": "google", "vertex": "google",
    "gemini": "google", "google_genai": "google", "google_vertexai": "google", "azure-openai": "azure",
    "azure_openai": "azure", "aws-bedrock": "aws", "bedrock": "aws", "amazon_bedrock": "aws",
    "workers-ai": "cloudflare", "grok": "x-ai", "xai": "x-ai", "mistral-ai": "mistral", "mistralai": "mistral",
    "moonshot": "moonshotai", "together-ai": "together", "fireworks-ai": "fireworks",
}  # fmt: skip
"""Names that gateways have for sellers -> the name other sources have."""


def pages(*lists: str) -> Callable[[Any], Iterator[dict[str, Any]]]:
    """Return how to take documents apart: the objects under one of these names of a page, or the document itself.

    Keys come in lower case, objects in them whole, instants that are numbers as text.
    """
    return lambda document: (shallow(item) for item in unwrapped(document, *lists))


def unwrapped(document: object, *lists: str) -> Iterator[dict[str, Any]]:
    """Yield the objects in the lists (or the object) under these names of a document; without any, the document."""
    inside = [found for name in lists if isinstance(found := at(document, name), list | dict)]
    for found in inside or [[document]]:
        yield from (item for item in (found if isinstance(found, list) else [found]) if isinstance(item, dict))


def shallow(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with its keys in lower case and its instants as text."""
    lower = {key.strip().lower(): value for key, value in item.items()}
    return lower | {name: moment(lower[name]) for name in MOMENTS if name in lower}


def moment(value: object) -> object:
    """Return a number of seconds or milliseconds since 1970 as ISO 8601 text, anything else as it is."""
    if type(value) is not int or not 0 < value < MILLISECONDS * 1000:
        return value
    seconds, rest = divmod(value, 1000) if value >= MILLISECONDS else (value, 0)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03}Z"


def both(columns: Mapping[str, Kind]) -> dict[str, Kind]:
    """Return columns in two spellings: ``trace_id`` and, for ``traceId``, ``traceid``."""
    return {spelling: kind for name, kind in columns.items() for spelling in (name, squashed(name))}


def spelt(*signatures: frozenset[str]) -> tuple[frozenset[str], ...]:
    """Return signatures in both spellings."""
    return (*signatures, *(frozenset(map(squashed, names)) for names in signatures))


def squashed(name: str) -> str:
    """Return a name as camel case in lower case."""
    return name.replace("_", "")


def either(*names: str) -> pl.Expr:
    """Return the first value that stands under names, in either of their spellings."""
    import polars as pl

    return pl.coalesce(*dict.fromkeys(spelling for name in names for spelling in (name, squashed(name))))


def sold(provider: pl.Expr, model: pl.Expr) -> pl.Expr:
    """Return who sold the tokens, by the gateway's name for it or else by the model."""
    import polars as pl

    from tokenaudit.sources import expressions

    return pl.coalesce(provider.str.to_lowercase().replace(SELLERS), expressions.vendor(model))


def listed(text: pl.Expr) -> pl.Expr:
    """Return the items of a JSON list of strings, separated by commas; null where there are none."""
    import polars as pl

    items = text.str.strip_chars("[]\"' ").str.replace_all(r"""["']\s*,\s*["']""", ",")
    return pl.when(items != "").then(items)


def pairs(rows: pl.LazyFrame, column: str) -> pl.LazyFrame:
    """Return the pairs of a map, as `row`, `key` (text) and `value` (JSON); those of objects in it too."""
    import polars as pl

    text = as_json(pl.col(column)).str.replace_all(ENTRY, "${1}:${2}")
    found = rows.select("row", pair=text.str.extract_all(PAIR)).explode("pair").drop_nulls("pair")
    key = pl.col("pair").str.extract(PAIR, 1).str.strip_prefix('"').str.strip_suffix('"')
    return found.select("row", key=key, value=pl.col("pair").str.extract(PAIR, 2))


def as_json(text: pl.Expr) -> pl.Expr:
    """Return JSON whose quotes were doubled once too often, or that a Python program printed, as it was meant."""
    import polars as pl

    once = pl.when(text.str.starts_with('{""')).then(text.str.replace_all('""', '"', literal=True)).otherwise(text)
    return pl.when(text.str.starts_with("{'")).then(text.str.replace_all("'", '"', literal=True)).otherwise(once)


def unquoted(value: pl.Expr) -> pl.Expr:
    """Return the text of a JSON value."""
    plain = value.str.strip_prefix('"').str.strip_suffix('"')
    return plain.str.replace_all(r'\\(["\\/])', "${1}")


def counts(rows: pl.LazyFrame, maps: Mapping[str, str], only: str = "") -> pl.LazyFrame:
    """Add what the usage maps of numbered rows count: a column for each of `COUNTED`, 0 where there is nothing.

    In: the columns of the maps, each with what its keys are a part of (``input_``, ``output_`` or nothing); `only`: a
    pattern of the keys that are meant. Floats and text that are whole numbers count as such.
    """
    import polars as pl

    found = pl.concat(
        pairs(rows, column).with_columns(key=pl.lit(side) + pl.col("key").str.to_lowercase())
        for column, side in maps.items()
    ).filter(pl.col("key").str.contains(only))
    meaning = pl.coalesce([pl.when(pl.col("key").str.contains(shape)).then(pl.lit(name)) for shape, name in MEANINGS])
    number = unquoted(pl.col("value")).cast(pl.Decimal(38, 18), strict=False).cast(pl.Int64, strict=False)
    summed = {count(name): number.filter(meaning == name).sum() for name in COUNTED}
    wide = found.group_by("row").agg(**summed)
    joined = rows.join(wide, on="row", how="left", maintain_order="left")
    return joined.with_columns(pl.col(count(name)).fill_null(0) for name in COUNTED)


def count(name: str) -> str:
    """Return the column that holds one of `COUNTED`."""
    return f"count of {name}"


def classes(known: Mapping[str, pl.Expr] | None = None, *, within: bool) -> dict[str, pl.Expr]:
    """Return usage columns with disjoint classes.

    In: `known`, a count for each name of `COUNTED` that there is; without it, the columns that `counts` has added.
    `within`: input and output include their parts, unless the parts exceed them. A stated total overrules it where
    only one reading of the counts adds up to it. A total alone is input, and a guess.
    """
    import polars as pl

    of = _known(known)
    part = {"input": pl.sum_horizontal(_parts(of, IN_PARTS)), "output": pl.sum_horizontal(_parts(of, OUT_PARTS))}
    inside = _inside(of, part, within=within)
    rest = {side: of[side] - pl.when(inside[side]).then(part[side]).otherwise(0) for side in part}
    return {
        "uncached_input_tokens": pl.when(only_total(known))
        .then(of["total"])
        .otherwise(rest["input"] + of["input_part"]),
        "cache_read_input_tokens": of["cached"],
        "cache_creation_5m_input_tokens": _written(of) + of["written_5m"],
        "cache_creation_1h_input_tokens": of["written_1h"],
        "audio_input_tokens": of["audio_in"],
        "cache_read_audio_input_tokens": of["cached_audio"],
        "image_input_tokens": of["image_in"],
        "cache_read_image_input_tokens": of["cached_image"],
        "output_tokens": rest["output"] + of["reasoning"] + of["output_part"],
        "audio_output_tokens": of["audio_out"],
        "image_output_tokens": of["image_out"],
        "reasoning_output_tokens": of["reasoning"],
        "web_search_requests": of["web_searches"],
    }


def only_total(given: Mapping[str, pl.Expr] | None = None) -> pl.Expr:
    """Say whether there is nothing but a total: the class of its tokens is a guess."""
    import polars as pl

    of = _known(given)
    return (of["total"] > 0) & (pl.sum_horizontal(of[name] for name in ("input", *IN_PARTS, "output", *OUT_PARTS)) == 0)


def _known(given: Mapping[str, pl.Expr] | None) -> dict[str, pl.Expr]:
    """Return a count for each of `COUNTED`: those given, or what `counts` has found."""
    import polars as pl

    found = {name: pl.col(count(name)) for name in COUNTED} if given is None else given
    return {name: found.get(name, pl.lit(0)).fill_null(0) for name in COUNTED}


def _written(of: Mapping[str, pl.Expr]) -> pl.Expr:
    """Return cache writes of unnamed life: nothing where they are the sum of those that name it."""
    import polars as pl

    return pl.when(of["written"] == of["written_5m"] + of["written_1h"]).then(0).otherwise(of["written"])


def _parts(of: Mapping[str, pl.Expr], names: Iterable[str]) -> list[pl.Expr]:
    return [_written(of) if name == "written" else of[name] for name in names]


def _inside(of: Mapping[str, pl.Expr], part: Mapping[str, pl.Expr], *, within: bool) -> dict[str, pl.Expr]:
    """Say for input and output whether they include their parts."""
    import polars as pl

    whole = of["input"] + of["output"]
    readings = {
        (False, False): whole + part["input"] + part["output"],
        (True, False): whole + part["output"],
        (False, True): whole + part["input"],
        (True, True): whole,
    }
    ordered = sorted(readings, key=lambda reading: (reading == (True, True)) != within)
    fits = {reading: of["total"] == readings[reading] for reading in ordered}
    return {
        side: pl.coalesce([*(pl.when(fits[reading]).then(reading[at]) for reading in ordered), pl.lit(within)])
        & (of[side] >= part[side])
        for at, side in enumerate(part)
    }


def labels(rows: pl.LazyFrame, column: str, own: Mapping[str, pl.Expr], only: str = "") -> pl.LazyFrame:
    """Add `tags`, `label user`, `label session` and `label project`, from a map of labels in numbered rows.

    In: `own`, labels from columns, which come first; `only`: a pattern of the labels of the map that become tags.
    Long ones, and those that name a single call, are left out.
    """
    import polars as pl

    key, value = pl.col("key").str.to_lowercase(), pl.col("value")
    roles = [name for names in ROLES.values() for name in names]
    tagged = key.str.contains(only) & ~key.str.contains(NO_LABEL) & ~key.is_in(roles)
    short = pairs(rows, column).filter(value.str.len_chars() <= LONGEST_LABEL).with_columns(tagged=tagged)
    whole = pl.concat([_own(rows, own), short]).unique(["row", "key"], keep="first", maintain_order=True)
    json = pl.when(value.str.starts_with('"')).then(value).otherwise(pl.concat_str(pl.lit('"'), value, pl.lit('"')))
    joined = pl.format('"{}":{}', "key", json).filter("tagged").str.join(",")
    tags = pl.when(joined != "").then(pl.concat_str(pl.lit("{"), joined, pl.lit("}")))
    named = {
        f"label {role}": pl.coalesce([unquoted(value).filter(key == name, value != '""').first() for name in names])
        for role, names in ROLES.items()
    }
    wide = whole.group_by("row").agg(**named, tags=tags)
    return rows.drop("tags", strict=False).join(wide, on="row", how="left", maintain_order="left")


def _own(rows: pl.LazyFrame, own: Mapping[str, pl.Expr]) -> pl.LazyFrame:
    """Return labels from columns as pairs, in the order given."""
    import polars as pl

    from tokenaudit.sources import expressions

    one = [
        rows.select("row", key=pl.lit(name), value=expressions.quoted(value.cast(pl.String)), tagged=pl.lit(value=True))
        for name, value in own.items()
    ]
    return pl.concat(one).drop_nulls("value")


def unless(hit: pl.Expr, columns: Mapping[str, pl.Expr]) -> dict[str, pl.Expr]:
    """Return numbers that are 0 where the gateway answered from its own cache: no provider saw the call."""
    import polars as pl

    answered = hit.fill_null(value=False)
    return {name: pl.when(answered).then(0).otherwise(value) for name, value in columns.items()}
