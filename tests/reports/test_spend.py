"""What a report shows of invented usage: how many rows, for whom, and what it says where there is nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tokenaudit.cli.main import run
from tokenaudit.ingest.run import ingest

HEAD = "charge_period_start,charge_period_end,granularity,request_model,user,billed_cost,billing_currency\n"


def row(user: str, amount: str, month: int = 10, currency: str = "USD") -> str:
    """Return a day of one person."""
    return f"2026-{month:02}-05T00:00:00Z,2026-{month:02}-06T00:00:00Z,day,gpt-5,{user},{amount},{currency}\n"


@pytest.fixture
def people(tmp_path: Path) -> str:
    """Return a store of 30 people, one of whom is billed in euros, and of one who is gone."""
    text = HEAD + "".join(row(f"user-{number:02}", f"{number + 1}.00") for number in range(30))
    text += row("user-00", "5.00", currency="EUR") + row("yoko", "7.00", 9, "JPY")
    return stored(tmp_path, text)


def stored(folder: Path, text: str) -> str:
    """Return a store that holds some canonical rows."""
    (folder / "rows.csv").write_text(text)
    ingest([str(folder / "rows.csv")], folder / "store")
    return str(folder / "store")


def shown(capsys: pytest.CaptureFixture[str], store: str, *words: str) -> str:
    """Return what a report prints."""
    assert run(["report", "--store", store, "--period", "2026-10", "--by", "user", *words]) == 0
    return capsys.readouterr().out


def test_number_of_rows(people: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A table shows ten, or as many as asked for; 0 is all, in machine formats too."""
    lines = {limit: shown(capsys, people, *words).count("  user-") for limit, words in LIMITS.items()}
    assert lines == {"": 10, "3": 3, "0": 31}
    assert len(json.loads(shown(capsys, people, "-f", "json", "-n", "0"))["rows"]) == 31
    assert len(json.loads(shown(capsys, people, "-f", "json", "-n", "3"))["rows"]) == 3


LIMITS: dict[str, tuple[str, ...]] = {"": (), "3": ("-n", "3"), "0": ("-n", "0")}


