"""Fireworks billing metrics: two headers, cache reads in the prompt, what is no inference, rows without an id."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.ingested import totals_of
from tokenaudit import schema
from tokenaudit.sources.fireworks_usage import SOURCE

if TYPE_CHECKING:
    from tests.sources.conftest import ReadText

OLD = (
    "email,start_time,end_time,usage_type,accelerator_type,accelerator_seconds,base_model_name,model_bucket,"
    "parameter_count,prompt_tokens,completion_tokens"
)
NEW = f"{OLD},cached_prompt_tokens,uncached_prompt_tokens"
CELLS = {
    "email": "alice@example.com", "start_time": "2026-10-01 17:16:48 UTC", "end_time": "2026-10-01 17:16:50 UTC",
    "usage_type": "TEXT_COMPLETION_INFERENCE_USAGE", "base_model_name": "accounts/fireworks/models/deepseek-v3",
    "model_bucket": "DeepSeek V3", "parameter_count": "671000000000", "prompt_tokens": "803",
    "completion_tokens": "109", "cached_prompt_tokens": "200", "uncached_prompt_tokens": "603",
}  # fmt: skip
TRAINING = {"usage_type": "SFT_TRAINING_USAGE", "end_time": "2026-10-01 18:16:48 UTC", "cached_prompt_tokens": "0"}


def export(header: str, *rows: dict[str, str]) -> str:
    """Return a file of the row above with what each row changes."""
    lines = [header, *(",".join((CELLS | row).get(name, "") for name in header.split(",")) for row in rows or ({},))]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("header", "read", "rank"), [(OLD, 0, 2), (NEW, 200, 0)])
def test_headers(read_text: ReadText, header: str, read: int, rank: int) -> None:
    """Cache reads are part of the prompt; without the columns nobody can tell."""
    row = read_text(SOURCE, export(header)).row()

    assert {name: row[name] for name in schema.COUNTS if row[name]} == {
        "uncached_input_tokens": 803 - read, **({"cache_read_input_tokens": read} if read else {}),
        "output_tokens": 109, "requests": 1,
    }  # fmt: skip
    assert row["charge_period_start"] == row["charge_period_end"] == datetime(2026, 10, 1, 17, 16, 48, tzinfo=UTC)
    assert (row["user"], row["granularity"], row["cost_basis"]) == ("alice@example.com", "request", None)
    assert (row["provider"], row["origin_rank"]) == ("fireworks", rank)


@pytest.mark.parametrize("changes", [TRAINING, TRAINING | {"usage_type": "", "accelerator_seconds": "3600"}])
def test_what_is_no_inference(read_text: ReadText, changes: dict[str, str]) -> None:
    """It is no request and no tokens of one, and has no price here."""
    row = read_text(SOURCE, export(NEW, changes)).row()

    assert [name for name in schema.COUNTS if row[name]] == []
    assert (row["granularity"], row["cost_basis"]) == ("hour", "unpriced")
    assert json.loads(row["tags"])["prompt_tokens"] == "803"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"start_time": ""}, "no start_time"),
        ({"end_time": "2026-10-01 17:16:40 UTC"}, "end_time is before start_time"),
        ({"cached_prompt_tokens": "804"}, "cached_prompt_tokens is more than prompt_tokens"),
    ],
)
def test_rejects(read_text: ReadText, changes: dict[str, str], reason: str) -> None:
    """What contradicts itself is said."""
    assert [item.reason for item in read_text(SOURCE, export(NEW, changes)).rejects] == [reason]


def test_the_split_comes_later() -> None:
    """The same two requests in an old and a new export count once, with the split of the new one."""
    both = [export(OLD, {}, {}), export(NEW, {}, {"cached_prompt_tokens": "0"})]

    for texts in (both, both[::-1]):
        found = totals_of(texts)
        assert (found["requests"], found["uncached_input_tokens"]) == (2, 603 + 803)
        assert (found["cache_read_input_tokens"], found["output_tokens"]) == (200, 218)


@settings(max_examples=6)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3)), min_size=1, max_size=10), st.integers(0, 6))
def test_overlapping_exports(found: list[tuple[int, int]], cut: int) -> None:
    """Two exports that overlap in whole seconds give what one gives; equal rows of one file all count."""
    rows = [{"start_time": f"2026-10-01 17:16:4{second} UTC", "completion_tokens": str(out)} for second, out in found]
    early = [row for row, (second, _) in zip(rows, found, strict=True) if second <= cut]
    late = [row for row, (second, _) in zip(rows, found, strict=True) if second >= cut - 1]
    whole = export(NEW, *rows)

    pieces = [export(NEW, *part) for part in (early, late) if part]
    for texts in ([whole], pieces, pieces[::-1], [*pieces, whole]):
        totals = totals_of(texts)
        assert (totals["requests"], totals["output_tokens"]) == (len(found), sum(out for _, out in found))
