"""The configuration file: where it is found, what it says, and what is said where it cannot be used."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from tokenaudit import config
from tokenaudit.config import Config, Plan, load, read, store_path
from tokenaudit.errors import ConfigError

FULL = """
store = "spend"
timezone = "Europe/Berlin"

[[plan]]
source = "claude-code"
user = "alice"
from = 2026-09-01
until = "2026-12-31"
name = "Max 20x"

[[plan]]
source = "codex"

[projects]
"web-frontend" = "web"

[models]
"azure/prod-*" = "gpt-5-mini"
"""


def written(path: Path, text: str) -> Path:
    """Write a file, with the folders it needs, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_every_key(tmp_path: Path) -> None:
    """All keys, with a path relative to the file and dates of both spellings."""
    path = written(tmp_path / "tokenaudit.toml", FULL)
    assert read(path) == Config(
        store=tmp_path / "spend",
        timezone="Europe/Berlin",
        plans=(
            Plan("claude-code", "alice", date(2026, 9, 1), date(2026, 12, 31), "Max 20x"),
            Plan("codex"),
        ),
        projects={"web-frontend": "web"},
        models={"azure/prod-*": "gpt-5-mini"},
        path=path,
    )


def test_the_nearest_file_upward_counts(tmp_path: Path, isolated: Path) -> None:
    """tokenaudit.toml goes before pyproject.toml, a nearer folder before one above it, all before the user's own."""
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    *_, last = config.candidates(deep)
    assert last.is_relative_to(isolated)
    own = written(last, 'timezone = "Asia/Tokyo"')
    assert load(None, {}, deep).path == own
    above = written(tmp_path / "a" / "pyproject.toml", '[tool.tokenaudit]\ntimezone = "Europe/Paris"')
    assert load(None, {}, deep) == Config(timezone="Europe/Paris", path=above)
    beside = written(tmp_path / "a" / "tokenaudit.toml", "")
    assert load(None, {}, deep) == Config(path=beside)
    nearer = written(deep / "pyproject.toml", "[tool.tokenaudit]")
    assert load(None, {}, deep) == Config(path=nearer)


def test_a_project_that_does_not_speak_of_us_is_passed_by(tmp_path: Path) -> None:
    """A pyproject.toml without our table is skipped, even a broken one; our name elsewhere in it does not matter."""
    above = written(tmp_path / "tokenaudit.toml", "")
    written(tmp_path / "a" / "pyproject.toml", "this is = not [ TOML")
    written(tmp_path / "a" / "b" / "pyproject.toml", '[project]\ndependencies = ["tokenaudit"]')
    written(tmp_path / "a" / "b" / "c" / "pyproject.toml", 'tool = "tokenaudit"')
    assert load(None, {}, tmp_path / "a" / "b" / "c").path == above


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    """No file is no error."""
    assert load(None, {}, tmp_path) == Config()


def test_option_before_environment_before_folder(tmp_path: Path) -> None:
    """--config wins over TOKENAUDIT_CONFIG, which wins over what lies in the folder; an empty variable says nothing."""
    here = written(tmp_path / "tokenaudit.toml", "")
    env, option = written(tmp_path / "env.toml", ""), written(tmp_path / "option.toml", "")
    assert load(option, {"TOKENAUDIT_CONFIG": str(env)}, tmp_path).path == option
    assert load(None, {"TOKENAUDIT_CONFIG": str(env)}, tmp_path).path == env
    assert load(None, {"TOKENAUDIT_CONFIG": ""}, tmp_path).path == here


def test_store_path(tmp_path: Path, isolated: Path) -> None:
    """--store, then TOKENAUDIT_STORE, then the configuration, then the user's data folder."""
    env, told = {"TOKENAUDIT_STORE": "~/from-env"}, Config(store=tmp_path / "told")
    assert store_path(Path("given"), env, told) == isolated / "given"
    assert store_path(None, env, told) == isolated / "from-env"
    assert store_path(None, {"TOKENAUDIT_STORE": ""}, told) == tmp_path / "told"
    own = store_path(None, {}, Config())
    assert own.is_relative_to(isolated)
    assert own.name == "store"


