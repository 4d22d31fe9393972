"""`tokenaudit prices search`: models by a part of their name."""

from __future__ import annotations

from typing import Annotated

import typer

from tokenaudit.cli import options
from tokenaudit.cli.prices.common import On, Provider, desk, show

EXAMPLES = (
    "tokenaudit prices search opus",
    "tokenaudit prices search gpt-5 --provider azure",
)
Text = Annotated[str, typer.Argument(metavar="TEXT", help="Part of a model's name, in any case.")]


def command(
    text: Text,
    provider: Provider = None,
    limit: options.Limit = None,
    on: On = None,
    format: options.Format = None,  # noqa: A002 - the option's own name
    output: options.Output = None,
    store: options.Store = None,
    config: options.Config = None,
    *,
    no_config: options.NoConfig = False,
    quiet: options.Quiet = False,
) -> None:
    """Find models by a part of their name, or of another name that their seller lists."""
    where = desk(on, store, config, no_config=no_config)
    from tokenaudit.prices import listing
    from tokenaudit.reports.price_lists import listed

    rows = listing.found_in(listing.of_seller(listing.listed(where.book), provider), text, where.book)
    document = listed(rows, where.day, limit, f"`{text}` on {where.day}", where.book)
    show(document, where, format, output, quiet=quiet)
