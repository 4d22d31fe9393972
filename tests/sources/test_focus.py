"""FOCUS data of clouds and vendors: which rows are LLM spend, what they cost, and how many tokens they count."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokenaudit import schema
from tokenaudit.ingest.run import ingest
from tokenaudit.sources.focus import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.sources.table import detect_table, read_table
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from tests.sources.conftest import CsvText, ReadFile, ReadText

Row = dict[str, str]
OCTOBER = {"BillingPeriodStart": "2026-10-01T00:00:00Z", "BillingPeriodEnd": "2026-11-01T00:00:00Z"}
USAGE: Row = {
    **OCTOBER, "BilledCost": "2.50", "ListCost": "3.00", "EffectiveCost": "2.50", "BillingAccountId": "acct",
    "BillingCurrency": "usd", "ChargeCategory": "Usage", "ChargePeriodStart": "2026-10-05T00:00:00Z",
    "ChargePeriodEnd": "2026-10-06T00:00:00Z", "ConsumedQuantity": "500000", "ConsumedUnit": "Tokens",
    "ProviderName": "Anthropic", "ServiceName": "Claude API", "ServiceCategory": "AI and Machine Learning",
    "ServiceSubcategory": "Generative AI", "SkuMeter": "Input Tokens", "SkuId": "claude-opus-5-input",
    "SubAccountId": "ws-1", "SubAccountName": "agents", "RegionId": "eu", "Tags": '{"team": "core"}',
}  # fmt: skip
DISK: Row = {
    "ServiceName": "Azure Machine Learning", "ServiceSubcategory": "AI Platforms", "ProviderName": "Microsoft",
    "SkuMeter": "P6 LRS Disk", "ConsumedUnit": "Units/Month", "ConsumedQuantity": "0.1",
}  # fmt: skip


def test_a_usage_row(csv_text: CsvText, read_text: ReadText) -> None:
    """Everything a row tells has its place."""
    row = read_text(SOURCE, csv_text(USAGE, {})).row()
    expected = {
        "charge_period_start": datetime(2026, 10, 5, tzinfo=UTC),
        "charge_period_end": datetime(2026, 10, 6, tzinfo=UTC),
        "granularity": "day", "account": "acct", "workspace": "ws-1", "project": "agents", "provider": "anthropic",
        "request_model": "claude-opus-5", "uncached_input_tokens": 500_000, "requests": 0, "region": "eu",
        "billed_cost": Decimal("2.5"), "list_cost": Decimal(3), "billing_currency": "USD", "cost_basis": "billed",
        "tokens_basis": "reported", "tags": '{"team": "core","service":"Claude API","meter":"Input Tokens"}',
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert sum(row[name] for name in schema.TOKEN_CLASSES) == 500_000


OURS: dict[str, tuple[Row, bool]] = {
    "subcategory": ({}, True),
    "subcategory in other case": (
        {"ServiceSubcategory": "GENERATIVE AI", "ServiceName": "x", "ProviderName": "y"},
        True,
    ),
    "disks of a workbench": (DISK, False),
    "tokens of an AI service": (DISK | {"ConsumedUnit": "1K tokens"}, True),
    "a model in its description": (DISK | {"ChargeDescription": "Gemini 2.5 Flash Text Input - Predictions"}, True),
    "Bedrock": ({"ServiceSubcategory": "", "ServiceCategory": "Other", "ServiceName": "Amazon Bedrock"}, True),
    "marketplace": (
        {
            "ServiceSubcategory": "",
            "ServiceCategory": "Other",
            "ServiceName": "Claude 3 Haiku (Amazon Bedrock Edition)",
        },
        True,
    ),
    "a publisher": (DISK | {"PublisherName": "OpenAI, L.L.C."}, True),
    "a virtual currency": (
        DISK | {"ServiceCategory": "", "ServiceName": "Widgets", "ConsumedUnit": "Token", "PricingUnit": "Token"},
        False,
    ),
    "a model elsewhere": (DISK | {"ServiceCategory": "Compute", "ChargeDescription": "Gemini class instance"}, False),
    "a server": (DISK | {"ServiceCategory": "Compute", "ServiceName": "Amazon EC2", "SkuMeter": "BoxUsage"}, False),
}


@pytest.mark.parametrize("case", OURS)
def test_which_rows_are_llm_spend(csv_text: CsvText, tmp_path: Path, case: str) -> None:
    """Names and units decide, not the category alone; the others are counted with what they cost."""
    changes, ours = OURS[case]
    path = tmp_path / "focus.csv"
    path.write_text(csv_text(USAGE, changes))
    (batch,) = read_table(SOURCE, str(path))

    assert (batch.rows.height, batch.rejects) == (int(ours), [])
    assert [(item.reason, item.rows, item.cost, item.currency) for item in batch.left_out] == (
        [] if ours else [("no LLM spend", 1, Decimal("2.50"), "USD")]
    )


QUANTITIES: dict[str, tuple[Row, str, int]] = {
    "thousands": ({"ConsumedUnit": "1K tokens", "ConsumedQuantity": "2.5"}, "uncached_input_tokens", 2500),
    "priced in millions": (
        {"ConsumedUnit": "Requests", "PricingUnit": "1000000 Tokens", "PricingQuantity": "0.25"},
        "uncached_input_tokens",
        250_000,
    ),
    "both units are tokens": (
        {"PricingUnit": "1000000 Tokens", "PricingQuantity": "0.5"},
        "uncached_input_tokens",
        500_000,
    ),
    "other notation": ({"ConsumedQuantity": "1.5E6"}, "uncached_input_tokens", 1_500_000),
    "cache read": ({"SkuMeter": "Cache Read Input Tokens"}, "cache_read_input_tokens", 500_000),
    "cache write": ({"SkuMeter": "Cache Write Input Tokens"}, "cache_creation_5m_input_tokens", 500_000),
    "output": ({"SkuMeter": "Output Tokens"}, "output_tokens", 500_000),
    "details win": (
        {"SkuMeter": "Tokens", "SkuPriceDetails": '{"TokenDirection": "Input", "TokenCacheAction": "Read"}'},
        "cache_read_input_tokens",
        500_000,
    ),
    "Azure": (
        {"ConsumedUnit": "Units", "x_PricingUnitDescription": "1K", "x_SkuMeterName": "gpt-4o-0806-Outp-glbl Tokens"},
        "output_tokens",
        500_000_000,
    ),
    "a description": (
        {"ConsumedUnit": "Units", "SkuMeter": "", "ConsumedQuantity": "2", "ChargeDescription": "1M Response Tokens"},
        "output_tokens",
        2_000_000,
    ),
    "Google": (
        {"ConsumedUnit": "count", "ProviderName": "Google", "SkuMeter": "Gemini 3 Flash Text Output - Predictions"},
        "output_tokens",
        500_000,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", QUANTITIES)
def test_tokens(csv_text: CsvText, read_text: ReadText, case: str) -> None:
    """The unit says how many, the meter of which class."""
    changes, name, count = QUANTITIES[case]
    row = read_text(SOURCE, csv_text(USAGE, changes)).row()
    assert {name: row[name] for name in schema.TOKEN_CLASSES if row[name]} == {name: count}
    assert row["tokens_basis"] == "reported"


NO_TOKENS: dict[str, Row] = {
    "seats": {"ConsumedUnit": "Seats", "SkuMeter": "Seat"},
    "a correction": {"ChargeClass": "Correction", "BilledCost": "-2.50", "ConsumedQuantity": "-500000"},
    "a correction upwards": {"ChargeClass": "Correction"},
    "a credit": {"ChargeCategory": "Credit", "BilledCost": "-2.50"},
    "a tax": {"ChargeCategory": "Tax", "ConsumedQuantity": "", "ConsumedUnit": ""},
    "a virtual currency": {"PricingCurrency": "Token"},
    "taken back": {"ConsumedQuantity": "-500000", "BilledCost": "-2.50"},
}


@pytest.mark.parametrize("case", NO_TOKENS)
def test_money_alone(csv_text: CsvText, read_text: ReadText, case: str) -> None:
    """What is no usage carries money and no tokens; it may be negative."""
    row = read_text(SOURCE, csv_text(USAGE, NO_TOKENS[case])).row()
    assert sum(row[name] for name in schema.TOKEN_CLASSES) == 0
    assert row["billed_cost"] == Decimal(NO_TOKENS[case].get("BilledCost", "2.50"))


def test_tokens_of_no_class(csv_text: CsvText, read_text: ReadText) -> None:
    """Tokens that nobody says the direction of are uncached input, and marked as a guess."""
    row = read_text(SOURCE, csv_text(USAGE, {"SkuMeter": "Tokens", "SkuId": "all"})).row()
    assert (row["uncached_input_tokens"], row["tokens_basis"]) == (500_000, "estimated")


def test_bare_null_is_nothing(csv_text: CsvText, read_text: ReadText) -> None:
    """1.0 writes NULL, also in texts: it is no correction, no tag and no region."""
    row = read_text(
        SOURCE, csv_text(USAGE, dict.fromkeys(("ChargeClass", "Tags", "RegionId", "SubAccountId"), "NULL"))
    ).row()
    assert (row["uncached_input_tokens"], row["region"], row["workspace"]) == (500_000, None, None)
    assert row["tags"] == '{"service":"Claude API","meter":"Input Tokens"}'


def test_prepaid(csv_text: CsvText, read_text: ReadText) -> None:
    """The purchase is billed when it is invoiced; what it covers is included, at list price beside the spend."""
    purchase = {
        "ChargeCategory": "Purchase", "BilledCost": "500", "EffectiveCost": "0", "ConsumedQuantity": "",
        "ConsumedUnit": "", "ChargePeriodEnd": "2027-10-05T00:00:00Z",
    }  # fmt: skip
    used = {"BilledCost": "0.00", "EffectiveCost": "20.00", "ListCost": "25"}
    rows = read_text(SOURCE, csv_text(USAGE, purchase, used)).rows.sort("line")

    assert rows["cost_basis"].cast(pl.String).to_list() == ["billed", "included"]
    assert rows["billed_cost"].to_list() == [500, 0]
    assert rows["charge_period_end"].to_list() == [datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 10, 6, tzinfo=UTC)]
    assert rows["granularity"].cast(pl.String).to_list() == ["month", "day"]


PROVIDERS: dict[str, tuple[Row, str]] = {
    "1.0": ({"ProviderName": "AWS", "PublisherName": "Anthropic, PBC"}, "aws"),
    "1.0 Azure": ({"ProviderName": "Microsoft"}, "azure"),
    "1.4 vendor on a cloud": (
        {"HostProviderName": "AWS", "InvoiceIssuerName": "Anthropic", "ServiceProviderName": "Anthropic"},
        "anthropic",
    ),
    "1.4 cloud's marketplace": (
        {
            "HostProviderName": "AWS",
            "InvoiceIssuerName": "Amazon Web Services, Inc.",
            "ServiceProviderName": "Anthropic",
        },
        "aws",
    ),
    "1.4 unknown": ({"ServiceProviderName": "Solora AI", "InvoiceIssuerName": "Aura Web"}, "solora ai"),
}


@pytest.mark.parametrize("case", PROVIDERS)
def test_who_sold(csv_text: CsvText, read_text: ReadText, case: str) -> None:
    """The seller is the provider, whichever version names it how."""
    changes, provider = PROVIDERS[case]
    assert read_text(SOURCE, csv_text(USAGE, {"ProviderName": ""} | changes)).row()["provider"] == provider


def test_requester(csv_text: CsvText, read_text: ReadText) -> None:
    """Who asked, from the columns of 1.5."""
    details = '[{"key": "Principal", "value": {"Email": "alice@example.com", "Type": "User"}}]'
    for changes, user in (({}, "u-1"), ({"RequesterDetails": details}, "alice@example.com")):
        row = read_text(SOURCE, csv_text(USAGE, {"PrincipalId": "u-1", "CredentialId": "key-1"} | changes)).row()
        assert (row["user"], row["api_key"]) == (user, "key-1")


def test_a_gateway_is_nobodys_bill(csv_text: CsvText, read_text: ReadText) -> None:
    """LiteLLM's rows are its own sums: list and reported cost, no requests, the key and the person it names."""
    changes = {
        "BillingAccountType": "API Key", "BillingAccountName": "ci", "ConsumedUnit": "Requests",
        "ConsumedQuantity": "1", "ResourceName": "gpt-5", "ServiceName": "chat", "SkuMeter": "", "SkuId": "",
        "ChargeDescription": "gpt-5",
        "Tags": '{"user_id": "u", "user_email": "bob@example.com"}', "ListCost": "2.50",
    }  # fmt: skip
    row = read_text(SOURCE, csv_text(USAGE, changes)).row()
    assert (row["billed_cost"], row["list_cost"], row["reported_cost"]) == (None, Decimal("2.5"), Decimal("2.5"))
    assert (row["user"], row["api_key"], row["account"]) == ("bob@example.com", "ci", None)
    assert (row["requests"], row["cost_basis"], row["request_model"]) == (0, None, "gpt-5")


