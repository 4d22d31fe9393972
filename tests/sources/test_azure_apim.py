"""The LLM log of API Management: tables, queries and records, cached input, pieces of calls, and what it is not."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit.ingest.run import ingest
from tokenaudit.sources import fits, sources
from tokenaudit.sources.azure_apim import REASON, SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sources.conftest import ReadText

Row = dict[str, Any]
RESOURCE = "/subscriptions/s-1/resourceGroups/rg/providers/Microsoft.ApiManagement/service/apim-acme"
ROW: Row = {
    "TimeGenerated": "2026-10-01T09:30:00.123Z", "CorrelationId": "c-1", "ModelName": "gpt-5-mini",
    "DeploymentName": "mini", "PromptTokens": 1200, "CompletionTokens": 300, "TotalTokens": 1500, "SequenceNumber": 0,
    "IsStreamCompletion": True, "RequestMessages": "PromptTokens 999999", "_ResourceId": RESOURCE,
}  # fmt: skip


def camel(row: Row) -> Row:
    """Return a row's values under the names of a record's properties."""
    return {name[0].lower() + name[1:]: value for name, value in row.items() if name[0] not in "T_" or "Tokens" in name}


def record(row: Row, *, as_text: bool = False) -> Row:
    """Return a row as a record of a diagnostic setting."""
    properties: Any = json.dumps(camel(row)) if as_text else camel(row)
    told = {"time": row["TimeGenerated"], "resourceId": RESOURCE.upper(), "category": "GatewayLlmLogs"}
    return {**told, "properties": properties}


def table(rows: list[Row]) -> str:
    """Return rows as CSV."""
    made = io.StringIO()
    writer = csv.DictWriter(made, [*rows[0]], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return made.getvalue()


def portal(rows: list[Row]) -> str:
    """Return rows as the portal exports them."""
    told = [dict(row) for row in rows]
    for row in told:
        at = datetime.fromisoformat(row.pop("TimeGenerated"))
        row["TimeGenerated [UTC]"] = f"{at:%-m/%-d/%Y, %-I:%M:%S}.{at.microsecond // 1000:03} {at:%p}"
    return table(told)


def legacy(rows: list[Row]) -> str:
    """Return rows as the older table has them."""
    kinds = {"ModelName": "_s", "DeploymentName": "_s"} | dict.fromkeys([n for n in ROW if n.endswith("Tokens")], "_d")
    spelt = {name: name if name not in kinds else name[0].lower() + name[1:] + kinds[name] for name in ROW}
    return table(
        [{spelt[name].replace("_ResourceId", "ResourceId"): value for name, value in row.items()} for row in rows]
    )


def query(rows: list[Row]) -> str:
    """Return rows as the answer of the query API."""
    names = [{"name": name, "type": "string"} for name in rows[0]]
    return json.dumps(
        {"tables": [{"name": "PrimaryResult", "columns": names, "rows": [[*row.values()] for row in rows]}]}
    )


DRESSES: dict[str, Callable[[list[Row]], str]] = {
    "csv": table,
    "portal": portal,
    "legacy": legacy,
    "query": query,
    "az": lambda rows: json.dumps([{name: str(value) for name, value in row.items()} for row in rows], indent=2),
    "lines": lambda rows: "\n".join(map(json.dumps, rows)),
    "hub": lambda rows: json.dumps({"records": [record(row) for row in rows]}),
    "storage": lambda rows: "\n".join(json.dumps(record(row, as_text=True)) for row in rows),
}


@pytest.mark.parametrize("dress", DRESSES)
def test_dresses(read_text: ReadText, tmp_path: Path, dress: str) -> None:
    """Every dress is of this source and no other, and holds the same call."""
    text = DRESSES[dress]([ROW])
    (tmp_path / "log").write_text(text)
    read = read_text(SOURCE, text)
    row = read.row()

    assert [item.name for item in sources().values() if fits(item, Head(str(tmp_path / "log")))] == ["azure-apim"]
    assert read.rejects == []
    assert (row["uncached_input_tokens"], row["output_tokens"], row["requests"]) == (1200, 300, 1)
    assert row["charge_period_start"] == datetime(2026, 10, 1, 9, 30, 0, 123_000, tzinfo=UTC)
    assert (row["account"], row["request_model"], row["provider"]) == ("s-1", "gpt-5-mini", "azure")
    assert row["tags"] == '{"deployment":"mini","gateway":"apim-acme"}'
    assert row["response_id"] == read_text(SOURCE, table([ROW])).rows["response_id"][0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ModelName": "gpt-5"}, (600, 600, 300)),
        ({"ModelName": "claude-sonnet-4-5"}, (1200, 600, 300)),
        ({"DeploymentName": "our-Claude"}, (1200, 600, 300)),
        ({"PromptTokens": 26, "PromptCachedTokens": 48854}, (26, 48854, 300)),
        ({"PromptCachedTokens": None}, (1200, 0, 300)),
        ({"CompletionTokens": None, "PromptCachedTokens": 0}, (1200, 0, 300)),
        ({"PromptTokens": None, "PromptCachedTokens": 0}, (1200, 0, 300)),
        ({"CompletionTokens": 0, "TotalTokens": 1200, "PromptCachedTokens": 0}, (1200, 0, 0)),
    ],
)
def test_classes(read_text: ReadText, changes: Row, expected: tuple[int, int, int]) -> None:
    """Cached input stands inside the prompt, but for Claude; what is not told follows from the total."""
    row = read_text(SOURCE, json.dumps(record({**ROW, "PromptCachedTokens": 600, **changes}))).row()

    assert (row["uncached_input_tokens"], row["cache_read_input_tokens"], row["output_tokens"]) == expected


def test_only_calls_count(read_text: ReadText) -> None:
    """Pieces of messages and requests that reach no model are no rows; odd rows are rejects."""
    nothing = dict.fromkeys(("PromptTokens", "CompletionTokens", "TotalTokens"), "")
    rows = [
        ROW,
        ROW | nothing | {"SequenceNumber": 1, "ModelName": "", "DeploymentName": ""},
        ROW | dict.fromkeys(nothing, 0) | {"CorrelationId": "c-2"},
        ROW | {"CorrelationId": ""},
        ROW | {"PromptTokens": "many"},
        ROW | {"TimeGenerated": "soon"},
    ]
    read = read_text(SOURCE, table(rows))

    assert read.rows.height == 1
    assert [(item.line, item.reason) for item in read.rejects] == [
        (5, "no CorrelationId"),
        (6, '"PromptTokens" is not a number: "many"'),
        (7, "the row names no time"),
    ]


def test_local_time_is_refused(read_text: ReadText) -> None:
    """Nobody knows whose."""
    text = table([ROW]).replace("TimeGenerated", "TimeGenerated [Local Time]", 1)

    assert [item.reason for item in read_text(SOURCE, text).rejects] == [
        "TimeGenerated is in local time: export it in UTC"
    ]


def test_who_called(read_text: ReadText) -> None:
    """Where a query joins it."""
    told = {"ApimSubscriptionId": "team-search", "UserId": "ann", "ProductId": "ai", "Region": "Sweden Central"}
    row = read_text(SOURCE, table([ROW | told])).row()

    assert (row["api_key"], row["user"], row["region"]) == ("team-search", "ann", None)
    assert json.loads(row["tags"])["product"] == "ai"


def test_azure_openai_tells_no_tokens(read_text: ReadText, tmp_path: Path) -> None:
    """Its own log is recognised, and every call refused with what to do."""
    told = {
        "time": "2026-10-01T09:30:00Z", "category": "RequestResponse", "operationName": "ChatCompletions_Create",
        "resourceId": "/SUBSCRIPTIONS/S/PROVIDERS/MICROSOFT.COGNITIVESERVICES/ACCOUNTS/A",
        "properties": '{"modelName":"gpt-4o","requestLength":900}',
    }  # fmt: skip
    text = "\n".join(json.dumps(row) for row in (told, told | {"category": "Audit"}, told))
    (tmp_path / "log").write_text(text)
    read = read_text(SOURCE, text)

    assert [item.name for item in sources().values() if fits(item, Head(str(tmp_path / "log")))] == ["azure-apim"]
    assert read.rows.is_empty()
    assert [(item.line, item.reason) for item in read.rejects] == [(1, REASON), (3, REASON)]


@pytest.mark.parametrize(
    "document",
    [
        None,
        [{"PromptTokens": 1}],
        {"promptTokens": 1, "generatedTokens": 2},
        {"records": [{"category": "RequestResponse", "resourceId": "x"}], "tables": [{"rows": [[1]]}]},
        {"properties": "{not json", "CorrelationId": "c"},
    ],
)
def test_foreign_documents(document: Any) -> None:
    """Documents of other shapes hold no calls."""
    assert SOURCE.records is not None
    assert list(SOURCE.records(document)) == []


@settings(max_examples=10)
@given(
    seen=st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(sorted(DRESSES))), min_size=1, max_size=6),
    random=st.randoms(),
)
def test_calls_count_once(tmp_path_factory: pytest.TempPathFactory, seen: list[tuple[str, str]], random: Any) -> None:
    """However often, in whatever order and dress a call is logged, in one file or several, it is one row."""
    folder = tmp_path_factory.mktemp("logs")
    random.shuffle(seen)
    for number, (name, dress) in enumerate(seen):
        row = ROW | {"CorrelationId": name, "CompletionTokens": ord(name), "TotalTokens": 1200 + ord(name)}
        (folder / str(number)).write_text(DRESSES[dress]([row, row]))
        ingest([str(folder / str(number))], folder / "store")
    with Store.open(folder / "store") as store:
        rows = store.rows().collect()

    assert sorted(rows["output_tokens"]) == sorted(ord(name) for name in {name for name, _ in seen})
    assert rows["requests"].sum() == rows.height
