"""Counting once: what becomes of rows of one identity, and that order and repetition do not matter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain, permutations
from typing import Any

import polars as pl
import pytest

from tokenaudit import schema
from tokenaudit.store.resolve import BASE_THOUSANDTHS, fold, resolve, with_estimate

Row = dict[str, Any]
NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)
NO_RANKS = pl.DataFrame(schema=dict.fromkeys(("file_id", "covers_to", "rows", "digest"), pl.Int64))


def _frame(rows: Iterable[Row]) -> pl.DataFrame:
    base: Row = dict.fromkeys(schema.COUNTS, 0) | {
        "source": "log", "granularity": "request", "finalized": True, "batch": False, "merged": False, "blank": False,
        "origin_rank": 0, "charge_period_start": NOON, "requests": 1,
    }  # fmt: skip
    full = [{"line": n, **base, **row} for n, row in enumerate(rows, 1)]
    full = [{"charge_period_end": row["charge_period_start"], **row} for row in full]
    return with_estimate(pl.DataFrame(full, schema=schema.dtypes(), orient="row")).select(schema.NAMES)


def merged(*rows: Row) -> Row:
    """Return the row that sightings of one response become, in whatever order they come."""
    seen = []
    for order in permutations({"response_id": 1, "file_id": n, **row} for n, row in enumerate(rows, 1)):
        result = resolve(_frame(order).with_columns(line=pl.lit(1, pl.Int64)), NO_RANKS, set())
        seen.append(result.usage)
    assert all(usage.equals(seen[0]) for usage in seen)
    assert seen[0].height == 1
    return seen[0].row(0, named=True)


# -- largest ----------------------------------------------------------------------------------------------------------
def test_one_sighting_stands_as_it_is() -> None:
    """A response that one file holds is its row; nothing is kept aside."""
    rows = _frame([{"response_id": 1, "file_id": 1}, {"response_id": 2, "file_id": 1}])
    result = resolve(rows, NO_RANKS, set())

    assert result.usage.sort("response_id").equals(rows)
    assert result.superseded.is_empty()


def test_counts_are_the_largest() -> None:
    """Each count by itself, costs too; the earliest instant; fast and final where any says so."""
    row = merged(
        {"output_tokens": 5, "cache_read_input_tokens": 9, "reported_cost": Decimal("9.5"), "finalized": False},
        {"output_tokens": 7, "speed": "fast", "charge_period_start": NOON - timedelta(seconds=1)},
        {"uncached_input_tokens": 3, "speed": "standard", "reported_cost": Decimal(10)},
    )

    assert (row["uncached_input_tokens"], row["cache_read_input_tokens"], row["output_tokens"]) == (3, 9, 7)
    assert (row["speed"], row["finalized"], row["reported_cost"]) == ("fast", True, Decimal(10))
    assert row["charge_period_start"] == row["charge_period_end"] == NOON - timedelta(seconds=1)
    assert (row["merged"], row["requests"]) == (True, 1)


def test_the_closest_sighting_says_who_and_where() -> None:
    """The smallest rank first, then the earliest; who and where come from one row, together."""
    row = merged(
        {"origin_rank": 5, "session": "copy", "user": "ann", "charge_period_start": NOON - timedelta(days=1)},
        {"origin_rank": 1, "session": "late", "charge_period_start": NOON + timedelta(days=1)},
        {"origin_rank": 1, "session": "original", "project": "shop"},
    )

    assert (row["session"], row["project"], row["user"], row["origin_rank"]) == ("original", "shop", None, 1)


def test_ties_are_decided_by_the_values() -> None:
    """Equally near sightings are told apart by what they say, never by the order of ingest."""
    assert merged({"session": "b"}, {"session": "a"}, {"session": None})["session"] == "a"


def test_what_is_the_first_that_was_named() -> None:
    """A tier or model that the closest sighting leaves open comes from another."""
    row = merged(
        {"request_model": None, "service_tier": None},
        {"origin_rank": 1, "request_model": "claude-opus-5-5", "service_tier": "standard", "speed": "standard"},
    )

    assert (row["request_model"], row["service_tier"], row["speed"]) == ("claude-opus-5-5", "standard", "standard")


def test_a_file_that_grows_is_one_sighting() -> None:
    """Rows of one response from one file are folded, without a copy kept aside."""
    rows = _frame([{"response_id": 1, "file_id": 1, "output_tokens": n} for n in (1, 9, 4)])
    result = resolve(rows, NO_RANKS, set())

    assert result.usage["output_tokens"].to_list() == [9]
    assert result.usage["merged"].to_list() == [False]
    assert result.superseded.is_empty()


def test_all_sightings_of_a_merged_row_are_kept_aside() -> None:
    """So that a file can be forgotten again."""
    rows = _frame([{"response_id": 1, "file_id": n, "output_tokens": n} for n in (1, 2)])
    result = resolve(rows, NO_RANKS, set())

    assert result.superseded.sort("file_id").select("file_id", "output_tokens", "merged").rows() == [
        (1, 1, False), (2, 2, False),
    ]  # fmt: skip


def test_a_period_keeps_its_end() -> None:
    """Of rows that are no events the latest end stands."""
    ends = [NOON + timedelta(hours=n) for n in (1, 2)]
    row = merged(*({"granularity": "hour", "charge_period_end": end} for end in ends))

    assert (row["charge_period_start"], row["charge_period_end"]) == (NOON, ends[1])


# -- estimates --------------------------------------------------------------------------------------------------------
def part(name: int, thousandths: int) -> int:
    """Return a line's share of an estimate."""
    return name << 32 | thousandths


