"""Budgets on any rows: they agree with reports, add up, and depend on no order."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.checks.desk import HEAD
from tokenaudit.budgets.cases import Day
from tokenaudit.budgets.declarations import Window
from tokenaudit.budgets.load import loaded
from tokenaudit.budgets.windows import between
from tokenaudit.config import Config
from tokenaudit.ingest.run import ingest
from tokenaudit.reports.judging import judge
from tokenaudit.reports.question import Question, ask
from tokenaudit.store.store import Store

ZONES = ("UTC", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia")
EDGES = [datetime(2026, *at, tzinfo=UTC) for at in ((3, 29), (3, 30), (10, 25), (10, 26), (11, 1), (11, 2), (12, 1))]
"""Days around which clocks are changed, and weeks, months and billing months begin."""
WINDOWS = [period for period in get_args(Window) if period != "total"]


@st.composite
def rows(draw: st.DrawFn) -> dict[str, str]:
    """Return a request near the edge of some window, or a day's bucket."""
    at = draw(st.sampled_from(EDGES)) + timedelta(
        minutes=draw(st.integers(-24 * 60, 24 * 60)), microseconds=draw(st.sampled_from((-1, 0, 1)))
    )
    day = draw(st.booleans())
    bucket = {"charge_period_end": f"{at.date() + timedelta(days=1)}T00:00:00Z", "granularity": "day"} if day else {}
    return {
        "charge_period_start": f"{at.date()}T00:00:00Z" if day else at.isoformat(),
        "request_model": draw(st.sampled_from(("gpt-5", "o3"))),
        "user": draw(st.sampled_from(("ana", "bo", ""))),
        "project": draw(st.sampled_from(("web", "api"))),
        "output_tokens": str(draw(st.integers(0, 99))),
        "billed_cost": str(Decimal(draw(st.integers(0, 5_000_000))).scaleb(-6)),
        **bucket,
    }


def stored(folder: Path, parts: Sequence[Sequence[dict[str, str]]]) -> Path:
    """Return a store of some rows, read in parts."""
    for number, part in enumerate(parts):
        frame = pl.DataFrame(
            [{name: row.get(name) or None for name in HEAD} for row in part], schema=dict.fromkeys(HEAD, pl.String)
        )
        frame.write_csv(folder / f"{number}.csv")
        ingest([str(folder / f"{number}.csv")], folder / "store")
    return folder / "store"


def judged(store: Path, tables: Sequence[dict[str, Any]], day: Day) -> list[tuple[Any, ...]]:
    """Return budget, key, spent and verdict of every limit."""
    config = Config(budgets=tuple(tables))
    with Store.open(store) as opened:
        found = judge(opened, config, loaded(config), day)
    table = found.rows.to_dicts()
    return sorted((found.cases[row["case"]].budget.id, row["key"] or "", row["spent"], row["verdict"]) for row in table)


def limit(amount: int = 9, period: str = "month") -> dict[str, Any]:
    """Return a limit in dollars."""
    return {"amount": amount, "period": period}


@settings(max_examples=12)
@given(st.lists(rows(), min_size=1, max_size=12), st.sampled_from(ZONES), st.sampled_from(EDGES))
def test_windows_are_those_of_reports(found: list[dict[str, str]], zone: str, edge: datetime) -> None:
    """What a limit counts in its window is what a report says of these days, in any time zone."""
    tables = [{"id": period, "limits": [limit(period=period)]} for period in WINDOWS]
    with tempfile.TemporaryDirectory() as folder:
        store, config = stored(Path(folder), [found]), Config(budgets=tuple(tables))
        with Store.open(store) as opened:
            for number in (-1, 0):
                day = Day(edge.date() + timedelta(days=number), zone)
                far = Day(date(2027, 12, 31), zone, opened_period(day))
                result = judge(opened, config, loaded(config), far)
                for row in result.rows.to_dicts():
                    period = result.cases[row["case"]].period
                    cube = ask(opened, Question(period, ())).cube
                    assert row["spent"] == (cube["effective_cost"].sum() or 0)


def opened_period(day: Day) -> Any:
    """Return the day as a period, which is judged by every window that holds it."""
    return between(day.as_of, day.as_of, day.zone)


@settings(max_examples=12)
@given(st.lists(rows(), min_size=2, max_size=14), st.randoms(use_true_random=False), st.integers(1, 3))
def test_no_order_changes_a_verdict(found: list[dict[str, str]], random: Any, parts: int) -> None:
    """Rows in any order and in any number of files, budgets in any order: the same verdicts."""
    tables: list[dict[str, Any]] = [
        {"id": "all", "limits": [limit(), limit(30, "year")]},
        {"id": "web", "parent": "all", "scope": {"project": ["web", "w*"]}, "limits": [limit(5)]},
        {"id": "person", "each": "user", "limits": [limit(3), {"tokens": 100, "period": "week"}]},
        {"id": "mix", "scope": {"model": "o3"}, "limits": [{"share": Decimal("0.5"), "period": "month"}]},
    ]
    day = Day(date(2026, 11, 1), "Europe/Berlin")
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        straight = judged(stored(Path(one), [found]), tables, day)
        mixed, others = list(found), list(tables)
        random.shuffle(mixed)
        random.shuffle(others)
        pieces = [mixed[number::parts] for number in range(parts) if mixed[number::parts]]
        # equal rows of one file all count, equal rows of two files are one: keep them together
        apart = len({tuple(sorted(row.items())) for row in found}) == len(found)
        assert judged(stored(Path(two), pieces if apart else [mixed]), others, day) == straight


@settings(max_examples=12)
@given(st.lists(rows(), min_size=1, max_size=14))
def test_pools_add_up_and_children_fit_in(found: list[dict[str, str]]) -> None:
    """Members and nobody make up the pool, once; no child shows more than its parent."""
    scopes: list[dict[str, Any]] = [
        {},
        {"project": ["web", "w*"]},
        {"user": ["ana", "bo", "a*"]},
        {"model": "gpt-5"},
    ]
    tables = [
        {
            "id": str(number),
            **({"parent": str(number - 1)} if number else {}),
            "scope": scope,
            "limits": [limit(9, "year")],
            "pool": {"each": "user", "amount": 9},
        }
        for number, scope in enumerate(scopes)
    ]
    with tempfile.TemporaryDirectory() as folder:
        store = stored(Path(folder), [found])
        result = judged(store, tables, Day(date(2026, 12, 31), "UTC"))
        with Store.open(store) as opened:
            cube = ask(opened, Question(Day(date(2026, 12, 31), "UTC").so_far, ("user", "project", "model"))).cube
    pools = {name: spent for name, key, spent, _ in result if not key}
    members = {name: sum(spent for other, key, spent, _ in result if other == name and key) for name in pools}
    nobody = cube.filter(pl.col("user").is_null())["effective_cost"].sum() or 0

    assert members["0"] + nobody == pools["0"]
    assert members["2"] == pools["2"]  # all of it has a user
    assert pools["3"] <= pools["2"] <= pools["1"] <= pools["0"]
