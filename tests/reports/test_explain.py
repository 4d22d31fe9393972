"""An explanation adds up: to the report it explains, by hand, and back to files and lines."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tokenaudit.analysis.breakdown import breakdown
from tokenaudit.analysis.traced import RATE
from tokenaudit.cli.main import run
from tokenaudit.conditions import Condition
from tokenaudit.config import Config, Plan
from tokenaudit.errors import NoDataError
from tokenaudit.ingest.run import ingest
from tokenaudit.periods import parse_period
from tokenaudit.prices.book import PRICE_CLASSES
from tokenaudit.reports.explain import COST, FORMULA, Explained, explain
from tokenaudit.reports.question import Question, ask
from tokenaudit.store import segments
from tokenaudit.store.store import Store

BY = ("user", "model", "project")
OVERLAPPING = (
    "claude-code", "codex", "anthropic-cost.csv", "anthropic-usage.csv", "openai-cost.csv", "openai-usage.csv",
    "litellm-spend-logs", "cursor-usage.csv", "usage.csv",
)  # fmt: skip
ALONE = ("claude-code", "codex", "pi", "cline", "aider")
"""Logs of developers' machines do not overlap."""
COLUMNS = ("user", "project", "provider", "model", "request_model", "source", "cost_basis", "granularity")


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory, root: Path) -> dict[str, Store]:
    """Return a store in which sources overlap, and one in which they do not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "sync", lambda _: None)
        return {name: _ingested(tmp_path_factory.mktemp(name), root, which) for name, which in CASES.items()}


CASES = {"joined": OVERLAPPING, "plain": ALONE}


def _ingested(folder: Path, root: Path, names: tuple[str, ...]) -> Store:
    ingest([str(root / "sample_logs" / name) for name in names], folder / "store")
    return Store.open(folder / "store")


def values(store: Store) -> dict[str, list[str]]:
    """Return what `--where` may name in a store."""
    found = breakdown(ask(store, question((), by=COLUMNS)).cube, COLUMNS).rows
    return {name: ["", *(str(value) for value in found[name].drop_nulls().unique().sort())] for name in COLUMNS}


def question(conditions: tuple[Condition, ...], period: str = "all", by: tuple[str, ...] = BY) -> Question:
    """Return a question as the command line asks it."""
    plans = (Plan("codex"),)
    return Question(parse_period(period, date(2026, 11, 25), "UTC"), by, conditions, Config(plans=plans))


def condition(name: str, known: list[str]) -> st.SearchStrategy[Condition]:
    """Return conditions on a column."""
    some = st.lists(st.sampled_from(known), min_size=1, max_size=3).map(tuple)
    return st.builds(Condition, st.just(name), some, st.booleans())


PERIODS = ("all", "2026-10", "2026-10-14", "2026-Q4", "2026-10-10..2026-11-05")


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_totals_are_those_of_the_report(stores: dict[str, Store], case: str, data: st.DataObject) -> None:
    """Whatever is chosen, figures and money are the report's to the last digit, and the price rows add up to them."""
    store = stores[case]
    known = values(store)
    columns = data.draw(st.lists(st.sampled_from(COLUMNS), max_size=2, unique=True))
    conditions = tuple(data.draw(condition(name, known[name])) for name in columns)
    asked = question(conditions, data.draw(st.sampled_from(PERIODS)))
    report = breakdown(ask(store, asked).cube, BY).totals_by_currency
    try:
        found = explain(store, asked, None, 5)
    except NoDataError:
        assert report.is_empty()
        return

    assert_frame_equal(found.totals, report)
    assert_adds_up(found)


def assert_adds_up(found: Explained) -> None:
    """Units times rates are the formula's sum; sums over price rows are the totals, money as well as tokens."""
    for row in found.by_price.iter_rows(named=True):
        if row[FORMULA] is not None:
            assert sum((row[name] * row[name + RATE] for name in PRICE_CLASSES), Decimal()) == row[FORMULA]
    sums = found.by_price.group_by("billing_currency").agg(
        pl.col("requests", "total_tokens").sum(), *(pl.col(name).sum() for name in COST)
    )
    for row in sums.iter_rows(named=True):
        total = found.totals.row(by_predicate=pl.col("billing_currency") == row["billing_currency"], named=True)
        assert {name: value or 0 for name, value in row.items()} == {name: total[name] or 0 for name in row}


def test_rows_and_lines_are_those_of_the_store(stores: dict[str, Store]) -> None:
    """Files and lines of a plain question are the stored rows, each with the path it was read from."""
    store = stores["plain"]
    found, few = (explain(store, question(()), None, limit) for limit in (0, 2))
    stored = store.usage().group_by("file_id").agg(pl.len(), pl.col("line").min()).collect()

    assert sorted(found.files.select("file_id", "rows", "first_line").rows()) == sorted(stored.rows())
    assert found.files["path"].null_count() == 0
    assert (found.calls.height, few.calls.height) == (found.files["rows"].sum(), 2)
    assert few.calls.equals(found.calls.head(2))


