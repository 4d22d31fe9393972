"""DeepSeek usage export (`amount-*.csv` of `usage_data_*.zip`): tokens and requests by day, model and API key.

Headers read: `utc_date` (until August 2026, also as ``20261001``) and `start_time_iso` with `end_time_iso` (since),
whose days are those of the time zone the download was made in; also the hours of an hourly download. The archive can be
read as it is.

The file is long: a row is one `type` of a day, model and key, and becomes one usage row. Cache hits and misses are
disjoint and together the input: `input_cache_hit_tokens`, `input_cache_miss_tokens`, `output_tokens`, `request_count`,
in older files ``PROMPT_CACHE_HIT_TOKEN`` and the like. A type may stand twice with two prices (peak and off-peak): both
count. A total of other types, and a type nobody has heard of, is rejected with a reason.

Money. `price` is the price of one token, not a subtotal, and the file does not say in which currency (CNY or USD). So
it stays as a tag, and the money comes from the cost export or else from the price book. Keys are masked by DeepSeek.

What replaces what. The identity is a day of an account (`user_id`), by the date that DeepSeek gives it: a newer
download replaces it whole, in whatever header or time zone. A download in another time zone cuts days elsewhere, so
take all of them in one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources._deepseek import COLUMNS as BUCKET_COLUMNS
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

TYPES = {
    "uncached_input_tokens": ("input_cache_miss_tokens", "prompt_cache_miss_token", "prompt_cache_miss_tokens"),
    "cache_read_input_tokens": ("input_cache_hit_tokens", "prompt_cache_hit_token", "prompt_cache_hit_tokens"),
    "output_tokens": ("output_tokens", "response_token", "response_tokens"),
    "requests": ("request_count", "request", "requests"),
}
TOTALS = ("total_token", "total_tokens")
COLUMNS: dict[str, Kind] = {
    **BUCKET_COLUMNS,
    **dict.fromkeys(("api_key_name", "api_key", "type", "price"), "text"),
    "amount": "integer",
}


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each line, with one class."""
    import polars as pl

    from tokenaudit.sources import _deepseek, expressions

    kind, amount = pl.col("type").str.to_lowercase(), pl.col("amount")
    known = [name for names in TYPES.values() for name in names]
    faults = {
        "amount is blank": amount.is_null(),
        "a total of other rows": kind.is_in(TOTALS),
        "an unknown type: neither tokens read nor written nor requests": ~kind.is_in(known).fill_null(value=False),
    }
    bucket = _deepseek.bucket()
    return rows.with_columns(
        **bucket | {"reject": pl.coalesce(bucket["reject"], expressions.first_reason(faults))},
        **{count: pl.when(kind.is_in(names)).then(amount).otherwise(0) for count, names in TYPES.items()},
        api_key=pl.coalesce("api_key_name", "api_key"),
        request_model=pl.col("model"),
        tags=expressions.tags({"unit_price": pl.col("price")}),
    ).with_columns(identity=expressions.joined(_deepseek.IDENTITY))


SOURCE = Table(
    name="deepseek-usage",
    title="DeepSeek usage export",
    provider="deepseek",
    merge="newest",
    authority="usage",
    columns=COLUMNS,
    signatures=(frozenset({"api_key_name", "type", "price", "amount", "model"}),),
    usage=usage,
    known="platform.deepseek.com > Usage > Export: usage_data_<period>.zip, in it amount-<period>.csv",
    tells="tokens by cache hit, cache miss and output, and requests, by day, model and API key",
    lacks="money: the cost export of the same archive has it",
)
