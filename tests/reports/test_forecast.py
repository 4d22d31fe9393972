"""Forecasts and flags of a store: worked out by hand on invented daily bills."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tokenaudit.cli.main import run
from tokenaudit.ingest.run import ingest
from tokenaudit.prices.book import PRICE_CLASSES, PriceBook, load_book
from tokenaudit.reports.horizons import horizons
from tokenaudit.store import told

HEAD = "charge_period_start,charge_period_end,granularity,request_model,user,project,billed_cost,output_tokens\n"
FIRST = date(2026, 7, 1)
Spend = Callable[[date], float]


def bill(day: date, user: str, project: str, amount: float) -> str:
    """Return the row of one day; a dollar buys a million tokens."""
    after = day + timedelta(days=1)
    return f"{day}T00:00:00Z,{after}T00:00:00Z,day,gpt-5,{user},{project},{amount:.2f},{int(amount * 1e6)}\n"


def steady(day: date) -> float:
    """Return a team's day: 100 on workdays, 20 on others, a little uneven."""
    return (100 if day.weekday() < 5 else 20) + day.day % 7


def stored(folder: Path, people: dict[tuple[str, str], Spend], days: int = 92) -> str:
    """Return a store that holds daily bills from 1 July on."""
    span = [FIRST + timedelta(days=number) for number in range(days)]
    text = HEAD + "".join(
        bill(day, user, project, spend(day)) for day in span for (user, project), spend in people.items() if spend(day)
    )
    (folder / "bills.csv").write_text(text)
    ingest([str(folder / "bills.csv")], folder / "store")
    return str(folder / "store")


@pytest.fixture
def team(tmp_path: Path) -> str:
    """Return a store of two steady people, July to September."""
    return stored(tmp_path, {("ann", "web"): steady, ("bob", "api"): lambda day: 2 * steady(day)})


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """Return what a command prints on stdout."""
    assert run([*words, "--no-config"]) == code, capsys.readouterr().err
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """Return what a command prints as JSON, its numbers exact."""
    found: dict[str, Any] = json.loads(said(capsys, *words, "--format", "json"), parse_float=Decimal)
    return found


def test_month_is_what_is_spent_and_what_remains(team: str, capsys: pytest.CaptureFixture[str]) -> None:
    """On 20 September the month holds 20 days of bills, and ten more days like them."""
    found = document(capsys, "forecast", "--store", team, "--as-of", "2026-09-20", "--by", "user")
    month = found["totals"][0]
    spent = sum(Decimal(f"{3 * steady(date(2026, 9, day)):.2f}") for day in range(1, 21))
    to_come = sum(3 * steady(date(2026, 9, day)) for day in range(21, 31))

    assert (found["schema"], found["as_of"], month["target"]) == ("tokenaudit.forecast/1", "2026-09-20", "month_end")
    assert month["so_far"] == spent
    assert float(month["point"] - spent) == pytest.approx(to_come, rel=0.1)
    assert month["lo95"] <= month["lo80"] <= month["p50"] <= month["hi80"] <= month["hi95"]


