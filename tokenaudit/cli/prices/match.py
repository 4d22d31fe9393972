"""`tokenaudit prices match`: how a name in a log finds its price."""

from __future__ import annotations

from typing import Annotated

import typer

from tokenaudit.cli import options
from tokenaudit.cli.prices.common import On, Provider, desk, show

EXAMPLES = (
    "tokenaudit prices match claude-opus-4-5-20251101",
    "tokenaudit prices match my-deployment --provider azure --on 2026-10-14",
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="A model's name as a log has it.")]


def command(
    name: Name,
    provider: Provider = None,
    on: On = None,
    format: options.Format = None,  # noqa: A002 - the option's own name
    output: options.Output = None,
    store: options.Store = None,
    config: options.Config = None,
    *,
    no_config: options.NoConfig = False,
    quiet: options.Quiet = False,
) -> None:
    """Show each step from a model's name in a log to its price on a day.

    A name without a price is an answer, too: what it was looked for, and where.
    """
    where = desk(on, store, config, no_config=no_config)
    from tokenaudit.reports.price_models import matched

    document = matched(where.book, name, provider, where.day)
    show(document, where, format, output, quiet=quiet)
