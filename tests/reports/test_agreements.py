"""Agreements from the configuration to the report: the documented example to the cent, and what a reader is told."""

from __future__ import annotations

import csv
import io
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tokenaudit.cli.main import run
from tokenaudit.ingest.run import ingest

OCTOBER = ("--period", "2026-10", "--as-of", "2026-11-20")
BY = ("--by", "user,model", "--currency", "USD")
MONEY = ("list_cost", "contracted_cost", "effective_cost", "markup")


def block(root: Path, name: str) -> str:
    """Return what stands below a marker of the page."""
    page = (root / "docs" / "agreements.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n\n(?:```\w+\n(.*?)```|(.*?)\n\n)", page, flags=re.DOTALL)
    assert found is not None
    return found[1] or found[2]


@pytest.fixture
def company(tmp_path: Path, root: Path) -> list[str]:
    """Return the options that ask the store of the page's usage under the page's contract."""
    return asked(tmp_path, block(root, "contract"), block(root, "usage"))


def asked(folder: Path, contract: str, usage: str) -> list[str]:
    """Return the options that ask a store of usage under a contract."""
    (folder / "tokenaudit.toml").write_text(contract)
    (folder / "rows.csv").write_text(usage)
    ingest([str(folder / "rows.csv")], folder / "store")
    return ["report", "--store", str(folder / "store"), "--config", str(folder / "tokenaudit.toml")]


def shown(capsys: pytest.CaptureFixture[str], words: list[str]) -> str:
    """Return what a command prints."""
    assert run(words) == 0
    return capsys.readouterr().out


def report(capsys: pytest.CaptureFixture[str], words: list[str]) -> Any:
    """Return a report as JSON, its numbers exact."""
    return json.loads(shown(capsys, [*words, "-f", "json"]), parse_float=Decimal)


def test_the_documented_example(company: list[str], root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every amount of the page's table, to the last digit, in its order; and the totals."""
    head, _, *lines = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in block(root, "expected").splitlines()
    ]
    expected = [dict(zip(head, cells, strict=False)) for cells in lines]
    text = shown(capsys, [*company, *OCTOBER, *BY, "-f", "csv"])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [{name: row[name] for name in head} for row in rows] == expected[:-1]
    totals = report(capsys, [*company, *OCTOBER, *BY])["totals"]
    assert {name: totals[name] for name in MONEY} == {name: Decimal(expected[-1][name]) for name in MONEY}


