"""Instants in whatever form a log has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenaudit.sources._instant import instant, moment

HALF_PAST = "2026-10-08T09:00:00.500Z"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_791_450_000, "2026-10-08T09:00:00.000Z"),
        ("1791450000.5", HALF_PAST),
        (1_791_450_000_500, HALF_PAST),
        (1_791_450_000_500_999, HALF_PAST),
        ("1791450000500000999", HALF_PAST),
        ("2026-10-08T11:00:00.500+02:00", HALF_PAST),
        ("2026-10-08 09:00:00.5", HALF_PAST),
    ],
)
def test_moment(value: object, expected: str | None) -> None:
    """ISO text and numbers since 1970 in seconds, milliseconds, microseconds and nanoseconds."""
    assert moment(value) == expected


@pytest.mark.parametrize("value", [None, "", "yesterday", 0, -5, "nan", "1e30", True, [], {}])
def test_no_moment(value: object) -> None:
    """What is no time is None."""
    assert moment(value) is None


@given(st.integers(10**11, 10**14 - 1))
def test_units(milliseconds: int) -> None:
    """From the year 1973 on, every unit tells the same instant."""
    assert len({moment(milliseconds * scale) for scale in (1, 10**3, 10**6)}) == 1


@pytest.mark.parametrize(
    "odd", ["0001-01-01T00:00:00.000Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59.999Z", 10**14 - 1]
)
def test_impossible_instants(odd: object) -> None:
    """Nobody used anything then: such a line must not give a response its time."""
    assert instant(odd) is None
    assert moment(odd) is None
    assert instant("2199-12-31T23:59:59.999Z") == "2199-12-31T23:59:59.999Z"
