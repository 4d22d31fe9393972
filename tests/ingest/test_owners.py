"""Owners: people for files that name nobody, kept with the file, applied when asked."""

from __future__ import annotations

import gzip
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tokenaudit
from tokenaudit.cli.main import run
from tokenaudit.errors import QueryError
from tokenaudit.ingest import owners as module
from tokenaudit.ingest import plan
from tokenaudit.ingest import run as ingesting
from tokenaudit.ingest.owners import Naming, matched, naming
from tokenaudit.ingest.run import ingest, refresh
from tokenaudit.ingest.summary import Summary
from tokenaudit.reports.health import checks
from tokenaudit.reports.owners import attributed
from tokenaudit.store.catalog import NAME
from tokenaudit.store.owners import owners, rules
from tokenaudit.store.store import Store

if TYPE_CHECKING:
    from tests.ingest.conftest import World

FROM_FOLDER = Naming(template="logs/{user}")
HEADER = "charge_period_start,user,request_model,output_tokens\n"
CSV = HEADER + "2026-10-05T10:00:00Z,{},claude-opus-5-5,{}\n"


def give(world: World, said: Naming | None, *paths: Path) -> Summary:
    """Ingest files, or all, as somebody's."""
    return ingest([str(path) for path in paths or (world.logs,)], world.folder, naming=said)


def users(world: World) -> dict[str | None, int]:
    """Return how many calls each user has, as the Python API says it."""
    with tokenaudit.open_store(world.folder) as store:
        return dict(Counter(store.usage().collect()["user"].to_list()))


def noted(world: World) -> dict[str, str]:
    """Return the owner of each file by its name."""
    return {Path(item.path).name: item.user for item in world.catalog(owners)}


# -- what is said -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("user", "template", "message"),
    [
        ("alice", "/logs/{user}", "exclude each other"),
        (None, "/logs/alice", r"needs \{user\} once"),
        (None, "", r"needs \{user\} once"),
        (None, "/{user}/{user}", r"needs \{user\} once"),
    ],
)
def test_what_cannot_be_meant(user: str | None, template: str | None, message: str) -> None:
    """Both options, or a template that names nobody or two, are refused with a hint."""
    with pytest.raises(QueryError, match=message) as error:
        naming(user, template)

    assert error.value.hint


def test_what_can_be_meant(isolated: Path) -> None:
    """Nothing, a name, nobody, and a template, in which ``~`` is the home folder."""
    assert naming(None, None) is None
    assert naming(" alice ", None) == Naming("alice")
    assert naming("", None) == Naming("")
    assert naming(None, "~/{user}") == Naming(template=f"{isolated}/{{user}}")


@pytest.mark.parametrize(
    ("template", "path", "user"),
    [
        ("/logs/{user}/.claude", "/logs/alice/.claude/projects/a.jsonl", "alice"),
        ("/logs/{user}/.claude", "/mnt/logs/alice/.claude/a.jsonl", "alice"),
        ("/logs/{user}/.claude", "/mnt/oldlogs/alice/.claude/a.jsonl", None),
        ("/logs/{user}/.claude", "/logs/alice/.claude-old/a.jsonl", None),
        ("/logs/{user}/.claude", "/logs/team/alice/.claude/a.jsonl", None),
        ("/logs/*/{user}/.claude", "/logs/team/alice/.claude/a.jsonl", "alice"),
        ("logs/team-*/{user}", "/logs/team-web/alice/a.jsonl", "alice"),
        ("logs/team-*/{user}", "/logs/web/alice/a.jsonl", None),
        ("/logs/{user}", "/logs/a.jsonl", None),
        ("/logs/{user}/", "/logs/alice.b/a.jsonl", "alice.b"),
        ("exports/{user}.csv", "/exports/alice.csv", "alice"),
        ("exports/{user}.csv", "/exports/alice.csv.gz", None),
        ("home-{user}/.codex", "/backup/home-alice/.codex/a.jsonl", "alice"),
        ("{user}/.claude", "/all.zip!/logs/alice/.claude/a.jsonl", "alice"),
        ("/logs/{user}", "/logs/alice.zip!/a.jsonl", None),
        ("/logs/{user}/.claude", "/logs/alice.zip!/.claude/a.jsonl", None),
        ("/logs/{user}.zip/.claude", "/logs/alice.zip!/.claude/a.jsonl", "alice"),
        ("/logs/{user}.zip", "/logs/alice.zip!/a.jsonl", "alice"),
    ],
)
def test_templates(template: str, path: str, user: str | None) -> None:
    """They fit between folders anywhere in a path, also within an archive; ``*`` is one part or a piece of one."""
    assert matched(template, path) == user


