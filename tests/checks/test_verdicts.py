"""What `tokenaudit check` finds, worked out by hand: limits, windows, exceptions, pools, shares, what is missing."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.checks.desk import Desk, days, event
from tests.reports.test_spend import MODELS, TOKENS
from tokenaudit.ingest.run import ingest

MONTH = '{ amount = %s, period = "month" }'
KEYS = ["budget", "scope", "key", "period_start", "period_end", "unit", "spent", "limit", "used", "forecast", "p_over"]
KEYS += ["verdict", "over_on"]


@pytest.fixture
def october(desk: Desk) -> Desk:
    """Return a desk with $1 a day of ana on web, and $2 a day of bo on api, from 1 to 20 October."""
    return desk.rows(days("2026-10", [1] * 20) + days("2026-10", [2] * 20, user="bo", project="api"))


def test_the_contract_of_json(october: Desk) -> None:
    """The keys of the contract, in order; a forecast is not known."""
    found = october.budget(MONTH % 50, 'scope = { project = ["web", "api*"] }').json(code=1)
    (row,) = found["rows"]

    assert list(found) == ["schema", "as_of", "exit_code", "rows", "policies", "notes"]
    assert (found["schema"], found["as_of"], found["exit_code"]) == ("tokenaudit.check/1", "2026-10-20", 1)
    assert list(row) == KEYS
    assert row == {
        "budget": "b", "scope": "project=web,api*", "key": None, "period_start": "2026-10-01T00:00:00Z",
        "period_end": "2026-11-01T00:00:00Z", "unit": "USD", "spent": 60, "limit": 50, "used": 1.2, "forecast": None,
        "p_over": None, "verdict": "over", "over_on": "2026-10-17",
    }  # fmt: skip
    assert all(list(item) == ["policy", "value", "limit", "verdict"] for item in found["policies"])


@pytest.mark.parametrize(
    ("amount", "keys", "verdict", "code"),
    [
        ("60", "", "warn", 0),  # equal is not over
        ("59.999999", "", "over", 1),
        ("75", "", "ok", 0),  # 80 % exactly
        ("74.99", "", "warn", 0),
        ("50", ", fail = 1.2, warn = 1.2", "ok", 0),
        ("50", ", fail = 1.19", "over", 1),
        ("61", ", warn = 1", "ok", 0),
        ("0", "", "over", 1),
    ],
)
def test_thresholds(october: Desk, amount: str, keys: str, verdict: str, code: int) -> None:
    """Over is more than limit x fail, warned more than limit x warn."""
    october.budget(f'{{ amount = {amount}, period = "month"{keys} }}')

    assert october.verdicts(code=code) == {"b": verdict}


@pytest.mark.parametrize(
    ("limit", "keys", "spent"),
    [
        ("amount = 99, period = 'day'", "", 3),
        ("amount = 99, period = 'week'", "", 6),  # Monday 19 October
        ("amount = 99, period = 'month'", "", 60),
        ("amount = 99, period = 'billing-month'", "billing_day = 16\n", 15),
        ("amount = 99, period = 'quarter'", "", 60),
        ("amount = 99, period = 'year'", "", 60),
        ("amount = 99, period = 'fiscal-year'", "fiscal_year_start = 11\n", 60),
        ("amount = 99, period = 'total', from = 2026-10-19, until = 2026-10-20", "", 6),
        ("amount = 99, period = 'total', until = 2026-10-31", "", 60),
        ("tokens = 99_000, period = 'month'", "", 4000),
    ],
)
def test_windows(october: Desk, limit: str, keys: str, spent: int) -> None:
    """A limit is about the window that holds the day."""
    october.config(f'{keys}[[budget]]\nid = "b"\nlimits = [{{ {limit} }}]\n')

    assert october.spent() == {"b": spent}


@pytest.mark.parametrize(
    ("scope", "spent"),
    [
        ('user = "ana"', 20),
        ('user = ["ana", "bo"], project = "api"', 40),
        ('project = "a*"', 40),
        ('project = ["w?b", "x*"]', 27),
        ('model = "gpt-*"', 60),
        ('provider = "openai"', 60),
        ('"tag.env" = "prod"', 7),
        ('"tag.env" = ["prod", "te*"]', 10),
        ('tag.env = ["(unattributed)"]', 60),
        ('user = ""', 0),
        ('user = "carl"', 0),
    ],
)
def test_scopes(october: Desk, scope: str, spent: int) -> None:
    """Any of a list, all of several keys, patterns, tags."""
    tagged = {"user": "t", "request_model": "m"}
    october.rows([event("2026-10-05T00:00:00Z", "7", project="x", tags='{"env":"prod","a":"b"}', **tagged)])
    october.rows([event("2026-10-05T01:00:00Z", "3", project="y", tags='{"env":"test"}', **tagged)])
    october.budget(MONTH % 1000, f"scope = {{ {scope} }}")

    assert october.spent() == {"b": spent}


def test_each_value_is_judged_by_itself(october: Desk) -> None:
    """A limit for each user: nobody's spend is a remark, and who spent nothing has no row."""
    october.rows(days("2026-10", [5], user=""))
    october.budget(MONTH % 30, 'each = "user"')
    found = october.json(code=1)

    assert [(row["key"], row["verdict"]) for row in found["rows"]] == [("bo", "over"), ("ana", "ok")]
    assert any("have no user" in note for note in found["notes"])


