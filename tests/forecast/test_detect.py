"""Flags: each score by hand, and what must not be flagged."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit.forecast.calm import calm_level, quantile_of
from tokenaudit.forecast.contract import flag_rows
from tokenaudit.forecast.detect import DROP, SPIKE, Flag, carried, flags, judge
from tokenaudit.forecast.panel import Floats, Panel, window

FIRST = date(2026, 6, 1)


def series(*rows: Floats | list[float]) -> Panel:
    """Return equally long series that all begin on the first day."""
    names = [f"s{number}" for number in range(len(rows))]
    return Panel(names, ["user"] * len(rows), FIRST, np.array(rows, float), np.zeros(len(rows), np.int64))


def team(days: int, seed: int = 1) -> Floats:
    """Return a steady team's spend: quiet weekends, a tenth of noise."""
    week = np.where(np.arange(days) % 7 < 5, 100.0, 20.0)
    noise: Floats = np.random.default_rng(seed).lognormal(0, 0.1, days)
    return week * noise


def only(panel: Panel) -> Flag:
    """Return the one flag there is."""
    (flag,) = flags(panel)
    return flag


def test_spike_by_hand() -> None:
    """28 days of 9 and 11 have mean 10 and deviation 1: a day of 18.4 lies 8.4 above, twice what makes a flag."""
    panel = series([9.0, 11.0] * 20 + [10 + 2 * SPIKE])
    judged = judge(panel)

    assert judged.score[0, 0, -1] == pytest.approx(2)
    assert judged.expected[0, 0, -1] == pytest.approx(10)
    assert (judged.low[0, 0, -1], judged.high[0, 0, -1]) == pytest.approx((10 - 1.2816, 10 + 1.2816))
    assert (only(panel).kind, only(panel).column) == ("spike", 40)
    assert only(panel).excess == pytest.approx(2 * SPIKE)


def test_drop_by_hand() -> None:
    """A series active on every day counts as active on 97 %: three silent days are -3 log 0.03, of 8.4 for a flag."""
    panel = series([10.0] * 40 + [0.0] * 3)

    assert judge(panel).score[4, 0, -1] == pytest.approx(-3 * np.log(0.03) / DROP)
    assert only(panel).kind == "drop"


def test_quiet_weekends_are_no_drop() -> None:
    """Two silent days a week are usual where every weekend is silent."""
    week = [100.0] * 5 + [0.0] * 2

    assert flags(series(week * 8, week * 8)) == []


def test_shift_is_seen_within_days() -> None:
    """A level that doubles and stays is a shift after three days, though no day of it is far out."""
    values = team(63)
    values[-4:] *= 2.2
    flag = only(series(values))

    assert flag.kind == "shift"
    assert flag.excess > 0


def test_leak_is_seen_though_no_day_stands_out() -> None:
    """Growth of 5 % a day is a flag by its totals."""
    values = team(63)
    values[-21:] *= 1.05 ** np.arange(1, 22)
    flag = only(series(values))

    assert flag.kind in {"shift", "leak"}


def test_steady_teams_are_quiet() -> None:
    """Ten teams with a tenth of noise have no flag."""
    assert flags(series(*(team(84, seed) for seed in range(10)))) == []


def test_young_series_are_not_judged() -> None:
    """Four weeks are needed before anything is out of the ordinary."""
    assert flags(series([10.0] * 26 + [500.0])) == []
    assert len(flags(series([10.0] * 27 + [500.0]))) == 1


def test_single_outliers_do_not_lift_what_is_expected() -> None:
    """A day of a hundred times the usual counts as six times the usual: 10 * (1 + 5/28) at most on average weights."""
    calm = calm_level(window(series([10.0] * 50 + [1000.0] + [10.0] * 5), 56))[0]

    assert 10 < calm < 16


def test_quantiles_of_chosen_values() -> None:
    """Values not chosen do not count; a row without any is 0."""
    values = np.array([[1.0, 2.0, 3.0, 99.0], [5.0, 6.0, 7.0, 8.0]])
    chosen = np.array([[True, True, True, False], [False] * 4])
    found, count = quantile_of(values, chosen, 0.5)

    assert found.tolist() == [2, 0]
    assert count.tolist() == [3, 0]


def test_carriers_are_named() -> None:
    """Of two parts the one that spiked carries the excess, not the larger one."""
    large, small = team(63) * 5, team(63, 2)
    small[-1] += 5000
    flag = only(series(large + small))
    excess = carried(series(large, small), flag)

    assert flag.kind == "spike"
    assert int(excess.argmax()) == 1
    assert excess.sum() == pytest.approx(flag.excess, rel=0.1)


def test_rows_of_the_contract() -> None:
    """A flag has the keys of the contract, and its first day."""
    values = team(63)
    values[-2:] += 3000
    (row,) = flag_rows(series(values))

    assert list(row)[:4] == ["series", "date", "kind", "score"]
    assert row["first"] == "2026-08-01"
    assert row["excess"] == pytest.approx(row["actual"] - row["expected"])


@settings(max_examples=20)
@given(st.integers(0, 999), st.floats(0.01, 100), st.permutations([0, 1, 2]))
def test_scores_neither_depend_on_units_nor_on_order(seed: int, factor: float, order: list[int]) -> None:
    """Dollars or cents, in any order: the scores are the same."""
    table = np.random.default_rng(seed).gamma(1, 10, (3, 60))
    one, other = judge(series(*table)), judge(series(*(table[order] * factor)))

    assert other.score == pytest.approx(one.score[:, order], rel=1e-5, abs=1e-6)


def test_runaway_days_of_people_are_flagged_on_their_first_day(shared: Path) -> None:
    """The days on which agents ran away in the development data are flagged on the first, with who and what it was."""
    from bench.forecast_prior import evaluation

    if not (shared / "forecast" / "evaluate.py").exists():
        pytest.skip("no development data")
    people = evaluation(shared / "forecast").tok("dev")
    first, values = people["maxghenis/total/"]
    column = (date(2026, 7, 10) - first).days
    panel = Panel(["total"], ["total"], first, values[None, : column + 1], np.zeros(1, np.int64))

    flag = only(panel)
    parts = {name: history for name, history in people.items() if name.startswith("maxghenis/entity+client/")}
    excess = {name: float(carried(part(history, first, column), flag)[0]) for name, history in parts.items()}

    assert (flag.kind, flag.column, flag.days) == ("spike", column, 1)
    assert max(excess, key=lambda name: excess[name]) == "maxghenis/entity+client/human+codex"


def part(history: tuple[date, Floats], first: date, column: int) -> Panel:
    """Return a series that began later, from `first` to a column."""
    began, values = history
    start = (began - first).days
    row = np.concatenate([np.zeros(start), values])[None, : column + 1]
    return Panel(["part"], ["user"], first, row, np.array([start]))
