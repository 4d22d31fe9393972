"""The forecast of a store: what spend will come to, by total and by keys, for machines and for people."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.forecast.contract import BANDS
from tokenaudit.render.document import Document, Section, Shown
from tokenaudit.reports.forecast_words import heading, notes_of, verdict
from tokenaudit.reports.foreseen import Foreseen, Wish, amount, foresee
from tokenaudit.reports.horizons import Horizon
from tokenaudit.reports.question import Question

if TYPE_CHECKING:
    from tokenaudit.store.store import Store

SCHEMA = "tokenaudit.forecast/1"
PEOPLE_ROWS = 10
MONEY = pl.Decimal(38, 18)
SPANS = {"so_far": MONEY, "point": MONEY, **dict.fromkeys(BANDS, MONEY)}


def forecast_report(store: Store, question: Question, as_of: date, clock: date, wish: Wish) -> Document:
    """Return the forecast of a store. NoDataError where there is nothing to forecast from."""
    found = foresee(store, question, as_of, clock, wish)
    read = found[0].read
    machine = pl.concat([machine_rows(item, wish.groups[0], wish.level) for item in found])
    totals = pl.concat([machine_rows(item, (), wish.level) for item in found])
    return Document(
        schema=SCHEMA,
        head={"as_of": read.last},
        rows=machine.head(wish.limit) if wish.limit else machine,
        tail={"totals": totals},
        notes=notes_of(found, question),
        heading=tuple(line for item in found for line in heading(item, wish)),
        sections=tuple(part for item in found for part in sections(item, wish)),
    )


def machine_rows(found: Foreseen, by: tuple[str, ...], level: int) -> pl.DataFrame:
    """Return a row for each key and span, the dearest month first."""
    month = found.points(found.horizons[0], by)
    order = sorted(range(len(month)), key=lambda at: -month[at])
    parts = [_span_rows(found, by, item, level) for item in found.horizons]
    frame = pl.concat(parts).with_columns(billing_currency=pl.lit(found.history.currency))
    places = {at: place for place, at in enumerate(order)}
    ranked = frame.with_columns(pl.col("at").replace_strict(places, return_dtype=pl.Int64))
    names = [*dict.fromkeys((*by, "billing_currency")), "as_of", "target", "first", "last"]
    return ranked.sort("at", maintain_order=True).select(*names, *bands(level), "enough")


def bands(level: int) -> dict[str, pl.DataType]:
    """Return the money columns of a row, those of another level included."""
    extra = {} if level in {80, 95} else {f"lo{level}": MONEY, f"hi{level}": MONEY}
    return {**SPANS, **extra}


def levels(level: int) -> dict[str, float]:
    """Return the quantile of each band, those of another level included."""
    return {**BANDS, f"lo{level}": 0.5 - level / 200, f"hi{level}": 0.5 + level / 200}


def _span_rows(found: Foreseen, by: tuple[str, ...], horizon: Horizon, level: int) -> pl.DataFrame:
    """Return a row for each key; a range holds at least the key's part of the total's forecast."""
    rows = found.history.rows(by)
    totals = found.totals(horizon)
    points = found.points(horizon, by)
    columns: dict[str, list[Decimal]] = {"so_far": found.so_far(horizon, by), "point": points}
    for name, quantile in levels(level).items():
        own = [amount(value) for value in totals.at(quantile)[rows].tolist()]
        keep = min if quantile < 0.5 else max  # noqa: PLR2004 - the middle
        columns[name] = points if name == "p50" else [keep(pair) for pair in zip(own, points, strict=True)]
    frame = pl.DataFrame({name: columns[name] for name in bands(level)}, schema=bands(level))
    if by:
        keys = [found.history.keys[row] for row in rows]
        frame = pl.DataFrame(keys, schema=dict.fromkeys(by, pl.String), orient="row").hstack(frame)
    return frame.with_columns(
        at=pl.Series(range(len(rows))),
        as_of=pl.lit(found.read.last),
        target=pl.lit(horizon.target),
        first=pl.lit(horizon.first),
        last=pl.lit(horizon.last),
        enough=pl.Series([bool(value) for value in found.outlook.known[rows]]),
    )


def sections(found: Foreseen, wish: Wish) -> list[Section]:
    """Return the tables that people read: the spans of the total, and the month of each key."""
    month = found.horizons[0]
    return [_spans(found, wish.level), *(_keys(found, by, month, wish) for by in wish.groups)]


def _spans(found: Foreseen, level: int) -> Section:
    names = {item.target: item.name for item in found.horizons}
    rows = machine_rows(found, (), level)
    frame = _worded(rows, level).with_columns(span=pl.col("target").replace_strict(names))
    return Section("Ahead", frame, (Shown("span", ""), *_columns(level)))


def _keys(found: Foreseen, by: tuple[str, ...], month: Horizon, wish: Wish) -> Section:
    rows = machine_rows(found, by, wish.level).filter(pl.col("target") == month.target)
    most = PEOPLE_ROWS if wish.limit is None else wish.limit or rows.height
    names = [Shown(name, "" if len(by) == 1 else name.replace("_", " ")) for name in by]
    frame = _worded(rows.filter(pl.col("point") > 0).head(most), wish.level)
    return Section(f"By {', '.join(by).replace('_', ' ')}, {month.name}", frame, (*names, *_columns(wish.level)))


def _worded(rows: pl.DataFrame, level: int) -> pl.DataFrame:
    words = [verdict(row, level) for row in rows.iter_rows(named=True)]
    return rows.with_columns(words=pl.Series(words, dtype=pl.String))


def _columns(level: int) -> tuple[Shown, ...]:
    return (
        Shown("so_far", "so far", "rough", 2),
        Shown("point", "likely", "rough"),
        Shown(f"lo{level}", f"{level} % from", "rough", 1),
        Shown(f"hi{level}", "to", "rough", 1),
        Shown("words", "", "words", 3),
    )
