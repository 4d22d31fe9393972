"""Totals depend on the rows alone: not on their order, their grouping, or how they were split."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tokenaudit.analysis.breakdown import breakdown
from tokenaudit.analysis.compare import compare
from tokenaudit.analysis.cube import cube
from tokenaudit.analysis.measures import MEASURES
from tokenaudit.charges import charge, with_price_dimensions
from tokenaudit.conditions import Condition, parse_condition
from tokenaudit.schema import MONEY

Frames = Callable[..., pl.LazyFrame]

DIMENSIONS = (
    "user",
    "workspace",
    "request_model",
    "source",
    "granularity",
    "batch",
    "model",
    "cost_basis",
    "day",
    "hour",
)
ZONES = ("UTC", "Asia/Kolkata", "America/St_Johns", "Pacific/Chatham")
START = datetime(2026, 10, 23, tzinfo=UTC)

counts = st.integers(0, 10**9)
amounts = st.decimals(0, 10**6, places=12)
lengths = {"request": 0, "hour": 1, "day": 24, "period": 24 * 7}


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a usage row of any kind."""
    granularity = draw(st.sampled_from(sorted(lengths)))
    start = START + timedelta(hours=draw(st.integers(0, 80)))
    output = draw(counts)
    return {
        "source": draw(st.sampled_from(["usage", "openai-usage", "claude-code"])),
        "granularity": granularity,
        "charge_period_start": start,
        "charge_period_end": start + timedelta(hours=lengths[granularity]),
        "user": draw(st.sampled_from(["a", "b", None])),
        "workspace": draw(st.sampled_from(["p", "q", None])),
        "provider": "openai",
        "request_model": draw(st.sampled_from(["gpt-5", "gpt-5-mini", "no-such-model"])),
        "batch": draw(st.booleans()),
        "uncached_input_tokens": draw(counts),
        "output_tokens": output,
        "estimated_output_tokens": output + draw(st.integers(0, 5)),
        **draw(st.one_of(st.just({}), bills())),
    }


@st.composite
def bills(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the money of a row that names it."""
    basis = draw(st.sampled_from(["billed", "included"]))
    currency = draw(st.sampled_from(["USD", "EUR"]))
    return {"billed_cost": draw(amounts), "cost_basis": basis, "billing_currency": currency}


@st.composite
def costs(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a row of a cost export."""
    start = START + timedelta(days=draw(st.integers(0, 3)))
    return {
        "source": "openai-cost",
        "granularity": "day",
        "charge_period_start": start,
        "charge_period_end": start + timedelta(days=1),
        "workspace": draw(st.sampled_from(["p", "q", None])),
        "requests": 0,
        **draw(
            st.one_of(
                st.just({"blank": True}),
                st.builds(lambda amount: {"billed_cost": amount, "cost_basis": "billed"}, amounts),
            )
        ),
    }


groupings = st.lists(st.sampled_from(DIMENSIONS), unique=True, max_size=4)
usages = st.lists(rows(), max_size=25)
bounded = settings(max_examples=10, deadline=None)


def sums(frame: pl.DataFrame) -> dict[str, Any]:
    """Return the sum of each figure, unknown money as 0."""
    return frame.select(pl.col(MEASURES).sum()).to_dicts()[0]


@bounded
@given(drawn=usages, by=groupings, zone=st.sampled_from(ZONES))
def test_every_grouping_has_the_same_totals(
    usage: Frames, book: Any, drawn: list[Any], by: list[str], zone: str
) -> None:
    """However rows are broken down, and in whatever time zone, the totals and their parts are the same."""
    whole = breakdown(cube(usage(*drawn), [], book), [])
    parted = breakdown(cube(usage(*drawn), by, book, timezone=zone), by)
    assert_frame_equal(parted.totals, whole.totals)
    assert_frame_equal(parted.totals_by_currency, whole.totals_by_currency)
    assert sums(parted.rows) == sums(whole.totals_by_currency)


@bounded
@given(drawn=usages, by=groupings, keep=st.integers(0, 4))
def test_a_coarser_breakdown_of_a_finer_cube_is_the_coarse_one(
    usage: Frames, book: Any, drawn: list[Any], by: list[str], keep: int
) -> None:
    """One cube serves all breakdowns by its dimensions."""
    fine, coarse = cube(usage(*drawn), by, book), cube(usage(*drawn), by[:keep], book)
    assert_frame_equal(breakdown(fine, by[:keep]).rows, breakdown(coarse, by[:keep]).rows)


@bounded
@given(drawn=usages, by=groupings, seed=st.integers())
def test_the_order_of_rows_changes_nothing(
    usage: Frames, book: Any, drawn: list[Any], by: list[str], seed: int
) -> None:
    """The same rows in another order give the same report, line by line."""
    shuffled = random.Random(seed).sample(drawn, len(drawn))
    first, second = (breakdown(cube(usage(*some), by, book), by) for some in (drawn, shuffled))
    assert_frame_equal(first.rows, second.rows)
    assert_frame_equal(first.facts.by_basis, second.facts.by_basis)
    assert_frame_equal(first.facts.unpriced, second.facts.unpriced)


@bounded
@given(drawn=usages, condition=st.sampled_from(["user=a", "user=", "model=gpt-5", "cost_basis=list", "batch=true"]))
def test_what_conditions_take_and_leave_is_the_whole(
    usage: Frames, book: Any, drawn: list[Any], condition: str
) -> None:
    """A condition and its negation share no row and lose none."""
    taken = parse_condition(condition)
    sides = (taken, Condition(taken.column, taken.values, negated=True))
    parts = [breakdown(cube(usage(*drawn), [], book, conditions=[side]), []).totals_by_currency for side in sides]
    assert sums(pl.concat(parts)) == sums(breakdown(cube(usage(*drawn), [], book), []).totals_by_currency)


@bounded
@given(drawn=usages)
def test_pricing_sums_is_summing_prices(usage: Frames, book: Any, drawn: list[Any]) -> None:
    """The cube comes to what its rows cost one by one."""
    one_by_one = charge(with_price_dimensions(usage(*drawn), book), book).collect()
    together = cube(usage(*drawn), [], book)
    money = [name for name in MONEY if one_by_one.schema[name] != pl.Null]
    assert one_by_one.select(pl.col(money).sum()).row(0) == together.select(pl.col(money).sum()).row(0)


@bounded
@given(drawn=usages, earlier=usages, by=st.sampled_from([["user"], ["workspace", "model"]]))
def test_comparing_loses_nothing(usage: Frames, book: Any, drawn: list[Any], earlier: list[Any], by: list[str]) -> None:
    """The compared rows hold the totals of both periods."""
    now, before = (breakdown(cube(usage(*some), by, book), by) for some in (drawn, earlier))
    result = compare(now, before)
    assert sums(result) == sums(now.rows)
    assert result.get_column("previous").sum() == before.rows.get_column("effective_cost").sum()
