"""`tokenaudit count`: how many tokens a text is."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from tokenaudit import periods
from tokenaudit.cli import options, screen
from tokenaudit.cli.prices.common import models, sellers
from tokenaudit.cli.report import MACHINE
from tokenaudit.errors import QueryError

EXAMPLES = (
    "tokenaudit count prompt.md --model gpt-5",
    "tokenaudit count src/*.py --model claude-opus-5-5",
    "tokenaudit count - --model gpt-5.4 -f json < prompt.md",
)
Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="Text files; - is standard input.")]
Model = Annotated[
    str | None,
    typer.Option("--model", "-m", metavar="MODEL", autocompletion=models, help="Whose tokens; default gpt-5."),
]
Provider = Annotated[
    str | None, typer.Option("--provider", metavar="NAME", autocompletion=sellers, help="Whose price.")
]
On = Annotated[
    date | None,
    typer.Option("--on", metavar="DATE", parser=periods.parse_date, help="The day of the price; default today."),
]


def command(
    files: Files,
    model: Model = None,
    provider: Provider = None,
    on: On = None,
    format: options.Format = None,  # noqa: A002 - the option's own name
    output: options.Output = None,
    config: options.Config = None,
    *,
    no_config: options.NoConfig = False,
    quiet: options.Quiet = False,
) -> None:
    """Count the tokens of text files for a model, and what they cost once as input or as output.

    Exact for the text of OpenAI's models, an estimate for others, and marked so. Nothing is stored, nothing is sent.
    """
    settings = options.settings(config=config, no_config=no_config, as_of=on)
    chosen = options.output_format(format, output)
    texts = {name: read(name) for name in files}
    from dataclasses import replace

    from tokenaudit.render import render
    from tokenaudit.reports.counted import count_report, prices_of
    from tokenaudit.reports.question import book_of

    day = settings.as_of
    document = count_report(texts, model, prices_of(model, provider, book_of(settings.config), day), day)
    notes = () if quiet else document.notes
    render(replace(document, notes=notes), chosen, options.destination(output))
    if chosen in MACHINE:
        for note in notes or ():
            screen.say(f"note: {note}")


def read(name: str) -> str:
    """Return the text of a file. QueryError for what is none."""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise QueryError(f"`{name}` is no UTF-8 text", f"byte {error.start} is no part of a character") from error
    except IsADirectoryError as error:
        raise QueryError(f"`{name}` is a folder", f"name its files: `tokenaudit count {name}/*`") from error
    except OSError as error:
        raise QueryError(f"cannot read `{name}`: {error.strerror}") from error
