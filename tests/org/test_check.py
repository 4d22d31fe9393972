"""What is wrong with an org map is named with file, line and a hint; what cannot be meant stops a report."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from tokenaudit import config
from tokenaudit.errors import ConfigError
from tokenaudit.org.check import problems
from tokenaudit.org.map import org_of
from tokenaudit.org.read import FILES, KINDS, entries
from tokenaudit.org.records import Section

SHARED = '[[allocation]]\nname = "s"\nwhere = { user = "x" }\n'
PERSON = '[[org.person]]\nuser = "{}"\n'


def found(tmp_path: Path, text: str, **files: str) -> list[tuple[str, str, int, str, str]]:
    """Return what is wrong with a configuration beside CSV files: level, file, line, text, hint."""
    for name, content in files.items():
        (tmp_path / f"{name}.csv").write_text(content, encoding="utf-8")
    path = tmp_path / "tokenaudit.toml"
    path.write_text(text, encoding="utf-8")
    wrong = problems(entries(config.read(path)))
    return [(item.level, item.place.path.name, item.place.line, item.text, item.hint) for item in wrong]


def refused(tmp_path: Path, text: str, **files: str) -> tuple[str, str | None]:
    """Return error and hint of what cannot even be read, without the folder."""
    with pytest.raises(ConfigError) as caught:
        found(tmp_path, text, **files)
    return caught.value.message.replace(f"{tmp_path}/", "").replace(str(tmp_path), "."), caught.value.hint


def test_a_sound_map_has_nothing_wrong(tmp_path: Path) -> None:
    """A tree, a transfer, a shared laptop that changed hands, and shared cost."""
    text = """
