"""The org map from the command line: reports by team, one person under two names, what is suggested and checked."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import tokenaudit
from tokenaudit.cli.main import run
from tokenaudit.ingest.owners import Naming
from tokenaudit.ingest.run import ingest

MODEL = "claude-opus-5-5"
MAP = """
[[org.team]]
name = "eng"
[[org.team]]
name = "web"
parent = "eng"
[[org.person]]
user = "alice@example.com"
aliases = ["alice"]
team = "web"
"""


@pytest.fixture
def store(isolated: Path) -> Path:
    """Return a store in which a log of `alice` and a gateway's log of `alice@example.com` tell of the same call."""
    (isolated / "log").mkdir()
    message = {
        "id": "msg_1", "model": MODEL, "stop_reason": "end_turn", "content": [],
        "usage": {"input_tokens": 1000, "output_tokens": 100},
    }  # fmt: skip
    line = {"type": "assistant", "timestamp": "2026-10-05T10:00:00.000Z", "sessionId": "s", "cwd": "/src/shop",
            "requestId": "r", "uuid": "u", "message": message}  # fmt: skip
    (isolated / "log" / "s.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    usage = {"prompt_tokens": 1000, "completion_tokens": 100}
    spend = {
        "request_id": "g1", "call_type": "acompletion", "api_key": "hash", "spend": 0.0075, "total_tokens": 1100,
        **usage, "startTime": "2026-10-05T10:00:00Z", "endTime": "2026-10-05T10:00:01Z", "model": MODEL,
        "user": "alice@example.com", "custom_llm_provider": "anthropic", "metadata": {}, "cache_hit": "False",
    }  # fmt: skip
    (isolated / "spend.json").write_text(json.dumps([spend]), encoding="utf-8")
    ingest([str(isolated / "log")], isolated / "store", naming=Naming("alice"))
    summary = ingest([str(isolated / "spend.json")], isolated / "store")
    assert [item.source for item in summary.files] == ["litellm-spend-logs"]
    return isolated / "store"


def report(capsys: pytest.CaptureFixture[str], store: Path, *words: str) -> Any:
    """Return a report as JSON."""
    assert run(["report", "--store", str(store), "--period", "2026-10", "-f", "json", "-q", *words]) == 0
    return json.loads(capsys.readouterr().out, parse_float=Decimal)


def test_two_names_of_one_person_count_once(store: Path, isolated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A call that a log and a gateway tell of is one call once the map says that both names are one person's."""
    both = report(capsys, store, "--by", "user")
    assert both["totals"]["total_tokens"] == 2200
    (isolated / "tokenaudit.toml").write_text(MAP, encoding="utf-8")
    once = report(capsys, store, "--by", "user,team")
    assert [(row["user"], row["team"], row["total_tokens"]) for row in once["rows"]] == [
        ("alice@example.com", "web", 1100)
    ]
    for by in ("model", "source", "day", "team", "session"):
        assert report(capsys, store, "--by", by)["totals"] == once["totals"], by
    for where in ("team=eng", "user=alice", "user=ALICE@example.com", "user!="):
        assert report(capsys, store, "--by", "model", "--where", where)["totals"] == once["totals"], where
    assert once["totals"]["effective_cost"] == both["totals"]["effective_cost"] / 2


def test_an_unknown_team_is_an_error(store: Path, isolated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A slip of the pen must not read as no spend."""
    (isolated / "tokenaudit.toml").write_text(MAP, encoding="utf-8")
    assert run(["report", "--store", str(store), "--where", "team=wbe"]) == 2
    assert capsys.readouterr().err == "error: unknown team `wbe`\n\nhint: did you mean `web`?\n"


def test_without_a_map_nothing_of_it_is_loaded(store: Path, root: Path) -> None:
    """A report starts as quickly as ever for those who have no org map."""
    arguments = ["report", "--store", str(store), "--period", "2026-10", "-f", "csv", "-q"]
    code = f"import sys\nfrom tokenaudit.cli.main import run\nrun({arguments!r})\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    loaded = {name for name in done.stderr.split() if name.startswith("tokenaudit.")}
    assert "tokenaudit.analysis.cube" in loaded
    assert not {name for name in loaded if name.startswith("tokenaudit.org") or name == "tokenaudit.analysis.lens"}


def test_frames_have_the_names_of_the_map(store: Path, isolated: Path) -> None:
    """From Python, usage and charges name people as reports do."""
    project = '[[org.project]]\nname = "web-shop"\naliases = ["shop"]\n'
    (isolated / "tokenaudit.toml").write_text(MAP + project, encoding="utf-8")
    with tokenaudit.open_store(store) as opened:
        assert set(opened.usage().collect()["project"].cast(str)) == {"web-shop", None}
        assert opened.usage().collect()["user"].cast(str).to_list() == ["alice@example.com"] * 2
        assert opened.charges().collect()["user"].cast(str).to_list() == ["alice@example.com"] * 2
        spend = opened.spend(by=("team",))
        assert spend.select("team", "total_tokens").rows() == [("web", 1100)]


@pytest.mark.parametrize("user", ["alice", "alice@example.com", "Alice"])
def test_plans_know_all_names_of_a_person(
    store: Path, isolated: Path, capsys: pytest.CaptureFixture[str], user: str
) -> None:
    """A plan of one name covers the logs of the other, and is left alone by the gateway's."""
    plan = f'[[plan]]\nsource = "claude-code"\nuser = "{user}"\n'
    (isolated / "tokenaudit.toml").write_text(MAP + plan, encoding="utf-8")
    found = report(capsys, store, "--by", "source,cost_basis", "--keep", "litellm-spend-logs")
    assert [(row["source"], row["cost_basis"]) for row in found["rows"]] == [
        ("litellm-spend-logs", "list"),
        ("claude-code", "included"),
    ]


def test_tables_say_what_has_no_team(store: Path, isolated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """People read `(unallocated)`, and how much that is; machines get null. A direct cost reads `(direct)`."""
    seats = '[[allocation]]\nname = "rest"\nwhere = { user = "nobody" }\n'
    (isolated / "tokenaudit.toml").write_text(MAP.replace('"alice"', '"al"') + seats, encoding="utf-8")
    assert run(["report", "--store", str(store), "--period", "2026-10", "--by", "team,allocation"]) == 0
    out = capsys.readouterr().out
    assert "(unallocated)  (direct)" in out
    assert "Unallocated: $0.0060 (50 %) has no team; see `tokenaudit org suggest`." in out
    found = report(capsys, store, "--by", "team", "--where", "team=(unallocated)")
    assert [row["team"] for row in found["rows"]] == [None]
    (isolated / "tokenaudit.toml").write_text("", encoding="utf-8")
    assert run(["report", "--store", str(store), "--period", "2026-10", "--by", "team"]) == 0
    assert "No team is known: [org] in the configuration says who is in which" in capsys.readouterr().out


def test_machines_get_the_ratio(store: Path, isolated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside the name of the rule; people read what was shared in the notes."""
    shared = '[[allocation]]\nname = "log"\nwhere = { source = "claude-code" }\nsplit = "fixed"\n'
    weights = "weights = { eng = 12.5, web = 87.5 }\n"
    text = MAP.replace('"alice"', '"al"') + shared + weights
    (isolated / "tokenaudit.toml").write_text(text, encoding="utf-8")
    rows = report(capsys, store, "--by", "team,allocation")["rows"]
    keys = ("team", "allocation", "allocated_ratio", "total_tokens")
    assert sorted(([row[key] for key in keys] for row in rows), key=str) == [
        ["eng", "log", Decimal("0.125"), 137],
        ["web", "log", Decimal("0.875"), 963],
        ["web", None, None, 1100],
    ]
    assert list(rows[0])[:4] == ["team", "allocation", "allocated_ratio", "billing_currency"]
    assert run(["report", "--store", str(store), "--period", "2026-10", "--by", "team"]) == 0
    assert "Shared: $0.0060 of `log` in these figures, split by fixed weights over teams." in capsys.readouterr().out


def test_suggest(store: Path, isolated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a map an address is a new person, and the log's owner likely the same; pasted, nothing is left to say."""
    assert run(["org", "suggest", "--store", str(store)]) == 0
    text = capsys.readouterr().out
    assert text == (
        "# 2 names that the org map does not know. Nothing is changed: paste what is right.\n"
        "\n"
        "# $0.0060, 1.1 K tokens: alice (same name before the @)\n"
        "# $0.0060, 1.1 K tokens: alice@example.com (new)\n"
        "[[org.person]]\n"
        'user = "alice@example.com"\n'
        'aliases = ["alice"]\n'
    )
    assert run(["org", "suggest", "--store", str(store), "-f", "csv"]) == 0
    assert capsys.readouterr().out == "user,aliases\nalice@example.com,alice\n"
    assert run(["org", "suggest", "--store", str(store), "-f", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["name"], row["column"], row["user"], row["why"]) for row in rows] == [
        ("alice", "user", "alice@example.com", "same name before the @"),
        ("alice@example.com", "user", "alice@example.com", "new"),
    ]
    (isolated / "tokenaudit.toml").write_text(text, encoding="utf-8")
    assert run(["org", "suggest", "--store", str(store)]) == 0
    assert capsys.readouterr().out == "# Every name is somebody's.\n"


def test_nothing_to_suggest_from(isolated: Path, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without data the exit code is 2; who a rule is about needs no person."""
    assert run(["org", "suggest", "--store", str(store), "--period", "2025"]) == 2
    assert "nothing is stored in 2025" in capsys.readouterr().err
    rule = '[[org.rule]]\nwhere = { user = ["al*", "bot"] }\nteam = "bots"\n'
    (isolated / "tokenaudit.toml").write_text(rule, encoding="utf-8")
    assert run(["org", "suggest", "--store", str(store)]) == 0
    assert capsys.readouterr().out == "# Every name is somebody's.\n"


def test_hostile_names_are_quoted(isolated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is pasted is TOML, whatever a log calls its user, and no comment ends early."""
    name = 'a"]\n[[org.rule]]\n\x1b[31m\\'
    row = {"charge_period_start": "2026-10-05T10:00:00Z", "request_model": MODEL, "output_tokens": 1, "user": name}
    (isolated / "usage.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    ingest([str(isolated / "usage.jsonl")], isolated / "store")
    assert run(["org", "suggest", "--store", str(isolated / "store")]) == 0
    text = capsys.readouterr().out
    (person,) = tomllib.loads(text)["org"]["person"]
    assert person["user"].startswith('a"]')
    assert list(tomllib.loads(text)["org"]) == ["person"]


def test_check(isolated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 where nothing or only gaps are wrong, 1 for an error, 2 where there is no map or it cannot be read."""
    path = isolated / "tokenaudit.toml"
    assert run(["org", "check"]) == 2
    assert "no org map" in capsys.readouterr().err
    path.write_text(MAP, encoding="utf-8")
    assert run(["org", "check"]) == 0
    assert capsys.readouterr().out == "Nothing wrong: 1 entry of people, 2 of teams.\n"
    path.write_text(f'{MAP}[[org.person]]\nuser = "bob"\n', encoding="utf-8")
    assert run(["org", "check"]) == 0
    assert capsys.readouterr().out == (
        f"{path}:11: warning: person `bob` is in no team\n    give a `team`, or a `cost_center`\n\n"
        "1 warning in 2 entries of people, 2 of teams.\n"
    )
    path.write_text(MAP.replace('parent = "eng"', 'parent = "engg"'), encoding="utf-8")
    assert run(["org", "check", "-f", "json"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "schema": "tokenaudit.org-check/1",
        "rows": [
            {
                "level": "error",
                "path": str(path),
                "line": 4,
                "text": "team `web` is part of an unknown team `engg`",
                "hint": "did you mean `eng`?",
            }
        ],
    }
    path.write_text("[org]\npepole = 3", encoding="utf-8")
    assert run(["org", "check"]) == 2
    assert "unknown key `pepole` in [org]" in capsys.readouterr().err
    assert run(["org", "chek"]) == 2
    assert "did you mean `check`?" in capsys.readouterr().err
    assert run(["org", "check", "-f", "csv"]) == 2
