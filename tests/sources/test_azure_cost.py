"""Azure Cost Management exports of three agreements: which rows are LLM spend, their tokens, and their money."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tokenaudit import schema
from tokenaudit.sources.azure_cost import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.sources.table import detect_table, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sources.conftest import CsvText, ReadText

Row = dict[str, str]
EA: Row = {
    "BillingAccountId": "86", "SubscriptionId": "sub-1", "SubscriptionName": "ml-prod", "Date": "10/05/2026",
    "MeterId": "m-1", "MeterName": "gpt-4o-0806-Inp-glbl Tokens", "MeterCategory": "Cognitive Services",
    "MeterSubCategory": "Azure OpenAI", "ProductName": "Azure OpenAI - gpt-4o-0806-Inp-glbl - US East",
    "ConsumedService": "Microsoft.CognitiveServices", "PublisherName": "Microsoft", "UnitOfMeasure": "1K",
    "Quantity": "812.5", "EffectivePrice": "0.0025", "CostInBillingCurrency": "2.03125", "BillingCurrencyCode": "EUR",
    "ResourceId": "/subscriptions/sub-1/accounts/Chat", "ResourceGroup": "rg", "ResourceLocation": "EastUS",
    "ChargeType": "Usage", "PricingModel": "OnDemand", "Frequency": "UsageBased", "CostCenter": "42",
    "Tags": '"team": "search","env": "prod"',
}  # fmt: skip
MCA_NAMES = {"BillingCurrencyCode": "billingCurrency", "ResourceGroup": "resourceGroupName"}
PAYG_NAMES = {
    "SubscriptionId": "SubscriptionGuid", "Date": "UsageDateTime", "Quantity": "UsageQuantity",
    "CostInBillingCurrency": "PreTaxCost", "BillingCurrencyCode": "Currency", "ResourceId": "InstanceId",
    "MeterSubCategory": "MeterSubcategory",
}  # fmt: skip
MCA = {MCA_NAMES.get(name, name[:1].lower() + name[1:]): value for name, value in EA.items()}
PAYG = {PAYG_NAMES.get(name, name): value for name, value in EA.items() if name != "BillingAccountId"}


@pytest.mark.parametrize("base", [EA, MCA, PAYG, {name.upper(): value for name, value in EA.items()}])
def test_headers(csv_text: CsvText, read_text: ReadText, tmp_path: Path, base: Row) -> None:
    """Every agreement and every case tells the same."""
    path = tmp_path / "cost.csv"
    path.write_text("\ufeff" + csv_text(base, {}), encoding="utf-8")
    row = read_text(SOURCE, "\ufeff" + csv_text(base, {})).row()
    expected = {
        "charge_period_start": datetime(2026, 10, 5, tzinfo=UTC),
        "charge_period_end": datetime(2026, 10, 6, tzinfo=UTC),
        "granularity": "day", "workspace": "sub-1", "project": "ml-prod", "provider": "azure", "region": "eastus",
        "request_model": "gpt-4o", "uncached_input_tokens": 812_500, "requests": 0, "cost_basis": "billed",
        "billed_cost": Decimal("2.03125"), "billing_currency": "EUR",
    }  # fmt: skip
    assert detect_table(Head(str(path)), SOURCE)
    assert {name: row[name] for name in expected} == expected
    labels = json.loads(row["tags"])
    assert (labels["team"], labels["scope"], labels["cost_center"]) == ("search", "global", "42")


METERS: dict[str, tuple[Row, str, int]] = {
    "cached": ({"MeterName": "gpt 4o 1120 cached Inp glbl Tokens"}, "cache_read_input_tokens", 812_500),
    "millions": (
        {"MeterName": "5.4 opt Dz 1M Tokens", "MeterSubCategory": "Azure OpenAI GPT5", "UnitOfMeasure": "1M"},
        "output_tokens",
        812_500_000,
    ),
    "a cache write": (
        {"MeterName": "6-sol ShortCo Cd Wr Std Gl", "UnitOfMeasure": "1M", "Quantity": "2"},
        "cache_creation_5m_input_tokens",
        2_000_000,
    ),
    "single tokens": ({"UnitOfMeasure": "1", "Quantity": "7"}, "uncached_input_tokens", 7),
    "audio": ({"MeterName": "gpt-4o-rt-aud-1217 Outp glbl", "Quantity": "1"}, "audio_output_tokens", 1000),
}


@pytest.mark.parametrize("case", METERS)
def test_tokens(csv_text: CsvText, read_text: ReadText, case: str) -> None:
    """The meter says of which class, the row's own unit how many."""
    changes, name, count = METERS[case]
    row = read_text(SOURCE, csv_text(EA, changes)).row()
    assert {name: row[name] for name in schema.TOKEN_CLASSES if row[name]} == {name: count}


