"""`tokenaudit prices list`: what models cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tokenaudit.cli import options
from tokenaudit.cli.prices.common import Desk, On, Provider, desk, show

if TYPE_CHECKING:
    import polars as pl

EXAMPLES = (
    "tokenaudit prices list --provider anthropic",
    "tokenaudit prices list --used                       models that the store holds",
    "tokenaudit prices list --on 2025-12-01 --limit 0",
    "tokenaudit prices list --provider aws -o bedrock.csv",
)
Used = Annotated[bool, typer.Option("--used", help="Only models that the store has rows of.")]


def command(
    provider: Provider = None,
    limit: options.Limit = None,
    on: On = None,
    format: options.Format = None,  # noqa: A002 - the option's own name
    output: options.Output = None,
    store: options.Store = None,
    config: options.Config = None,
    *,
    used: Used = False,
    no_config: options.NoConfig = False,
    quiet: options.Quiet = False,
) -> None:
    """List what an ordinary request costs, with each model that has a price on a day.

    Prices of larger requests, and of other ways to buy, are shown by `tokenaudit prices show MODEL`.
    """
    where = desk(on, store, config, no_config=no_config)
    from tokenaudit.prices import listing
    from tokenaudit.reports.price_lists import listed

    rows = listing.of_seller(listing.listed(where.book), provider)
    rows = _used(rows, where) if used else rows
    document = listed(rows, where.day, limit, f"Prices on {where.day}", where.book)
    show(document, where, format, output, quiet=quiet)


def _used(rows: pl.DataFrame, where: Desk) -> pl.DataFrame:
    from tokenaudit.prices import listing
    from tokenaudit.reports.price_age import logged
    from tokenaudit.store.store import Store

    with Store.open(where.store) as store:
        return listing.used(rows, logged(store), where.book)
