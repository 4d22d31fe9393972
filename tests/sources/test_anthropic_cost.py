"""Anthropic cost exports: six generations, columns that come and go, cents exactly as billed."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tokenaudit.sources import anthropic_usage
from tokenaudit.sources.anthropic_cost import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.sources.table import detect_table

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText

V0 = "usage_date_utc,model,api_key,usage_type,token_type,cost_usd"
V1 = V0.replace("api_key", "workspace,api_key")
V2 = V1.replace("token_type,cost_usd", "context_window,token_type,cost_usd,cost_type")
V3 = V2 + ",inference_geo,speed"
V4 = V3.replace("cost_usd", "cost_usd,list_price_usd")
V5 = V4 + ",api_key_id,api_key_status"
CELLS = {
    "usage_date_utc": "2026-10-01", "model": "Claude Haiku 4.5", "workspace": "Default", "api_key": "web",
    "usage_type": "message", "token_type": "output", "context_window": "≤ 200k", "cost_usd": "2.59",
    "list_price_usd": "2.73", "cost_type": "token", "inference_geo": "not_available", "speed": "",
    "api_key_id": "apikey_01", "api_key_status": "active",
}  # fmt: skip
REAL = ("claude_api_cost_2024_03.csv", "claude_api_cost_2024_08.csv", "token-xray_cost_v3_header.csv")


def export(header: str, **changes: str) -> str:
    """Return a file of one row."""
    return f"{header}\n{','.join((CELLS | changes)[name] for name in header.split(','))}\n"


@pytest.mark.parametrize("header", [V0, V1, V2, V3, V4, V5])
def test_generations(read_text: ReadText, header: str) -> None:
    """Every generation bills the same; the list price is there from April 2026."""
    row = read_text(SOURCE, export(header)).row()

    assert (row["billed_cost"], row["cost_basis"], row["billing_currency"]) == (Decimal("2.59"), "billed", "USD")
    assert row["list_cost"] == (Decimal("2.73") if "list_price" in header else None)
    assert (row["request_model"], row["workspace"], row["api_key"]) == ("Claude Haiku 4.5", "Default", "web")
    assert (row["requests"], row["output_tokens"], row["granularity"]) == (0, 0, "day")


def test_labels(read_text: ReadText) -> None:
    """What was billed of a model stays beside the amount."""
    assert read_text(SOURCE, export(V5)).row()["tags"] == (
        '{"token_type":"output","cost_type":"token","context_window":"≤ 200k","usage_type":"message",'
        '"api_key_id":"apikey_01"}'
    )


def test_identity_is_the_same_in_every_generation(read_text: ReadText) -> None:
    """A key's day is one bucket, in the files with ids and in those without, blank workspace or ``Default``."""
    files = [
        export(V1),
        export(V5),
        export(V1, workspace=""),
        export(V0),
        export(V5, usage_type="batch"),
    ]

    identities = {read_text(SOURCE, text).rows["response_id"][0] for text in files}

    assert len(identities) == 1
    assert read_text(SOURCE, export(V1, api_key="other")).rows["response_id"][0] not in identities


def test_empty_month(read_text: ReadText) -> None:
    """An empty month has five columns and no row."""
    read = read_text(SOURCE, "usage_date_utc,model,usage_type,token_type,cost_usd\n")

    assert (read.rows.height, read.rejects) == (0, [])


def test_blank_cost_is_no_zero(read_text: ReadText) -> None:
    """A row without its amount is a reject."""
    assert [reject.reason for reject in read_text(SOURCE, export(V1, cost_usd="")).rejects] == ["cost_usd is blank"]


@pytest.mark.parametrize("name", REAL)
def test_real_files_sum_to_what_their_rows_say(shared: Path, read_file: ReadFile, name: str) -> None:
    """To the cent."""
    path = shared / "samples" / "exports" / "anthropic_console_cost" / name
    with path.open(newline="", encoding="utf-8") as file:
        stated = [Decimal(row["cost_usd"]) for row in csv.DictReader(file)]
    read = read_file(SOURCE, path)

    assert detect_table(Head(str(path)), SOURCE)
    assert read.rejects == []
    assert (read.rows["billed_cost"].sum(), read.rows.height) == (sum(stated), len(stated))


def test_sample_bills_the_days_and_keys_of_the_sample_usage(root: Path, read_file: ReadFile) -> None:
    """The two Anthropic samples tell one story."""
    samples, keys = root / "sample_logs", ["charge_period_start", "workspace", "api_key"]
    usage = read_file(anthropic_usage.SOURCE, samples / "anthropic-usage.csv").rows
    cost = read_file(SOURCE, samples / "anthropic-cost.csv").rows

    assert usage.select(keys).unique().sort(keys).equals(cost.select(keys).unique().sort(keys))
