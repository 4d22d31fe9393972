"""The frame of the command line: help, errors, exit codes, colours, completion and what it may import."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tokenaudit.cli import main, screen
from tokenaudit.cli.suggest import choice, completion

TINY = '''
"""A command for tests."""

from __future__ import annotations

from typing import Annotated

import typer

from tokenaudit.cli import options
from tokenaudit.errors import NoDataError

EXAMPLES = ("tokenaudit tiny --period 2026-10",)


class Panic(BaseException):
    """Like a panic in polars: no Exception."""


def refuse():
    raise NoDataError("no data", "ingest some")


def interrupt():
    raise KeyboardInterrupt


def panic():
    raise Panic("at the disco")


def stumble():
    raise ValueError("not so")


def read():
    open("/nowhere/to/be/found")


ACTS = {"": print, "refuse": refuse, "interrupt": interrupt, "panic": panic, "stumble": stumble, "read": read,
        "one": lambda: 1, "exit": lambda: (_ for _ in ()).throw(typer.Exit(3))}


def command(
    act: Annotated[str, typer.Argument()] = "",
    period: options.Period = None,
    output_format: options.Format = None,
    limit: options.Limit = None,
    as_of: options.AsOf = None,
) -> int | None:
    """Do what a test asks for.

    And nothing else.
    """
    return ACTS[act]()
'''

INTERNAL = "this is a bug in tokenaudit; run it again with --debug and report what it says"


@pytest.fixture(autouse=True)
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the command ``tiny`` alone, in an environment that says nothing of colours."""
    (tmp_path / "tiny_command.py").write_text(TINY, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(main, "COMMANDS", {"tiny": "tiny_command"})
    monkeypatch.delitem(sys.modules, "tiny_command", raising=False)
    hidden = ("NO_COLOR", "FORCE_COLOR", "TERM", "TOKENAUDIT_DEBUG", "COLUMNS")
    monkeypatch.setattr(os, "environ", {key: value for key, value in os.environ.items() if key not in hidden})


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr of a command line."""
    code = main.run(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def python(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own."""
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, env={**os.environ, **env}
    )


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_lists_commands_and_exit_codes(capsys: pytest.CaptureFixture[str], arguments: Sequence[str]) -> None:
    """A bare call and --help say what there is, on stdout, and end well."""
    code, out, err = shown(capsys, *arguments)
    assert (code, err) == (0, "")
    assert "Usage: tokenaudit [OPTIONS] COMMAND [ARGS]..." in out
    assert "  tiny  Do what a test asks for\n" in out
    assert "  70   internal error\n" in out


def test_help_of_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The docstring is the help, with options that all commands have, and examples as they are typed."""
    code, out, _ = shown(capsys, "tiny", "--help")
    assert code == 0
    assert "  Do what a test asks for.\n\n  And nothing else.\n" in out
    assert "  -p, --period PERIOD  2026-10, 2026-Q3," in out
    assert "--color WHEN" in out
    assert "--debug" in out
    assert out.endswith("  Examples:\n    tokenaudit tiny --period 2026-10\n")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """--version prints name and version of the package; from a tree that is not installed it says so."""
    assert shown(capsys, "--version") == (0, f"tokenaudit {main.version()}\n", "")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ("tny", "unknown command `tny`", "did you mean `tiny`?"),
        ("zzz", "unknown command `zzz`", "run `tokenaudit --help`"),
        ("tiny --formt csv", "unknown option `--formt`", "did you mean `--format`?"),
        ("tiny --zzz", "unknown option `--zzz`", "run `tokenaudit tiny --help`"),
        ("-x tiny", "unknown option `-x`", "options come after the command: `tokenaudit COMMAND -x ...`"),
        ("--versio", "unknown option `--versio`", "did you mean `--version`?"),
        ("tiny --format jsn", "unknown format `jsn`", "did you mean `json`?"),
        ("tiny --limit x", "`x` is no number of rows", "write --limit 20, or --limit 0 for all"),
        ("tiny --limit -1", "`-1` is no number of rows", "write --limit 20, or --limit 0 for all"),
        ("tiny --as-of 2026/10/14", "cannot read the date `2026/10/14`", "did you mean `2026-10-14`?"),
        ("tiny --period", "option `--period` requires an argument", "add --help to see how it is used"),
        ("tiny --debug=yes", "option `--debug` does not take a value", "add --help to see how it is used"),
        ("tiny one more", "unexpected argument `more`", "run `tokenaudit tiny --help`"),
        ("tiny one more here", "unexpected argument `more here`", "run `tokenaudit tiny --help`"),
        ("--color sometimes", "unknown color `sometimes`", "known: auto, always, never"),
        ("tiny refuse", "no data", "ingest some"),
    ],
)  # fmt: skip
def test_errors_have_one_shape(capsys: pytest.CaptureFixture[str], arguments: str, message: str, hint: str) -> None:
    """Usage errors and our own read alike, go to stderr and end with 2."""
    assert shown(capsys, *arguments.split()) == (2, "", f"error: {message}\n\nhint: {hint}\n")


@pytest.mark.parametrize(
    ("act", "code", "err"),
    [
        ("one", 1, ""),
        ("exit", 3, ""),
        ("interrupt", 130, "interrupted\n"),
        ("read", 2, "error: cannot use `/nowhere/to/be/found`: No such file or directory\n"),
        ("stumble", 70, f"error: internal error: ValueError: not so\n\nhint: {INTERNAL}\n"),
        ("panic", 70, f"error: internal error: Panic: at the disco\n\nhint: {INTERNAL}\n"),
    ],
)
def test_exit_codes(capsys: pytest.CaptureFixture[str], act: str, code: int, err: str) -> None:
    """A command's own code stands; what the machine refuses is 2; our mistakes, panics included, are 70, never 1."""
    assert shown(capsys, "tiny", act) == (code, "", err)