HEAD = "charge_period_start,response_id,user,request_model,uncached_input_tokens,cache_read_input_tokens,output_tokens"


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Return a store of three calls, one of which two files tell; that file is gone."""
    first = "2026-10-14T09:00:00Z,call-1,alice,claude-haiku-4-5,1000,20000,300\n"
    second = "2026-10-14T10:00:00Z,call-2,alice,claude-haiku-4-5,2000,0,100\n"
    third = "2026-10-15T10:00:00Z,call-3,bob,no-such-model,5,0,5\n"
    (tmp_path / "a.csv").write_text(f"{HEAD}\n{first}{second}{third}")
    (tmp_path / "b.csv").write_text(f"{HEAD}\n{second}")
    for name in ("a.csv", "b.csv"):
        ingest([str(tmp_path / name)], tmp_path / "store")
    (tmp_path / "b.csv").unlink()
    return str(tmp_path / "store")


def shown(capsys: pytest.CaptureFixture[str], store: str, *words: str) -> str:
    """Return what the command prints."""
    assert run(["explain", "--store", store, *words]) == 0
    return capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], store: str, *words: str) -> Any:
    """Return what the command prints as JSON."""
    return json.loads(shown(capsys, store, *words, "-f", "json"), parse_float=Decimal)


def test_worked_out_by_hand(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Haiku 4.5: $1 a million in, $0.10 read from a cache, $5 out: 0.003 + 0.002 + 0.002."""
    answer = told(capsys, store, "--where", "user=alice", "--period", "2026-10-14")
    (row,) = answer["rows"]

    assert (row["seller"], row["price_model"], row["variant"]) == ("anthropic", "claude-haiku-4-5", "standard")
    assert [row[f"{name}_rate"] for name in ("uncached_input_tokens", "cache_read_input_tokens", "output_tokens")] == [
        Decimal("0.000001"), Decimal("0.0000001"), Decimal("0.000005")
    ]  # fmt: skip
    assert row["formula_cost"] == row["effective_cost"] == answer["totals"]["effective_cost"] == Decimal("0.007")
    assert [(call["line"], call["effective_cost"]) for call in answer["calls"]] == [
        (2, Decimal("0.0045")), (3, Decimal("0.0025"))
    ]  # fmt: skip


def test_what_was_told_again_is_named_though_its_file_is_gone(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Line 2 of the second file tells the call of line 3 of the first."""
    answer = told(capsys, store, "call-2")
    (lost,) = answer["set_aside"]
    text = shown(capsys, store, "--where", "user=alice", "--period", "all")

    assert (Path(lost["path"]).name, lost["line"], lost["rule"]) == ("b.csv", 2, "told again")
    assert (Path(lost["kept_path"]).name, lost["kept_line"]) == ("a.csv", 3)
    assert "b.csv:2" in text
    assert "Told again, counted once: 1 line" in text


def test_a_file_that_is_gone_is_named(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its rows are still there, and where they stood."""
    Path(store).parent.joinpath("a.csv").unlink()
    text = shown(capsys, store, "--period", "all")
    assert "a.csv  usage      3  2-4    23.4 K  gone" in text


def test_one_call_by_its_id_or_number(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The provider's id, or the number in the usage table."""
    answer = told(capsys, store, "call-1")
    number = str(answer["calls"][0]["response_id"])

    assert answer["totals"]["effective_cost"] == Decimal("0.0045")
    assert told(capsys, store, number) == answer


def test_a_model_by_its_name(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As logged, or canonical."""
    assert told(capsys, store, "claude-haiku-4-5", "--period", "all")["totals"]["requests"] == 2
    answer = told(capsys, store, "no-such-model", "--period", "all")
    assert (answer["totals"]["effective_cost"], answer["rows"][0]["cost_basis"]) == (None, "unpriced")
    assert "Unpriced: no-such-model, 1 request, 10 tokens, of an unknown model, not in the spend." in answer["notes"]


def test_an_unknown_name_is_an_error_with_the_nearest_one(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, as for a question without rows."""
    assert run(["explain", "claude-haiku-4", "--store", store]) == 2
    assert "did you mean `claude-haiku-4-5`?" in capsys.readouterr().err
    assert run(["explain", "--store", store, "--where", "user=nobody", "--period", "all"]) == 2
    assert "no rows fit --where" in capsys.readouterr().err


def test_every_step_of_a_name_is_shown(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The table says in whose list the name stands."""
    text = shown(capsys, store, "call-1")
    assert "claude-haiku-4-5 (anthropic)  exact  claude-haiku-4-5  anthropic  claude-haiku-4-5" in text


def documented(root: Path, name: str) -> str:
    """Return what stands below a marker of the page on agreements."""
    page = (root / "docs" / "agreements.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n\n```\w+\n(.*?)```", page, flags=re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("where", [(), ("user=ann",), ("model!=claude-opus-5-5",), ("provider=anthropic",), ("user=",)])
def test_under_agreements(
    tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str], where: tuple[str, ...]
) -> None:
    """Totals are the report's, fees and commitments included, and the price rows add up to them."""
    (tmp_path / "tokenaudit.toml").write_text(documented(root, "contract"))
    (tmp_path / "rows.csv").write_text(documented(root, "usage"))
    ingest([str(tmp_path / "rows.csv")], tmp_path / "store")
    words = ["--store", str(tmp_path / "store"), "--config", str(tmp_path / "tokenaudit.toml"), "-f", "json"]
    asked = [*words, "--period", "2026-10", "--as-of", "2026-11-20", *(f"--where={text}" for text in where)]
    codes = [run(["report", *asked])]
    report = json.loads(capsys.readouterr().out or "{}", parse_float=Decimal)
    codes.append(run(["explain", *asked]))
    found = json.loads(capsys.readouterr().out or "{}", parse_float=Decimal)

    assert codes in ([0, 0], [2, 2])
    by_currency = found.get("totals_by_currency", [found.get("totals")])
    for total, expected in zip(by_currency, report.get("totals_by_currency", [report.get("totals")]), strict=True):
        assert {name: value for name, value in (expected or {}).items() if name in (total or {})} == (total or {})
    for total in by_currency if codes == [0, 0] else []:
        rows = [row for row in found["rows"] if row["billing_currency"] == total["billing_currency"]]
        for name in COST:
            assert sum(row[name] or 0 for row in rows) == (total[name] or 0)