[[org.team]]
name = "eng"
[[org.team]]
name = "web"
parent = "eng"
[[org.person]]
user = "alice"
aliases = ["laptop-7"]
team = "eng"
until = 2026-10-14
[[org.person]]
user = "alice"
team = "web"
from = 2026-10-15
[[org.person]]
user = "bob"
team = "web"
aliases = ["laptop-7"]
from = 2026-10-15
[[org.rule]]
where = { "tags.env" = "batch", team = "eng" }
cost_center = "CC-1"
[[allocation]]
name = "seats"
where = { source = "github-metered" }
split = "fixed"
weights = { eng = 66.7, web = "33.3" }
"""
    assert found(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "level", "line", "said", "hint"),
    [
        ('[[org.team]]\nname = "a"\nparent = "al"\n[[org.team]]\nname = "all"', "error", 1,
         "team `a` is part of an unknown team `al`", "did you mean `all`?"),
        ('[[org.team]]\nname = "a"\nparent = "b"\n[[org.team]]\nname = "b"\nparent = "a"', "error", 1,
         "teams are part of each other: `a`, `b`", "one of them needs another `parent`, or none"),
        ('[[org.team]]\nname = "a/b"', "error", 1,
         "`/` in the name of team `a/b`", "write `name` and `parent` instead"),
        (f'{PERSON.format("x")}aliases = ["a", " "]', "error", 1, "an empty alias", "leave it out"),
        ('[[org.team]]\nname = "(unallocated)"', "error", 1,
         "no team can be called `(unallocated)`", "it stands for what has no name"),
        (f'{PERSON.format("x")}team = "enf"\n[[org.team]]\nname = "eng"', "error", 1,
         "`x` is in an unknown team `enf`", "did you mean `eng`?"),
        (f'{PERSON.format("x")}team = "eng"\nfrom = 2026-02-01\n[[org.team]]\nname = "eng"\nuntil = 2026-06-30',
         "warning", 1, "`x` is in team `eng` on days when there is no such team", "give one of the two other dates"),
        (f"{PERSON.format('x')}from = 2026-02-01\nuntil = 2026-01-31", "error", 1,
         "ends on 2026-01-31, before it begins on 2026-02-01", "swap `from` and `until`"),
        (f'{PERSON.format("x")}team = "a"\nuntil = 2026-03-01\n{PERSON.format("X")}team = "b"\nfrom = 2026-03-01',
         "error", 5, "person `x` on the same days as {folder}/tokenaudit.toml:1",
         "end one with `until` before the next"),
        (f'{PERSON.format("x")}team = "a"\nuntil = 2026-02-28\n{PERSON.format("x")}team = "b"\nfrom = 2026-03-02',
         "warning", 5, "person `x` is in no team from 2026-03-01 to the day before 2026-03-02",
         "move `from` or `until` if that is a mistake"),
        (f'{PERSON.format("x")}team = "a"\n{PERSON.format("y")}', "warning", 4,
         "person `y` is in no team", "give a `team`, or a `cost_center`"),
        (f'{PERSON.format("x")}aliases = ["k"]\nuntil = 2026-03-01\n{PERSON.format("y")}aliases = ["K"]', "error", 5,
         "`k` is claimed by `y` and by `x` ({folder}/tokenaudit.toml:1) on the same days",
         "leave it out of one, or give both entries dates"),
        (f'{PERSON.format("x")}{PERSON.format("y")}aliases = ["X"]\nuntil = 2026-03-01', "error", 3,
         "`x` is claimed by `y` and by `x` ({folder}/tokenaudit.toml:1) on the same days",
         "leave it out of one, or give both entries dates"),
        ('[[org.project]]\nname = "p"\ngroup = "a"\n[[org.project]]\nname = "p"\ngroup = "b"', "error", 4,
         "project `p` on the same days as {folder}/tokenaudit.toml:1", "end one with `until` before the next"),
        ('[[org.rule]]\nwhere = { projct = "a" }\nteam = "b"', "error", 1,
         "unknown column `projct` in `where`", "did you mean `project`?"),
        ('[[org.rule]]\nwhere = { cost_center = "a" }\nteam = "b"', "error", 1,
         "unknown column `cost_center` in `where`", None),
        ('[[org.rule]]\nwhere = { project = "a" }', "error", 1,
         "a rule that gives nothing", "give one of user, project, team, cost_center, gl_code"),
        ('[[org.rule]]\nwhere = {}\nteam = "b"', "error", 1,
         "`where` that chooses nothing", 'write a condition, such as { project = "infra-*" }'),
        (f'{SHARED}split = "fixed"\nweights = {{ a = 60, b = 30 }}', "error", 1,
         "weights add up to 90 %, not to 100 %", "change one of them"),
        (f'{SHARED}split = "fixed"\nweights = {{ a = 160, b = -60 }}', "error", 1,
         "a weight that is no number from 0 to 100", "write per cent: { eng = 60, sales = 40 }"),
        (f'{SHARED}split = "evn"', "error", 1,
         "unknown `split`: `evn`", "did you mean `even`?"),
        (f'{SHARED}to = "teams"', "error", 1,
         "unknown `to`: `teams`", "did you mean `team`?"),
        (f"{SHARED}weights = {{ a = 100 }}", "error", 1,
         "weights without `fixed`", 'write split = "fixed", or leave them out'),
        (SHARED + SHARED,
         "error", 4, "a second [[allocation]] called `s`", "give each a name of its own"),
    ],
)  # fmt: skip
def test_each_mistake_is_named(tmp_path: Path, text: str, level: str, line: int, said: str, hint: str | None) -> None:
    """One mistake, one finding: where it stands, and what to do."""
    (one,) = found(tmp_path, text)
    assert one[:4] == (level, "tokenaudit.toml", line, said.format(folder=tmp_path))
    assert hint is None or one[4] == hint


@pytest.mark.parametrize(
    ("text", "people", "said", "hint"),
    [
        ("[[org.person]]\nuser = 'x'\n\ntaem = 'a'", "", "tokenaudit.toml:4: unknown key `taem` in [[org.person]]",
         "did you mean `team`?"),
        ("[[org.person]]\nteam = 'x'", "",
         "tokenaudit.toml:1: object missing required field `user` in [[org.person]]", None),
        ("[[org.person]]\nuser = 'x'\nfrom = 3", "",
         "tokenaudit.toml:1: expected `date | null`, got `int` at `from` in [[org.person]]", None),
        ("\n[org]\npersn = 3", "", "tokenaudit.toml:3: unknown key `persn` in [org]", "did you mean `person`?"),
        ("[org.person]\nuser = 'x'", "", "tokenaudit.toml:1: `org.person` is no list of tables",
         "write [[org.person]] above each"),
        ("[org]\npeople = 'none.csv'", "", "tokenaudit.toml:2: cannot read `none.csv`: No such file or directory",
         "a relative path starts at the folder of this file"),
        ("[org]\npeople = 3", "", "tokenaudit.toml:2: `people` names no file", None),
        ("[org]\npeople = 'people.csv'", "user,taem\nx,a\n", "people.csv:1: unknown column `taem`",
         'did you mean `team`?, or name the columns that count: columns = { user = "..." }'),
        ("[org]\npeople = 'people.csv'", "user,team\nx,a\n,b\n",
         "people.csv:3: object missing required field `user`", None),
        ("[org]\npeople = 'people.csv'", "user,until\nx,1.2.2026\n",
         "people.csv:2: invalid RFC3339 encoded date at `until`", None),
        ("[org]\npeople = 'people.csv'", "user,team\nx,a,b\n", "people.csv:2: more cells than columns",
         "quote cells that hold `,`"),
        ("[org]\npeople = 'people.csv'", "user,user\nx,a\n", "people.csv:1: two columns of one name",
         "rename one of them"),
        ("[org]\npeople = '.'", "", "tokenaudit.toml:2: cannot read `.`: Is a directory", None),
        ("[org]\npeople = { file = 'people.csv', columns = { user = 'E-mail' } }", "Email,Dept\nx,a\n",
         "people.csv:1: unknown column `E-mail`", "did you mean `Email`?"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, people: str, said: str, hint: str | None) -> None:
    """Unknown keys and columns, wrong types and missing files, each with file and line."""
    message, advice = refused(tmp_path, text, people=people)
    assert message == said
    assert hint is None or advice == hint


def test_files_of_hr_are_read_as_they_are(tmp_path: Path) -> None:
    """Columns under their own names, others passed by, semicolons, a byte order mark, quotes and empty lines."""
    text = """
