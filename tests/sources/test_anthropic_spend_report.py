"""Claude spend reports: a period that only the file's name tells, classes that are parts of a total, net and gross."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.conftest import lab
from tokenaudit.sources import detect
from tokenaudit.sources.anthropic_spend_report import SOURCE
from tokenaudit.sources.head import Head

if TYPE_CHECKING:
    from tests.sources.conftest import Read, ReadFile

SHORT = (
    "user_email,account_uuid,product,model,total_requests,total_prompt_tokens,total_completion_tokens,"
    "total_net_spend_usd,total_gross_spend_usd"
)
LONGER = f"{SHORT},user_id,total_web_search_count"
FULL = (
    f"{SHORT},user_id,total_uncached_input_tokens,total_cache_read_tokens,total_cache_write_5m_tokens,"
    "total_cache_write_1h_tokens,total_web_search_count,slack_channel_id,teams_channel_id"
)
CELLS = {
    "user_email": "ann@example.com", "account_uuid": "a-1", "product": "Claude Code", "model": "claude-opus-5-5",
    "total_requests": "12", "total_prompt_tokens": "1110", "total_completion_tokens": "20",
    "total_net_spend_usd": "1.25", "total_gross_spend_usd": '"1,000.50"', "user_id": "user_1",
    "total_uncached_input_tokens": "100", "total_cache_read_tokens": "900", "total_cache_write_5m_tokens": "70",
    "total_cache_write_1h_tokens": "40", "total_web_search_count": "3", "slack_channel_id": "C1",
    "teams_channel_id": "",
}  # fmt: skip
CLASSES = (
    "uncached_input_tokens", "cache_read_input_tokens", "cache_creation_5m_input_tokens",
    "cache_creation_1h_input_tokens", "output_tokens",
)  # fmt: skip
OCTOBER = "spend-report-0a1b-2026-10-01-to-2026-10-31.csv"


def report(header: str = FULL, *rows: dict[str, str]) -> str:
    """Return a file of the row above with what each row changes."""
    return "\n".join([header, *(",".join((CELLS | row)[name] for name in header.split(",")) for row in rows or ({},))])


def read(read_file: ReadFile, folder: Path, text: str, name: str = OCTOBER) -> Read:
    """Read a report of that name."""
    (folder / name).write_text(text, encoding="utf-8")
    return read_file(SOURCE, folder / name)


def test_full_header(read_file: ReadFile, tmp_path: Path) -> None:
    """The prompt is the sum of four classes; net is billed, gross is the list price."""
    found = read(read_file, tmp_path, report())
    row = found.row()

    assert detect(Head(str(tmp_path / OCTOBER))) is SOURCE
    assert [row[name] for name in CLASSES] == [100, 900, 70, 40, 20]
    assert (row["requests"], row["web_search_requests"], row["tokens_basis"]) == (12, 3, "reported")
    assert (row["billed_cost"], row["list_cost"]) == (Decimal("1.25"), Decimal("1000.50"))
    assert (row["cost_basis"], row["granularity"], row["account"]) == ("billed", "period", "0a1b")
    assert (row["user"], row["request_model"]) == ("ann@example.com", "claude-opus-5-5")
    assert row["tags"] == '{"product":"Claude Code","slack_channel":"C1"}'


@pytest.mark.parametrize("header", [SHORT, LONGER])
def test_short_headers(read_file: ReadFile, tmp_path: Path, header: str) -> None:
    """Only the total of the prompt is known: it counts as uncached input, and says that this is a guess."""
    row = read(read_file, tmp_path, report(header)).row()

    assert [row[name] for name in CLASSES] == [1110, 0, 0, 0, 20]
    assert (row["tokens_basis"], row["web_search_requests"]) == ("estimated", 3 if header == LONGER else 0)


@pytest.mark.parametrize(
    ("prompt", "uncached", "tokens"),
    [("1110", "100", 100), ("1110", "", 100), ("", "100", 100), ("1200", "100", 190), ("1100", "100", None)],
)
def test_classes_add_up_to_the_prompt(
    read_file: ReadFile, tmp_path: Path, prompt: str, uncached: str, tokens: int | None
) -> None:
    """What no class names is uncached input; classes of more than the whole cannot be."""
    cells = {"total_prompt_tokens": prompt, "total_uncached_input_tokens": uncached}
    found = read(read_file, tmp_path, report(FULL, cells))

    assert found.row().get("uncached_input_tokens") == tokens
    assert [item.reason for item in found.rejects] == (
        [] if tokens else ["total_prompt_tokens is less than the sum of its parts"]
    )


@pytest.mark.parametrize(
    ("net", "gross", "basis"),
    [("0", "1.5", "included"), ("0", "0", "billed"), ("0.25", "1.5", "billed"), ("", "1.5", None)],
)
def test_what_the_plan_covers(read_file: ReadFile, tmp_path: Path, net: str, gross: str, basis: str | None) -> None:
    """Nothing to pay of something is covered; a blank amount is no zero."""
    row = read(read_file, tmp_path, report(FULL, {"total_net_spend_usd": net, "total_gross_spend_usd": gross})).row()

    assert (row["cost_basis"], row["billed_cost"]) == (basis, Decimal(net) if net else None)


def test_usage_of_nobody(read_file: ReadFile, tmp_path: Path) -> None:
    """The organisation's own usage has neither person nor model, nor tokens, and its spend counts."""
    line = "(org service usage),(org service),(other),,0.0,,,3.75,3.75,,,,,,,,"
    row = read(read_file, tmp_path, f"{FULL}\n{line}\n").row()

    assert (row["user"], row["request_model"], row["requests"]) == (None, None, 0)
    assert (row["billed_cost"], row["tags"], row["tokens_basis"]) == (
        Decimal("3.75"), '{"product":"(other)"}', "reported",
    )  # fmt: skip


