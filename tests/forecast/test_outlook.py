"""Forecasts: what can be worked out by hand, and what must hold whatever the series are."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit.errors import NoDataError, PeriodError, QueryError
from tokenaudit.forecast.contract import Value, days_left, forecast_rows, month_end, panel_of, read_panel
from tokenaudit.forecast.engine import Outlook, learn, outlook, prior_counts
from tokenaudit.forecast.experts import EXPERTS, sporadic_levels, weekday_profile
from tokenaudit.forecast.panel import Floats, Panel, window
from tokenaudit.forecast.pool import origin
from tokenaudit.forecast.prior import PATH, load
from tokenaudit.forecast.residuals import BINS, LEVELS, NOTHING, binned, quantiles
from tokenaudit.forecast.runout import run_out, window_forecast
from tokenaudit.forecast.traits import traits

FIRST = date(2026, 6, 1)
"""A Monday."""
WORKDAYS = [10.0, 10.0, 10.0, 10.0, 10.0, 0.0, 0.0]


def series(*rows: list[float], dim: str = "user") -> Panel:
    """Return equally long series that all begin on the first day."""
    names = [f"s{number}" for number in range(len(rows))]
    return Panel(names, [dim] * len(rows), FIRST, np.array(rows), np.zeros(len(rows), np.int64))


def noisy(days: int, seed: int = 1) -> list[float]:
    """Return a steady team's spend."""
    return [float(value) for value in 100 * np.random.default_rng(seed).lognormal(0, 0.1, days)]


def expected(panel: Panel, days: int) -> dict[str, float]:
    """Return what each expert expects the first series to total."""
    now = origin(panel, panel.days, sporadic_levels(panel))
    return dict(zip(EXPERTS, now.ahead.totals(np.array([days]))[:, 0, 0].tolist(), strict=True))


def test_run_rates_are_means() -> None:
    """The mean of the last 7 days, and of the days of the month so far: 14 days of June at 1, 16 days at 4."""
    panel = series([1.0] * 14 + [4.0] * 16)
    totals = expected(panel, 7)

    assert panel.last == date(2026, 6, 30)
    assert totals["rate_7"] == pytest.approx(28)
    assert totals["rate_month"] == pytest.approx(7 * (14 + 64) / 30)


def test_tsb_by_hand() -> None:
    """TSB starts at the first value with chance 0.5, then takes a fifth of what is new."""
    levels = sporadic_levels(series([0.0, 8.0, 0.0, 4.0]))[0].tolist()

    assert levels == pytest.approx([0, 0, 0.5 * 8, 0.4 * 8, 0.52 * 7.2])


def test_weekday_profile_by_hand() -> None:
    """Weeks that are all alike are believed: workdays are 7 / 5 of the mean, Saturdays nothing, kept above nothing."""
    profile = weekday_profile(window(series(WORKDAYS * 12), 84))[0]

    assert profile.tolist() == pytest.approx([1.4] * 5 + [0.02] * 2)


def test_steady_series_are_forecast_closely() -> None:
    """What costs the same each day goes on so, and the range is narrow."""
    found = outlook(series(*([100.0] * 90 for _ in range(3)))).next(30)

    assert found.middle == pytest.approx([3000] * 3, rel=0.02)
    assert (found.at(0.9) / found.at(0.1) < 1.5).all()
    assert (found.over(2000.0) > 0.95).all()
    assert (found.over(4500.0) < 0.05).all()


def test_weekdays_are_respected() -> None:
    """After a Friday come two quiet days: the next two total far less than the next five."""
    panel = series((WORKDAYS * 13)[: 12 * 7 + 5], (WORKDAYS * 13)[: 12 * 7 + 5])
    found = outlook(panel)

    assert found.next(2).middle[0] < 6
    assert found.next(7).middle == pytest.approx([50, 50], rel=0.1)


def test_switched_off_series_are_recognised() -> None:
    """A model that was used daily and is silent for three weeks is forecast to stay silent."""
    panel = series([*noisy(69), *[0.0] * 21], noisy(90), dim="model")
    found = outlook(panel).next(7)

    assert found.middle[0] == 0
    assert found.middle[1] == pytest.approx(700, rel=0.1)


def test_unsteady_series_have_wider_ranges() -> None:
    """Weeks that double and halve leave more open than weeks that do not."""
    unsteady = [value for week in range(13) for value in [400.0 if week % 2 else 100.0] * 7][:90]
    found = outlook(series(noisy(90), unsteady)).next(14)
    width = np.log(found.at(0.9) / np.maximum(found.at(0.1), 1))

    assert width[1] > 2 * width[0]