def test_exceptions_are_dated(october: Desk) -> None:
    """An exception holds for one value and its days, and for the whole budget where it has no `each`."""
    exception = 'exceptions = [{ user = "bo", amount = 50, period = "month", until = 2026-10-20, reason = "r" }]'
    october.budget(MONTH % 30, f'each = "user"\n{exception}')
    assert october.verdicts() == {"b/bo": "ok", "b/ana": "ok"}
    assert october.verdicts(as_of="2026-10-21")["b/bo"] == "over"

    whole = 'exceptions = [{ amount = 90, period = "month", from = 2026-10-02, until = 2026-10-20, reason = "r" }]'
    october.budget(MONTH % 30, whole)
    assert october.verdicts() == {"b": "ok"}
    assert october.verdicts(as_of="2026-10-21") == {"b": "over"}


def test_a_pool_and_its_members(october: Desk) -> None:
    """Members share a limit, and each has a cap; what they spent adds up to what the pool spent."""
    october.budget(MONTH % 70, 'pool = { each = "user", amount = 35 }')

    assert october.verdicts(code=1) == {"b": "warn", "b/bo": "over", "b/ana": "ok"}
    assert october.spent() == {"b": 60, "b/bo": 40, "b/ana": 20}


def test_grants_and_what_rolls_over(october: Desk) -> None:
    """A grant is used before the limit and gone after its last day; what September left is carried over."""
    grant = "grants = [{ amount = 20, from = 2026-10-01, until = 2026-10-05, reason = 'move' }]"
    october.budget(MONTH % 50, grant)
    assert [row["limit"] for row in october.json(as_of="2026-10-05", code=None)["rows"]] == [70]
    assert [row["limit"] for row in october.json(code=None)["rows"]] == [65]  # 15 of it were used

    october.rows(days("2026-09", [45]))
    october.budget(MONTH % 50, f"{grant}\nrollover = {{ max = 0.2 }}")
    assert [row["limit"] for row in october.json(code=None)["rows"]] == [70]  # 5 were left of September
    october.budget(MONTH % 100, "rollover = { max = 0.2 }")
    assert [row["limit"] for row in october.json(code=None)["rows"]] == [120]
    assert [row["limit"] for row in october.json(as_of="2026-09-20", code=None)["rows"]] == [100]  # August held nothing


