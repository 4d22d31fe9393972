"""AWS Cost and Usage Reports in both spellings: which lines are LLM spend, their tokens, and their money."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tokenaudit import schema
from tokenaudit.sources.aws_cur import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.sources.table import detect_table, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sources.conftest import CsvText, ReadFile, ReadText

Row = dict[str, str]
LINE: Row = {
    "bill_payer_account_id": "1000", "bill_bill_type": "Anniversary",
    "bill_billing_period_start_date": "2026-10-01T00:00:00Z",
    "line_item_usage_account_id": "1001", "line_item_usage_account_name": "platform",
    "line_item_line_item_type": "Usage", "line_item_usage_start_date": "2026-10-05T13:00:00Z",
    "line_item_usage_end_date": "2026-10-05T14:00:00Z", "line_item_product_code": "AmazonBedrock",
    "line_item_usage_type": "USE1-NovaLite-input-tokens", "line_item_operation": "InvokeModelInference",
    "line_item_usage_amount": "2500.5", "line_item_unblended_cost": "0.15", "line_item_currency_code": "USD",
    "line_item_line_item_description": "", "line_item_iam_principal": "", "pricing_unit": "1K tokens",
    "pricing_public_on_demand_cost": "0.2", "product": '{"product_name":"Amazon Bedrock","region":"us-west-2"}',
    "product_region_code": "us-east-1", "resource_tags": '{"user_team":"search","aws:createdBy":"x"}',
}  # fmt: skip
CLAUDE = {
    "line_item_product_code": "1a2b3c", "product": '{"product_name":"Claude Opus 5 (Amazon Bedrock Edition)"}',
    "pricing_unit": "Units",
}  # fmt: skip
LEGACY = {"line_item_": "lineItem/", "bill_": "bill/", "product_": "product/", "pricing_": "pricing/"}


def legacy(row: Row) -> Row:
    """Spell the columns of a line as the legacy CSV does, where labels are columns and the product is no map."""
    spelt = {
        LEGACY[group] + "".join(part.capitalize() for part in name.removeprefix(group).split("_")): value
        for name, value in row.items()
        for group in LEGACY
        if name.startswith(group)
    }
    return spelt | {"product/ProductName": "Amazon Bedrock", "resourceTags/user:team": "search"}


def test_a_line(csv_text: CsvText, read_text: ReadText) -> None:
    """Everything a line tells has its place."""
    caller = {"line_item_iam_principal": "arn:aws:sts::1001:assumed-role/ChatApp/alice@example.com"}
    row = read_text(SOURCE, csv_text(LINE, caller)).row()
    expected = {
        "charge_period_start": datetime(2026, 10, 5, 13, tzinfo=UTC), "granularity": "hour", "account": "1000",
        "workspace": "1001", "project": "platform", "user": "alice@example.com", "provider": "aws",
        "request_model": "nova-lite", "region": "us-east-1", "requests": 0, "uncached_input_tokens": 2_500_500,
        "billed_cost": Decimal("0.15"), "list_cost": Decimal("0.2"), "cost_basis": "billed", "billing_currency": "USD",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert json.loads(row["tags"]) == {
        "team": "search", "aws:createdBy": "x", "service": "Amazon Bedrock", "usage_type": "USE1-NovaLite-input-tokens",
    }  # fmt: skip


def test_both_spellings_are_one_line(csv_text: CsvText, read_text: ReadText, tmp_path: Path) -> None:
    """The legacy CSV names the same line, with its labels in columns of their own."""
    path = tmp_path / "cur.csv"
    path.write_text(csv_text(legacy(LINE), {}))
    old, new = read_text(SOURCE, csv_text(legacy(LINE), {})).row(), read_text(SOURCE, csv_text(LINE, {})).row()

    assert detect_table(Head(str(path)), SOURCE)
    assert old["response_id"] == new["response_id"]
    assert (old["uncached_input_tokens"], old["billed_cost"]) == (2_500_500, Decimal("0.15"))
    assert json.loads(old["tags"])["team"] == "search"


def test_parquet_with_maps(csv_text: CsvText, read_text: ReadText, read_file: ReadFile, tmp_path: Path) -> None:
    """Parquet holds maps, floats and times of its own; it is the same line."""
    pairs = {"product": [("product_name", "Amazon Bedrock")], "resource_tags": [("user_team", "search")]}
    maps = {name: [{"key": key, "value": value} for key, value in found] for name, found in pairs.items()}
    times = [name for name in LINE if name.endswith("_date")]
    frame = pl.DataFrame([LINE]).with_columns(
        pl.col("line_item_usage_amount", "line_item_unblended_cost").cast(pl.Float64),
        pl.col(times).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="ms"),
        **{name: pl.lit(value) for name, value in maps.items()},
    )
    frame.write_parquet(tmp_path / "cur.parquet")
    row, expected = read_file(SOURCE, tmp_path / "cur.parquet").row(), read_text(SOURCE, csv_text(LINE, {})).row()

    names = ("response_id", "billed_cost", "uncached_input_tokens", "request_model", "charge_period_start")
    assert {name: row[name] for name in names} == {name: expected[name] for name in names}
    assert json.loads(row["tags"])["team"] == "search"


MARKETPLACE: dict[str, tuple[Row, str, int]] = {
    "input": ({"line_item_usage_type": "USE1-MP:USE1_InputTokenCount-Units"}, "uncached_input_tokens", 2_500_500_000),
    "cache read": (
        {"line_item_usage_type": "USE1-MP:USE1_CacheReadInputTokenCount_Global-Units", "line_item_usage_amount": "2"},
        "cache_read_input_tokens",
        2_000_000,
    ),
    "cache write of an hour": (
        {"line_item_usage_type": "USE1-MP:USE1_cache_write_tokens_1h_standard-Units", "line_item_usage_amount": "0.5"},
        "cache_creation_1h_input_tokens",
        500_000,
    ),
    "in thousands": (
        {
            "line_item_usage_type": "USE1-MP:USE1_OutputTokenCount-Units", "line_item_usage_amount": "3",
            "line_item_line_item_description": "AWS Marketplace software usage|us-east-1|Thousand Response Tokens",
        },
        "output_tokens",
        3000,
    ),
    "in stated millions": (
        {"line_item_usage_type": "USE1-MP:USE1_OutputTokenCount-Units", "pricing_unit": "1M tokens"},
        "output_tokens",
        2_500_500_000,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MARKETPLACE)
def test_marketplace(csv_text: CsvText, read_text: ReadText, case: str) -> None:
    """Models of other makers: the product names the model, the usage type the class, amounts are millions mostly."""
    changes, name, count = MARKETPLACE[case]
    row = read_text(SOURCE, csv_text(LINE, CLAUDE | changes)).row()
    assert {name: row[name] for name in schema.TOKEN_CLASSES if row[name]} == {name: count}
    assert row["request_model"] == "claude-opus-5"


ALONE: dict[str, Row] = {
    "discount": {"line_item_line_item_type": "EdpDiscount", "line_item_unblended_cost": "-0.01"},
    "credit": {"line_item_line_item_type": "Credit", "line_item_unblended_cost": "-5"},
    "refund": {"line_item_line_item_type": "Refund", "line_item_unblended_cost": "-0.15"},
    "tax": {"line_item_line_item_type": "Tax", "line_item_usage_type": "", "line_item_usage_amount": ""},
    "negation": {"line_item_line_item_type": "SavingsPlanNegation", "line_item_unblended_cost": "-0.15"},
    "guardrail": {"line_item_usage_type": "USE1-Guardrail-TextUnits", "pricing_unit": "TextUnits"},
    "throughput": {"line_item_usage_type": "USE1-Reserved_1Month_InputTPM", "pricing_unit": "Hrs"},
}


@pytest.mark.parametrize("case", ALONE)
def test_money_alone(csv_text: CsvText, read_text: ReadText, case: str) -> None:
    """A discount repeats the amount of the usage: only usage carries tokens."""
    row = read_text(SOURCE, csv_text(LINE, ALONE[case])).row()
    assert sum(row[name] for name in schema.TOKEN_CLASSES) == 0
    assert row["billed_cost"] == Decimal(ALONE[case].get("line_item_unblended_cost", "0.15"))


@pytest.mark.parametrize(
    ("changes", "ours"),
    [
        ({}, True),
        (CLAUDE, True),
        ({"line_item_product_code": "AmazonBedrockService", "product": ""}, True),
        ({"line_item_product_code": "AmazonEC2", "product": "", "line_item_usage_type": "BoxUsage:t3.nano"}, False),
        ({"line_item_product_code": "4x5y6z", "product": '{"product_name":"Some Firewall"}'}, False),
        ({"line_item_product_code": "AmazonQuickSight", "product": '{"product_name":"Amazon QuickSight"}'}, False),
    ],
)
def test_which_lines_are_llm_spend(csv_text: CsvText, tmp_path: Path, changes: Row, ours: bool) -> None:  # noqa: FBT001
    """Bedrock by its code, other makers' models by the name of their product; the rest is counted and left out."""
    path = tmp_path / "cur.csv"
    path.write_text(csv_text(LINE, changes))
    (batch,) = read_table(SOURCE, str(path))
    assert batch.rows.height == int(ours)
    assert [(item.rows, item.cost) for item in batch.left_out] == ([] if ours else [(1, Decimal("0.15"))])