def test_tracebacks_are_for_those_who_ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """--debug at either place and TOKENAUDIT_DEBUG show the traceback above the error."""
    assert "Traceback" not in shown(capsys, "tiny", "stumble")[2]
    for arguments in (("--debug", "tiny", "stumble"), ("tiny", "stumble", "--debug")):
        monkeypatch.setitem(os.environ, "TOKENAUDIT_DEBUG", "0")
        _, _, err = shown(capsys, *arguments)
        assert err.startswith("Traceback")
        assert err.endswith(f"hint: {INTERNAL}\n")
    monkeypatch.setitem(os.environ, "TOKENAUDIT_DEBUG", "1")
    assert "NoDataError" in shown(capsys, "tiny", "refuse")[2]


@pytest.mark.parametrize(
    ("arguments", "env", "expected"),
    [
        ("tny", {}, False),
        ("--color always tny", {}, True),
        ("tny", {"FORCE_COLOR": "1"}, True),
        ("tny", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("--color=always tny", {"NO_COLOR": "1"}, True),
        ("--color never tny", {"FORCE_COLOR": "1"}, False),
        ("tiny refuse --color=always", {}, True),
    ],
)
def test_colours(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: str,
    env: dict[str, str],
    expected: bool,  # noqa: FBT001 - an expectation
) -> None:
    """Words stay the same; colours are beside them where asked for, and never where NO_COLOR is set."""
    for name, value in env.items():
        monkeypatch.setitem(os.environ, name, value)
    _, _, err = shown(capsys, *arguments.split())
    assert ("\033[1;31merror:\033[0m " in err) is expected
    assert ("\033" in err) is expected


class Terminal:
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


def test_a_terminal_has_colours_unless_it_is_dumb(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal colour is the default; TERM=dumb turns it off."""
    assert screen.colored(Terminal())  # type: ignore[arg-type]
    monkeypatch.setitem(os.environ, "TERM", "dumb")
    assert not screen.colored(Terminal())  # type: ignore[arg-type]


def test_a_reader_who_left_is_no_error() -> None:
    """With the pipe closed nothing is said, and the exit code is that of SIGPIPE."""
    reading, writing = os.pipe()
    os.close(reading)
    run = subprocess.run(
        [sys.executable, "-m", "tokenaudit", "--help"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (run.returncode, run.stderr) == (main.PIPE_CLOSED, "")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["nonsense"]])
def test_start_up_loads_nothing_heavy(arguments: list[str]) -> None:
    """Help, version and usage errors, with all real commands registered, load none of the heavy packages."""
    heavy = {"polars", "pyarrow", "numpy", "pydantic", "rich", "msgspec", "sqlite3", "platformdirs"}
    code = (
        "import sys; from tokenaudit.cli.main import run\n"
        f"run({arguments}); print(sorted({heavy} & set(sys.modules)), file=sys.stderr)"
    )
    assert python("-c", code).stderr.endswith("[]\n")


def test_completion_of_commands_and_options(capsys: pytest.CaptureFixture[str]) -> None:
    """A shell that asks gets commands, options and their values."""
    asked = {"tokenaudit t": "tiny", "tokenaudit tiny --form": "--format", "tokenaudit tiny -p last-m": "last-month"}
    for words, expected in asked.items():
        os.environ["_TOKENAUDIT_COMPLETE"] = "complete_bash"
        os.environ |= {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        with pytest.raises(SystemExit) as ended:
            main.run([])
        assert ended.value.code == 0
        assert capsys.readouterr().out.split() == [expected]


def test_show_completion() -> None:
    """--show-completion prints a script for the shell."""
    env = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    run = python("-m", "tokenaudit", "--show-completion", "bash", **env)
    assert run.returncode == 0
    assert "_TOKENAUDIT_COMPLETE=complete_bash" in run.stdout


def test_completion_goes_on_after_a_comma() -> None:
    """In a list of words the last one is completed."""
    complete = completion(("user", "model", "month"))
    assert complete("user,mo") == ["user,model", "user,month"]
    assert complete("u") == ["user"]


def test_choice_lets_known_words_pass() -> None:
    """A choice returns the word it knows."""
    assert choice("color", screen.COLORS)("auto") == "auto"


def test_every_command_has_help_and_an_example() -> None:
    """Each registered module has a `command` with a docstring, and shows at least one example."""
    code = (
        "from importlib import import_module\n"
        "from tokenaudit.cli import main\n"
        "found = [(name, import_module(module)) for name, module in main.COMMANDS.items()]\n"
        "inner = [(f'{name} {word}', import_module(place)) for name, module in found\n"
        "    for word, place in getattr(module, 'COMMANDS', {}).items()]\n"
        "for name, module in found + inner:\n"
        "    assert module.command.__doc__.strip(), name\n"
        "    assert all(line.startswith(f'tokenaudit {name}') for line in module.EXAMPLES) and module.EXAMPLES, name\n"
    )
    run = python("-c", code)
    assert (run.returncode, run.stderr) == (0, "")
