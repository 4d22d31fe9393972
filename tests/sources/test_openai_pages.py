"""Pages of OpenAI's organization API: the same things as the downloads, whichever comes first and however often."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenaudit import schema
from tokenaudit.ingest.run import ingest
from tokenaudit.sources import detect, openai_cost, openai_usage
from tokenaudit.sources.head import Head
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    import polars as pl

    from tests.sources.conftest import ReadFile, ReadText

DAY, START = 86_400, 1_790_812_800
"""A day; 2026-10-01."""
ORGANIZATION = "org-aB3dE6gH9jK2mN5pQ8sT1vW4"
USED = {"output_tokens": 0, "num_model_requests": 1, "model": "gpt-5", "project_id": "p"}
Result = dict[str, Any]


def bucket(day: int, *results: Result, kind: str = "usage.completions", start: int = 0, end: int = DAY) -> Result:
    """Return a bucket: a whole day, or a piece of one."""
    named = [{"object": f"organization.{kind}.result", **result} for result in results]
    times = {"start_time": START + day * DAY + start, "end_time": START + day * DAY + end}
    return {"object": "bucket", **times, "results": named}


def page(*buckets: Result) -> str:
    """Return an answer of the API as it comes."""
    return json.dumps({"object": "page", "data": buckets, "has_more": False, "next_page": None}, indent=4)


def cost(amount: str, **more: Any) -> Result:
    """Return a result of the costs API."""
    return {"amount": {"value": float(amount), "currency": "usd"}, **more}


def table(buckets: list[Result]) -> str:
    """Return the download of the same buckets."""
    flat = [
        {"start_time": item["start_time"], "end_time": item["end_time"], **result}
        for item in buckets
        for result in item["results"] or [{}]
    ]
    names = dict.fromkeys(name for row in flat for name in row if name != "object")
    text = io.StringIO()
    writer = csv.DictWriter(text, names, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def stored(folder: Path, files: dict[str, str], order: tuple[str, ...] | None = None) -> pl.DataFrame:
    """Return the rows that count after the files were read one by one."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in order or tuple(files):
        (folder / name).write_text(files[name])
        ingest([str(folder / name)], folder / "store")
    with Store.open(folder / "store") as store:
        return store.usage().collect()


# -- usage ------------------------------------------------------------------------------------------------------------
KINDS: dict[str, tuple[Result, tuple[int, int, int, str | None, str | None]]] = {
    "completions": ({**USED, "input_tokens": 9, "input_cached_tokens": 4, "output_tokens": 6}, (1, 15, 0, None, None)),
    "embeddings": ({"input_tokens": 16, "num_model_requests": 2}, (2, 16, 0, None, None)),
    "moderations": ({"input_tokens": 16, "num_model_requests": 2}, (2, 16, 0, None, None)),
    "images": (
        {"images": 20, "num_model_requests": 2, "size": "1024x1024", "source": "image.edit"},
        (2, 0, 0, "unpriced", '{"size":"1024x1024","source":"image.edit","images":"20"}'),
    ),
    "audio_speeches": ({"characters": 45, "num_model_requests": 1}, (1, 0, 0, "unpriced", '{"characters":"45"}')),
    "audio_transcriptions": ({"seconds": 1.5, "num_model_requests": 1}, (1, 0, 0, "unpriced", '{"seconds":"1.5"}')),
    "vector_stores": ({"usage_bytes": 1000}, (0, 0, 0, "unpriced", '{"usage_bytes":"1000"}')),
    "code_interpreter_sessions": ({"num_sessions": 1}, (0, 0, 0, "unpriced", '{"num_sessions":"1"}')),
    "file_searches": (
        {"num_requests": 2, "vector_store_id": "vs_1"},
        (0, 0, 0, "unpriced", '{"vector_store_id":"vs_1","file_search_requests":"2"}'),
    ),
    "web_searches": (
        {"num_model_requests": 3, "num_requests": 7, "context_level": "low"},
        (0, 0, 7, None, '{"context_level":"low"}'),
    ),
    "decisions": ({"num_model_requests": 2}, (2, 0, 0, None, None)),
}


