"""One provider, two exports: money from the bill, tokens from the usage, nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit.analysis.cube import Counted, joined_cube
from tokenaudit.analysis.overlap import Joined, Overlap, bill_days
from tokenaudit.conditions import parse_condition
from tokenaudit.schema import MONEY

Frames = Callable[..., pl.LazyFrame]
Row = dict[str, Any]

DAY = timedelta(days=1)
MILLION = 1_000_000
MODEL = "gpt-5"


def used(day: int, **more: Any) -> Row:
    """Return a bucket of the usage export: a million tokens out, $10 by the list."""
    return {"source": "openai-usage", **bucket(day), "output_tokens": MILLION, **more}


def billed(day: int, amount: str | None = "4", **more: Any) -> Row:
    """Return a bucket of the cost export; without an amount one that says nothing was spent."""
    money = {"billed_cost": Decimal(amount), "cost_basis": "billed"} if amount else {"blank": True}
    return {"source": "openai-cost", **bucket(day), "requests": 0, **money, **more}


def bucket(day: int) -> Row:
    """Return what all buckets of a UTC day share."""
    start = datetime(2026, 10, day, tzinfo=UTC)
    times = {"charge_period_start": start, "charge_period_end": start + DAY, "granularity": "day"}
    return {**times, "provider": "openai", "request_model": MODEL}


WORDS = {
    "openai-usage": "usage",
    "openai-cost": "bill",
    "anthropic-usage": "usage",
    "usage": "client",
    "claude-code": "client",
    "codex": "client",
    "litellm": "gateway",
    "report": "gateway",
    "cloud": "bill",
}


def joined(rows: pl.LazyFrame, by: list[str], book: Any, **more: Any) -> Counted:
    """Return the cube of all rows, blank ones only as bills."""
    bills = [name for name, word in WORDS.items() if word == "bill"]
    official = pl.col("source").is_in([name for name, word in WORDS.items() if word != "client"])
    named = rows.select(pl.col("provider", "account").cast(pl.String), official=official).drop_nulls().unique()
    days = bill_days(rows.filter(pl.col("source").is_in(bills)), named.collect())
    keep, routers = more.pop("keep", frozenset()), frozenset({"litellm"})
    overlap = Overlap(WORDS, more.pop("restates", {}), days, keep=keep, routers=routers)
    return joined_cube(rows.filter(~pl.col("blank")), by, book, overlap, **more)


def told(rows: pl.LazyFrame, book: Any, **more: Any) -> Joined:
    """Return what was decided."""
    found = joined(rows, [], book, **more).joined
    assert found is not None
    return found


def totals(rows: pl.LazyFrame, book: Any) -> dict[str, Any]:
    """Return the sums over all rows."""
    sums = pl.col("output_tokens", "joined_tokens", *MONEY, "unpriced_tokens", "unpriced_requests").sum()
    return joined(rows, [], book).cube.select(sums).to_dicts()[0]


def test_a_bill_takes_the_place_of_computed_spend(usage: Frames, book: Any) -> None:
    """$4 billed and $10 by the list are $4; the tokens and their list value stay."""
    result = totals(usage(used(1), billed(1)), book)
    assert result["effective_cost"] == result["billed_cost"] == result["estimated_cost"] == Decimal(4)
    assert result["output_tokens"] == MILLION
    assert result["list_cost"] == Decimal(10)
    assert result["joined_tokens"] == MILLION


def test_days_without_a_bill_are_computed(usage: Frames, book: Any) -> None:
    """Only days that the cost export covers are settled."""
    assert totals(usage(used(1), billed(1), used(2)), book)["effective_cost"] == Decimal(14)
    assert totals(usage(used(1)), book)["effective_cost"] == Decimal(10)


def test_a_day_that_the_bill_calls_empty_is_settled(usage: Frames, book: Any) -> None:
    """Tokens that the provider billed with nothing, such as free ones, cost nothing."""
    assert totals(usage(used(1), billed(1, None)), book)["effective_cost"] == 0


def test_joined_tokens_count_as_priced(usage: Frames, book: Any) -> None:
    """A model without a price is no gap where its bill is known."""
    rows = usage(used(1, request_model="no-such-model"), billed(1))
    result = totals(rows, book)
    assert (result["unpriced_tokens"], result["unpriced_requests"]) == (0, 0)
    by_basis = joined(rows, ["cost_basis"], book).cube
    assert by_basis.get_column("cost_basis").to_list() == ["billed"]


def test_hours_belong_to_their_day(usage: Frames, book: Any) -> None:
    """Hourly usage is settled by the bill of its UTC day, in every time zone."""
    late = {"charge_period_start": datetime(2026, 10, 1, 23, tzinfo=UTC), "granularity": "hour"}
    early = {**late, "charge_period_start": datetime(2026, 10, 2, tzinfo=UTC)}
    assert totals(usage(used(1, **late), billed(1)), book)["effective_cost"] == Decimal(4)
    assert totals(usage(used(1, **early), billed(1)), book)["effective_cost"] == Decimal(14)


@pytest.mark.parametrize(
    ("of_usage", "of_bill", "spend"),
    [("a", "a", 4), ("a", "b", 14), (None, "b", 4), ("a", None, 4), (None, None, 4)],
)
def test_workspaces_tie_rows_where_both_name_one(
    usage: Frames, book: Any, of_usage: str | None, of_bill: str | None, spend: int
) -> None:
    """The bill of one workspace settles no other; a bill or usage without workspaces means all of them."""
    rows = usage(used(1, workspace=of_usage), billed(1, workspace=of_bill))
    assert totals(rows, book)["effective_cost"] == Decimal(spend)


def test_an_empty_day_speaks_for_the_workspaces_of_its_account(usage: Frames, book: Any) -> None:
    """Nothing spent in one organisation settles nothing of another."""
    ours = billed(2, workspace="a", account="us")
    rows = [used(1, workspace="a"), used(1, workspace="b"), billed(1, None, account="us")]
    assert totals(usage(*rows, ours), book)["effective_cost"] == Decimal(10 + 4)
    assert totals(usage(*rows), book)["effective_cost"] == 0
    assert totals(usage(*rows, {**ours, "account": "them"}), book)["effective_cost"] == Decimal(10 + 10 + 4)
    nameless = [{**row, "account": None} for row in (*rows, ours)]
    assert totals(usage(*nameless), book)["effective_cost"] == Decimal(10 + 4)


def test_what_a_plan_covers_stays_covered(usage: Frames, book: Any) -> None:
    """Included tokens cost 0 with or without a bill, and are still told apart from billed ones."""
    rows = usage(used(1, cost_basis="included"), billed(1))
    result = joined(rows, ["cost_basis"], book).cube
    assert sorted(result.select("cost_basis", "effective_cost").rows()) == [("billed", 4), ("included", 0)]


def test_a_bill_settles_only_the_usage_of_its_own_provider(usage: Frames, book: Any) -> None:
    """Another provider's usage of the same day and model keeps its spend."""
    rows = usage(used(1, source="anthropic-usage", provider="anthropic"), billed(1))
    assert totals(rows, book)["effective_cost"] == Decimal(14)


