"""OpenTelemetry metrics: delta points add up, cumulative ones do not, and a file counts by one signal only."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.logs import Row, decoded, reasons, rows_of, write_lines
from tests.sources.otlp_lines import counter, log, logs, metrics, point, span, spans
from tokenaudit.sources import _events, sources
from tokenaudit.sources.head import Head
from tokenaudit.sources.otlp_metrics import SOURCE, rows

if TYPE_CHECKING:
    from pathlib import Path

Object = dict[str, Any]
TOKENS, COST = "claude_code.token.usage", "claude_code.cost.usage"
WHO = {"session.id": "s1", "user.email": "ann@example.com", "model": "claude-sonnet-5"}


def claude(start: int, end: int, values: dict[str, int], temporality: int = 1) -> Object:
    """Return a line with the four token types and the cost of an interval."""
    points = [point({**WHO, "type": kind}, value, start, end) for kind, value in values.items()]
    cost = counter(COST, point(WHO, 0.5, start, end), temporality=temporality)
    return metrics(counter(TOKENS, *points, temporality=temporality), cost)


def read(path: Path, *records: object) -> list[Row]:
    """Return the rows of lines, none of which is refused."""
    made = decoded("otlp-metrics", write_lines(path / "metrics.jsonl", *records))
    assert reasons(made) == []
    return rows_of(made)


UNCACHED, READ, OUTPUT, REASONING = (
    "uncached_input_tokens", "cache_read_input_tokens", "output_tokens", "reasoning_output_tokens",
)  # fmt: skip
FOUR = {"input": 1, "output": 2, "cacheRead": 3, "cacheCreation": 4}


def test_delta(tmp_path: Path) -> None:
    """Types and cost of one interval are one row; another interval is another; a line sent twice folds."""
    lines = [claude(0, 60, FOUR), claude(60, 120, FOUR), claude(60, 120, FOUR)]
    first, second = read(tmp_path, *lines)
    first.pop("identity")
    assert first == {
        "uncached_input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3,
        "cache_creation_5m_input_tokens": 4, "reported_cost": "0.5", "user": "ann@example.com", "session": "s1",
        "request_model": "claude-sonnet-5", "provider": "anthropic", "granularity": "period",
        "tags": '{"service":"claude-code"}', "charge_period_start": "2026-10-06T09:00:00.000Z",
    }  # fmt: skip
    assert second["charge_period_start"] == "2026-10-06T09:01:00.000Z"


def test_cumulative(tmp_path: Path) -> None:
    """Points since one start are one row with the largest value; a restarted program is a new row."""
    values = [(60, 10), (180, 30), (120, 20)]
    lines = [claude(0, end, {"input": value}, temporality=2) for end, value in values]
    found = read(tmp_path, *lines, claude(600, 660, {"input": 5}, temporality=2))
    assert [row["uncached_input_tokens"] for row in found] == [30, 5]


@pytest.mark.parametrize(
    ("name", "service", "values", "expected"),
    [
        (
            "gemini_cli.token.usage", "gemini-cli", {"input": 100, "output": 10, "thought": 5, "cache": 40, "tool": 3},
            {UNCACHED: 63, READ: 40, OUTPUT: 15, REASONING: 5},
        ),
        (
            "codex.turn.token_usage", "codex_cli_rs",
            {"input": 100, "cached_input": 40, "output": 10, "reasoning_output": 5, "total": 110},
            {UNCACHED: 60, READ: 40, OUTPUT: 10, REASONING: 5},
        ),
        ("gen_ai.client.token.usage", "bot", {"input": 7, "output": 3}, {UNCACHED: 7, OUTPUT: 3}),
        ("gen_ai.client.token.usage", "gemini-cli", {"input": 7}, None),
        ("claude_code.session.count", "claude-code", {"input": 7}, None),
    ],
)  # fmt: skip
def test_counters(
    tmp_path: Path, name: str, service: str, values: dict[str, int], expected: dict[str, int] | None
) -> None:
    """Each counter's types become disjoint classes; a tool's own counter goes before the convention's."""
    points = [point({"type": kind, "model": "m"}, value) for kind, value in values.items()]
    found = read(tmp_path, metrics(counter(name, *points), service=service))
    counts = [{key: value for key, value in row.items() if key.endswith("_tokens")} for row in found]
    assert counts == ([] if expected is None else [expected])


def test_histogram(tmp_path: Path) -> None:
    """Sums of a histogram are tokens, and their number is that of the requests."""
    points = [
        {**point({"gen_ai.token.type": kind, "gen_ai.request.model": "gpt-5.2"}, 0), "sum": total, "count": "4"}
        for kind, total in (("input", 900), ("output", 80))
    ]
    data = [{key: value for key, value in item.items() if key != "asDouble"} for item in points]
    metric = {"name": "gen_ai.client.token.usage", "histogram": {"aggregationTemporality": 2, "dataPoints": data}}
    (row,) = read(tmp_path, metrics(metric, service="bot"))
    assert (row["requests"], row["uncached_input_tokens"], row["output_tokens"]) == (4, 900, 80)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([claude(0, 60, FOUR)], "otlp-metrics"),
        ([claude(0, 60, FOUR), logs(log({}))], "otlp"),
        ([spans(span({})), claude(0, 60, FOUR)], "otlp"),
    ],
)
def test_a_file_counts_by_one_signal(tmp_path: Path, lines: list[Object], expected: str) -> None:
    """Metrics beside traces or logs are left to those."""
    head = Head(str(write_lines(tmp_path / "otlp.jsonl", *lines)))
    found = [source.name for source in sources().values() if source.name.startswith("otlp") and source.detect(head)]  # type: ignore[union-attr]
    assert found == [expected]
    assert SOURCE.detect(head) is (expected == "otlp-metrics")


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 9)), min_size=1, max_size=9), st.randoms(), st.booleans())
def test_order_and_repetition(intervals: list[tuple[int, int]], shuffler: random.Random, cumulative: bool) -> None:  # noqa: FBT001
    """Delta counters give the sum over intervals, cumulative ones the largest value, in any order."""
    values = {end: max(value for other, value in intervals if other == end) for end, _ in intervals}
    temporality = 2 if cumulative else 1
    lines = [
        claude(0 if cumulative else end * 60 - 60, end * 60, {"input": value}, temporality) for end, value in intervals
    ]
    lines += lines
    shuffler.shuffle(lines)
    folded = _events.Folded()
    for row in rows(lines, None):
        folded.add(_events.checked(row), 1)
    expected = max(values.values()) if cumulative else sum(values.values())
    assert sum(row["uncached_input_tokens"] for row in folded.rows.values()) == expected
