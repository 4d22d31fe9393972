"""`tokenaudit budget lint`: what a store says about scopes, and what budgets say about each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tokenaudit.budgets.checks import size, unit
from tokenaudit.conditions import NOTHING, parse_condition
from tokenaudit.errors import did_you_mean
from tokenaudit.periods import parse_period
from tokenaudit.render.numbers import plain
from tokenaudit.reports.people import org_of
from tokenaudit.reports.question import Question, ask

if TYPE_CHECKING:
    from tokenaudit.budgets.declarations import Budget
    from tokenaudit.budgets.load import Loaded
    from tokenaudit.config import Config
    from tokenaudit.store.store import Store


def warnings(loaded: Loaded, store: Store | None, config: Config) -> Iterator[str]:
    """Yield what is no mistake, but worth a look: ``tokenaudit.toml:12: ...``."""
    for budget, text in (*_shared_out(loaded.budgets), *(_unknown(loaded.budgets, store, config) if store else ())):
        origin = loaded.origins[budget.id]()
        yield f"{origin.path}:{origin.line}: {text}"


def _shared_out(budgets: Sequence[Budget]) -> Iterator[tuple[Budget, str]]:
    """Yield parents whose children may together spend more than they may."""
    for parent in budgets:
        children = [item for item in budgets if item.parent == parent.id and not item.each]
        for limit in parent.limits:
            alike = [
                size(other)
                for child in children
                for other in child.limits
                if (other.period, unit(other), other.currency) == (limit.period, unit(limit), limit.currency)
            ]
            if unit(limit) != "share" and sum(alike, Decimal(0)) > size(limit):
                both = f"{plain(sum(alike, Decimal(0)))} for a {limit.period}, the parent {plain(size(limit))}"
                yield parent, f"children of budget `{parent.id}` may together spend {both}"


def _unknown(budgets: Sequence[Budget], store: Store, config: Config) -> Iterator[tuple[Budget, str]]:
    """Yield values of scopes that nothing stored has."""
    named = [(budget, column, word) for budget in budgets for column, word in _words(budget)]
    org = org_of(config)
    known = _values(store, config, {column for _, column, _ in named if column != "team"})
    known["team"] = set(org.team_names) if org else set()
    for budget, column, word in named:
        if (org.person(word) if org and column == "user" else word) not in known[column]:
            near = did_you_mean(word, sorted(known[column]))
            yield (
                budget,
                f"nothing stored has the {column} `{word}` of budget `{budget.id}`" + (f": {near}" if near else ""),
            )


def _words(budget: Budget) -> Iterator[tuple[str, str]]:
    for column, values in budget.scope.items():
        for word in [values] if isinstance(values, str) else values:
            if word not in ("", *NOTHING) and "*" not in word and "?" not in word:
                yield column, word


def _values(store: Store, config: Config, columns: Collection[str]) -> dict[str, set[str]]:
    """Return the values that stored rows have in some dimensions."""
    if not columns:
        return {}
    groups = tuple((parse_condition(f"{column}=").column,) for column in sorted(columns))
    every = tuple(column for (column,) in groups)
    period = parse_period("all", date.max)
    found: dict[str, set[str]] = defaultdict(set)
    cubes = ask(store, Question(period, every, config=config, groups=groups)).cubes
    for place, column in enumerate(every):
        cube = cubes[place] if len(cubes) == len(every) else cubes[0]
        found[column] = {str(value) for value in cube[column].unique().drop_nulls()}
    return found
