"""Continue's development data (`tokensGenerated.jsonl`, schema 0.2.0): one JSON line for each answer or completion.

The counts are Continue's own, made with a tokenizer on the developer's machine: `estimated`. Cached input is not told
apart. There is no id: a row is named by all its values, so that a file that grew, or was read before, adds only what is
new. The older schema 0.1.0, written beside it, has the same events without a time and is not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit.sources._documents import flat
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

COUNTS = ("prompttokens", "generatedtokens")
INSTANTS = ("timestamp", "createdat")
COLUMNS: dict[str, Kind] = {
    **dict.fromkeys(INSTANTS, "instant"),
    **dict.fromkeys(("model", "provider", "userid", "selectedprofileid", "eventname", "schema"), "text"),
    **dict.fromkeys(COUNTS, "integer"),
}


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give one row for each answer."""
    import polars as pl

    from tokenaudit.sources import expressions

    start = pl.coalesce(*INSTANTS)
    return rows.with_columns(
        charge_period_start=start,
        user=pl.when(pl.col("userid") != "").then("userid"),
        workspace=pl.col("selectedprofileid"),
        request_model=pl.col("model"),
        uncached_input_tokens=expressions.number("prompttokens"),
        output_tokens=expressions.number("generatedtokens"),
        requests=pl.lit(1),
        tokens_basis=pl.lit("estimated"),
        reject=expressions.first_reason(
            {"no timestamp": start.is_null(), "no count of tokens": pl.all_horizontal(pl.col(COUNTS).is_null())}
        ),
    )


SOURCE = Table(
    name="continue-dev",
    title="Continue development data",
    provider=None,
    merge="largest",
    authority="client",
    columns=COLUMNS,
    signatures=tuple(frozenset({"model", "provider", *COUNTS, instant}) for instant in INSTANTS),
    usage=usage,
    records=flat,
    paths=("$CONTINUE_GLOBAL_DIR/dev_data/0.2.0", "~/.continue/dev_data/0.2.0"),
    known="~/.continue/dev_data/0.2.0/tokensGenerated.jsonl on each developer's machine",
    tells="estimated tokens by answer, model and provider",
    lacks="exact counts, cached input, the project, and money",
)