def test_a_list_price_in_the_bill_is_not_added_to_the_computed_one(usage: Frames, book: Any) -> None:
    """Where the bill states list prices, they are the list value of the day."""
    assert totals(usage(used(1), billed(1, list_cost=Decimal(5))), book)["list_cost"] == Decimal(5)


def test_rows_of_the_bill_are_not_multiplied(usage: Frames, book: Any) -> None:
    """Many rows of a bill settle many rows of usage, each once."""
    rows = [*(used(1, workspace=p) for p in "aab"), *(billed(1, workspace=p) for p in ("a", "a", "b", None))]
    result = totals(usage(*rows), book)
    assert (result["effective_cost"], result["output_tokens"]) == (Decimal(16), 3 * MILLION)


def test_settling_happens_before_grouping(usage: Frames, book: Any) -> None:
    """A cube by month, without days and workspaces, comes to the same spend."""
    rows = usage(
        used(1, workspace="a"), used(2, workspace="b"), used(3), billed(1, workspace="a"), billed(2, workspace="a")
    )
    result = joined(rows, ["month"], book).cube
    assert result.get_column("effective_cost").sum() == Decimal(4 + 4 + 10 + 10)


# -- what several logs tell -------------------------------------------------------------------------------------------
def logged(day: int, tokens: int = MILLION, source: str = "codex", **more: Any) -> Row:
    """Return a request that a log holds, at 12 o'clock."""
    at = datetime(2026, 10, day, 12, tzinfo=UTC)
    row = {"source": source, "charge_period_start": at, "granularity": "request", "output_tokens": tokens}
    return {**row, "provider": "openai", "request_model": MODEL, **more}


def by(rows: pl.LazyFrame, book: Any, *names: str, column: str = "effective_cost", **more: Any) -> dict[Any, Any]:
    """Return one figure for each value of some dimensions."""
    found = joined(rows, list(names), book, **more).cube
    sums = found.group_by(names).agg(pl.col(column).sum()).rows()
    return {row[:-1] if len(names) > 1 else row[0]: row[-1] for row in sums}


