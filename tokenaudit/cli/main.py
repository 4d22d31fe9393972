"""The frame around all commands: finds the one that was asked for, and turns what went wrong into an exit code.

A command is a module with a function `command`, annotated for typer with the types of `options`, and a line in
`COMMANDS`. A module with `COMMANDS` of its own is a group of such commands; its `command` runs where none is named.
Its docstring is its help; `EXAMPLES` (lines of shell), where it has them, close that help. What `command` returns is
the exit code; None is 0. A module is imported when its command runs or help lists it, so whatever is heavy is imported
inside its functions.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer
import typer.main
from typer._click.exceptions import ClickException
from typer.core import TyperGroup

from tokenaudit.cli import screen
from tokenaudit.cli.suggest import choice, completion, unknown, usage_error
from tokenaudit.errors import TokenauditError

if TYPE_CHECKING:
    from types import ModuleType

    from typer._click import Command, Context, HelpFormatter

COMMANDS: dict[str, str] = {
    "demo": "tokenaudit.cli.demo",
    "ingest": "tokenaudit.cli.ingest",
    "report": "tokenaudit.cli.report",
    "explain": "tokenaudit.cli.explain",
    "forecast": "tokenaudit.cli.forecast",
    "anomalies": "tokenaudit.cli.anomalies",
    "check": "tokenaudit.cli.check",
    "sources": "tokenaudit.cli.sources",
    "prices": "tokenaudit.cli.prices",
    "count": "tokenaudit.cli.count",
    "budget": "tokenaudit.cli.budget",
    "config": "tokenaudit.cli.config",
    "doctor": "tokenaudit.cli.doctor",
    "org": "tokenaudit.cli.org",
    "forget": "tokenaudit.cli.forget",
}
"""Modules by the name of their command, in the order of the help."""

PROGRAM = "tokenaudit"
STYLE = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
INTERRUPTED, PIPE_CLOSED = 130, 141
"""Exit codes as shells give them for SIGINT and SIGPIPE: a report whose reader went away is not done."""
NEW_OBJECTS = 50_000
"""Objects made between two looks for circular garbage: Python's 700 make a tenth of the time a short command takes."""
EXIT_CODES = """\b
Exit codes:
  0    done
  1    findings, from a command that judges: check, doctor --verify, org check, anomalies --fail
  2    usage, configuration or input error, or no data for what was asked
  3    check could not judge: data is missing, old or unpriced
  70   internal error
  130  interrupted
  141  whoever read the output stopped reading
"""


class InternalError(TokenauditError):
    """Our own mistake."""

    exit_code = 70


class Commands(TyperGroup):
    """The group of all commands, each imported when it is needed."""

    inner: ClassVar[Mapping[str, str] | None] = None
    """Modules by the name of their command, where this is a group inside."""

    @property
    def known(self) -> Mapping[str, str]:
        """The modules of the commands by name."""
        return COMMANDS if self.inner is None else self.inner

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 - typer's signature
        """Return the names of all commands."""
        return list(self.known)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:  # noqa: ARG002 - typer's signature
        """Return a command, with the options that all have; None for an unknown name."""
        return _built(cmd_name, self) if cmd_name in self.known else None

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """Return name, command and what follows. Raises QueryError, with the nearest name, for an unknown one."""
        if args[0] not in self.known and not ctx.resilient_parsing:
            raise unknown("command", args[0], tuple(self.known), f"run `{ctx.command_path} --help`")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002 - typer's signature
        """Write names and first lines of help, without building the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(import_module(module))) for name, module in self.known.items()])


def _summary(module: ModuleType) -> str:
    first, _, _ = (module.command.__doc__ or "").strip().partition("\n")
    return first.rstrip(".")


def _built(name: str, group: Commands) -> Command:
    """Return a command as typer makes it of the function, with the group's `--color` and `--debug` as its own."""
    module = import_module(group.known[name])
    inner: Mapping[str, str] | None = getattr(module, "COMMANDS", None)
    cls = None if inner is None else type(name, (Commands,), {"inner": inner})
    app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=STYLE)
    if inner is None:
        app.command(name, epilog=_examples(module))(module.command)
    else:
        app.callback(cls=cls, invoke_without_command=True, epilog=_examples(module))(module.command)
    command = typer.main.get_command(app)
    command.params += [param for param in group.params if param.name in ("color", "debug")]
    return command


