"""Budgets count what usage costs under agreements, and their fees on the days these are of."""

from __future__ import annotations

from typing import Any

import pytest

from tests.checks.desk import Desk, event

DEAL = """
[[agreement]]
id = "deal"
provider = "openai"
from = 2026-10-01
to = 2026-12-31
discount = 0.5
[[agreement.flat]]
what = "platform"
amount = 31
from = 2026-10-01
"""
LIMITS = ", ".join(f'{{ amount = 99, period = "{period}" }}' for period in ("day", "week", "month", "year"))


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Apia"])
@pytest.mark.parametrize(
    ("keys", "spent"),
    [
        ("", [6, 7, 30, 30]),  # half of $10 a day on the 5th and 20th, and a dollar of the fee on each day so far
        ('scope = { user = ["ana"] }', [5, 5, 10, 10]),  # nobody in person pays a fee
        ('scope = { "tag.env" = "prod" }', [5, 5, 5, 5]),
    ],
)
def test_windows_under_an_agreement(desk: Desk, zone: str, keys: str, spent: list[int]) -> None:
    """What is negotiated counts, at its prices; days to come have no fee yet."""
    row: dict[str, Any] = {"amount": None, "output_tokens": "1000000"}
    desk.rows([event("2026-10-05T10:00:00Z", **row), event("2026-10-20T10:00:00Z", **row, tags='{"env":"prod"}')])
    desk.config(f'timezone = "{zone}"\n[[budget]]\nid = "b"\n{keys}\nlimits = [{LIMITS}]\n{DEAL}')

    assert [row["spent"] for row in desk.json(code=None)["rows"]] == spent


def test_over_under_an_agreement(desk: Desk) -> None:
    """The day it went over and who spent most of it are found under the agreement, too."""
    desk.rows([event(f"2026-10-{day:02}T10:00:00Z", None, output_tokens="1000000") for day in (5, 12, 20)])
    desk.config(f'[[budget]]\nid = "b"\nlimits = [{{ amount = 21.9, period = "month" }}]\n{DEAL}')
    (row,) = desk.json(code=1)["rows"]

    assert (row["spent"], row["over_on"]) == (35, "2026-10-12")  # $5 and $5, and $12 of fees: 22
    assert "user (unattributed) 57 %" in desk.run(code=1)  # $20 of fees
