"""What was decided about calls that several sources tell of, in sentences for the foot of a report."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.render.numbers import compact_tokens, money
from tokenaudit.sources import named

if TYPE_CHECKING:
    from tokenaudit.analysis.overlap import Joined

SENTENCES = 5
"""Sentences of each kind before the rest is only counted."""
SOURCES = 5
"""Sources that a sentence names before the rest is only counted."""
MORE = "see `tokenaudit doctor --overlap`"


def sentences(joined: Joined | None, most: int | None = SENTENCES) -> Iterator[str]:
    """Yield whose money counts, what was set aside, and what is tied to no account; the largest of each kind first.

    Of each kind at most `most` sentences, or all of them.
    """
    if joined is not None:
        yield from _first(_paid(joined), "Joined", most)
        yield from _first(_aside(joined), "Counted once", most)
        yield from _first(_untied(joined), "Not tied to a bill", most)


def untied_usage(joined: Joined) -> pl.DataFrame:
    """Return the rows of `untied` that a bill could pay for: those with tokens, of sources that are no bills."""
    found = joined.untied.filter(pl.col("tokens") > 0)
    bills = [name for name, source in named(found["source"]).items() if source.authority == "bill"]
    return found.filter(~pl.col("source").is_in(bills))


def _first(found: Iterator[str], kind: str, most: int | None) -> Iterator[str]:
    """Yield the first sentences, and how many more there are."""
    yield from islice(found, most)
    rest = sum(1 for _ in found)
    if rest:
        yield f"{kind}: and {rest} more, {MORE}."


def _paid(joined: Joined) -> Iterator[str]:
    keys = ("bill", "billing_currency")
    for (bill, currency), rows in _grouped(joined.paid, keys, "amount"):
        whole = money(rows.select(pl.col("amount").sum()).item(), str(currency))
        yield f"Joined: {whole} of {bill} is spread over {_tokens(rows, 'source')} by list cost."


def _aside(joined: Joined) -> Iterator[str]:
    for (source,), rows in _grouped(joined.aside.filter(pl.col("tokens") > 0), ("source",), "tokens"):
        others, tokens = ", ".join(rows["for_source"]), compact_tokens(int(rows["tokens"].sum()))
        yield (
            f"Counted once: {tokens} tokens of {source} are told by {others} too and set aside (--keep {source} counts "
            "both)."
        )
    for source, other, currency, _, amount in joined.aside.filter(pl.col("tokens") == 0).iter_rows():
        yield (
            f"Counted once: {money(amount, currency)} billed by {source} is told by {other} too and set aside (--keep "
            f"{source} counts both)."
        )


def _untied(joined: Joined) -> Iterator[str]:
    for (provider, accounts), rows in _grouped(untied_usage(joined), ("provider", "accounts"), "tokens"):
        yield (
            f"Not tied to a bill: {_tokens(rows, 'source')} may be of any of {accounts} accounts of {provider}. "
            "Name it in the configuration: [[account]]."
        )


def _grouped(frame: pl.DataFrame, keys: tuple[str, ...], by: str) -> list[tuple[tuple[object, ...], pl.DataFrame]]:
    """Return the rows of each key, those with the largest sum of `by` first; within a key the largest row first."""
    ordered = frame.with_columns(whole=pl.col(by).sum().over(keys)).sort(
        "whole", *keys, by, descending=[True, *(False for _ in keys), True], maintain_order=True
    )
    return list(ordered.group_by(keys, maintain_order=True))


def _tokens(rows: pl.DataFrame, name: str) -> str:
    """Return ``12 M tokens of codex, 3 K of pi``, the rest of many together: ``1 K of 4 other sources``."""
    known = rows.select(name, "tokens").rows()
    rest = known[SOURCES:] if len(known) > SOURCES + 1 else []
    told = known[: len(known) - len(rest)]
    told += [(f"{len(rest)} other sources", sum(tokens for _, tokens in rest))] if rest else []
    words = (" tokens", *("" for _ in told))
    return ", ".join(f"{compact_tokens(n)}{word} of {who}" for (who, n), word in zip(told, words, strict=False))