def test_mix(october: Desk) -> None:
    """A share of everything, of the parent, or of another budget, also for each value."""
    other = '[[budget]]\nid = "web"\nscope = { project = "web" }\nlimits = [{ amount = 99, period = "month" }]\n'
    october.rows(days("2026-10", [20], request_model="o3"))
    scope = 'scope = { model = "o3" }'
    october.budget('{ share = 0.25, period = "month" }', scope)
    assert october.spent(code=0) == {"b": 0.25}
    october.budget('{ share = 0.49, period = "month", of = "web" }', scope, more=other)
    assert october.spent(code=1) == {"b": 0.5, "web": 40}
    october.budget('{ share = 0.5, period = "month" }', f'{scope}\nparent = "web"', more=other)
    assert october.verdicts(code=0) == {"b": "warn", "web": "ok"}
    october.budget('{ share = 0.4, period = "month" }', f'{scope}\neach = "user"')
    assert october.spent(code=1) == {"b/ana": 0.5}


def test_children_count_nothing_their_parent_does_not(october: Desk) -> None:
    """A child is cut to its parent; where that leaves something out, nobody may trust the verdict."""
    parent = '[[budget]]\nid = "p"\nscope = { project = "web" }\nlimits = [{ amount = 99, period = "month" }]\n'
    october.budget(MONTH % 90, 'parent = "p"\nscope = { user = "ana" }', more=parent)
    assert october.spent(code=0) == {"b": 20, "p": 20}
    october.budget(MONTH % 90, 'parent = "p"\nscope = { user = ["ana", "bo"] }', more=parent)
    found = october.json(code=3)
    assert [(row["spent"], row["verdict"]) for row in found["rows"]] == [(20, "unjudged"), (20, "ok")]
    assert "Budget b is about more than its parent p: widen the parent's scope." in found["notes"]


def test_other_currencies_are_never_added(october: Desk) -> None:
    """Euros under a limit in dollars are not judged, until another limit judges them."""
    october.rows(days("2026-10", [500], billing_currency="EUR"))
    october.budget(MONTH % 99)
    assert october.verdicts(code=3) == {"b": "unjudged"}
    both = '{ amount = 99, period = "month" }, { amount = 499, period = "month", currency = "EUR" }'
    october.budget(both)
    assert [(row["unit"], row["spent"], row["verdict"]) for row in october.json(code=1)["rows"]] == [
        ("USD", 60, "ok"), ("EUR", 500, "over"),
    ]  # fmt: skip
    october.budget('{ tokens = 9999, period = "month" }')
    assert october.verdicts(code=0) == {"b": "ok"}


def test_what_has_no_price_is_not_nothing(october: Desk) -> None:
    """Spend that is not known at all is unjudged, though other budgets can be judged."""
    october.rows([event("2026-10-02T00:00:00Z", None, user="carl", request_model="my-own", output_tokens="1")])
    october.budget(MONTH % 999, 'each = "user"')
    found = october.json(code=3)

    assert [(row["key"], row["spent"], row["verdict"]) for row in found["rows"]] == [
        ("bo", 40, "ok"), ("ana", 20, "ok"), ("carl", None, "unjudged"),
    ]  # fmt: skip


def test_later_rows_are_not_counted(october: Desk) -> None:
    """What counts as today is the end of time: the verdict of a day stays what it was on that day."""
    october.budget(MONTH % 30)
    assert october.spent(as_of="2026-10-05") == {"b": 15}
    assert "30 requests after 2026-10-05 are not counted." in october.json(as_of="2026-10-05", code=None)["notes"]


def test_on_which_day(october: Desk) -> None:
    """Over: the day on which it happened. Else the day of the run-rate of seven days, $3 a day, if it is in time."""
    at = {
        amount: october.budget(MONTH % amount).json(code=None)["rows"][0]["over_on"]
        for amount in ("59", "60", "62.9", "63", "92.9", "93", "100")
    }
    assert at == {
        "59": "2026-10-20", "60": "2026-10-21", "62.9": "2026-10-21", "63": "2026-10-22", "92.9": "2026-10-31",
        "93": None, "100": None,
    }  # fmt: skip