def test_a_template_that_does_not_fit_is_said(world: World) -> None:
    """Wholly, or for some files; those that it does not fit keep their owner."""
    world.write("alice/a.jsonl", world.reply())
    world.write("b.jsonl", world.reply("msg_2"))
    give(world, Naming("carol"))
    none = give(world, Naming(template="/home/{user}/.claude")).notes
    some = give(world, FROM_FOLDER).notes

    assert len(none) == 1
    assert "`/home/{user}/.claude` fits none of the files: not " in none[0]
    assert some[0] == "1 file now belongs to alice"
    assert "fits 1 of 2 files: not " in some[1]
    assert some[1].endswith("b.jsonl")
    assert users(world) == {"alice": 1, "carol": 1}


# -- whose rows they are ----------------------------------------------------------------------------------------------
def test_the_owner_has_rows_that_name_nobody(world: World) -> None:
    """In reports, conditions and both frames of the API; a user that the file itself names stays."""
    world.write("a.jsonl", world.reply())
    world.write("b.csv", CSV.format("", 7) + CSV.format("dora", 9).removeprefix(HEADER), end="")
    give(world, Naming("alice"))

    assert users(world) == {"alice": 2, "dora": 1}
    with tokenaudit.open_store(world.folder) as store:
        charged = store.charges().select("user", "output_tokens").collect().rows()
        spend = store.spend(["user"]).select("user", "output_tokens").sort("user").rows()
    assert sorted(charged) == [("alice", 5), ("alice", 7), ("dora", 9)]
    assert spend == [("alice", 12), ("dora", 9)]