[org]
people = { file = "hr.csv", columns = { user = "Work e-mail", team = "Department", from = "Start" } }
[[org.person]]
user = "bot"
"""
    rows = '\ufeffId;Work e-mail;Department;Start\r\n1;alice@x;"Eng;\u2028Web";2026-10-01\r\n;;;\r\n\r\n2;bob@x;;\r\n'
    (tmp_path / "hr.csv").write_bytes(rows.encode())
    (tmp_path / "tokenaudit.toml").write_text(text, encoding="utf-8")
    people = entries(config.read(tmp_path / "tokenaudit.toml")).people
    assert [(item.user, item.team, str(item.first), item.place.line) for item in people] == [
        ("alice@x", "Eng;\u2028Web", "2026-10-01", 2),
        ("bob@x", None, "None", 5),
        ("bot", None, "None", 4),
    ]


def test_a_pyproject_has_lines_too(tmp_path: Path) -> None:
    """The tables have longer names there."""
    path = tmp_path / "pyproject.toml"
    path.write_text(
        '[tool.x]\n[[tool.tokenaudit.org.person]]\nuser = "a"\n[[tool.tokenaudit.org.person]]\nuser = "b"\n'
    )
    assert [item.place.line for item in entries(config.read(path)).people] == [2, 4]


def test_a_broken_map_stops_reports(tmp_path: Path) -> None:
    """The first error is named, and how many there are; warnings stop nothing; no map is no map."""
    path = tmp_path / "tokenaudit.toml"
    path.write_text(f'{PERSON.format("x")}team = "a"\n[[org.team]]\nname = "b"\nparent = "c"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        org_of(config.read(path))
    assert caught.value.message == f"{path}:1: `x` is in an unknown team `a`"
    assert caught.value.hint == 'add it: [[org.team]] name = "a"; 1 more: run `tokenaudit org check`'
    path.write_text(f'{PERSON.format("x")}team = "a"\n{PERSON.format("y")}', encoding="utf-8")
    assert org_of(config.read(path)) is not None
    assert org_of(config.Config()) is None


def test_weights_are_read_exactly(tmp_path: Path) -> None:
    """33.3 is 33.3 and no binary fraction, as a number and as text; what is no number is named."""
    text = f"{SHARED}split = 'fixed'\nweights = {{ a = 33.3, b = '66.6', c = 0.1 }}"
    assert found(tmp_path, text) == []
    assert refused(tmp_path, text.replace("33.3", "'x'"))[0].startswith("tokenaudit.toml:1: invalid decimal string")
    (one,) = found(tmp_path, text.replace("33.3", "nan"))
    assert one[3] == "a weight that is no number from 0 to 100"


def test_the_section_has_every_key() -> None:
    """What `[org]` may hold is told in one place."""
    assert {item.name for item in fields(Section)} == {*KINDS, *FILES}
