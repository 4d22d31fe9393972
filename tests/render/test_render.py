"""Formats are found by name or file ending, and load only what they need."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, get_args

import polars as pl
import pytest

from tokenaudit.errors import QueryError
from tokenaudit.render import RENDERERS, SUFFIXES, Format, format_of, render
from tokenaudit.render.document import Document

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import io, sys
import polars as pl
from tokenaudit.render import render
from tokenaudit.render.document import Document, Section, Shown

# Cast from text: polars asks numpy, where it is installed, what a Python Decimal is.
rows = pl.DataFrame({"user": ["a"], "cost": ["1"]}).with_columns(pl.col("cost").cast(pl.Decimal(38, 18)))
section = Section("By user", rows, (Shown("user", ""), Shown("cost", "spend", "money")), total=rows.select("cost"))
document = Document(schema="s/1", rows=rows, sections=(section,), heading=("October",), notes=("a note",))
for name in sys.argv[1:]:
    render(document, name, io.StringIO())
print(*sorted({"pyarrow", "numpy", "rich", "pydantic"} & set(sys.modules)))
"""


@pytest.mark.parametrize("names", ["csv json ndjson markdown", "table"])
def test_heavy_libraries_stay_out(names: str) -> None:
    """Machine formats, Markdown and the piped table load none of them."""
    command = [sys.executable, "-c", SCRIPT, *names.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout == "\n"


def test_document_needs_no_polars() -> None:
    """The records and the registry load without polars."""
    script = "import sys, tokenaudit.render, tokenaudit.render.document; print('polars' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


def test_every_format_has_a_renderer_and_an_ending() -> None:
    """The three lists of formats agree."""
    assert set(get_args(Format)) == set(RENDERERS) == set(SUFFIXES.values())


@pytest.mark.parametrize(("path", "expected"), [("a.csv", "csv"), ("b/c.MD", "markdown"), ("x.jsonl", "ndjson")])
def test_format_of_a_file(path: str, expected: str) -> None:
    """The ending of a file asks for its format."""
    assert format_of(path) == expected


def test_unknown_formats_are_named(report: Document) -> None:
    """An unknown format or ending is an error with a hint."""
    with pytest.raises(QueryError, match="unknown format `jsno`") as error:
        render(report, "jsno", io.StringIO())
    with pytest.raises(QueryError, match=r"cannot tell the format of `report\.doc`"):
        format_of("report.doc")

    assert error.value.hint == "did you mean `json`?"


def test_a_file_that_cannot_be_written(report: Document, tmp_path: Path) -> None:
    """A missing folder is an error, not a traceback."""
    with pytest.raises(QueryError, match=r"cannot write .*: No such file"):
        render(report, "csv", tmp_path / "missing" / "report.csv")


@pytest.mark.parametrize("name", ["csv", "json", "ndjson", "markdown"])
def test_machine_formats_are_utf8_everywhere(name: str, tmp_path: Path) -> None:
    """A file, and a stream of another encoding, hold the same UTF-8 bytes with line feeds."""
    document = Document(schema="s/1", rows=pl.DataFrame({"user": ["Zoë"], "cost": [Decimal(1)]}), heading=("Zoë\tUTC",))
    out = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", newline="\r\n")
    render(document, name, out)
    out.flush()
    render(document, name, tmp_path / "report")

    assert out.buffer.getvalue() == (tmp_path / "report").read_bytes()
    assert "Zoë".encode() in out.buffer.getvalue()
    assert b"\r" not in out.buffer.getvalue()


@pytest.mark.parametrize("name", ["json", "markdown", "table"])
def test_names_of_files_that_are_not_utf8(name: str, report: Document, tmp_path: Path) -> None:
    """A path with bytes of another encoding is shown with question marks and stops nothing."""
    render(replace(report, notes=("rejected lines in caf\udce9.csv",)), name, tmp_path / "report")

    assert "caf?.csv" in (tmp_path / "report").read_text(encoding="utf-8").replace("\ufffd", "?")


def test_csv_and_json_agree(report: Document) -> None:
    """Both formats have the same columns in the same order."""
    texts = {}
    for name in ("csv", "json"):
        out = io.StringIO()
        render(report, name, out)
        texts[name] = out.getvalue()

    assert texts["csv"].splitlines()[0].split(",") == list(json.loads(texts["json"])["rows"][0])