def test_the_bill_goes_to_those_who_spent_it(usage: Frames, book: Any) -> None:
    """$4 over three parts of ann and one of bob are $3 and $1, and the bill is no line of its own."""
    rows = usage(logged(1, 3 * MILLION, user="ann"), logged(1, MILLION, user="bob"), billed(1))
    assert by(rows, book, "user") == {"ann": 3, "bob": 1}
    assert by(rows, book, "source") == {"codex": 4}


def test_parts_add_up_to_the_last_digit(usage: Frames, book: Any) -> None:
    """A bill that cannot be divided evenly is still the sum of its parts."""
    amount = Decimal("0.100000000000000001")
    rows = usage(*(logged(1, user=user) for user in "abc"), {**billed(1), "billed_cost": amount})
    parts = by(rows, book, "user")
    assert sum(parts.values()) == amount
    assert max(parts.values()) - min(parts.values()) < Decimal("0.00000001")


def test_finer_rows_are_taken_out_of_coarser_ones(usage: Frames, book: Any) -> None:
    """The provider counts 5 millions, logs tell 2 of them: 3 remain, and the bill is spread over all 5."""
    rows = usage(used(1, output_tokens=5 * MILLION), logged(1, 2 * MILLION, user="ann"), billed(1, "10"))
    assert by(rows, book, "source", column="output_tokens") == {"codex": 2 * MILLION, "openai-usage": 3 * MILLION}
    assert by(rows, book, "source") == {"codex": 4, "openai-usage": 6}
    (aside,) = told(rows, book).aside.rows()
    assert aside == ("openai-usage", "codex", None, 2 * MILLION, None)


def test_users_are_matched_before_others(usage: Frames, book: Any) -> None:
    """What ann's log tells is taken out of what the provider says of ann, then out of what it says of nobody."""
    named = [used(1, user="ann"), used(1, user="bob"), used(1)]
    rows = usage(*named, logged(1, MILLION + 10, user="ann"))
    assert by(rows, book, "source", "user", column="output_tokens") == {
        ("codex", "ann"): MILLION + 10,
        ("openai-usage", "bob"): MILLION,
        ("openai-usage", None): MILLION - 10,
    }


def test_no_breakdown_changes_what_is_left_of_which_price(usage: Frames, book: Any) -> None:
    """A log tells 2 of 6 tokens, of which a half each are at half the price: one of each is taken, of any project."""
    projects = [(name, batch) for name in ("a", "b", "c") for batch in (True, False)]
    counts = [used(1, output_tokens=1, project=name, batch=batch) for name, batch in projects]
    rows = usage(*counts, logged(1, 2, batch=True))
    left = Decimal("0.00001") * 2 + Decimal("0.000005") * (2 + 2)
    for names in ([], ["project"], ["batch"], ["project", "batch"]):
        assert joined(rows, names, book).cube["list_cost"].sum() == left


def test_cache_writes_match_whatever_their_life(usage: Frames, book: Any) -> None:
    """One source knows the life of a cache write, another does not."""
    coarse = used(1, output_tokens=0, cache_creation_5m_input_tokens=100)
    fine = logged(1, 0, cache_creation_30m_input_tokens=60)
    found = joined(usage(coarse, fine), ["source"], book).cube
    assert found.select(pl.col("^cache_creation.*$").sum()).sum_horizontal().item() == 100
    assert found.filter(pl.col("source") == "openai-usage")["cache_creation_5m_input_tokens"].sum() == 40


def test_a_gateway_stands_before_the_callers_own_log(usage: Frames, book: Any) -> None:
    """Both tell of one request: it counts once, as the gateway tells it."""
    rows = usage(logged(1, user="ann", source="litellm"), logged(1))
    assert by(rows, book, "source", column="output_tokens") == {"litellm": MILLION}


def test_logs_of_two_tools_both_count(usage: Frames, book: Any) -> None:
    """Nobody's calls go through two agents."""
    assert by(usage(logged(1), logged(1, source="usage")), book, "source") == {"codex": 10, "usage": 10}


def test_what_a_bill_pays_for_without_a_row_stays(usage: Frames, book: Any) -> None:
    """Storage has no tokens; a model that nobody logged has no rows."""
    rows = usage(logged(1), billed(1), billed(1, "2", request_model="file storage"))
    assert by(rows, book, "source") == {"codex": 4, "openai-cost": 2}