def test_month_end_is_actual_plus_remainder() -> None:
    """On 20 August, with 100 a day: 2000 are spent, 11 days remain."""
    panel = series([100.0] * 81)
    found = month_end(outlook(panel))

    assert panel.last == date(2026, 8, 20)
    assert found.so_far.tolist() == [2000]
    assert found.middle == pytest.approx([3100], rel=0.02)
    assert found.over(1999.0).tolist() == [1]


def test_no_day_left_is_certain() -> None:
    """On the last day of a month its total is what is spent."""
    panel = series([1.0] * 30)
    found = month_end(outlook(panel))

    assert panel.last == date(2026, 6, 30)
    assert found.spread.min() == found.spread.max() == 30
    assert found.over(30.0).tolist() == [0]
    assert found.over(29.0).tolist() == [1]


def test_paths_never_fall() -> None:
    """What is spent by a day is spent by the next one, at each level."""
    path = outlook(series(noisy(60), noisy(60, 2))).path(40, 10.0)

    assert (np.diff(path, axis=1) >= 0).all()
    assert (path >= 10).all()


def test_short_history_gets_a_wide_range() -> None:
    """Three days are no history to learn from: something is said, with a range of more than a factor of three."""
    found = outlook(series([5.0, 5.0, 5.0]))
    total = found.next(30)

    assert not found.known[0]
    assert total.at(0.9)[0] > 3 * max(total.at(0.1)[0], 1)


def test_nothing_of_the_future_is_seen() -> None:
    """Windows before a column hold nothing of it or of later ones."""
    values = noisy(90)
    seen = window(series([*values, 9e9]), 90)

    assert seen.values.max() < 9e9
    assert traits(seen).gap.tolist() == [0]


def spread_of(panel: Panel) -> Floats:
    """Return the range of the next 14 days."""
    return outlook(panel, farthest=31).next(14).spread


tables = st.integers(0, 10_000).map(
    lambda seed: (
        np.random.default_rng(seed).gamma(0.7, 50, (3, 70)) * (np.random.default_rng(seed).random((3, 70)) < 0.8)
    )
)


@settings(max_examples=15)
@given(tables, st.floats(0.001, 1000))
def test_forecasts_scale(table: Floats, factor: float) -> None:
    """Dollars or cents: the forecast is the same amount."""
    one, other = series(*table.tolist()), series(*(table * factor).tolist())

    assert spread_of(other) == pytest.approx(spread_of(one) * factor, rel=1e-4, abs=1e-6 * factor)


@settings(max_examples=15)
@given(tables)
def test_levels_are_in_order(table: Floats) -> None:
    """A higher level is never a lower amount, nothing is negative, and P(over) falls with the amount."""
    spread = spread_of(series(*table.tolist()))
    found = outlook(series(*table.tolist()), 31).next(14)

    assert (np.diff(spread, axis=1) >= -1e-9).all()
    assert (spread >= 0).all()
    assert (found.over(10.0) >= found.over(1000.0)).all()


@settings(max_examples=15)
@given(tables, st.permutations([0, 1, 2]))
def test_order_of_series_is_irrelevant(table: Floats, order: list[int]) -> None:
    """Each series gets its forecast, whatever stands beside it first."""
    assert spread_of(series(*table[order].tolist())) == pytest.approx(spread_of(series(*table.tolist()))[order])


@settings(max_examples=15)
@given(st.permutations([Value("a", "user", FIRST + timedelta(n), float(n)) for n in range(20)]))
def test_order_of_rows_is_irrelevant(rows: list[Value]) -> None:
    """Rows of a file add up in any order; those after the as-of date do not count."""
    found = panel_of(rows, FIRST + timedelta(9))

    assert found.values.tolist() == [[float(n) for n in range(10)]]
    assert found.start.tolist() == [0]


def test_quantiles_of_counts_by_hand() -> None:
    """Half of the mass is nothing, the rest lies evenly in one bin."""
    counts = np.zeros((1, BINS))
    counts[0, [0, 81]] = 1
    found = quantiles(counts)[0]

    assert (found[LEVELS <= 0.5] == NOTHING).all()
    assert (np.diff(found[LEVELS > 0.5]) > 0).all()
    assert abs(found[-1]) < 0.01


