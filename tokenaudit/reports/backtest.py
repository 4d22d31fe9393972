"""`forecast --backtest`: how often forecasts of this very store would have been right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from tokenaudit.errors import NoDataError
from tokenaudit.forecast.backtest import EVERY, TARGETS, Past, backtest, confidence, covered, scores, widening
from tokenaudit.forecast.rivals import Rival, rival
from tokenaudit.render.document import Document, Section, Shown
from tokenaudit.render.numbers import percent
from tokenaudit.reports.foreseen import Foreseen, Wish, foresee
from tokenaudit.reports.question import Question

if TYPE_CHECKING:
    from tokenaudit.store.store import Store

SCHEMA = "tokenaudit.backtest/1"
LEAST_KEY = 5
"""Windows that a key must have to be named as the worst."""
NOMINAL, TRUSTED = Decimal("0.8"), (pl.lit(Decimal("0.7")), pl.lit(Decimal("0.9")))
"""How often a range of 80 % should hold, and shares between which it is as good as that."""
RATIO = pl.Decimal(38, 18)
ROWS: dict[str, pl.DataType] = {
    "dimension": pl.String(),
    "billing_currency": pl.String(),
    "target": pl.String(),
    "windows": pl.Int64(),
    "error": RATIO,
    "run_rate_error": RATIO,
    "skill": RATIO,
    "run_rate_better": RATIO,
    "covered_80": RATIO,
    "covered_80_from": RATIO,
    "covered_80_to": RATIO,
    "covered_95": RATIO,
    "widen": RATIO,
    "worst_key": pl.String(),
    "worst_covered_80": RATIO,
}
TITLES = {"next_7": "next 7 days", "next_14": "next 14 days", "next_30": "next 30 days", "month_end": "month end"}


def backtest_report(store: Store, question: Question, as_of: date, clock: date, wish: Wish) -> Document:
    """Return how forecasts of past days did, by dimension and span. NoDataError where no window is over."""
    found = foresee(store, question, as_of, clock, wish)
    rivals = [rival(name) for name in wish.against]
    rows = [row for item in found for row in _rows(item, rivals)]
    if not rows:
        hint = "a backtest needs a month of data at least"
        raise NoDataError("too little history: no forecast could have been made and be over", hint)
    errors = {f"{name}_error": RATIO for name in wish.against}
    frame = pl.DataFrame(rows, schema={**ROWS, **errors}, orient="row")
    return Document(
        schema=SCHEMA,
        head={"as_of": found[0].read.last},
        rows=frame,
        notes=tuple(_notes(frame)),
        heading=(f"Forecasts of past days up to {found[0].read.last}, every {EVERY} days, from what was known then",),
        sections=tuple(_section(frame, name, wish.against) for name in frame["dimension"].unique(maintain_order=True)),
    )


def _rows(found: Foreseen, rivals: Sequence[Rival]) -> Iterator[tuple[object, ...]]:
    past = backtest(found.history.panel, rivals)
    for by in dict.fromkeys(found.history.by):
        members = found.history.rows(by)
        for target in TARGETS:
            chosen = past[target].of(np.isin(past[target].series, members)) if target in past else None
            if chosen is not None and len(chosen.actual):
                yield (",".join(by) or "total", found.history.currency, target, *_measures(found, chosen))


def _measures(found: Foreseen, past: Past) -> tuple[object, ...]:
    """Return the measures of one target; windows that overlap are not independent, so each is counted in part."""
    measured = scores(past)
    independent = max(1.0, measured.windows * EVERY / 14)
    low, high = confidence(measured.covered80, independent)
    key, share = _worst(found, past)
    skill = 1 - measured.error / measured.rate_error if measured.rate_error else 0.0
    values = (measured.error, measured.rate_error, skill, measured.rate_better, measured.covered80, low, high)
    ratios = [_ratio(value) for value in (*values, measured.covered95, widening(past))]
    others = map(_ratio, measured.others)
    return measured.windows, *ratios, key, None if share is None else _ratio(share), *others


def _worst(found: Foreseen, past: Past) -> tuple[str | None, float | None]:
    """Return the key whose range held least often, and how often."""
    inside = covered(past, "lo80", "hi80")
    series, counts = np.unique(past.series, return_counts=True)
    shares = {int(row): float(inside[past.series == row].mean()) for row in series[counts >= LEAST_KEY]}
    if not shares:
        return None, None
    row = min(shares, key=lambda row: (shares[row], row))
    return found.history.panel.names[row], shares[row]


def _ratio(value: float) -> Decimal:
    return Decimal(str(round(value, 4)))


def _section(frame: pl.DataFrame, dimension: str, against: Sequence[str]) -> Section:
    rows = frame.filter(pl.col("dimension") == dimension)
    between = [
        f"{percent(low)} to {percent(high)}" for low, high in rows.select("covered_80_from", "covered_80_to").rows()
    ]
    titled = rows.with_columns(
        span=pl.col("target").replace_strict(TITLES), between=pl.Series(between, dtype=pl.String)
    )
    return Section(
        f"{dimension}" if dimension == "total" else f"By {dimension}",
        titled,
        (
            Shown("span", ""),
            Shown("windows", "windows", "count"),
            Shown("error", "error", "percent"),
            Shown("run_rate_error", "run-rate", "percent", 1),
            *(Shown(f"{name}_error", name, "percent", 1) for name in against),
            Shown("run_rate_better", "run-rate better", "percent", 3),
            Shown("covered_80", "80 % held", "percent"),
            Shown("between", "truly", "words", 2),
            Shown("covered_95", "95 % held", "percent", 1),
            Shown("worst_key", "worst", "text", 4, missing=""),
            Shown("worst_covered_80", "held", "percent", 4),
        ),
    )


def _notes(frame: pl.DataFrame) -> Iterator[str]:
    yield "error: sum of misses over sum of totals. run-rate: that of the month to date, as most tools extrapolate."
    worse = frame.filter(pl.col("skill") < 0)
    if worse.height:
        spans = [f"{row['dimension']}, {TITLES[row['target']]}" for row in worse.iter_rows(named=True)]
        yield f"The run-rate was better: {'; '.join(spans)}."
    sure = ~pl.lit(NOMINAL).is_between("covered_80_from", "covered_80_to")
    for row in frame.filter(sure, ~pl.col("covered_80").is_between(*TRUSTED)).iter_rows(named=True):
        wide = f"; {row['widen']:.1f} times as wide it would have" if row["widen"] > 1 else ""
        held = percent(row["covered_80"])
        yield f"The 80 % range of {row['dimension']}, {TITLES[row['target']]}, held {held} of the time{wide}."
