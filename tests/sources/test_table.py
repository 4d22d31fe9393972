"""Tables in every dress give the same rows; what cannot be read is named by line, column and text."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.dress import zstandard
from tokenaudit import schema
from tokenaudit.errors import SourceError
from tokenaudit.sources import _blocks, _csv, _jsonl
from tokenaudit.sources._ahead import ahead
from tokenaudit.sources.head import Head
from tokenaudit.sources.source import Reject, Table
from tokenaudit.sources.table import detect_table, read_table

if TYPE_CHECKING:
    from random import Random

    from tests.sources.conftest import Read, ReadFile, ReadText


def as_they_are(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Map the columns of the invented format below."""
    return rows.with_columns(
        charge_period_start=pl.col("when"),
        request_model=pl.col("model"),
        identity=pl.col("id"),
        billed_cost=pl.col("$"),
    )


INVENTED = Table(
    name="invented",
    title="a format made for this test",
    provider="nobody",
    merge="newest",
    authority="bill",
    columns={
        "when": "instant",
        "model": "text",
        "output_tokens": "integer",
        "$": "money",
        "batch": "flag",
        "id": "text",
    },
    signatures=(frozenset({"when", "model"}),),
    usage=as_they_are,
)
HEADER = "when,model,output_tokens,$,batch,id\n"
FIRST = "2026-10-01T09:30:00Z,gpt-5,10,1.5,true,a\n"
SECOND = '2026-10-02T10:00:00Z,"o3, high",20,0.25,false,b\n'
PLAIN = HEADER + FIRST + SECOND
SHOWN = ("line", "charge_period_start", "request_model", "output_tokens", "billed_cost", "batch", "response_id")


def shown(read: Read) -> list[tuple[object, ...]]:
    """Return the columns that the invented format fills."""
    return read.rows.select(SHOWN).rows()


DRESSES = {
    "byte order mark": "\ufeff" + PLAIN,
    "CRLF": PLAIN.replace("\n", "\r\n"),
    "no last line break": PLAIN.rstrip("\n"),
    "tabs": PLAIN.replace('"o3, high"', "o3; high").replace(",", "\t").replace("; ", ", "),
    "semicolons": PLAIN.replace('"o3, high"', "o3\x00 high").replace(",", ";").replace("\x00", ","),
    "decimal commas": PLAIN.replace('"o3, high"', "o3\x00 high")
    .replace(",", ";")
    .replace("\x00", ",")
    .replace("1.5", "1,5")
    .replace("0.25", "0,25"),
    "capitals and blanks in the header": " WHEN , Model,OUTPUT_tokens,$ ,Batch,ID\n" + FIRST + SECOND,
    "every cell quoted": 'when,model,output_tokens,$,batch,id\n"2026-10-01T09:30:00Z","gpt-5","10","1.5","true","a"\n'
    '"2026-10-02T10:00:00Z","o3, high","20","0.25","false","b"\n',
    "padded cells": HEADER + FIRST.replace(",", " , ") + SECOND,
    "a column nobody asked for": HEADER.replace("id", "id,note")
    + FIRST.replace(",a", ",a,x")
    + SECOND.replace(",b", ",b,"),
    "spreadsheet numbers": HEADER + FIRST.replace(",10,1.5,true", ",10.0,$1.50,TRUE") + SECOND,
    "columns in another order": "id,batch,$,output_tokens,model,when\na,true,1.5,10,gpt-5,2026-10-01T09:30:00Z\n"
    'b,false,0.25,20,"o3, high",2026-10-02T10:00:00Z\n',
    "JSON lines": '{"when":"2026-10-01T09:30:00Z","model":"gpt-5","output_tokens":10,"$":1.5,"batch":true,"id":"a"}\n',
}


@pytest.mark.parametrize("dress", [dress for dress in DRESSES if dress != "JSON lines"])
def test_dress_changes_nothing(read_text: ReadText, dress: str) -> None:
    """Separators, line ends, quotes, case, order and spreadsheet spellings are the same table."""
    plain, dressed = read_text(INVENTED, PLAIN), read_text(INVENTED, DRESSES[dress])

    assert shown(dressed) == shown(plain)
    assert dressed.rejects == []
    assert plain.rows["billed_cost"].to_list() == [Decimal("1.5"), Decimal("0.25")]


