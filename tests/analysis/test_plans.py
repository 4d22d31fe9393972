"""A report says that a plan covers somebody's calls: so it covers what a log tells of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.analysis.test_overlap import MILLION, Row, billed, by, joined, logged, told

if TYPE_CHECKING:
    import polars as pl

    Frames = Callable[..., pl.LazyFrame]


def covered(tokens: int, **more: Any) -> Row:
    """Return what the provider's report tells of a subscriber's day."""
    plan = {"granularity": "day", "requests": 0, "cost_basis": "included"}
    return {**logged(1, tokens, source="report", user="ann@example.com"), **plan, **more}


def test_a_log_of_covered_calls_costs_nothing(usage: Frames, book: Any) -> None:
    """Ann's log tells the same million, and where it was spent; bob's is not covered."""
    rows = usage(covered(MILLION), logged(1, user="ann", project="shop"), logged(1, user="bob"))
    assert by(rows, book, "user") == {"ann": 0, "bob": 10}
    assert by(rows, book, "project", "cost_basis", column="list_cost") == {("shop", "included"): 10, (None, "list"): 10}
    assert by(rows, book, "source", column="output_tokens") == {"codex": 2 * MILLION}
    assert by(rows, book, "source", column="requests") == {"codex": 2}
    assert told(rows, book).aside.select("source", "for_source", "tokens").rows() == [("report", "codex", MILLION)]


def test_each_has_its_rest(usage: Frames, book: Any) -> None:
    """Of two millions in a log one is covered; of two in the report one was never logged here."""
    assert by(usage(covered(MILLION), logged(1, 2 * MILLION, user="ann")), book, "cost_basis") == {
        "included": 0,
        "list": 10,
    }
    rest = joined(usage(covered(2 * MILLION), logged(1, user="ann")), ["source"], book).cube
    assert sorted(rest.select("source", "output_tokens", "effective_cost").rows()) == [
        ("codex", MILLION, 0),
        ("report", MILLION, 0),
    ]


def test_covered_calls_are_on_no_bill(usage: Frames, book: Any) -> None:
    """The bill is of the calls that no plan covers."""
    rows = usage(covered(MILLION), logged(1, 3 * MILLION, user="ann"), billed(1, "4"))
    assert by(rows, book, "cost_basis") == {"included": 0, "billed": 4}
    assert by(rows, book, "cost_basis", column="output_tokens") == {"included": MILLION, "billed": 2 * MILLION}


def test_kept_reports_are_left_alone(usage: Frames, book: Any) -> None:
    """`keep` counts both, the log at its price."""
    rows = usage(covered(MILLION), logged(1, user="ann"))
    assert by(rows, book, "source", keep=frozenset({"report"})) == {"report": 0, "codex": 10}
