"""`tokenaudit prices show`: what a model has cost."""

from __future__ import annotations

from tokenaudit.cli import options
from tokenaudit.cli.prices.common import Model, On, Provider, desk, show

EXAMPLES = (
    "tokenaudit prices show claude-opus-5-5",
    "tokenaudit prices show gpt-5.4 --provider azure",
    "tokenaudit prices show deepseek-v4-pro -f csv",
)


def command(
    model: Model,
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
    """Show a model's prices, past and to come: a table, a small chart, and who else sells it."""
    where = desk(on, store, config, no_config=no_config)
    from tokenaudit.reports.price_models import history

    document = history(where.book, model, provider, where.day)
    show(document, where, format, output, quiet=quiet)