def counts(row: Result) -> tuple[Any, ...]:
    """Return what a row counts."""
    tokens = sum(row[name] for name in schema.TOKEN_CLASSES)
    return row["requests"], tokens, row["web_search_requests"], row["cost_basis"], row["tags"]


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(read_text: ReadText, kind: str) -> None:
    """Each kind counts what it has; what has no price is never free; a searching request was counted before."""
    result, expected = KINDS[kind]
    assert counts(read_text(openai_usage.SOURCE, page(bucket(0, result, kind=f"usage.{kind}"))).row()) == expected


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("moderations", "decisions")])
def test_downloads_of_a_kind(read_text: ReadText, tmp_path: Path, kind: str) -> None:
    """The download of a kind is recognised, counts the same, and is the same bucket."""
    whole = bucket(0, {"project_id": "p", **KINDS[kind][0]}, kind=f"usage.{kind}")
    path = tmp_path / "export.csv"
    path.write_text(table([whole]))
    ours, theirs = (read_text(openai_usage.SOURCE, text).row() for text in (page(whole), path.read_text()))

    assert detect(Head(str(path))) is openai_usage.SOURCE
    assert ours == {**theirs, "line": ours["line"]}


def test_classes_of_a_page(read_text: ReadText) -> None:
    """Audio and image counts are uncached, lives of cache writes are told apart, reasoning is not asked for."""
    result = {
        "input_tokens": 1000, "input_uncached_tokens": 500, "input_cached_tokens": 400,
        "input_cache_write_tokens": 100, "input_cache_write_30m_tokens": 60, "input_cache_write_12h_tokens": 30,
        "output_tokens": 500, "input_text_tokens": 400, "input_audio_tokens": 50, "input_image_tokens": 50,
        "input_cached_audio_tokens": 40, "output_audio_tokens": 30, "output_image_tokens": 20, "batch": True,
        "num_model_requests": 5, "service_tier": "flex", "user_id": "user-1", "api_key_id": "key_1",
    }  # fmt: skip
    row = read_text(openai_usage.SOURCE, page(bucket(0, result))).row()

    assert {name: row[name] for name in schema.TOKEN_CLASSES if row[name]} == {
        "uncached_input_tokens": 400, "cache_read_input_tokens": 360, "cache_creation_5m_input_tokens": 10,
        "cache_creation_30m_input_tokens": 60, "cache_creation_12h_input_tokens": 30, "audio_input_tokens": 50,
        "cache_read_audio_input_tokens": 40, "image_input_tokens": 50, "output_tokens": 450,
        "audio_output_tokens": 30, "image_output_tokens": 20,
    }  # fmt: skip
    assert (row["batch"], row["service_tier"], row["user"], row["api_key"]) == (True, "flex", "user-1", "key_1")
    assert (row["granularity"], row["charge_period_start"]) == ("day", datetime(2026, 10, 1, tzinfo=UTC))


WHOLE = bucket(0, {**USED, "input_tokens": 3}, {**USED, "input_tokens": 4, "model": "gpt-5-mini"})
OLDER = {key: value for key, value in WHOLE.items() if key != "results"}


@pytest.mark.parametrize(
    "text",
    [
        page(WHOLE),
        json.dumps(json.loads(page(WHOLE))),
        f"{json.dumps(json.loads(page(bucket(1))))}\n{json.dumps(json.loads(page(WHOLE)))}\n",
        json.dumps([WHOLE, bucket(1)], indent=2),
        json.dumps([json.loads(page(WHOLE))]),
        page({**OLDER, "result": WHOLE["results"]}),
        page(*({**OLDER, "result": result} for result in WHOLE["results"])),
    ],
)
def test_every_dress(read_text: ReadText, tmp_path: Path, text: str) -> None:
    """A page, lines of pages, a list of buckets or of pages, and the older `result` hold the same."""
    (tmp_path / "completions.json").write_text(text)
    read = read_text(openai_usage.SOURCE, text)

    assert detect(Head(str(tmp_path / "completions.json"))) is openai_usage.SOURCE
    assert read.rejects == []
    assert sorted(read.used()["uncached_input_tokens"]) == [3, 4]


@pytest.mark.parametrize("name", ["costs.json", "usage.json"])
def test_page_of_nothing(tmp_path: Path, name: str) -> None:
    """Buckets without results say nothing but which they are; only the file's name tells of what."""
    (tmp_path / name).write_text(page(bucket(0), bucket(1)))
    found = detect(Head(str(tmp_path / name)))
    assert found is not None
    assert found.name == f"openai-{name[:4] if name.startswith('cost') else 'usage'}"


def test_costs_among_usage(read_text: ReadText) -> None:
    """A result of another report is named and not passed over."""
    both = f"{json.dumps(WHOLE)}\n{json.dumps(bucket(0, cost('1'), kind='costs'))}\n"
    for source in (openai_usage.SOURCE, openai_cost.SOURCE):
        reasons = {reject.reason for reject in read_text(source, both).rejects}
        assert reasons == {"a result of another report: keep costs and usage in files of their own"}