def test_every_column_in_its_type(read_text: ReadText) -> None:
    """A batch is a whole usage table."""
    rows = read_text(INVENTED, PLAIN).rows

    assert dict(rows.schema) == schema.dtypes()
    assert (
        rows.select("source", "provider", "granularity", "finalized", "merged", "file_id").rows()
        == [("invented", "nobody", "request", True, False, 0)] * 2
    )
    assert rows["charge_period_end"].to_list() == rows["charge_period_start"].to_list()


def test_gzip_and_parquet_are_the_same_table(tmp_path: Path, read_file: ReadFile, read_text: ReadText) -> None:
    """A file may be packed, or be Parquet with types of its own."""
    packed, columnar = tmp_path / "t.csv.gz", tmp_path / "t.parquet"
    packed.write_bytes(gzip.compress(PLAIN.encode()))
    frame = pl.read_csv(
        PLAIN.encode(), try_parse_dates=True, schema_overrides={"$": pl.Float64, "output_tokens": pl.UInt32}
    )
    frame.write_parquet(columnar)

    plain = shown(read_text(INVENTED, PLAIN))

    assert shown(read_file(INVENTED, packed)) == plain
    assert [row[1:] for row in shown(read_file(INVENTED, columnar))] == [row[1:] for row in plain]


@pytest.mark.parametrize("batch", [1 << 24, 60])
def test_an_event_counts_once_in_a_file(batch: int, read_text: ReadText, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an identity is one event, rows of a file that repeat it fold, however far apart they stand."""
    monkeypatch.setattr(_blocks, "BLOCK_BYTES", batch)
    text = PLAIN + FIRST.replace(",10,", ",99,") + SECOND + FIRST
    assert read_text(INVENTED, text).rows.height == 5
    assert shown(read_text(replace(INVENTED, once=True), text)) == shown(read_text(INVENTED, PLAIN))


def test_absent_columns_are_null(read_text: ReadText) -> None:
    """Only the columns of a signature must be there; counts that are not stated are 0."""
    row = read_text(INVENTED, "model,when\ngpt-5,2026-10-01\n").row()

    assert (row["output_tokens"], row["billed_cost"], row["batch"]) == (0, None, None)


REASONS = {
    "2026-10-01,m,abc,1,,x\n": '"output_tokens" is not a number: "abc"',
    "2026-10-01,m,1.5,1,,x\n": '"output_tokens" is not a number: "1.5"',
    "2026-10-01,m,99999999999999999999,1,,x\n": '"output_tokens" is not a number: "99999999999999999999"',
    "2026-10-01,m,-4,1,,x\n": '"output_tokens" is negative: "-4"',
    "2026-10-01,m,1000000000000001,1,,x\n": '"output_tokens" is impossibly large: "1000000000000001"',
    "2026-10-01,m,1,one,,x\n": '"$" is not an amount of money: "one"',
    '2026-10-01,m,1,"1,5",,x\n': '"$" is not an amount of money: "1,5"',
    "2026-10-01,m,1,1,perhaps,x\n": '"batch" is not true or false: "perhaps"',
    "2026-13-01,m,1,1,,x\n": '"when" is not a date or time: "2026-13-01"',
    ",m,1,1,,x\n": "the row names no time",
    "2026-10-01,m,1\n": "3 cells where the header has 6",
    "2026-10-01,m,1,1,,x,y\n": "7 cells where the header has 6",
    '2026-10-01,m,1,1,,"x\n': "a quote is never closed",
}


@pytest.mark.parametrize("bad", REASONS)
def test_bad_row_is_named_and_the_others_count(read_text: ReadText, bad: str) -> None:
    """A reject has the line, its byte offset and a reason with the cell's text."""
    read = read_text(INVENTED, HEADER + FIRST + bad + SECOND)

    assert read.rejects == [Reject(3, len(HEADER + FIRST), REASONS[bad])]
    assert read.rows["line"].to_list() == [2, 4]
    assert read.rows["output_tokens"].to_list() == [10, 20]


NOTHING = ("", "NULL", "NaN", "-", "Included", " ")
NUMBERS = {"4.0": 4, "1,200": 1200, "'7": 7, "1e3": 1000, "+5": 5, "12,345,678": 12_345_678}
AMOUNTS = {
    "0.003400000000000000000000000000000000": "0.0034",
    "13.799301149999998": "13.799301149999998",
    "1.2e-05": "0.000012",
    "$1.50": "1.5",
    "-$2": "-2",
    '"1,000.50"': "1000.5",
    ".5": "0.5",
}
TIMES = {
    "2026-10-01": "2026-10-01T00:00:00",
    "10/1/26": "2026-10-01T00:00:00",
    "10/1/2026": "2026-10-01T00:00:00",
    "2026-10-01 09:30": "2026-10-01T09:30:00",
    "2026-10-01T09:30:00": "2026-10-01T09:30:00",
    "2026-10-01T09:30:00+02:00": "2026-10-01T07:30:00",
    "2026-10-01T09:30:00.1234567Z": "2026-10-01T09:30:00.123456",
    "2026-10-01T09:30Z": "2026-10-01T09:30:00",
    "2026-10-01 09:30:00 UTC": "2026-10-01T09:30:00",
}


@pytest.mark.parametrize("text", NOTHING)
def test_words_for_nothing(read_text: ReadText, text: str) -> None:
    """What vendors write where there is no value is no value, and no fault."""
    read = read_text(INVENTED, f"{HEADER}2026-10-01,m,{text},{text},{text},x\n")

    assert read.rejects == []
    assert read.row()["billed_cost"] is None


@pytest.mark.parametrize("text", NUMBERS)
def test_counts_as_people_write_them(read_text: ReadText, text: str) -> None:
    """A whole number may have a point, separators, an exponent or a spreadsheet's apostrophe."""
    assert read_text(INVENTED, f'{HEADER}2026-10-01,m,"{text}",,,x\n').row()["output_tokens"] == NUMBERS[text]


@pytest.mark.parametrize("text", AMOUNTS)
def test_money_is_exact(read_text: ReadText, text: str) -> None:
    """An amount is what its digits say, to 18 decimals."""
    assert read_text(INVENTED, f"{HEADER}2026-10-01,m,,{text},,x\n").row()["billed_cost"] == Decimal(AMOUNTS[text])


@pytest.mark.parametrize("text", TIMES)
def test_times_are_utc(read_text: ReadText, text: str) -> None:
    """Dates and times are read with or without a zone, alone and beside others."""
    for rows in (f"{text},m,,,,x\n", f"{text},m,,,,x\n2026-10-01T09:30:00Z,m,,,,y\n"):
        start = read_text(INVENTED, HEADER + rows).rows["charge_period_start"][0]

        assert start.replace(tzinfo=None).isoformat() == TIMES[text]


def test_seconds_of_utc_times_are_exact(read_text: ReadText) -> None:
    """The quick way of reading UTC times keeps every microsecond."""
    seconds = ["00", "00.1", "07.000001", "29.999999", "59.123", "59.9999999"]
    rows = "".join(f"2026-10-01T23:59:{second}Z,m,,,,{second}\n" for second in seconds)

    found = read_text(INVENTED, HEADER + rows).rows["charge_period_start"]

    assert found.dt.to_string("%S%.6f").to_list() == [
        "00.000000", "00.100000", "07.000001", "29.999999", "59.123000", "59.999999",
    ]  # fmt: skip


@pytest.mark.parametrize("time", ["2026-10-01T09:61:00Z", "2026-10-01T09:30:0xZ"])
def test_no_time_of_the_day(read_text: ReadText, time: str) -> None:
    """The quick way of reading UTC times lets nothing else through."""
    read = read_text(INVENTED, f"{HEADER}{time},m,1,,,x\n{FIRST}")

    assert [reject.reason for reject in read.rejects] == [f'"when" is not a date or time: "{time}"']


# -- broken files -----------------------------------------------------------------------------------------------------
def test_cells_over_several_lines(read_text: ReadText) -> None:
    """A quoted cell may hold line breaks; lines are still counted as an editor counts them."""
    read = read_text(INVENTED, f'{HEADER}2026-10-01,"one\ntwo",1,,,a\n2026-10-02,m,2,,,b\nbroken\n')

    assert read.rows.select("line", "request_model").rows() == [(2, "one\ntwo"), (4, "m")]
    assert read.rejects[0][0] == 5


def test_blank_lines_are_skipped(read_text: ReadText) -> None:
    """Blank lines and lines of commas, as spreadsheets leave them, are no rows and no faults."""
    read = read_text(INVENTED, f"\n{HEADER}\n{FIRST},,,,,\n\n{SECOND}\n\n")

    assert read.rows["line"].to_list() == [4, 7]
    assert read.rejects == []


def test_stray_quotes(read_text: ReadText) -> None:
    """A quote inside a bare cell is text; one that opens a cell and never closes costs its own line only."""
    read = read_text(INVENTED, f'{HEADER}2026-10-01,5" disk,1,,,a\n2026-10-01,"open,1,,,a\n{FIRST}')

    assert read.rows["request_model"].cast(pl.String).to_list() == ['5" disk', "gpt-5"]
    assert [reject.line for reject in read.rejects] == [3]


def test_two_stray_quotes_cost_two_lines(read_text: ReadText) -> None:
    """Good lines between two quotes that never close are kept."""
    stray = '2026-10-01,"open,1,,,a\n'
    read = read_text(INVENTED, HEADER + stray + FIRST + stray + FIRST)

    assert read.rows["line"].to_list() == [3, 5]
    assert [reject.line for reject in read.rejects] == [2, 4]


def test_windows_text(read_text: ReadText) -> None:
    """Names with accents survive a spreadsheet that does not write UTF-8."""
    assert (
        read_text(INVENTED, f"{HEADER}2026-10-01,Stéphane,1,,,a\n".encode("cp1252")).row()["request_model"]
        == "Stéphane"
    )


def test_header_alone(read_text: ReadText) -> None:
    """An export without rows gives no rows."""
    assert read_text(INVENTED, HEADER).rows.height == 0


def test_column_that_stands_twice(read_text: ReadText) -> None:
    """Two columns of one name are refused: nobody can tell which counts."""
    with pytest.raises(SourceError, match="`Model` stands twice"):
        read_text(INVENTED, "when,model,Model\n2026-10-01,a,b\n")


def test_damaged_file(tmp_path: Path, read_file: ReadFile) -> None:
    """A packed file cut short, or Parquet without its end, is an error with a hint."""
    packed, columnar = tmp_path / "t.csv.gz", tmp_path / "t.parquet"
    packed.write_bytes(gzip.compress(PLAIN.encode() * 1000)[:-20])
    columnar.write_bytes(b"PAR1" + bytes(100))

    for path in (packed, columnar):
        with pytest.raises(SourceError, match="damaged file") as error:
            read_file(INVENTED, path)
        assert error.value.hint


# -- JSON lines -------------------------------------------------------------------------------------------------------
def record(**values: object) -> str:
    """Return a line of JSON in the invented format."""
    return json.dumps({"when": "2026-10-01T09:30:00Z", "model": "m", **values}, ensure_ascii=False) + "\n"


LINES = {
    "plain": record(output_tokens=4, id="a"),
    "compact": record(output_tokens=4, id="a").replace(" ", ""),
    "number as text": record(output_tokens="4", id="a"),
    "number with a point": record(output_tokens=4.0, id="a"),
    "null": record(output_tokens=4, id="a", batch=None),
    "keys in capitals": record(id="a").replace("model", "MODEL").replace("}", ', "Output_Tokens": 4}'),
    "half a character": record(output_tokens=4, id="a", model="m").replace('"m"', '"m\\ud83d"'),
    "not a number": record(output_tokens=4, id="a").replace("}", ', "$": NaN}'),
    "no UTF-8": record(output_tokens=4, id="a", note="\udcff"),
    "unknown key": record(output_tokens=4, id="a", note={"deep": ["x"]}),
}


@pytest.mark.parametrize("name", LINES)
def test_json_lines(read_text: ReadText, name: str) -> None:
    """One row comes of every sound way to write it, first in the file or later."""
    for text in (LINES[name], LINES["plain"] + LINES[name]):
        read = read_text(INVENTED, text.encode("utf-8", "surrogateescape"))

        assert read.rejects == []
        assert read.rows["output_tokens"].to_list() == [4] * text.count("\n")


def test_json_money_is_exact(read_text: ReadText) -> None:
    """Amounts in JSON are their digits, never a binary float; as text they may carry more."""
    digits = ["0.123456789012345678", "0.1", "1e-7", '"2.50"', "9007199254740993.000000000000000001"]
    text = "".join(record(id=str(n)).replace("}", f', "$": {amount}}}') for n, amount in enumerate(digits))

    found = read_text(INVENTED, text).rows["billed_cost"].to_list()

    assert found == [Decimal(amount.strip('"')) for amount in digits]


def test_an_array_of_objects(read_text: ReadText) -> None:
    """Printed for people or on one line it is the same as lines; what is no object costs itself only."""
    text = "[" + ",".join([record(output_tokens=4, id="a"), "7", record(output_tokens="many"), record(id="b")]) + "]"
    pretty = json.dumps(json.loads(text), indent=2)
    for read in (read_text(INVENTED, text), read_text(INVENTED, f"\ufeff{pretty}\n")):
        assert read.rows["line"].to_list() == [1, 4]
        assert read.rows["output_tokens"].to_list() == [4, 0]
        assert [reject.line for reject in read.rejects] == [2, 3]
    with pytest.raises(SourceError, match="not a whole JSON document"):
        read_text(INVENTED, pretty[:-4])
    with pytest.raises(SourceError, match="unknown column"):
        read_text(replace(INVENTED, strict=True), pretty.replace('"id"', '"ident"'))


def test_dirty_json_lines(read_text: ReadText) -> None:
    """Torn, empty and foreign lines cost themselves only; two on one line are two; the last is still being written."""
    good = record(output_tokens=4, id="a")
    read = read_text(INVENTED, f"\ufeff{good}[1]\n\n{good[:20]}\n{good}{good.strip()}{good}{good[:30]}")

    assert read.rows["line"].to_list() == [1, 5, 6, 6]
    assert [reject.line for reject in read.rejects] == [2, 4]
    assert {reject.reason for reject in read.rejects} == {"not a whole JSON object"}
    assert read.rejects[0].offset == len("\ufeff".encode()) + len(good)


# -- blocks and lanes -------------------------------------------------------------------------------------------------
CELLS = st.sampled_from(["m", "a, b", 'say "hi"', "two\nlines", " padded ", "", "-", "é", "1,200"])
Row = tuple[str, int | str, str]
"""Model, output tokens and identity."""
ROWS = st.lists(st.tuples(CELLS, st.integers(0, 10**6) | st.sampled_from(["4.0", "abc", "-1"]), CELLS), max_size=8)


def written(rows: list[Row]) -> str:
    """Return rows as CSV, every cell quoted."""
    cells = [("2026-10-01", model, str(tokens), "", "", name) for model, tokens, name in rows]
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in cells]
    return HEADER + "".join(f"{row}\n" for row in quoted)