@pytest.mark.parametrize(
    ("changes", "region"),
    [
        ({}, "us-east-1"),
        ({"product_region_code": ""}, "us-west-2"),
        ({"product_region_code": "", "product": ""}, "us-east-1"),
        (
            {"product_region_code": "", "product": "", "line_item_usage_type": "EUC1-NovaLite-input-tokens"},
            "eu-central-1",
        ),
    ],
)
def test_regions(csv_text: CsvText, read_text: ReadText, changes: Row, region: str) -> None:
    """From its column, else from the map of the product, else from the usage type."""
    assert read_text(SOURCE, csv_text(LINE, changes)).row()["region"] == region


def test_identity(csv_text: CsvText, read_text: ReadText) -> None:
    """Amounts, labels, the invoice and the ids of lines change with each delivery; what the line is of does not."""
    same: list[Row] = [{}, {"line_item_unblended_cost": "9"}, {"resource_tags": ""}, {"bill_invoice_id": "77"}]
    other: list[Row] = [
        {"line_item_usage_account_id": "1002"}, {"line_item_usage_start_date": "2026-10-05T12:00:00Z"},
        {"line_item_line_item_type": "EdpDiscount"}, {"line_item_iam_principal": "arn:x/bob"},
        {"line_item_usage_type": "USE1-NovaLite-output-tokens"}, {"line_item_resource_id": "arn:y"},
    ]  # fmt: skip
    ids = read_text(SOURCE, csv_text(LINE, *same, *other)).rows["response_id"]
    assert ids.n_unique() == 1 + len(other)
    assert len(ids) == len(same) + len(other)


def test_a_blank_cost_is_a_reject(csv_text: CsvText, read_text: ReadText) -> None:
    """A line of ours without money cannot be counted."""
    read = read_text(SOURCE, csv_text(LINE, {"line_item_unblended_cost": ""}))
    assert (read.rows.height, [item.reason for item in read.rejects]) == (0, ["the unblended cost is blank"])