def test_heading_of_each_currency(people: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line has the people of its own currency; of one that is gone it says since when."""
    lines = [line.strip() for line in shown(capsys, people).splitlines()[2:5]]
    assert lines == [
        "€5.00   0 tokens   0 requests   1 user",
        "$465.00   0 tokens   0 requests   30 users",
        "JPY 0.00   gone since September 2026 (JPY 7.00)   0 tokens   0 requests",
    ]


UNCERTAIN = (
    "charge_period_start,charge_period_end,granularity,provider,request_model,uncached_input_tokens,requests\n"
    "2026-10-05T00:00:00Z,2026-10-06T00:00:00Z,day,openai,gpt-5.4,1000000,9\n"
    "2026-10-05T00:00:00Z,2026-10-06T00:00:00Z,day,deepseek,deepseek-chat,2000,2\n"
    "2026-10-05T00:00:00Z,2026-10-06T00:00:00Z,day,acme,mystery-9,1000,1\n"
)


def test_what_has_no_price_and_what_may_cost_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Notes name both, with requests, tokens and reason; JSON has them as data."""
    store = stored(tmp_path, UNCERTAIN)
    found = json.loads(shown(capsys, store, "-f", "json"))
    assert found["unpriced"] == [
        {"reason": "date", "request_model": "deepseek-chat", "requests": 2, "tokens": 2000},
        {"reason": "model", "request_model": "mystery-9", "requests": 1, "tokens": 1000},
    ]
    (doubt,) = found["tier_unknown"]
    assert (doubt["requests"], doubt["tokens"], doubt["least_cost"], doubt["most_cost"]) == (9, 1_000_000, 2.5, 5)
    notes = [note for note in found["notes"] if note.startswith(("Unpriced", "Tier"))]
    assert " ".join(notes) == (
        "Unpriced: 2 requests, 2.0 K tokens (0.2 % of tokens) of a model without a price on that day, not in the "
        "spend: deepseek-chat. "
        "Unpriced: 1 request, 1.0 K tokens (0.1 % of tokens) of an unknown model, not in the spend: mystery-9. "
        "Tier unknown: 9 requests, 1.0 M tokens stand in sums that hide how long each request was: $2.50 as counted, "
        "$5.00 if all were long."
    )


def test_nothing_in_doubt(people: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The keys are there, with nothing in them, and no note speaks of it."""
    found = json.loads(shown(capsys, people, "-f", "json"))
    assert (found["unpriced"], found["tier_unknown"]) == ([], [])
    assert not [note for note in found["notes"] if note.startswith(("Unpriced", "Tier"))]


def test_quiet_has_no_notes(people: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A table without notes; in JSON they are data and stay."""
    assert "Counted" in shown(capsys, people)
    assert "Counted" not in shown(capsys, people, "--quiet")
    assert json.loads(shown(capsys, people, "--quiet", "-f", "json"))["notes"]


def test_bills_have_the_account_that_the_configuration_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model that the day's bill does not hold was free, also where the bill's account stands in the configuration."""
    names = ("anthropic-cost", "anthropic-usage")
    sections = "".join(f'[[account]]\nsource = "{name}"\naccount = "us"\n' for name in names)
    (tmp_path / "tokenaudit.toml").write_text(sections)
    (tmp_path / "cost.csv").write_text(
        "usage_date_utc,model,workspace,api_key,usage_type,token_type,cost_usd\n"
        "2026-10-05,Claude Haiku 4.5,w,k,message,output,6.00\n"
    )
    counts = "".join(f"2026-10-05 02:00,{model},k,w,standard,0,0,0,0,1000000,0\n" for model in MODELS)
    (tmp_path / "usage.csv").write_text(f"{TOKENS}\n{counts}")
    ingest([str(tmp_path / "cost.csv"), str(tmp_path / "usage.csv")], tmp_path / "store")
    words = ["--config", str(tmp_path / "tokenaudit.toml"), "-f", "json"]
    totals = json.loads(shown(capsys, str(tmp_path / "store"), *words))["totals"]
    assert (totals["effective_cost"], totals["output_tokens"]) == (6, 2_000_000)


MODELS = ("claude-haiku-4-5", "claude-opus-4-5")
TOKENS = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count"
)


def test_hint_where_there_is_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A row of a whole year is none of a month, and that is said."""
    store = stored(tmp_path, HEAD + "2026-01-01T00:00:00Z,2027-01-01T00:00:00Z,period,gpt-5,ann,12.00,USD\n")
    assert run(["report", "--store", store, "--period", "2026-03"]) == 2
    error = capsys.readouterr().err
    assert "nothing is stored in March 2026" in error
    assert "1 stored row of a longer time cannot be cut" in error


def test_notes_are_about_what_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A quarter of bob's cannot be cut; who asks for ann, or for another source, hears nothing of it."""
    quarter = "2026-10-01T00:00:00Z,2027-01-01T00:00:00Z,period,gpt-5,bob,9.00,USD\n"
    store = stored(tmp_path, HEAD + row("ann", "1.00") + quarter + "no time,,,gpt-5,ann,1.00,USD\n")
    everything = shown(capsys, store)
    assert "Left out: 1 row of usage" in everything
    assert "Rejected: 1 line" in everything
    assert "Left out" not in shown(capsys, store, "--where", "user=ann")
    assert "Rejected: 1 line" in shown(capsys, store, "--where", "source=usage")


def test_tags_are_dimensions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A report by a tag, and of the rows with a value of it; rows without the tag have none."""
    head = "charge_period_start,request_model,tags,billed_cost\n"
    rows = "".join(f"2026-10-05T0{n}:00:00Z,gpt-5,{tags},1\n" for n, tags in enumerate(TAGGED))
    store = stored(tmp_path, head + rows)
    found = json.loads(shown(capsys, store, "--by", "tag.env", "-f", "json"))["rows"]
    assert [(row["tag.env"], row["requests"]) for row in found] == [("prod", 2), (None, 2), ("test", 1)]
    found = json.loads(shown(capsys, store, "--where", "tag.env=prod", "-f", "json"))
    assert found["totals"]["requests"] == 2
    assert run(["report", "--store", store, "--period", "2026-10", "--where", "tag=prod"]) == 2


TAGGED = ('"{""env"":""prod""}"', '"{""env"":""prod"",""a"":""b""}"', '"{""env"":""test""}"', '"{""a"":""b""}"', "")