def test_bins_hold_nothing_apart() -> None:
    """A total of nothing has a bin of its own, a total as forecast lies in the middle."""
    actual, forecast, cushion = np.array([0.0, 10.0, 20.0]), np.full(3, 10.0), np.full(3, 0.5)

    assert binned(actual, forecast, cushion).tolist()[:2] == [0, 81]
    assert binned(actual, forecast, cushion)[2] > 81


def write(path: Path, text: str) -> Path:
    """Write a file."""
    path.write_text(text, encoding="utf-8")
    return path


def test_contract_of_csv_and_json(tmp_path: Path) -> None:
    """A missing day after the first is 0, rows of one day add up, and the keys are those of the contract."""
    path = write(
        tmp_path / "d.csv", "series,date,value,dim\na,2026-06-01,1,user\na,2026-06-03,2,user\na,2026-06-03,3,user\n"
    )
    panel = read_panel(path, date(2026, 6, 4))
    row = forecast_rows(outlook(panel, 31))[0]

    assert panel.values.tolist() == [[1, 0, 5, 0]]
    assert (row["series"], row["as_of"]) == ("a", "2026-06-04")
    assert list(row["targets"]) == ["next_7", "next_14", "next_30", "month_end"]
    assert list(row["targets"]["next_7"]) == ["point", "lo95", "lo80", "p50", "hi80", "hi95"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("series,value\na,1\n", QueryError),
        ("series,date,value\na,2026-06-01,much\n", QueryError),
        ("series,date,value\na,2026-06-01,nan\n", QueryError),
        ("series,date,value\na,2026-06-31,1\n", PeriodError),
        ("series,date,value\na,1026-06-01,1\n", QueryError),
        ("series,date,value\na,2026-07-01,1\n", NoDataError),
        ("series,date,value\n", NoDataError),
    ],
)
def test_unusable_files_are_errors(tmp_path: Path, text: str, error: type[Exception]) -> None:
    """What is no series is said, with the line."""
    with pytest.raises(error):
        read_panel(write(tmp_path / "d.csv", text), date(2026, 6, 30))


def test_days_left() -> None:
    """The last day of a month leaves none."""
    assert [days_left(date(2024, 2, day)) for day in (1, 28, 29)] == [28, 1, 0]


def test_shipped_prior_is_what_the_script_makes(shared: Path) -> None:
    """The prior in the package is the one that `bench/forecast_prior.py` learns from the development data."""
    from bench.forecast_prior import build, people

    if not (shared / "forecast" / "evaluate.py").exists():
        pytest.skip("no development data")
    assert load(PATH) == pytest.approx(build(people(shared / "forecast")), abs=1e-6)


def known(found: Outlook) -> list[bool]:
    """Return which series can be forecast by themselves."""
    return [bool(value) for value in found.known]


def test_enough_history_is_two_weeks() -> None:
    """Thirteen days are too few, fourteen are enough; so are not four active days."""
    few = [1.0] * 4 + [0.0] * 10

    assert known(outlook(series([1.0] * 13))) == [False]
    assert known(outlook(series([1.0] * 14, few))) == [True, False]


def test_ranges_that_did_not_hold_are_widened() -> None:
    """Weeks that double for good were missed by more than steady classes say: the range gets wider than its class's."""
    steps = [100.0 * 2 ** (day // 20) for day in range(120)]
    panel = series(steps)
    learned = learn(panel, 31)
    plain = quantiles(learned.counts + prior_counts(panel, learned.now.traits) + 1e-9)
    wide = learned.outlook().misses

    assert (wide[0, 3, -5] - wide[0, 3, 5]) > (plain[0, 3, -5] - plain[0, 3, 5])


def test_run_out_by_hand() -> None:
    """At 100 a day and 2000 spent, 2550 are passed on the sixth day; 1500 already are; 9000 never."""
    found = outlook(series([100.0] * 81), 31)

    assert run_out(found, 11, 2550.0, 2000.0).middle == 6
    assert run_out(found, 11, 2550.0, 2000.0).chance > 0.95
    assert run_out(found, 11, 1500.0, 2000.0) == (1, 1, 1, 1)
    assert run_out(found, 11, 9000.0, 2000.0).middle is None


def test_window_of_a_budget() -> None:
    """From August 1 to 31, with data to the 20th: 2000 spent, 1100 to come."""
    found = window_forecast(series([100.0] * 81), date(2026, 8, 31), 2550.0, date(2026, 8, 1))

    assert found.totals.so_far.tolist() == [2000]
    assert found.totals.middle == pytest.approx([3100], rel=0.02)
    assert found.run_out.middle == 6
