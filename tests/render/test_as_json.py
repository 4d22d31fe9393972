"""JSON is exact: money in all its digits, integers, nulls, UTC."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit.render.as_json import write, write_lines
from tokenaudit.render.document import Document

MONEY = pl.Decimal(38, 18)

ROWS = pl.DataFrame(
    {
        "user": ['Zoë "Z"\n\x01', None, "\\"],
        "model": ["a", "b", None],
        "day": [date(2026, 10, 1), None, date(2026, 10, 2)],
        "hour": [datetime(2026, 10, 1, 5, tzinfo=UTC), datetime(2026, 10, 1, 5, 0, 1, 500_000, tzinfo=UTC), None],
        "batch": [True, False, None],
        "requests": [1, None, 2**60],
        "effective_cost": [Decimal("12.5"), None, Decimal("0.1165700000000001")],
    },
    schema_overrides={"effective_cost": MONEY, "model": pl.Categorical, "hour": pl.Datetime("us", "UTC")},
)


def document(rows: pl.DataFrame = ROWS) -> Document:
    """Return a document of `rows`."""
    return Document(schema="tokenaudit.report/1", rows=rows)


def text(shown: Document) -> str:
    """Return the document as JSON."""
    out = io.StringIO()
    write(shown, out)
    return out.getvalue()


def test_layout_and_values() -> None:
    """Keys stand in the order of the contract, laid out with two spaces, text as it is."""
    period = {"start": datetime(2026, 10, 1, tzinfo=UTC), "first": date(2026, 10, 1), "timezone": "UTC"}
    totals = {"effective_cost": Decimal("12.50")}
    shown = replace(document(ROWS.head(1)), head={"period": period}, tail={"totals": totals}, notes=("é",))
    expected = """{
  "schema": "tokenaudit.report/1",
  "period": {
    "start": "2026-10-01T00:00:00Z",
    "first": "2026-10-01",
    "timezone": "UTC"
  },
  "rows": [
    {
      "user": "Zoë \\"Z\\"\\n\\u0001",
      "model": "a",
      "day": "2026-10-01",
      "hour": "2026-10-01T05:00:00Z",
      "batch": true,
      "requests": 1,
      "effective_cost": 12.5
    }
  ],
  "totals": {
    "effective_cost": 12.5
  },
  "notes": [
    "é"
  ]
}
"""

    assert text(shown) == expected


def test_values_read_back() -> None:
    """Nulls are null, large counts stay integers, money keeps every digit."""
    rows = json.loads(text(document()), parse_float=Decimal)["rows"]

    assert rows[1]["user"] is None
    assert rows[1]["hour"] == "2026-10-01T05:00:01.500Z"
    assert [row["requests"] for row in rows] == [1, None, 2**60]
    assert [row["effective_cost"] for row in rows] == [Decimal("12.5"), None, Decimal("0.1165700000000001")]
    assert [row["user"] for row in rows] == ROWS["user"].to_list()


def test_layout_is_that_of_the_standard_library() -> None:
    """The hand-made layout equals ``json.dumps`` with two spaces, empty parts included."""
    tail = {"totals": {}, "totals_by_currency": [{"requests": 1}, {"requests": 2}], "policies": []}
    shown = text(replace(document(ROWS.drop("effective_cost")), tail=tail, notes=("a", "b")))

    assert shown == json.dumps(json.loads(shown), indent=2, ensure_ascii=False) + "\n"


def test_no_rows_and_other_names() -> None:
    """Nothing found is an empty array; a contract may name its rows and have no notes."""
    shown = replace(document(ROWS.clear()), rows_name="files", notes=None)

    assert json.loads(text(shown)) == {"schema": "tokenaudit.report/1", "files": []}


def test_frames_beside_the_rows() -> None:
    """A frame anywhere in the document is written like the rows."""
    shown = replace(document(ROWS.clear()), tail={"rejects": ROWS.select("requests").head(2)})

    assert json.loads(text(shown))["rejects"] == [{"requests": 1}, {"requests": None}]


def test_lines() -> None:
    """JSON lines hold the rows only, each complete on its line."""
    out = io.StringIO()
    write_lines(document(), out)

    assert [json.loads(line) for line in out.getvalue().splitlines()] == json.loads(text(document()))["rows"]
    assert out.getvalue().startswith('{"user": "Zoë')


def test_no_lines() -> None:
    """No rows are no lines."""
    out = io.StringIO()
    write_lines(document(ROWS.clear()), out)

    assert out.getvalue() == ""


@pytest.mark.parametrize("tail", [{"used": 0.5}, {"rows": pl.DataFrame({"used": [0.5]})}])
def test_floats_are_refused(tail: dict[str, object]) -> None:
    """A binary float never reaches the API."""
    with pytest.raises(TypeError, match=r"0\.5|`used` is Float64"):
        text(replace(document(), tail=tail))


@given(st.lists(st.none() | st.decimals(min_value=-(10**19), max_value=10**19, places=18), min_size=1, max_size=30))
@settings(deadline=None, max_examples=50)
def test_money_round_trips(amounts: list[Decimal | None]) -> None:
    """Every Decimal(38, 18) comes back equal through a JSON number, without exponent or trailing zeros."""
    out = io.StringIO()
    write_lines(document(pl.DataFrame({"cost": amounts}, schema={"cost": MONEY})), out)
    digits = [line.removeprefix('{"cost": ').removesuffix("}") for line in out.getvalue().splitlines()]

    assert [None if d == "null" else Decimal(d) for d in digits] == amounts
    assert not any("e" in d.lower() or ("." in d and d.endswith("0")) for d in digits if d != "null")


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=20))
@settings(deadline=None, max_examples=50)
def test_any_name_round_trips(names: list[str | None]) -> None:
    """Quotes, backslashes, control characters and any script survive."""
    shown = document(pl.DataFrame({'key "k"': names}, schema={'key "k"': pl.String}))

    assert [row['key "k"'] for row in json.loads(text(shown))["rows"]] == names
