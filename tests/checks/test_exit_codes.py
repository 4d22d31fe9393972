"""Every exit code of `tokenaudit check`, in every format; a gate that is not sure never passes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checks.desk import Desk, days, event
from tokenaudit.cli.main import run
from tokenaudit.render.gate import FORMATS

BUDGET = '[[budget]]\nid = "b"\nlimits = [{ amount = %s, period = "month" }]\n'


def spent(desk: Desk) -> None:
    """$60 from 1 to 20 October."""
    desk.rows(days("2026-10", [3] * 20))


def unpriced(desk: Desk) -> None:
    """The same, and tokens that have no price."""
    spent(desk)
    desk.rows([event("2026-10-02T00:00:00Z", None, request_model="my-own", user="carl", output_tokens="99")])


def rejected(desk: Desk) -> None:
    """The same, and a line that cannot be read."""
    spent(desk)
    desk.rows([event("yesterday"), event("2026-10-02T00:00:00Z", "0")])


def nobody(desk: Desk) -> None:
    """The same, and $20 of nobody."""
    spent(desk)
    desk.rows(days("2026-10", [20], user=""))


def nothing(desk: Desk) -> None:
    """A store without rows."""
    desk.rows([event("yesterday")])


CASES: dict[str, tuple[Callable[[Desk], None], str, list[str], str, int]] = {
    "kept": (spent, BUDGET % 100, [], "2026-10-20", 0),
    "warned": (spent, BUDGET % 70, [], "2026-10-20", 0),
    "over": (spent, BUDGET % 50, [], "2026-10-20", 1),
    "over, exit zero": (spent, BUDGET % 50, ["--exit-zero"], "2026-10-20", 0),
    "over, and stale": (spent, BUDGET % 50, [], "2026-10-30", 1),
    "stale": (spent, BUDGET % 100, [], "2026-10-24", 3),
    "stale, exit zero": (spent, BUDGET % 100, ["--exit-zero"], "2026-10-24", 3),
    "three days old": (spent, BUDGET % 100, [], "2026-10-23", 0),
    "stale, a warning": (
        spent,
        f'{BUDGET % 100}[policy]\nstale = {{ limit = 3, level = "warn" }}',
        [],
        "2026-10-24",
        0,
    ),
    "stale, off": (spent, f'{BUDGET % 100}[policy]\nstale = {{ limit = 3, level = "off" }}', [], "2026-10-24", 0),
    "stale, more days": (spent, f"{BUDGET % 100}[policy]\nstale = 4", [], "2026-10-24", 0),
    "a period is never stale": (spent, BUDGET % 100, ["--period", "2026-10"], "2027-10-24", 0),
    "nothing in a period": (spent, BUDGET % 100, ["--period", "2026-08"], "2026-10-20", 3),
    "a new month": (spent, BUDGET % 100, [], "2026-11-01", 3),
    "nothing at all": (nothing, f"{BUDGET % 100}[policy]\nrejected = 1", [], "2026-10-20", 3),
    "unpriced": (unpriced, BUDGET % 100, [], "2026-10-20", 3),
    "unpriced, and over": (unpriced, BUDGET % 50, [], "2026-10-20", 1),
    "unpriced, allowed": (unpriced, f"{BUDGET % 100}[policy]\nunpriced = 0.05", [], "2026-10-20", 0),
    "unpriced, exactly": (unpriced, f"{BUDGET % 100}[policy]\nunpriced = 0.0472", [], "2026-10-20", 0),
    "unpriced, a warning": (
        unpriced,
        f'{BUDGET % 100}[policy.unpriced]\nlimit = 0\nlevel = "warn"',
        [],
        "2026-10-20",
        0,
    ),
    "rejected": (rejected, BUDGET % 100, [], "2026-10-20", 3),
    "rejected, allowed": (rejected, f"{BUDGET % 100}[policy]\nrejected = 0.05", [], "2026-10-20", 0),
    "unattributed": (nobody, f"{BUDGET % 200}[policy]\nunattributed = 0.2", [], "2026-10-20", 1),
    "unattributed, exactly": (nobody, f"{BUDGET % 200}[policy]\nunattributed = 0.25", [], "2026-10-20", 0),
    "unattributed, a warning": (
        nobody,
        f'{BUDGET % 200}[policy]\nunattributed = {{ limit = 0.2, level = "warn" }}',
        [],
        "2026-10-20",
        0,
    ),
    "unattributed, by project": (
        nobody,
        f'{BUDGET % 200}[policy]\nunattributed = {{ limit = 0, by = "project" }}',
        [],
        "2026-10-20",
        0,
    ),
    "unattributed, exit zero": (
        nobody,
        f"{BUDGET % 200}[policy]\nunattributed = 0.2",
        ["--exit-zero"],
        "2026-10-20",
        0,
    ),
    "only policies": (spent, "[policy]\nunpriced = 0.01", [], "2026-10-20", 0),
    "no budget and no policy": (spent, "", [], "2026-10-20", 2),
    "a bad budget": (spent, BUDGET.replace("limits", "limit") % 100, [], "2026-10-20", 2),
    "a bad policy": (spent, "[policy]\nunpriced = 'much'", [], "2026-10-20", 2),
    "all time": (spent, BUDGET % 100, ["--period", "all"], "2026-10-20", 2),
    "an unknown format": (spent, BUDGET % 100, ["--format", "jnuit"], "2026-10-20", 2),
}

JUDGED = {0: "ok", 1: "over", 3: "unjudged"}


@pytest.mark.parametrize("name", CASES)
def test_exit_code(desk: Desk, name: str) -> None:
    """What is wrong decides the exit code, and JSON says the same."""
    prepare, config, words, as_of, code = CASES[name]
    prepare(desk)
    desk.config(config)
    shown = desk.run("--format", "json", *words, as_of=as_of, code=code) if code != 2 else desk.run(*words, code=2)
    if code == 2:
        assert shown == ""
        assert desk.error.startswith("error: ")
        return
    found = json.loads(shown)
    verdicts = [item["verdict"] for item in (*found["rows"], *found["policies"])]
    assert found["exit_code"] == code
    if "zero" not in name:
        assert (JUDGED[code] in verdicts) == (code != 0 or JUDGED[0] in verdicts)
        assert bool(desk.error.count("error: ")) == (code != 0)


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "parquet"])
@pytest.mark.parametrize(
    ("limit", "as_of", "code"), [(100, "2026-10-20", 0), (50, "2026-10-20", 1), (100, "2026-10-24", 3)]
)
def test_formats_agree(desk: Desk, form: str, limit: int, as_of: str, code: int) -> None:
    """Every format ends with the same exit code, on stdout and into a file; only GitHub may have nothing to say."""
    spent(desk)
    desk.config(BUDGET % limit)
    shown = desk.run("--format", form, as_of=as_of, code=code)
    path = desk.folder / "out"
    desk.run("--format", form, "--output", str(path), as_of=as_of, code=code)

    assert path.read_text(encoding="utf-8") == shown
    assert bool(shown) or (form == "github" and code == 0)


@pytest.mark.parametrize(
    ("name", "begin"), [("a.xml", "<testsuites"), ("a.sarif", '{\n  "$schema"'), ("a.md", "## "), ("a.json", "{")]
)
def test_endings_of_files(desk: Desk, name: str, begin: str) -> None:
    """The ending of a file tells the format."""
    spent(desk)
    desk.config(BUDGET % 100)
    desk.run("--output", str(desk.folder / name))

    assert (desk.folder / name).read_text(encoding="utf-8").startswith(begin)


def test_parquet(desk: Desk) -> None:
    """The rows as Parquet, into a file."""
    spent(desk)
    desk.config(BUDGET % 100).run("--output", str(desk.folder / "a.parquet"))

    assert (desk.folder / "a.parquet").read_bytes()[:4] == b"PAR1"


def test_a_store_that_is_not_there_is_no_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A gate without a store could not be judged; one without budgets is not set up."""
    (tmp_path / "tokenaudit.toml").write_text(BUDGET % 100)
    words = ["check", "--store", str(tmp_path / "none"), "--exit-zero"]

    assert run([*words, "--config", str(tmp_path / "tokenaudit.toml")]) == 3
    assert "no store at" in capsys.readouterr().err
    assert run([*words, "--no-config"]) == 2
    assert "no budget and no policy" in capsys.readouterr().err


def test_quiet_has_no_notes(desk: Desk) -> None:
    """Without notes the tables stay; JSON keeps its notes, as they are data."""
    spent(desk)
    desk.config(BUDGET % 100)

    assert "not counted" in desk.run(as_of="2026-10-10")
    assert "not counted" not in desk.run("--quiet", as_of="2026-10-10")
    assert "not counted" in desk.run("--quiet", "--format", "json", as_of="2026-10-10")
    assert desk.error == ""


def test_a_new_month_may_be_empty_for_some_days(desk: Desk) -> None:
    """On the first days of a month, while the newest row is recent, an empty month is nothing spent."""
    desk.rows(days("2026-10", [1] * 31))
    desk.config(BUDGET % 100)

    assert desk.verdicts(as_of="2026-11-02", code=0) == {"b": "ok"}
    assert desk.json("--period", "2026-11", code=3)["policies"][0] == {
        "policy": "no_data", "value": 1, "limit": 0, "verdict": "unjudged",
    }  # fmt: skip
