"""Google Cloud billing exports in every dress: which rows are LLM spend, their tokens, and what credits take off."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from tokenaudit import schema
from tokenaudit.sources.gcp_billing import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.sources.table import detect_table, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sources.conftest import CsvText, ReadFile, ReadText

Row = dict[str, Any]
ROW: Row = {
    "billing_account_id": "000000-AAAAAA", "service": {"id": "C7E2", "description": "Vertex AI"},
    "sku": {"id": "S-1", "description": "Gemini 2.5 Flash GA Text Input - Predictions"},
    "usage_start_time": "2026-10-05 13:00:00 UTC", "usage_end_time": "2026-10-05 14:00:00 UTC",
    "export_time": "2026-10-05 18:10:00.123456 UTC", "project": {"id": "p-1", "name": "Search"},
    "labels": [{"key": "team", "value": "search"}], "location": {"location": "us", "region": "us-central1"},
    "cost": 0.3, "currency": "USD", "usage": {"amount": 1000000.0, "unit": "count"},
    "credits": [{"name": "Promo", "amount": -0.1}, {"name": "CUD", "amount": -5e-2}], "invoice": {"month": "202610"},
    "cost_type": "regular", "cost_at_list": 0.3,
}  # fmt: skip


def dotted(row: Row, mark: str = ".") -> dict[str, str]:
    """Return a row as a query's CSV holds it."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat |= (
            {f"{name}{mark}{key}": item for key, item in value.items()} if isinstance(value, dict) else {name: value}
        )
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in flat.items()}


def test_every_dress(csv_text: CsvText, read_text: ReadText, read_file: ReadFile, tmp_path: Path) -> None:
    """JSON lines, an array, CSV with dots or underscores, and Parquet with structs are one row."""
    texts = (
        json.dumps(ROW), json.dumps([ROW], indent=1), csv_text(dotted(ROW), {}), csv_text(dotted(ROW, "_"), {}),
    )  # fmt: skip
    expected = {
        "charge_period_start": datetime(2026, 10, 5, 13, tzinfo=UTC), "granularity": "hour", "account": "000000-AAAAAA",
        "workspace": "p-1", "project": "Search", "provider": "google", "request_model": "gemini-2.5-flash",
        "region": "us-central1", "uncached_input_tokens": 1_000_000, "requests": 0, "billed_cost": Decimal("0.15"),
        "list_cost": Decimal("0.3"), "billing_currency": "USD", "cost_basis": "billed",
    }  # fmt: skip
    pl.DataFrame([ROW]).write_parquet(tmp_path / "export.parquet")
    rows = [read_file(SOURCE, tmp_path / "export.parquet").row()]
    for text in texts:
        (tmp_path / "export").write_text(text)
        assert detect_table(Head(str(tmp_path / "export")), SOURCE)
        rows.append(read_text(SOURCE, text).row())

    assert detect_table(Head(str(tmp_path / "export.parquet")), SOURCE)
    assert [{name: row[name] for name in expected} for row in rows] == [expected] * 5
    assert len({row["response_id"] for row in rows}) == 1
    assert {json.loads(row["tags"])["team"] for row in rows} == {"search"}


CREDITS: dict[str, str] = {
    "[]": "0.3",
    "": "0.3",
    '[{"name":"a","amount":-0.3}]': "0",
    '[{"amount":"-0.1","name":"x"},{"name":"y","amount":-1E-3}]': "0.199",
    '[{"name":"amount is 5","amount":-0.1}]': "0.2",
}


def test_a_credit_that_is_no_amount(csv_text: CsvText, read_text: ReadText) -> None:
    """It cannot be taken off: the row is rejected, never billed in full."""
    read = read_text(SOURCE, csv_text(dotted(ROW), {"credits": '[{"name":"Promo","amount":1-2}]'}))

    assert read.rows.height == 0
    assert [item.reason for item in read.rejects] == ["a credit is no amount of money"]


@pytest.mark.parametrize("credits", CREDITS)
def test_credits_reduce_the_bill(csv_text: CsvText, read_text: ReadText, credits: str) -> None:  # noqa: A002 - Google's name for them
    """Net is what is billed, exactly."""
    row = read_text(SOURCE, csv_text(dotted(ROW), {"credits": credits})).row()
    assert (row["billed_cost"], row["list_cost"]) == (Decimal(CREDITS[credits]), Decimal("0.3"))


