"""From a section's frame to the words and figures people read, for the table and for Markdown.

A column is worded as a whole: its money is apportioned, so that the printed parts add up to the printed total.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from tokenaudit.render import numbers

if TYPE_CHECKING:
    import polars as pl

    from tokenaudit.render.document import Kind, Section, Shown

UNATTRIBUTED = "(unattributed)"

BAR = 10
"""Cells of the longest bar."""

EIGHTHS = " ▏▎▍▌▋▊▉"

UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, also those that turn the direction of writing: a name must not steer a terminal."""


class Cells(NamedTuple):
    """A column in words: its rows, and then its total rows."""

    shown: Shown
    rows: list[str]
    totals: list[str]


class Grid(NamedTuple):
    """A section in words."""

    title: str
    columns: tuple[Cells, ...]

    @property
    def height(self) -> int:
        """Return the number of rows, totals not counted."""
        return len(self.columns[0].rows)


class Values(NamedTuple):
    """The values of a column: its `height` rows, then its total rows."""

    now: Sequence[Any]
    before: Sequence[Any]
    currencies: Sequence[str]
    height: int


def grid(section: Section) -> Grid:
    """Return the section in words. Raises polars' ColumnNotFoundError for a column its frame lacks."""
    columns = tuple(_column(section, shown) for shown in section.columns)
    return Grid(section.title, (_labelled(columns[0]), *columns[1:]))


def clean(text: str) -> str:
    """Return `text` without characters that would steer a terminal."""
    return text if text.isprintable() else UNPRINTABLE.sub("\ufffd", text)


def _column(section: Section, shown: Shown) -> Cells:
    values = _values(section, shown)
    words = [_missing(shown) if word is None else word for word in WORDINGS[shown.kind](values)]
    totals = ["" if value is None else word for value, word in zip(values.now, words, strict=True)]
    return Cells(shown, words[: values.height], totals[values.height :])


def _labelled(first: Cells) -> Cells:
    return first._replace(totals=[label or "total" for label in first.totals])


def _missing(shown: Shown) -> str:
    if shown.missing is not None:
        return shown.missing
    return UNATTRIBUTED if shown.kind == "text" else ""


def _values(section: Section, shown: Shown) -> Values:
    now = _both(section, shown.name)
    before = _both(section, shown.against) if shown.against else [None] * len(now)
    return Values(now, before, _currencies(section, len(now)), section.frame.height)


def _currencies(section: Section, height: int) -> list[str]:
    """Return the currency of each row and total row; a total that names none is in the only one of the rows."""
    if "billing_currency" not in section.frame.columns:
        return [section.currency] * height
    named = _both(section, "billing_currency")
    known = set(named) - {None}
    usual = known.pop() if len(known) == 1 else section.currency
    return [currency or usual for currency in named]


def _both(section: Section, name: str) -> list[Any]:
    return [*section.frame.get_column(name).to_list(), *_total_values(section.total, name)]


def _total_values(total: pl.DataFrame | None, name: str) -> list[Any]:
    if total is None:
        return []
    return total.get_column(name).to_list() if name in total.columns else [None] * total.height


# -- one wording for each kind: from the values of a column to its words, None where there is no value

Words = Iterable[str | None]
Wording = Callable[[Values], Words]


def _each(word: Callable[[Any], str]) -> Wording:
    return lambda values: [None if value is None else word(value) for value in values.now]


def _name(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else clean(str(value))


def _money(values: Values) -> Words:
    digits = numbers.decimals(values.now)
    printed = _apportioned(values, values.now, digits)
    return [
        None if amount is None else numbers.money(amount, currency, digits)
        for amount, currency in zip(printed, values.currencies, strict=True)
    ]


def _exact(values: Values) -> Words:
    return [
        None if amount is None else numbers.exact_money(amount, currency)
        for amount, currency in zip(values.now, values.currencies, strict=True)
    ]


def _rough(values: Values) -> Words:
    pairs = zip(values.now, values.currencies, strict=True)
    return [None if amount is None else numbers.rough(amount, currency) for amount, currency in pairs]


def _differences(values: Values) -> Words:
    deltas = [_minus(now, before) for now, before in zip(values.now, values.before, strict=True)]
    digits = numbers.difference_decimals(deltas)
    printed = _apportioned(values, deltas, digits)
    return [
        None if delta is None else numbers.appearance(now, before) or numbers.signed_money(delta, currency, digits)
        for delta, now, before, currency in zip(printed, values.now, values.before, values.currencies, strict=True)
    ]


def _changes(values: Values) -> Words:
    pairs = zip(values.now, values.before, strict=True)
    return [None if now is None or before is None else numbers.change(now, before) for now, before in pairs]


def _minus(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    return None if now is None or before is None else numbers.EXACT.subtract(now, before)


def _apportioned(values: Values, amounts: Sequence[Decimal | None], digits: int) -> list[Decimal | None]:
    """Return the amounts with the rows rounded so that, in each currency, they add up to the total."""
    printed = list(amounts)
    for currency in dict.fromkeys(values.currencies[: values.height]):
        places = [place for place in range(values.height) if values.currencies[place] == currency]
        parts = numbers.apportion([amounts[place] for place in places], digits)
        for place, part in zip(places, parts, strict=True):
            printed[place] = part
    return printed


def _percents(values: Values) -> Words:
    return [None if ratio is None else numbers.percent(ratio) for ratio in map(_ratio, values.now)]


def _ratio(value: Decimal | float | None) -> Decimal | None:
    """Return the ratio as Decimal; one of nothing to nothing (NaN) is not known."""
    ratio = None if value is None else Decimal(str(value))
    return ratio if ratio is not None and ratio.is_finite() else None


def _bars(values: Values) -> Words:
    ratios = [_ratio(value) for value in values.now[: values.height]]
    largest = max((ratio for ratio in ratios if ratio is not None), default=Decimal(0))
    bars = [_bar(numbers.EXACT.divide(ratio, largest)) if ratio and ratio > 0 else None for ratio in ratios]
    return [*bars, *[None] * (len(values.now) - values.height)]


def _bar(ratio: Decimal) -> str:
    whole, part = divmod(int(ratio * BAR * 8), 8)
    return ("█" * whole + EIGHTHS[part]).strip() or EIGHTHS[1]


WORDINGS: dict[Kind, Wording] = {
    "text": _each(_name),
    "words": _each(_name),
    "figure": _each(_name),
    "money": _money,
    "exact": _exact,
    "tokens": _each(numbers.compact_tokens),
    "count": _each(numbers.count),
    "share": _percents,
    "percent": _percents,
    "change": _changes,
    "difference": _differences,
    "bar": _bars,
    "rough": _rough,
}
