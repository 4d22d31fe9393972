"""The spend report: one cube, laid out for machines as rows and for people as a breakdown a dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from tokenaudit.analysis.breakdown import Breakdown, breakdown, fold
from tokenaudit.analysis.compare import compare, compare_totals
from tokenaudit.analysis.measures import has_markup, ratio, with_markup
from tokenaudit.analysis.sight import shown
from tokenaudit.conditions import DIRECT, UNALLOCATED
from tokenaudit.periods import previous
from tokenaudit.prices.book import load_book
from tokenaudit.render.document import Document, Section, Shown
from tokenaudit.render.numbers import change, compact_tokens, count, money
from tokenaudit.reports.notes import Said, notes_of
from tokenaudit.reports.question import Answer, Question, ask, no_data
from tokenaudit.reports.rejected import rejects_of
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
        raise no_data(store, question, answer.left_out)
    found = breakdown(answer.cube, shown(question.by), cost=question.cost)
    more = _of_terms(store, question, answer)
    rejects = rejects_of(store.catalog, question.conditions)
    notes = (*layout.notes, *notes_of(found, answer, question, rejects), *more.notes)
    rows = with_markup(found.rows, answer.cube, shown(question.by))
    document = Document(
        schema=SCHEMA,
        head={"period": question.period.echo()},
        rows=rows.head(layout.limit) if layout.limit else rows,
        tail={
            "totals": _one(with_markup(found.totals, answer.cube, ())),
            **_by_currency(found),
            **_doubts(found),
            **more.tail,
        },
        notes=notes,
    )
    return _for_people(store, question, layout, found, document) if layout.people else document


def _of_terms(store: Store, question: Question, answer: Answer) -> Said:
    """Return what is to be said of agreements and exchange rates: nothing, and nothing loaded, where there are none."""
    if question.config.terms is None and question.currency is None:
        return Said()
    from tokenaudit.reports.terms import said_of

    return said_of(store, question, answer)


def _one(frame: pl.DataFrame) -> Mapping[str, Any]:
    return frame.row(0, named=True)


def _by_currency(found: Breakdown) -> dict[str, Any]:
    return {"totals_by_currency": found.totals_by_currency.to_dicts()} if found.totals_by_currency.height > 1 else {}


def _doubts(found: Breakdown) -> dict[str, Any]:
    """Return what has no price and why, and what may have cost more: empty lists where there is no such thing."""
    unpriced = found.facts.unpriced.select("reason", "request_model", "requests", "tokens")
    return {"unpriced": unpriced.to_dicts(), "tier_unknown": found.facts.tier_unknown.to_dicts()}


def _for_people(store: Store, question: Question, layout: Layout, found: Breakdown, document: Document) -> Document:
    before = _before(store, question)
    groups = [(name,) for name in question.by] if layout.separate else [question.by]
    sections = tuple(
        section(found.by_others(by), before.by_others(by) if before else None, layout.limit) for by in groups
    )
    heading = (_title(store, question, found), "", *_totals(found, before, question))
    return replace(document, heading=heading, sections=sections, footer=())


def _before(store: Store, question: Question) -> Breakdown | None:
    """Return what the period before held, None where there is no such period or nothing in it."""
    earlier = previous(question.period)
    if earlier is None:
        return None
    cube = ask(store, replace(question, period=earlier)).cube
    return None if cube.is_empty() else breakdown(cube, (), cost=question.cost)


def section(found: Breakdown, before: Breakdown | None, limit: int | None) -> Section:
    """Return one breakdown as people see it: spend, share, change on the period before, tokens, cache hits."""
    rows = with_markup(compare(found, before), found.cube, found.by)
    most = PEOPLE_ROWS if limit is None else limit or rows.height
    folded = fold(rows, found.by, most) if found.by else rows
    input_tokens, cached = pl.col("input_tokens"), pl.col("cache_read_input_tokens")
    frame = folded.with_columns(cache=ratio(cached, input_tokens))
    totals = with_markup(compare_totals(found, before), found.cube, ("billing_currency",))
    total = totals.with_columns(cache=ratio(cached, input_tokens))
    return Section(_by_title(found.by), frame, _columns(found, before), total)


def _by_title(by: tuple[str, ...]) -> str:
    return f"By {', '.join(name.replace('_', ' ') for name in by)}"


def _columns(found: Breakdown, before: Breakdown | None) -> tuple[Shown, ...]:
    titles = [(name, "" if len(found.by) == 1 else name.replace("_", " ")) for name in found.by]
    names = [Shown(name, title, missing=MISSING.get(name)) for name, title in titles]
    changes = [Shown(found.cost, "change", "difference", 3, against="previous")] if before is not None else []
    markup = [Shown("markup", "markup", "money", 6)] if has_markup(found.cube) else []
    return (
        *names,
        Shown(found.cost, SPEND_TITLES[found.cost], "money", missing="see notes"),
        Shown("share", "share", "share", 2),
        *changes,
        *markup,
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
