"""Nested JSON: pages, arrays and lines to the rows of an invented source, and the beginning of cut-off documents."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenaudit.errors import SourceError
from tokenaudit.sources._documents import at, beginning, flat, items, starts_document
from tokenaudit.sources._signature import detect_table
from tokenaudit.sources.head import Head
from tokenaudit.sources.source import FILE_NAME, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.sources.conftest import ReadFile, ReadText


def usage(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rename."""
    return rows.with_columns(
        charge_period_start=pl.col("at"),
        request_model=pl.col("model"),
        output_tokens=pl.col("usage.output"),
        billed_cost=pl.col("amount"),
        session=pl.col(FILE_NAME),
        identity=pl.col("id"),
    )


def records(document: Any) -> Iterator[Mapping[str, Any]]:
    """Take pages apart, and lines that are records by themselves."""
    for item in items(document, "data") or [document]:
        yield from flat(item)


PAGES = Table(
    name="pages",
    title="a nested format made for this test",
    provider="nobody",
    merge="newest",
    authority="bill",
    columns={
        "id": "text",
        "at": "instant",
        "model": "text",
        "usage.output": "integer",
        "amount": "money",
        FILE_NAME: "text",
    },
    signatures=(frozenset({"id", "usage.output"}),),
    absent=frozenset({"not ours"}),
    records=records,
    usage=usage,
)
ROWS = [
    {"id": str(n), "at": "2026-10-01T00:00:00Z", "model": "m", "usage": {"output": n}, "amount": 0.1} for n in (1, 2)
]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"data": ROWS}),
        json.dumps({"data": ROWS}, indent=2),
        json.dumps(ROWS),
        json.dumps(ROWS, indent=4),
        "\n".join(map(json.dumps, ROWS)),
        "".join(map(json.dumps, ROWS)),
        "\ufeff" + json.dumps({"data": ROWS}) + "\r\n",
    ],
)
def test_every_dress(text: str, read_text: ReadText, tmp_path: Path) -> None:
    """One document, pretty or not, an array, lines, and glued lines hold the same rows and are recognised."""
    read = read_text(PAGES, text)
    assert read.rejects == []
    assert read.rows["output_tokens"].to_list() == [1, 2]
    assert read.rows["billed_cost"].sum() == Decimal("0.2")
    path = tmp_path / "pages.json"
    path.write_text(text, encoding="utf-8")
    assert detect_table(Head(str(path)), PAGES)


def test_name_of_the_file(read_file: ReadFile, tmp_path: Path) -> None:
    """A source may ask for the name of its file."""
    path = tmp_path / "october.json"
    path.write_text(json.dumps(ROWS))
    assert read_file(PAGES, path).rows["session"].cast(pl.String).unique().to_list() == ["october.json"]


def test_absent_names(tmp_path: Path) -> None:
    """A file with a name that the source never has is another's."""
    path = tmp_path / "other.json"
    path.write_text(json.dumps([{**ROWS[0], "not ours": 1}]))
    assert not detect_table(Head(str(path)), PAGES)


def test_digits_of_money_stay(read_text: ReadText) -> None:
    """No binary float touches money."""
    line = '{"id":"1","at":"2026-10-01T00:00:00Z","usage":{"output":1},"amount":0.123456789012345678}'
    assert read_text(PAGES, line).rows["billed_cost"].to_list() == [Decimal("0.123456789012345678")]


def test_bad_lines_and_values(read_text: ReadText) -> None:
    """A broken line and an unreadable value are rejects with their lines; the others count."""
    text = "\n".join([json.dumps(ROWS[0]), '{"torn', json.dumps({**ROWS[1], "usage": {"output": "many"}})])
    read = read_text(PAGES, text)
    assert read.rows.height == 1
    assert [(item.line, item.reason.split(":")[0]) for item in read.rejects] == [
        (2, "not JSON"),
        (3, '"usage.output" is not a number'),
    ]


def test_odd_documents(read_text: ReadText) -> None:
    """Halves of characters and bytes that are no UTF-8 cost nothing."""
    page = json.dumps({"data": ROWS}, indent=2)
    plain = read_text(PAGES, page).rows.drop("line")
    for text in (
        page.replace("{", '{"note": "\\ud83d",', 1).encode(),
        page.replace("{", '{"note": "\udcff",', 1).encode("utf-8", "surrogateescape"),
    ):
        assert read_text(PAGES, text).rows.drop("line").equals(plain)


def test_a_document_cut_off_is_an_error(read_text: ReadText) -> None:
    """Half a page is no page."""
    with pytest.raises(SourceError, match="not a whole JSON document"):
        read_text(PAGES, json.dumps({"data": ROWS}, indent=2)[:-20])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    ).filter(lambda value: isinstance(value, dict | list)),
    st.floats(0, 1),
)
def test_the_beginning_of_a_document(value: Any, share: float) -> None:
    """Whatever the cut, the beginning is read without an error; uncut, it is the whole."""
    data = json.dumps(value, indent=1).encode()
    assert beginning(data) == value
    found = beginning(data[: max(1, int(len(data) * share))])
    assert found is None or isinstance(found, type(value))


def test_what_is_open_is_closed_behind_the_last_whole_value() -> None:
    """Innermost bracket first; what nobody can have meant, thousands of brackets, tells nothing and costs no time."""
    assert beginning(b'{"a": [[1, {"b": 2, "c": "x]') == {"a": [[1, {"b": 2}]]}
    assert beginning(b"[" * 99_999) is None


def test_a_large_page_is_recognised(tmp_path: Path) -> None:
    """What lies behind the head does not matter."""
    path = tmp_path / "large.json"
    path.write_text(json.dumps({"data": ROWS * 200_000}, indent=2))
    head = Head(str(path))
    assert len(head.data) < path.stat().st_size
    assert detect_table(head, PAGES)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"[", True),
        (b'{\n  "a": 1\n}', True),
        (b'{"a": [\n1]}', True),
        (b'{"a":1}\n{"b":2}\n', False),
        (b'{"torn\n{"b":2}\n', False),
        (b'{"a":1}', False),
        (b"a,b\n1,2", False),
        (b"", False),
    ],
)
def test_documents_and_lines(data: bytes, expected: bool) -> None:  # noqa: FBT001
    """An array and an object over several lines are documents; objects on lines of their own are lines."""
    assert starts_document(data) is expected


def test_paths_into_documents() -> None:
    """Wrong shapes are nothing."""
    document = {"a": {"b": [{"c": 1}, 2]}}
    assert at(document, "a", "b") == [{"c": 1}, 2]
    assert at(document, "a", "x", "y") is None
    assert items(document, "a", "b") == [{"c": 1}]
    assert items(document, "a") == []
    assert items([], "a") == []
