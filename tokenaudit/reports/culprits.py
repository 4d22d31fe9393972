"""Who pushed a budget over, and on which day: a second look at the store, only where something is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from tokenaudit.analysis.culprits import OVER, crossed, largest, spent_by, worst
from tokenaudit.analysis.scopes import View
from tokenaudit.reports.spending import Numbered, Spending

if TYPE_CHECKING:
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
    over = judged.rows.filter(pl.col("verdict") == "over")
    if over.is_empty():
        return NOTHING
    look = _Look(store, config, judged, over, day)
    named = worst(over, NAMED)
    parts = [largest(look.sums(named, name), name) for name in WHO]
    return Culprits(crossed(look.sums(over, "day")), pl.concat(parts))


class _Look:
    """A look at the windows and views of rows that are over: at what is known already, and one more question."""

    def __init__(self, store: Store, config: Config, judged: Judged, over: pl.DataFrame, day: Day) -> None:
        self.cases = {number: judged.cases[number] for number in over["case"].unique(maintain_order=True)}
        self.views: Numbered[View] = Numbered()
        numbers = {number: self._view(case) for number, case in self.cases.items()}
        self.known = judged.spending
        wanted = [view.by(name) for view in self.views.things for name in (*WHO, "day")]
        windows = {(case.period.first, case.period.last): case.period for case in self.cases.values()}
        lacking = [columns for columns in wanted if not self.known.holds(columns)]
        self.asked = Spending(store, config, list(windows.values()), lacking, day.as_of)
        places = {dates: place for place, dates in enumerate(windows)}
        table = [(n, numbers[n], places[case.period.first, case.period.last]) for n, case in self.cases.items()]
        self.table = pl.DataFrame(table, schema=dict.fromkeys(("case", "view", "place"), pl.Int64), orient="row")

    def _view(self, case: Case) -> int:
        return self.views.number(View(*case.subject), (repr(case.subject.scopes), case.subject.each))

    def sums(self, over: pl.DataFrame, name: str) -> pl.DataFrame:
        """Return what rows that are over spent by the values of a dimension."""
        own = over.select(OVER).join(self.table, on="case")
        known = all(self.known.holds(view.by(name)) for view in self.views.things)
        rows = own.drop("place") if known else own.drop("window").rename({"place": "window"})
        return spent_by(rows, (self.known if known else self.asked).of_all(self.views.things, name), name)