def test_identity(csv_text: CsvText, read_text: ReadText) -> None:
    """What a row is of names it; amounts, tags, names and the invoice change and do not."""
    same: list[Row] = [{}, {"BilledCost": "3"}, {"Tags": ""}, {"InvoiceId": "INV"}, {"SubAccountName": "new name"}]
    other: list[Row] = [
        {"SubAccountId": "ws-2"}, {"SkuId": "claude-opus-5-output"}, {"ChargePeriodStart": "2026-10-04T00:00:00Z"},
        {"ChargeClass": "Correction"}, {"ChargeCategory": "Tax"}, {"ResourceId": "r"}, {"BillingAccountId": "acct-2"},
    ]  # fmt: skip
    ids = read_text(SOURCE, csv_text(USAGE, *same, *other)).rows["response_id"]
    assert ids.n_unique() == 1 + len(other)


def stored(folder: Path) -> list[tuple[str, int, Decimal]]:
    """Return day, tokens and money of a store's rows, in order."""
    with Store.open(folder) as store:
        rows = store.usage().collect()
    day = pl.col("charge_period_start").dt.date().cast(pl.String)
    return rows.select(day, "uncached_input_tokens", "billed_cost").sort(pl.all()).rows()


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    days=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    cut=st.integers(0, 6),
    order=st.permutations(range(4)),
)
def test_parts_and_later_downloads(
    csv_text: CsvText, days: list[int], cut: int, order: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A month in parts is the month; a later download replaces what it holds; no order and no repetition changes it."""
    folder = tmp_path_factory.mktemp("focus")
    early = [{"ChargePeriodStart": f"2026-10-0{day}", "ChargePeriodEnd": f"2026-10-{day + 1:02}"} for day in days]
    early = sorted(early, key=lambda row: row["ChargePeriodStart"])
    while 0 < cut < len(early) and early[cut - 1] == early[cut]:
        cut += 1
    late = [row | {"BilledCost": "7", "InvoiceId": "INV"} for row in early]
    last = [*late, {"ChargePeriodStart": "2026-10-30", "ChargePeriodEnd": "2026-10-31"}]
    parts = {"part-1": early[:cut] or early, "part-2": early[cut:] or early, "whole": last, "copy": last}
    files = [str(folder / f"{name}.csv") for name in parts]
    for path, rows in zip(files, parts.values(), strict=True):
        Path(path).write_text(csv_text(USAGE, *rows))
    ingest([files[0], files[1]], folder / "parts")
    for at in order:
        ingest([files[at]], folder / "all")

    dates = sorted(row["ChargePeriodStart"] for row in early)
    assert stored(folder / "parts") == [(day, 500_000, Decimal("2.5")) for day in dates]
    assert stored(folder / "all") == [(day, 500_000, Decimal(7)) for day in dates] + [
        ("2026-10-30", 500_000, Decimal("2.5"))
    ]


def test_parquet_and_json_lines(csv_text: CsvText, tmp_path: Path, read_file: ReadFile, read_text: ReadText) -> None:
    """Every dress holds the same rows; AWS writes tags as a map, and money as floats."""
    frame = pl.read_csv(csv_text(USAGE, {}).encode(), infer_schema_length=0).with_columns(
        pl.col("BilledCost", "ListCost").cast(pl.Float64),
        pl.lit([{"key": "team", "value": "core"}]).alias("Tags"),
        pl.col("ChargePeriodStart", "ChargePeriodEnd").str.to_datetime(time_zone="UTC"),
    )
    frame.write_parquet(tmp_path / "focus.parquet")
    frame.with_columns(pl.lit('{"team":"core"}').alias("Tags")).write_ndjson(tmp_path / "focus.jsonl")
    names = ("response_id", "charge_period_start", "billed_cost", "uncached_input_tokens", "project")
    expected = read_text(SOURCE, csv_text(USAGE, {})).rows.select(names).rows()

    for path in (tmp_path / "focus.parquet", tmp_path / "focus.jsonl"):
        assert detect_table(Head(str(path)), SOURCE)
        rows = read_file(SOURCE, path).rows
        assert rows.select(names).rows() == expected
        assert '{"team":"core",' in rows["tags"].cast(pl.String)[0]


def test_a_blank_amount_is_a_reject(csv_text: CsvText, read_text: ReadText) -> None:
    """A row of ours without money cannot be counted."""
    read = read_text(SOURCE, csv_text(USAGE, {}, {"BilledCost": ""}))
    assert (read.rows.height, [item.reason for item in read.rejects]) == (1, ["BilledCost is blank"])


def test_real_cloud_bill_holds_no_llm_spend(shared: Path) -> None:
    """The official 1.0 sample: 1,000 rows, nine of the AI category, and all of those are disks, servers and traffic."""
    path = shared / "samples" / "exports" / "focus" / "focus_1.0_sample.csv"
    with path.open(newline="") as file:
        stated = list(csv.DictReader(file))
    ai = [row for row in stated if row["ServiceCategory"] == "AI and Machine Learning"]
    batches = list(read_table(SOURCE, str(path)))

    assert detect_table(Head(str(path)), SOURCE)
    assert (len(ai), {row["ServiceName"] for row in ai}) == (9, {"Azure Machine Learning"})
    assert not any("oken" in row["ConsumedUnit"] for row in ai)
    assert sum(batch.rows.height + len(batch.rejects) for batch in batches) == 0
    assert sum(item.rows for batch in batches for item in batch.left_out) == len(stated) == 1000
    money = sum((Decimal(row["BilledCost"]) for row in stated), Decimal())
    assert sum(item.cost for batch in batches for item in batch.left_out) == money == Decimal("20.52022672899")


def test_real_virtual_currency_is_no_llm_spend(shared: Path) -> None:
    """The spec's examples of 1.2, with byte order mark and ``5/1/25`` dates: tokens of a vendor, but not of a model."""
    for path in (shared / "samples" / "exports" / "focus").glob("focus_1.2_*.csv"):
        (batch,) = read_table(SOURCE, str(path))
        with path.open(newline="", encoding="utf-8-sig") as file:
            money = sum((Decimal(row["BilledCost"]) for row in csv.DictReader(file)), Decimal())
        assert detect_table(Head(str(path)), SOURCE)
        assert (batch.rows.height, batch.rejects, sum(item.cost for item in batch.left_out)) == (0, [], money)


def test_real_ai_samples(shared: Path, read_file: ReadFile) -> None:
    """The examples of the spec's AI release: all rows count, with the tokens and money they state."""
    for path in (shared / "finance" / "focus_ai_samples").glob("*.csv"):
        with path.open(newline="") as file:
            stated = list(csv.DictReader(file))
        tokens = sum(Decimal(row["ConsumedQuantity"]) for row in stated if row["ConsumedUnit"] == "Tokens")
        output = sum(Decimal(row["ConsumedQuantity"]) for row in stated if '"Output"' in row["SkuPriceDetails"])
        read = sum(Decimal(row["ConsumedQuantity"]) for row in stated if '"Read"' in row["SkuPriceDetails"])
        rows = read_file(SOURCE, path).rows

        assert rows.height == len(stated)
        assert rows.select(pl.sum_horizontal(schema.TOKEN_CLASSES).sum()).item() == tokens
        assert (rows["output_tokens"].sum(), rows["cache_read_input_tokens"].sum()) == (output, read)
        assert rows["billed_cost"].sum() == sum(Decimal(row["BilledCost"]) for row in stated)
