"""`tokenaudit prices update`: a newer price book, from a file that you have fetched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokenaudit.cli import options, screen
from tokenaudit.errors import QueryError

if TYPE_CHECKING:
    from tokenaudit.prices.update import Updated

EXAMPLES = (
    "tokenaudit prices update --from genai_prices-0.2.4-py3-none-any.whl",
    "tokenaudit prices update --from model_prices_and_context_window.json",
    "tokenaudit prices update --installed       the genai-prices beside this program",
    "tokenaudit prices update --reset           the prices that came with the program again",
)
From = Annotated[
    Path | None,
    typer.Option("--from", metavar="FILE", help="A wheel of genai-prices or LiteLLM, or LiteLLM's price file (JSON)."),
]
Installed = Annotated[bool, typer.Option("--installed", help="Take the genai-prices that is installed here.")]
Reset = Annotated[bool, typer.Option("--reset", help="Remove what earlier updates made.")]


def command(
    source: From = None,
    *,
    installed: Installed = False,
    reset: Reset = False,
    as_of: options.AsOf = None,
    quiet: options.Quiet = False,
) -> None:
    """Make a newer copy of the price book from a file. Nothing goes to the network.

    The file is parsed and never run. The copy counts while it is newer than what came with the program.
    """
    if (source is not None) + installed + reset != 1:
        raise QueryError("say where the prices are", "one of: --from FILE, --installed, --reset")
    from tokenaudit.periods import today
    from tokenaudit.prices import update

    if reset:
        there = update.reset()
        said = "The prices that came with the program count again." if there else "There was no copy."
    else:
        said = _told(update.update(source, as_of or today("UTC")))
    if not quiet:
        screen.say(said)


def _told(done: Updated) -> str:
    counts = (
        "Reports use it from now on." if done.counts else "The prices that came with the program are newer, and count."
    )
    changes = f"{done.added:,} offers added, {done.changed:,} changed, {done.removed:,} removed"
    return f"Price book of {done.after.date}: {changes}. {counts}"