def _examples(module: ModuleType) -> str | None:
    lines: Sequence[str] = getattr(module, "EXAMPLES", ())
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines))) if lines else None


def show_version(wanted: bool) -> None:  # noqa: FBT001 - called by typer
    """Print the version and end, where it is asked for."""
    if wanted:
        print(PROGRAM, version())
        raise typer.Exit


def version() -> str:
    """Return the version of the installed package; ``unknown`` where it runs without being installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed(PROGRAM)
    except PackageNotFoundError:
        return "unknown"


def use_debug(wanted: bool) -> None:  # noqa: FBT001 - called by typer
    """Show tracebacks for the rest of this process, where it is asked for."""
    if wanted:
        os.environ["TOKENAUDIT_DEBUG"] = "1"


app = typer.Typer(
    cls=Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    epilog=EXIT_CODES,
    context_settings=STYLE,
)


Version = Annotated[
    bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version and exit.")
]
Color = Annotated[
    str,
    typer.Option(
        "--color",
        callback=screen.use_color,
        parser=choice("color", screen.COLORS),
        autocompletion=completion(screen.COLORS),
        metavar="WHEN",
        show_default=False,
        help="auto (on a terminal), always or never.",
        expose_value=False,
    ),
]
Debug = Annotated[
    bool, typer.Option("--debug", callback=use_debug, help="Show the traceback of an error.", expose_value=False)
]


@app.callback()
def root(
    context: typer.Context,
    version: Version = False,  # noqa: ARG001, FBT002 - read by its callback
    color: Color = "auto",  # noqa: ARG001 - read by its callback
    debug: Debug = False,  # noqa: ARG001, FBT002 - read by its callback
) -> None:
    """Tell where the money for LLM tokens went, from the exports and logs you already hold."""
    if context.invoked_subcommand is None:
        from tokenaudit.cli.state import state_line

        print(context.get_help(), state_line(), sep="\n\n")


def main() -> None:
    """Run the command line of this process and end it: the console entry point."""
    gc.set_threshold(NEW_OBJECTS)
    try:
        sys.exit(run(sys.argv[1:]))
    finally:
        gc.freeze()  # else Python looks through all of polars for garbage before it ends


def run(arguments: Sequence[str]) -> int:
    """Run one command line, such as ``["report", "--period", "2026-10"]``, and return its exit code.

    Errors go to stderr as ``error:`` and ``hint:``; tracebacks only with --debug or TOKENAUDIT_DEBUG.
    """
    try:
        code = _invoked(list(arguments))
        sys.stdout.flush()
    except SystemExit:
        raise
    except BrokenPipeError:
        return _silenced()
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BaseException as error:  # noqa: BLE001 - the outermost frame; a panic in polars is no Exception
        return _failed(error)
    return code


def _invoked(arguments: list[str]) -> int:
    """Run a command. Raises whatever it raises, except the wish to end with an exit code."""
    command = typer.main.get_command(app)
    if f"_{PROGRAM.upper()}_COMPLETE" in os.environ:
        command.main(arguments, prog_name=PROGRAM)
    try:
        with command.make_context(PROGRAM, arguments) as context:
            code = command.invoke(context)
    except typer.Exit as done:
        return done.exit_code
    return code if isinstance(code, int) else 0


def _silenced() -> int:
    """Send the rest of stdout nowhere, since nobody reads it any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED


def _failed(error: BaseException) -> int:
    if os.environ.get("TOKENAUDIT_DEBUG", "0") not in ("", "0"):
        import traceback

        traceback.print_exception(error)
    return screen.complain(_known(error))


def _known(error: BaseException) -> TokenauditError:
    """Return any error as one of ours: what the machine refuses is no bug, everything else is."""
    if isinstance(error, TokenauditError):
        return error
    if isinstance(error, ClickException):
        return usage_error(error)
    if isinstance(error, OSError) and error.strerror:
        place = f" `{error.filename}`" if error.filename else ""
        return TokenauditError(f"cannot use{place}: {error.strerror}")
    hint = f"this is a bug in {PROGRAM}; run it again with --debug and report what it says"
    return InternalError(f"internal error: {type(error).__name__}: {error}", hint)
