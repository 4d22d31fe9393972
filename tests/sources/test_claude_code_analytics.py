"""Claude Code's analytics: a person's day by model, cents that nobody is charged, and months that only names tell."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.conftest import lab
from tokenaudit.sources import claude_code_dashboard, detect
from tokenaudit.sources.claude_code_analytics import SOURCE
from tokenaudit.sources.head import Head

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText

Json = dict[str, Any]
BOARD = claude_code_dashboard.SOURCE
CLASSES = (
    "uncached_input_tokens", "cache_read_input_tokens", "cache_creation_5m_input_tokens", "output_tokens",
)  # fmt: skip


def model(name: str = "claude-opus-5-5", cents: object = 1025, **tokens: int) -> Json:
    """Return a part of a breakdown."""
    counts = {"input": 100, "output": 35, "cache_read": 900, "cache_creation": 5, **tokens}
    return {"model": name, "tokens": counts, "estimated_cost": {"currency": "USD", "amount": cents}}


def record(*models: Json, **more: object) -> Json:
    """Return a person's day."""
    return {
        "date": "2026-10-12T00:00:00Z",
        "actor": {"type": "user_actor", "email_address": "ann@example.com"},
        "organization_id": "org-1", "customer_type": "api", "terminal_type": "vscode",
        "core_metrics": {"num_sessions": 5}, "model_breakdown": list(models) or [model()], **more,
    }  # fmt: skip


def page(*records: Json) -> str:
    """Return a page of the API."""
    return json.dumps({"data": list(records), "has_more": False, "next_page": None})


def test_a_day_of_a_person(read_text: ReadText) -> None:
    """Classes are disjoint, the estimate is cents and only reported, sessions are no requests."""
    row = read_text(SOURCE, page(record())).row()

    assert [row[name] for name in CLASSES] == [100, 900, 5, 35]
    assert (row["reported_cost"], row["billed_cost"], row["list_cost"]) == (Decimal("10.25"), None, None)
    assert (row["user"], row["account"], row["requests"], row["granularity"]) == (
        "ann@example.com", "org-1", 0, "day",
    )  # fmt: skip
    assert row["charge_period_end"] == datetime(2026, 10, 13, tzinfo=UTC)
    assert row["tags"] == '{"terminal_type":"vscode","customer_type":"api"}'


@pytest.mark.parametrize(("kind", "basis"), [("subscription", "included"), ("api", None), (None, None)])
def test_what_a_subscription_covers(read_text: ReadText, kind: str | None, basis: str | None) -> None:
    """A subscription pays for its records; those of API customers are on the Console's bill."""
    assert read_text(SOURCE, page(record(customer_type=kind))).row()["cost_basis"] == basis


@pytest.mark.parametrize(
    ("key", "user"), [("claude_code_key_noor_w8qd", "noor"), ("claude_code_key_a_b_w8qd", "a_b"), ("nightly", None)]
)
def test_keys(read_text: ReadText, key: str, user: str | None) -> None:
    """A key that Claude Code made names its developer."""
    row = read_text(SOURCE, page(record(actor={"type": "api_actor", "api_key_name": key}))).row()

    assert (row["user"], row["api_key"]) == (user, key)


def test_fractions_and_nothing(read_text: ReadText) -> None:
    """An estimate may have fractions of a cent or be missing; a record without models adds nothing."""
    read = read_text(SOURCE, page(record(model(cents="0.5"), model("b", None)), {**record(), "model_breakdown": []}))

    assert read.rows["reported_cost"].to_list() == [Decimal("0.005"), None]
    assert read.rejects == []


def test_identity_is_the_record(read_text: ReadText) -> None:
    """Models of one record share it; another terminal, day, person, organisation or kind of customer is another."""
    others: list[Json] = [
        {"terminal_type": "tmux"}, {"date": "2026-10-13T00:00:00Z"}, {"organization_id": "org-2"},
        {"customer_type": "subscription"}, {"actor": {"email_address": "bob@example.com"}},
    ]  # fmt: skip
    read = read_text(SOURCE, page(record(model(), model("b")), *(record(**other) for other in others)))

    assert (read.rows.height, read.rows["response_id"].n_unique()) == (2 + len(others), 1 + len(others))


