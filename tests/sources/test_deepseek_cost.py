"""DeepSeek cost: money of a day and model in its own currency; gifts are not billed; a day replaced whole."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.ingested import rows_of, totals_of
from tokenaudit import schema
from tokenaudit.sources.deepseek_cost import SOURCE

if TYPE_CHECKING:
    from tests.sources.conftest import ReadText

OLD = "user_id,utc_date,model,wallet_type,cost,currency"
NEW = "user_id,start_time_iso,end_time_iso,model,wallet_type,cost,currency"


def old(*rows: str) -> str:
    """Return a file with the old header."""
    return "\n".join([OLD, *rows]) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        old("u-1,2026-10-01,m,Paid,5.5512345678901234,CNY"),
        f"{NEW}\nu-1,2026-10-01T00:00:00+08:00,2026-10-02T00:00:00+08:00,m,Paid,5.5512345678901234,cny\n",
    ],
)
def test_both_headers(read_text: ReadText, text: str) -> None:
    """Every digit is kept, in the currency of the file; there are no tokens and no requests."""
    row = read_text(SOURCE, text).row()

    assert (row["billed_cost"], row["billing_currency"]) == (Decimal("5.5512345678901234"), "CNY")
    assert (row["list_cost"], row["cost_basis"], row["account"]) == (None, "billed", "u-1")
    assert row["charge_period_start"] == datetime(2026, 10, 1, tzinfo=UTC)
    assert [name for name in schema.COUNTS if row[name]] == []


@pytest.mark.parametrize(("wallet", "gift"), [("Paid", False), ("granted", True), ("Granted", True), ("", False)])
def test_wallets(read_text: ReadText, wallet: str, gift: bool) -> None:  # noqa: FBT001
    """What was given is not billed: its amount is the list cost of something covered."""
    row = read_text(SOURCE, old(f"u-1,2026-10-01,m,{wallet},0.5,USD")).row()

    amounts = (None, Decimal("0.5"), "included") if gift else (Decimal("0.5"), None, "billed")
    assert (row["billed_cost"], row["list_cost"], row["cost_basis"]) == amounts


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("u-1,2026-10-01,m,Paid,,USD", "cost is blank"),
        ("u-1,2026-10-01,m,Paid,1,", "currency is blank"),
        ("u-1,,m,Paid,1,USD", "no date"),
    ],
)
def test_rejects(read_text: ReadText, row: str, reason: str) -> None:
    """Money without an amount, a currency or a day is said."""
    assert [item.reason for item in read_text(SOURCE, old(row)).rejects] == [reason]


def test_currencies_stay_apart() -> None:
    """Yuan and dollars of two accounts are rows of their own."""
    rows = rows_of([old("u-1,2026-10-01,m,Paid,7,CNY"), old("u-2,2026-10-01,m,Paid,1,USD")])

    assert rows.select(pl.col("billing_currency").cast(pl.String), "billed_cost").sort("billing_currency").rows() == [
        ("CNY", Decimal(7)),
        ("USD", Decimal(1)),
    ]


@settings(max_examples=6)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 99)), min_size=1, max_size=9))
def test_days_in_pieces_and_again(found: list[tuple[int, int]]) -> None:
    """Equal rows of a day all count; a day in a file of its own, read again, adds nothing."""
    lines = {day: [f"u-1,2026-10-0{day},m,Paid,{cents}.01,USD" for at, cents in found if at == day] for day, _ in found}
    whole = old(*(line for rows in lines.values() for line in rows))
    pieces = [old(*rows) for rows in lines.values()]

    expected = sum(Decimal(f"{cents}.01") for _, cents in found)
    for texts in ([whole], pieces, [*pieces, whole, *pieces[::-1]]):
        assert totals_of(texts)["billed_cost"] == expected
