"""Sources that a configuration declares: what each word of a `[[source]]` does to a row, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from tokenaudit.config import Declared
from tokenaudit.errors import ConfigError
from tokenaudit.sources import names
from tokenaudit.sources._declaration import rules
from tokenaudit.sources._declared import tables

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText
    from tokenaudit.sources.source import Table

COLUMNS: dict[str, str | Mapping[str, str]] = {
    "charge_period_start": "at", "request_model": "model", "output_tokens": "out",
}  # fmt: skip
LOCAL: dict[str, Any] = {"timezone": "Europe/Berlin"}


def declared(columns: Mapping[str, str | Mapping[str, str]] | None = None, **keys: Any) -> Declared:
    """Return a declaration of the least columns and some more."""
    return Declared(**{"name": "own", "columns": COLUMNS | dict(columns or {}), **keys})


def table(columns: Mapping[str, str | Mapping[str, str]] | None = None, **keys: Any) -> Table:
    """Return the source that such a declaration makes."""
    (found,) = tables([declared(columns, **keys)], names(), Path("tokenaudit.toml")).values()
    return found


def text(cells: Mapping[str, object]) -> str:
    """Return a JSON line of a row with these cells."""
    return json.dumps({"at": "2026-10-01T09:30:00Z", "model": "gpt-5", "out": 10, **cells}) + "\n"


def row(read_text: ReadText, source: Table, **cells: object) -> dict[str, Any]:
    """Return the row that a line with these cells gives."""
    return read_text(source, text(cells)).row()


def reasons(read_text: ReadText, source: Table, **cells: object) -> list[str]:
    """Return why a line with these cells is rejected."""
    return [reject.reason for reject in read_text(source, text(cells)).rejects]


def utc(day: int, hour: int = 0, minute: int = 0, second: int = 0, micro: int = 0) -> datetime:
    """Return an instant of October 2026."""
    return datetime(2026, 10, day, hour, minute, second, micro, tzinfo=UTC)


# -- columns ----------------------------------------------------------------------------------------------------------
def test_least_row(read_text: ReadText) -> None:
    """Time, model and output are enough; all else is as for canonical rows."""
    found = row(read_text, table())
    assert (found["source"], found["provider"], found["granularity"], found["requests"]) == (
        "own", "openai", "request", 1,
    )  # fmt: skip
    assert found["charge_period_start"] == found["charge_period_end"] == utc(1, 9, 30)
    assert (found["output_tokens"], found["estimated_output_tokens"], found["billing_currency"]) == (10, 10, "USD")


@pytest.mark.parametrize("spelling", ["usage.out", " Usage.OUT "])
def test_nested_keys_and_any_case(read_text: ReadText, spelling: str) -> None:
    """Dots lead into objects; names are compared trimmed and in lower case."""
    found = row(read_text, table({"output_tokens": spelling}), usage={"Out": 7, "more": {"x": 1}})
    assert found["output_tokens"] == 7


def test_every_kind_of_file(read_file: ReadFile, tmp_path: Path) -> None:
    """CSV, an array, pretty JSON and Parquet give the row that a line gives."""
    source, cells = table({"billed_cost": "paid.total"}), {"at": "2026-10-01T09:30:00Z", "model": "gpt-5", "out": 10}
    record = {**cells, "paid": {"total": "0.10"}}
    (tmp_path / "csv").write_text("AT;Model;out;paid.total\n2026-10-01T09:30:00Z;gpt-5;10;0,10\n", encoding="utf-8")
    (tmp_path / "array").write_text(json.dumps([record]), encoding="utf-8")
    (tmp_path / "pretty").write_text(json.dumps(record, indent=2), encoding="utf-8")
    (tmp_path / "line").write_text(json.dumps(record), encoding="utf-8")
    pl.DataFrame([record]).write_parquet(tmp_path / "parquet")
    found = [read_file(source, path).rows.drop("line") for path in sorted(tmp_path.glob("[aclp]*"))]
    assert len(found) == 5
    assert all(rows.equals(found[0]) for rows in found)
    assert found[0]["billed_cost"].to_list() == [Decimal("0.1")]


def test_constants_fill_what_no_cell_says(read_text: ReadText) -> None:
    """A constant holds where the column is blank or missing, and gives way to what a cell says."""
    source = table({"project": "repo"}, provider="azure", constants={"project": "web", "batch": True, "requests": 3})
    blank, said = row(read_text, source, repo=" "), row(read_text, source, repo="shop")
    assert (blank["project"], said["project"]) == ("web", "shop")
    assert (blank["provider"], blank["batch"], blank["requests"]) == ("azure", True, 3)


def test_tags(read_text: ReadText) -> None:
    """Labels are columns of their own, blank ones left out, or one column holds them all."""
    several = table({"tags": {"team": "who.team", "stage": "env"}})
    assert row(read_text, several, who={"team": 'a "b"'}, env="")["tags"] == '{"team":"a \\"b\\""}'
    for labels in ('{"team":"x"}', {"team": "x"}):
        assert row(read_text, table({"tags": "labels"}), labels=labels)["tags"] == '{"team":"x"}'
    both = table({"tags": "labels", "project": "labels.team"})
    assert row(read_text, both, labels={"team": "x"})["project"] == "x"
    assert reasons(read_text, table({"tags": "labels"}), labels="x") == ["tags is not a JSON object of strings"]


# -- time -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("keys", "cell", "instant"),
    [
        ({}, "2026-10-01 09:30:00", utc(1, 9, 30)),
        ({}, "2026-10-01T11:30:00+02:00", utc(1, 9, 30)),
        (LOCAL, "2026-10-01T11:30:00", utc(1, 9, 30)),
        (LOCAL, "2026-10-01 11:30:00.250", utc(1, 9, 30, 0, 250_000)),
        (LOCAL, "2026-10-01T09:30:00Z", utc(1, 9, 30)),
        (LOCAL, "2026-10-25T02:30:00", utc(25, 0, 30)),
        ({"time": "epoch_s"}, 1790847000, utc(1, 9, 30)),
        ({"time": "epoch_s"}, "1790847000.25", utc(1, 9, 30, 0, 250_000)),
        ({"time": "epoch_s"}, 1.790847e9, utc(1, 9, 30)),
        ({"time": "epoch_ms", **LOCAL}, 1790847000001, utc(1, 9, 30, 0, 1_000)),
        ({"time": "epoch_us"}, 1790847000000001, utc(1, 9, 30, 0, 1)),
        ({"time": "%d.%m.%Y %H:%M"}, "01.10.2026 09:30", utc(1, 9, 30)),
        ({"time": "%d.%m.%Y %H:%M", **LOCAL}, "01.10.2026 11:30", utc(1, 9, 30)),
        ({"time": "%d.%m.%Y %H:%M %z", **LOCAL}, "01.10.2026 04:30 -0500", utc(1, 9, 30)),
        ({"time": "%d/%b/%Y"}, "07/Oct/2026", utc(7)),
    ],
)
def test_times(read_text: ReadText, keys: dict[str, Any], cell: object, instant: datetime) -> None:
    """ISO 8601, local clocks (the earlier hour where it strikes twice), seconds and parts of them, patterns."""
    assert row(read_text, table(**keys), at=cell)["charge_period_start"] == instant


@pytest.mark.parametrize(
    ("keys", "cell", "reason"),
    [
        ({}, "soon", '"at" is not a date or time: "soon"'),
        (LOCAL, "soon", '"at" is not a date or time: "soon"'),
        (LOCAL, "2026-03-29T02:30:00", '"at" is not a date or time: "2026-03-29T02:30:00"'),
        ({"time": "epoch_ms"}, "2026-10-01", '"at" is not a time in milliseconds since 1970: "2026-10-01"'),
        ({"time": "%d.%m.%Y"}, "2026-10-01", '"at" is not a time like %d.%m.%Y: "2026-10-01"'),
        ({"time": "epoch_s"}, None, "no charge_period_start"),
    ],
)
def test_times_that_are_none(read_text: ReadText, keys: dict[str, Any], cell: object, reason: str) -> None:
    """What is no such time is rejected with its column and text, an hour that a clock skips too."""
    assert reasons(read_text, table(**keys), at=cell) == [reason]


@pytest.mark.parametrize(
    ("grain", "cell", "start", "end"),
    [
        ("minute", "2026-10-01T09:30:00", utc(1, 7, 30), utc(1, 7, 31)),
        ("hour", "2026-10-01T09:00:00", utc(1, 7), utc(1, 8)),
        ("day", "2026-10-01", utc(1), utc(2)),
        ("month", "2026-10-01", utc(1), datetime(2026, 11, 1, tzinfo=UTC)),
    ],
)
def test_buckets_without_an_end(read_text: ReadText, grain: str, cell: str, start: datetime, end: datetime) -> None:
    """The grain says how long a bucket is; days and months keep the date they name in a zone too."""
    constant = table(constants={"granularity": grain}, **LOCAL)
    for source, cells in ((constant, {}), (table({"granularity": "g"}, **LOCAL), {"g": grain})):
        found = row(read_text, source, at=cell, **cells)
        assert (found["charge_period_start"], found["charge_period_end"]) == (start, end)
        assert (found["granularity"], found["requests"]) == (grain, 0)


def test_buckets_with_an_end(read_text: ReadText) -> None:
    """The width gives the grain; a bucket without any is an event; a stated period needs its end."""
    source = table({"charge_period_end": "to"})
    ends = {"2026-10-02T09:30:00Z": "day", "2026-10-08T09:30:00Z": "period", "2026-10-01T09:30:00Z": "request"}
    assert {end: row(read_text, source, to=end)["granularity"] for end in ends} == ends
    assert row(read_text, source, to=None)["granularity"] == "request"
    stated = table({"charge_period_end": "to"}, constants={"granularity": "period"})
    assert reasons(read_text, stated, to=None) == ["a period without charge_period_end"]
    assert reasons(read_text, source, to="2026-09-30T00:00:00Z") == ["charge_period_end is before charge_period_start"]


def test_months(read_text: ReadText) -> None:
    """A pattern without days is of months."""
    found = row(read_text, table(time="%Y-%m", constants={"granularity": "month"}), at="2026-10")
    assert (found["charge_period_start"], found["charge_period_end"]) == (utc(1), datetime(2026, 11, 1, tzinfo=UTC))


# -- tokens -----------------------------------------------------------------------------------------------------------
INPUT = {
    "input_tokens": "in", "cache_read_input_tokens": "read", "cache_creation_5m_input_tokens": "write",
    "audio_input_tokens": "audio",
}  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "cells", "uncached"),
    [
        ({}, {"in": 100, "read": 40, "write": 10, "audio": 5}, 45),
        ({}, {"in": 100, "read": 40}, 60),
        ({}, {"in": 100}, 100),
        ({}, {"read": 40}, 0),
        ({"input_includes_cache": True}, {"in": 40, "read": 40}, 0),
        ({"input_includes_cache": False}, {"in": 100, "read": 400, "write": 10, "audio": 5}, 95),
        ({"input_includes_cache": False}, {"in": 100, "read": 400}, 100),
    ],
)
def test_input_classes_are_disjoint(
    read_text: ReadText, keys: dict[str, Any], cells: dict[str, int], uncached: int
) -> None:
    """What stands in a class of its own is not counted again as uncached input."""
    found = row(read_text, table(INPUT, **keys), **cells)
    assert found["uncached_input_tokens"] == uncached
    assert found["cache_read_input_tokens"] == cells.get("read", 0)


def test_input_that_does_not_add_up_is_refused(read_text: ReadText) -> None:
    """Parts that exceed the whole hint at the wrong word; a stated rest must be the rest."""
    (reason,) = reasons(read_text, table(INPUT), **{"in": 100, "read": 400})
    assert reason.endswith("should input_includes_cache be false?")
    source = table(INPUT | {"uncached_input_tokens": "rest"})
    assert row(read_text, source, **{"in": 100, "read": 40, "rest": 60})["uncached_input_tokens"] == 60
    assert reasons(read_text, source, **{"in": 100, "read": 40, "rest": 100}) == [
        "input_tokens is not the sum of the input classes"
    ]


def test_reasoning(read_text: ReadText) -> None:
    """Reasoning is part of output, or is added to it; more of it than there is output hints at the wrong word."""
    columns = {"reasoning_output_tokens": "think"}
    within, apart = table(columns), table(columns, output_includes_reasoning=False)
    assert [row(read_text, source, think=4)["output_tokens"] for source in (within, apart)] == [10, 14]
    assert row(read_text, apart, think=None)["output_tokens"] == 10
    assert row(read_text, apart, think=40)["reasoning_output_tokens"] == 40
    (reason,) = reasons(read_text, within, think=40)
    assert reason.endswith("should output_includes_reasoning be false?")


# -- money ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("unit", "cell", "amount"),
    [
        ("units", 0.1, "0.1"),
        ("cents", "12.345678901234567", "0.12345678901234567"),
        ("cents", 7, "0.07"),
        ("cents", "1,250.5", "12.505"),
        ("micros", 1234567, "1.234567"),
        ("micros", "999999999999999", "999999999.999999"),
    ],
)
def test_money_is_exact(read_text: ReadText, unit: str, cell: object, amount: str) -> None:
    """Amounts in parts of a unit are decimals of the unit, to the last digit; all money of a row is meant."""
    source = table({"billed_cost": "paid", "list_cost": "list"}, money=unit, constants={"billing_currency": "eur"})
    found = row(read_text, source, paid=cell, list=cell)
    assert (found["billed_cost"], found["list_cost"]) == (Decimal(amount), Decimal(amount))
    assert (found["cost_basis"], found["billing_currency"]) == ("billed", "EUR")


def test_currency_of_a_column(read_text: ReadText) -> None:
    """A row says its own currency before the constant does."""
    source = table({"billed_cost": "paid", "billing_currency": "unit"}, constants={"billing_currency": "EUR"})
    assert [row(read_text, source, paid=1, unit=unit)["billing_currency"] for unit in ("gbp", "")] == ["GBP", "EUR"]


# -- identity ---------------------------------------------------------------------------------------------------------
def test_identity_is_a_column_of_the_file_or_columns_of_the_row(read_text: ReadText) -> None:
    """One id or one bucket is one identity whatever else the rows say; without either all values are."""
    lines = "".join(
        text({"id": name, "out": out}) for name, out in (("a", 1), ("a", 2), ("b", 2), (None, 2), (None, 2))
    )

    def different(**keys: Any) -> int:
        return read_text(table(**keys), lines).rows["response_id"].n_unique()

    assert different(identity="ID") == 4
    assert different(identity=("charge_period_start", "request_model")) == 1
    assert different(identity=("output_tokens",)) == 2
    assert different() == 5


def test_newest_by_id_counts_once_in_a_file(read_text: ReadText) -> None:
    """A call has one row; a bucket may have several."""
    lines = "".join(text({"id": "a", "out": out}) for out in (1, 2))
    assert read_text(table(identity="id", merge="newest"), lines).rows["output_tokens"].to_list() == [1]
    bucket = table(identity=("charge_period_start",), merge="newest")
    assert read_text(bucket, lines).rows["output_tokens"].to_list() == [1, 2]


# -- rules ------------------------------------------------------------------------------------------------------------
def test_rules_follow_what_is_counted() -> None:
    """They are the same for ever, whatever the order or case; titles do not matter, all that changes a row does."""
    assert rules(declared()) == 1485788438
    reversed_columns = dict(reversed([*COLUMNS.items()]))
    same: list[dict[str, Any]] = [
        {"title": "x"}, {"authority": "bill"}, {"name": "other"}, {"columns": reversed_columns},
        {"columns": {**COLUMNS, "output_tokens": " OUT "}}, {"match": ("out", "at", "model")},
    ]  # fmt: skip
    assert {rules(Declared(**{"name": "own", "columns": COLUMNS, **keys})) for keys in same} == {rules(declared())}
    other: list[dict[str, Any]] = [
        {"columns": {"user": "u"}}, {"columns": {"tags": "u"}}, {"columns": {"tags": {"a": "u"}}},
        {"columns": {"tags": {"b": "u"}}}, {"constants": {"user": "u"}}, {"match": ("at",)}, {"identity": "id"},
        {"identity": ("user",)}, {"merge": "newest"}, {"provider": "p"}, {"time": "epoch_s"}, LOCAL, {"money": "cents"},
        {"input_includes_cache": False}, {"output_includes_reasoning": False},
    ]  # fmt: skip
    numbers = {rules(declared(**keys)) for keys in other} | {rules(declared())}
    assert len(numbers) == len(other) + 1
    assert max(numbers) < 1 << 31


# -- what is refused --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("keys", "fault", "hint"),
    [
        ({"name": "Own Files"}, "a name that is none", "such as `our-gateway`"),
        ({"name": "claude-code"}, "a name that is taken", "choose another"),
        ({"merge": "newst"}, "unknown merge `newst`", "did you mean `newest`?"),
        ({"authority": "boss"}, "unknown authority `boss`", "write one of bill, usage, gateway, client"),
        ({"authority": "none"}, "unknown authority `none`", "write one of bill, usage, gateway, client"),
        ({"money": "cent"}, "unknown money `cent`", "did you mean `cents`?"),
        ({"time": "epoch_m"}, "unknown time `epoch_m`", "did you mean `epoch_ms`?"),
        ({"time": "sundial"}, "unknown time `sundial`", "a pattern such as %d.%m.%Y"),
        ({"timezone": "Europe/Berln"}, "unknown time zone `Europe/Berln`", "did you mean `Europe/Berlin`?"),
        ({"columns": {"output_token": "x"}}, "unknown usage column `output_token`", "did you mean `output_tokens`?"),
        ({"columns": {"response_id": "x"}}, "unknown usage column `response_id`", "write `identity = "),
        ({"columns": {"file_id": "x"}}, "unknown usage column `file_id`", "docs/counting.md"),
        ({"columns": {"user": {"a": "x"}}}, "`user` is several columns", "only `tags`"),
        ({"columns": {"user": " Line "}}, "a column called `line`, which cannot be read", "rename it"),
        ({"columns": {"user": ""}}, "a column called ``, which cannot be read", "rename it"),
        ({"columns": {"user": "out"}}, "column `out` is read both as integer and as text", "one kind"),
        ({"constants": {"usr": "x"}}, "unknown usage column `usr`", "did you mean `user`?"),
        ({"constants": {"output_tokens": 1}}, "`output_tokens` cannot be constant", "constants are "),
        ({"constants": {"user": 1}}, "the constant `user` is not text", "it is `1`"),
        ({"constants": {"requests": True}}, "the constant `requests` is not a whole number", "it is `True`"),
        ({"constants": {"granularity": "dya"}}, "unknown granularity `dya`", "did you mean `day`?"),
        ({"constants": {"granularity": "period"}}, "a period without `charge_period_end`", "name the column"),
        ({"identity": ("usr",)}, "unknown usage column `usr`", "did you mean `user`?"),
        ({"identity": ("user",)}, "identity names `user`, which no column holds", "map it"),
        ({"merge": "newest"}, "merge = `newest` without `identity`", "name what a newer file replaces"),
        ({"input_includes_cache": True}, "input_includes_cache without `input_tokens`", "map `input_tokens`"),
        ({"output_includes_reasoning": False}, "output_includes_reasoning without `reasoning_output_tokens`", "map `r"),
    ],
)
def test_mistakes_are_named(keys: dict[str, Any], fault: str, hint: str) -> None:
    """Each names the entry and the file, with the nearest right word."""
    with pytest.raises(ConfigError) as caught:
        table(**keys)
    assert caught.value.message == f"{fault} in [[source]] `{keys.get('name', 'own')}` of `tokenaudit.toml`"
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("left_out", "fault"),
    [
        ("charge_period_start", "no `charge_period_start`"),
        ("request_model", "no `request_model`"),
        ("output_tokens", "nothing to count"),
    ],
)
def test_what_no_row_can_be_counted_without(left_out: str, fault: str) -> None:
    """Time, model and something to count are needed; the model may be constant."""
    columns = {name: column for name, column in COLUMNS.items() if name != left_out}
    with pytest.raises(ConfigError, match=fault):
        tables([Declared("own", columns)], names(), None)
    if left_out == "request_model":
        assert tables([Declared("own", columns, {"request_model": "gpt-5"})], names(), None)


def test_two_of_one_name() -> None:
    """The second is refused."""
    with pytest.raises(ConfigError, match="a name that is taken"):
        tables([declared(), declared()], names(), None)
