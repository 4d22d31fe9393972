"""What does not fit in a store: flags of totals and keys, with the money, what carries it and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from tokenaudit.analysis.drivers import change
from tokenaudit.conditions import UNATTRIBUTED
from tokenaudit.forecast.detect import HISTORY, LOOK, Flag, carried, flags
from tokenaudit.forecast.panel import MONTH, Panel, window
from tokenaudit.render.document import Document
from tokenaudit.render.numbers import plural
from tokenaudit.reports.anomaly import COLUMNS, Anomaly
from tokenaudit.reports.anomaly_words import explained, sentence
from tokenaudit.reports.history import History, Key, Read, histories, name_of, read_days
from tokenaudit.reports.hourly import hour_flags
from tokenaudit.reports.question import Question
from tokenaudit.store import told

if TYPE_CHECKING:
    from tokenaudit.store.store import Store

SCHEMA = "tokenaudit.anomalies/1"
PARTS = ("user", "model", "project")
"""Dimensions that say what carries an excess."""
FLOOR, SHARE = 5.0, 0.01
"""What an excess must be worth: an amount, and a share of the last four weeks' spend, whichever is more."""
SHOWN = 10
MANY, CHANCE, DISCOVERIES = 200, 0.05, 0.2
"""From so many series on, flags are thinned so that at most this share of them is chance (Benjamini and Hochberg): a
score of s is taken to come by chance CHANCE ** s of the time."""
ERRATIC = 0.7
"""Typical weekly change, in logs, from which a cap serves better than statistics."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for."""

    groups: tuple[tuple[str, ...], ...]
    everything: bool = False
    """What was told in the days before is told again."""
    explain: bool = False
    limit: int | None = None
    excluded: tuple[tuple[date, date], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What was found: the document, and how many anomalies are in it."""

    document: Document
    count: int


def anomaly_report(store: Store, question: Question, as_of: date, clock: date, sought: Sought) -> Found:
    """Return what does not fit in the last days of a store. NoDataError where there is nothing to look at.

    What is told is written down in the store, so that it is muted for a week.
    """
    asked = replace(question, by=_names(sought.groups))
    read = read_days(store, asked, as_of, clock)
    found = [
        item
        for history in histories(read, sought.groups, question.cost, sought.excluded)
        for item in _flagged(history, read, question.cost)
    ]
    found += hour_flags(store, asked, read, as_of, sought.groups)
    ranked = sorted(found, key=lambda item: (-round(abs(item.excess)), item.by_any, item.name))
    known = told.load(store.folder)
    fresh = [item for item in ranked if sought.everything or not told.muted(known, item.name, read.last)]
    if not question.conditions:
        told.remember(store.folder, known, (item.name for item in fresh), read.last)
    return Found(_document(read, fresh, len(ranked) - len(fresh), sought), len(fresh))


def _names(groups: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([name for group in groups for name in group] + list(PARTS)))


def _flagged(history: History, read: Read, cost: str) -> Iterator[Anomaly]:
    """Yield the anomalies of one currency that are worth their money."""
    floor = max(FLOOR, SHARE * float(history.panel.recent(MONTH)[0]))
    rows = read.cube.filter(pl.col("billing_currency") == history.currency)
    all_flags = [flag for flag in thinned(flags(history.panel), len(history.panel.names)) if abs(flag.excess) >= floor]
    for flag in all_flags:
        yield _anomaly(history, flag, rows, cost)
    yield from _new(history, floor)


def thinned(found: Sequence[Flag], tested: int) -> list[Flag]:
    """Return flags without those that are likely chance where very many series were tested.

    >>> thinned([], 1000)
    []
    """
    ordered = sorted(found, key=lambda flag: -flag.score)
    if tested <= MANY:
        return ordered
    kept = [n for n, flag in enumerate(ordered, 1) if CHANCE**flag.score <= DISCOVERIES * n / tested]
    return ordered[: max(kept, default=0)]


def _anomaly(history: History, flag: Flag, rows: pl.DataFrame, cost: str) -> Anomaly:
    key, by = history.keys[flag.series], history.by[flag.series]
    panel = history.panel
    of_key = (
        rows.filter(pl.col(name).cast(pl.String).eq_missing(pl.lit(value)) for name, value in zip(by, key, strict=True))
        if by
        else rows
    )
    parts = {name: _carrier(of_key, name, history, flag, cost) for name in PARTS if name not in by}
    return Anomaly(
        dimension=",".join(by) or "total",
        key=_named(key),
        billing_currency=history.currency,
        date=panel.day(flag.column).isoformat(),
        kind=flag.kind,
        score=flag.score,
        days=flag.days,
        actual=flag.actual,
        expected=flag.expected,
        low=flag.low,
        high=flag.high,
        first=panel.day(flag.first).isoformat(),
        going=flag.column == panel.days - 1,
        because=None if flag.kind == "drop" else _because(of_key, panel, flag, cost),
        erratic=_erratic(panel, flag.series),
        **{f"by_{name}": value for name, value in parts.items()},
    )


def _named(key: Key) -> str | None:
    """Return a key as machines get it: null for the total, and for what is not attributed."""
    return None if all(value is None for value in key) else name_of(key)


def _carrier(rows: pl.DataFrame, name: str, history: History, flag: Flag, cost: str) -> str | None:
    """Return the value of a dimension that carries most of an excess, or that is missing most from a drop."""
    sums = rows.group_by(pl.col(name).cast(pl.String), "day").agg(pl.col(cost).sum().cast(pl.Float64))
    keys = sums[name].unique().sort(nulls_last=True).to_list()
    place = {key: row for row, key in enumerate(keys)}
    table = np.zeros((len(keys), history.panel.days))
    for key, day, value in sums.iter_rows():
        table[place[key], (day - history.panel.first).days] = max(value or 0.0, 0.0)
    start = np.where(table.any(axis=1), (table > 0).argmax(axis=1), history.panel.days)
    excess = carried(Panel([str(key) for key in keys], [name] * len(keys), history.panel.first, table, start), flag)
    if not len(keys):
        return None
    return keys[int(excess.argmin() if flag.kind == "drop" else excess.argmax())] or "(unattributed)"


def _because(rows: pl.DataFrame, panel: Panel, flag: Flag, cost: str) -> str:
    """Return which of volume, models, cache and prices changed most, against the four weeks before."""
    last = panel.day(flag.column)
    first = last - timedelta(days=flag.days - 1)
    now = rows.filter(pl.col("day").is_between(first, last))
    before = rows.filter(pl.col("day").is_between(first - timedelta(days=MONTH), first - timedelta(days=1)))
    found = change(before, now, cost, flag.days / MONTH)
    return max(("volume", "models", "cache", "prices"), key=lambda name: float(getattr(found, name)))


def _erratic(panel: Panel, series: int) -> bool:
    """Say whether the weeks of a series change so much that a cap serves better."""
    weeks, whole = window(panel, panel.days).weeks(9)
    totals = weeks[series][whole[series]]
    if len(totals) < 4 or not totals.any():  # noqa: PLR2004 - too few to tell
        return False
    steps = np.diff(np.log(totals + 0.05 * totals.mean()))
    return bool(np.sqrt((steps**2).mean()) > ERRATIC)


def _new(history: History, floor: float) -> Iterator[Anomaly]:
    """Yield keys that began in the last days and already cost more than the floor."""
    panel = history.panel
    if panel.days < HISTORY:
        return
    spent = panel.recent(LOOK)
    for series in np.flatnonzero((panel.start >= panel.days - LOOK) & (spent >= floor)).tolist():
        begun, total = int(panel.start[series]), float(spent[series])
        yield Anomaly(
            ",".join(history.by[series]), _named(history.keys[series]), history.currency, panel.last.isoformat(), "new",
            total / floor, panel.days - begun, total, 0.0, 0.0, floor, panel.day(begun).isoformat(), going=True,
        )  # fmt: skip


def _document(read: Read, found: Sequence[Anomaly], silent: int, sought: Sought) -> Document:
    frame = pl.DataFrame([item.row() for item in found], schema=COLUMNS, orient="row")
    most = SHOWN if sought.limit is None else sought.limit or len(found)
    shown = found[:most]
    lines = [line for item in shown for line in (sentence(item), *(explained(item) if sought.explain else ()))]
    calm = f"Nothing out of the ordinary up to {read.last}."
    heading = (f"{plural(len(found), 'anomaly').replace('anomalys', 'anomalies')} up to {read.last}", "", *lines)
    return Document(
        schema=SCHEMA,
        head={"as_of": read.last},
        rows=frame.head(sought.limit) if sought.limit else frame,
        notes=tuple(_notes(found, len(shown), silent, read)),
        heading=heading if found else (calm,),
    )


def _notes(found: Sequence[Anomaly], shown: int, silent: int, read: Read) -> Iterator[str]:
    if len(found) > shown:
        yield f"{len(found) - shown} more: --limit 0 shows them."
    if silent:
        yield f"{plural(silent, 'flag')} told in the last seven days and not shown again: --all shows them."
    erratic = sorted({f"{item.dimension} {item.key or UNATTRIBUTED}" for item in found if item.erratic and item.by_any})
    if erratic:
        yield f"Too erratic for statistics, a budget serves better: {', '.join(erratic)}."
    if read.partial:
        yield f"{read.partial} is not complete: only its hours are looked at."
