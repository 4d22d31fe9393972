"""Names of one person count once, whatever else is asked, and whatever is shared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.conftest import usage_frame
from tests.properties.test_org import BOOK, sums
from tokenaudit.analysis.cube import joined_cube
from tokenaudit.analysis.overlap import Overlap, bill_days
from tokenaudit.analysis.sight import Sight
from tokenaudit.config import Config
from tokenaudit.org.map import OrgMap, checked
from tokenaudit.org.read import entries

Map = dict[str, Any]
WORDS = {"openai-cost": "bill", "openai-usage": "usage", "gateway": "gateway", "codex": "client"}
NAMES = {"codex": ("alice", "bob"), "gateway": ("alice@x.com", "bob@x.com", None), "openai-usage": ("u-1", None)}


def row(source: str, day: int, number: int, tokens: int) -> Map:
    """Return a row of a source, of a day or of a request."""
    start = datetime(2026, 10, day, tzinfo=UTC)
    names = NAMES.get(source, (None,))
    base = {"source": source, "provider": "openai", "request_model": "gpt-5", "user": names[number % len(names)]}
    if source == "openai-cost":
        money = {"billed_cost": Decimal(tokens) / 7, "cost_basis": "billed", "requests": 0}
        return (
            base
            | money
            | {"charge_period_start": start, "charge_period_end": start + timedelta(1), "granularity": "day"}
        )
    grain = {"charge_period_end": start + timedelta(1), "granularity": "day"} if source == "openai-usage" else {}
    return base | {"charge_period_start": start, "output_tokens": tokens, "project": f"p{number}"} | grain


ROWS = st.lists(
    st.builds(row, st.sampled_from(list(WORDS)), st.integers(1, 2), st.integers(0, 3), st.integers(1, 10_000)),
    min_size=1,
    max_size=10,
)
ONE = {
    "person": [
        {"user": "alice@x.com", "aliases": ["alice", "u-1"], "team": "a"},
        {"user": "bob@x.com", "aliases": ["bob"]},
    ]
}
SHARED = {"name": "s", "where": {"user": ""}, "split": "tokens"}


def asked(rows: list[Map], by: list[str], org: OrgMap | None) -> pl.DataFrame:
    """Return the cube of rows that may overlap."""
    frame = usage_frame(rows)
    days = bill_days(frame.filter(pl.col("source") == "openai-cost"))
    return joined_cube(frame, by, BOOK, Overlap(WORDS, {}, days), sight=Sight(org)).cube


def renamed(item: Map) -> Map:
    """Return a row as if its file had used the names of the map."""
    names = {"alice": "alice@x.com", "u-1": "alice@x.com", "bob": "bob@x.com"}
    return item | {"user": names.get(item["user"], item["user"])}


@settings(max_examples=10)
@given(rows=ROWS)
def test_aliases_are_as_good_as_names(rows: list[Map]) -> None:
    """The map gives the figures that the store would give had every file used one name; sharing changes no total."""
    org = checked(entries(Config(org=ONE)))
    shared = checked(entries(Config(org=ONE, allocations=(SHARED,))))
    same = [renamed(item) for item in rows]
    for by in ([], ["user"], ["user", "source"]):
        assert sums(asked(rows, by, org), by) == sums(asked(same, by, None), by)
    whole = sums(asked(rows, [], org), [])
    for by in (["team"], ["allocation", "team", "project"], ["model", "day"]):
        assert sums(asked(rows, by, shared), []) == whole
