"""`tokenaudit prices`: what tokens cost, at whom, and since when."""

from __future__ import annotations

import typer  # noqa: TC002 - typer reads the annotation

COMMANDS: dict[str, str] = {
    "list": "tokenaudit.cli.prices.list",
    "search": "tokenaudit.cli.prices.search",
    "show": "tokenaudit.cli.prices.show",
    "compare": "tokenaudit.cli.prices.compare",
    "scheduled": "tokenaudit.cli.prices.scheduled",
    "match": "tokenaudit.cli.prices.match",
    "update": "tokenaudit.cli.prices.update",
}
"""Modules by the name of their command, in the order of the help."""
EXAMPLES = (
    "tokenaudit prices                                       what the models cost today",
    "tokenaudit prices list --provider anthropic",
    "tokenaudit prices search opus",
    "tokenaudit prices show claude-opus-5-5                  its history, and who else sells it",
    "tokenaudit prices compare claude-opus-5-5 gpt-5.6-sol --cached 80%",
    "tokenaudit prices scheduled",
    "tokenaudit prices match 'us.anthropic.claude-opus-4-5-20251101-v1:0' --on 2026-10-14",
)


def command(context: typer.Context) -> None:
    """Say what tokens cost: lists, a model's history, two models compared, changes to come, how names are matched.

    Without a command it lists the models. Prices are list prices in US dollars for a million tokens.
    """
    if context.invoked_subcommand is None:
        from tokenaudit.cli.prices.list import command as listed

        listed()