def test_batch_and_tier(csv_text: CsvText, read_text: ReadText) -> None:
    """How it was bought is in the meter, too."""
    names = ("gpt-4o-mini-0718-Batch-Inp-glbl Tokens", "5.4 pp inp Dz 1M Tokens")
    batch, priority = (read_text(SOURCE, csv_text(EA, {"MeterName": name})).row() for name in names)
    assert (batch["batch"], batch["service_tier"], batch["request_model"]) == (True, None, "gpt-4o-mini")
    assert (priority["batch"], priority["service_tier"]) == (False, "priority")


ALONE: dict[str, Row] = {
    "refund": {"ChargeType": "Refund", "CostInBillingCurrency": "-2", "Quantity": "-812.5"},
    "purchase": {"ChargeType": "Purchase", "PricingModel": "Reservation", "CostInBillingCurrency": "1000"},
    "unused": {"ChargeType": "UnusedReservation", "CostInBillingCurrency": "3"},
    "hours": {"MeterName": "Provisioned Managed Global Unit", "UnitOfMeasure": "1 Hour"},
    "sessions": {"MeterName": "Code-Interpreter-global Session", "UnitOfMeasure": "1"},
}


@pytest.mark.parametrize("case", ALONE)
def test_money_alone(csv_text: CsvText, read_text: ReadText, case: str) -> None:
    """Refunds, purchases and what is paid by the hour carry no tokens."""
    row = read_text(SOURCE, csv_text(EA, ALONE[case])).row()
    assert sum(row[name] for name in schema.TOKEN_CLASSES) == 0
    assert row["billed_cost"] == Decimal(ALONE[case].get("CostInBillingCurrency", "2.03125"))


def test_list_cost(csv_text: CsvText, read_text: ReadText) -> None:
    """The pay-as-you-go cost is the list cost of what was used."""
    changes = {"paygCostInBillingCurrency": "2.5"}
    assert read_text(SOURCE, csv_text(EA, changes)).row()["list_cost"] == Decimal("2.5")
    assert read_text(SOURCE, csv_text(EA, changes | {"ChargeType": "Refund"})).row()["list_cost"] is None


SPEECH = {"MeterName": "S1 Speech To Text", "MeterSubCategory": "Azure Speech", "ProductName": "Azure Speech - S1"}
SERVER = {"MeterCategory": "Virtual Machines", "MeterSubCategory": "Dsv5", "ConsumedService": "Microsoft.Compute"}


@pytest.mark.parametrize(
    ("changes", "ours"),
    [
        ({}, True),
        ({"MeterCategory": "Foundry Models", "MeterSubCategory": "MAI Models", "MeterName": "code Inp glbl"}, True),
        (SPEECH | {"MeterCategory": "SaaS", "PublisherName": "Anthropic"}, True),
        (SPEECH | {"MeterName": "Phi-3.5-Mini-Output Tokens"}, True),
        (SPEECH, False),
        (SPEECH | SERVER | {"MeterName": "D2s v5"}, False),
        (SPEECH | SERVER | {"MeterName": "1M Tokens"}, False),
    ],
)
def test_which_rows_are_llm_spend(csv_text: CsvText, tmp_path: Path, changes: Row, ours: bool) -> None:  # noqa: FBT001
    """Families of models, and meters of AI services that name a model or tokens; speech and servers are left out."""
    path = tmp_path / "cost.csv"
    path.write_text(csv_text(EA, changes))
    (batch,) = read_table(SOURCE, str(path))
    assert batch.rows.height == int(ours)
    assert [(item.rows, item.cost, item.currency) for item in batch.left_out] == (
        [] if ours else [(1, Decimal("2.03125"), "EUR")]
    )


def test_identity(csv_text: CsvText, read_text: ReadText) -> None:
    """An export writes the month to date anew: cost and tags change, ids change their case, the row stays."""
    same: list[Row] = [
        {},
        {"CostInBillingCurrency": "9"},
        {"Tags": ""},
        {"ResourceId": "/SUBSCRIPTIONS/sub-1/accounts/chat"},
    ]
    other: list[Row] = [
        {"Date": "10/06/2026"}, {"MeterId": "m-2"}, {"ResourceId": "/x"}, {"ChargeType": "Refund"},
        {"SubscriptionId": "sub-2"}, {"PricingModel": "Spot"}, {"BillingAccountId": "87"},
    ]  # fmt: skip
    ids = read_text(SOURCE, csv_text(EA, *same, *other)).rows["response_id"]
    assert (ids.n_unique(), len(ids)) == (1 + len(other), len(same) + len(other))
