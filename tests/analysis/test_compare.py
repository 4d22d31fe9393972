"""A period beside the one before."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import polars as pl

from tokenaudit.analysis.breakdown import Breakdown, breakdown, fold
from tokenaudit.analysis.compare import compare, compare_totals
from tokenaudit.analysis.cube import cube

Frames = Callable[..., pl.LazyFrame]


class Months:
    """Break down users' billed amounts."""

    def __init__(self, usage: Frames, book: Any) -> None:
        self.usage = usage
        self.book = book

    def __call__(self, by: str = "user", **amounts: str | None) -> Breakdown:
        """Return a breakdown with one billed row for each user; without an amount an unpriced one."""
        rows = [self.row(user, amount) for user, amount in amounts.items()]
        return breakdown(cube(self.usage(*rows), [by], self.book), [by])

    def row(self, user: str, amount: str | None) -> dict[str, Any]:
        """Return a usage row; an amount may name its currency after a blank."""
        if amount is None:
            return {"user": user, "request_model": "no-such-model", "output_tokens": 1}
        number, _, currency = amount.partition(" ")
        money = {"billed_cost": Decimal(number), "cost_basis": "billed", "billing_currency": currency or "USD"}
        return {"user": user, **money}


def spends(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Return user, spend and spend before."""
    return frame.select("user", "effective_cost", "previous").rows()


def test_rows_stand_beside_their_previous_spend(usage: Frames, book: Any) -> None:
    """A new row had 0 before, one that is gone has 0 now and comes last."""
    month = Months(usage, book)
    now, before = month(a="5", b="3", c="1"), month(a="2", c="1", d="4", e="9")
    assert spends(compare(now, before)) == [
        ("a", 5, 2),
        ("b", 3, 0),
        ("c", 1, 1),
        ("e", 0, 9),
        ("d", 0, 4),
    ]
    gone = compare(now, before).row(-1, named=True)
    assert (gone["requests"], gone["list_cost"], gone["share"]) == (0, 0, 0)


def test_unknown_spend_compares_with_nothing(usage: Frames, book: Any) -> None:
    """Unpriced before is not known, which is not 0."""
    month = Months(usage, book)
    assert spends(compare(month(a="5", b=None), month(a=None, b="1"))) == [("a", 5, None), ("b", None, 1)]


def test_without_a_period_before_nothing_is_new(usage: Frames, book: Any) -> None:
    """`previous` is null, shares are there."""
    result = compare(Months(usage, book)(a="3", b="1"))
    assert result.select("share", "previous").rows() == [(Decimal("0.75"), None), (Decimal("0.25"), None)]


def test_times_have_no_previous(usage: Frames, book: Any) -> None:
    """A day of this month is not the same day of the month before."""
    month = Months(usage, book)
    assert compare(month("day", a="3"), month("day", a="2")).get_column("previous").to_list() == [None]


def test_shares_are_of_the_spend_in_one_currency(usage: Frames, book: Any) -> None:
    """They add up to 1 per currency; without spend there is no share."""
    month = Months(usage, book)
    shares = compare(month(a="3", b="1", c="7 EUR", d=None)).select("user", "share").rows()
    assert shares == [("c", 1), ("a", Decimal("0.75")), ("b", Decimal("0.25")), ("d", None)]
    assert compare(month(a="0")).get_column("share").to_list() == [None]


def test_rows_compare_with_the_same_currency(usage: Frames, book: Any) -> None:
    """A row without a user is found again too."""
    month = Months(usage, book)
    result = compare(month(a="3 EUR"), month(a="2", b="4 EUR"))
    assert spends(result) == [("a", 3, 0), ("b", 0, 4), ("a", 0, 2)]
    unnamed = breakdown(cube(usage(month.row("", "1")), ["project"], book), ["project"])
    assert compare(unnamed, unnamed).select("project", "previous").rows() == [(None, 1)]


def test_totals_compare_by_currency(usage: Frames, book: Any) -> None:
    """One row per currency of either period."""
    month = Months(usage, book)
    now, before = month(a="3", b="1"), month(a="2", b="9 EUR")
    columns = ["billing_currency", "effective_cost", "previous"]
    assert compare_totals(now, before).select(columns).rows() == [("USD", 4, 2), ("EUR", 0, 9)]
    assert compare_totals(now).select(columns).rows() == [("USD", 4, None)]


def test_folding_after_comparing_keeps_the_change(usage: Frames, book: Any) -> None:
    """What is gone is folded in, but not counted among the others."""
    month = Months(usage, book)
    result = compare(month(a="5", b="3", c="1"), month(a="2", x="4", y="6"))
    assert spends(fold(result, ["user"], 1)) == [("a", 5, 2), ("(other 2)", 4, 10)]
    assert spends(fold(result, ["user"], 3))[-1] == ("(gone 2)", 0, 10)