def test_absolute_and_home_paths_stay(tmp_path: Path, isolated: Path) -> None:
    """Only a relative store starts at the folder of the file."""
    away = tmp_path / "away"
    assert read(written(tmp_path / "a.toml", f"store = '{away}'")).store == away
    assert read(written(tmp_path / "b.toml", "store = '~/spend'")).store == isolated / "spend"


OWN = [key for item in fields(Config) if (key := item.metadata.get("key", item.name))]
KEYS = f"keys are {', '.join((*OWN, *config.TERMS))}"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('timezon = "UTC"', "unknown key `timezon` in `{path}`", "did you mean `timezone`?"),
        ("budgt = 3", "unknown key `budgt` in `{path}`", "did you mean `budget`?"),
        ("path = 'x'", "unknown key `path` in `{path}`", KEYS),
        ("plans = []", "unknown key `plans` in `{path}`", "did you mean `plan`?"),
        ("[[plan]]\nsorce = 'x'", "unknown key `sorce` in [[plan]] of `{path}`", "did you mean `source`?"),
        ("[[plan]]\nday = 1", "unknown key `day` in [[plan]] of `{path}`", "keys are source, user, from, until, name"),
        ("[[plan]]\nuser = 'a'", "cannot use `{path}`: object missing required field `source` at `plan[0]`", None),
        (
            "[[plan]]\nsource = 'a'\nfrom = 3",
            "cannot use `{path}`: expected `date | null`, got `int` at `plan[0].from`",
            None,
        ),
        ("[plan]\nsource = 'a'", "cannot use `{path}`: expected `array`, got `object` at `plan`", None),
        ("plan = [3]", "cannot use `{path}`: expected `object`, got `int` at `plan[0]`", None),
        ("store = 3", "cannot use `{path}`: expected `str`, got `int` at `store`", None),
        ("timezone = 3", "cannot use `{path}`: expected `str`, got `int` at `timezone`", None),
        ("[projects]\na = 3", "cannot use `{path}`: expected `str`, got `int` at `projects[...]`", None),
        (
            "[[plan]]\nsource = 'a'\nfrom = 2026-02-01\nuntil = 2026-01-01",
            "a [[plan]] of `{path}` ends on 2026-01-01, before it begins on 2026-02-01",
            None,
        ),
        ("store = ", "`{path}` is not TOML: Invalid value (at end of document)", "mend it, or run with --no-config"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, message: str, hint: str | None) -> None:
    """Each mistake names the file, the key as it is written, and the nearest known key."""
    path = written(tmp_path / "tokenaudit.toml", text)
    with pytest.raises(ConfigError) as caught:
        load(None, {}, tmp_path)
    assert caught.value.message == message.format(path=path)
    assert caught.value.hint == hint


def test_broken_bytes_and_missing_files(tmp_path: Path) -> None:
    """A file that is not UTF-8, one that is missing and a table that is none are errors too."""
    path = tmp_path / "tokenaudit.toml"
    path.write_bytes(b"store = '\xff'")
    with pytest.raises(ConfigError, match="is not TOML"):
        read(path)
    with pytest.raises(ConfigError, match=r"cannot read .*none\.toml.: No such file") as caught:
        load(tmp_path / "none.toml", {}, tmp_path)
    assert caught.value.hint == "give another --config, or --no-config"
    with pytest.raises(ConfigError, match="expected `object`, got `int`"):
        read(written(tmp_path / "pyproject.toml", "[tool]\ntokenaudit = 3"))


def test_msgspec_is_loaded_for_a_file_only(tmp_path: Path) -> None:
    """Without a configuration file nothing beyond the standard library and platformdirs is imported."""
    code = (
        "import sys; from pathlib import Path; from tokenaudit.config import load; "
        "load(None, {}, Path(sys.argv[1])); print({'msgspec', 'tomllib'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