TOLD = {
    "table.csv": table([WHOLE]),
    "by_project_and_model.json": page(WHOLE),
    "by_project.json": page(bucket(0, {**USED, "input_tokens": 7, "model": None})),
    "by_model.json": page(bucket(0, {**USED, "input_tokens": 7, "project_id": None})),
    "by_nothing.json": page(bucket(0, {**USED, "input_tokens": 7, "model": None, "project_id": None})),
}


@pytest.mark.parametrize("names", [*permutations(TOLD, 2), tuple(TOLD), tuple(reversed(TOLD))])
def test_however_grouped_it_counts_once(tmp_path: Path, names: tuple[str, ...]) -> None:
    """A day counts once, and the file that names most of it stands."""
    rows = stored(tmp_path, TOLD, names)
    detailed = not {"table.csv", "by_project_and_model.json"}.isdisjoint(names)

    assert rows["uncached_input_tokens"].sum() == 7
    assert rows["request_model"].null_count() == 0 or not (detailed or names == ("by_model.json", "by_nothing.json"))
    assert rows["project"].null_count() == 0 or not any("project" in name or name == "table.csv" for name in names)


def test_two_organisations_both_count(tmp_path: Path) -> None:
    """Pages grouped by project share no project."""
    files = {f"{name}.json": page(bucket(0, {**USED, "input_tokens": 7, "project_id": name})) for name in "ab"}
    assert stored(tmp_path, files)["uncached_input_tokens"].sum() == 14


TIMES_OF_DAY = st.tuples(st.integers(0, 3), st.sampled_from([0, 27_061, 47_221, 81_002]))
"""Days, and seconds in them that are far from each other and from midnight."""


def pieces(first: tuple[int, int], last: tuple[int, int]) -> list[tuple[int, int, int]]:
    """Return the days that a page covers, each with its first and last second."""
    spans = [(day, first[1] * (day == first[0]), last[1] if day == last[0] else DAY) for day in range(9)]
    return [(day, start, end) for day, start, end in spans if first[0] <= day <= last[0] and start < end]


@settings(max_examples=15)
@given(
    windows=st.lists(
        st.tuples(TIMES_OF_DAY, TIMES_OF_DAY).filter(lambda times: times[0] < times[1]), min_size=1, max_size=4
    ),
    data=st.data(),
)
def test_days_cut_off(
    tmp_path_factory: pytest.TempPathFactory,
    windows: list[tuple[tuple[int, int], tuple[int, int]]],
    data: st.DataObject,
) -> None:
    """Of a day that pages cut off at the second they were asked for, the longest piece counts, in any order."""
    covered = [pieces(*window) for window in windows]
    files = {
        f"{number}.json": page(
            *(bucket(day, {**USED, "input_tokens": end - start}, start=start, end=end) for day, start, end in days)
        )
        for number, days in enumerate(covered)
    }
    longest: dict[int, int] = {}
    for day, start, end in (piece for days in covered for piece in days):
        longest[day] = max(longest.get(day, 0), end - start)
    rows = stored(tmp_path_factory.mktemp("cut"), files, tuple(data.draw(st.permutations(sorted(files)))))

    assert rows["uncached_input_tokens"].sum() == sum(longest.values())
    assert set(rows["granularity"]) == {"day"}


# -- costs ------------------------------------------------------------------------------------------------------------
def costs(**more: Any) -> list[Result]:
    """Return two days with $1.5 and nothing."""
    return [bucket(0, cost("1.25", **more), cost("0.25", **more), kind="costs"), bucket(1, kind="costs")]


HEADER = "start_time,end_time,amount_value,amount_currency,line_item,project_id,organization_id\n"
LINES = f"{START},{START + DAY},%s,usd,%s,%s,{ORGANIZATION}\n"
BILLS = {
    "grouped.csv": HEADER + LINES % ("1.25", '"gpt-5, input"', "p") + LINES % ("0.25", '"gpt-5, output"', "p"),
    "whole.csv": HEADER + LINES % ("1.5", "", ""),
    "projects.json": page(*costs(project_id="p")),
    "nothing.json": page(*costs()),
    f"nothing-{ORGANIZATION}.json": page(*costs()),
    f"projects-{ORGANIZATION}.json": page(*costs(project_id="p")),
}
UNKNOWN = [{"projects.json", "whole.csv"}, {"projects.json", f"nothing-{ORGANIZATION}.json"}]
"""Nothing says that they are of one organisation."""


