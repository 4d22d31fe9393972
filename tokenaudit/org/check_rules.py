"""What is wrong with rules and with shared cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from tokenaudit.errors import did_you_mean
from tokenaudit.org.claims import COLUMNS, TAG
from tokenaudit.org.problems import Problem, error
from tokenaudit.org.records import RESERVED, Allocation, Place, Rule, Where

GIVEN = ("user", "project", "team", "cost_center", "gl_code")
"""What a rule may give, and what shared cost may be split over."""
SPLITS = ("even", "fixed", "cost", "tokens", "requests")
MAPPED = (*COLUMNS, "team", "team_path", "cost_center", "gl_code", "project_group")
BEFORE_RULES = (*COLUMNS, "team", "team_path", "project_group")
"""What is known when rules are looked at."""
WHOLE = Decimal(100)


def problems_of_rules(rules: Sequence[Rule], teams: Sequence[str]) -> Iterator[Problem]:
    """Yield what is wrong with rules, whose teams must exist where there are any."""
    for rule in rules:
        yield from _where(rule.place, "where", rule.where, BEFORE_RULES)
        if not any(getattr(rule, name) for name in GIVEN):
            yield error(rule.place, "a rule that gives nothing", f"give one of {', '.join(GIVEN)}")
        if rule.team is not None:
            yield from _team(rule.place, rule.team, teams)


def problems_of_allocations(allocations: Sequence[Allocation], teams: Sequence[str]) -> Iterator[Problem]:
    """Yield what is wrong with shared cost."""
    names: set[str] = set()
    for item in allocations:
        yield from _where(item.place, "where", item.where, MAPPED)
        yield from _where(item.place, "among", item.among, MAPPED, may_be_empty=True)
        yield from _word(item.place, "to", item.to, GIVEN)
        yield from _word(item.place, "split", item.split, SPLITS)
        yield from _weights(item, teams)
        if item.name in names or item.name.strip() in RESERVED:
            yield error(item.place, f"a second [[allocation]] called `{item.name}`", "give each a name of its own")
        names.add(item.name)


def _where(
    place: Place, key: str, where: Where, known: Sequence[str], *, may_be_empty: bool = False
) -> Iterator[Problem]:
    if not where and not may_be_empty:
        yield error(place, f"`{key}` that chooses nothing", 'write a condition, such as { project = "infra-*" }')
    for column in where:
        if column not in known and not column.startswith(TAG):
            hint = did_you_mean(column, tuple(known)) or f"write tags.NAME for a tag, or one of {', '.join(known)}"
            yield error(place, f"unknown column `{column}` in `{key}`", hint)


def _word(place: Place, key: str, word: str, known: Sequence[str]) -> Iterator[Problem]:
    if word not in known:
        yield error(
            place, f"unknown `{key}`: `{word}`", did_you_mean(word, tuple(known)) or f"write {', '.join(known)}"
        )


def _team(place: Place, name: str, teams: Sequence[str]) -> Iterator[Problem]:
    if teams and name not in teams:
        hint = did_you_mean(name, tuple(teams)) or f'add it: [[org.team]] name = "{name}"'
        yield error(place, f"unknown team `{name}`", hint)


def _weights(item: Allocation, teams: Sequence[str]) -> Iterator[Problem]:
    fixed = item.split == "fixed"
    if fixed != bool(item.weights):
        hint = "write weights = { eng = 60, sales = 40 }" if fixed else 'write split = "fixed", or leave them out'
        yield error(item.place, "`fixed` without weights" if fixed else "weights without `fixed`", hint)
    total = sum(item.weights.values())
    if any(not weight.is_finite() or weight < 0 for weight in item.weights.values()):
        yield error(item.place, "a weight that is no number from 0 to 100", "write per cent: { eng = 60, sales = 40 }")
    elif item.weights and total != WHOLE:
        yield error(item.place, f"weights add up to {total} %, not to 100 %", "change one of them")
    for name in item.weights if item.to == "team" else ():
        yield from _team(item.place, name, teams)
