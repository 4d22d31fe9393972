"""`tokenaudit budget` and `config`: lint, plan, suggest and status, and the schema that editors use."""

from __future__ import annotations

import json
import re
import textwrap
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest

from tests.budgets.test_load import GOOD, LIMIT, MISTAKES, ONE
from tests.checks.desk import Desk, days
from tokenaudit.cli.main import run
from tokenaudit.config import TERMS, Config
from tokenaudit.reports.config_schema import config_schema

MONTH = '{ amount = %s, period = "month" }'
SEMANTIC = {  # what a schema cannot say: it takes several keys, or other budgets
    "nothing", "two amounts", "below zero", "share", "no limit", "thresholds", "dates of a month", "dates", "column",
    "time is no scope", "each", "same id", "parent", "itself", "over its parent", "over by its threshold", "whole",
    "pool over its limit", "pool in tokens", "pool and each", "rollover", "exception without value",
    "exception for another window", "policy share", "fiscal year",
}  # fmt: skip


# -- lint
def test_lint_names_each_mistake(desk: Desk) -> None:
    """File, line, mistake and what would be right; the exit code is that of a bad configuration."""
    shown = desk.config('[[budget]]\nid = "a"\nlimts = 1\n').run(command="budget lint", code=2).splitlines()

    assert shown[0] == f"{desk.folder}/tokenaudit.toml:3: unknown key `limts` in budget `a` (did you mean `limits`?)"
    assert "1 mistake in the budgets" in desk.error


def test_lint_without_a_mistake(desk: Desk) -> None:
    """Without a store budgets can be checked too."""
    assert desk.config(GOOD).run(command="budget lint") == "3 budgets with 4 limits: no mistake\n"


def test_lint_looks_at_the_store(desk: Desk) -> None:
    """Scopes that fit nothing stored, and children that may spend more than their parent, are worth a look."""
    child = '[[budget]]\nid = "c%d"\nparent = "b"\nscope = { project = "%s" }\nlimits = [' + MONTH % 60 + "]\n"
    desk.rows(days("2026-10", [1]) + days("2026-10", [1], project="api"))
    desk.budget(MONTH % 100, more=child % (1, "wbe") + child % (2, "api"))
    lines = desk.run(command="budget lint").splitlines()

    assert "tokenaudit.toml:5: nothing stored has the project `wbe` of budget `c1`: did you mean `web`?" in lines[1]
    assert "tokenaudit.toml:1: children of budget `b` may together spend 120 for a month, the parent 100" in lines[0]
    assert lines[-1] == "3 budgets with 3 limits: no mistake"