def test_channels_are_rows_of_their_own(read_file: ReadFile, tmp_path: Path) -> None:
    """Equal rows, and rows that differ in the channel only, all count."""
    found = read(read_file, tmp_path, report(FULL, {}, {"slack_channel_id": "C2"}, {}))

    assert (found.rows.height, found.rows["billed_cost"].sum()) == (3, Decimal("3.75"))
    assert found.rows["response_id"].n_unique() == 1


@pytest.mark.parametrize(
    ("name", "start", "end", "account"),
    [
        (OCTOBER, (2026, 10, 1), (2026, 11, 1), "0a1b"),
        ("3-Spend-Report-0a1b-2026-03-26-to-2026-06-24 (1).csv", (2026, 3, 26), (2026, 6, 25), "0a1b"),
        ("spend_report_2026_10_01_to_2026_10_01.csv", (2026, 10, 1), (2026, 10, 2), None),
        ("spend-report-2026-12.csv", (2026, 12, 1), (2027, 1, 1), None),
        ("2026-02 claude.csv", (2026, 2, 1), (2026, 3, 1), None),
    ],
)
def test_period_of_the_name(
    read_file: ReadFile, tmp_path: Path, name: str, start: tuple[int, int, int], end: tuple[int, int, int],
    account: str | None,
) -> None:  # fmt: skip
    """Both days of a range are part of it; a month is whole."""
    row = read(read_file, tmp_path, report(), name).row()

    assert row["charge_period_start"] == datetime(*start, tzinfo=UTC)
    assert row["charge_period_end"] == datetime(*end, tzinfo=UTC)
    assert row["account"] == account


@pytest.mark.parametrize(
    "name",
    ["report.csv", "spend-report-2026-10-31-to-2026-10-01.csv", "2026-10-05.csv", "2026-02-30-to-2026-03-01.csv"],
)
def test_no_period(read_file: ReadFile, tmp_path: Path, name: str) -> None:
    """A name that tells no period, or an impossible one, rejects every row with the way out."""
    found = read(read_file, tmp_path, report(FULL, {}, {}), name)

    assert found.rows.height == 0
    assert [item.line for item in found.rejects] == [2, 3]
    assert {item.reason for item in found.rejects} == {
        "no period: put it into the file's name, such as spend-report-2026-10-01-to-2026-10-31.csv"
    }


DOWNLOADS = {
    "spend-report-org1-2026-10-01-to-2026-10-10.csv": report(FULL, {"total_net_spend_usd": "1"}),
    "spend-report-org1-2026-10-01-to-2026-10-31.csv": report(
        FULL, {"total_net_spend_usd": "4"}, {"user_email": "bob@example.com", "total_net_spend_usd": "2"}
    ),
    "spend-report-org1-2026-11-01-to-2026-11-30.csv": report(FULL, {"total_net_spend_usd": "8"}),
    "spend-report-org2-2026-10-01-to-2026-10-31.csv": report(SHORT, {"total_net_spend_usd": "16"}),
}


@settings(max_examples=6)
@given(st.permutations([*DOWNLOADS, *DOWNLOADS]))
def test_the_report_that_reaches_further_stands(names: list[str]) -> None:
    """A month that was downloaded as it grew counts once, in any order and however often; all else adds up."""
    with lab() as made:
        for name, text in DOWNLOADS.items():
            made.add(name, text)
        for name in names:
            made.ingest(name)
        assert sum(row["billed_cost"] for row in made.rows()) == 4 + 2 + 8 + 16


def test_overlapping_periods_both_count(read_file: ReadFile) -> None:
    """Reports that overlap and begin on different days are different things: nothing in a row could tell them apart."""
    with TemporaryDirectory() as folder:
        names = ("spend-report-o-2026-09-15-to-2026-10-14.csv", "spend-report-o-2026-10-01-to-2026-10-31.csv")
        found = [read(read_file, Path(folder), report(), name).rows for name in names]

    assert pl.concat(found)["response_id"].n_unique() == 2


def test_real_header(shared: Path, read_file: ReadFile, tmp_path: Path) -> None:
    """The column order of real exports: rejected under its own name, whole once the name tells the period."""
    path = shared / "samples" / "exports" / "anthropic_enterprise_spend_report" / "spend_report_schema_only.csv"
    found = read(read_file, tmp_path, path.read_text(encoding="utf-8"))

    assert detect(Head(str(path))) is SOURCE
    assert (read_file(SOURCE, path).rows.height, len(read_file(SOURCE, path).rejects)) == (0, 2)
    assert found.rejects == []
    assert found.rows.select(CLASSES).sum().row(0) == (120_000, 900_000, 100_000, 0, 21_000)
    assert (found.rows["billed_cost"].sum(), found.rows["list_cost"].sum()) == (0, Decimal("1000.50"))
