"""Files of one's own from the configuration to a report: every command knows them, and what happens when it changes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import tokenaudit
from tokenaudit import schema
from tokenaudit.cli.main import run
from tokenaudit.config import Declared
from tokenaudit.sources import by_name, declare, detect, names, sources
from tokenaudit.sources.head import Head
from tokenaudit.store.store import Store

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "sample_logs"
PAGE = ROOT / "docs" / "own-sources.md"
CONFIG = """
store = "store"
[[source]]
name = "own"
%s
[source.columns]
charge_period_start = "at"
request_model = "model"
output_tokens = "usage.out"
%s
"""
CSV = "at,model,usage.out,who,paid\n2026-10-01T09:30:00Z,gpt-5,10,ana,1\n2026-10-02T09:30:00Z,gpt-5,20,bo,2\n"


class Box:
    """A folder with a configuration, files and a store, worked on from the command line."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Begin with the least configuration."""
        self.folder, self.capsys = folder, capsys
        self.config()

    def config(self, keys: str = "", columns: str = "", text: str = CONFIG) -> None:
        """Write the configuration: its one source with more keys and columns."""
        (self.folder / "tokenaudit.toml").write_text(text % (keys, columns), encoding="utf-8")

    def write(self, name: str, text: str) -> Path:
        """Write a file and return it."""
        path = self.folder / "files" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a command with this configuration and return all that it says."""
        own = [] if {"--no-config", "--config"} & set(arguments) else ["--config", str(self.folder / "tokenaudit.toml")]
        self.capsys.readouterr()
        assert run([*arguments, *own]) == code
        shown = self.capsys.readouterr()
        return shown.out + shown.err

    def ingest(self, *arguments: str, code: int = 0) -> str:
        """Ingest the files."""
        return self.run("ingest", str(self.folder / "files"), *arguments, code=code)

    def without(self, *arguments: str) -> list[str]:
        """Return a command without the configuration, on the same store."""
        return [*arguments, "--no-config", "--store", str(self.folder / "store")]

    def rows(self, *columns: str) -> list[Any]:
        """Return columns of the rows that count, of a store that is sound."""
        assert "ok      verify" in self.run("doctor", "--verify")
        with Store.open(self.folder / "store") as store:
            rows = store.usage().select(columns).collect().with_columns(pl.col(pl.Categorical).cast(pl.String))
        return sorted(rows.rows(), key=str)


@pytest.fixture
def box(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Box]:
    """Give a box; what it declared is forgotten afterwards."""
    yield Box(tmp_path, capsys)
    declare(())


# -- every command ----------------------------------------------------------------------------------------------------
def test_every_command_knows_them(box: Box) -> None:
    """What can be read, a preview, reading, reading again, a report, its refresh, doctor, and forgetting."""
    box.config('title = "Our own"')
    box.write("a.csv", CSV)
    assert re.search(r"own +Our own", box.run("sources"))
    assert "usage.out" in box.run("sources", "own")
    listed = {item["source"]: item for item in json.loads(box.run("sources", "-f", "json"))["rows"]}
    assert listed["own"]["kind"] == "table"
    assert box.ingest("--dry-run").startswith("own ")
    assert "2 new" in box.ingest()
    assert "unchanged" in box.ingest()
    assert "own,USD,2" in box.run("report", "--period", "all", "--by", "source", "-f", "csv")
    box.write("b.csv", CSV.replace("10,", "30,"))
    assert "own,USD,3" in box.run("report", "--refresh", "--period", "all", "--by", "source", "-f", "csv")
    assert "own,USD,3" in box.run("report", "--period", "all", "--by", "source", "-f", "csv", "--keep", "own")
    assert re.search(r"\nown: Our own\n +ok +read +2 files, 3 rows", box.run("doctor"))
    assert "Forgot 3 rows" in box.run("forget", "--source", "own")


def test_only_with_their_configuration(box: Box) -> None:
    """In one process, another configuration and none know nothing of them."""
    assert "own" in box.run("sources").split()
    assert "own" not in box.run("sources", "--no-config").split()
    assert "own" not in names()
    assert "own" not in sources()
    assert "unknown source `own`" in box.run("sources", "own", "--no-config", code=2)


def test_python_knows_them(box: Box) -> None:
    """An open store counts by its own configuration, whichever was opened last."""
    box.write("a.csv", CSV)
    box.ingest()
    other = box.write("other.toml", "")
    with (
        tokenaudit.open_store(config=box.folder / "tokenaudit.toml") as one,
        tokenaudit.open_store(box.folder / "store", config=other) as two,
    ):
        for store, known in ((one, True), (two, False), (one, True)):
            assert store.spend(("source",))["source"].to_list() == ["own"]
            assert ("own" in names()) is known


# -- mistakes ---------------------------------------------------------------------------------------------------------
def test_a_broken_configuration_is_named_and_can_be_left_out(box: Box) -> None:
    """Every command says what is wrong; with --no-config all goes on."""
    box.write("a.csv", CSV)
    box.ingest()
    box.config(columns='usr = "who"')
    for command in (["report", "--period", "all"], ["sources"], ["doctor"], ["forget", "--source", "own"]):
        said = box.run(*command, code=2)
        assert "unknown usage column `usr` in [[source]] `own` of `" in said
        assert "hint: did you mean `user`?" in said
    assert "claude-code" in box.run("sources", "--no-config")
    assert "own" in box.run(*box.without("report", "--period", "all", "--by", "source", "-f", "csv"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[source]]\nname = 'x'\ncolums = 1", "unknown key `colums` in [[source]] of"),
        ("[[source]]\nname = 'x'", "object missing required field `columns` at `source[0]`"),
        ("[[source]]\nname = 'x'\ncolumns = { user = 3 }", "got `int` at `source[0].columns[...]`"),
        ("[[source]]\nname = 'x'\ncolumns = {}\nidentity = 3", "at `source[0].identity`"),
        ("[source]\nname = 'x'", "expected `array`, got `object` at `source`"),
    ],
)
def test_types_and_keys(box: Box, text: str, said: str) -> None:
    """What is no declaration at all is refused when the file is read."""
    box.config(text=text.replace("%", "%%") + "\n#%s%s")
    assert said in box.run("sources", code=2)


def test_one_whose_turn_never_comes(box: Box) -> None:
    """A declaration is refused where a built-in source, or an earlier one, takes every file that it fits."""
    box.write("a.csv", CSV)
    taken = '", "'.join(sorted(sources()["anthropic-usage"].signatures[0]))  # type: ignore[union-attr]
    box.config(f'match = ["{taken}", "at"]')
    assert "[[source]] `own` reads nothing: all files with its columns are read as `anthropic-usage`" in box.ingest(
        code=2
    )
    again = CONFIG + '[[source]]\nname = "twin"\nmatch = ["at", "model", "usage.out", "who"]\n'
    again += 'columns = { charge_period_start = "at", request_model = "model", requests = "who" }\n'
    box.config(text=again)
    assert "[[source]] `twin` reads nothing: all files with its columns are read as `own`" in box.ingest(code=2)


# -- which source reads a file ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["openai-usage", "claude-code", "cursor-usage", "langfuse"])
def test_built_in_sources_go_first(box: Box, name: str) -> None:
    """However little a declaration asks for, samples stay what they are; also behind a file of its own."""
    sample = next(path for path in [*SAMPLES.glob(f"{name}.*"), *SAMPLES.glob(f"{name}/**/*.*")] if path.is_file())
    keys = re.findall(r"\w+", sample.read_text(encoding="utf-8"))[0]
    box.config(f'match = ["{keys}"]')
    box.write(f"z{sample.suffix}", sample.read_text(encoding="utf-8"))
    box.write("a.csv", CSV.replace("at,", f"at,{keys},").replace("Z,", "Z,x,"))
    assert {line.split()[0] for line in box.ingest("--dry-run").splitlines()} == {"own", name}


def test_general_sources_stay(box: Box) -> None:
    """Files that no declaration fits are read as before."""
    box.write("a.csv", CANONICAL.replace(",tag", "").replace(",x", ""))
    box.write("b.jsonl", LOGGED)
    assert {line.split()[0] for line in box.ingest("--dry-run").splitlines()} == {"usage", "api-response"}


def test_a_neighbour_does_not_change_the_order(box: Box) -> None:
    """A declared source waits for those built in, and general ones for it, whatever the file before was."""
    name, text = "anthropic-usage", CANONICAL.replace(",tag", "").replace(",x", "")
    own = ("charge_period_start", "request_model", "output_tokens")
    head = Head(str(SAMPLES / f"{name}.csv"))
    declare(
        Declared(label, dict(zip(own, columns, strict=True)), match=tuple(columns))
        for label, columns in (("low", own), ("high", sorted(head.columns)[:3]))
    )
    assert detect(head, by_name("high")) is by_name(name)
    found = Head(str(box.write("a.csv", text)))
    assert [detect(found, first) for first in (None, by_name("usage"), by_name("high"))] == [by_name("low")] * 3


CANONICAL = "charge_period_start,request_model,output_tokens,tag\n2026-10-01T09:30:00Z,gpt-5,10,x\n"
LOGGED = (
    '{"timestamp": "2026-10-01T09:30:00Z", "model": "gpt-5", "usage": {"prompt_tokens": 5, "completion_tokens": 10}}\n'
)
GENERAL = """
store = "store"
[[source]]
name = "own"
columns = { %s }
#%s"""