@settings(max_examples=15)
@given(rows=ROWS, size=st.integers(1, 200))
def test_block_size_changes_nothing(read_text: ReadText, rows: list[Row], size: int) -> None:
    """Rows, lines, offsets and identities are the same however small the blocks a file is read in."""
    text = written(rows)
    whole = read_text(INVENTED, text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_blocks, "BLOCK_BYTES", size)
        pieces = read_text(INVENTED, text)

    assert pieces.rows.equals(whole.rows)
    assert pieces.rejects == whole.rejects


@settings(max_examples=15)
@given(rows=ROWS)
def test_lanes_agree(read_text: ReadText, rows: list[Row]) -> None:
    """The quick ways of reading CSV and JSON lines give what the careful ones give."""
    csv = HEADER + "".join(f"2026-10-01T09:30:00Z,m{n},{tokens},1.5,true,x\n" for n, (_, tokens, _) in enumerate(rows))
    lines = "".join(record(model=model, output_tokens=tokens, id=name, batch=True) for model, tokens, name in rows)
    quick = [read_text(INVENTED, csv), read_text(INVENTED, lines or record(id="x"))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_csv, "_whole", lambda *_: None)
        patch.setattr(_jsonl, "_whole", lambda *_: None)
        careful = [read_text(INVENTED, csv), read_text(INVENTED, lines or record(id="x"))]

    for one, other in zip(quick, careful, strict=True):
        assert one.rows.equals(other.rows)
        assert one.rejects == other.rejects