def test_rows_that_no_bill_pays_for_stay(usage: Frames, book: Any) -> None:
    """A log's model that the bill does not know is of another account: it keeps its computed spend."""
    rows = usage(logged(1, request_model="gpt-5-mini"), billed(1), logged(1))
    assert by(rows, book, "request_model") == {"gpt-5-mini": 2, MODEL: 4}


def test_a_bill_without_models_pays_for_all(usage: Frames, book: Any) -> None:
    """An ungrouped bill is spread over every model by list cost."""
    rows = usage(logged(1, request_model="gpt-5-mini"), logged(1), billed(1, "6", request_model=None))
    assert by(rows, book, "request_model") == {"gpt-5-mini": 1, MODEL: 5}


def test_a_log_without_an_account_is_of_the_only_one(usage: Frames, book: Any) -> None:
    """With two accounts it is tied to none, and that is said."""
    one = usage(logged(1), billed(1, account="org-1"))
    assert by(one, book, "source") == {"codex": 4}
    two = usage(logged(1), billed(1, account="org-1"), billed(1, account="org-2"))
    assert by(two, book, "source") == {"codex": 10, "openai-cost": 8}
    assert told(two, book).untied.rows() == [("codex", "openai", 2, MILLION)]
    named = usage(logged(1, account="org-1"), billed(1, account="org-1"), billed(1, account="org-2"))
    assert by(named, book, "source") == {"codex": 4, "openai-cost": 4}


def test_exports_without_an_account_are_of_one_account_together(usage: Frames, book: Any) -> None:
    """Two named accounts are no reason to count what the third one's bill pays for twice; its log is tied to none."""
    others = [billed(1, "1", account="org-1"), billed(1, "2", account="org-2")]
    rows = usage(used(1), billed(1), used(2), *others)
    assert totals(rows, book)["effective_cost"] == Decimal(4 + 10 + 1 + 2)
    assert told(rows, book).untied.is_empty()
    log = told(usage(used(1), billed(1), logged(1), *others), book)
    assert log.untied.select("source", "accounts").rows() == [("codex", 2)]
    assert told(usage(used(1), *others), book).untied["source"].to_list() == ["openai-usage"]


def test_kept_sources_and_plans_are_left_alone(usage: Frames, book: Any) -> None:
    """`keep` counts both; what a plan covers is on no bill."""
    rows = usage(logged(1), billed(1))
    assert by(rows, book, "source", keep=frozenset({"codex"})) == {"codex": 10, "openai-cost": 4}
    covered = usage(logged(1, cost_basis="included"), billed(1))
    assert by(covered, book, "source") == {"codex": 0, "openai-cost": 4}


def test_a_bill_that_restates_another_gives_way(usage: Frames, book: Any) -> None:
    """The cloud's copy of the provider's bill counts on days that the provider's own does not cover."""
    cloud = [billed(1, "5", source="cloud"), billed(2, "7", source="cloud")]
    restates, euros = {"cloud": ("openai-cost",)}, billed(1, "9", source="cloud", billing_currency="EUR")
    rows = usage(billed(1), *cloud)
    assert by(rows, book, "source", restates=restates) == {"openai-cost": 4, "cloud": 7}
    assert by(rows, book, "source") == {"openai-cost": 4, "cloud": 12}
    aside = told(usage(billed(1), *cloud, euros), book, restates=restates).aside.rows()
    assert aside == [("cloud", "openai-cost", "EUR", 0, Decimal(9)), ("cloud", "openai-cost", "USD", 0, Decimal(5))]


def test_tokens_of_a_bill_that_logs_tell_too(usage: Frames, book: Any) -> None:
    """A bill with tokens pays for the log's rows and for the rest of its own."""
    bill = {**billed(1, "10"), "output_tokens": 4 * MILLION}
    rows = usage(bill, logged(1, MILLION))
    assert by(rows, book, "source", column="output_tokens") == {"codex": MILLION, "openai-cost": 3 * MILLION}
    assert by(rows, book, "source") == {"codex": Decimal("2.5"), "openai-cost": Decimal("7.5")}


def test_bills_of_many_days(usage: Frames, book: Any) -> None:
    """A bill of two days is spread over the rows of both."""
    start = datetime(2026, 10, 1, tzinfo=UTC)
    bill = {**billed(1, "9"), "charge_period_end": start + 2 * DAY, "granularity": "period"}
    rows = usage(bill, logged(1, MILLION), logged(2, 2 * MILLION), logged(3))
    assert by(rows, book, "day") == {"2026-10-01": 3, "2026-10-02": 6, "2026-10-03": 10}


