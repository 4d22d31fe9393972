"""Budgets of a configuration: every mistake with its line, and what is accepted."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tokenaudit.budgets.declarations import Budget, Exemption, Limit
from tokenaudit.budgets.lines import lines, nearest
from tokenaudit.budgets.load import load, loaded
from tokenaudit.config import read
from tokenaudit.errors import ConfigError

GOOD = """
[[budget]]
id = "eng"
scope = { project = ["eng-*"], "tag.env" = "prod" }
limits = [{ amount = 250000, period = "month", warn = 0.8, fail = 1.0 }]
[[budget]]
id = "payments"
parent = "eng"
scope = { project = ["payments", "ledger"] }
[[budget.limits]]
amount = 20000.10
period = "month"
[[budget]]
id = "person"
each = "user"
limits = [{ amount = 40, period = "day" }, { amount = 400, period = "month" }]
exceptions = [{ user = "alice@example.com", amount = 1500, period = "month", until = 2026-12-31, reason = "lead" }]
[policy]
unpriced = 0.02
unattributed = { limit = 0.1, level = "warn" }
"""


def written(folder: Path, text: str, name: str = "tokenaudit.toml") -> Path:
    """Return a configuration file."""
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def faults(folder: Path, text: str) -> list[tuple[int, str, str]]:
    """Return the line, text and hint of every mistake."""
    _, found = load(read(written(folder, text)))
    return [(fault.origin.line, fault.text, fault.hint) for fault in found]


def test_what_is_accepted(tmp_path: Path) -> None:
    """Amounts are exact, thresholds have defaults, an exception names the value of `each`."""
    found = loaded(read(written(tmp_path, GOOD)))
    eng, payments, person = found.budgets

    assert eng.scope == {"project": ("eng-*",), "tag.env": "prod"}
    assert payments.limits == (Limit("month", Decimal("20000.10")),)
    assert person.exceptions == (
        Exemption("lead", "month", date(2026, 12, 31), amount=Decimal(1500), key="alice@example.com"),
    )
    assert found.policies["unpriced"].limit == Decimal("0.02")
    assert found.policies["unattributed"].level == "warn"
    assert {name: origin().line for name, origin in found.origins.items()} == {"eng": 2, "payments": 6, "person": 13}


ONE = '[[budget]]\nid = "a"\n'
LIMIT = 'limits = [{ amount = 10, period = "month" }]\n'
MISTAKES = {
    "unknown key": (f'{ONE}scoop = {{ user = "x" }}\n{LIMIT}', 3, "unknown key `scoop`", "did you mean `scope`?"),
    "unknown key of a limit": (
        f"{ONE}limits = [\n{{ amount = 1, peroid = 'day' }}]",
        4,
        "unknown key `peroid`",
        "period",
    ),
    "no period": (f"{ONE}limits = [{{ amount = 1 }}]", 3, "no `period`", "write `period"),
    "period": (
        f"{ONE}limits = [{{ amount = 1, period = 'mnth' }}]",
        3,
        "`period` cannot be `mnth`",
        "did you mean `month`?",
    ),
    "number": (f"{ONE}limits = [{{ amount = '1', period = 'day' }}]", 3, "`amount` cannot be `1`", ""),
    "true is no number": (f"{ONE}limits = [{{ amount = true, period = 'day' }}]", 3, "`amount` cannot be `True`", ""),
    "nothing": (f"{ONE}limits = [{{ period = 'day' }}]", 3, "not one amount", "amount, tokens or share"),
    "two amounts": (f"{ONE}limits = [{{ amount = 1, tokens = 2, period = 'day' }}]", 3, "not one amount", ""),
    "below zero": (f"{ONE}limits = [{{ amount = -1, period = 'day' }}]", 3, "`-1` is no limit", ""),
    "share": (f"{ONE}limits = [{{ share = 35, period = 'day' }}]", 3, "`35` is no limit", "from 0 to 1"),
    "no limit": (ONE, 1, "no limit", ""),
    "limits is no list": (f"{ONE}limits = 3", 3, "`limits` is no list", ""),
    "a limit is no table": (f"{ONE}limits = [3]", 3, "is no table", ""),
    "thresholds": (f"{ONE}limits = [{{ amount = 1, period = 'day', warn = 1.2 }}]", 3, "warn = 1.2 and fail = 1", ""),
    "dates of a month": (
        f"{ONE}limits = [{{ amount = 1, period = 'month', from = 2026-01-01 }}]",
        3,
        "`from`",
        "total",
    ),
    "dates": (
        f"{ONE}limits = [{{ amount = 1, period = 'total', from = 2026-02-01, until = 2026-01-01 }}]",
        3,
        "it ends on 2026-01-01",
        "swap",
    ),
    "column": (f'{ONE}scope = {{ usr = "x" }}\n{LIMIT}', 3, "unknown column `usr`", "did you mean `user`?"),
    "time is no scope": (f'{ONE}scope = {{ month = "x" }}\n{LIMIT}', 3, "cannot choose rows by `month`", ""),
    "each": (f'{ONE}each = "usr"\n{LIMIT}', 3, "unknown column `usr`", "did you mean `user`?"),
    "same id": (f"{ONE}{LIMIT}{ONE}{LIMIT}", 2, "the id `a` is not one of its own", ""),
    "parent": (f'{ONE}parent = "b"\n{LIMIT}', 3, "no budget `b`", ""),
    "itself": (f'{ONE}parent = "a"\n{LIMIT}', 3, "`a` is a parent of itself", ""),
    "over its parent": (
        f'{ONE}{LIMIT}[[budget]]\nid = "b"\nparent = "a"\nlimits = [{{ amount = 10.01, period = "day" }}]',
        7,
        "10.01 for a day is over the 10 for a month of its parent `a`",
        "lower it",
    ),
    "over by its threshold": (
        f'{ONE}{LIMIT}[[budget]]\nid = "b"\nparent = "a"\nlimits = [{{ amount = 10, period = "month", fail = 1.1 }}]',
        7,
        "is over the 10 for a month",
        "",
    ),
    "whole": (f"{ONE}limits = [{{ share = 0.3, of = 'b', period = 'month' }}]", 3, "`of = b` names no whole", ""),
    "pool over its limit": (
        f'{ONE}{LIMIT}pool = {{ each = "user", amount = 11 }}',
        4,
        "one member may take 11 of 10",
        "",
    ),
    "pool in tokens": (f'{ONE}{LIMIT}pool = {{ each = "user", tokens = 1 }}', 4, "another unit", ""),
    "pool and each": (
        f'{ONE}each = "user"\n{LIMIT}pool = {{ each = "user", amount = 1 }}',
        5,
        "exclude each other",
        "",
    ),
    "rollover": (f"{ONE}{LIMIT}rollover = {{ max = 20 }}", 4, "`20` is no part of a limit", "0.2"),
    "grant": (f"{ONE}{LIMIT}grants = [{{ amount = 1, from = 2026-01-01 }}]", 4, "no `reason`", ""),
    "exception without value": (
        (
            f'{ONE}each = "user"\n{LIMIT}'
            'exceptions = [{ amount = 1, period = "month", until = 2026-01-01, reason = "r" }]'
        ),
        5,
        "an exception for no user",
        "user =",
    ),
    "exception for another window": (
        f'{ONE}{LIMIT}exceptions = [{{ amount = 1, period = "day", until = 2026-01-01, reason = "r" }}]',
        4,
        "no limit for each day",
        "",
    ),
    "policy": ("[policy]\nunpricd = 0.1", 2, "unknown key `unpricd` in [policy]", "did you mean `unpriced`?"),
    "policy level": (
        "[policy]\nstale = { limit = 1, level = 'wrn' }",
        2,
        "`level` cannot be `wrn`",
        "did you mean `warn`?",
    ),
    "policy share": ("[policy]\nunpriced = 5", 2, "`5` is no limit of `unpriced`", "0 to 1"),
    "fiscal year": ("fiscal_year_start = 13\n" + ONE + LIMIT, 1, "`fiscal_year_start = 13`", "1 to 12"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_every_mistake_has_its_line(tmp_path: Path, name: str) -> None:
    """A mistake is named with the line it stands in, and what would be right."""
    text, line, words, hint = MISTAKES[name]
    found = faults(tmp_path, text)

    assert any(at == line and words in said and hint in help_ for at, said, help_ in found), found


def test_all_mistakes_are_found(tmp_path: Path) -> None:
    """One mistake does not hide the next; loading raises the first and counts the others."""
    text = f'{ONE}limts = 1\n[[budget]]\nid = "b"\neach = "usr"\n{LIMIT}[policy]\nx = 1\n'

    assert [line for line, _, _ in faults(tmp_path, text)] == [3, 6, 9]
    with pytest.raises(ConfigError, match=r"tokenaudit.toml:3: unknown key `limts` in budget `a`; 2 more"):
        loaded(read(tmp_path / "tokenaudit.toml"))


def test_lines_of_a_project_file(tmp_path: Path) -> None:
    """In pyproject.toml the lines are those of the whole file."""
    text = '[project]\nname = "x"\n[[tool.tokenaudit.budget]]\nid = "a"\nlimits = [{ amount = 1, period = "dy" }]\n'
    _, (fault,) = load(read(written(tmp_path, text, "pyproject.toml")))

    assert fault.origin.line == 5


def test_lines_of_odd_toml() -> None:
    """Brackets, hashes and keys within texts are text; tables of tables count on in the last one."""
    text = (
        "a = '''\n[[b]] # no\nc = 1'''\r\n[[b]]\nd.e = \"]#\"\n[[b.f]]\n'g h' = { i = [1, [2,\n3]], j = 2 } # k = 1\n"
    )
    text += "[b.l]\nm=1"
    found = lines(text)

    assert found[("a",)] == 1
    assert found[("b", 0)] == 4
    assert found[("b", 0, "d", "e")] == 5
    assert found[("b", 0, "f", 0, "g h", "i", 1, 1)] == 8
    assert found[("b", 0, "f", 0, "g h", "j")] == 8
    assert found[("b", 0, "l", "m")] == 10
    assert ("k",) not in found
    assert nearest(found, ("b", 0, "nowhere", 3)) == 4
    assert nearest(found, ("nowhere",)) == 1


def test_records_keep_their_defaults() -> None:
    """A budget is an id and limits; all else has a default that says nothing."""
    assert Budget("a").scope == {}
    assert Limit("day").warn == Decimal("0.8")
