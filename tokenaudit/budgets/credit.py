"""Grants: spend is drawn from whatever expires first, so that no dollar is counted against two of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple


class Source(NamedTuple):
    """Something to draw on: the limit of a window, or a grant."""

    first: date
    last: date
    amount: Decimal
    granted: bool


class Piece(NamedTuple):
    """What was spent in some days of one window."""

    first: date
    last: date
    spent: Decimal


def granted(sources: Sequence[Source], pieces: Sequence[Piece], window: tuple[date, date], today: date) -> Decimal:
    """Return what grants add to the limit of a window: what was drawn on in it, and what is left and still holds.

    >>> from datetime import date as d
    >>> limit, grant = (
    ...     Source(d(2026, 11, 1), d(2026, 11, 30), Decimal(100), False),
    ...     Source(d(2026, 11, 1), d(2026, 11, 9), Decimal(50), True),
    ... )
    >>> spent = [
    ...     Piece(d(2026, 11, 1), d(2026, 11, 9), Decimal(20)),
    ...     Piece(d(2026, 11, 10), d(2026, 11, 20), Decimal(70)),
    ... ]
    >>> granted([limit, grant], spent, (d(2026, 11, 1), d(2026, 11, 30)), d(2026, 11, 20))
    Decimal('20')
    """
    order = sorted(sources, key=lambda item: (item.last, item.first, not item.granted))
    left = [item.amount for item in order]
    drawn = Decimal(0)
    for piece in pieces:
        rest = max(piece.spent, Decimal(0))
        for number, item in enumerate(order):
            taken = min(rest, left[number]) if item.first <= piece.first and piece.last <= item.last else Decimal(0)
            left[number] -= taken
            rest -= taken
            drawn += taken if item.granted and window[0] <= piece.first <= window[1] else 0
    holds = (item.granted and item.first <= today <= item.last for item in order)
    return drawn + sum((rest for rest, held in zip(left, holds, strict=True) if held), Decimal(0))
