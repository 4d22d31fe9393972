"""A forecast in plain sentences: what it will come to, why, and how good that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tokenaudit.analysis.drivers import Change, change, movers
from tokenaudit.forecast.panel import MONTH, Floats
from tokenaudit.forecast.runout import run_out
from tokenaudit.render.numbers import rough, signed_money

if TYPE_CHECKING:
    from tokenaudit.reports.foreseen import Foreseen, Wish
    from tokenaudit.reports.horizons import Horizon
    from tokenaudit.reports.question import Question

SATURDAY = 5
RECENT = 14
"""Days that say what a day costs now, and how many before them they are compared with."""
ERRATIC = 8
"""A range whose end is so many times its beginning is too wide to plan with."""
NOTABLE = 0.05
BLOCKS = "▁▂▃▄▅▆▇█"
DAYS_AHEAD = 14


def heading(found: Foreseen, wish: Wish) -> Iterator[str]:
    """Yield the lines above the tables."""
    known = found.read.last
    left = f", left out: {found.read.partial}, not complete" if found.read.partial else ""
    yield f"Forecast from {_day(known)} {known.year}, in {found.history.currency}\tdata through {_day(known)}{left}"
    yield ""
    if not found.outlook.known[0]:
        yield f"Too little history: {found.history.panel.days} days. What follows is a guess with a wide range."
    yield _month(found, wish)
    yield _why(found)
    yield _quality(found)
    yield ""
    yield from _picture(found)


def _month(found: Foreseen, wish: Wish) -> str:
    month, currency = found.horizons[0], found.history.currency
    totals = found.totals(month)
    spent, likely = _money(totals.so_far[0], currency), _money(totals.middle[0], currency)
    ahead = month.ahead(found.read.last)
    if not ahead:
        return f"{month.name}: {spent} in all."
    low, high = (float(totals.at(0.5 + side * wish.level / 200)[0]) for side in (-1, 1))
    day, days = (month.last - month.first).days + 1 - ahead, (month.last - month.first).days + 1
    begun = f"{spent} so far (day {day} of {days}). " if day else ""
    band = f"{_chance(wish.level / 100)} it ends between {_money(low, currency)} and {_money(high, currency)}"
    text = f"{month.name}: {begun}Most likely total {likely}; {band}."
    return f"{text} {_budget(found, month, wish.budget)}" if wish.budget is not None else text


def _budget(found: Foreseen, month: Horizon, budget: Decimal) -> str:
    named = f"Budget {rough(budget, found.history.currency)}"
    ahead = month.ahead(found.read.last)
    spent = float(found.history.since(month.first)[0])
    if spent > budget:
        return f"{named}: over already."
    when = run_out(found.outlook, ahead, float(budget), spent)
    if when.middle is not None:
        between = f" (8 in 10: {_span(found, when.early, when.late)})"
        return f"{named}: {_tenths(when.chance)} to go over, most likely about {_ahead(found, when.middle)}{between}."
    early = f"; at worst about {_ahead(found, when.early)}" if when.early is not None else ""
    return f"{named}: {_tenths(when.chance)} to go over{early}."


def _span(found: Foreseen, early: int | None, late: int | None) -> str:
    begin = _ahead(found, early or 1)
    return f"between {begin} and {_ahead(found, late)}" if late else f"from {begin}, or not at all"


def _ahead(found: Foreseen, days: int) -> str:
    return _day(found.read.last + timedelta(days=days))


def _why(found: Foreseen) -> str:
    currency = found.history.currency
    values = found.history.spent[0]
    now, before = values[-RECENT:], values[-2 * RECENT : -RECENT]
    days = [found.history.panel.day(column).weekday() for column in range(len(values) - len(now), len(values))]
    weekend = np.array(days) >= SATURDAY
    means = [float(now[chosen].mean()) if chosen.any() else 0.0 for chosen in (~weekend, weekend)]
    text = (
        f"Why: the last {len(now)} days ran at {_money(now.mean(), currency)} a day "
        f"(weekdays {_money(means[0], currency)}, weekends {_money(means[1], currency)})"
    )
    if len(before) < RECENT or not before.sum():
        return f"{text}."
    text += f", {now.sum() / before.sum() - 1:+.0%} on the {RECENT} days before".replace("%", " %")
    return f"{text}{_doubling(values)}. {_drivers(found)}"


def _doubling(values: Floats) -> str:
    """Say how fast spend doubles, where the last four weeks are a quarter more than the four before."""
    now, before = float(values[-MONTH:].sum()), float(values[-2 * MONTH : -MONTH].sum())
    if len(values) < 2 * MONTH or before <= 0 or now / before < 1.25:  # noqa: PLR2004 - a quarter
        return ""
    return f"; at the pace of eight weeks it doubles every {np.log(2) / np.log(now / before) * MONTH:.0f} days"


def _drivers(found: Foreseen) -> str:
    """Name what the change is made of, and the key that moved most."""
    last = found.read.last
    now = found.rows.filter(pl.col("day") > last - timedelta(days=RECENT))
    before = found.rows.filter(pl.col("day").is_between(*_before(last)))
    parts = _parts(change(before, now, found.cost), found.history.currency)
    moved = [
        (name, *row)
        for name in ("project", "user", "model")
        for row in movers(before, now, name, found.cost).rows()[:1]
    ]
    name, key, most = max(moved, key=lambda item: abs(item[2]))
    return f"{parts}Biggest mover: {name} {key or '(unattributed)'} {signed_money(most, found.history.currency, 0)}."


def _before(last: date) -> tuple[date, date]:
    return last - timedelta(days=2 * RECENT - 1), last - timedelta(days=RECENT)


def _parts(found: Change, currency: str) -> str:
    names = {"volume": "use", "models": "models", "cache": "cache and output mix", "prices": "prices"}
    sizes = {name: getattr(found, name) for name in names}
    worth = {name: size for name, size in sizes.items() if abs(size) >= NOTABLE * max(found.before, found.now)}
    told = [
        f"{names[name]} {signed_money(Decimal(str(round(size, 2))), currency, 0)}"
        for name, size in sorted(worth.items(), key=lambda item: -abs(item[1]))
    ]
    return f"Of that: {', '.join(told)}. " if told else ""


def _quality(found: Foreseen) -> str:
    """Say by how much forecasts of 14 days missed, and by how much the run-rate of the month would have."""
    missed = found.outlook.typical
    if np.isnan(missed.own[0]):
        return "How good is this? There are too few finished windows to tell; `tokenaudit forecast --backtest` later."
    own, rate = (_miss(float(np.expm1(value[0]))) for value in (missed.own, missed.rate))
    return (
        f"How good is this? Forecasts of {missed.days} days on these data typically missed by {own}, a plain run-rate "
        f"by {rate}; `tokenaudit forecast --backtest` tells how often the range was right."
    )


def _miss(share: float) -> str:
    """Return by how much forecasts missed, in words where a percentage says nothing.

    >>> _miss(0.23), _miss(1239.07)
    ('23 %', 'more than the whole amount')
    """
    return f"{100 * share:.0f} %" if share <= 1 else "more than the whole amount"


def _picture(found: Foreseen) -> Iterator[str]:
    """Yield the last four weeks and the next two as blocks: likely, and the ends of the range."""
    values = found.history.spent[0][-MONTH:]
    path = found.outlook.path(DAYS_AHEAD)[0]
    middle = path.shape[1] // 2
    low, likely, high = (np.diff(path[:, at], prepend=0.0) for at in (middle - 16, middle, middle + 16))
    top = max(float(values.max()), float(high.max()), 1e-12)
    yield f"high    {' ' * len(values)}│{_blocks(high, top)}"
    yield f"likely  {_blocks(values, top)}│{_blocks(likely, top)}"
    yield f"low     {' ' * len(values)}│{_blocks(low, top)}"


def _blocks(values: Floats, top: float) -> str:
    return "".join(BLOCKS[min(int(value / top * len(BLOCKS)), len(BLOCKS) - 1)] for value in values)


def verdict(row: dict[str, Any], level: int) -> str:
    """Say in words what a range cannot: that there is too little history, or that it is too wide to plan with."""
    if not row["enough"]:
        return "too little history"
    low, high = row[f"lo{level}"] - row["so_far"], row[f"hi{level}"] - row["so_far"]
    if high <= 0:
        return "stopped" if row["target"].startswith("next") else ""
    if high > ERRATIC * max(low, row["so_far"] / 4):
        return "too erratic to plan with" if low > 0 else "may stop"
    return ""


def notes_of(found: Sequence[Foreseen], question: Question) -> tuple[str, ...]:
    """Return what a reader must know beside the figures."""
    unpriced = int(found[0].read.cube["unpriced_tokens"].sum())
    lines = ["Forecasts are of spend that has a price; ranges are those of whole spans, not sums of days."]
    lines += [f"{unpriced:,} tokens of the time read have no price and are not in it."] if unpriced else []
    lines += ["The cost is not the effective one."] if question.cost != "effective_cost" else []
    for day, effect in found[0].changes.told(question.cost):
        size = f"{abs(effect):.1%}".replace("%", " %")
        way = "more" if effect > 0 else "less"
        lines.append(f"From {_day(day)} on list prices change: the same use then costs {size} {way}.")
    return tuple(lines)


def _money(value: float, currency: str) -> str:
    return rough(Decimal(str(round(float(value), 2))), currency)


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _chance(part: float) -> str:
    return f"{part * 10:.0f} times in 10" if round(part * 100) % 10 == 0 else f"{part * 100:.0f} times in 100"


def _tenths(chance: float) -> str:
    """Return a chance in tenths; only the sure is 10 in 10.

    >>> _tenths(0.72), _tenths(0.004), _tenths(0.999)
    ('7 in 10', 'less than 1 in 10', 'more than 9 in 10')
    """
    if chance < 0.05:  # noqa: PLR2004 - rounds to nothing
        return "less than 1 in 10"
    return "more than 9 in 10" if chance > 0.95 else f"{chance * 10:.0f} in 10"  # noqa: PLR2004 - rounds to all
