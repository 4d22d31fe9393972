"""Costs under any agreement: they add up however they are asked for, and never more than they may be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit.analysis.allot import allot, scaled
from tokenaudit.analysis.dated import Dated, Wanted, dated_cube
from tokenaudit.analysis.where import belongs
from tokenaudit.conditions import parse_condition
from tokenaudit.periods import parse_period
from tokenaudit.prices.book import PriceBook
from tokenaudit.schema import MONEY
from tokenaudit.terms.records import Agreement, Commit, Credit, Flat, Fx, Rate, Terms, Tier
from tokenaudit.terms.spans import Span

Frames = Callable[..., pl.LazyFrame]
EXACT = pl.Decimal(38, 18)
ATTO = Decimal("1e-18")
OCTOBER = Span(date(2026, 10, 1), date(2026, 10, 31))
AS_OF = date(2026, 12, 1)
LIST = {"claude-opus-5-5": Decimal(4), "claude-haiku-4-5": Decimal(1), "claude-opus-4-5": Decimal(5)}
shares = st.sampled_from([Decimal(part) for part in ("0", "0.1", "0.17", "0.333333", "0.5")])
dollars = st.decimals(0, 200, places=2)


def row(day: int, millions: int = 1, **more: Any) -> dict[str, Any]:
    """Return a request of a day of October 2026, of a dollar for each million of tokens."""
    at = datetime(2026, 10, day, 12, tzinfo=UTC)
    return {"charge_period_start": at, "uncached_input_tokens": millions * 10**6, **more}


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a usage row of October or September."""
    start = datetime(2026, 9, 20, tzinfo=UTC) + timedelta(hours=draw(st.integers(0, 24 * 41)))
    paid = {"billed_cost": draw(dollars)} if draw(st.integers(0, 5)) == 0 else {}
    return {
        "charge_period_start": start,
        "user": draw(st.sampled_from(["a", "b", None])),
        "project": draw(st.sampled_from(["p", "q"])),
        "request_model": draw(st.sampled_from([*LIST, "unknown-9"])),
        "uncached_input_tokens": draw(st.integers(0, 10**8)),
        "output_tokens": draw(st.integers(0, 10**6)),
        "web_search_requests": draw(st.integers(0, 3)),
        "cost_basis": draw(st.sampled_from([None, None, None, "included"])),
        **paid,
    }


@st.composite
def agreements(draw: st.DrawFn) -> Agreement:
    """Draw an agreement with Anthropic of any kind but with rates above list prices."""
    steps = sorted(draw(st.sets(st.integers(1, 500), max_size=2)))
    commit = st.builds(
        Commit,
        amount=dollars,
        period=st.sampled_from(["month", "term"]),
        overage=st.sampled_from(["list", "contracted"]),
    )
    credit = st.builds(Credit, amount=dollars, expires=st.dates(date(2026, 9, 25), date(2026, 11, 9)))
    return Agreement(
        id="a",
        provider="anthropic",
        first=date(2026, 9, 1),
        last=date(2026, 12, 31),
        discount=draw(shares),
        applies_to=draw(st.sampled_from([["tokens"], ["fees"], ["tokens", "fees"]])),
        exclude=draw(st.sampled_from([[], ["claude-haiku-*"]])),
        tier=[Tier(over_usd=Decimal(over), discount=draw(shares)) for over in steps],
        tiers=draw(st.sampled_from(["marginal", "retroactive"])),
        tier_period=draw(st.sampled_from(["month", "quarter", "term"])),
        rate=draw(st.sampled_from([[], [Rate(model="claude-opus-5-5", input=Decimal(3))]])),
        commit=draw(st.none() | commit),
        credit=draw(st.lists(credit, max_size=2)),
        flat=draw(st.sampled_from([[], [Flat(what="seats", amount=Decimal(100))]])),
        markup=draw(st.sampled_from([Decimal(0), Decimal("0.05")])),
    )


