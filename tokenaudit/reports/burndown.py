"""`tokenaudit budget status`: how much of each limit is used, beside how much of its time has passed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.render.document import Document, Section, Shown
from tokenaudit.reports.gate import machine_rows
from tokenaudit.reports.gate_words import Row, figure, outlook, part, subject
from tokenaudit.reports.judging import judge

if TYPE_CHECKING:
    from tokenaudit.budgets.cases import Case, Day
    from tokenaudit.budgets.load import Loaded
    from tokenaudit.config import Config
    from tokenaudit.store.store import Store

SCHEMA = "tokenaudit.budget-status/1"
WIDTH = 20
"""Cells of a bar."""
SHOWN = 5
"""Values of one limit that are shown: those that used most."""
COLUMNS = (
    Shown("budget", "", "text"),
    Shown("period", "period", "words", 3),
    Shown("bar", "used, | is today", "words"),
    Shown("part", "", "figure"),
    Shown("left", "left", "figure"),
    Shown("outlook", "7-day run-rate", "words", 2),
)


def status(store: Store, config: Config, loaded: Loaded, day: Day) -> Document:
    """Return how far each limit is used on a day."""
    judged = judge(store, config, loaded, day)
    rows = judged.rows.to_dicts()
    lines = [
        _line(row, judged.cases[row["case"]], day)
        for _, of_case in groupby(rows, key=itemgetter("case"))
        for row in list(of_case)[:SHOWN]
    ]
    frame = pl.DataFrame(lines, schema={shown.name: pl.String for shown in COLUMNS})
    notes = tuple(_more(rows))
    return Document(
        schema=SCHEMA,
        head={"as_of": day.as_of},
        rows=machine_rows(judged.rows.with_columns(crossed=pl.lit(None, pl.Date)), judged.cases),
        heading=(f"Budgets on {day.as_of}, {day.zone}",),
        sections=(Section("Budget", frame, COLUMNS),),
        notes=notes,
    )


def _more(rows: Sequence[Row]) -> Iterator[str]:
    counts = [len(list(of_case)) for _, of_case in groupby(rows, key=itemgetter("case"))]
    hidden = sum(max(0, number - SHOWN) for number in counts)
    if hidden:
        yield f"{hidden} values that used less are not shown: see `tokenaudit check --format csv`."


def _line(row: Row, case: Case, day: Day) -> dict[str, str]:
    left = None if row["spent"] is None else row["limit"] - row["spent"]
    return {
        "budget": subject(case, row["key"]),
        "period": case.period.name,
        "bar": bar(row["used"], elapsed(case, day)),
        "part": part(row, case),
        "left": figure(left, case.unit),
        "outlook": outlook(row, case),
    }


def elapsed(case: Case, day: Day) -> Decimal:
    """Return how much of a window has passed when the day ends."""
    passed = min(day.as_of, case.period.last).toordinal() - case.period.first.toordinal() + 1
    return Decimal(passed) / case.period.days


def bar(used: Decimal | None, passed: Decimal) -> str:
    """Return a bar of what is used, with a mark at today; what is over fills it.

    >>> bar(Decimal("0.5"), Decimal("0.75"))
    '[##########....|.....]'
    >>> bar(Decimal("1.3"), Decimal("0.25"))
    '[####|###############] over'
    """
    share = used or Decimal(0)
    full = min(WIDTH, max(int(share * WIDTH), 1 if share > 0 else 0))
    cells = list("#" * full + "." * (WIDTH - full))
    cells[min(WIDTH - 1, max(0, int(passed * WIDTH) - 1))] = "|"
    return f"[{''.join(cells)}]{' over' if share > 1 else ''}"
