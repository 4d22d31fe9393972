"""Two files, two names: what one calls otherwise, or not at all, may still be the same call."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.analysis.test_overlap import MILLION, billed, by, logged, told, totals, used

if TYPE_CHECKING:
    import polars as pl

    Frames = Callable[..., pl.LazyFrame]

PROJECT, KEY, PERSON = "proj_4BhNtYH0z7dW", "key_Zt4WqLm8RvXc", "user-Q7mWc2LxT0pY"


# -- accounts ---------------------------------------------------------------------------------------------------------
def test_a_bill_without_an_account_is_of_the_one_that_others_name(usage: Frames, book: Any) -> None:
    """Only the provider's own report of the same day says which account it is: log, count, report and bill are one."""
    report = logged(1, source="report", account="org-1", granularity="day")
    rows = usage(billed(1), used(1), report, logged(1))
    assert totals(rows, book)["effective_cost"] == 4
    assert totals(rows, book)["output_tokens"] == MILLION
    assert told(rows, book).untied.is_empty()


def test_without_any_bill_the_only_account_is_of_all(usage: Frames, book: Any) -> None:
    """A count that names no account, and one that does."""
    assert totals(usage(used(1), logged(1, source="litellm", account="org-1")), book)["output_tokens"] == MILLION


def test_a_bill_finds_the_account_that_has_none(usage: Frames, book: Any) -> None:
    """Two products of one provider: the bill that names no account is of the one for which no other bill is there."""
    other = billed(1, "5", source="cloud", account="seats")
    rows = usage(billed(1), used(1, account="org-1"), other)
    assert by(rows, book, "source") == {"openai-usage": 4, "cloud": 5}
    both = usage(billed(1), used(1, account="org-1"), used(1, account="org-2"), other)
    assert totals(both, book)["effective_cost"] == Decimal(4 + 10 + 10 + 5)


@pytest.mark.parametrize("part", ["acme-prod", "ACME-PROD"])
def test_a_cloud_log_names_a_part_of_the_account(usage: Frames, book: Any, part: str) -> None:
    """The bill is of a billing account and a project, the log knows only the project, and takes it for the account."""
    bill = billed(1, account="000-AAA-111", workspace="acme-prod")
    rows = usage(bill, used(1, account=part))
    assert by(rows, book, "source") == {"openai-usage": 4}
    other = usage(bill, used(1, account="another"))
    assert by(other, book, "source") == {"openai-usage": 10, "openai-cost": 4}


# -- places and keys --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("tie", ["workspace", "api_key"])
def test_a_router_has_names_of_its_own(usage: Frames, book: Any, tie: str) -> None:
    """What a router calls a team or a key says nothing about the provider's bill; another source's name does."""
    bill = billed(1, **{tie: "theirs"})
    routed, direct = ({**logged(1, source=source), tie: "ours"} for source in ("litellm", "codex"))
    assert by(usage(bill, routed), book, "source") == {"litellm": 4}
    assert by(usage(bill, direct), book, "source") == {"codex": 10, "openai-cost": 4}


@pytest.mark.parametrize(("tie", "code"), [("workspace", PROJECT), ("api_key", KEY), ("user", PERSON)])
def test_an_id_does_not_contradict_a_name(usage: Frames, book: Any, tie: str, code: str) -> None:
    """One download has ids, another one names: nobody can say that they differ. Two ids do."""
    assert totals(usage(used(1, **{tie: code}), billed(1, **{tie: "shop"})), book)["effective_cost"] == 4
    assert totals(usage(used(1, **{tie: "shop"}), billed(1, **{tie: code})), book)["effective_cost"] == 4
    other = used(1, **{tie: f"{code}Z"})
    assert totals(usage(other, billed(1, **{tie: code})), book)["billed_cost"] == 4
    assert totals(usage(other, billed(1, **{tie: code})), book)["output_tokens"] == MILLION
    if tie == "workspace":
        assert totals(usage(other, billed(1, **{tie: code})), book)["effective_cost"] == 14


# -- people -----------------------------------------------------------------------------------------------------------
def test_a_name_is_the_address_that_begins_so(usage: Frames, book: Any) -> None:
    """A log of ann and a router's row of ann@example.com are one call; those of two addresses are two."""
    one = usage(logged(1, user="Ann"), logged(1, source="litellm", user="ann@example.com"))
    assert by(one, book, "user", column="output_tokens") == {"ann@example.com": MILLION}
    two = usage(logged(1, user="ann@other.com"), logged(1, source="litellm", user="ann@example.com"))
    assert totals(two, book)["output_tokens"] == 2 * MILLION
    bill = usage(logged(1, user="ann"), billed(1, user="ann@example.com"), billed(1, "9", user="bob@example.com"))
    assert by(bill, book, "user") == {"ann": 4, "bob@example.com": 9}


def test_same_names_go_first(usage: Frames, book: Any) -> None:
    """What is told of ann@example.com is taken out of her own count before that of ann."""
    counts = [used(1, user="ann"), used(1, user="ann@example.com")]
    rows = usage(*counts, logged(1, user="ann@example.com"))
    assert by(rows, book, "source", "user", column="output_tokens") == {
        ("codex", "ann@example.com"): MILLION,
        ("openai-usage", "ann"): MILLION,
    }


def test_callers_of_a_router_are_unknown_to_the_provider(usage: Frames, book: Any) -> None:
    """The bill and the count name who holds the router's key. One who is on the bill pays for what is on it."""
    calls = [logged(1, source="litellm", user=user) for user in ("ann", "bob")]
    rows = usage(*calls, used(1, user="owner", output_tokens=2 * MILLION), billed(1, user="owner"))
    assert by(rows, book, "user") == {"ann": 2, "bob": 2}
    known = usage(*calls, billed(1, "1", user="ann"), billed(1, "4", user="owner"))
    assert by(known, book, "user") == {"ann": 1, "bob": 4}
    assert by(usage(*calls, billed(1, user="ann")), book, "user") == {"ann": 2, "bob": 2}


def test_what_a_developer_logs_is_of_nobody_else(usage: Frames, book: Any) -> None:
    """A log is no router: somebody whom the bill does not name has another bill."""
    rows = usage(logged(1, user="ann"), billed(1, user="owner"))
    assert by(rows, book, "user") == {"ann": 10, "owner": 4}
