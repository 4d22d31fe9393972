"""DeepSeek cost export (`cost-*.csv` of `usage_data_*.zip`): what was taken from the balance, by day and model.

Headers read: `utc_date` (until August 2026) and `start_time_iso` with `end_time_iso` (since), as in the usage export of
the same archive. `cost` is exact decimal text in `currency` (CNY or USD), which becomes the billing currency.

Money. What a ``Paid`` wallet pays is billed. What a ``Granted`` one pays was a gift: it is the list cost of a row that
is `included`. The rows carry no tokens, no requests and no API key.

What replaces what: as in the usage export, a day of an account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources._deepseek import COLUMNS as BUCKET_COLUMNS
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

COLUMNS: dict[str, Kind] = {**BUCKET_COLUMNS, "wallet_type": "text", "cost": "money", "currency": "text"}
GIFT = "grant"


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row of money for each line."""
    import polars as pl

    from tokenaudit.sources import _deepseek, expressions

    gift = pl.col("wallet_type").str.to_lowercase().str.contains(GIFT).fill_null(value=False)
    faults = {"cost is blank": pl.col("cost").is_null(), "currency is blank": pl.col("currency").is_null()}
    bucket = _deepseek.bucket()
    return rows.with_columns(
        **bucket | {"reject": pl.coalesce(bucket["reject"], expressions.first_reason(faults))},
        request_model=pl.col("model"),
        billed_cost=pl.when(~gift).then("cost"),
        list_cost=pl.when(gift).then("cost"),
        cost_basis=pl.when(gift).then(pl.lit("included")).otherwise(pl.lit("billed")),
        billing_currency=pl.col("currency").str.to_uppercase(),
        tags=expressions.tags({"wallet_type": pl.col("wallet_type")}),
    ).with_columns(identity=expressions.joined(_deepseek.IDENTITY))


SOURCE = Table(
    name="deepseek-cost",
    title="DeepSeek cost export",
    provider="deepseek",
    merge="newest",
    authority="bill",
    columns=COLUMNS,
    signatures=(frozenset({"wallet_type", "cost", "currency", "model"}),),
    usage=usage,
    known="platform.deepseek.com > Usage > Export: usage_data_<period>.zip, in it cost-<period>.csv",
    tells="what was paid by day, model and wallet, in yuan or dollars",
    lacks="tokens, requests and API keys",
)