def test_a_period_in_place_of_today(october: Desk) -> None:
    """With --period every window of it is judged, however old the data is; longer windows up to its end."""
    limits = '{ amount = 2.5, period = "day" }, { amount = 99, period = "year" }'
    october.budget(limits)
    found = october.json("--period", "2026-10-04..2026-10-06", as_of="2027-06-01", code=1)

    assert [(row["period_start"][:10], row["spent"]) for row in found["rows"]] == [
        ("2026-10-04", 3), ("2026-10-05", 3), ("2026-10-06", 3), ("2026-01-01", 18),
    ]  # fmt: skip
    assert found["as_of"] == "2026-10-06"
    assert [item["policy"] for item in found["policies"]] == ["no_data", "unpriced", "rejected"]


def test_many_days_at_once(october: Desk) -> None:
    """A hundred windows are more than fit into one number."""
    october.budget('{ amount = 2.5, period = "day" }')
    rows = october.json("--period", "2026-08-10..2026-11-08", code=1)["rows"]

    assert sum(row["spent"] for row in rows) == 60
    assert sum(row["verdict"] == "over" for row in rows) == 20


def test_every_failure_is_listed(october: Desk) -> None:
    """Several limits over, and what cannot be judged beside: all of them are named, and over counts."""
    october.rows([event("2026-10-02T00:00:00Z", None, request_model="my-own", output_tokens="5000")])
    october.config("".join(f'[[budget]]\nid = "b{n}"\nlimits = [{MONTH % n}]\n' for n in range(1, 4)))
    october.run(code=1)

    assert "3 limits over: b1 by $59.00, b2 by $58.00, b3 by $57.00" in october.error
    assert "cannot be judged: 56 % of the tokens have no price" in october.error


def test_culprits_and_the_run_rate_are_named(october: Desk) -> None:
    """Who, where and with what; the pace is called what it is."""
    shown = october.budget(MONTH % 50).run(code=1)

    assert "run-rate of the last 7 days $3.00 a day" in shown
    assert "most of it: user bo 67 %, project api 67 %, model gpt-5 100 %" in shown
    assert "7-day run-rate" in shown


def test_rows_longer_than_a_window(desk: Desk) -> None:
    """A month's bucket is none of a week, as in a report; a remark says so."""
    month = {"charge_period_end": "2026-11-01T00:00:00Z", "granularity": "month"}
    desk.rows([event("2026-10-01T00:00:00Z", "31", **month), event("2026-10-20T01:00:00Z", "2")])
    desk.budget('{ amount = 9, period = "month" }, { amount = 9, period = "week" }')
    found = desk.json(code=1)

    assert [row["spent"] for row in found["rows"]] == [33, 2]
    assert "Rows of a month or longer count in no day and no week." in found["notes"]


def test_nothing_of_a_budget_is_a_remark(october: Desk) -> None:
    """A scope that fits nothing may be misspelt."""
    october.budget(MONTH % 50, 'scope = { project = "wbe" }', "odd")

    assert october.spent(code=0) == {"odd": 0}
    assert any("belongs to odd" in note for note in october.json()["notes"])


def test_other_views_of_cost(october: Desk) -> None:
    """A budget may count list prices in place of what was billed: 4000 output tokens of gpt-5 at $10 a million."""
    october.budget(MONTH % 50, 'cost = "list"')

    assert Decimal(str(october.spent()["b"])) == Decimal("0.04")


ORG = """
[org]
people = "people.csv"
[[org.team]]
name = "eng"
[[org.team]]
name = "payments"
parent = "eng"
cost_center = "CC-120"
[[org.team]]
name = "web"
parent = "eng"
"""
PEOPLE = "user,aliases,team,from,until\nana,,web,,2026-10-09\nana,,payments,2026-10-10,\nbo,robert;bobby,payments,,\n"