def test_keys_add_up_to_the_total_to_the_cent(team: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In each span, forecasts of users add up to that of all, split as the last week was spent: 1 to 2."""
    found = document(capsys, "forecast", "--store", team, "--as-of", "2026-09-20", "--by", "user")
    for total in found["totals"]:
        parts = [row for row in found["rows"] if row["target"] == total["target"]]
        ahead = [row["point"] - row["so_far"] for row in parts]

        assert sum(row["point"] for row in parts) == total["point"]
        assert float(ahead[0]) == pytest.approx(2 * float(ahead[1]), abs=0.02)
        assert all(row["lo80"] <= row["point"] <= row["hi80"] for row in parts)


def test_formats_tell_the_same(team: str, capsys: pytest.CaptureFixture[str]) -> None:
    """CSV has the columns and values of JSON."""
    words = ("forecast", "--store", team, "--as-of", "2026-09-20", "--by", "project")
    rows = document(capsys, *words)["rows"]
    table = list(csv.DictReader(StringIO(said(capsys, *words, "--format", "csv"))))

    assert [list(row) for row in table] == [list(row) for row in rows]
    assert [Decimal(row["hi80"]) for row in table] == [row["hi80"] for row in rows]


def test_lines_for_a_manager(team: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Three sentences say what, why and how good; no cents; the budget and when it runs out."""
    text = said(capsys, "forecast", "--store", team, "--as-of", "2026-09-20", "--budget", "6000")

    assert "September 2026: $4,7" in text
    assert "so far (day 20 of 30). Most likely total $7," in text
    assert "8 times in 10 it ends between" in text
    assert "Budget $6,000: more than 9 in 10 to go over, most likely about 25 Sep" in text
    assert "(weekdays $3" in text
    assert "How good is this?" in text
    assert re.search(r"\$[\d,]*\.\d", text) is None


def test_budgets_that_hold_and_that_are_over(team: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Far above the range a budget is safe; below what is spent it is over."""
    words = ("forecast", "--store", team, "--as-of", "2026-09-20", "--budget")

    assert "less than 1 in 10 to go over" in said(capsys, *words, "30000")
    assert "over already" in said(capsys, *words, "100")


def test_other_levels(team: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Another level adds its ends, between those of 80 and 95."""
    words = ("forecast", "--store", team, "--as-of", "2026-09-20", "--by", "user", "--level", "90")
    row = document(capsys, *words)["totals"][0]

    assert row["lo95"] <= row["lo90"] <= row["lo80"] <= row["hi80"] <= row["hi90"] <= row["hi95"]


def test_excluded_days_do_not_come_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A one-off of 5000 is spent, but is not expected again."""
    store = stored(tmp_path, {("ann", "web"): lambda day: 5000 if day == date(2026, 9, 15) else steady(day)}, 82)
    words = ("forecast", "--store", store, "--as-of", "2026-09-20", "--by", "user")
    plain, without = (document(capsys, *words, *more)["totals"] for more in ((), ("--exclude", "2026-09-15")))

    assert plain[0]["so_far"] == without[0]["so_far"] > 5000
    assert without[1]["point"] < plain[1]["point"]
    assert float(without[1]["point"]) == pytest.approx(560, rel=0.1)


def test_today_is_left_out(team: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock today is not over: what was spent today is not taken for a day."""
    monkeypatch.setattr("tokenaudit.periods.today", lambda _zone="UTC": date(2026, 9, 30))
    found = document(capsys, "forecast", "--store", team, "--as-of", "2026-09-30")

    assert found["as_of"] == "2026-09-29"


def test_stale_stores_begin_where_they_end(team: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Months later, what lies ahead begins after the newest day."""
    month = document(capsys, "forecast", "--store", team, "--as-of", "2026-12-24")["totals"][0]

    assert (month["as_of"], month["first"], month["last"]) == ("2026-09-30", "2026-10-01", "2026-10-31")
    assert month["so_far"] == 0


def test_too_little_history_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A week is no history: a guess, and so it is called."""
    store = stored(tmp_path, {("ann", "web"): steady}, 7)

    assert "Too little history: 7 days." in said(capsys, "forecast", "--store", store, "--as-of", "2026-07-07")
    assert run(["forecast", "--store", store, "--backtest", "--as-of", "2026-07-07"]) == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--by", "day"),
        ("--level", "30"),
        ("--level", "x"),
        ("--budget", "-1"),
        ("--exclude", "soon"),
        ("--where", "user=x"),
    ],
)
def test_what_cannot_be_asked(team: str, words: tuple[str, str]) -> None:
    """Unknown words, dimensions of time and nothing that fits are errors."""
    assert run(["forecast", "--store", team, "--as-of", "2026-09-20", *words]) == 2


def test_backtest_of_a_steady_team(team: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Forecasts of a steady team were close, closer than the run-rate, and their ranges held."""
    found = document(capsys, "forecast", "--store", team, "--as-of", "2026-09-30", "--by", "user", "--backtest")
    rows = {row["target"]: row for row in found["rows"] if row["dimension"] == "total"}

    assert found["schema"] == "tokenaudit.backtest/1"
    assert rows["next_14"]["windows"] > 10
    assert rows["next_14"]["error"] < Decimal("0.05")
    assert rows["next_14"]["skill"] > 0
    assert rows["next_14"]["covered_95"] > Decimal("0.9")


def test_calendar_spans() -> None:
    """Quarter and year follow the fiscal year."""
    spans = {item.target: item for item in horizons(date(2026, 2, 3), date(2026, 2, 2), 2)}

    assert (spans["quarter_end"].first, spans["quarter_end"].last) == (date(2026, 2, 1), date(2026, 4, 30))
    assert (spans["year_end"].first, spans["year_end"].last) == (date(2026, 2, 1), date(2027, 1, 31))
    assert spans["month_end"].ahead(date(2026, 2, 2)) == 26


# -- anomalies


def test_spike_is_flagged_with_who_and_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A day of 2000 more is flagged with the money and who carries it; muted next day, told again with --all."""
    people: dict[tuple[str, str], Spend] = {
        ("ann", "web"): lambda day: steady(day) + (2000 if day == date(2026, 9, 20) else 0),
        ("bob", "web"): lambda day: 3 * steady(day),
    }
    words = ("anomalies", "--store", stored(tmp_path, people))
    first = document(capsys, *words, "--as-of", "2026-09-20")
    row = first["rows"][0]

    assert first["schema"] == "tokenaudit.anomalies/1"
    assert (row["dimension"], row["date"]) == ("total", "2026-09-20")
    assert row["kind"] in {"spike", "shift"}
    assert (row["by_user"], row["by_project"], row["because"]) == ("ann", "web", "volume")
    assert float(row["excess"]) == pytest.approx(2000, rel=0.2)
    assert len(document(capsys, *words, "--as-of", "2026-09-20")["rows"]) == len(first["rows"]) == 2
    assert document(capsys, *words, "--as-of", "2026-09-21")["rows"] == []
    assert len(document(capsys, *words, "--as-of", "2026-09-21", "--all")["rows"]) == 2


def test_explained_score_can_be_worked_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The numbers of --explain give the score."""
    store = stored(tmp_path, {("ann", "web"): lambda day: steady(day) + (999 if day == date(2026, 9, 20) else 0)})
    text = said(capsys, "anomalies", "--store", store, "--as-of", "2026-09-20", "--explain")
    line = next(line for line in text.splitlines() if "standard deviation" in line or "deviation /" in line)
    actual, mean = line.strip().lstrip("(").split(",")[0].split(" - ")
    deviation, score = line.split(") / ")[1].split(",")[0], line.split("= ")[1].split(";")[0]

    assert (float(actual) - float(mean)) / float(deviation) / 4.2 == pytest.approx(float(score), abs=0.02)


def test_exit_codes_of_a_gate(team: str, tmp_path: Path) -> None:
    """--fail ends with 1 where something is flagged, and only then."""
    (tmp_path / "other").mkdir()
    odd = stored(tmp_path / "other", {("ann", "web"): lambda day: 9000 if day == date(2026, 9, 20) else steady(day)})

    assert run(["anomalies", "--store", team, "--as-of", "2026-09-20", "--fail"]) == 0
    assert run(["anomalies", "--store", odd, "--as-of", "2026-09-20"]) == 0
    assert run(["anomalies", "--store", odd, "--as-of", "2026-09-20", "--fail"]) == 1
    assert run(["anomalies", "--store", odd, "--as-of", "2020-01-01", "--fail"]) == 2


def test_lost_exports_and_new_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A project that falls silent is a drop, one that begins is new."""
    people: dict[tuple[str, str], Spend] = {
        ("ann", "web"): lambda day: steady(day) if day < date(2026, 9, 16) else 0,
        ("bob", "api"): lambda day: 60 + day.day % 5,
        ("eve", "ops"): lambda day: 200 if day > date(2026, 9, 18) else 0,
    }
    rows = document(capsys, "anomalies", "--store", stored(tmp_path, people, 82))["rows"]
    kinds = {(row["key"], row["kind"]) for row in rows}

    assert ("web", "drop") in kinds
    assert ("ops", "new") in kinds
    assert all(row["key"] != "api" for row in rows)


def test_loops_at_night_are_flagged_while_they_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bot that works 9 to 17 and burns all night is a runaway before the day is over."""
    head = "charge_period_start,request_model,project,billed_cost,output_tokens\n"
    hours = [(day, hour) for day in range(1, 30) for hour in range(9, 17)] + [(29, hour) for hour in range(17, 24)]
    hours += [(30, hour) for hour in range(5)]
    rows = [f"2026-09-{day:02}T{hour:02}:30:00Z,gpt-5,web,{4 + hour % 3}.00,1000\n" for day, hour in hours]
    (tmp_path / "calls.csv").write_text(head + "".join(rows))
    ingest([str(tmp_path / "calls.csv")], tmp_path / "store")
    found = document(capsys, "anomalies", "--store", str(tmp_path / "store"), "--as-of", "2026-09-30")
    (row,) = [row for row in found["rows"] if row["kind"] == "runaway"]

    assert (row["key"], row["going"], row["date"]) == ("web", True, "2026-09-30")
    assert row["first"].startswith("2026-09-2") or row["first"].startswith("2026-09-30")


def test_mute_lasts_a_week(tmp_path: Path) -> None:
    """Told on day 1: not on days 2 to 7, again on day 8; on day 1 itself as often as one asks."""
    day = date(2026, 9, 1)
    told.remember(tmp_path, {}, ["a"], day)
    known = told.load(tmp_path)

    assert [told.muted(known, "a", day + timedelta(days=after)) for after in range(9)] == [
        False,
        *[True] * 6,
        False,
        False,
    ]
    assert not told.muted(known, "b", day)
    (tmp_path / told.NAME).write_text("[]")
    assert told.load(tmp_path) == {}


def test_own_series_need_no_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--input prints the bare array, of both commands, and refuses other formats."""
    path = tmp_path / "d.csv"
    days = [FIRST + timedelta(days=number) for number in range(60)]
    path.write_text("series,date,value\n" + "".join(f"a,{day},{900 if day == days[-1] else 5}\n" for day in days))
    words = ("--input", str(path), "--as-of", str(days[-1]))

    assert json.loads(said(capsys, "forecast", *words))[0]["series"] == "a"
    assert json.loads(said(capsys, "anomalies", *words))[0]["kind"] == "spike"
    assert run(["anomalies", *words, "--format", "csv"]) == 2
    assert run(["anomalies", *words, "--fail"]) == 1


def test_price_changes_ahead_are_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the price book doubles all prices on 1 October, days from then on cost twice as much."""
    head = "charge_period_start,charge_period_end,granularity,request_model,user,output_tokens\n"
    days = [FIRST + timedelta(days=number) for number in range(82)]
    rows = [f"{day}T00:00:00Z,{day + timedelta(1)}T00:00:00Z,day,gpt-5,ann,{10**7 + day.day}\n" for day in days]
    (tmp_path / "use.csv").write_text(head + "".join(rows))
    ingest([str(tmp_path / "use.csv")], tmp_path / "store")
    words = ("forecast", "--store", str(tmp_path / "store"), "--as-of", "2026-09-20", "--by", "user")
    plain = document(capsys, *words)
    monkeypatch.setattr("tokenaudit.reports.price_changes.book_of", lambda _: doubled(load_book()))
    dearer = document(capsys, *words)

    assert dearer["totals"][0]["point"] == plain["totals"][0]["point"]
    ratio = float(dearer["totals"][3]["point"] / plain["totals"][3]["point"])
    assert ratio == pytest.approx(50 / 30, rel=0.03)
    assert any(
        "From 1 Oct on list prices change: the same use then costs 100.0 % more" in note for note in dearer["notes"]
    )


def doubled(book: PriceBook) -> PriceBook:
    """Return a price book in which every price is twice as high from 1 October 2026 on."""
    change = datetime(2026, 10, 1, tzinfo=UTC)
    current = book.rates.filter((pl.col("effective_from") < change) & (pl.col("effective_to") > change))
    later = current.with_columns(pl.lit(change).alias("effective_from"), *(pl.col(name) * 2 for name in PRICE_CLASSES))
    until = pl.when(pl.col("effective_to") > change).then(pl.lit(change)).otherwise("effective_to")
    earlier = book.rates.filter(pl.col("effective_from") < change).with_columns(until.alias("effective_to"))
    return book._replace(rates=pl.concat([earlier, later.cast(earlier.schema)]))


def test_nothing_with_a_price_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Use of unknown models has no spend to forecast or to judge: never a silent zero."""
    head = "charge_period_start,charge_period_end,granularity,request_model,output_tokens\n"
    (tmp_path / "use.csv").write_text(f"{head}2026-07-01T00:00:00Z,2026-07-02T00:00:00Z,day,never-heard-of,1\n")
    ingest([str(tmp_path / "use.csv")], tmp_path / "store")

    for command in ("forecast", "anomalies"):
        assert run([command, "--store", str(tmp_path / "store")]) == 2
        assert "no price is known for never-heard-of" in capsys.readouterr().err


def test_currencies_stay_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Dollars and euros are forecast each by themselves; people read (unattributed)."""
    head = HEAD.replace("billed_cost", "billing_currency,billed_cost")
    days = [FIRST + timedelta(days=number) for number in range(40)]
    rows = [bill(day, "", "web", 10).replace(",10.00", f",{cash},10.00") for day in days for cash in ("USD", "EUR")]
    (tmp_path / "bills.csv").write_text(head + "".join(rows))
    ingest([str(tmp_path / "bills.csv")], tmp_path / "store")
    words = ("forecast", "--store", str(tmp_path / "store"), "--as-of", "2026-08-09", "--by", "user")
    found = document(capsys, *words)
    text = said(capsys, *words)

    assert {row["billing_currency"] for row in found["totals"]} == {"USD", "EUR"}
    assert {row["user"] for row in found["rows"]} == {None}
    assert "€90 so far" in text
    assert "$90 so far" in text
    assert "(unattributed)" in text


def test_rivals_stand_beside_a_backtest(
    team: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rival that expects the last day again has its error beside ours; alone there is nothing to beat."""
    monkeypatch.setattr("tokenaudit.reports.backtest.rival", lambda _name: lambda past, days: np.full(days, past[-1]))
    words = ("forecast", "--store", team, "--as-of", "2026-09-30", "--by", "user", "--against", "autoets")
    row = document(capsys, *words, "--backtest")["rows"][0]

    assert row["target"] == "next_7"
    assert row["autoets_error"] > 3 * row["error"]
    assert run(list(words)) == 2
    assert run([*words[:-1], "prophet", "--backtest"]) == 2
