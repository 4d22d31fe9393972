"""What `doctor --overlap` says: which sources tell of the same calls, pair by pair, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import polars as pl

from tokenaudit.analysis.overlap import ASIDE, MONEY
from tokenaudit.render.document import Document
from tokenaudit.render.numbers import compact_tokens, money
from tokenaudit.reports.joined import untied_usage
from tokenaudit.reports.question import ask, overlap_of

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

    from tokenaudit.analysis.overlap import Joined, Overlap
    from tokenaudit.reports.question import Question
    from tokenaudit.store.store import Store

SCHEMA = "tokenaudit.overlap/1"
PAIR: dict[str, PolarsDataType] = {
    "decision": pl.String,
    "source": pl.String,
    "other_source": pl.String,
    "provider": pl.String,
    "accounts": pl.Int64,
    "billing_currency": pl.String,
    "tokens": pl.Int64,
    "amount": MONEY,
}
"""Columns of a row: `decision` is ``joined`` (`source` has its money from the bill `other_source`), ``set_aside``
(`other_source` tells it too) or ``untied`` (it may be of any of `accounts`)."""
NOTHING = "No two files tell of the same calls."


def overlap_report(store: Store, question: Question) -> Document:
    """Return what was decided in a period: rows for machines, and their sentences as the heading for people."""
    overlapping, joined = overlap_of(store, question), ask(store, question).joined
    head = {"period": question.period.echo()}
    if overlapping is None or joined is None:
        empty = pl.DataFrame(schema=PAIR)
        return Document(schema=SCHEMA, head=head, rows=empty, tail={"sources": []}, notes=None, heading=(NOTHING,))
    rows = pairs(joined)
    named = _named(rows)
    held = sorted(_with_rows(store) & overlapping.authority.keys())
    sources = [_source(name, overlapping, alone=name not in named) for name in held]
    lines = tuple(_lines(joined, rows, overlapping, held))
    return Document(schema=SCHEMA, head=head, rows=rows, tail={"sources": sources}, notes=None, heading=lines)


def _with_rows(store: Store) -> set[str]:
    """Return the sources of which rows are stored."""
    return set(store.usage().select(pl.col("source").cast(pl.String)).unique().collect(engine="streaming")["source"])


def pairs(joined: Joined) -> pl.DataFrame:
    """Return every decision as a row of `PAIR`; those of a kind together, the largest first."""
    paid = joined.paid.rename({"bill": "other_source"}).with_columns(decision=pl.lit("joined"))
    aside = joined.aside.select(*ASIDE).rename({"for_source": "other_source"})
    frames = (
        paid.sort("amount", "other_source", "source", descending=[True, False, False]),
        aside.sort("tokens", "source", "other_source", descending=[True, False, False]).with_columns(
            decision=pl.lit("set_aside")
        ),
        joined.untied.sort("tokens", "source", "provider", descending=[True, False, False]).with_columns(
            decision=pl.lit("untied")
        ),
    )
    empty = pl.DataFrame(schema=PAIR)
    return pl.concat([empty, *(frame.cast({"tokens": pl.Int64}) for frame in frames)], how="diagonal_relaxed").cast(
        pl.Schema(PAIR)
    )


def _named(rows: pl.DataFrame) -> set[str]:
    return {*rows["source"], *rows["other_source"].drop_nulls()}


def _source(name: str, overlapping: Overlap, *, alone: bool) -> dict[str, object]:
    restates = list(overlapping.restates.get(name, ()))
    return {"source": name, "authority": overlapping.authority[name], "restates": restates, "alone": alone}


def _lines(joined: Joined, rows: pl.DataFrame, overlapping: Overlap, held: list[str]) -> Iterator[str]:
    found = [*map(_said, rows.filter(pl.col("decision") != "untied").iter_rows(named=True))]
    yield from found or ["No call was found in two files."]
    usage = untied_usage(joined)
    for source, provider, accounts, tokens in usage.sort("tokens", "source", descending=[True, False]).iter_rows():
        whose = f"may be of any of {accounts} accounts of {provider}"
        yield f"Not tied to a bill: {compact_tokens(tokens)} tokens of {source} {whose}."
    for name in held:
        others = sorted(set(overlapping.restates.get(name, ())) & set(held))
        if others:
            yield f"Restated: {name} gives way to {', '.join(others)} where both tell of the same."
    alone = [name for name in held if name not in _named(rows)]
    if alone:
        yield f"Alone: no other file tells of the calls in {', '.join(alone)}."
    yield from hints(joined)


def _said(row: dict[str, Any]) -> str:
    """Return the sentence of one pair."""
    source, other, tokens, amount = row["source"], row["other_source"], row["tokens"], row["amount"]
    if row["decision"] == "joined":
        paid = money(amount, row["billing_currency"])
        return f"Joined: {paid} of {other} is spread over {compact_tokens(tokens)} tokens of {source} by list cost."
    what = f"{compact_tokens(tokens)} tokens" if tokens else f"{money(amount, row['billing_currency'])} billed"
    return f"Counted once: {what} of {source} are told by {other} too and set aside."


def hints(joined: Joined) -> Iterator[str]:
    """Yield what a reader can do about what is untied and what was set aside."""
    usage = untied_usage(joined)
    if usage.height:
        name = usage.sort("tokens", "source", descending=[True, False])["source"][0]
        yield f'hint: name the account in the configuration: [[account]] with source = "{name}" and account = "..."'
    if joined.aside.height:
        name = joined.aside.sort("tokens", "source", descending=[True, False])["source"][0]
        yield f"hint: `tokenaudit report --keep {name}` counts what was set aside of it too"
