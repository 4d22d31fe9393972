"""What `doctor` measures of each source, on examples worked out by hand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenaudit.cli.main import run
from tokenaudit.ingest.run import ingest
from tokenaudit.reports.rejected import by_reason, stable
from tokenaudit.reports.retention import deletion
from tokenaudit.sources import by_name
from tokenaudit.store.catalog import Catalog, FileEntry, RejectEntry

HEADER = "charge_period_start,request_model,output_tokens,response_id,user\n"
NOW = ("--as-of", "2026-10-14")


def told(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, dict[str, Any]]:
    """Return the sources of ``doctor --format json`` by name."""
    assert run(["doctor", "--store", str(folder / "store"), "--no-config", "-f", "json", *NOW, *more]) == 0
    return {row["source"]: row for row in json.loads(capsys.readouterr().out)["sources"]}


def usage(folder: Path, name: str, *lines: str) -> None:
    """Write a file of canonical rows and read it into the folder's store."""
    path = folder / name
    path.write_text(HEADER + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    ingest([str(path)], folder / "store")


def test_a_source_in_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Five rows on four days, of which two files share one; a bad line; one model and two users unknown."""
    usage(
        tmp_path,
        "a.csv",
        "2026-10-05T10:00:00Z,claude-opus-5-5,100,r1,alice",
        "2026-10-06T10:00:00Z,no-such-model,300,r2,alice",
        "2026-10-06T10:00:00Z,claude-opus-5-5,many,r3,alice",
        "2026-10-09T10:00:00Z,claude-opus-5-5,100,,",
    )
    usage(
        tmp_path,
        "b.csv",
        "2026-10-05T10:00:00Z,claude-opus-5-5,100,r1,alice",
        "2026-10-12T10:00:00Z,claude-opus-5-5,500,,",
    )
    row = told(tmp_path, capsys)["usage"]
    (refused,) = row.pop("rejected_by_reason")

    assert (refused["lines"], refused["files"], refused["example"]["line"]) == (1, 1, 4)
    assert row == {
        "source": "usage",
        "files": 2,
        "files_without_usage": 0,
        "rows": 4,
        "tokens": 1000,
        "duplicates": 1,
        "merged": 0,
        "rejected": 1,
        "placeholder_share": 0,
        "without_response_id_share": 0.5,
        "unpriced_requests": 1,
        "unpriced_tokens": 300,
        "unpriced_share": 0.3,
        "unattributed_share": 0.5,
        "without_project_share": 1,
        "forks": None,
        "forks_without_parent": None,
        "first": "2026-10-05T10:00:00Z",
        "newest": "2026-10-12T10:00:00Z",
        "age_days": 2,
        "days_without_data": 4,
        "weekdays_without_data": 2,
        "gaps": [
            {"first": "2026-10-07", "last": "2026-10-08", "days": 2, "weekdays": 2},
            {"first": "2026-10-10", "last": "2026-10-11", "days": 2, "weekdays": 0},
        ],
        "retention": None,
    }


def test_placeholders_and_files_without_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One of two responses was never finished; a log of a prompt alone holds no usage."""
    logs = tmp_path / "logs"
    logs.mkdir()
    lines = [reply("msg_1", "end_turn"), reply("msg_2", None)]
    (logs / "s1.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (logs / "s2.jsonl").write_text('{"type":"user","sessionId":"s2","message":{"role":"user","content":"hello"}}\n')
    ingest([str(logs)], tmp_path / "store")
    row = told(tmp_path, capsys)["claude-code"]

    assert (row["files"], row["files_without_usage"], row["placeholder_share"]) == (2, 1, 0.5)
    assert row["without_response_id_share"] is None


def reply(name: str, reason: str | None) -> dict[str, Any]:
    """Return a line of a Claude Code response."""
    counts = {"input_tokens": 10, "output_tokens": 5}
    message: dict[str, Any] = {"id": name, "model": "claude-opus-5-5", "content": [], "stop_reason": reason}
    line = {"type": "assistant", "timestamp": "2026-10-05T10:00:00.000Z", "sessionId": "s1", "cwd": "/src/shop"}
    return {**line, "requestId": "req", "uuid": name, "message": {**message, "usage": counts}}


def rollout(folder: Path, thread: str, *parents: str) -> None:
    """Write a Codex log of one turn that begins with copies of its parents' first lines."""
    metas = [
        {"type": "session_meta", "payload": {"id": own, **({"forked_from_id": parent} if parent else {})}}
        for own, parent in zip((thread, *parents), (*parents, None), strict=True)
    ]
    counts = {"input_tokens": 10, "cached_input_tokens": 0, "output_tokens": len(thread), "total_tokens": 20}
    info = {"total_token_usage": counts, "last_token_usage": counts}
    event = {
        "type": "event_msg",
        "timestamp": "2026-10-05T10:00:00.000Z",
        "payload": {"type": "token_count", "info": info},
    }
    text = "".join(f"{json.dumps(line)}\n" for line in (*metas, event))
    (folder / f"rollout-{thread}.jsonl").write_text(text)


def test_forks_whose_first_log_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Forks of a thread that was read are whole; one of a thread that was not lacks its parent."""
    logs = tmp_path / "logs"
    logs.mkdir()
    rollout(logs, "first")
    rollout(logs, "second", "first")
    rollout(logs, "third", "second", "first")
    rollout(logs, "fourth", "unknown")
    ingest([str(logs)], tmp_path / "store")
    row = told(tmp_path, capsys)["codex"]

    assert (row["forks"], row["forks_without_parent"]) == (3, 1)


def entry(path: Path) -> FileEntry:
    """Return what the ledger holds of a file that was just read."""
    stat = path.stat()
    return FileEntry(
        str(path), 1, "claude-code", 1, stat.st_ino, stat.st_size, stat.st_mtime_ns, 0, 0, "", "", "", 1, 0, 0, ""
    )


def aged(path: Path, day: str) -> Path:
    """Write a log that was last changed on a day."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}\n")
    noon = datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()
    os.utime(path, (noon, noon))
    return path


def test_logs_that_are_about_to_go(isolated: Path) -> None:
    """Thirty days after its last change a log goes: on 14 October all unread ones of up to 21 September are at risk."""
    projects = isolated / ".claude" / "projects" / "shop"
    read = aged(projects / "read.jsonl", "2026-09-10")
    old, edge = aged(projects / "old.jsonl", "2026-09-01"), aged(projects / "edge.jsonl", "2026-09-21")
    aged(projects / "late.jsonl", "2026-09-22")
    aged(projects / "notes.md", "2026-09-01")
    source, today = by_name("claude-code"), date(2026, 10, 14)
    found = deletion(source, {str(read): entry(read)}, today)

    assert found is not None
    assert (found.days, found.settings, found.files, found.unread, found.soon) == (30, (), 4, 3, 2)
    assert (found.first, found.examples) == (date(2026, 10, 1), (str(old), str(edge)))

    (isolated / ".claude" / "settings.json").write_text('{"cleanupPeriodDays": 365}')
    longer = deletion(source, {}, today)
    assert longer is not None
    assert (longer.days, longer.soon, longer.first) == (365, 0, date(2027, 9, 1))
    assert longer.settings == (str(isolated / ".claude" / "settings.json"),)


def test_a_changed_file_is_unread(isolated: Path) -> None:
    """What was added to a log since it was read is lost with it."""
    path = aged(isolated / ".claude" / "projects" / "shop" / "s1.jsonl", "2026-09-10")
    before = entry(path)
    path.write_text("{}\n{}\n")
    found = deletion(by_name("claude-code"), {str(path): before}, date(2026, 10, 14))

    assert found is not None
    assert found.unread == 1


@pytest.mark.parametrize(
    ("settings", "days"),
    [
        ("{}", 30),
        ("not JSON", 30),
        ('{"general": {"sessionRetention": {"maxAge": "2w"}}}', 14),
        ('{"general": {"sessionRetention": {"maxAge": "soon"}}}', 30),
        ('{"general": {"sessionRetention": {"enabled": false, "maxAge": "2w"}}}', None),
    ],
)
def test_settings_of_gemini(isolated: Path, settings: str, days: int | None) -> None:
    """Its age is a text with a unit, and it can be switched off."""
    aged(isolated / ".gemini" / "tmp" / "p" / "chats" / "session-1.json", "2026-09-01")
    (isolated / ".gemini" / "settings.json").write_text(settings)
    found = deletion(by_name("gemini-cli"), {}, date(2026, 10, 14))

    assert found is not None
    assert (found.days, found.unread, found.soon) == (days, 1, 0 if days is None else 1)


def test_doctor_warns_of_logs_that_nobody_read(
    isolated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even of a source of which the store holds nothing."""
    log = aged(isolated / ".claude" / "projects" / "shop" / "s1.jsonl", "2026-09-20")
    usage(tmp_path, "a.csv", "2026-10-05T10:00:00Z,claude-opus-5-5,100,r1,alice")
    assert run(["doctor", "--store", str(tmp_path / "store"), *NOW]) == 0
    text = capsys.readouterr().out

    assert f"1 file not read yet go within 7 days, such as {log}" in text
    assert "its tool deletes files 30 days after their last change; run `tokenaudit ingest`" in text


def test_sources_without_retention_are_not_looked_at(isolated: Path) -> None:
    """Codex keeps its logs."""
    aged(isolated / ".codex" / "sessions" / "rollout-1.jsonl", "2020-01-01")
    assert deletion(by_name("codex"), {}, date(2026, 10, 14)) is None


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("`tokens` is no number: `x`", "`tokens` is no number"),
        ("torn line: no closing brace", "torn line"),
        ("cached and cache-write tokens (4 + 5) exceed input tokens (3)", "cached and cache-write tokens"),
        ("7 of them", "7 of them"),
    ],
)
def test_the_stable_part_of_a_reason(reason: str, expected: str) -> None:
    """It ends before the first value; a reason that begins with one stays whole."""
    assert stable(reason) == expected


def refusals(found: Iterable[tuple[str, int, str]]) -> list[RejectEntry]:
    """Return lines that were refused."""
    return [RejectEntry(path, line, 0, reason) for path, line, reason in found]


REASONS = st.sampled_from(["torn line: a", "torn line: b", "not JSON: 3", "`x` is blank"])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9), REASONS), unique=True), st.randoms())
def test_reasons_do_not_depend_on_the_order(found: list[tuple[str, int, str]], random: Any) -> None:
    """Every line is in one group; the order in which they come changes nothing."""
    rejects = refusals(found)
    shuffled = random.sample(rejects, len(rejects))

    assert by_reason(shuffled) == by_reason(rejects)
    assert sum(group.lines for group in by_reason(rejects)) == len(rejects)


def test_rejects_stay_with_their_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line of one source is not counted at another."""
    usage(tmp_path, "a.csv", "2026-10-05T10:00:00Z,claude-opus-5-5,many,r1,alice")
    (tmp_path / "s1.jsonl").write_text(f"{json.dumps(reply('msg_1', 'end_turn'))}\n{{torn\n")
    ingest([str(tmp_path / "s1.jsonl")], tmp_path / "store")
    found = told(tmp_path, capsys)

    assert (found["usage"]["rejected"], found["claude-code"]["rejected"]) == (1, 1)
    catalog = Catalog.open(tmp_path / "store")
    assert len(catalog.rejects()) == 2
    catalog.close()