def asked(usage: pl.LazyFrame, book: PriceBook, terms: Terms, *by: str, days: Span = OCTOBER, **more: Any) -> Dated:
    """Return the answer for some days, from usage that holds all there is."""
    period = parse_period(f"{days.first}..{days.last}", AS_OF)
    where = [parse_condition(text) for text in more.pop("where", ())]
    wanted = Wanted(by, days, AS_OF, where, inside=belongs(period), **more)
    return dated_cube(usage, book, terms, wanted)


def costs(found: Dated) -> dict[str, Decimal]:
    """Return the sums of money."""
    names = [name for name in (*MONEY, "markup") if name in found.cube.columns]
    return found.cube.select(pl.col(names).sum()).to_dicts()[0]


bounded = settings(max_examples=25, deadline=None)
drawn_rows = st.lists(rows(), max_size=12)


@bounded
@given(drawn=drawn_rows, terms=agreements(), order=st.randoms(use_true_random=False))
def test_no_breakdown_and_no_order_changes_the_total(
    usage: Frames, book: PriceBook, drawn: list[Any], terms: Agreement, order: Any
) -> None:
    """The same totals to the last digit, whatever they are broken down by and however the rows are ordered."""
    shuffled = order.sample(drawn, len(drawn))
    whole = costs(asked(usage(*drawn), book, Terms(agreements=(terms,))))
    for by in (["user"], ["project", "model", "day"], ["source", "cost_basis"]):
        assert costs(asked(usage(*shuffled), book, Terms(agreements=(terms,)), *by)) == whole


@bounded
@given(drawn=drawn_rows, terms=agreements(), cuts=st.lists(st.integers(2, 31), unique=True, max_size=4))
def test_parts_of_a_month_add_up_to_it(
    usage: Frames, book: PriceBook, drawn: list[Any], terms: Agreement, cuts: list[int]
) -> None:
    """Wherever a month is cut, its parts are the whole, exactly."""
    edges = [1, *sorted(cuts), 32]
    spans = [Span(date(2026, 10, first), date(2026, 10, last - 1)) for first, last in pairwise(edges)]
    parts = [costs(asked(usage(*drawn), book, Terms(agreements=(terms,)), days=span)) for span in spans]
    whole = costs(asked(usage(*drawn), book, Terms(agreements=(terms,))))
    assert {name: sum(part[name] for part in parts) for name in whole} == whole


@bounded
@given(drawn=drawn_rows, terms=agreements())
def test_nothing_costs_more_than_its_list_price(
    usage: Frames, book: PriceBook, drawn: list[Any], terms: Agreement
) -> None:
    """Nor does anything become negative; credits stay within their amounts; what has no price stays without one."""
    found = asked(usage(*drawn), book, Terms(agreements=(terms,)), "user", "project", "model", "day")
    under = found.rows.filter("under")
    assert under.filter(pl.col("effective_cost") < 0).is_empty()
    assert under.filter(pl.col("effective_cost") > pl.col("contracted_cost")).is_empty()
    assert under.filter(pl.col("contracted_cost") > pl.col("list_cost")).is_empty()
    off = under.select((pl.col("contracted_cost") - pl.col("effective_cost")).sum()).item() or 0
    assert off <= sum((credit.amount for credit in terms.credit), Decimal(0))
    unpriced = found.rows.filter(pl.col("request_model") == "unknown-9", pl.col("cost_basis") == "unpriced")
    assert unpriced["effective_cost"].null_count() == unpriced.height


@bounded
@given(drawn=drawn_rows, terms=agreements())
def test_conditions_take_their_part(usage: Frames, book: PriceBook, drawn: list[Any], terms: Agreement) -> None:
    """What one user has and what all others have is everything."""
    parts = [
        costs(asked(usage(*drawn), book, Terms(agreements=(terms,)), "model", where=[text]))
        for text in ("user=a", "user!=a")
    ]
    whole = costs(asked(usage(*drawn), book, Terms(agreements=(terms,)), "model", "user"))
    assert {name: sum(part[name] for part in parts) for name in whole} == whole


