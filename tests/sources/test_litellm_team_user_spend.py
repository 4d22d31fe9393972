"""LiteLLM's spend by team and user: periods with both ends inside, guards, a period of a team replaced whole."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.ingested import totals_of
from tokenaudit import schema
from tokenaudit.sources.litellm_team_user_spend import SOURCE

if TYPE_CHECKING:
    from tests.sources.conftest import ReadText

HEADER = (
    "Start Date,End Date,Team,Team ID,User,User ID,User Email,Spend (USD),Requests,Successful,Failed,Prompt Tokens,"
    "Completion Tokens,Total Tokens"
)


def export(*rows: str) -> str:
    """Return a file with CRLF, as LiteLLM writes it."""
    return "\r\n".join([HEADER, *rows]) + "\r\n"


def test_row(read_text: ReadText) -> None:
    """Both dates are inside the period; spend is computed, not billed."""
    text = export("2026-10-01,2026-10-04,'=Platform,t-1,Al,u-1,alice@example.com,17.25,520,517,3,1200,70,1270")
    row = read_text(SOURCE, text).row()

    assert {name: row[name] for name in schema.COUNTS if row[name]} == {
        "uncached_input_tokens": 1200, "output_tokens": 70, "requests": 520,
    }  # fmt: skip
    assert row["charge_period_start"] == datetime(2026, 10, 1, tzinfo=UTC)
    assert row["charge_period_end"] == datetime(2026, 10, 5, tzinfo=UTC)
    assert (row["granularity"], row["user"], row["workspace"]) == ("period", "alice@example.com", "=Platform")
    assert (row["reported_cost"], row["billed_cost"]) == (Decimal("17.25"), None)


@pytest.mark.parametrize(
    ("row", "user", "grain"),
    [
        ("2026-10-01,2026-10-01,P,t-1,(no user),,,1,1,1,0,1,1,2", None, "day"),
        ("2026-10-01,2026-10-02,P,t-1,Bob,u-2,,1,1,1,0,1,1,2", "u-2", "period"),
    ],
)
def test_users_and_grains(read_text: ReadText, row: str, user: str | None, grain: str) -> None:
    """A row of nobody has no user; a period of one day is a day."""
    found = read_text(SOURCE, export(row)).row()

    assert (found["user"], found["granularity"]) == (user, grain)


@pytest.mark.parametrize(
    ("dates", "reason"),
    [(",2026-10-01", "no Start Date or End Date"), ("2026-10-02,2026-09-30", "End Date is before Start Date")],
)
def test_rejects(read_text: ReadText, dates: str, reason: str) -> None:
    """A row without a period is said."""
    read = read_text(SOURCE, export(f"{dates},P,t-1,Bob,u-2,,1,1,1,0,1,1,2"))

    assert [item.reason for item in read.rejects] == [reason]


@settings(max_examples=6)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 99)), min_size=1, max_size=8))
def test_teams_in_pieces_and_again(found: list[tuple[int, int]]) -> None:
    """Files of single teams, read again in another order, give what one file gives."""
    lines = {n: [f"2026-10-01,2026-10-31,T,t-{n},,,,{c},1,1,0,1,1,2" for t, c in found if t == n] for n, _ in found}
    pieces = [export(*rows) for rows in lines.values()]
    whole = export(*(row for rows in lines.values() for row in rows))

    for texts in ([whole], pieces, [*pieces, whole, *pieces[::-1]]):
        totals = totals_of(texts)
        assert (totals["reported_cost"], totals["requests"]) == (sum(c for _, c in found), len(found))