@settings(max_examples=15)
@given(rows=ROWS, order=st.randoms())
def test_order_changes_no_sum(read_text: ReadText, rows: list[Row], order: Random) -> None:
    """Shuffled rows give the same identities and sums; their lines differ."""
    lines = [f"2026-10-01,m,{tokens},0.1,,{len(name)}\n" for _, tokens, name in rows]
    shuffled = list(lines)
    order.shuffle(shuffled)

    one, other = (read_text(INVENTED, HEADER + "".join(each)).rows for each in (lines, shuffled))

    for column in ("output_tokens", "billed_cost", "response_id"):
        assert one[column].sort().to_list() == other[column].sort().to_list()


def test_works_ahead_and_passes_errors_on() -> None:
    """Results come in order; an error comes where its item would have come, and no sooner."""

    def inverse(number: int) -> float:
        return 1 / number

    coming = ahead(inverse, [1, 2, 0, 4])

    assert [next(coming), next(coming)] == [1, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(coming)


def test_a_reader_may_stop_early(tmp_path: Path) -> None:
    """A batch can be taken without the rest being read."""
    path = tmp_path / "t.csv"
    path.write_text(PLAIN)

    assert next(read_table(INVENTED, str(path))).rows.height == 2


@pytest.mark.parametrize("written", [PLAIN.encode(), gzip.compress(PLAIN.encode()), zstandard(PLAIN.encode())])
def test_damage_is_told_from_a_fault_of_ours(tmp_path: Path, read_file: ReadFile, written: bytes) -> None:
    """A packed file that is cut off is damaged; expressions that polars refuses are a programming error."""
    path = tmp_path / "t.csv"
    if written != PLAIN.encode():
        path.write_bytes(written[:-9])
        with pytest.raises(SourceError, match="damaged file"):
            read_file(INVENTED, path)
    path.write_bytes(written)
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        read_file(replace(INVENTED, usage=lambda rows: rows.select("no such column")), path)


def test_a_column_of_any_name(read_text: ReadText) -> None:
    """No column of a file is taken for one of ours."""
    columns = {**INVENTED.columns, "fault": "text", "reason": "text"}
    read = read_text(
        replace(INVENTED, columns=columns, usage=lambda rows: as_they_are(rows).with_columns(user="fault")),
        "fault,reason," + HEADER + "mine,x," + FIRST + "yours,y," + SECOND.replace(",20,", ",many,"),
    )

    assert read.rows["user"].cast(pl.String).to_list() == ["mine"]
    assert [item.reason for item in read.rejects] == ['"output_tokens" is not a number: "many"']


def test_a_cell_of_many_lines(read_text: ReadText) -> None:
    """A prompt with line breaks is one cell, however long, beside a line that has to be read by itself."""
    prompt = '"' + "a line of a prompt, with a comma\n" * 5000 + "x" * 200_000 + '"'
    read = read_text(INVENTED, HEADER + FIRST.replace("gpt-5", prompt) + "short\n" + SECOND)

    assert [row[5] for row in shown(read)] == [True, False]
    assert [(item.line, item.reason) for item in read.rejects] == [(5003, "1 cells where the header has 6")]


@pytest.mark.parametrize("when", ["0000-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"])
def test_impossible_times(read_text: ReadText, when: str) -> None:
    """A row of a time in which nobody could have used anything is rejected."""
    read = read_text(INVENTED, HEADER + FIRST.replace("2026-10-01T09:30:00Z", when) + SECOND)

    assert read.rows.height == 1
    assert [item.line for item in read.rejects] == [2]


@pytest.mark.parametrize(
    ("cell", "count", "amount"),
    [
        ("1,204", 1204, "1.204"),
        ("1.204", 1204, "1.204"),
        ("61.000", 61_000, "61"),
        ("1.204.507", 1_204_507, None),
        ("1,204.50", None, "1204.50"),
        ("1.204,50", None, "1204.50"),
        ("4,0", 4, "4"),
        ("4.0", 4, "4"),
        ("$1,50", None, "1.50"),
        ("1,5,0", None, None),
    ],
)
def test_numbers_with_decimal_commas(read_text: ReadText, cell: str, count: int | None, amount: str | None) -> None:
    """A count has no decimals: three digits behind a separator are thousands. Of money they are decimals."""
    header = "when;model;output_tokens;$;batch;id\n"
    one = read_text(INVENTED, f"{header}2026-10-01;m;{cell};1;true;a\n")
    other = read_text(INVENTED, f"{header}2026-10-01;m;1;{cell};true;a\n")

    assert one.rows["output_tokens"].to_list() == ([] if count is None else [count])
    assert other.rows["billed_cost"].to_list() == ([] if amount is None else [Decimal(amount)])


# -- detection --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("text", "found"), [(PLAIN, True), (record(), True), ("model,cost\n", False), ("", False)])
def test_detection_by_columns(tmp_path: Path, text: str, found: bool) -> None:  # noqa: FBT001
    """A file is of a source when it has all columns of a signature, in whatever dress."""
    path = tmp_path / "any.name"
    path.write_text(text)

    assert detect_table(Head(str(path)), INVENTED) is found


def test_detection_of_parquet(tmp_path: Path) -> None:
    """Parquet is recognised by its columns, damaged Parquet not at all."""
    path = tmp_path / "t.parquet"
    pl.DataFrame({"When": ["x"], "model": ["y"], "other": [1]}).write_parquet(path)
    assert detect_table(Head(str(path)), INVENTED)

    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and no more")
    assert not detect_table(Head(str(broken)), INVENTED)
