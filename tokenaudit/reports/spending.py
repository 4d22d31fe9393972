"""What was spent in several windows by several parts of the usage, from one scan of the store."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

import polars as pl

from tokenaudit.analysis.measures import known_sum
from tokenaudit.analysis.scopes import View, groups
from tokenaudit.analysis.windows import COSTS, SUMS, by_window
from tokenaudit.budgets.windows import FIRST, between
from tokenaudit.conditions import Condition
from tokenaudit.reports.people import of_org, org_of
from tokenaudit.reports.question import Question, ask

if TYPE_CHECKING:
    from tokenaudit.config import Config
    from tokenaudit.periods import Period
    from tokenaudit.store.store import Store

Thing = TypeVar("Thing", bound=Hashable)
SPENDING = {"view": pl.Int64, "key": pl.String, "window": pl.Int64, "billing_currency": pl.String}


class Numbered(Generic[Thing]):
    """Things by number: alike ones have one number."""

    def __init__(self) -> None:
        self.things: list[Thing] = []
        self._numbers: dict[Hashable, int] = {}

    def number(self, thing: Thing, key: Hashable | None = None) -> int:
        """Return the number of a thing; `key` tells things apart that cannot be compared themselves."""
        place = self._numbers.setdefault(thing if key is None else key, len(self.things))
        if place == len(self.things):
            self.things.append(thing)
        return place


class Spending:
    """The answer to one question about many windows, looked at from all sides."""

    def __init__(
        self, store: Store, config: Config, windows: Sequence[Period], columns: Sequence[frozenset[str]], as_of: date
    ) -> None:
        """Ask: `columns` are the dimensions of each side; only what is of the day `as_of` or earlier is counted."""
        zone = windows[0].timezone
        self.org = org_of(config)
        self.windows = [*windows, between(FIRST, as_of, zone)]
        self.zone = zone
        by = groups(columns)
        span = between(min(item.first for item in windows), max(item.last for item in windows), zone)
        every = tuple(dict.fromkeys(name for names in by for name in names))
        question = Question(span, every, config=config, as_of=as_of, groups=tuple(by), windows=tuple(self.windows))
        self.answer = ask(store, question)
        names = by if len(by) == len(self.answer.cubes) else [every]
        self._cubes = sorted(zip(names, self.answer.cubes, strict=True), key=lambda found: found[1].height)
        self._sums: dict[tuple[str, ...], pl.DataFrame] = {}
        self._values: dict[tuple[int, str], list[str]] = {}

    @property
    def now(self) -> int:
        """Return the number of the window that ends with the day that counts as today."""
        return len(self.windows) - 1

    @property
    def cube(self) -> pl.DataFrame:
        """Return the smallest cube: for totals that need no dimension."""
        return self._cubes[0][1]

    def holds(self, columns: frozenset[str]) -> bool:
        """Tell whether sums by these dimensions are known."""
        return any(columns <= set(names) for names, _ in self._cubes)

    def sums(self, columns: frozenset[str]) -> pl.DataFrame:
        """Return sums by window, currency and at least these dimensions."""
        names, cube = next(found for found in self._cubes if columns <= set(found[0]))
        if names not in self._sums:
            self._sums[names] = by_window(cube, names, len(self.windows), also=self.now)
        return self._sums[names]

    def of(self, view: View, number: int, *names: str) -> pl.LazyFrame:
        """Return what a view spent, by the values of its `each` and of `names`: `SPENDING`, costs and counts."""
        columns = view.by(*names)
        rows = view.rows(self.sums(columns), partial(self._known, columns), self._meant)
        key = pl.col(view.each).cast(pl.String) if view.each else pl.lit(None, pl.String)
        keyed = rows.with_columns(key=key, view=pl.lit(number, pl.Int64))
        return _added(keyed, [*SPENDING, *names])

    def _meant(self, condition: Condition) -> Condition:
        """Return a condition in the names that reports show."""
        return of_org(condition, self.org) if self.org else condition

    def _known(self, columns: frozenset[str], name: str) -> list[str]:
        """Return the values of a dimension in the sums of some columns."""
        sums = self.sums(columns)
        place = (id(sums), name)
        if place not in self._values:
            self._values[place] = sums[name].cast(pl.String).unique().drop_nulls().sort().to_list()
        return self._values[place]

    def of_all(self, views: Sequence[View], *names: str) -> pl.DataFrame:
        """Return what each of some views spent; views have the numbers of their places."""
        return pl.concat(pl.collect_all([self.of(view, number, *names) for number, view in enumerate(views)]))

    def totals(self, *names: str) -> pl.DataFrame:
        """Return sums by window, currency and some dimensions."""
        return _added(self.sums(frozenset(names)).lazy(), ["window", "billing_currency", *names]).collect()


def _added(rows: pl.LazyFrame, keys: Sequence[str]) -> pl.LazyFrame:
    texts = [pl.col("billing_currency").cast(pl.String)]
    return rows.with_columns(texts).group_by(keys).agg(*map(known_sum, COSTS), pl.col(SUMS).sum())
