"""Money in JSON and SQLite: exact decimal text, whatever notation it comes in."""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation

LARGEST = Decimal(10) ** 15
PLACES = Decimal("1e-18")
WIDE = Context(prec=80)
"""Room for every digit that a file may hold."""


def amount(value: object) -> str | None:
    """Return an amount as plain decimal text of at most 18 places; None where there is none.

    A binary float is read by its shortest text: ``0.1`` is one tenth.
    """
    number = decimal(value)
    return None if number is None else f"{number:f}"


def decimal(value: object) -> Decimal | None:
    """Return a finite number as a decimal; None for null, text that is no number, and what no bill can hold."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value).strip().removeprefix("$"))
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) >= LARGEST:
        return None
    return min(number, WIDE.quantize(number, PLACES), key=_digits)


def estimate(*amounts: object) -> object:
    """Return the first amount a client tells that is not nothing: its 0 means a subscription or an unknown price."""
    return next((amount for amount in amounts if decimal(amount)), None)


def _digits(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def scaled(value: object, places: int) -> str | None:
    """Return an amount in another unit: cents to dollars with ``scaled(cents, -2)``."""
    number = decimal(value)
    return None if number is None else amount(WIDE.scaleb(number, places))
