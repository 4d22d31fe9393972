"""Mistral's month: entries at any depth, prices that fit, what was free, what is no token, what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.ingested import totals_of
from tokenaudit import schema
from tokenaudit.sources.head import Head
from tokenaudit.sources.mistral_usage import SOURCE, records
from tokenaudit.sources.table import detect_table

if TYPE_CHECKING:
    from tests.sources.conftest import ReadText

MODEL = "mistral-large-2411"


def entry(group: str = "input", value: object = 1000, **changes: object) -> dict[str, Any]:
    """Return an entry of a day and model."""
    usual = {"event_type": "api_tokens", "billing_metric": MODEL, "timestamp": "2026-10-02", "value_paid": value}
    return usual | {"billing_group": group, "value": value} | changes


def price(amount: str, group: str = "input", **changes: object) -> dict[str, Any]:
    """Return a row of the price table."""
    return {"event_type": "api_tokens", "billing_metric": MODEL, "billing_group": group, "price": amount} | changes


def answer(*entries: dict[str, Any], prices: tuple[dict[str, Any], ...] = (), **changes: object) -> str:
    """Return an answer with entries of completions."""
    empty = {"ocr": {"models": {}}, "connectors": {"models": {}}, "vibe_usage": 0.0}
    models = {f"mistral-large-latest::{MODEL}": {"input": list(entries)}}
    period = {"start_date": "2026-10-01T00:00:00Z", "end_date": "2026-10-31T23:59:59.999Z", "currency": "EUR"}
    return json.dumps({"completion": {"models": models}} | empty | period | {"prices": list(prices)} | changes)


@pytest.mark.parametrize(
    ("group", "column"),
    [("input", "uncached_input_tokens"), ("cached", "cache_read_input_tokens"), ("output", "output_tokens")],
)
def test_tokens_and_money(read_text: ReadText, group: str, column: str) -> None:
    """Groups are disjoint; what was paid is billed, the rest was free; both exact and in the file's currency."""
    text = answer(entry(group, value=123_457, value_paid=100_003), prices=(price("2.550E-7", group),))
    row = read_text(SOURCE, text).row()

    assert {name: row[name] for name in schema.COUNTS if row[name]} == {column: 123_457}
    assert (row["billed_cost"], row["list_cost"]) == (Decimal("0.025500765"), Decimal("0.031481535"))
    assert (row["billing_currency"], row["cost_basis"], row["request_model"]) == ("EUR", "billed", MODEL)
    assert (row["charge_period_start"], row["granularity"]) == (datetime(2026, 10, 2, tzinfo=UTC), "day")


ZONES = (
    price("1", api_zone="global", service_tier="standard"),
    price("2", api_zone="eu", service_tier="priority"),
)


@pytest.mark.parametrize(
    ("prices", "zone", "tier", "billed"),
    [
        (ZONES, "global", "standard", 1000),
        (ZONES, "eu", "priority", 2000),
        (ZONES[::-1], "eu", "priority", 2000),
        (ZONES, "eu", "standard", None),
        ((price("3"),), "eu", "standard", 3000),
        ((price("3"),), None, None, 3000),
        ((price("3", event_type="api_audio_seconds"),), None, None, None),
        ((price("NaN"),), None, None, None),
        ((), None, None, None),
    ],
)
def test_prices(
    read_text: ReadText, prices: tuple[dict[str, Any], ...], zone: str | None, tier: str | None, billed: int | None
) -> None:
    """A price of another zone, tier or event does not fit; a table without zones and tiers fits all."""
    row = read_text(SOURCE, answer(entry(api_zone=zone, service_tier=tier), prices=prices)).row()

    assert (row["billed_cost"], row["cost_basis"]) == (billed, None if billed is None else "billed")
    assert row["uncached_input_tokens"] == 1000


def test_no_tokens(read_text: ReadText) -> None:
    """Pages have a price and are no tokens; trained tokens are none of a request; without a price nothing is left."""
    pages = {
        "models": {"mistral-ocr-latest": {"input": [entry(billing_metric="pages", event_type="ocr_pages", value=42)]}}
    }
    training = {"training": {MODEL: {"input": [entry("training", event_type="fine_tuning_tokens")]}}}
    seconds = {"models": {"voxtral": {"input": [entry(event_type="api_audio_seconds", billing_metric="voxtral")]}}}
    prices = (
        price("0.01", billing_metric="pages", event_type="ocr_pages"),
        price("0.5", "training", event_type="fine_tuning_tokens"),
    )
    read = read_text(SOURCE, answer(prices=prices, ocr=pages, fine_tuning=training, audio=seconds))

    assert read.rows.select("request_model", "billed_cost").cast({"request_model": str}).rows() == [
        ("mistral-ocr-latest", Decimal("0.42")),
        (MODEL, Decimal(500)),
    ]
    assert read.rows.select(schema.COUNTS).sum_horizontal().sum() == 0
    assert [json.loads(tags)["quantity"] for tags in read.rows["tags"]] == ["42", "1000"]
    assert [item.reason for item in read.rejects] == ["no price, and no tokens that the price book could price"]