def test_budgets_of_teams(october: Desk) -> None:
    """A team holds those below it; who moves in the middle of a month is counted in both, each day once."""
    (october.folder / "people.csv").write_text(PEOPLE)
    october.rows(days("2026-10", [5], user="robert"))
    teams = "".join(
        f'[[budget]]\nid = "{name}"\nscope = {{ team = "{name}" }}\nlimits = [{MONTH % 99}]\n' for name in TEAMS
    )
    each = f'[[budget]]\nid = "each"\neach = "team"\nlimits = [{MONTH % 99}]\n'
    center = f'[[budget]]\nid = "cc"\nscope = {{ cost_center = "CC-*" }}\nlimits = [{MONTH % 99}]\n'
    center += 'pool = { each = "user", amount = 40 }\n'
    october.config(ORG + teams + each + center)

    assert october.spent(code=1) == {
        "eng": 65, "payments": 56, "web": 9, "each/payments": 56, "each/web": 9, "cc": 56, "cc/bo": 45, "cc/ana": 11,
    }  # fmt: skip
    one = f'[[budget]]\nid = "bo"\nscope = {{ user = "bobby" }}\nlimits = [{MONTH % 99}]\n'
    person = f'[[budget]]\nid = "p"\neach = "user"\nlimits = [{MONTH % 40}]\n'
    person += 'exceptions = [{ user = "robert", amount = 50, period = "month", until = 2026-10-31, reason = "r" }]\n'
    october.config(ORG + one + person)
    assert october.spent(code=0) == {"bo": 45, "p/bo": 45, "p/ana": 20}  # under whichever name
    october.config(ORG + teams.replace('"eng"', '"engg"'))
    october.run(code=2)
    assert "unknown team `engg`" in october.error
    assert "nothing stored has the team `engg` of budget `engg`: did you mean `eng`?" in october.run(
        command="budget lint"
    )


TEAMS = ("eng", "payments", "web")


@pytest.mark.parametrize("terms", ["", '[[agreement]]\nid = "deal"\nprovider = "anthropic"\ndiscount = 0.5\n'])
def test_bills_and_usage_count_once(desk: Desk, terms: str) -> None:
    """Where a bill and a count tell of the same calls, budgets and their culprits have the money of the bill, once."""
    bill = "usage_date_utc,model,workspace,api_key,usage_type,token_type,cost_usd\n"
    bill += "2026-10-05,Claude Haiku 4.5,w,k,message,output,6.00\n2026-10-05,Claude Opus 4.5,w,k,message,output,9.00\n"
    (desk.folder / "cost.csv").write_text(bill)
    counts = "".join(f"2026-10-05 02:00,{model},k,w,standard,0,0,0,0,1000000,0\n" for model in MODELS)
    (desk.folder / "usage.csv").write_text(f"{TOKENS}\n{counts}")
    ingest([str(desk.folder / "cost.csv"), str(desk.folder / "usage.csv")], desk.folder / "store")
    keys = "".join(
        f'[[budget]]\nid = "{model}"\nscope = {{ model = "{model}", api_key = "k" }}\nlimits = [{MONTH % 8}]\n'
        for model in MODELS
    )
    desk.budget(f'{MONTH % 99}, {{ tokens = 9000000, period = "day" }}', 'each = "api_key"', more=keys + terms)
    found = desk.json(as_of="2026-10-05", code=1)

    assert [(row["budget"], row["spent"], row["over_on"]) for row in found["rows"]] == [
        ("b", 15, None), ("b", 2_000_000, None), (MODELS[0], 6, "2026-10-08"), (MODELS[1], 9, "2026-10-05"),
    ]  # fmt: skip
    assert "most of it: user (unattributed) 100 %" in desk.run(as_of="2026-10-05", code=1)