def test_examples_of_the_page_are_right(desk: Desk) -> None:
    """The budgets of docs/budgets.md and its grid have no mistake."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "budgets.md").read_text(encoding="utf-8")
    tables = [textwrap.dedent(block) for block in re.findall(r" *```toml\n(.*?)```", page, flags=re.DOTALL)]
    (desk.folder / "budget.csv").write_text("".join(re.findall(r"```csv\n(.*?)```", page, flags=re.DOTALL)))
    assert desk.config("\n".join(tables)).run(command="budget lint") == "5 budgets with 7 limits: no mistake\n"
    assert (
        desk.config('budget_grids = ["budget.csv"]').run(command="budget lint")
        == "2 budgets with 5 limits: no mistake\n"
    )


# -- plan
def test_plan_replays_the_past(desk: Desk) -> None:
    """August is kept, September warned for nothing, October over five days after the warning; days are judged too."""
    desk.rows(days("2026-08", [1] * 10) + days("2026-09", [3] * 30) + days("2026-10", [4] * 30))
    desk.budget(f'{MONTH % 100}, {{ amount = 3.5, period = "day" }}')
    found = json.loads(
        desk.run("--replay", "2026-08..2026-10", "-f", "json", command="budget plan", as_of="2026-11-05")
    )
    month, day = found["rows"]

    assert found["schema"] == "tokenaudit.budget-plan/1"
    assert month == {
        "budget": "b", "window": "month", "unit": "USD", "limit": 100, "windows": 3, "warned": 2, "over": 1,
        "notice": 5, "for_nothing": 1, "worst": 1.2,
    }  # fmt: skip
    assert (day["windows"], day["over"], day["notice"]) == (70, 30, 0)


def test_plan_by_value_with_exceptions(desk: Desk) -> None:
    """Each value is a window of its own; an exception counts while it holds."""
    desk.rows(days("2026-09", [9], user="bo") + days("2026-10", [9], user="bo") + days("2026-10", [2]))
    exception = 'exceptions = [{ user = "bo", amount = 10, period = "month", until = 2026-09-30, reason = "r" }]'
    desk.budget(MONTH % 5, f'each = "user"\n{exception}')
    (row,) = json.loads(desk.run("--replay", "2026-09..2026-10", "-f", "json", command="budget plan"))["rows"]

    assert (row["windows"], row["warned"], row["over"]) == (3, 2, 1)


def test_plan_of_shares_and_tokens(desk: Desk) -> None:
    """A share is judged day by day of what was spent so far."""
    desk.rows(days("2026-10", [5] * 4) + days("2026-10", [5], request_model="o3"))
    desk.budget('{ share = 0.4, period = "month" }, { tokens = 50, period = "month" }', 'scope = { model = "o3" }')
    share, tokens = json.loads(desk.run("--replay", "2026-10", "-f", "json", command="budget plan"))["rows"]

    assert (share["over"], share["for_nothing"], share["worst"]) == (1, 1, 0.5)
    assert (tokens["over"], tokens["worst"]) == (1, 2)


# -- suggest
def test_suggest_takes_limits_from_months(desk: Desk) -> None:
    """Median and nine of ten of what each spent a month, and a fifth of room."""
    desk.rows([row for month in range(1, 7) for row in days(f"2026-0{month}", [10 * month])])
    desk.rows(days("2026-06", [200], user="bo")).config("")
    words = ["--period", "2026-01..2026-06", "--by", "user"]
    every, bo, ana = json.loads(desk.run(*words, "-f", "json", command="budget suggest"))["rows"]

    assert (every["value"], every["months"], every["median"], every["p90"], every["suggested"]) == (
        None,
        7,
        40,
        200,
        240,
    )
    assert (ana["value"], ana["months"], ana["median"], ana["largest"], ana["suggested"]) == ("ana", 6, 30, 60, 72)
    assert bo["value"] == "bo"


def test_what_is_suggested_can_be_pasted(desk: Desk) -> None:
    """The TOML is a configuration by which the past was kept, but for the exceptions it names."""
    desk.rows(
        [row for month in range(4, 10) for row in days(f"2026-0{month}", [month] * 9 + [1], billing_currency="EUR")]
    )
    text = desk.config("").run("-f", "toml", command="budget suggest", as_of="2026-10-03")
    found = tomllib.loads(text)["budget"]

    assert [budget["id"] for budget in found] == ["each-user-eur", "each-project-eur"]
    assert found[0]["limits"] == [{"amount": 99, "period": "month", "currency": "EUR"}]
    desk.config(text)
    assert set(desk.verdicts("--period", "2026-04..2026-09", code=0).values()) <= {"ok", "warn"}


def test_suggest_without_data(desk: Desk) -> None:
    """Nothing stored, nothing to suggest."""
    desk.rows(days("2026-10", [1])).config("")
    desk.run(command="budget suggest", code=2)

    assert "nothing is stored from April 2026 to September 2026" in desk.error


# -- status
def test_status_draws_bars(desk: Desk) -> None:
    """What is used, where today is, what is left, and the run-rate."""
    desk.rows(days("2026-10", [3] * 10))
    shown = desk.budget(f"{MONTH % 60}, {MONTH % 20}").run(command="budget status", as_of="2026-10-10")

    assert "[#####|####..........]        50 %   $30.00  $3.00 a day, over on 2026-10-21" in shown
    assert "[#####|##############] over  150 %  -$10.00  $3.00 a day" in shown
    rows = json.loads(desk.run("-f", "json", command="budget status", as_of="2026-10-10"))["rows"]
    assert [row["used"] for row in rows] == [0.5, 1.5]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["budget", "lnt"], "unknown action `lnt`"),
        (["budget", "status", "-f", "toml"], "status has no format `toml`"),
        (["budget", "plan", "--replay", "all"], "a replay needs a period with an end"),
        (["budget", "suggest", "-p", "all"], "limits are suggested from months"),
        (["config", "schem"], "unknown action `schem`"),
    ],
)
def test_questions_that_make_no_sense(desk: Desk, words: list[str], error: str) -> None:
    """A sentence, a hint and exit code 2."""
    desk.rows(days("2026-10", [1])).budget(MONTH % 1)
    config = ["--config", str(desk.folder / "tokenaudit.toml")]
    store = [] if words[0] == "config" else ["--store", str(desk.folder / "store")]

    assert run([*words, *config, *store]) == 2
    assert error in desk.capsys.readouterr().err


# -- the schema
@pytest.fixture(scope="module")
def valid() -> Any:
    """Return what checks a configuration by the schema."""
    return fastjsonschema.compile(config_schema())


def as_json(text: str) -> Any:
    """Return TOML as editors see it."""
    return json.loads(
        json.dumps(tomllib.loads(text), default=lambda value: value.isoformat() if isinstance(value, date) else value)
    )


@pytest.mark.parametrize("name", MISTAKES)
def test_schema_refuses_what_the_program_refuses(valid: Any, name: str) -> None:
    """Unknown keys, missing keys and wrong types; what takes several keys to see is for lint."""
    document = as_json(MISTAKES[name][0])
    if name in SEMANTIC:
        valid(document)
    else:
        with pytest.raises(fastjsonschema.JsonSchemaException):
            valid(document)


def test_schema_takes_what_the_program_takes(valid: Any) -> None:
    """Whole configurations, and each policy as a number and as a table."""
    valid(as_json(GOOD))
    valid(
        as_json(
            f'{ONE}each = "user"\n{LIMIT}'
            'exceptions = [{ user = "a", amount = 1, period = "month", until = 2026-01-01, reason = "r" }]'
        )
    )
    valid(as_json("[policy]\nunpriced = 1\nstale = { limit = 2 }"))
    for page in ("org", "budgets", "agreements"):
        text = (Path(__file__).resolve().parents[2] / "docs" / f"{page}.md").read_text(encoding="utf-8")
        for block in re.findall(r" *```toml\n(.*?)```", text, flags=re.DOTALL):
            valid(as_json(textwrap.dedent(block)))
    valid(as_json('store = "x"\n[[plan]]\nsource = "codex"\nfrom = 2026-01-01\n[projects]\na = "b"'))


def test_schema_has_every_key(desk: Desk) -> None:
    """The schema is printed as JSON, and knows every key of the configuration but the path of the file."""
    assert run(["config", "schema"]) == 0
    found = json.loads(desk.capsys.readouterr().out)
    keys = {item.metadata.get("key", item.name) for item in Config.__dataclass_fields__.values()}

    assert set(found["properties"]) == {*(keys - {None}), *TERMS}
    assert (
        found["properties"]["budget"]["items"]["properties"]["limits"]["items"]["properties"]["period"]["enum"][0]
        == "day"
    )


def test_which_file_counts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that is found from the working directory upward, or none."""
    desk.config("")
    (desk.folder / "below").mkdir()
    monkeypatch.chdir(desk.folder / "below")
    assert run(["config", "path"]) == 0
    assert desk.capsys.readouterr().out == f"{desk.folder}/tokenaudit.toml\n"
    assert run(["config", "path", "--no-config"]) == 0
    assert "none found" in desk.capsys.readouterr().out
