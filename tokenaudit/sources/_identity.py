"""Give each row of a table its `response_id`: the hash of its identity, or of all its values and its occurrence."""

from __future__ import annotations

import polars as pl

from tokenaudit import schema
from tokenaudit.sources.expressions import microseconds
from tokenaudit.sources.identity import hash_identities

PROVENANCE = (
    "response_id", "source", "file_id", "line", "origin_rank", "merged", "blank", "finalized", "output_parts",
)  # fmt: skip
VALUES = tuple(column for column in schema.USAGE if column.name not in PROVENANCE)
USUAL: dict[str, pl.Expr] = {
    **{name: pl.lit(0) for name in schema.COUNTS},
    "charge_period_end": pl.col("charge_period_start"),
    "estimated_output_tokens": pl.col("output_tokens"),
    "granularity": pl.lit("request"),
    "tokens_basis": pl.lit("reported"),
    "billing_currency": pl.lit("USD"),
}
"""Values that leave no trace in the text of a row, so that a column which a file lacks, or a later version adds,
changes nothing."""


class Occurrences:
    """Numbers equal rows of one file 0, 1, 2, ... in the order they come, batch after batch."""

    def __init__(self) -> None:
        """Start with no row seen."""
        self.seen: list[pl.DataFrame] = []

    def number(self, keys: pl.Series) -> pl.Series:
        """Return how often each key has stood before, in this batch and the ones before it."""
        here = keys.alias("key").to_frame().with_columns(n=pl.int_range(pl.len(), dtype=pl.Int64).over("key"))
        counted = here.group_by("key").agg(before=pl.len().cast(pl.Int64))
        again = [batch.join(counted, on="key", how="semi") for batch in self.seen]
        self.seen.append(counted)
        if not any(batch.height for batch in again):
            return here["n"]
        before = pl.concat(again).group_by("key").agg(pl.col("before").sum())
        joined = here.join(before, on="key", how="left", maintain_order="left")
        return joined["n"] + joined["before"].fill_null(0)


def identified(source: str, rows: pl.DataFrame, occurrences: Occurrences) -> pl.DataFrame:
    """Turn the text `identity` into `response_id`; where it is null, all values and the occurrence take its place."""
    hashes = hash_identities(source, rows["identity"])
    usage = rows.drop("identity")
    nameless = hashes.is_null()
    if nameless.any():
        hashes = hashes.scatter(nameless.arg_true(), _by_values(source, usage.filter(nameless), occurrences))
    return usage.with_columns(hashes.alias("response_id")).select(schema.NAMES)


def _by_values(source: str, rows: pl.DataFrame, occurrences: Occurrences) -> pl.Series:
    """Return the hash of each row's values; of an equal row that comes later, the hash of values and occurrence."""
    texts = rows.lazy().select(_all_values(rows)).collect().to_series()
    hashes = hash_identities(source, texts)
    number = occurrences.number(hashes)
    later = (number > 0).arg_true()
    if not len(later):
        return hashes
    numbered = pl.select(pl.format("{}\x1e{}", texts.gather(later), number.gather(later))).to_series()
    return hashes.scatter(later, hash_identities(source, numbered))


def _all_values(rows: pl.DataFrame) -> pl.Expr:
    """Return the text of every value that is not the usual one, each with its column's name."""
    telling = [column for column in VALUES if rows[column.name].null_count() < rows.height]
    return pl.concat_str([_value(column) for column in telling], ignore_nulls=True)


def _value(column: schema.Column) -> pl.Expr:
    value = pl.col(column.name)
    text = pl.concat_str(pl.lit(f"\x1f{column.name}="), _text(value, column.dtype))
    usual = USUAL.get(column.name)
    return text if usual is None else pl.when(value != usual).then(text)


def _text(value: pl.Expr, dtype: str) -> pl.Expr:
    if dtype == "Datetime":
        return microseconds(value)
    return (value.to_physical() if dtype == "Decimal" else value).cast(pl.String)
