"""What every cloud's bill owes: parts of a month add up, a later delivery replaces, in any order and however often."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokenaudit.ingest.run import ingest
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sources.conftest import CsvText

    Made = Callable[[int, str], dict[str, str]]


def aws(day: int, cost: str) -> dict[str, str]:
    """Return a line of a Cost and Usage Report."""
    return {
        "line_item_usage_type": "USE1-NovaLite-input-tokens", "line_item_product_code": "AmazonBedrock",
        "line_item_usage_start_date": f"2026-10-{day:02}T00:00:00Z", "line_item_unblended_cost": cost,
        "line_item_usage_end_date": f"2026-10-{day + 1:02}T00:00:00Z", "line_item_usage_amount": "5",
        "line_item_line_item_type": "Usage", "pricing_unit": "1K tokens", "identity_line_item_id": cost + str(day),
    }  # fmt: skip


def azure(day: int, cost: str) -> dict[str, str]:
    """Return a row of a Cost Management export."""
    return {
        "meterName": "gpt 4.1 Inp glbl Tokens", "meterCategory": "Azure OpenAI", "date": f"10/{day:02}/2026",
        "costInBillingCurrency": cost, "billingCurrency": "USD", "quantity": "5", "unitOfMeasure": "1K",
        "chargeType": "Usage",
    }  # fmt: skip


def google(day: int, cost: str) -> dict[str, str]:
    """Return a row of a billing export."""
    return {
        "service.description": "Gemini API", "cost": cost, "currency": "USD", "usage.amount": "5000",
        "sku.description": "Generate content input token count gemini 3 flash text", "usage.unit": "count",
        "usage_start_time": f"2026-10-{day:02} 00:00:00 UTC", "usage_end_time": f"2026-10-{day + 1:02} 00:00:00 UTC",
        "export_time": f"2026-10-{day + 1:02} 05:00:00 UTC",
    }  # fmt: skip


def stored(folder: Path) -> list[tuple[int, int, Decimal]]:
    """Return day, tokens and money of a store's rows, in order."""
    with Store.open(folder) as store:
        rows = store.usage().collect()
    start = pl.col("charge_period_start").dt.day().cast(pl.Int64)
    return rows.select(start, "uncached_input_tokens", "billed_cost").sort(pl.all()).rows()


@pytest.mark.parametrize("made", [aws, azure, google])
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    days=st.lists(st.integers(1, 20), min_size=1, max_size=6).map(sorted),
    split=st.integers(1, 20),
    order=st.permutations(range(4)),
)
def test_parts_and_later_deliveries(
    csv_text: CsvText,
    made: Made,
    days: list[int],
    split: int,
    order: list[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Equal rows of one file all count; a row that comes again, at another cost, counts once at the newest."""
    folder = tmp_path_factory.mktemp("bills")
    parts = [[day for day in days if (day < split) is first] or days for first in (True, False)]
    files = {f"part-{number}.csv": [made(day, "2.5") for day in part] for number, part in enumerate(parts)}
    later = [*(made(day, "7") for day in days), made(25, "1")]
    paths = []
    for name, rows in {**files, "later.csv": later, "copy.csv": later}.items():
        path = folder / name
        path.write_text(csv_text(rows[0], *rows))
        paths.append(str(path))
    ingest(paths[:2], folder / "parts")
    for at in order:
        ingest([paths[at]], folder / "all")

    assert stored(folder / "parts") == [(day, 5000, Decimal("2.5")) for day in days]
    assert stored(folder / "all") == [*((day, 5000, Decimal(7)) for day in days), (25, 5000, Decimal(1))]


def test_the_ingest_says_what_it_left_out(csv_text: CsvText, tmp_path: Path) -> None:
    """A bill that holds no LLM spend is recognised, and said to hold none."""
    lines = [aws(1, "2.5") | {"line_item_product_code": "AmazonS3", "line_item_usage_type": "Bytes"}, aws(2, "1")]
    (tmp_path / "mixed.csv").write_text(csv_text(lines[0], *lines))
    (tmp_path / "none.csv").write_text(csv_text(lines[0], {}))
    summary = ingest([str(tmp_path)], tmp_path / "store")

    assert [(file.source, file.rows, file.rejected, file.status) for file in summary.files] == [
        ("aws-cur", 1, 0, "read"),
        ("aws-cur", 0, 0, "read"),
    ]
    assert summary.notes == [
        "mixed.csv: 1 row left out: no LLM spend (2.50 USD)",
        "none.csv: its only row left out: no LLM spend (2.50 USD)",
    ]


def test_floats_of_parquet_are_what_they_look_like(tmp_path: Path) -> None:
    """Money stored as binary floats is taken at its shortest decimal spelling."""
    frame = pl.DataFrame([aws(1, "0.1") | {"line_item_unblended_cost": json.loads(cost)} for cost in ("0.1", "1e-7")])
    frame.write_parquet(tmp_path / "cur.parquet")
    ingest([str(tmp_path / "cur.parquet")], tmp_path / "store")

    assert [row[2] for row in stored(tmp_path / "store")] == [Decimal("0.0000001"), Decimal("0.1")]