def test_conditions_choose_after_the_bill_is_spread(usage: Frames, book: Any) -> None:
    """Ann's share is the same, alone or beside bob's."""
    rows = usage(logged(1, 3 * MILLION, user="ann"), logged(1, user="bob"), billed(1))
    assert by(rows, book, "user", conditions=[parse_condition("user=ann")]) == {"ann": 3}


def test_what_is_told_is_about_what_is_shown(usage: Frames, book: Any) -> None:
    """Who asks for one model hears of its bill and its log, and nothing of the rest."""
    more: Row = {"request_model": "gpt-5-mini"}
    others = [logged(1, **more), used(1, output_tokens=3 * MILLION, **more), billed(1, "2", **more)]
    rows = usage(logged(1, user="ann"), used(1, output_tokens=2 * MILLION), billed(1), *others)
    found = told(rows, book, conditions=[parse_condition(f"model={MODEL}")])
    assert found.paid.select("source", "tokens", "amount").rows() == [
        ("codex", MILLION, Decimal(2)),
        ("openai-usage", MILLION, Decimal(2)),
    ]
    assert found.aside.select("source", "tokens").rows() == [("openai-usage", MILLION)]
    nobody = told(rows, book, conditions=[parse_condition("user=bob")])
    assert nobody.paid.is_empty()
    assert nobody.aside.is_empty()


def test_currencies_are_not_mixed(usage: Frames, book: Any) -> None:
    """A bill in another currency stays its own line."""
    rows = usage(logged(1), billed(1, billing_currency="EUR"))
    assert by(rows, book, "source") == {"codex": 10, "openai-cost": 4}


WHO = st.sampled_from(["ann", "ann@example.com", "bob@example.com", "user-Q7mWc2LxT0pY", None])
WHERE = {
    "account": st.sampled_from(["org-1", None]),
    "workspace": st.sampled_from(["shop", "proj_4BhNtYH0z7dW", None]),
    "api_key": st.sampled_from(["nightly", "key_Zt4WqLm8RvXc", None]),
}
"""Names, addresses and ids as exports, routers and logs have them."""
sightings = st.lists(
    st.builds(
        logged,
        st.integers(1, 2),
        st.integers(0, 10**12),
        st.sampled_from(["codex", "litellm", "usage"]),
        user=WHO,
        request_model=st.sampled_from([MODEL, "gpt-5-mini"]),
        uncached_input_tokens=st.integers(0, 1000),
        project=st.sampled_from(["shop", None]),
        **WHERE,
    ),
    max_size=6,
)
counted = st.lists(
    st.builds(
        used,
        st.integers(1, 2),
        output_tokens=st.integers(0, 10**12),
        user=WHO,
        request_model=st.sampled_from([MODEL, "gpt-5-mini"]),
        project=st.sampled_from(["shop", "api", None]),
        batch=st.booleans(),
        cost_basis=st.sampled_from([None, "included"]),
        **WHERE,
    ),
    max_size=6,
)
bills = st.lists(
    st.builds(
        billed,
        st.integers(1, 2),
        st.decimals("-5", "1000000", places=18).map(str),
        user=WHO,
        request_model=st.sampled_from([MODEL, "gpt-5-mini", None]),
        **WHERE,
    ),
    max_size=4,
)


@settings(max_examples=40)
@given(logs=sightings, counts=counted, paid=bills, random=st.randoms(use_true_random=False))
def test_totals_know_no_order_and_no_grouping(
    usage: Frames, book: Any, logs: list[Row], counts: list[Row], paid: list[Row], random: Any
) -> None:
    """Money and tokens come to the same however the rows are ordered, split and grouped; bills are never lost."""
    rows = [*logs, *counts, *paid]
    shuffled = [*rows]
    random.shuffle(shuffled)
    figures = pl.col("effective_cost", "billed_cost", "list_cost", "output_tokens").sum()
    whole = joined(usage(*rows), [], book).cube.select(figures).row(0)
    for names in (["user"], ["source", "project", "day"], ["request_model"]):
        assert joined(usage(*shuffled), names, book).cube.select(figures).row(0) == whole
    assert whole[1] == sum((row["billed_cost"] for row in paid), Decimal(0))


@settings(max_examples=40)
@given(logs=sightings, counts=counted)
def test_each_source_is_inside_the_whole(usage: Frames, book: Any, logs: list[Row], counts: list[Row]) -> None:
    """Counted once is at least what any source tells alone, and at most what all tell together."""
    rows = [*logs, *counts]
    whole = joined(usage(*rows), [], book).cube["output_tokens"].sum()
    alone = [sum(row["output_tokens"] for row in rows if row["source"] == source) for source in WORDS]
    assert max(alone) <= whole <= sum(alone)
