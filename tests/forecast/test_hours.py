"""Hours that run away: each score by hand, and hours that do not."""

from __future__ import annotations

import numpy as np
import pytest

from tokenaudit.forecast.hours import BURST, LEAST_ROW, Runaway, runaways
from tokenaudit.forecast.panel import Floats

WORKDAY = np.array([0.0] * 9 + [10.0] * 8 + [0.0] * 7)
"""A day of a key that works from 9 to 17."""


def weeks(*last: float) -> Floats:
    """Return three weeks of workdays and then some hours, of one key."""
    return np.concatenate([np.tile(WORKDAY, 21), np.array(last)])[None]


def only(table: Floats) -> Runaway:
    """Return the one key that ran away."""
    (found,) = runaways(table)
    return found


def test_usual_days_are_quiet() -> None:
    """A day like all others is no runaway, in any of its hours."""
    assert runaways(weeks(*WORKDAY)) == []


def test_burst_by_hand() -> None:
    """Three hours held 30 at most: 90 in three hours is one and a half times what makes a flag."""
    found = only(weeks(*[0.0] * 9, 30.0, 30.0, 30.0))

    assert (found.actual, found.expected, found.hours) == (90, 30, 3)
    assert found.score == pytest.approx(90 / (BURST * 30))
    assert found.going


def test_a_loop_at_night_is_flagged_while_it_runs() -> None:
    """Eight heavy hours in a row were the longest: the twelfth is a flag, and it goes on."""
    night = [0.0] * 9 + [10.0] * 12
    found = only(weeks(*night))

    assert (found.hours, found.actual, found.going) == (12, 120, True)
    assert runaways(weeks(*night[:-1])) == []


def test_a_loop_that_ended_is_told_as_over() -> None:
    """Hours later it is still flagged, but not as going on."""
    found = only(weeks(*[0.0] * 9, *[10.0] * 13, 0.0, 0.0))

    assert not found.going
    assert found.first < found.column


def test_short_rows_and_young_keys_are_not_judged() -> None:
    """A key of two days has no hours of its own to be held against; short rows are nothing."""
    young = np.concatenate([np.zeros(400), np.full(30, 5.0)])[None]
    brief = np.tile(np.array([0.0] * 23 + [1.0]), 40)[None].copy()
    brief[0, -LEAST_ROW + 2 :] = 1.0

    assert runaways(young) == []
    assert [found.hours for found in runaways(brief)] in ([], [3])


def test_worst_comes_first_and_others_stay_out() -> None:
    """Of three keys two run away; the clearer one comes first."""
    calm, burst, worse = weeks(*WORKDAY), weeks(*[0.0] * 21, 30, 30, 30), weeks(*[0.0] * 21, 90, 90, 90)

    assert [found.series for found in runaways(np.concatenate([calm, burst, worse]))] == [2, 1]


def test_no_hours_at_all() -> None:
    """A single hour says nothing."""
    assert runaways(np.ones((2, 1))) == []