def test_on_the_command_line(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Both options, and what `report` makes of them."""
    world.write("alice/a.jsonl", world.reply())
    world.write("bob/b.jsonl", world.reply("msg_2"), world.reply("msg_3"))
    world.write("c.jsonl", world.reply("msg_4"))
    store = ["--store", str(world.folder)]
    ask = ["report", *store, "-q", "--period", "all", "-f", "csv", "--by", "user"]

    def said(*more: str) -> list[list[str]]:
        capsys.readouterr()
        assert run([*ask, *more]) == 0
        return sorted(line.split(",")[::2][:2] for line in capsys.readouterr().out.splitlines()[1:])

    assert run(["ingest", *store, "--user-from", "logs/{user}", str(world.logs)]) == 0
    assert "1 file now belongs to alice" in capsys.readouterr().err
    assert said() == [["", "1"], ["alice", "1"], ["bob", "2"]]
    assert said("--where", "user=bob") == [["bob", "2"]]
    assert said("--where", "user=") == [["", "1"]]
    assert run(["ingest", *store, "-q", "--user", "carol", str(world.logs / "c.jsonl")]) == 0
    assert said() == [["alice", "1"], ["bob", "2"], ["carol", "1"]]
    assert run(["ingest", *store, "--dry-run", "--user-from", "logs/{user}", str(world.logs)]) == 0
    assert [line.rpartition("/")[2] for line in capsys.readouterr().out.splitlines()] == [
        "a.jsonl (alice)", "b.jsonl (bob)", "c.jsonl",
    ]  # fmt: skip
    assert run(["doctor", *store, "--files"]) == 0
    assert capsys.readouterr().out.count("(alice)") == 1


def test_packed_files(world: World) -> None:
    """A log in gzip, the members of an archive, and tables, which are known by their content."""
    log = world.write("alice/a.jsonl", world.reply())
    (world.logs / "alice/a.jsonl.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    with zipfile.ZipFile(world.logs / "all.zip", "w") as archive:
        archive.writestr("logs/bob/b.jsonl", world.reply("msg_2") + "\n")
        archive.writestr("logs/carol/c.csv", CSV.format("", 7))
    give(world, FROM_FOLDER)
    assert users(world) == {"alice": 1, "bob": 1, "carol": 1}
    give(world, Naming("dora"), world.logs / "all.zip")
    assert users(world) == {"alice": 1, "dora": 2}


def test_a_store_without_owners_is_asked_as_before(world: World) -> None:
    """No column is touched: the very same frame comes back."""
    world.write("a.jsonl", world.reply())
    world.ingest()
    with Store.open(world.folder) as store:
        usage = store.usage()
        assert attributed(store, usage) is usage


# -- another name -----------------------------------------------------------------------------------------------------
def test_another_name_reads_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are not opened and rows not touched; it is a change of the store, once."""
    world.write("a.jsonl", world.reply())
    world.write("b.csv", CSV.format("", 7), end="")
    give(world, Naming("alice"))
    before, generation = world.segments(), world.catalog(lambda catalog: catalog.generation())

    def refuse(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(plan, "Head", refuse)
    monkeypatch.setattr(ingesting, "_read", refuse)
    for path in world.logs.iterdir():
        path.chmod(0)
    summary = give(world, Naming("bob"))

    assert [item.status for item in summary.files] == ["unchanged", "unchanged"]
    assert (summary.bytes, summary.notes) == (0, ["2 files now belong to bob"])
    assert users(world) == {"bob": 2}
    assert world.segments() == before
    assert world.catalog(lambda catalog: catalog.generation()) == generation + 1
    assert give(world, Naming("bob")).notes == []
    assert world.catalog(lambda catalog: catalog.generation()) == generation + 1


def test_an_ingest_without_a_name_changes_nobody(world: World) -> None:
    """What was said of a file and of a folder stays, for new files too."""
    world.write("alice/a.jsonl", world.reply())
    give(world, Naming("alice"), world.logs / "alice")
    world.write("alice/new.jsonl", world.reply("msg_2"))
    world.write("b.jsonl", world.reply("msg_3"))
    world.ingest()

    assert users(world) == {"alice": 2, None: 1}


def test_nobody_again(world: World) -> None:
    """An empty name takes owners away, from later files of the folder too."""
    world.write("a.jsonl", world.reply())
    give(world, Naming("alice"))
    assert give(world, Naming("")).notes == ["1 file now belongs to nobody"]
    world.write("b.jsonl", world.reply("msg_2"))
    world.ingest()

    assert users(world) == {None: 2}


def test_refresh_keeps_owners(world: World) -> None:
    """New files, files that grew and tables that were replaced belong to whom their folder was said to belong."""
    world.write("alice/a.jsonl", world.reply())
    world.write("bob/b.csv", CSV.format("", 7), end="")
    give(world, FROM_FOLDER)
    world.append("alice/a.jsonl", world.reply("msg_2"))
    world.write("bob/b.csv", CSV.format("", 8), end="")
    world.write("carol/c.jsonl", world.reply("msg_3"))
    refresh(world.folder)

    assert users(world) == {"alice": 2, "bob": 2, "carol": 1}
    assert world.sound()


def test_the_latest_word_counts(world: World) -> None:
    """Whether it was said of a folder or of one around it, and for files that come later just the same."""
    world.write("alice/a.jsonl", world.reply())
    give(world, Naming("al"), world.logs / "alice")
    give(world, FROM_FOLDER)
    world.write("alice/b.jsonl", world.reply("msg_2"))
    refresh(world.folder)
    assert users(world) == {"alice": 2}
    give(world, Naming("al"), world.logs / "alice")
    world.write("alice/c.jsonl", world.reply("msg_3"))
    world.write("bob/d.jsonl", world.reply("msg_4"))
    refresh(world.folder)
    assert users(world) == {"al": 3, "bob": 1}
    turns = [rule.turn for rule in world.catalog(rules)]
    give(world, Naming("al"), world.logs / "alice")
    assert [rule.turn for rule in world.catalog(rules)] == turns == [3, 2]


def test_rows_that_outlive_their_files(world: World) -> None:
    """A log that is gone, and what a replaced table held before, change hands with their paths."""
    log = world.write("a.jsonl", world.reply())
    world.write("b.csv", CSV.format("", 7), end="")
    world.ingest()
    log.unlink()
    world.write("b.csv", CSV.format("", 8), end="")
    world.ingest()
    give(world, Naming("alice"))

    assert users(world) == {"alice": 3}


def test_a_failed_ingest_names_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Owners are written in the transaction of the rows."""
    world.write("a.jsonl", world.reply())
    world.ingest()
    world.write("b.jsonl", world.reply("msg_2"))

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "_inherited", fail)
    with pytest.raises(ZeroDivisionError):
        give(world, Naming("alice"))

    assert users(world) == {None: 1}
    assert world.catalog(owners) == world.catalog(rules) == []


def test_a_store_from_before_there_were_owners(world: World) -> None:
    """Gets its tables when it is opened, and nothing else changes."""
    world.write("a.jsonl", world.reply())
    world.ingest()
    with sqlite3.connect(world.folder / NAME) as connection:
        connection.execute("drop table owner")
        connection.execute("drop table naming")
    connection.close()
    before = world.catalog(lambda catalog: (catalog.generation(), catalog.files(), catalog.roots()))

    assert users(world) == {None: 1}
    assert world.catalog(lambda catalog: (catalog.generation(), catalog.files(), catalog.roots())) == before
    give(world, Naming("alice"))
    assert users(world) == {"alice": 1}


# -- forgetting -------------------------------------------------------------------------------------------------------
def test_forget_by_owner(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """`--where user=` finds rows by their own user and by the owner of their file; what others also hold stays."""
    world.write("alice/a.jsonl", world.reply(), world.reply("msg_2"))
    world.write("bob/b.jsonl", world.reply("msg_2"), world.reply("msg_3"))
    give(world, FROM_FOLDER)
    store = ["--store", str(world.folder)]
    assert run(["forget", *store, "--where", "user=alice", "--dry-run"]) == 0
    assert "Would forget 1 row, 1 row stays because" in capsys.readouterr().err
    assert run(["forget", *store, "--where", "user=alice"]) == 0

    assert users(world) == {"bob": 2}
    assert world.sound()


def test_forget_a_file(world: World) -> None:
    """Its owner is forgotten with it."""
    path = world.write("a.jsonl", world.reply())
    world.write("b.jsonl", world.reply("msg_2"))
    give(world, Naming("alice"), path)
    assert run(["forget", "-q", "--store", str(world.folder), "--file", str(path)]) == 0
    assert noted(world) == {}
    world.ingest()

    assert users(world) == {None: 2}


# -- two owners of one call -------------------------------------------------------------------------------------------
def at(minute: int) -> str:
    """Return an instant of the day."""
    return f"2026-10-05T{10 + minute // 60}:{minute % 60:02}:00.000Z"


def snapshot(minute: int) -> str:
    """Return a first line that tells when its file began."""
    return f'{{"type":"file-history-snapshot","snapshot":{{"timestamp":"{at(minute)}"}}}}'


def resumed(world: World) -> dict[str, list[str]]:
    """Bob's file begins with a line of its own, then copies Alice's."""
    theirs = [world.reply("msg_1", timestamp=at(0)), world.reply("msg_2", timestamp=at(5))]
    return {"alice": theirs, "bob": [snapshot(90), *theirs, world.reply("msg_3", timestamp=at(91))]}


def shared(world: World, **more: Any) -> list[str]:
    """Return the lines that the files of a case share."""
    return [world.reply(f"msg_{n}", timestamp=at(n + 10), **more) for n in (1, 2)]


def forked(world: World) -> dict[str, list[str]]:
    """Alice's lines name what they were copied from."""
    copies = shared(world, forkedFrom={"sessionId": "s1", "messageUuid": "u"}, sessionId="s0")
    return {"bob": shared(world), "alice": [*copies, world.reply("msg_3", timestamp=at(91))]}


def forked_late(world: World) -> dict[str, list[str]]:
    """As `forked`, into a file that had begun before."""
    files = forked(world)
    return {**files, "alice": [world.reply("msg_4", timestamp=at(1)), *files["alice"]]}


def copied(world: World) -> dict[str, list[str]]:
    """Alice's file is Bob's and more, under another session's id: nothing tells its lines from the originals."""
    return {"bob": shared(world), "alice": [*shared(world, sessionId="s0"), world.reply("msg_3", timestamp=at(91))]}


def copied_twice(world: World) -> dict[str, list[str]]:
    """As `copied`, and Carol's is Alice's and more."""
    files = copied(world)
    return {**files, "carol": [*files["alice"], world.reply("msg_4", timestamp=at(99))]}


def went_on(world: World) -> dict[str, list[str]]:
    """As `copied`, and both went on: Bob first, and last."""
    files = copied(world)
    more = [world.reply("msg_4", timestamp=at(30)), world.reply("msg_5", timestamp=at(99))]
    return {**files, "bob": [*files["bob"], *more]}


def earlier(world: World) -> dict[str, list[str]]:
    """Bob's file began before Alice's with lines that hers does not hold."""
    return {"bob": [world.reply("msg_3", timestamp=at(2)), *shared(world)], "alice": shared(world)}


def equal(world: World) -> dict[str, list[str]]:
    """Two copies of one log."""
    return {"bob": shared(world), "alice": shared(world)}


CASES: list[tuple[Callable[[World], dict[str, list[str]]], dict[str, int]]] = [
    (resumed, {"alice": 2, "bob": 1}),
    (forked, {"bob": 2, "alice": 1}),
    (forked_late, {"bob": 2, "alice": 2}),
    (copied, {"bob": 2, "alice": 1}),
    (copied_twice, {"bob": 2, "alice": 1, "carol": 1}),
    (went_on, {"bob": 4, "alice": 1}),
    (earlier, {"bob": 3}),
    (equal, {"alice": 2}),
]


@pytest.mark.parametrize(("build", "expected"), CASES, ids=[build.__name__ for build, _ in CASES])
def test_the_earliest_own_line_wins(
    new_world: type[World], tmp_path: Path, build: Callable[[World], dict[str, list[str]]], expected: dict[str, int]
) -> None:
    """Whoever is read first, at once, or attributed only afterwards."""
    for number, order in enumerate([*permutations({*expected, "alice", "bob"}), ()]):
        world = new_world(tmp_path / str(number))
        for name, lines in build(world).items():
            world.write(f"{name}/s.jsonl", *lines)
        for name in order:
            give(world, FROM_FOLDER, world.logs / name)
        if not order:
            world.ingest()
            give(world, FROM_FOLDER)

        assert users(world) == expected, order
        assert world.sound()


def test_a_copy_names_whom_the_original_does_not(world: World) -> None:
    """Of a call in a file without and a file with an owner, the owner has it, whichever was read first."""
    path = world.write("old/a.jsonl", world.reply(), world.reply("msg_2"))
    world.ingest(path)
    give(world, FROM_FOLDER, world.write("alice/a.jsonl", world.reply(), world.reply("msg_3")))

    assert users(world) == {"alice": 2, None: 1}


def test_of_exports_the_newest_file_counts(world: World) -> None:
    """It replaces what older ones say of a bucket, and so does its owner."""
    head = "start_time,end_time,project_id,model,num_model_requests,input_tokens,output_tokens\n"
    day = "1790812800,1790899200,proj_1,gpt-6.1-sol,1,0,{}\n"
    later = "1790899200,1790985600,proj_1,gpt-6.1-sol,1,0,9\n"
    world.write("alice/old.csv", head + day.format(5), end="")
    world.write("bob/new.csv", head + day.format(6) + later, end="")
    give(world, FROM_FOLDER)

    assert users(world) == {"bob": 2}


def test_doctor_tells(world: World) -> None:
    """Whose files are whose, and who has what two of them hold."""
    for name, lines in resumed(world).items():
        world.write(f"{name}/s.jsonl", *lines)
    world.write("none.jsonl", world.reply("msg_9"))
    world.ingest()
    with Store.open(world.folder) as store:
        assert not {"owners", "shared calls", "shared tables"} & {check.name for check in checks(store)}
    world.write("alice/t.csv", CSV.format("", 7), end="")
    world.write("bob/t.csv", CSV.format("", 7), end="")
    give(world, FROM_FOLDER)
    with Store.open(world.folder) as store:
        said = {check.name: check.text for check in checks(store)}

    assert said["owners"] == "alice has 2 files, bob has 2 files; 1 file without an owner"
    assert said["shared calls"] == (
        "2 calls stand in files of several owners: alice has 2 calls, "
        f"such as {world.logs}/alice/s.jsonl before {world.logs}/bob/s.jsonl of bob"
    )
    assert said["shared tables"].startswith("1 table of several owners, of whom the first by name has it, such as ")
