"""Numbers as people read them: money, tokens, shares and changes. Exact until the last digit is printed.

Amounts are Decimal and rounded half up, as on a bill. No binary float is involved.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

EXACT = Context(prec=120, rounding=ROUND_HALF_UP)
"""Wide enough for any sum of Decimal(38, 18); the default context would round after 28 digits."""

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
"""Currencies written with a sign; the others with their ISO 4217 code and a space."""

UNITS = (("", 1), ("K", 10**3), ("M", 10**6), ("B", 10**9), ("T", 10**12))

CENT = Decimal("0.01")
SMALLEST = Decimal("0.0001")
HUNDRED = Decimal(100)
LEAST = Decimal("-99.9")
"""The greatest fall, in percent, of something that is not gone."""
THOUSAND = Decimal(1000)


def money(amount: Decimal, currency: str = "USD", digits: int | None = None) -> str:
    """Return ``$1,305,088.81``, ``EUR``-like codes as ``CHF 12.50``; below a cent ``$0.0042``, else 2 decimals.

    Without `digits` only nothing is zero: less than the last decimal is ``<$0.0001``, or ``>-$0.0001``.
    """
    if digits is None and 0 < abs(amount) < SMALLEST / 2:
        return f"{'<' if amount > 0 else '>-'}{_symbol(currency)}{SMALLEST}"
    number = rounded(amount, decimals((amount,)) if digits is None else digits)
    return f"{'-' if number < 0 else ''}{_symbol(currency)}{number.copy_abs():,f}"


def exact_money(amount: Decimal, currency: str = "USD") -> str:
    """Return all digits of an amount and at least 2 decimals: ``$3.00``, ``$0.0625``, ``-$1,204.125``."""
    whole, _, part = plain(amount.copy_abs()).partition(".")
    return f"{'-' if amount < 0 else ''}{_symbol(currency)}{int(whole):,d}.{part:0<2}"


def rough(amount: Decimal, currency: str = "USD") -> str:
    """Return money of which no cents are known: ``$1,305``, ``<$1`` above nothing, ``$0``."""
    if 0 < amount < 1:
        return f"<{money(Decimal(1), currency, 0)}"
    return money(amount, currency, 0)


def signed_money(amount: Decimal, currency: str = "USD", digits: int | None = None) -> str:
    """Return money with its sign: ``+$29,870.00``, ``-$1,821.00``; zero has none."""
    text = money(amount, currency, digits)
    return f"+{text}" if amount > 0 else text


def decimals(amounts: Sequence[Decimal | None]) -> int:
    """Return how many decimals a column of `amounts` needs: 4 where the largest is below a cent, else 2."""
    return 4 if 0 < _largest(amounts) < CENT else 2


def difference_decimals(amounts: Sequence[Decimal | None]) -> int:
    """Return how many decimals a column of differences needs: none where thousands are at stake."""
    return 0 if _largest(amounts) >= THOUSAND else decimals(amounts)


def rounded(amount: Decimal, digits: int) -> Decimal:
    """Return `amount` to `digits` decimals, half up; never a negative zero."""
    number = EXACT.quantize(amount, Decimal(1).scaleb(-digits))
    return number or number.copy_abs()


def apportion(parts: Sequence[Decimal | None], digits: int = 2) -> list[Decimal | None]:
    """Round `parts` so that they add up to their rounded sum; each stays within one last digit; null stays null.

    The largest remainders are rounded up (Hamilton's method); among equals the larger amount, then the earlier one.
    """
    unit = Decimal(1).scaleb(-digits)
    known = {index: part for index, part in enumerate(parts) if part is not None}
    floors = {index: part.quantize(unit, ROUND_FLOOR, EXACT) for index, part in known.items()}
    cut = {index: EXACT.subtract(part, floors[index]) for index, part in known.items()}
    lost = EXACT.subtract(rounded(total(parts), digits), total(list(floors.values())))
    order = sorted(known, key=lambda index: (-cut[index], -known[index].copy_abs(), index))
    raised = set(order[: int(EXACT.divide(lost, unit))])
    return [None if part is None else EXACT.add(floors[i], unit * (i in raised)) for i, part in enumerate(parts)]


def total(amounts: Sequence[Decimal | None]) -> Decimal:
    """Return the exact sum of the known `amounts`."""
    result = Decimal(0)
    for amount in amounts:
        result = result if amount is None else EXACT.add(result, amount)
    return result


def compact_tokens(tokens: int) -> str:
    """Return ``812``, ``9.1 M``, ``41.2 B`` or ``603 B``: one decimal below 100 of a unit."""
    sizes = [(_in_units(abs(tokens), size), unit) for unit, size in UNITS]
    number, unit = next((size for size in sizes if size[0] < THOUSAND), sizes[-1])
    return f"{'-' if tokens < 0 else ''}{number:,f} {unit}".rstrip()


def count(number: int) -> str:
    """Return ``388,120``."""
    return f"{number:,d}"


def plural(number: int, word: str) -> str:
    """Return a count with its word: ``1 line``, ``1,204 lines``."""
    return f"{count(number)} {word}{'' if number == 1 else 's'}"


def percent(ratio: Decimal) -> str:
    """Return ``23 %``; near the ends ``0.4 %``, ``<0.1 %``, ``99.6 %``: only nothing is 0 and only everything 100."""
    size = EXACT.multiply(ratio.copy_abs(), HUNDRED)
    text = f"{rounded(size, 1 if 0 < size < 1 or 0 < HUNDRED - size < 1 else 0):,f}"
    text = {"0.0": "<0.1", "100.0": ">99.9"}.get(text, text)
    return f"{'-' if ratio < 0 else ''}{text} %"


def change(now: Decimal, before: Decimal) -> str:
    """Return ``+38 %``, ``-12 %``, ``new`` where there was nothing before, ``gone`` where nothing is left."""
    if bool(now) != bool(before):
        return appearance(now, before)
    grown = EXACT.multiply(EXACT.divide(EXACT.subtract(now, before), before.copy_abs() or Decimal(1)), HUNDRED)
    nearly_gone = -HUNDRED < grown < LEAST + Decimal("0.4")
    shown = rounded(grown, 1 if Decimal("0.05") <= grown.copy_abs() < 1 or nearly_gone else 0)
    shown = max(shown, LEAST) if nearly_gone else shown
    return f"{shown:+,f} %" if shown else "0 %"


def difference(now: Decimal, before: Decimal, currency: str = "USD", digits: int | None = None) -> str:
    """Return ``+$29,870.00``, ``new`` or ``gone``."""
    return appearance(now, before) or signed_money(EXACT.subtract(now, before), currency, digits)


def appearance(now: Decimal, before: Decimal) -> str:
    """Return ``new``, ``gone``, or nothing where there is something on both sides or neither."""
    if bool(now) == bool(before):
        return ""
    return "new" if now else "gone"


def plain(number: Decimal) -> str:
    """Return all digits of `number`, without exponent and trailing zeros: ``0.1165700000000001``, ``12.5``, ``0``."""
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _symbol(currency: str) -> str:
    return SYMBOLS.get(currency, f"{currency} ")


def _largest(amounts: Sequence[Decimal | None]) -> Decimal:
    return max((abs(amount) for amount in amounts if amount is not None), default=Decimal(0))


def _in_units(tokens: int, size: int) -> Decimal:
    number = EXACT.divide(Decimal(tokens), Decimal(size))
    fine = rounded(number, 1)
    return fine if size > 1 and fine < HUNDRED else rounded(number, 0)