@pytest.mark.parametrize(
    ("text", "columns", "general"),
    [
        (
            CANONICAL.replace(",tag", "").replace(",x", ""),
            'charge_period_start = "charge_period_start", request_model = "request_model", requests = "output_tokens"',
            "usage",
        ),
        (
            LOGGED,
            'charge_period_start = "timestamp", request_model = "model", requests = "usage.completion_tokens"',
            "api-response",
        ),
    ],
)
def test_general_sources_give_way(box: Box, text: str, columns: str, general: str) -> None:
    """A declaration goes before the sources for files of one's own, also where these have read a file before."""
    box.write("a", text)
    assert run(box.without("ingest", "-q", str(box.folder / "files"))) == 0
    assert box.rows("source", "requests") == [(general, 1)]
    box.config(columns, text=GENERAL)
    assert "own" in box.ingest()
    assert box.rows("source", "requests") == [("own", 10)]
    assert "unchanged" in box.ingest()
    assert run(box.without("ingest", "-q", str(box.folder / "files"))) == 0
    assert box.rows("source", "requests") == [("own", 10)]


def test_what_usage_refuses_can_be_declared(box: Box) -> None:
    """A canonical file with a column too many is unrecognised until somebody says what the column is."""
    box.write("a.csv", CANONICAL)
    assert "unknown column `tag`" in box.run(*box.without("ingest", str(box.folder / "files")), code=2)
    columns = ", ".join(f'{name} = "{name}"' for name in ("charge_period_start", "request_model", "output_tokens"))
    box.config(columns + ', tags = { tag = "tag" }', text=GENERAL)
    box.ingest()
    assert box.rows("source", "tags") == [("own", '{"tag":"x"}')]


