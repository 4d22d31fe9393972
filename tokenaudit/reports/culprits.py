"""Who pushed a budget over, and on which day: a second look at the store, only where something is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.analysis.culprits import OVER, crossed, largest, spent_by, worst
from tokenaudit.analysis.scopes import View
from tokenaudit.reports.spending import Numbered, Spending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenaudit.budgets.cases import Case, Day
    from tokenaudit.config import Config
    from tokenaudit.reports.judging import Judged
    from tokenaudit.store.store import Store

WHO = ("user", "project", "model")
"""What a culprit is looked for in."""
NAMED = 5
"""Rows of one limit whose culprits are named; all get their day."""


@dataclass(frozen=True, slots=True, eq=False)
class Culprits:
    """What is known of limits that are over."""

    crossed: pl.DataFrame
    """`case`, `key`, `crossed`: the day."""
    largest: pl.DataFrame
    """`case`, `key`, `by`, `value`, `amount`, `share`: the user, project and model with most of it."""


NOTHING = Culprits(
    pl.DataFrame(schema={"case": pl.Int64, "key": pl.String, "crossed": pl.Date}),
    pl.DataFrame(schema={"case": pl.Int64, "key": pl.String}),
)


def culprits(store: Store, config: Config, judged: Judged, day: Day) -> Culprits:
    """Return since when limits are over, and who spent most of it."""
    over = judged.rows.filter(pl.col("verdict") == "over") if judged.rows.height else judged.rows
    if over.is_empty():
        return NOTHING
    look = _Look(store, config, judged.cases, over, day)
    days = look.sums(over, "day")
    named = worst(over, NAMED)
    parts = [largest(look.sums(named, name), name) for name in WHO]
    return Culprits(crossed(days), pl.concat(parts))


class _Look:
    """One question about the windows and views of rows that are over."""

    def __init__(self, store: Store, config: Config, cases: Sequence[Case], over: pl.DataFrame, day: Day) -> None:
        found = [cases[number] for number in over["case"].unique(maintain_order=True)]
        windows = list({(case.period.first, case.period.last): case.period for case in found}.values())
        self.views: Numbered[View] = Numbered()
        self.places = {(item.first, item.last): place for place, item in enumerate(windows)}
        self.table = [
            (n, self._view(cases[n]), self._window(cases[n])) for n in over["case"].unique(maintain_order=True)
        ]
        columns = [view.by(name) for view in self.views.things for name in (*WHO, "day")]
        self.spending = Spending(store, config, windows, columns, day.as_of)

    def _view(self, case: Case) -> int:
        return self.views.number(View(*case.subject), (repr(case.subject.scopes), case.subject.each))

    def _window(self, case: Case) -> int:
        return self.places[case.period.first, case.period.last]

    def sums(self, over: pl.DataFrame, name: str) -> pl.DataFrame:
        """Return what rows that are over spent by the values of a dimension."""
        schema = {"case": pl.Int64, "view": pl.Int64, "window": pl.Int64}
        own = over.select(column for column in OVER if column != "window")
        rows = own.join(pl.DataFrame(self.table, schema=schema, orient="row"), on="case")
        parts = [self.spending.of(view, number, name) for number, view in enumerate(self.views.things)]
        return spent_by(rows, pl.concat(parts), name)
