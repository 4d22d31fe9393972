"""Give each row of a table its `response_id`: the hash of its identity, or of all its values and its occurrence."""

from __future__ import annotations

from itertools import chain

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
        self.seen = pl.DataFrame(schema={"key": pl.Int64, "times": pl.UInt32})

    def number(self, keys: pl.Series) -> pl.Series:
        """Return how often each key has stood before, in this batch and the ones before it."""
        here = keys.alias("key").to_frame().with_columns(number=_numbered(keys))
        counted = here.group_by("key").agg(times=pl.len())
        again = self.seen.join(counted, on="key", how="semi").group_by("key").agg(pl.col("times").sum())
        self.seen = pl.concat([self.seen, counted], rechunk=False)
        if again.is_empty():
            return here["number"]
        joined = here.join(again, on="key", how="left", maintain_order="left")
        return joined["number"] + joined["times"].fill_null(0).cast(pl.Int64)


def _numbered(keys: pl.Series) -> pl.Series:
    """Return how often each key has stood before in the series."""
    if keys.n_unique() == len(keys):
        return pl.zeros(len(keys), pl.Int64, eager=True)
    return keys.to_frame("key").select(pl.int_range(pl.len(), dtype=pl.Int64).over("key")).to_series()


class Seen:
    """Keeps the first row of each `response_id` of one file, batch after batch."""

    def __init__(self) -> None:
        """Start with no row seen."""
        self.ids = pl.DataFrame(schema={"response_id": pl.Int64})

    def first(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows whose identity has not stood before, in this batch and the ones before it."""
        fresh = rows.unique("response_id", keep="first", maintain_order=True)
        fresh = fresh.join(self.ids, on="response_id", how="anti", maintain_order="left")
        self.ids = pl.concat([self.ids, fresh.select("response_id")], rechunk=False)
        return fresh


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
    parts = (_value(column, everywhere=rows[column.name].null_count() == 0) for column in telling)
    return pl.concat_str(chain.from_iterable(parts), ignore_nulls=True)


def _value(column: schema.Column, *, everywhere: bool) -> list[pl.Expr]:
    """Return the parts of a value's text; `everywhere` means that no row lacks one."""
    value = pl.col(column.name)
    parts = [pl.lit(f"\x1f{column.name}="), _text(value, column.dtype)]
    usual = USUAL.get(column.name)
    if usual is not None:
        return [pl.when(value != usual).then(pl.concat_str(parts))]
    return parts if everywhere else [pl.concat_str(parts)]


def _text(value: pl.Expr, dtype: str) -> pl.Expr:
    if dtype == "Datetime":
        return microseconds(value)
    return (value.to_physical() if dtype == "Decimal" else value).cast(pl.String)


def count_nameless(source: str, rows: pl.DataFrame) -> int:
    """Return how many stored rows of a source have no identity but all their values and their occurrence."""
    if rows.is_empty():
        return 0
    ids = _by_values(source, rows, Occurrences())
    return int(rows["response_id"].is_in(ids.implode()).sum())
