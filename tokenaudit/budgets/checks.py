"""What budgets say together: every contradiction is a fault, with what would be right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from typing import NamedTuple

from tokenaudit.budgets.declarations import Budget, Exemption, Grant, Level, Limit, Policies, Policy, Pool
from tokenaudit.budgets.lines import Place
from tokenaudit.budgets.windows import LENGTHS
from tokenaudit.conditions import parse_condition
from tokenaudit.errors import QueryError, did_you_mean

LEAST, MOST = Decimal("0.000001"), Decimal(10) ** 15
"""Bounds of a limit that is not 0: beyond them it is a slip of the keyboard."""


class Fault(NamedTuple):
    """What is wrong with a budget, and where in its table."""

    place: Place
    text: str
    hint: str = ""


def ancestors(budget: Budget, by_id: Mapping[str, Budget]) -> list[Budget]:
    """Return the parent of a budget, its parent, and so on; a circle ends where it closes."""
    found: list[Budget] = []
    above = by_id.get(budget.parent or "")
    while above is not None and above not in found:
        found.append(above)
        above = by_id.get(above.parent or "")
    return found


def faults(budgets: Sequence[Budget]) -> Iterator[tuple[int, Fault]]:
    """Yield what is wrong, with the position of the budget."""
    by_id = {budget.id: budget for budget in reversed(budgets)}
    counts = Counter(budget.id for budget in budgets)
    for number, budget in enumerate(budgets):
        looks = (
            _columns(budget),
            _limits(budget, by_id),
            _shares(budget),
            _exceptions(budget),
            _parents(budget, by_id),
        )
        if counts[budget.id] > 1 or not budget.id.strip():
            yield number, Fault(("id",), f"the id `{budget.id}` is not one of its own", "give each budget another id")
        for fault in chain(*looks):
            yield number, fault


def policy_faults(policies: Policies) -> Iterator[Fault]:
    """Yield what is wrong with the policies."""
    for name, policy in named(policies).items():
        if policy.limit < 0 or (name != "stale" and policy.limit > 1):
            yield Fault(
                (name,),
                f"`{policy.limit}` is no limit of `{name}`",
                "a share is from 0 to 1, an age in days is 0 or more",
            )
        yield from _column(policy.by, (name, "by"))


def named(policies: Policies) -> dict[str, Policy]:
    """Return the policies by name; a bare limit keeps the usual level."""
    usual = Policies()
    found: dict[str, Policy] = {}
    for name in Policies.__dataclass_fields__:
        said = getattr(policies, name)
        level: Level = "fail" if name == "unattributed" else getattr(usual, name).level
        found[name] = said if isinstance(said, Policy) else Policy(said, level)
    return found


def unit(limit: Limit | Pool | Grant | Exemption) -> str:
    """Return what a limit is in: money, `tokens` or `share`."""
    if limit.tokens is not None:
        return "tokens"
    return "share" if isinstance(limit, Limit) and limit.share is not None else "money"


def size(limit: Limit | Pool | Grant | Exemption) -> Decimal:
    """Return how much a limit is, in its unit."""
    share = limit.share if isinstance(limit, Limit) else None
    return Decimal(next((value for value in (limit.amount, limit.tokens, share) if value is not None), 0))


def _columns(budget: Budget) -> Iterator[Fault]:
    for column in budget.scope:
        yield from _column(column, ("scope", column))
    if budget.each:
        yield from _column(budget.each, ("each",))
    if budget.pool:
        yield from _column(budget.pool.each, ("pool", "each"))


def _column(column: str, place: Place) -> Iterator[Fault]:
    try:
        parse_condition(f"{column}=")
    except QueryError as error:
        yield Fault(place, error.message, error.hint or "")


def _limits(budget: Budget, by_id: Mapping[str, Budget]) -> Iterator[Fault]:
    if not budget.limits:
        yield Fault(("limits",), "no limit", 'write `limits = [{ amount = 1000, period = "month" }]`')
    for number, limit in enumerate(budget.limits):
        place = ("limits", number)
        yield from _amount(limit, place, "amount, tokens or share")
        yield from _thresholds(limit, place)
        if limit.of is not None and (limit.share is None or limit.of not in by_id):
            hint = did_you_mean(limit.of, list(by_id)) or "`of` names the budget that `share` is a part of"
            yield Fault((*place, "of"), f"`of = {limit.of}` names no whole", hint)
        if limit.period != "total" and (limit.first or limit.last):
            yield Fault(place, f"`from` and `until` with period `{limit.period}`", 'they are for `period = "total"`')
        yield from _days(limit, place)


def _amount(item: Limit | Pool | Grant | Exemption, place: Place, words: str) -> Iterator[Fault]:
    """Look for exactly one amount that is none below zero."""
    share = item.share if isinstance(item, Limit) else None
    if sum(value is not None for value in (item.amount, item.tokens, share)) != 1:
        yield Fault(place, "not one amount", f"write one of {words}")
    elif not (size(item) == 0 or LEAST <= size(item) <= MOST) or (share is not None and share > 1):
        yield Fault(place, f"`{size(item)}` is no limit", "an amount is 0 or more, a share from 0 to 1")


def _thresholds(limit: Limit, place: Place) -> Iterator[Fault]:
    if not 0 < limit.warn <= limit.fail:
        yield Fault(
            place, f"warn = {limit.warn} and fail = {limit.fail}", "write 0 < warn <= fail, such as 0.8 and 1.0"
        )


def _days(item: Limit | Grant | Exemption, place: Place) -> Iterator[Fault]:
    if item.first and item.last and item.last < item.first:
        yield Fault(place, f"it ends on {item.last}, before it begins on {item.first}", "swap `from` and `until`")


def _shares(budget: Budget) -> Iterator[Fault]:
    """Look at what is shared: the pool, what is granted to it, and what it carries over."""
    if budget.pool:
        yield from _pool(budget, budget.pool)
    for number, grant in enumerate(budget.grants):
        yield from _amount(grant, ("grants", number), "amount or tokens")
        yield from _days(grant, ("grants", number))
        if unit(grant) not in map(unit, budget.limits):
            yield Fault(
                ("grants", number), "a grant in another unit than any limit", "grant money or tokens as the limits are"
            )
    if budget.rollover and not 0 < budget.rollover.max <= 1:
        yield Fault(("rollover", "max"), f"`{budget.rollover.max}` is no part of a limit", "write 0.2 for a fifth")
    for key in ("grants", "rollover", "pool"):
        if budget.each and getattr(budget, key):
            yield Fault(
                (key,), f"`{key}` and `each` exclude each other", "write `exceptions` for single values of `each`"
            )


def _pool(budget: Budget, pool: Pool) -> Iterator[Fault]:
    yield from _amount(pool, ("pool",), "amount or tokens")
    alike = [size(limit) for limit in budget.limits if unit(limit) == unit(pool)]
    if not alike:
        yield Fault(
            ("pool",), "a pool in another unit than any limit", "cap members in money or tokens as the limits are"
        )
    elif size(pool) > min(alike):
        yield Fault(
            ("pool",), f"one member may take {size(pool)} of {min(alike)}", "a member's cap is at most the pool"
        )


def _exceptions(budget: Budget) -> Iterator[Fault]:
    each = budget.each or (budget.pool.each if budget.pool else None)
    for number, item in enumerate(budget.exceptions):
        place = ("exceptions", number)
        yield from _amount(item, place, "amount or tokens")
        yield from _days(item, place)
        if item.key is not None and each is None:
            yield Fault(
                place, f"an exception for `{item.key}`", "only budgets with `each` or `pool` have one for single values"
            )
        if item.key is None and budget.each:
            yield Fault(place, f"an exception for no {budget.each}", f'write `{budget.each} = "..."`')
        if (item.period, unit(item)) not in {(limit.period, unit(limit)) for limit in budget.limits}:
            yield Fault(
                place,
                f"no limit for each {item.period} in that unit",
                "an exception replaces a limit of the same window",
            )


def _parents(budget: Budget, by_id: Mapping[str, Budget]) -> Iterator[Fault]:
    if budget.parent is None:
        return
    if budget.parent not in by_id:
        yield Fault(
            ("parent",),
            f"no budget `{budget.parent}`",
            did_you_mean(budget.parent, list(by_id)) or "name the `id` of another budget",
        )
    above = ancestors(budget, by_id)
    if budget in above:
        yield Fault(("parent",), f"`{budget.id}` is a parent of itself", "leave `parent` out of one of them")
        return
    for parent in above:
        yield from _over(budget, parent)


def _over(budget: Budget, parent: Budget) -> Iterator[Fault]:
    """Look for limits that allow more than those of a parent do in the same time or longer."""
    for number, limit in enumerate(budget.limits):
        for other in parent.limits:
            alike = unit(limit) == unit(other) != "share" and _within(limit, other)
            if alike and size(limit) * limit.fail > size(other) * other.fail:
                own, whole = f"{size(limit)} for a {limit.period}", f"{size(other)} for a {other.period}"
                text = f"{own} is over the {whole} of its parent `{parent.id}`"
                yield Fault(("limits", number), text, "lower it, or raise the parent")


def _within(limit: Limit, other: Limit) -> bool:
    """Say whether a window of one limit is never longer than that of another one."""
    if limit.currency != other.currency or unit(limit) == "tokens" != unit(other):
        return False
    if "total" in (limit.period, other.period):
        return (limit.period, limit.first, limit.last) == (other.period, other.first, other.last)
    return LENGTHS[limit.period] <= LENGTHS[other.period]