@pytest.mark.parametrize("names", [*permutations(BILLS, 2), tuple(BILLS), tuple(reversed(BILLS))])
def test_a_bill_counts_once(tmp_path: Path, names: tuple[str, ...]) -> None:
    """A day is billed once, in whatever form it comes, and projects are known where one form names them."""
    rows = stored(tmp_path, BILLS, names)

    if set(names) in UNKNOWN:
        assert rows["billed_cost"].sum() == Decimal(3)
        return
    named = any(name.startswith(("grouped", "projects")) for name in names)
    assert rows["billed_cost"].sum() == Decimal("1.5")
    assert rows["workspace"].unique().to_list() == (["p"] if named else [None])


def test_pages_appended_to_one_file(read_text: ReadText) -> None:
    """Where a file holds a bucket in several pages, the one that goes on longest has the newest; a page has it once."""
    pages = [
        page(bucket(0, cost("1", project_id="p"), kind="costs"), bucket(1, cost("2", project_id="p"), kind="costs")),
        page(bucket(1, cost("4", project_id="p"), cost("5", project_id="p"), kind="costs"), bucket(2)),
    ]
    for order in permutations([*pages, *pages[:1]]):
        lines = "\n".join(json.dumps(json.loads(text)) for text in order[:2])
        amounts = read_text(openai_cost.SOURCE, lines).used()["billed_cost"].to_list()
        assert sorted(amounts) == [1, 4, 5] if pages[1] in order[:2] else [1, 1, 2, 2]


def test_page_and_download_of_costs_are_one(tmp_path: Path) -> None:
    """A project's day that a page corrects replaces the download's, and a day without spend empties it."""
    tomorrow = f"{START + DAY},{START + 2 * DAY},9,usd,,p,{ORGANIZATION}\n"
    files = {
        "cost.csv": BILLS["grouped.csv"] + tomorrow,
        "costs.json": page(bucket(0, cost("1.75", project_id="p"), kind="costs"), *(bucket(n) for n in (1, 2))),
    }
    for order in permutations(files):
        assert stored(tmp_path / order[0], files, order)["billed_cost"].to_list() == [Decimal("1.75")]


def test_fields_of_a_cost(read_text: ReadText) -> None:
    """Dollars stay dollars and keep their digits; names are those of the download where the page has them."""
    names = {"project_id": "p", "project_name": "Shop", "user_email": "ann@example.com", "organization_id": "org-1"}
    item = {"line_item": "gpt-5-nano, input_tokens", "quantity": 31422, "quantity_unit": "tokens"}
    text = page(bucket(0, {**cost("1"), **item, **names}, kind="costs")).replace("1.0,", "0.013080438340307526,")
    row = read_text(openai_cost.SOURCE, text).row()

    assert (row["billed_cost"], row["billing_currency"]) == (Decimal("0.013080438340307526"), "USD")
    assert (row["project"], row["workspace"], row["user"], row["account"]) == ("Shop", "p", "ann@example.com", "org-1")
    assert (row["request_model"], row["requests"], row["granularity"]) == ("gpt-5-nano", 0, "day")
    assert row["tags"] == '{"line_item":"gpt-5-nano, input_tokens","quantity":"31422","quantity_unit":"tokens"}'


# -- documented examples ----------------------------------------------------------------------------------------------
EXAMPLES = {
    "completions": (5, 1500, 0), "embeddings": (2, 16, 0), "moderations": (2, 16, 0), "images": (2, 0, 0),
    "audio_speeches": (1, 0, 0), "audio_transcriptions": (1, 0, 0), "vector_stores": (0, 0, 0),
    "code_interpreter_sessions": (0, 0, 0), "file_search_calls": (0, 0, 0), "web_search_calls": (0, 0, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_documented_examples(shared: Path, read_file: ReadFile, name: str) -> None:
    """The examples of the reference are recognised and count what they say."""
    path = shared / "samples" / "exports" / "openai_org_usage_api" / f"organization_usage_{name}.json"
    row = read_file(openai_usage.SOURCE, path).row()

    assert detect(Head(str(path))) is openai_usage.SOURCE
    assert counts(row)[:3] == EXAMPLES[name]


def test_documented_costs(shared: Path, read_file: ReadFile) -> None:
    """Six cents."""
    path = shared / "samples" / "exports" / "openai_org_usage_api" / "organization_costs.json"
    assert detect(Head(str(path))) is openai_cost.SOURCE
    assert read_file(openai_cost.SOURCE, path).row()["billed_cost"] == Decimal("0.06")
