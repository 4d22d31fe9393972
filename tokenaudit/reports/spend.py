"""The spend report: one cube, laid out for machines as rows and for people as a breakdown a dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from tokenaudit.analysis.breakdown import Breakdown, breakdown, fold
from tokenaudit.analysis.compare import compare, compare_totals
from tokenaudit.analysis.measures import ratio
from tokenaudit.analysis.sight import shown
from tokenaudit.conditions import DIRECT, UNALLOCATED
from tokenaudit.periods import previous
from tokenaudit.prices.book import load_book
from tokenaudit.render.document import Document, Section, Shown
from tokenaudit.render.numbers import change, compact_tokens, count, money
from tokenaudit.reports.notes import notes_of
from tokenaudit.reports.question import Answer, Question, ask, no_data
from tokenaudit.schema import ORG_DIMENSIONS

if TYPE_CHECKING:
    from tokenaudit.store.store import Store

SCHEMA = "tokenaudit.report/1"
SPEND_TITLES = {
    "effective_cost": "spend",
    "list_cost": "list cost",
    "billed_cost": "billed",
    "contracted_cost": "contracted",
}
MISSING = {**dict.fromkeys(ORG_DIMENSIONS, UNALLOCATED), "allocation": DIRECT}
"""What tables show for what the org map does not know."""
PEOPLE_ROWS = 10
"""Rows a table shows before it folds the rest, where no limit is given."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a report is laid out."""

    separate: bool = False
    """One table for each dimension (for people), instead of one for their combinations."""
    limit: int | None = None
    """Rows to show; 0 for all, None for as many as the format shows by itself."""
    people: bool = True
    """Somebody reads it: the period before is asked for too."""
    notes: Sequence[str] = field(default_factory=tuple)
    """Remarks to begin with."""


def spend_report(store: Store, question: Question, layout: Layout) -> Document:
    """Return the report that answers a question. NoDataError where there is nothing to report."""
    answer = ask(store, question)
    if answer.cube.is_empty():
        raise no_data(store, question, answer)
    found = breakdown(answer.cube, shown(question.by), cost=question.cost)
    notes = (*layout.notes, *notes_of(found, answer, question, store.catalog.rejects()))
    document = Document(
        schema=SCHEMA,
        head={"period": question.period.echo()},
        rows=found.rows.head(layout.limit) if layout.limit else found.rows,
        tail={"totals": _one(found.totals), **_by_currency(found)},
        notes=notes,
    )
    return _for_people(store, question, layout, answer, document) if layout.people else document


def _one(frame: pl.DataFrame) -> Mapping[str, Any]:
    return frame.row(0, named=True)


def _by_currency(found: Breakdown) -> dict[str, Any]:
    return {"totals_by_currency": found.totals_by_currency.to_dicts()} if found.totals_by_currency.height > 1 else {}


def _for_people(store: Store, question: Question, layout: Layout, answer: Answer, document: Document) -> Document:
    before = _before(store, question)
    groups = [(name,) for name in question.by] if layout.separate else [question.by]
    sections = tuple(
        section(breakdown(answer.cube, by, cost=question.cost), _lay(before, by, question.cost), layout.limit)
        for by in groups
    )
    whole, whole_before = breakdown(answer.cube, (), cost=question.cost), _lay(before, (), question.cost)
    heading = (_title(store, question, whole), "", *_totals(whole, whole_before, question))
    return replace(document, heading=heading, sections=sections, footer=())


def _before(store: Store, question: Question) -> pl.DataFrame | None:
    """Return the cube of the period before, None where there is no such period or nothing in it."""
    earlier = previous(question.period)
    if earlier is None:
        return None
    cube = ask(store, replace(question, period=earlier)).cube
    return None if cube.is_empty() else cube


def _lay(cube: pl.DataFrame | None, by: tuple[str, ...], cost: str) -> Breakdown | None:
    return None if cube is None else breakdown(cube, by, cost=cost)


def section(found: Breakdown, before: Breakdown | None, limit: int | None) -> Section:
    """Return one breakdown as people see it: spend, share, change on the period before, tokens, cache hits."""
    rows = compare(found, before)
    most = PEOPLE_ROWS if limit is None else limit or rows.height
    folded = fold(rows, found.by, most) if found.by else rows
    input_tokens, cached = pl.col("input_tokens"), pl.col("cache_read_input_tokens")
    frame = folded.with_columns(cache=ratio(cached, input_tokens))
    total = compare_totals(found, before).with_columns(cache=ratio(cached, input_tokens))
    return Section(_by_title(found.by), frame, _columns(found, before), total)


def _by_title(by: tuple[str, ...]) -> str:
    return f"By {', '.join(name.replace('_', ' ') for name in by)}"


def _columns(found: Breakdown, before: Breakdown | None) -> tuple[Shown, ...]:
    titles = [(name, "" if len(found.by) == 1 else name.replace("_", " ")) for name in found.by]
    names = [Shown(name, title, missing=MISSING.get(name)) for name, title in titles]
    changes = [Shown(found.cost, "change", "difference", 3, against="previous")] if before is not None else []
    return (
        *names,
        Shown(found.cost, SPEND_TITLES[found.cost], "money", missing="see notes"),
        Shown("share", "share", "share", 2),
        *changes,
        Shown("total_tokens", "tokens", "tokens", 1),
        Shown("requests", "requests", "count", 5),
        Shown("cache", "cache", "percent", 4),
    )


def _title(store: Store, question: Question, whole: Breakdown) -> str:
    period = question.period
    sources = len(store.catalog.sources())
    to = _instant(whole.facts.data_to)
    counted = f"{sources} source{'s' if sources != 1 else ''}"
    return f"{period.name[0].upper()}{period.name[1:]}, {period.timezone}\tprice book {load_book().date}, {counted}{to}"


def _instant(instant: datetime | None) -> str:
    return "" if instant is None else f", data to {instant.day} {instant:%b %Y %H:%M}"


def _totals(whole: Breakdown, before: Breakdown | None, question: Question) -> tuple[str, ...]:
    lines = []
    for row in compare_totals(whole, before).iter_rows(named=True):
        spend, earlier = row[whole.cost], row["previous"]
        parts = ["unpriced" if spend is None else money(spend, row["billing_currency"])]
        if spend is not None and earlier:
            on = "on" if spend else "since"
            parts.append(
                f"{change(spend, earlier)} {on} {_earlier_name(question)} ({money(earlier, row['billing_currency'])})"
            )
        parts += [f"{compact_tokens(row['total_tokens'])} tokens", f"{count(row['requests'])} requests"]
        users = (whole.facts.users or {}).get(row["billing_currency"])
        parts += [f"{users} user{'s' if users != 1 else ''}"] if users else []
        lines.append("  " + "   ".join(parts))
    return tuple(lines)


def _earlier_name(question: Question) -> str:
    earlier = previous(question.period)
    return earlier.name if earlier else ""