SKUS = {
    "Gemini 2.5 Flash GA Thinking Text Output - Predictions": ("output_tokens", "gemini-2.5-flash"),
    "Gemini 2.5 Flash GA Input Text Caching": ("cache_read_input_tokens", "gemini-2.5-flash"),
    "Gemini 2.5 Flash Image Input - Predictions": ("image_input_tokens", "gemini-2.5-flash"),
    "Generate content input token count gemini 3.1 flash lite text": ("uncached_input_tokens", "gemini-3.1-flash-lite"),
    "Claude Opus 4.5 Output Tokens": ("output_tokens", "claude-opus-4.5"),
    "Gemini 3 Flash Text Input Caching Storage": (None, "gemini-3-flash"),
    "Gemini 1.5 Flash Text Input (Characters) - Predictions": (None, "gemini-1.5-flash"),
    "Grounding with Google Search on Gemini 3": (None, None),
    "Imagen 4 fast Generation (output)": (None, "imagen-4-fast"),
}


@pytest.mark.parametrize("sku", SKUS)
def test_skus(read_text: ReadText, sku: str) -> None:
    """The SKU names the model and what is counted; storage, searches and images are money alone."""
    name, model = SKUS[sku]
    row = read_text(SOURCE, json.dumps(ROW | {"sku": {"id": "S", "description": sku}})).row()
    assert {name: row[name] for name in schema.TOKEN_CLASSES if row[name]} == ({name: 1_000_000} if name else {})
    assert (row["request_model"], row["billed_cost"]) == (model, Decimal("0.15"))


@pytest.mark.parametrize(
    ("changes", "tokens"),
    [
        ({"usage": {"amount": 7.0, "unit": "requests"}}, 7),
        ({"usage": {"amount": 7.0, "unit": "seconds"}}, 0),
        ({"cost_type": "adjustment"}, 0),
        ({"usage": {"amount": -7.0, "unit": "count"}, "cost": -0.1}, 0),
    ],
)
def test_what_counts_tokens(read_text: ReadText, changes: Row, tokens: int) -> None:
    """Regular usage that is counted, and nothing else."""
    row = read_text(SOURCE, json.dumps(ROW | changes)).row()
    assert sum(row[name] for name in schema.TOKEN_CLASSES) == tokens


@pytest.mark.parametrize(
    ("service", "sku", "ours"),
    [
        ("Vertex AI", "Gemini 2.5 Pro Text Input - Predictions", True),
        ("Vertex AI", "Custom Training Accelerator A100", False),
        ("Gemini API", "Number of things", True),
        ("Generative Language API", "x", True),
        ("Claude Opus 4.5", "Input Tokens", True),
        ("Compute Engine", "N2 Instance Core running in Gemini", False),
        ("", "Tax", False),
    ],
)
def test_which_rows_are_llm_spend(tmp_path: Path, service: str, sku: str, ours: bool) -> None:  # noqa: FBT001
    """Services that name an LLM, and SKUs of Vertex AI that do; machines and taxes are counted and left out."""
    path = tmp_path / "export.jsonl"
    row = ROW | {"service": {"id": "1", "description": service}, "sku": {"id": "2", "description": sku}}
    path.write_text(json.dumps(row))
    (batch,) = read_table(SOURCE, str(path))
    assert batch.rows.height == int(ours)
    assert [(item.rows, item.cost) for item in batch.left_out] == ([] if ours else [(1, Decimal("0.15"))])


def test_identity(read_text: ReadText) -> None:
    """The table only grows: a later export is another row; labels do not make one, equal rows all count."""
    same = [ROW, ROW | {"labels": []}, ROW | {"cost": 1}]
    other = [
        ROW | change
        for change in (
            {"export_time": "2026-10-20 00:00:00 UTC"}, {"project": {"id": "p-2"}}, {"cost_type": "adjustment"},
            {"usage_start_time": "2026-10-05 12:00:00 UTC"}, {"sku": {"id": "S-2", "description": "Gemini 3"}},
        )
    ]  # fmt: skip
    rows = read_text(SOURCE, "\n".join(map(json.dumps, [*same, *other]))).rows
    assert (rows["response_id"].n_unique(), rows.height) == (1 + len(other), len(same) + len(other))