def test_the_documented_notes(company: list[str], root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The notes say what the page says they do."""
    notes = report(capsys, [*company, *OCTOBER, *BY])["notes"]
    expected = block(root, "notes").splitlines()
    assert [note for note in notes if note in expected] == expected


def test_days_add_up_to_the_month(company: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever part of the month is asked for, its days cost what they cost in the whole of it."""
    words = [*company, "--as-of", "2026-11-20", "--by", "source", "--currency", "USD"]
    whole = report(capsys, [*words, "--period", "2026-10"])["totals"]
    parts = [f"2026-10-{day:02}" for day in range(1, 32)]
    days = [report(capsys, [*words, "--period", part])["totals"] for part in parts]
    assert {name: sum(day[name] or 0 for day in days) for name in MONEY} == {name: whole[name] for name in MONEY}


@pytest.mark.parametrize("by", ["model", "user", "day", "source,user", "api_key", "provider,month", "cost_basis"])
def test_no_breakdown_changes_the_total(company: list[str], by: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows add up to the same total, however they are broken down."""
    found = report(capsys, [*company, *OCTOBER, "--by", by, "--currency", "USD"])
    assert sum(row["effective_cost"] for row in found["rows"]) == found["totals"]["effective_cost"] == Decimal("301.53")


def test_fees_are_nobodys(company: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Conditions on people leave fees out, those on nobody keep them; their source is the agreement."""
    spend = {}
    for where in ("user=ana", "user=", "source=azure-throughput", "provider=google", "model=gpt-5"):
        spend[where] = report(capsys, [*company, *OCTOBER, *BY, "--where", where])["totals"]["effective_cost"]
    assert spend == {
        "user=ana": Decimal("89.18"),
        "user=": Decimal("147.7"),
        "source=azure-throughput": 100,
        "provider=google": Decimal("55.7"),
        "model=gpt-5": Decimal("19.95"),
    }


def test_a_shortfall_waits_for_the_end_of_its_period(company: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """On the last day of the month nothing is owed yet; on the day after it is."""
    words = [*company, "--period", "2026-10", "--by", "source", "--where", "provider=google", "--currency", "USD"]
    for as_of, spend, over in (("2026-10-31", "43.7", False), ("2026-11-01", "55.7", True)):
        found = report(capsys, [*words, "--as-of", as_of])
        assert found["totals"]["effective_cost"] == Decimal(spend)
        (used,) = next(item["commitments"] for item in found["agreements"] if item["agreement"] == "google-2026")
        assert (used["used"], used["unused"], used["over"]) == (8, 12, over)


def test_costs_of_the_contract_are_a_view(company: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """``--cost contracted`` orders and totals by it; without an agreement that is an error."""
    words = [*company, *OCTOBER, "--by", "model", "--cost", "contracted", "--currency", "USD"]
    assert "$300.58" in shown(capsys, words)
    assert run([*words, "--no-config"]) == 2
    assert run([*words[:3], "--no-config", "--cost", "contracted"]) == 2
    assert "no agreement is known" in capsys.readouterr().err


def test_without_a_rate_amounts_keep_their_currency(company: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """There is no rate before 1 October, none to yen at all, and euros of a dollar report are divided."""
    found = report(capsys, [*company, *OCTOBER, "--by", "provider", "--currency", "JPY"])
    assert {row["billing_currency"] for row in found["rows"]} == {"USD", "EUR"}
    assert found["totals"]["effective_cost"] is None
    assert sum("Not converted" in note for note in found["notes"]) == 2
    euros = report(capsys, [*company, *OCTOBER, "--by", "provider", "--where", "model=gpt-5", "--currency", "EUR"])
    assert euros["totals"]["billing_currency"] == "EUR"
    assert euros["totals"]["effective_cost"] == rounded("13.3", "1.1") + rounded("6.65", "1.2")
    assert [(rate["rate"], rate["first"]) for rate in euros["exchange_rates"]] == [
        (Decimal("1.1"), "2026-10-08"),
        (Decimal("1.2"), "2026-10-25"),
    ]


def rounded(amount: str, rate: str) -> Decimal:
    """Return a quotient to 18 places."""
    return (Decimal(amount) / Decimal(rate)).quantize(Decimal("1e-18"))


USAGE = "charge_period_start,provider,request_model,user,uncached_input_tokens,output_tokens,billed_cost\n"
ROWS = USAGE + (
    "2026-10-05T10:00:00Z,openai,gpt-zz,ana,1000000,1000000,\n"
    "2026-10-06T10:00:00Z,openai,gpt-5,ana,8000000,400000,\n"
    "2026-10-07T10:00:00Z,openai,gpt-5,bo,8000000,400000,12.5\n"
)


def test_assumed_prices_fill_gaps_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The unknown model costs what was assumed, as an estimate; the known one keeps its price, the bill its amount."""
    words = [*asked(tmp_path, "", ROWS), *OCTOBER, "--by", "model,cost_basis"]
    assumed = ["--assume-price", "openai/gpt-zz=1/2", "--assume-price", "gpt-5=100/100"]
    found = report(capsys, [*words, *assumed])
    assert {(row["model"], row["cost_basis"]): row["effective_cost"] for row in found["rows"]} == {
        ("gpt-zz", "estimated"): 3,
        ("gpt-5", "list"): 14,
        ("gpt-5", "billed"): Decimal("12.5"),
    }
    assert "Priced by an assumption (estimated), as the price book lacks them: gpt-zz." in found["notes"]
    assert run([*words, "--assume-price", "gpt-zz"]) == 2
    assert run([*words, "--assume-price", "gpt-zz=1/-2"]) == 2


def test_bills_go_before_contracts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was billed is the spend; the contract's price stands beside, and the volume counts both rows."""
    contract = (
        '[[agreement]]\nid = "o"\nprovider = "openai"\ntier_period = "month"\ntiers = "retroactive"\n'
        "[[agreement.tier]]\nover_usd = 20\ndiscount = 0.5\n"
        '[[agreement.rate]]\nmodel = "gpt-zz"\ninput = 1\noutput = 3\n'
    )
    found = report(capsys, [*asked(tmp_path, contract, ROWS), *OCTOBER, "--by", "user,model"])
    assert [
        (row["user"], row["model"], row["list_cost"], row["contracted_cost"], row["billed_cost"], row["effective_cost"])
        for row in found["rows"]
    ] == [
        ("bo", "gpt-5", 14, 7, Decimal("12.5"), Decimal("12.5")),
        ("ana", "gpt-5", 14, 7, None, 7),
        ("ana", "gpt-zz", None, 4, None, 4),
    ]
    assert found["totals"]["unpriced_requests"] == 0


def test_a_wrong_key_names_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """File, line and the nearest right word."""
    words = asked(tmp_path, '[[agreement]]\nid = "o"\nprovider = "openai"\ndiscuont = 0.1\n', ROWS)
    assert run(words) == 2
    error = capsys.readouterr().err
    assert f"unknown key `discuont` in [[agreement]] of `{tmp_path / 'tokenaudit.toml'}:4`" in error.replace("\n", " ")
    assert "did you mean `discount`?" in error


COST = (
    "usage_date_utc,model,workspace,api_key,usage_type,token_type,cost_usd\n"
    "2026-10-05,Claude Haiku 4.5,w,k,message,output,6.00\n"
)
COUNTS = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count\n"
    "2026-10-05 02:00,claude-haiku-4-5,k,w,standard,0,0,0,0,2000000,0\n"
    "2026-10-07 02:00,claude-haiku-4-5,k,w,standard,0,0,0,0,1000000,0\n"
)


def test_a_bill_that_is_spread_goes_before_the_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The day with a bill costs what it says and draws that; the day without one costs what was agreed."""
    contract = (
        '[[agreement]]\nid = "a"\nprovider = "anthropic"\ndiscount = 0.5\n'
        '[agreement.commit]\namount = 20\nperiod = "month"\n'
        "[[agreement.credit]]\namount = 100\nexpires = 2026-10-06\n"
    )
    words = asked(tmp_path, contract, USAGE)
    for name, text in (("cost.csv", COST), ("usage.csv", COUNTS)):
        (tmp_path / name).write_text(text)
        ingest([str(tmp_path / name)], tmp_path / "store")
    found = report(capsys, [*words, *OCTOBER, "--by", "day", "--where", "model=claude-haiku-4-5"])
    assert {row["day"]: tuple(row[name] for name in FOUR) for row in found["rows"]} == {
        "2026-10-05": (10, 5, 6, 6),
        "2026-10-07": (5, Decimal("2.5"), None, Decimal("2.5")),
    }
    (agreement,) = found["agreements"]
    (used,) = agreement["commitments"]
    assert (used["used"], used["unused"]) == (Decimal("8.5"), Decimal("11.5"))
    (credit,) = agreement["credits"]
    assert (credit["used"], credit["left"], credit["expired"]) == (0, 100, True)
    assert any(note.startswith("Joined: $6.00 of anthropic-cost") for note in found["notes"])


FOUR = ("list_cost", "contracted_cost", "billed_cost", "effective_cost")


COVERED = USAGE.replace("billed_cost", "service_tier") + (
    "2026-10-05T10:00:00Z,openai,gpt-5,ana,8000000,400000,priority\n"
    "2026-10-05T11:00:00Z,openai,gpt-5,bo,8000000,400000,priority\n"
    "2026-10-05T12:00:00Z,openai,gpt-5,ana,8000000,400000,\n"
    "2026-10-05T13:00:00Z,openai,gpt-4o,ana,1000000,0,priority\n"
    "2026-10-04T10:00:00Z,openai,gpt-5,ana,8000000,400000,priority\n"
    "2026-10-05T10:00:00Z,azure,gpt-5,ana,8000000,400000,priority\n"
)


def test_all_that_a_fee_names_must_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Model, tier, user, vendor and day: one row of six is covered, and costs nothing beyond the fee."""
    contract = (
        '[[agreement]]\nid = "o"\nprovider = "openai"\nfrom = 2026-10-05\n[[agreement.flat]]\nwhat = "scale tier"\n'
        'amount = 3\nper = "day"\nto = 2026-10-05\n'
        'covers = { models = ["gpt-5*"], service_tier = "Priority", user = ["ana", "eve"] }\n'
    )
    found = report(capsys, [*asked(tmp_path, contract, COVERED), *OCTOBER, "--by", "cost_basis"])
    counted = {row["cost_basis"]: (row["requests"], row["effective_cost"]) for row in found["rows"]}
    assert counted["included"] == (1, 0)
    assert counted["contract"] == (0, 3)
    assert found["totals"]["requests"] == 6