@pytest.mark.parametrize(
    ("output", "parts", "finalized", "expected"),
    [
        (5, None, True, 5),
        (5, None, False, 5),
        (5, [], False, 5),
        (5, [part(1, 10_000)], False, 66),
        (500, [part(1, 10_000)], False, 500),
        (5, [part(1, 10_000)], True, 5),
        (5, [part(1, 10_000), part(2, 10_000)], False, 76),
        (5, [part(1, 400)], False, 56),
        (5, [part(1, 2**31 - 1)], False, (2**31 - 1 + BASE_THOUSANDTHS + 500) // 1000),
    ],
)
def test_estimate(output: int, parts: list[int] | None, finalized: bool, expected: int) -> None:  # noqa: FBT001
    """The sum of the parts and the base, rounded; never below what was recorded; none for finished responses."""
    row = {"response_id": 1, "file_id": 1, "output_tokens": output, "output_parts": parts, "finalized": finalized}

    assert _frame([row])["estimated_output_tokens"].to_list() == [expected]


def test_parts_are_united() -> None:
    """A line that two files hold counts once in the estimate; a finished sighting makes it needless."""
    first, second = [part(1, 10_000), part(2, 10_000)], [part(2, 10_000), part(3, 10_000)]
    united = merged({"finalized": False, "output_parts": first}, {"finalized": False, "output_parts": second})
    finished = merged({"finalized": False, "output_parts": first}, {"output_tokens": 4})

    assert united["output_parts"] == [part(1, 10_000), part(2, 10_000), part(3, 10_000)]
    assert united["estimated_output_tokens"] == 86
    assert (finished["output_parts"], finished["estimated_output_tokens"]) == (None, 4)


# -- newest -----------------------------------------------------------------------------------------------------------
def bucket(file_id: int, *outputs: int, key: int = 1, **more: object) -> list[Row]:
    """Return the rows that a file has of a bucket."""
    row: Row = {"source": "export", "response_id": key, "file_id": file_id, **more}
    return [{**row, "line": n, "output_tokens": output} for n, output in enumerate(outputs, 1)]


def ranked(*versions: tuple[int, int, int]) -> pl.DataFrame:
    """Return the versions of files 1, 2, ...: covers to, rows, digest."""
    rows = [(n, *version) for n, version in enumerate(versions, 1)]
    return pl.DataFrame(rows, schema=NO_RANKS.schema, orient="row")


@pytest.mark.parametrize(
    ("versions", "winner"),
    [
        ([(9, 1, 1), (8, 5, 5)], 1),
        ([(9, 1, 9), (9, 2, 1)], 2),
        ([(9, 2, 1), (9, 2, 3)], 2),
        ([(9, 2, -1), (9, 2, -3)], 1),
        ([(1, 9, 9), (3, 1, 1), (2, 9, 9)], 2),
    ],
)
def test_the_newest_content_wins_whole(versions: list[tuple[int, int, int]], winner: int) -> None:
    """Greatest last instant covered, then more rows, then greater digest: of one bucket only that file's rows stand."""
    files = [bucket(n, n, n) for n in range(1, len(versions) + 1)]
    for order in permutations(files):
        result = resolve(_frame(chain.from_iterable(order)), ranked(*versions), {"export"})
        assert set(result.usage["file_id"]) == {winner}
        assert result.usage["output_tokens"].to_list() == [winner, winner]
        assert result.superseded.height == 2 * len(versions) - 2


def test_buckets_are_replaced_one_by_one() -> None:
    """A newer file that does not hold a bucket leaves the older file's."""
    rows = _frame([*bucket(1, 5, 6, key=1), *bucket(1, 7, key=2), *bucket(2, 8, key=1)])
    result = resolve(rows, ranked((1, 9, 9), (2, 1, 1)), {"export"})

    assert result.usage.sort("response_id").select("response_id", "output_tokens").rows() == [(1, 8), (2, 7)]


def test_equal_rows_of_one_line_all_count() -> None:
    """An API page is one line, and holds whole buckets."""
    rows = _frame([*bucket(1, 5, 5, 6), *bucket(2, 7)]).with_columns(line=pl.lit(1, pl.Int64))
    result = resolve(rows, ranked((2, 3, 1), (1, 3, 1)), {"export"})

    assert sorted(result.usage["output_tokens"]) == [5, 5, 6]
    assert result.superseded["output_tokens"].to_list() == [7]


def test_an_empty_bucket_replaces_an_older_one() -> None:
    """A newer file that declares a bucket empty leaves it empty."""
    rows = _frame([*bucket(1, 5), *bucket(2, 0, blank=True)])
    result = resolve(rows, ranked((1, 9, 9), (2, 0, 0)), {"export"})

    assert result.usage["blank"].to_list() == [True]


def test_both_rules_at_once() -> None:
    """Sources of both kinds are resolved side by side."""
    rows = _frame([*bucket(1, 5), *bucket(2, 6), *({"response_id": 9, "file_id": n} for n in (1, 2))])
    result = resolve(rows, ranked((1, 1, 1), (2, 1, 1)), {"export"})

    assert sorted(result.usage["response_id"]) == [1, 9]
    assert result.superseded.height == 3


def test_fold_leaves_single_rows_alone() -> None:
    """Rows without a double, and no rows at all, come back as they are."""
    rows = _frame([{"response_id": n, "file_id": 1} for n in range(3)])

    assert fold(rows, by=("response_id",)).equals(rows)
    assert fold(rows.head(0), by=("response_id",)).is_empty()


def test_estimates_give_way_to_reported_counts() -> None:
    """The largest of what was reported, whatever was estimated from text; without any the largest estimate."""
    guess = {"output_tokens": 500, "uncached_input_tokens": 9, "tokens_basis": "estimated"}
    row = merged(guess, {"output_tokens": 90}, {"output_tokens": 100, "tokens_basis": "reported"})

    assert (row["output_tokens"], row["uncached_input_tokens"], row["tokens_basis"]) == (100, 0, "reported")
    assert row["estimated_output_tokens"] == 100
    more = merged(guess, {**guess, "output_tokens": 600})
    assert (more["output_tokens"], more["tokens_basis"]) == (600, "estimated")
