"""Numbers people read are exact until the last printed digit, and parts add up to the whole."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit.render.numbers import (
    EXACT,
    apportion,
    change,
    compact_tokens,
    count,
    decimals,
    difference,
    difference_decimals,
    exact_money,
    money,
    percent,
    plain,
    rounded,
    signed_money,
    total,
)

AMOUNTS = st.decimals(min_value=-(10**19), max_value=10**19, places=18)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("1305088.81", "USD", "$1,305,088.81"),
        ("0", "USD", "$0.00"),
        ("0.0042", "USD", "$0.0042"),
        ("-0.0042", "USD", "-$0.0042"),
        ("0.01", "USD", "$0.01"),
        ("0.005", "USD", "$0.0050"),
        ("2.675", "USD", "$2.68"),
        ("-1820.995", "USD", "-$1,821.00"),
        ("1234.5", "EUR", "€1,234.50"),
        ("1234.5", "CHF", "CHF 1,234.50"),
        ("-0.00000001", "USD", "$0.0000"),
        ("12345678901234567890.123456789012345678", "USD", "$12,345,678,901,234,567,890.12"),
    ],
)
def test_money(amount: str, currency: str, expected: str) -> None:
    """Money has its sign, thousands and cents, and fractions of a cent only where there is no more."""
    assert money(Decimal(amount), currency) == expected


def test_signed_money() -> None:
    """A difference shows its direction, zero has none."""
    signed = [signed_money(Decimal(amount)) for amount in ("29870", "-1821", "0")]

    assert signed == ["+$29,870.00", "-$1,821.00", "$0.00"]


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (0, "0"),
        (812, "812"),
        (999, "999"),
        (1_000, "1.0 K"),
        (9_100_000, "9.1 M"),
        (99_949, "99.9 K"),
        (99_950, "100 K"),
        (999_499, "999 K"),
        (999_500, "1.0 M"),
        (41_200_000_000, "41.2 B"),
        (603_000_000_000, "603 B"),
        (1_500_000_000_000, "1.5 T"),
        (7_600_000_000_000_000, "7,600 T"),
        (-9_100_000, "-9.1 M"),
    ],
)
def test_compact_tokens(tokens: int, expected: str) -> None:
    """Tokens keep two or three digits, also where rounding reaches the next unit."""
    assert compact_tokens(tokens) == expected


def test_count() -> None:
    """A count keeps all its digits."""
    assert count(388_120) == "388,120"


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        ("0", "0 %"),
        ("0.0001", "<0.1 %"),
        ("0.004", "0.4 %"),
        ("0.23", "23 %"),
        ("0.996", "99.6 %"),
        ("0.99999", ">99.9 %"),
        ("1", "100 %"),
        ("1.07", "107 %"),
        ("12.4", "1,240 %"),
        ("-0.12", "-12 %"),
    ],
)
def test_percent(ratio: str, expected: str) -> None:
    """Only nothing reads 0 % and only everything 100 %."""
    assert percent(Decimal(ratio)) == expected


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        ("138", "100", "+38 %"),
        ("88", "100", "-12 %"),
        ("100.4", "100", "+0.4 %"),
        ("100.0001", "100", "0 %"),
        ("5", "0", "new"),
        ("0", "5", "gone"),
        ("0", "0", "0 %"),
        ("-50", "-100", "+50 %"),
    ],
)
def test_change(now: str, before: str, expected: str) -> None:
    """A change is relative to what was; what was not there is new."""
    assert change(Decimal(now), Decimal(before)) == expected


def test_difference() -> None:
    """A difference is money with a sign, or new, or gone."""
    pairs = [("30", "10"), ("0", "10"), ("10", "0"), ("1", "1")]
    words = [difference(Decimal(now), Decimal(before)) for now, before in pairs]

    assert words == ["+$20.00", "gone", "new", "$0.00"]


def test_decimals_of_a_column() -> None:
    """The largest amount decides for the column: fractions of a cent, cents, or (differences) whole dollars."""
    columns: list[list[Decimal | None]] = [
        [Decimal("0.004"), None],
        [Decimal("0.004"), Decimal(3)],
        [Decimal(-4000), Decimal(1)],
        [],
    ]

    assert [decimals(column) for column in columns] == [4, 2, 2, 2]
    assert [difference_decimals(column) for column in columns] == [4, 2, 0, 2]


def test_apportion_gives_the_lost_cent_to_the_largest_remainder() -> None:
    """Three thirds of a dollar are a dollar; among equals the earlier one gets the cent."""
    third = Decimal(1) / 3

    assert apportion([third, None, third, third]) == [Decimal("0.34"), None, Decimal("0.33"), Decimal("0.33")]
    assert apportion([Decimal("0.005"), Decimal("-0.005")]) == [Decimal("0.01"), Decimal("-0.01")]
    assert apportion([]) == []


@given(st.lists(st.none() | AMOUNTS, max_size=40), st.integers(0, 4))
@settings(deadline=None)
def test_apportioned_parts_add_up(parts: list[Decimal | None], digits: int) -> None:
    """Printed parts add up to the printed total exactly, each within one last digit, nulls where they were."""
    printed = apportion(parts, digits)

    assert total(printed) == rounded(total(parts), digits)
    for part, shown in zip(parts, printed, strict=True):
        assert (part is None) == (shown is None)
        if part is not None and shown is not None:
            assert EXACT.subtract(part, shown).copy_abs() < Decimal(1).scaleb(-digits)


@given(AMOUNTS)
def test_plain_digits_are_exact(amount: Decimal) -> None:
    """Plain text has no exponent, no trailing zero, and reads back as the same number."""
    text = plain(amount)

    assert Decimal(text) == amount
    assert not set(text) - set("-0123456789.")
    assert "." not in text or not text.endswith(("0", "."))


@pytest.mark.parametrize(("number", "expected"), [("1E+3", "1000"), ("-0", "0"), ("100", "100"), ("12.50", "12.5")])
def test_plain(number: str, expected: str) -> None:
    """Digits before the point stay, zeros behind it go."""
    assert plain(Decimal(number)) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("3", "$3.00"),
        ("0.0625", "$0.0625"),
        ("-1204.125", "-$1,204.125"),
        ("0.000000025", "$0.000000025"),
        ("0", "$0.00"),
    ],
)
def test_exact_money_has_all_digits(amount: str, expected: str) -> None:
    """Nothing is rounded, and there are at least two decimals."""
    assert exact_money(Decimal(amount)) == expected
