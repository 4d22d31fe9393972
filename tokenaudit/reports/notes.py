"""The sentences under a report: what was billed, what was computed, what is missing, and how certain it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.analysis.breakdown import Breakdown
from tokenaudit.render.numbers import compact_tokens, money, percent, plural
from tokenaudit.reports.joined import sentences
from tokenaudit.reports.shared import org_sentences

if TYPE_CHECKING:
    from tokenaudit.reports.question import Answer, Question
    from tokenaudit.store.catalog import RejectEntry

BASES = {
    "billed": "billed by providers",
    "contract": "computed from contracts",
    "list": "computed from list prices",
    "estimated": "computed from an assumed price",
}
NAMES = 5
"""Names that a note lists before it only counts."""


def notes_of(found: Breakdown, answer: Answer, question: Question, rejects: Sequence[RejectEntry]) -> tuple[str, ...]:
    """Return every note that a reader of these figures needs, the plainest first."""
    return (
        *_counted(found),
        *_covered(found),
        *_unpriced(found),
        *_estimated(found),
        *sentences(answer.joined),
        *org_sentences(found, question),
        *_utc_dates(found, question),
        *_left_out(answer, question),
        *_rejected(rejects),
    )


def _counted(found: Breakdown) -> Iterator[str]:
    for (currency,), rows in found.facts.by_basis.group_by("billing_currency", maintain_order=True):
        parts = [
            f"{BASES[basis]} {percent(share)}"
            for basis, share in rows.select("cost_basis", "share").iter_rows()
            if basis in BASES and share
        ]
        if parts:
            in_currency = "" if found.totals_by_currency.height == 1 else f" in {currency}"
            yield f"Counted{in_currency}: {', '.join(parts)}."


def _covered(found: Breakdown) -> Iterator[str]:
    included = found.facts.by_basis.filter(pl.col("cost_basis") == "included")
    for currency, nominal, requests in included.select("billing_currency", "list_cost", "requests").iter_rows():
        worth = f", {money(nominal, currency)} at list prices" if nominal else ""
        yield f"Covered by plans: {plural(requests, 'request')}{worth}, not in the spend."


def _unpriced(found: Breakdown) -> Iterator[str]:
    unpriced = found.facts.unpriced
    if unpriced.is_empty():
        return
    share = unpriced["share"].sum()
    names = ", ".join(str(name) for name in unpriced["request_model"].fill_null("(no model)")[:NAMES])
    more = f" and {unpriced.height - NAMES} more" if unpriced.height > NAMES else ""
    requests, tokens = plural(int(unpriced["requests"].sum()), "request"), compact_tokens(int(unpriced["tokens"].sum()))
    part = f" ({percent(share)} of tokens)" if isinstance(share, Decimal) and share else ""
    yield f"Unpriced: {requests}, {tokens} tokens{part}, not in the spend: {names}{more}."


def _estimated(found: Breakdown) -> Iterator[str]:
    row = found.facts.estimated_share.row(0, named=True)
    missing = row["estimated_output_tokens"] - row["output_tokens"]
    if missing <= 0:
        return
    likely = [
        f"likely {money(total['estimated_cost'], total['billing_currency'])}"
        for total in found.totals_by_currency.iter_rows(named=True)
        if total["estimated_cost"] is not None and total["estimated_cost"] != total["effective_cost"]
    ]
    spend = f"; the spend is at least what is shown, {', '.join(likely)}" if likely else ""
    yield f"Some logs hold placeholders for output: about {compact_tokens(missing)} tokens were never recorded{spend}."


def _utc_dates(found: Breakdown, question: Question) -> Iterator[str]:
    if found.facts.utc_dates and question.period.timezone != "UTC":
        yield "Rows of a day or coarser keep the provider's UTC dates in every time zone."


def _left_out(answer: Answer, question: Question) -> Iterator[str]:
    for source, currency, rows, tokens, billed in answer.left_out.iter_rows():
        amount = f", {money(billed, currency or 'USD')}" if billed else ""
        yield (
            f"Left out: {plural(rows, 'row')} of {source} reach beyond {question.period.name} and cannot be cut "
            f"({compact_tokens(tokens)} tokens{amount})."
        )


def _rejected(rejects: Sequence[RejectEntry]) -> Iterator[str]:
    if rejects:
        path, line, _, reason = rejects[0]
        yield f"Rejected: {plural(len(rejects), 'line')} could not be read, such as {path}:{line} ({reason})."
