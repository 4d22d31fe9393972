"""What is said of a limit that was judged: figures in its unit, and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Any

from tokenaudit.budgets.cases import PACE_DAYS
from tokenaudit.render.numbers import EXACT, compact_tokens, money, percent

if TYPE_CHECKING:
    from tokenaudit.budgets.cases import Case
    from tokenaudit.budgets.declarations import Budget

Row = Mapping[str, Any]
"""A row of `Judged.rows`, with the day on which it went over in `crossed`."""


def figure(amount: Decimal | None, unit: str) -> str:
    """Return an amount in its unit: ``$20,000.00``, ``41.2 B tokens``, ``35 %``; ``not known`` where it is null.

    >>> figure(Decimal("0.354"), "share"), figure(Decimal(41), "tokens"), figure(Decimal(3), "EUR")
    ('35.4 %', '41 tokens', '€3.00')
    """
    if amount is None:
        return "not known"
    if unit == "tokens":
        return f"{compact_tokens(int(amount))} tokens"
    if unit == "share":
        return f"{EXACT.multiply(amount, Decimal(100)).quantize(Decimal('0.1')).normalize():f} %"
    return money(amount, unit)


def scope_text(budget: Budget) -> str | None:
    """Return a scope as --where has it, several conditions with ``;`` between them; None for everything."""
    parts = [
        f"{column}={','.join([values] if isinstance(values, str) else values)}"
        for column, values in budget.scope.items()
    ]
    return "; ".join(parts) or None


def subject(case: Case, key: str | None) -> str:
    """Return whose limit it is: the budget, and the value of its `each`."""
    return case.budget.id if key is None else f"{case.budget.id} / {key}"


def used(row: Row, case: Case) -> str:
    """Return what was spent of what: ``$21,340.00 of $20,000.00 (107 %) in November 2026``."""
    share = part(row, case)
    beside = f" ({share})" if share else ""
    return f"{figure(row['spent'], case.unit)} of {figure(row['limit'], case.unit)}{beside} in {case.period.name}"


def part(row: Row, case: Case) -> str:
    """Return how much of a limit is used: ``107 %``, and ``100.1 %`` where it is just over; nothing for shares."""
    ratio = row["used"]
    if ratio is None or case.unit == "share":
        return ""
    just_over = 1 < ratio < Decimal("1.01")
    return f"{(ratio * 100).quantize(Decimal('0.1'), ROUND_CEILING)} %" if just_over else percent(ratio)


def pace(row: Row, case: Case) -> str:
    """Return the run-rate: ``$290.00 a day``; nothing for shares, for single days, and where nothing was spent."""
    spent = row["pace_tokens"] if case.unit == "tokens" else row["pace_spent"]
    if case.unit == "share" or case.limit.period == "day" or not spent:
        return ""
    return f"{figure(EXACT.divide(Decimal(spent), Decimal(PACE_DAYS)), case.unit)} a day"


def verdict(row: Row) -> str:
    """Return the verdict, with the day where one is known: ``over since 2026-11-20``."""
    since = f" since {row['crossed']}" if row["verdict"] == "over" and row["crossed"] else ""
    return f"{row['verdict']}{since}"


def outlook(row: Row, case: Case) -> str:
    """Return the run-rate, and the day on which the limit would be exceeded by it."""
    rate = pace(row, case)
    return f"{rate}, over on {row['over_on']}" if rate and row["verdict"] != "over" and row["over_on"] else rate


def message(row: Row, case: Case, culprits: Sequence[Row]) -> str:
    """Return a sentence on a limit; nothing where it is kept."""
    if row["verdict"] == "ok":
        return ""
    text = f"budget {subject(case, row['key'])}: {used(row, case)}"
    return "; ".join([text, *_remarks(row, case), *blamed(row, case, culprits)])


def _remarks(row: Row, case: Case) -> Iterator[str]:
    if row["verdict"] == "over":
        yield verdict(row)
    if row["verdict"] == "unjudged":
        unpriced = row["spent"] is None
        yield (
            "not judged: it has no price"
            if unpriced
            else f"not judged: it also has spend in other currencies than {case.unit}"
        )
    rate = outlook(row, case)
    if rate and row["verdict"] in ("over", "warn"):
        yield f"run-rate of the last {PACE_DAYS} days {rate}"


def blamed(row: Row, case: Case, culprits: Sequence[Row]) -> list[str]:
    """Return who most of it was spent by; what the budget is for each of needs no saying."""
    parts = [
        f"{item['by']} {item['value'] or '(unattributed)'} {percent(item['share'])}"
        for item in culprits
        if item["by"] != case.budget.each and item["share"] is not None
    ]
    return [f"most of it: {', '.join(parts)}"] if parts and row["verdict"] == "over" else []


def excess(row: Row, case: Case) -> str:
    """Return by how much a limit is exceeded: ``eng by $1,340.00``."""
    return f"{subject(case, row['key'])} by {figure(row['spent'] - row['limit'], case.unit)}"
