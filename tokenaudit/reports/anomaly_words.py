"""An anomaly in a plain sentence, and how its score is worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from math import exp, log
from typing import TYPE_CHECKING

from tokenaudit.conditions import UNATTRIBUTED
from tokenaudit.forecast.calm import CUSHION
from tokenaudit.forecast.detect import DROP, NORMAL, SHIFT, SPIKE
from tokenaudit.forecast.hours import BURST, ENDLESS, LEAST_ROW
from tokenaudit.render.numbers import rough

if TYPE_CHECKING:
    from tokenaudit.reports.anomaly import Anomaly

BECAUSE = {
    "volume": "more use",
    "models": "dearer models",
    "cache": "less cached input or longer output",
    "prices": "dearer prices",
}
SINGLE = frozenset({"spike", "drop", "new", "runaway"})


def sentence(item: Anomaly) -> str:
    """Return what happened, what was expected, and who and what carries it."""
    name = f"{item.dimension} {item.key or UNATTRIBUTED}" if item.by_any else "Total"
    parts = [value for value in (item.by_user, item.by_model, item.by_project) if value]
    carried = f", carried by {', '.join(parts)}" if parts else ""
    why = f": {BECAUSE[item.because]}" if item.because else ""
    begun = f", since {item.first}" if item.first != item.date and item.kind != "new" else ""
    going = ", still going" if item.going and item.kind not in {"spike", "new"} else ""
    return f"{item.kind}  {name}, {item.date}: {_what(item)}{begun}{going}{carried}{why}"


def _what(item: Anomaly) -> str:
    actual, expected, excess = (_money(value, item) for value in (item.actual, item.expected, abs(item.excess)))
    low, high = _money(item.low, item), _money(item.high, item)
    if item.kind == "new":
        return f"first seen {item.first}, {actual} so far"
    if item.kind == "drop":
        return f"nothing, where {expected} a day was usual; did an export stop arriving?"
    if item.kind == "runaway":
        return f"{actual} in hours that held at most {expected} before, {excess} over"
    span = "" if item.kind in SINGLE else f" in {item.days} days"
    return f"{actual}{span}, {excess} over what was expected ({low} to {high})"


def explained(item: Anomaly) -> Iterator[str]:
    """Yield how the score was worked out."""
    yield f"    {WORKINGS[item.kind](item)}"


def _of_spike(item: Anomaly) -> str:
    deviation = (item.high - item.expected) / NORMAL
    return (
        f"({item.actual:.2f} - {item.expected:.2f}, the mean of the 28 days before) / {deviation:.2f}, their standard "
        f"deviation / {SPIKE} = {item.score:.2f}; 1 is a flag"
    )


def _of_span(item: Anomaly) -> str:
    usual = log(item.high / item.expected) / NORMAL if item.expected > 0 else 0.0
    return (
        f"log({item.actual:.2f} / {item.expected:.2f} expected), {CUSHION:.0%} of {item.days} mean days added, is "
        f"{item.score * usual * SHIFT:.2f}; / {usual:.2f}, the usual miss / {SHIFT} = {item.score:.2f}; 1 is a flag"
    )


def _of_drop(item: Anomaly) -> str:
    chance = f"exp(-{item.score * DROP:.1f}) = {exp(-item.score * DROP):.1g}"
    return f"a silence of that length had a chance of {chance}; exp(-{DROP}) is a flag"


def _of_runaway(item: Anomaly) -> str:
    return (
        f"three hours over {BURST:.0f} times the most of any three before, or at least {LEAST_ROW} heavy hours in a "
        f"row and {ENDLESS} times as many as ever: {item.score:.2f}; 1 is a flag"
    )


def _of_new(item: Anomaly) -> str:
    return f"spend since it was first seen / {item.high:.2f}, the least that is told = {item.score:.2f}"


WORKINGS: dict[str, Callable[[Anomaly], str]] = {
    "spike": _of_spike,
    "shift": _of_span,
    "leak": _of_span,
    "drop": _of_drop,
    "runaway": _of_runaway,
    "new": _of_new,
}


def _money(value: float, item: Anomaly) -> str:
    return rough(Decimal(str(round(value, 2))), item.billing_currency)
