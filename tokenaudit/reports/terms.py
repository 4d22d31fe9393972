"""What agreements, prices of one's own and exchange rates add to a report: its notes, and keys of its JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tokenaudit.analysis.measures import has_markup
from tokenaudit.periods import today
from tokenaudit.reports.agreement_notes import (
    exchange_notes,
    exchange_rates,
    markup_note,
    outcomes,
    own_price_notes,
    sentences,
)
from tokenaudit.reports.notes import Said
from tokenaudit.reports.question import Answer, Question, book_of, reach
from tokenaudit.terms.records import Terms

if TYPE_CHECKING:
    from tokenaudit.store.store import Store


def said_of(store: Store, question: Question, answer: Answer) -> Said:
    """Return what is to be said of the terms of a question's configuration."""
    terms: Terms = question.config.terms or Terms()
    found = (
        [] if answer.dated is None else outcomes(answer.dated, terms, question.as_of or today(question.period.timezone))
    )
    rates = exchange_rates(answer.dated.rates) if answer.dated is not None and question.currency else []
    notes = (
        *sentences(found),
        *_markup(answer),
        *own_price_notes(reach(store, question, None).usage, book_of(question.config), terms),
        *exchange_notes(rates, question.currency or ""),
    )
    agreements = {"agreements": found} if terms.agreements else {}
    return Said(notes, agreements | ({"exchange_rates": rates} if question.currency else {}))


def _markup(answer: Answer) -> Iterator[str]:
    if has_markup(answer.cube):
        sums = answer.cube.select("billing_currency", "markup").group_by("billing_currency").sum()
        yield from markup_note(
            {str(code): amount for code, amount in sums.sort("billing_currency").iter_rows() if amount}
        )
