"""`tokenaudit prices scheduled`: prices that will change."""

from __future__ import annotations

from tokenaudit.cli import options
from tokenaudit.cli.prices.common import On, Provider, desk, show

EXAMPLES = (
    "tokenaudit prices scheduled",
    "tokenaudit prices scheduled --provider google",
)


def command(
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
    """List the changes of price that are known to come."""
    where = desk(on, store, config, no_config=no_config)
    from tokenaudit.prices import listing
    from tokenaudit.reports.price_lists import coming

    document = coming(where.book, listing.of_seller(listing.listed(where.book), provider), where.day)
    show(document, where, format, output, quiet=quiet)