@bounded
@given(drawn=drawn_rows)
def test_an_agreement_without_terms_changes_nothing(usage: Frames, book: PriceBook, drawn: list[Any]) -> None:
    """What is contracted is the list price, and the spend is as without."""
    bare = costs(asked(usage(*drawn), book, Terms()))
    idle = Agreement(id="a", provider="anthropic", markup=Decimal("0.000001"))
    found = costs(asked(usage(*drawn), book, Terms(agreements=(idle,))))
    assert all(abs(found[name] - bare[name]) <= ATTO for name in bare)


MULTIPLIERS: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "3"),
    ({"batch": True}, "1.5"),
    ({"speed": "fast"}, "6"),
    ({"region": "us"}, "3.3"),
    ({"uncached_input_tokens": 0, "cache_read_input_tokens": 10**6}, "0.15"),
    ({"uncached_input_tokens": 0, "cache_creation_1h_input_tokens": 10**6}, "6"),
    ({"uncached_input_tokens": 0, "output_tokens": 10**6}, "20"),
    ({"uncached_input_tokens": 0, "web_search_requests": 100}, "1"),
)


@pytest.mark.parametrize(("more", "expected"), MULTIPLIERS)
def test_rates_keep_the_factors_of_list_prices(
    usage: Frames, book: PriceBook, more: dict[str, Any], expected: str
) -> None:
    """$3 in the place of $4 per million of input: batch is half of it, cache reads a twentieth; output is as listed."""
    rate = Rate(model="claude-opus-5-5", input=Decimal(3))
    terms = Terms(agreements=(Agreement(id="a", provider="anthropic", rate=[rate], discount=Decimal("0.5")),))
    found = asked(usage(row(5, request_model="claude-opus-5-5", **more)), book, terms)
    assert costs(found)["effective_cost"] == Decimal(expected)


def test_a_long_context_keeps_its_factor(usage: Frames, book: PriceBook) -> None:
    """A request beyond the threshold of its model costs twice the negotiated price too."""
    terms = Terms(agreements=(Agreement(id="a", provider="openai", rate=[Rate(model="gpt-5.4", input=Decimal(1))]),))
    call = row(5) | {"provider": "openai", "request_model": "gpt-5.4"}
    for tokens, price in ((272_000, 1), (272_001, 2)):
        found = asked(usage(call | {"uncached_input_tokens": tokens}), book, terms)
        assert costs(found)["effective_cost"] == Decimal(tokens) * price / 10**6


def test_the_longest_pattern_counts(usage: Frames, book: PriceBook) -> None:
    """Between agreements, then between the patterns of one; and only on the days of an agreement."""
    wide = Agreement(id="w", provider="anthropic", discount={"*": Decimal("0.1"), "claude-haiku-*": Decimal("0.2")})
    narrow = Agreement(id="n", provider="anthropic", models=["claude-opus-4-*"], discount=Decimal("0.5"))
    later = Agreement(id="l", provider="anthropic", first=date(2026, 10, 10), discount=Decimal("0.3"))
    terms = Terms(agreements=(wide, narrow, later))
    models = {name: row(5, request_model=name) for name in LIST}
    found = asked(usage(*models.values(), row(10, user="late")), book, terms, "model", "user")
    spend = {(row["model"], row["user"]): row["effective_cost"] for row in found.cube.to_dicts()}
    assert spend == {
        ("claude-opus-5-5", None): Decimal("3.6"),
        ("claude-haiku-4-5", None): Decimal("0.8"),
        ("claude-opus-4-5", None): Decimal("2.5"),
        ("claude-haiku-4-5", "late"): Decimal("0.7"),
    }


