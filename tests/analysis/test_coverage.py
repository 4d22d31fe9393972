"""On which days a source holds nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.conftest import usage_frame
from tokenaudit.analysis.coverage import gaps, held

Frames = Callable[..., pl.LazyFrame]
DAY = timedelta(days=1)


def bucket(first: int, days: int = 1, **more: Any) -> dict[str, Any]:
    """Return a row that covers days of October 2026."""
    start = datetime(2026, 10, first, tzinfo=UTC)
    return {"charge_period_start": start, "charge_period_end": start + days * DAY, "granularity": "day", **more}


def test_days_between_the_first_and_the_last(usage: Frames) -> None:
    """Thursday 1, then Monday 5: Friday is the only weekday between. Another source has its own days."""
    found = gaps(usage(bucket(1), bucket(5), bucket(2, source="other"), bucket(3, source="other")))
    assert found.rows() == [("usage", date(2026, 10, 2), date(2026, 10, 4), 3, 1)]


def test_a_bucket_covers_all_its_days_and_an_empty_one_too(usage: Frames) -> None:
    """A month leaves no gap, nor does a day that its file says nothing was used on."""
    assert gaps(usage(bucket(1, 31))).is_empty()
    assert gaps(usage(bucket(1), bucket(2, blank=True), bucket(3))).is_empty()


def test_held(usage: Frames) -> None:
    """Blank rows do not count; the newest instant is the end of the last bucket."""
    rows = usage(
        bucket(1, user="alice", output_tokens=5, finalized=True),
        bucket(2, 3, project="shop", output_tokens=7, finalized=False),
        bucket(9, blank=True, finalized=True),
    )
    row = held(rows).row(0, named=True)

    assert (row["rows"], row["tokens"], row["unfinished"], row["nobody"], row["nowhere"]) == (2, 12, 1, 1, 1)
    assert (row["newest_start"], row["newest"]) == (
        datetime(2026, 10, 2, tzinfo=UTC),
        datetime(2026, 10, 5, tzinfo=UTC),
    )


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 4)), min_size=1, max_size=8))
def test_gaps_and_covered_days_are_all_days(spans: list[tuple[int, int]]) -> None:
    """Days without data and days with some make up all days from the first to the last, in whatever order they come."""
    covered = {first + offset for first, days in spans for offset in range(days)}
    found = gaps(usage_frame(bucket(first, days) for first, days in spans))
    missing = {gap["first"].day + offset for gap in found.iter_rows(named=True) for offset in range(gap["days"])}

    assert missing == set(range(min(covered), max(covered) + 1)) - covered
    assert found.equals(gaps(usage_frame(bucket(first, days) for first, days in reversed(spans))))
