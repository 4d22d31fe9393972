"""`tokenaudit prices`: exact prices, in every format, and help where a name is not known."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tokenaudit.cli.main import run
from tokenaudit.cli.prices import COMMANDS
from tokenaudit.cli.prices.common import models, sellers
from tokenaudit.cli.prices.compare import parse_share, parse_tokens
from tokenaudit.errors import QueryError
from tokenaudit.ingest.run import ingest

DAY = ("--on", "2026-11-20")
INPUT, OUTPUT = "uncached_input_tokens_per_million", "output_tokens_per_million"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's own store or configuration is looked at."""
    monkeypatch.setenv("TOKENAUDIT_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what the command prints."""
    assert run(["prices", *words]) == 0
    return capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """Return what the command prints as JSON."""
    return json.loads(shown(capsys, *words, "-f", "json"), parse_float=Decimal)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return the error that the command ends with."""
    assert run(["prices", *words]) == 2
    return capsys.readouterr().err


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    """A model a line, with what an ordinary request costs on that day."""
    rows = {row["model"]: row for row in told(capsys, "list", "--provider", "anthropic", *DAY)["rows"]}
    assert (rows["claude-opus-5-5"][INPUT], rows["claude-opus-5-5"][OUTPUT]) == (4, 20)
    assert rows["claude-haiku-5-5"][INPUT] == Decimal("0.1")
    assert re.search(r"claude-opus-5-5 +anthropic +\$4\.00 +\$0\.20 +\$20\.00", shown(capsys, "list", *DAY))


def test_bare_call_lists(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command it lists the models, as many as fit."""
    text = shown(capsys)
    assert "claude-opus-5-5" in text
    assert "more: --limit 0 shows all" in text


def test_no_float_artefacts(capsys: pytest.CaptureFixture[str]) -> None:
    """No price of the whole book has more than nine decimals, in text or JSON."""
    text = shown(capsys, "list", *DAY, "-f", "csv", "--limit", "0")
    assert not re.search(r"\d\.\d{10}|\d[eE]-\d", text)


def test_search_knows_other_names(capsys: pytest.CaptureFixture[str]) -> None:
    """A part of a name, in any case; a name that a list has for the model counts too."""
    rows = told(capsys, "search", "OPUS-5-5", "--provider", "anthropic", *DAY)["rows"]
    assert [row["model"] for row in rows] == ["claude-opus-5-5"]
    assert "see `tokenaudit prices list`" in refused(capsys, "search", "no-such-thing")


def test_history_has_past_and_future(capsys: pytest.CaptureFixture[str]) -> None:
    """Flash doubles on New Year's Day 2027; the day before still has the old price."""
    rows = [row for row in told(capsys, "show", "gemini-3.8-flash", *DAY)["rows"] if row["variant"] == "standard"]
    assert [(row["effective_from"], row["effective_to"], row[INPUT]) for row in rows] == [
        (None, "2027-01-01T00:00:00Z", Decimal("0.75")),
        ("2027-01-01T00:00:00Z", None, Decimal("1.5")),
    ]
    text = shown(capsys, "show", "gemini-3.8-flash", *DAY)
    assert "$0.75, then $1.50" in text
    assert "until 2026-12-31" in text
    assert re.search(r"openrouter +google/gemini-3\.8-flash +\$0\.75", text)


def test_a_price_that_never_changed_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """No chart of one level."""
    assert "No change of its price is known" in shown(capsys, "show", "claude-haiku-4-5", *DAY)


def test_unknown_model(capsys: pytest.CaptureFixture[str]) -> None:
    """The nearest name, or where to look."""
    assert "did you mean `claude-opus-5-5`?" in refused(capsys, "show", "claude-opus-5-6")
    assert "prices search zzz" in refused(capsys, "show", "zzz")
    assert "did you mean `anthropic`?" in refused(capsys, "list", "--provider", "antropic")


def test_compare_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    """Opus 5.5 for 200 K in, 800 K cached, 100 K out: 0.8 + 0.16 + 2; Sonnet 5.5 half of it."""
    words = ("claude-opus-5-5", "claude-sonnet-5-5", "--cached", "80%", "--output-tokens", "100K", *DAY)
    answer = told(capsys, "compare", *words)
    assert answer["totals"] == {"tokens": 1_100_000, "cost_1": Decimal("2.96"), "cost_2": Decimal("1.48")}
    text = shown(capsys, "compare", *words)
    assert "claude-sonnet-5-5 (anthropic) costs 50 % less than claude-opus-5-5 (anthropic)" in text
    assert "an equal price is no equal cost" in text


def test_numbers_of_tokens_and_shares() -> None:
    """Words as people write them."""
    assert [parse_tokens(text) for text in ("1500000", "1.5M", "500k", "1,000", "2B")] == [
        1_500_000, 1_500_000, 500_000, 1_000, 2 * 10**9
    ]  # fmt: skip
    assert [parse_share(text) for text in ("80%", "0.8", "0", "1")] == [Decimal("0.8"), Decimal("0.8"), 0, 1]
    for parse, text in ((parse_tokens, "-1"), (parse_tokens, "many"), (parse_share, "120%"), (parse_share, "x")):
        with pytest.raises(QueryError):
            parse(text)


def test_scheduled(capsys: pytest.CaptureFixture[str]) -> None:
    """What is known to change after a day, with the price before; nothing of it once the day has come."""
    rows = told(capsys, "scheduled", *DAY)["rows"]
    argon = next(row for row in rows if (row["model"], row["variant"]) == ("gemini-4-argon", "standard"))
    assert (argon["effective_from"], argon[f"old_{INPUT}"], argon[INPUT]) == ("2026-12-01T00:00:00Z", 2, 4)
    assert [
        row for row in told(capsys, "scheduled", "--on", "2026-12-01")["rows"] if row["model"] == "gemini-4-argon"
    ] == []


def test_match(capsys: pytest.CaptureFixture[str]) -> None:
    """Steps, and the prices they lead to; a name without a price is an answer, too."""
    answer = told(capsys, "match", "claude-opus-4-5-20251101[1m]", *DAY)
    assert (answer["seller"], answer["price_model"]) == ("anthropic", "claude-opus-4-5")
    assert answer["prices"][0]["seller"] == "anthropic"
    assert [row["step"] for row in answer["rows"]] == list(range(1, len(answer["rows"]) + 1))
    assert "no price: unpriced" in shown(capsys, "match", "my-deployment", "--provider", "azure", *DAY)


def test_stale_book_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only where the book is over 30 days old and the store has a model first seen after it."""
    rows = "2027-02-01T00:00:00Z,gpt-9,1\n2026-10-01T00:00:00Z,gpt-5,1\n2027-02-01T00:00:00Z,gpt-5,1\n"
    (tmp_path / "rows.csv").write_text(f"charge_period_start,request_model,output_tokens\n{rows}")
    ingest([str(tmp_path / "rows.csv")], tmp_path / "store")
    words = ("list", "--provider", "openai")
    assert "first seen since: gpt-9." in shown(capsys, *words, "--on", "2027-02-02")
    assert "days old" not in shown(capsys, *words, "--on", "2026-12-01")
    assert "days old" not in shown(capsys, *words, "--on", "2027-02-02", "-q")


def test_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only models that the store has rows of."""
    (tmp_path / "rows.csv").write_text(
        "charge_period_start,request_model,output_tokens\n2026-10-01T00:00:00Z,gpt-5,1\n"
    )
    ingest([str(tmp_path / "rows.csv")], tmp_path / "store")
    assert [(row["seller"], row["model"]) for row in told(capsys, "list", "--used", *DAY)["rows"]] == [
        ("openai", "gpt-5")
    ]


def test_unknown_command_is_an_error_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    """As for commands of the program."""
    assert "did you mean `compare`?" in refused(capsys, "comparre")


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every command has help with examples."""
    text = shown(capsys, command, "--help")
    assert f"tokenaudit prices {command}" in text.partition("Examples:")[2]


def test_completion() -> None:
    """A shell offers models and sellers."""
    assert "claude-opus-5-5" in models("claude-opus-5")
    assert sellers("anth") == ["anthropic"]