# -- when it changes --------------------------------------------------------------------------------------------------
def test_another_mapping_reads_again(box: Box) -> None:
    """The rows of before go out; a file that is gone keeps them and is named; a title changes nothing."""
    box.write("a.csv", CSV)
    gone = box.write("b.csv", CSV.replace("gpt-5", "gpt-6-luna"))
    box.ingest()
    gone.unlink()
    box.config(columns='user = "who"')
    said = box.ingest()
    assert "would be counted differently by today's rules but no longer exist" in said
    users = [("gpt-5", "ana"), ("gpt-5", "bo"), ("gpt-6-luna", None), ("gpt-6-luna", None)]
    assert box.rows("request_model", "user") == users
    box.config('title = "x"\nauthority = "gateway"', 'user = "who"')
    assert "1 file unchanged" in box.ingest()


def test_files_outside_are_read_again_too(box: Box) -> None:
    """Whatever is ingested next, files counted by an older mapping are read anew."""
    box.write("a.csv", CSV)
    box.ingest()
    box.config(columns='user = "who"')
    elsewhere = box.folder / "more.csv"
    elsewhere.write_text(CSV.replace("2026-10", "2026-11"), encoding="utf-8")
    box.run("ingest", str(elsewhere))
    assert box.rows("user") == [("ana",), ("ana",), ("bo",), ("bo",)]


def test_an_unrecognised_file_is_tried_when_the_mapping_fits(box: Box) -> None:
    """It is looked at again after any change of what is declared, and not before."""
    box.config('match = ["nothing"]')
    box.write("a.csv", CSV)
    assert "Not recognised" in box.ingest(code=2)
    box.config()
    assert "2 new" in box.ingest()