def test_other_vendors_are_left_alone(usage: Frames, book: PriceBook) -> None:
    """The same model from another seller is not under the agreement; what it costs is contracted at list price."""
    terms = Terms(agreements=(Agreement(id="a", provider="anthropic", discount=Decimal("0.5")),))
    found = asked(
        usage(row(5), row(5, provider="aws", request_model="anthropic.claude-haiku-4-5")), book, terms, "provider"
    )
    assert {row["provider"]: row["contracted_cost"] for row in found.cube.to_dicts()} == {
        "anthropic": Decimal("0.5"),
        "aws": Decimal(1),
    }


def test_volume_before_the_period_counts(usage: Frames, book: PriceBook) -> None:
    """A report of one day knows what was used since the agreement began."""
    tier = Tier(over_usd=Decimal(10), discount=Decimal("0.5"))
    terms = Terms(agreements=(Agreement(id="a", provider="anthropic", tier=[tier]),))
    days = Span(date(2026, 10, 9), date(2026, 10, 9))
    found = asked(usage(row(1, 8), row(9, 4), row(20, 100)), book, terms, days=days)
    assert costs(found)["effective_cost"] == 2 + 1


def test_conversion_by_day(usage: Frames, book: PriceBook) -> None:
    """Each day has its own rate; before the first there is none, and the amount stays as it is."""
    rates = (
        Fx(base="USD", quote="EUR", on=date(2026, 10, 5), rate=Decimal("0.9")),
        Fx(base="EUR", quote="USD", on=date(2026, 10, 1), rate=Decimal("1.25"), until=date(2026, 10, 2)),
    )
    found = asked(usage(row(2), row(4), row(6)), book, Terms(fx=rates), "day", currency="EUR")
    assert {(row["day"], row["billing_currency"]): row["effective_cost"] for row in found.cube.to_dicts()} == {
        ("2026-10-02", "EUR"): Decimal("0.8"),
        ("2026-10-04", "USD"): 1,
        ("2026-10-06", "EUR"): Decimal("0.9"),
    }


weights = st.lists(st.integers(0, 10**27), min_size=1, max_size=30)


@given(parts=weights, share=st.integers(0, 10**6))
def test_shares_of_rows_add_up(parts: list[int], share: int) -> None:
    """Shares are the whole to the last digit, none is above its weight, none is far from its proportion."""
    weight = [Decimal(part).scaleb(-18) for part in parts]
    whole = Decimal(sum(parts) * share // 10**6).scaleb(-18)
    frame = pl.DataFrame(
        {"cell": range(len(parts)), "group": 1, "amount": pl.Series([whole] * len(parts), dtype=EXACT)}
    ).with_columns(weight=pl.Series(weight, dtype=EXACT))
    found = [int(part.scaleb(18)) for part in allot(frame, "amount", "weight", ["group"], "part")["part"]]
    assert sum(found) == int(whole.scaleb(18))
    assert all(0 <= part <= most for part, most in zip(found, parts, strict=True))
    assert all(abs(part * sum(parts) - int(whole.scaleb(18)) * most) <= 6 * 10**9 * sum(parts) for part, most in zip(
        found, parts, strict=True))  # fmt: skip


@given(
    parts=st.lists(st.decimals(-1000, 1000, places=18), min_size=1, max_size=10), rate=st.decimals("0.01", 99, places=6)
)
def test_conversions_add_up(parts: list[Decimal], rate: Decimal) -> None:
    """However an amount is cut, its converted parts are the converted whole."""
    frame = pl.DataFrame({"cell": range(len(parts)), "group": 1, "amount": pl.Series(parts, dtype=EXACT)})
    factor = pl.lit(rate).cast(EXACT)
    whole = pl.DataFrame({"amount": pl.Series([frame["amount"].sum()], dtype=EXACT)})
    changes: tuple[Callable[[pl.Expr], pl.Expr], ...] = (lambda amount: amount * factor, lambda amount: amount / factor)
    for change in changes:
        found = scaled(frame, ["amount"], change, ["group"])["amount"].sum()
        assert found == whole.select(change(pl.col("amount"))).item()