def test_categories_of_tomorrow(read_text: ReadText) -> None:
    """Entries count wherever they stand; the price table is no usage."""
    tomorrow = {"agents": {"eu": {"models": {"m": {"output": [entry("output", 7), entry("output", 5)]}}}}}
    read = read_text(SOURCE, answer(entry(), prices=(price("1") | {"value": 9},), embeddings=tomorrow))

    assert (read.rows["output_tokens"].sum(), read.rows["uncached_input_tokens"].sum()) == (12, 1000)
    assert [json.loads(tags)["category"] for tags in read.rows["tags"]] == ["completion", *["embeddings.agents.eu"] * 2]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (answer(vibe_usage=37.8), "vibe_usage is a number without a unit: what it costs is in no category"),
        (answer(entry(value=None)), "value is not a number"),
        (answer(entry(timestamp="soon")), '"timestamp" is not a date or time: "soon"'),
        (answer(entry(timestamp=None)), "no timestamp"),
    ],
)
def test_rejects(read_text: ReadText, text: str, reason: str) -> None:
    """What is not documented, or no number or day, is said."""
    read = read_text(SOURCE, text)

    assert (read.used().height, [item.reason for item in read.rejects]) == (0, [reason])


def test_a_month_of_nothing(read_text: ReadText, tmp_path: Path) -> None:
    """An empty month is recognised, and adds nothing."""
    path = tmp_path / "usage.json"
    path.write_text(answer())
    read = read_text(SOURCE, answer())

    assert detect_table(Head(str(path)), SOURCE)
    assert (read.rows["blank"].to_list(), read.rejects) == ([True], [])
    assert totals_of([answer(entry()), answer()])["uncached_input_tokens"] == 1000


def test_a_large_month_is_recognised(tmp_path: Path) -> None:
    """Currency and prices stand behind all entries, far beyond what is looked at."""
    path = tmp_path / "usage.json"
    path.write_text(json.dumps(json.loads(answer(*[entry()] * 5000)), indent=1))
    text = {
        "vibe_usage": 1.0,
        "ocr": {},
        "completion": {"models": {MODEL: {"input": [entry()] * 5000}}},
        "currency": "EUR",
    }
    other = tmp_path / "sorted.json"
    other.write_text(json.dumps(text))

    assert detect_table(Head(str(other)), SOURCE)
    assert detect_table(Head(str(path)), SOURCE)


@settings(max_examples=6)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 99)), min_size=1, max_size=8), st.integers(1, 5))
def test_a_month_grows(found: list[tuple[int, int]], day: int) -> None:
    """A download in the month and one after it, in any order and again, give what the later one gives."""

    def until(last: int) -> str:
        entries = [entry(value=n, timestamp=f"2026-10-0{at}") for at, n in found if at <= last]
        return answer(*entries, prices=(price("0.1"),))

    expected = sum(n for _, n in found)
    for texts in ([until(day), until(5)], [until(5), until(day)], [until(5), until(day), until(5)]):
        totals = totals_of(texts)
        assert (totals["uncached_input_tokens"], totals["billed_cost"]) == (expected, expected * Decimal("0.1"))


NESTED: Any = entry()
for _ in range(50):
    NESTED = {"a": NESTED}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"completion": {"models": {"m": {"input": [{"value": 1}]}}}, "id": "x"},
        {"agents": {"models": {"m": {"input": [entry()]}}}},
        {"chat": [], "audio": 1, "deep": NESTED},
    ],
)
def test_foreign_documents(document: object) -> None:
    """A document that only has a completion or a chat is another's, and so is one without its categories."""
    assert list(records(document)) == []


def test_odd_documents_of_its_own() -> None:
    """Values of odd types, and entries deeper than any, are no error."""
    odd = {"chat": {"models": [[[[None]]]]}, "ocr": NESTED, "audio": entry() | {"event_type": [], "api_zone": {}}}
    found = list(records(odd | {"prices": [{"price": []}, 3], "billing_metric": 1, "billing_group": 1, "value": 1}))

    assert [item["mistral category"] for item in found] in (["audio"], ["none"])
