"""Canonical usage rows: CSV, JSON or Parquet with the names of the usage table, so that any exporter can feed us.

JSON is an object a line, or an array of objects.

Required are `charge_period_start` (ISO 8601 with an offset or ``Z``), `request_model`, and one of a token class,
`requests` or `billed_cost`. What is absent: counts 0; `requests` 1 for a row of granularity ``request``, else 0;
`charge_period_end` the start; `provider` from the model's name; `billing_currency` USD; dimensions null.

`input_tokens` is all input: alone it counts as uncached, beside input classes it must be their sum. A row with
`billed_cost` has the cost basis ``billed`` unless it says ``included``. `tags` is a JSON object of strings. A column
that is none of these is refused: a misspelt token class must not vanish.

Rows with the same `response_id` are one (the maximum of each count). Without one the identity is all values and the
occurrence number among equal rows of the file: equal lines of a file all count, reading again adds nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenaudit import schema
from tokenaudit.sources.source import Kind, Table

if TYPE_CHECKING:
    import polars as pl

REQUIRED = frozenset({"charge_period_start", "request_model"})
AMOUNTS = (*schema.TOKEN_CLASSES, "input_tokens", "requests", "billed_cost")
"""A row needs one of these."""
OURS = ("source", "file_id", "line", "output_parts", "finalized", "origin_rank", "merged", "blank")
"""Columns of the usage table that only tokenaudit itself writes."""
KINDS: dict[str, Kind] = {
    "Int64": "integer", "Categorical": "text", "Datetime": "zoned", "Decimal": "money", "Boolean": "flag",
}  # fmt: skip
COLUMNS: dict[str, Kind] = {
    **{column.name: KINDS[column.dtype] for column in schema.USAGE if column.name not in OURS},
    "response_id": "text",
    "input_tokens": "integer",
}
ALLOWED = {
    "granularity": schema.GRANULARITIES,
    "cost_basis": ("billed", "included"),
    "tokens_basis": ("reported", "estimated"),
}


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Fill in what the rows leave out, and name what is wrong with those that cannot be counted."""
    import polars as pl

    from tokenaudit.sources import expressions

    classes = pl.sum_horizontal(schema.INPUT_CLASSES)
    stated = pl.any_horizontal(pl.col(schema.INPUT_CLASSES).is_not_null())
    grain = pl.col("granularity").str.to_lowercase().fill_null("request")
    return (
        _with_provider(rows)
        .with_columns(
            uncached_input_tokens=pl.when(stated).then("uncached_input_tokens").otherwise("input_tokens"),
            requests=pl.col("requests").fill_null((grain == "request").cast(pl.Int64)),
            granularity=grain,
            cost_basis=pl.coalesce(
                pl.col("cost_basis").str.to_lowercase(),
                pl.when(pl.col("billed_cost").is_not_null()).then(pl.lit("billed")),
            ),
            billing_currency=pl.col("billing_currency").str.to_uppercase(),
            identity=pl.col("response_id"),
            reject=expressions.first_reason(_faults(classes, stated)),
        )
        .drop("response_id", "input_tokens")
    )


def _with_provider(rows: pl.LazyFrame) -> pl.LazyFrame:
    import polars as pl

    from tokenaudit.sources import expressions

    unnamed = rows.filter(pl.col("provider").is_null()).select("request_model").unique().collect()
    if unnamed.is_empty():
        return rows
    sellers = unnamed.lazy().select("request_model", seller=expressions.vendor(pl.col("request_model")))
    joined = rows.join(sellers, on="request_model", how="left", maintain_order="left")
    return joined.with_columns(provider=pl.coalesce("provider", "seller")).drop("seller")


def _faults(classes: pl.Expr, stated: pl.Expr) -> dict[str, pl.Expr]:
    """Return, by reason, the rows that cannot be counted."""
    import polars as pl

    from tokenaudit.sources import expressions

    return {
        "no charge_period_start": pl.col("charge_period_start").is_null(),
        "no request_model": pl.col("request_model").is_null(),
        "no token class, requests or billed_cost": pl.all_horizontal(pl.col(AMOUNTS).is_null()),
        "input_tokens is not the sum of the input classes": stated & (pl.col("input_tokens") != classes),
        "charge_period_end is before charge_period_start": pl.col("charge_period_end") < pl.col("charge_period_start"),
        "tags is not a JSON object of strings": ~expressions.is_tags(pl.col("tags")),
        **{
            f"{name} is none of {', '.join(values)}": ~pl.col(name).str.to_lowercase().is_in(values)
            for name, values in ALLOWED.items()
        },
    }


SOURCE = Table(
    name="usage",
    title="canonical usage rows",
    provider=None,
    merge="largest",
    authority="client",
    columns=COLUMNS,
    signatures=(REQUIRED,),
    usage=usage,
    strict=True,
    needs=frozenset(AMOUNTS),
    known="written by your own exporter: CSV, JSON or Parquet with the column names of the usage table",
    tells="whatever your exporter knows, in the columns of the usage table",
    lacks="nothing that it does not write",
)
