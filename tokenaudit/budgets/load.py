"""From the configuration to budgets and policies that can be judged, or to every mistake in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tokenaudit.budgets import checks, grid
from tokenaudit.budgets.declarations import Budget, Policies, Policy
from tokenaudit.budgets.lines import Place, lines, nearest
from tokenaudit.budgets.structure import Mistake, record
from tokenaudit.budgets.windows import Calendar
from tokenaudit.errors import ConfigError

SECTION = ("tool", "tokenaudit")
"""Where our part of a pyproject.toml is."""


class Written(Protocol):
    """What is read of a configuration."""

    @property
    def budgets(self) -> tuple[Mapping[str, Any], ...]:
        """Tables of budgets."""

    @property
    def policies(self) -> Mapping[str, Any]:
        """The table of policies."""

    @property
    def budget_grids(self) -> tuple[str, ...]:
        """CSV files of budgets."""

    @property
    def billing_day(self) -> int:
        """First day of a billing month."""

    @property
    def fiscal_year_start(self) -> int:
        """First month of a fiscal year."""

    @property
    def path(self) -> Path | None:
        """The file itself."""


class Origin(NamedTuple):
    """Where something stands."""

    path: Path
    line: int


class Fault(NamedTuple):
    """A mistake, and where it stands."""

    origin: Origin
    text: str
    hint: str

    @property
    def message(self) -> str:
        """The mistake with its place: ``tokenaudit.toml:12: unknown key``."""
        return f"{self.origin.path}:{self.origin.line}: {self.text}"


class Loaded(NamedTuple):
    """Budgets and policies, and where they stand."""

    budgets: tuple[Budget, ...]
    policies: Mapping[str, Policy]
    calendar: Calendar
    origins: Mapping[str, Callable[..., Origin]]
    """Give where each budget stands, or a place in it, by its id; lines are only looked for where somebody asks."""
    policy_origin: Callable[[], Origin]
    """Gives where policies stand, or would."""
    declared: bool
    """The configuration has a budget or a policy."""

    @property
    def by_id(self) -> dict[str, Budget]:
        """The budgets by id."""
        return {budget.id: budget for budget in self.budgets}


def loaded(config: Written) -> Loaded:
    """Return the budgets and policies of a configuration. Raises ConfigError for the first mistake."""
    found, faults = load(config)
    if faults:
        more = f"; {len(faults) - 1} more: run `tokenaudit budget lint`" if len(faults) > 1 else ""
        raise ConfigError(f"{faults[0].message}{more}", faults[0].hint)
    return found


def load(config: Written) -> tuple[Loaded, list[Fault]]:
    """Return the budgets and policies of a configuration, and every mistake in them, in the order of the files."""
    text = _Text(config.path)
    rows = [*_tables(config, text), *_grids(config)]
    budgets = [row.budget for row in rows if row.budget]
    origins = [row.origin for row in rows if row.budget]
    faults = [fault for row in rows for fault in row.faults]
    faults += [_fault(origins[at](*fault.place), fault, budgets[at].id) for at, fault in checks.faults(budgets)]
    policies, wrong = _policies(config, text)
    calendar, off = _calendar(config, text)
    found = Loaded(
        tuple(budgets),
        checks.named(policies),
        calendar,
        dict(zip((budget.id for budget in budgets), origins, strict=True)),
        lambda: text.origin(("policy",)),
        declared=bool(rows or config.policies),
    )
    return found, sorted([*faults, *wrong, *off])


class _Row(NamedTuple):
    """A budget as it was read, or what is wrong with it."""

    budget: Budget | None
    origin: Callable[..., Origin]
    faults: Sequence[Fault]


class _Text:
    """The text of a configuration, looked at where a line is asked for."""

    def __init__(self, path: Path | None) -> None:
        self.path = path or Path("tokenaudit.toml")

    @cached_property
    def lines(self) -> Mapping[Place, int]:
        """Lines by place."""
        return lines(self.path.read_text(encoding="utf-8")) if self.path.exists() else {}

    def origin(self, place: Place) -> Origin:
        """Return where a place stands."""
        whole = (*SECTION, *place) if self.path.name == "pyproject.toml" else place
        return Origin(self.path, nearest(self.lines, whole))


def _tables(config: Written, text: _Text) -> Iterator[_Row]:
    for number, table in enumerate(config.budgets):
        place: Place = ("budget", number)
        mistakes: list[Mistake] = []
        found = record(Budget, spelt_out(table), place, mistakes)
        name = str(table.get("id", number + 1))
        faults = [_fault(text.origin(item.place), item, name) for item in mistakes]
        yield _Row(found, partial(_origin, text, place), faults)


def _origin(text: _Text, place: Place, *inside: str | int) -> Origin:
    return text.origin((*place, *inside))


def spelt_out(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a budget's table as its record has it.

    Exceptions may name the dimension of `each` in place of `key`: ``user = "alice"``. Tags may be a table:
    ``scope = { tag = { env = "prod" } }``, or ``tag.env = "prod"``.
    """
    scope = table.get("scope")
    if isinstance(scope, Mapping) and isinstance(scope.get("tag"), Mapping):
        tags = {f"tag.{name}": values for name, values in scope["tag"].items()}
        table = {**table, "scope": {**{key: value for key, value in scope.items() if key != "tag"}, **tags}}
    pool = table.get("pool")
    each = table.get("each") or (pool.get("each") if isinstance(pool, Mapping) else None)
    found = table.get("exceptions")
    if not each or not isinstance(found, (list, tuple)):
        return table
    renamed = [
        {("key" if key == each else key): value for key, value in item.items()} if isinstance(item, Mapping) else item
        for item in found
    ]
    return {**table, "exceptions": renamed}


def _grids(config: Written) -> Iterator[_Row]:
    folder = (config.path or Path()).parent
    for name in config.budget_grids:
        path = folder / name
        for row in grid.read(path):
            origin = Origin(path, row.line)
            mistakes: list[Mistake] = []
            found = record(Budget, row.table, ("budget",), mistakes)
            wrong = [*(Mistake((), *fault) for fault in row.faults), *mistakes]
            yield _Row(
                found, lambda *_, line=origin: line, [_fault(origin, item, str(row.table.get("id"))) for item in wrong]
            )


def _policies(config: Written, text: _Text) -> tuple[Policies, list[Fault]]:
    mistakes: list[Mistake] = []
    found = record(Policies, config.policies, ("policy",), mistakes) or Policies()
    wrong = [
        *mistakes,
        *(Mistake(("policy", *item.place), item.text, item.hint) for item in checks.policy_faults(found)),
    ]
    return found, [Fault(text.origin(item.place), f"{item.text} in [policy]", item.hint) for item in wrong]


def _calendar(config: Written, text: _Text) -> tuple[Calendar, list[Fault]]:
    bounds = {"billing_day": (config.billing_day, 28), "fiscal_year_start": (config.fiscal_year_start, 12)}
    wrong = [
        Fault(text.origin((key,)), f"`{key} = {value}`", f"write a number from 1 to {highest}")
        for key, (value, highest) in bounds.items()
        if not 1 <= value <= highest
    ]
    return Calendar(config.billing_day, config.fiscal_year_start) if not wrong else Calendar(), wrong


def _fault(origin: Origin, item: Mistake | checks.Fault, name: str) -> Fault:
    return Fault(origin, f"{item.text} in budget `{name}`", item.hint)
