"""GitHub billing API: periods, whose usage it is, amounts that grow, and what is not read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit.ingest.run import ingest
from tokenaudit.sources import fits, sources
from tokenaudit.sources.copilot_api import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sources.conftest import ReadText

ITEM: dict[str, Any] = {
    "product": "Copilot", "sku": "Copilot Premium Request", "model": "GPT-5", "unitType": "requests",
    "pricePerUnit": 0.04, "grossQuantity": 100, "grossAmount": 4, "discountQuantity": 25, "discountAmount": 1,
    "netQuantity": 75, "netAmount": 3,
}  # fmt: skip
OCTOBER = {"year": 2026, "month": 10}


def answer(*items: dict[str, Any], period: dict[str, Any] = OCTOBER, **whose: Any) -> str:
    """Return an answer for the organisation with what each item changes."""
    changed = [{key: value for key, value in (ITEM | item).items() if value is not None} for item in items or ({},)]
    return json.dumps({"timePeriod": period, "organization": "acme", **whose, "usageItems": changed}, indent=1)


def test_an_answer(read_text: ReadText, tmp_path: Path) -> None:
    """Recognised as this source only; money is net, list is gross; a premium request is no request."""
    (tmp_path / "answer.json").write_text(answer())
    read = read_text(SOURCE, answer())
    row = read.row()

    assert [item.name for item in sources().values() if fits(item, Head(str(tmp_path / "answer.json")))] == [
        SOURCE.name
    ]
    assert (row["list_cost"], row["billed_cost"], row["cost_basis"]) == (Decimal(4), Decimal(3), "billed")
    assert (row["account"], row["user"], row["request_model"], row["requests"]) == ("acme", None, "GPT-5", 0)
    assert read.rejects == []


@pytest.mark.parametrize(
    ("period", "start", "end", "grain"),
    [
        ({"year": 2026}, (2026, 1, 1), (2027, 1, 1), "period"),
        ({"year": 2026, "month": 2}, (2026, 2, 1), (2026, 3, 1), "month"),
        ({"year": 2026, "month": 12}, (2026, 12, 1), (2027, 1, 1), "month"),
        ({"year": 2026, "month": 12, "day": 31}, (2026, 12, 31), (2027, 1, 1), "day"),
        ({"year": "2026", "month": None}, (2026, 1, 1), (2027, 1, 1), "period"),
    ],
)
def test_periods(
    read_text: ReadText, period: dict[str, Any], start: tuple[int, int, int], end: tuple[int, int, int], grain: str
) -> None:
    """A year, a month or a day in UTC."""
    row = read_text(SOURCE, answer(period=period)).row()

    assert row["charge_period_start"] == datetime(*start, tzinfo=UTC)
    assert row["charge_period_end"] == datetime(*end, tzinfo=UTC)
    assert row["granularity"] == grain


@pytest.mark.parametrize("period", [{"year": "soon"}, {"year": 2026, "month": 13}, {"month": 1}, {"year": 9999}])
def test_no_date(read_text: ReadText, period: dict[str, Any]) -> None:
    """A period that is none is a reject."""
    read = read_text(SOURCE, answer(period=period))

    assert read.rows.is_empty()
    assert [item.reason for item in read.rejects] == ["the time period is no date"]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"discountAmount": 4, "netAmount": 0, "netQuantity": 0}, ("4", "0", "included")),
        ({"grossAmount": None, "discountAmount": None, "netAmount": None}, ("4", None, None)),
        ({"grossAmount": None, "discountAmount": None, "netAmount": None, "netQuantity": 0}, ("4", None, "included")),
        ({"grossAmount": None, "pricePerUnit": None, "grossQuantity": 7.5, "netAmount": 0.1}, ("0.3", "0.1", "billed")),
        (
            {"sku": "Copilot AI Credits", "unitType": "ai-credits", "grossAmount": None, "pricePerUnit": None},
            ("1", "3", "billed"),
        ),
    ],
)
def test_money(read_text: ReadText, item: dict[str, Any], expected: tuple[str, str | None, str | None]) -> None:
    """What is covered is included; without amounts the public rate tells the list cost, and nothing is billed."""
    row = read_text(SOURCE, answer(item)).row()

    assert row["list_cost"] == Decimal(expected[0])
    assert row["billed_cost"] == (expected[1] and Decimal(expected[1]))
    assert row["cost_basis"] == expected[2]


def test_identity(read_text: ReadText) -> None:
    """Amounts grow; period, account, filters and item name what they are of."""
    first = read_text(SOURCE, answer()).rows["response_id"][0]
    same = answer({"grossQuantity": 140, "grossAmount": 5.6, "netAmount": 4.6})
    others = [
        answer({"model": "Claude Opus 4.5"}),
        answer({"sku": "Spark Premium Request"}),
        answer({"pricePerUnit": 0.05}),
        answer(period={"year": 2026, "month": 9}),
        answer(period={"year": 2026}),
        answer(organization="other"),
        answer(user="ann"),
        answer(costCenter={"id": "1", "name": "R&D"}),
        answer(model="GPT-5"),
    ]
    ids = [read_text(SOURCE, text).rows["response_id"][0] for text in others]

    assert read_text(SOURCE, same).rows["response_id"][0] == first
    assert len({first, *ids}) == 1 + len(others)


@pytest.mark.parametrize(
    "document",
    [
        {"usageItems": [ITEM]},
        {"timePeriod": OCTOBER, "usageItems": [{key: value for key, value in ITEM.items() if key != "model"}]},
        {"timePeriod": OCTOBER, "usageItems": {"model": "GPT-5"}},
        {"timePeriod": [2026], "usageItems": [ITEM]},
        [1, {"timePeriod": None}],
    ],
)
def test_what_is_not_read(document: Any) -> None:
    """A summary without models, and documents of other shapes."""
    assert SOURCE.records is not None
    assert list(SOURCE.records(document)) == []


@settings(max_examples=6)
@given(order=st.permutations([100, 140, 180]), again=st.lists(st.sampled_from([100, 140, 180])))
def test_growing_answers(tmp_path_factory: pytest.TempPathFactory, order: list[int], again: list[int]) -> None:
    """Of a month's answers the largest amounts stand, in whatever order and however often they come."""
    folder = tmp_path_factory.mktemp("answers")
    for number, quantity in enumerate([*order, *again]):
        net = Decimal(quantity) * Decimal("0.04") - 1
        text = answer({"grossQuantity": quantity, "grossAmount": quantity * 0.04, "netAmount": float(net)})
        (folder / f"{number}.json").write_text(text)
        ingest([str(folder / f"{number}.json")], folder / "store")
    with Store.open(folder / "store") as store:
        rows = store.rows().collect()

    assert rows["billed_cost"].to_list() == [Decimal("6.2")]
    assert rows["list_cost"].to_list() == [Decimal("7.2")]