PAGES = {
    "early.json": page(record(model(input=1)), record(model(input=2), terminal_type="tmux")),
    "late-1.json": page(record(model(input=4), model("b", input=8))),
    "late-2.json": page(record(model(input=16), terminal_type="tmux"), record(model(input=32), date="2026-10-13")),
}


@settings(max_examples=12)
@given(st.permutations([*PAGES, *PAGES]))
def test_pages_in_any_order(names: list[str]) -> None:
    """However pages are read, a record counts once; the download with more behind it stands."""
    with lab() as made:
        for name, text in PAGES.items():
            made.add(name, text)
        for name in names:
            made.ingest(name)
        rows = made.rows()
    tokens = {(row["charge_period_start"].day, row["tags"], row["request_model"]) for row in rows}

    assert len(tokens) == len(rows)
    assert sum(row["uncached_input_tokens"] for row in rows if "tmux" in row["tags"]) == 16


def test_dashboard(read_file: ReadFile, tmp_path: Path) -> None:
    """Spend is an estimate, lines are a tag, the month is that of the name."""
    path = tmp_path / "claude-code-2026-10.csv"
    path.write_text('User,Spend this Month (USD),Lines this Month\nann@example.com,"1,204.50","18,220"\n')
    row = read_file(BOARD, path).row()

    assert detect(Head(str(path))) is BOARD
    assert (row["user"], row["reported_cost"], row["billed_cost"]) == ("ann@example.com", Decimal("1204.5"), None)
    assert (row["charge_period_start"], row["charge_period_end"], row["granularity"]) == (
        datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC), "month",
    )  # fmt: skip
    assert (row["requests"], row["tags"]) == (0, '{"lines_accepted":"18220"}')


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("team.csv", "User, Lines this Month\nann,1\n", "no month"),
        ("claude-code-2026-10.csv", "User, Lines this Month\n,1\n", "no User"),
        ("claude_code_team_2026_10_01_to_2026_10_31.csv", "User, Lines this Month\nann,1\n", None),
    ],
)
def test_dashboard_without_spend(read_file: ReadFile, tmp_path: Path, name: str, text: str, reason: str | None) -> None:
    """The header of claude.ai has no spend; a file that tells no month is rejected row by row."""
    (tmp_path / name).write_text(text)
    read = read_file(BOARD, tmp_path / name)

    assert detect(Head(str(tmp_path / name))) is BOARD
    assert [item.reason.split(":")[0] for item in read.rejects] == ([reason] if reason else [])
    assert read.rows["reported_cost"].to_list() == ([] if reason else [None])


@settings(max_examples=10)
@given(st.permutations(["a", "b", "c"]))
def test_a_month_only_grows(order: list[str]) -> None:
    """Of several downloads of one month the largest amount of each person stands."""
    spend = {"a": "1.50", "b": "4.25", "c": "3.00"}
    with lab() as made:
        for name, amount in spend.items():
            made.add(f"{name}-2026-10.csv", f"User,Spend this Month (USD),Lines this Month\nann,{amount},1\n")
        for name in order:
            made.ingest(f"{name}-2026-10.csv")
        assert [row["reported_cost"] for row in made.rows()] == [Decimal("4.25")]


def test_real_example(shared: Path, read_file: ReadFile) -> None:
    """The documentation's example: 150,000 tokens and an estimate of $10.25 that a subscription covers."""
    path = shared / "samples/exports/anthropic_admin_api/claude_code_usage_report_doc_example.json"
    row = read_file(SOURCE, path).row()

    assert detect(Head(str(path))) is SOURCE
    assert [row[name] for name in CLASSES] == [100_000, 10_000, 5_000, 35_000]
    assert (row["reported_cost"], row["cost_basis"]) == (Decimal("10.25"), "included")
    assert (row["user"], row["request_model"]) == ("developer@company.com", "claude-opus-4-6")
