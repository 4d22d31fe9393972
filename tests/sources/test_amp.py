"""Amp: the ledger and the messages' own usage joined, each call once, credits not taken for money."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.logged import (
    Json,
    classes,
    fitting,
    pieces,
    reasons,
    row_of,
    rows_of,
    together,
    totals,
    write_document,
)
from tokenaudit.sources.amp import SOURCE

AT = "2026-10-07T09:00:05.000Z"
NAMES = ("inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens", "outputTokens")
CLASSES = {
    "uncached_input_tokens": 10, "cache_read_input_tokens": 30, "cache_creation_5m_input_tokens": 20,
    "output_tokens": 4,
}  # fmt: skip


def message(id_: int | None = 1, counts: tuple[Any, ...] = (10, 30, 20, 4), **more: object) -> Json:
    """Return an answer with its own usage."""
    usage = {"model": "claude-haiku-4-5", "timestamp": AT, **dict(zip(NAMES, counts, strict=True)), **more}
    return {"role": "assistant", "messageId": id_, "usage": {**usage, "totalInputTokens": sum(counts[:3])}}


def event(to: int | None = 1, whole: object = 10, output: object = 4, **more: object) -> Json:
    """Return an event of the ledger."""
    tokens = {"input": whole, "output": output}
    return {"id": "e1", "timestamp": AT, "model": "claude-haiku-4-5", "tokens": tokens, "toMessageId": to, **more}


def thread(messages: list[Json], ledger: list[Json] | None = None, **more: object) -> Json:
    """Return a thread."""
    return {
        "id": "T-1",
        "messages": messages,
        **({} if ledger is None else {"usageLedger": {"events": ledger}}),
        **more,
    }


@pytest.mark.parametrize(
    "told",
    [
        thread([message()]),
        thread([message()], []),
        thread([message()], [event()]),
        thread([message()], [event(whole=60)]),
        thread([], [event(tokens={"input": 10, "output": 4, **dict(zip(NAMES[1:3], (30, 20), strict=True))})]),
    ],
    ids=["message", "empty ledger", "ledger without cache", "ledger with cache in input", "ledger with cache beside"],
)
def test_classes(tmp_path: Path, told: Json) -> None:
    """Every generation tells the same call."""
    path = write_document(tmp_path / "T-1.json", told, indent=2)
    row = row_of(SOURCE, path)

    assert fitting(path) == ["amp"]
    assert classes(row) == CLASSES
    assert (row["identity"], row["session"], row["charge_period_start"]) == ("T-1\x1f1\x1f0", "T-1", AT)


@pytest.mark.parametrize(
    ("told", "inputs", "cached"),
    [
        (thread([message(1)], [event(1), event(1, 7, 1, id="e2")]), [10, 7], 30),
        (thread([message(1), message(3, (9, 0, 0, 1))], [event(1)]), [10, 9], 30),
        (thread([message(1), message(3, (9, 0, 0, 1))], [event(1), event(None, 9, 1, id="e2")]), [10, 9], 30),
        (thread([message(None)], [event(None)]), [10], 0),
        (thread([message(None), message(None, (9, 0, 0, 1), timestamp="2026-10-07T09:00:06Z")]), [10, 9], 30),
        (thread([message(1, (0, 0, 0, 0))], [event(1, 0, 0)]), [], 0),
        (thread([{**message(1), "role": "user"}], [event(1)]), [10], 0),
    ],
    ids=[
        "two events of a message", "message without event", "event without message", "neither names the other",
        "no message ids", "nothing used", "not an answer",
    ],
)  # fmt: skip
def test_each_call_once(tmp_path: Path, told: Json, inputs: list[int], cached: int) -> None:
    """Events and messages that name each other are one call; the cache is joined once."""
    rows = rows_of(SOURCE, write_document(tmp_path / "T-1.json", told))

    assert [row["uncached_input_tokens"] for row in rows] == inputs
    assert sum(row["cache_read_input_tokens"] or 0 for row in rows) == cached
    assert len({row["identity"] for row in rows}) == len(rows)


def test_credits_are_no_money(tmp_path: Path) -> None:
    """Credits stay a tag, exactly; the first folder of the thread is its place."""
    env = {"initial": {"trees": [{"uri": "file:///src/shop"}]}}
    row = row_of(SOURCE, write_document(tmp_path / "T-1.json", thread([], [event(credits=0.1)], env=env)))

    assert (row["tags"], row["project_path"]) == ('{"credits":"0.1"}', "/src/shop")
    assert not {"billed_cost", "list_cost", "reported_cost"} & row.keys()


def test_bad_events(tmp_path: Path) -> None:
    """What cannot be counted is refused by itself."""
    told = thread([], [event(1, -1), event(2), event(3, timestamp=None)])
    path = write_document(tmp_path / "T-1.json", told)

    assert [row["identity"] for row in rows_of(SOURCE, path)] == ["T-1\x1f2\x1f0"]
    assert [reason.partition(":")[0] for reason in reasons(SOURCE, path)] == [
        "impossible count", "usage without a usable timestamp",
    ]  # fmt: skip


@given(st.data())
def test_a_thread_grows(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Versions of a thread, with its ledger or without, in any order, add up to the last."""
    folder = tmp_path_factory.mktemp("amp")
    messages = [message(n, (n, 1, 2, n)) for n in range(1, data.draw(st.integers(2, 7)))]
    whole = rows_of(SOURCE, write_document(folder / "whole.json", thread(messages)))
    files = []
    for n, part in enumerate(pieces(data, messages)):
        ledger = [event(item["messageId"], item["messageId"], item["messageId"]) for item in part]
        unlike = {item["messageId"]: (item, entry) for item, entry in zip(part, ledger, strict=True)}
        told = thread([item for item, _ in unlike.values()], [entry for _, entry in unlike.values()] if n % 2 else None)
        files.append(write_document(folder / f"{n}.json", told))

    assert totals(together(SOURCE, files).values()) == totals(whole)