@pytest.mark.parametrize("merge", ["largest", "newest"])
def test_without_the_declaration_rows_stay(box: Box, merge: str) -> None:
    """Reports, doctor and ingest go on without it; the files are left alone, also where they grow."""
    identity = 'identity = ["request_model"]'
    box.config(f'merge = "{merge}"\n{identity}')
    path = box.write("a.csv", CSV)
    box.ingest()
    before = box.rows(*schema.NAMES)
    box.config(text="store = 'store'\n#%s%s")
    assert "own" not in box.run("sources").split()
    assert "1 file unchanged" in box.ingest()
    path.write_text(CSV + CSV.splitlines()[1].replace("10", "11") + "\n", encoding="utf-8")
    box.ingest(code=2)
    assert box.rows(*schema.NAMES) == before
    assert re.search(r"warn +own +1 file; no source has this name now", box.run("doctor"))
    assert "own,USD" in box.run("report", "--period", "all", "--by", "source", "-f", "csv")
    box.config(f'merge = "{merge}"\n{identity}')
    box.ingest()
    assert len(box.rows("line")) == {"largest": 1, "newest": 3}[merge]
    box.config(text="store = 'store'\n#%s%s")
    assert "Forgot" in box.run("forget", "--source", "own")
    assert box.rows("source") == []
    assert "unknown source `own`" in box.run("forget", "--source", "own", code=2)


def test_another_name(box: Box) -> None:
    """A file that grew is the new source's alone; one that did not is forgotten first."""
    grown, other = box.write("a.csv", CSV), box.write("b.csv", CSV.replace("gpt-5", "gpt-6-luna"))
    box.ingest()
    box.config(text=CONFIG.replace('"own"', '"ours"'))
    grown.write_text(CSV + "2026-10-03T09:30:00Z,gpt-5,30,bo,1\n", encoding="utf-8")
    box.ingest()
    assert box.rows("source", "request_model") == [("ours", "gpt-5")] * 3 + [("own", "gpt-6-luna")] * 2
    box.run("forget", "--source", "own")
    box.ingest()
    assert other.exists()
    assert box.rows("source") == [("ours",)] * 5


# -- one call in several files ----------------------------------------------------------------------------------------
def test_overlap_with_a_bill(box: Box) -> None:
    """A declared gateway's requests carry the money of a declared bill, and nothing counts twice."""
    text = CONFIG + '[[source]]\nname = "bill"\nauthority = "bill"\nconstants = { granularity = "day" }\n'
    text += '[source.columns]\ncharge_period_start = "day"\nrequest_model = "model"\nbilled_cost = "eur"\n'
    box.config('authority = "gateway"', 'user = "who"', text)
    box.write("a.csv", CSV.replace("2026-10-02", "2026-10-01"))
    box.write("bill.csv", "day,model,eur\n2026-10-01,gpt-5,3.00\n2026-10-03,gpt-5,0.50\n")
    box.ingest()
    shown = box.run("report", "-q", "--period", "2026-10", "--by", "user", "-f", "json")
    rows = {row["user"]: (row["requests"], row["effective_cost"]) for row in json.loads(shown)["rows"]}
    assert rows == {"ana": (1, 1), "bo": (1, 2), None: (0, 0.5)}
    assert run(box.without("report", "-q", "--period", "2026-10", "--by", "user", "-f", "json")) == 0


# -- documentation ----------------------------------------------------------------------------------------------------
EXAMPLES = re.findall(
    r"<!-- example (\S+) -->\n\n```\w+\n(.*?)```\n\n```toml\n(.*?)```\n.*?\n(\| charge_.*?)\n\n",
    PAGE.read_text("utf-8"),
    re.DOTALL,
)


def shown(value: Any) -> str:
    """Return a value as the page writes it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".") + "Z"
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


@pytest.mark.parametrize("example", EXAMPLES, ids=[example[0] for example in EXAMPLES])
def test_examples_of_the_page(box: Box, example: tuple[str, str, str, str]) -> None:
    """The files of docs/own-sources.md become the rows that it shows."""
    name, text, config, expected = example
    box.config(text="store = 'store'\n" + config.replace("%", "%%") + "\n#%s%s")
    box.write(name, text)
    box.ingest()
    head, _, *lines = ([cell.strip() for cell in line.strip("|").split("|")] for line in expected.splitlines())
    assert [[shown(value) for value in row] for row in box.rows(*head)] == lines


def test_the_page_has_examples_and_every_key() -> None:
    """It shows a log and a table, and explains every key that may be written."""
    assert [example[0] for example in EXAMPLES] == ["gateway.jsonl", "chargeback.csv"]
    explained = re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert explained == [item.name for item in sorted(fields(Declared), key=lambda item: explained.index(item.name))]


def test_the_example_of_the_readme(box: Box) -> None:
    """It can be used as it stands."""
    (config,) = re.findall(r"```toml\n(\[\[source\]\].*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    box.config(text=config.replace("%", "%%") + "\n#%s%s")
    assert "our-gateway" in box.run("sources").split()
