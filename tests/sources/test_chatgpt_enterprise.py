"""ChatGPT's user report: seats and messages, and nothing that counts."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tokenaudit import schema
from tokenaudit.ingest.run import ingest
from tokenaudit.sources import detect
from tokenaudit.sources.chatgpt_enterprise import SOURCE
from tokenaudit.sources.head import Head
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from tests.sources.conftest import ReadFile, ReadText

OF_2025 = (
    "cadence,period_start,period_end,account_id,public_id,name,email,role,user_role,department,groups,user_status,"
    "created_or_invited_date,is_active,first_day_active_in_period,last_day_active_in_period,messages,messages_rank,"
    "model_to_messages,gpt_messages,gpts_messaged,gpt_to_messages,tool_messages,tools_messaged,tool_to_messages,"
    "project_messages,projects_messaged,project_to_messages,projects_created,last_day_active"
)
OF_2026 = f"{OF_2025},credits_used"
CELLS = {
    "cadence": "Weekly", "period_start": "2026-10-05", "period_end": "2026-10-11", "account_id": "a", "public_id": "u1",
    "name": "SECRET", "email": "ann@example.com", "user_role": "standard-user", "department": '["legal"]',
    "groups": "{'SECRET': 1}", "user_status": "enabled", "is_active": "1", "messages": "42",
    "model_to_messages": "{'gpt-5': 30, 'o3': 12}", "gpt_to_messages": "{'SECRET': 2}", "credits_used": "1.5",
}  # fmt: skip


def report(*rows: dict[str, str], header: str = OF_2026) -> str:
    """Return a file of the row above with what each row changes."""
    quoted = [
        ",".join(
            f'"{(CELLS | row).get(name, "")}"'.replace('["', '[""').replace('"]', '""]') for name in header.split(",")
        )
        for row in rows or ({},)
    ]
    return "\n".join([header, *quoted]) + "\n"


def tags(row: dict[str, Any]) -> dict[str, str]:
    """Return the labels of a row."""
    return dict(json.loads(row["tags"]))


@pytest.mark.parametrize("header", [OF_2025, OF_2026])
def test_headers(read_text: ReadText, tmp_path: Path, header: str) -> None:
    """Both generations are recognised; the row counts nothing and is covered by the plan."""
    (tmp_path / "report.csv").write_text(report(header=header))
    row = read_text(SOURCE, report(header=header)).row()

    assert detect(Head(str(tmp_path / "report.csv"))) is SOURCE
    assert not any(row[name] for name in schema.COUNTS)
    assert [row[name] for name in ("billed_cost", "list_cost", "reported_cost")] == [None] * 3
    assert (row["cost_basis"], row["user"], row["account"]) == ("included", "ann@example.com", "a")
    assert row["charge_period_start"] == datetime(2026, 10, 5, tzinfo=UTC)
    assert row["charge_period_end"] == datetime(2026, 10, 12, tzinfo=UTC)
    credits_used = {"credits_used": "1.5"} if header == OF_2026 else {}
    assert tags(row) == {
        "cadence": "Weekly", "role": "standard-user", "status": "enabled", "active": "1", "messages": "42",
        "messages_by_model": '{"gpt-5": 30, "o3": 12}', "department": "legal", **credits_used,
    }  # fmt: skip
    assert "SECRET" not in str(row)


@pytest.mark.parametrize(
    ("cell", "department"),
    [
        ('["legal"]', "legal"),
        ('["sales", "emea"]', "sales, emea"),
        ("['R&D', 'lab']", "R&D, lab"),
        ("legal", "legal"),
        ("[]", None),
        ("", None),
    ],
)
def test_department(read_text: ReadText, cell: str, department: str | None) -> None:
    """A list of departments is JSON, or as Python prints it, or bare."""
    text = report({"department": "@"}).replace("@", cell.replace('"', '""'))
    assert tags(read_text(SOURCE, text).row()).get("department") == department


def test_invited_people_have_no_messages_yet(read_text: ReadText) -> None:
    """Blank is unknown: no tag; nought is said."""
    blank = dict.fromkeys(("is_active", "messages", "model_to_messages", "credits_used", "department"), "")
    invited = tags(read_text(SOURCE, report({"user_status": "pending", **blank})).row())
    idle = tags(read_text(SOURCE, report({"messages": "0", "model_to_messages": "{}"})).row())

    assert invited == {"cadence": "Weekly", "role": "standard-user", "status": "pending"}
    assert (idle["messages"], "messages_by_model" in idle) == ("0", False)


@pytest.mark.parametrize(
    ("cadence", "grain"), [("Weekly", "period"), ("Monthly", "month"), ("Date Range", "period"), ("", "period")]
)
def test_cadence(read_text: ReadText, cadence: str, grain: str) -> None:
    """A month is a month, all else a period."""
    assert read_text(SOURCE, report({"cadence": cadence})).row()["granularity"] == grain


def test_what_cannot_be_placed(read_text: ReadText) -> None:
    """A row without a person or a period is rejected."""
    rows = [{"public_id": "", "email": ""}, {"period_end": ""}, {"period_start": "soon"}]
    assert [reject.reason for reject in read_text(SOURCE, report(*rows)).rejects] == [
        "no person",
        "no period",
        '"period_start" is not a date or time: "soon"',
    ]


def test_identity(read_text: ReadText) -> None:
    """A person's period is one thing whatever its name, role, status and counts; other periods are others."""
    same = [{}, {"messages": "50"}, {"email": "ann.b@example.com"}, {"user_status": "deleted"}, {"credits_used": "2"}]
    other = [
        {"public_id": "u2"}, {"cadence": "Monthly"}, {"period_start": "2026-10-04"}, {"period_end": "2026-10-12"},
        {"account_id": "b"},
    ]  # fmt: skip
    rows = read_text(SOURCE, report(*same, *other)).rows
    assert rows["response_id"].n_unique() == 1 + len(other)


def test_weeks_and_months_never_add_up(tmp_path: Path) -> None:
    """Every cadence of the same time, read in any number, is no token, no request and no cost."""
    cadences = [{"cadence": "Weekly"}, {"cadence": "Monthly", "period_end": "2026-10-31"}, {"cadence": "Date Range"}]
    for number, cadence in enumerate(cadences):
        (tmp_path / f"{number}.csv").write_text(report(cadence, {**cadence, "public_id": "u2"}))
    ingest([str(tmp_path)], tmp_path / "store")
    with Store.open(tmp_path / "store") as store:
        rows = store.usage().collect()

    assert rows.height == 6
    assert rows.select(schema.COUNTS).sum().row(0) == (0,) * len(schema.COUNTS)
    assert rows["billed_cost"].null_count() == rows.height


@pytest.mark.parametrize(("name", "height"), [("synthetic_monthly.csv", 5), ("synthetic_weekly.csv", 20)])
def test_shared_reports(shared: Path, read_file: ReadFile, name: str, height: int) -> None:
    """Files with the real header: one row for each person and period, messages as the cells say."""
    path = shared / "samples" / "exports" / "chatgpt_enterprise_user_report" / name
    with path.open(newline="") as file:
        stated = list(csv.DictReader(file))
    read = read_file(SOURCE, path)

    assert detect(Head(str(path))) is SOURCE
    assert (read.rejects, read.rows.height, len(stated)) == ([], height, height)
    assert [tags(row)["messages"] for row in read.rows.to_dicts()] == [row["messages"] for row in stated]
    assert read.rows["response_id"].n_unique() == height
