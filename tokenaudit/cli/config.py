"""`tokenaudit config`: the configuration file, as editors want to know it."""

from __future__ import annotations

from typing import Annotated

import typer

from tokenaudit.cli import options
from tokenaudit.cli.suggest import choice, completion

EXAMPLES = (
    "tokenaudit config schema > tokenaudit.schema.json",
    "tokenaudit config path                                which file counts here",
)
ACTIONS = ("schema", "path")
Action = Annotated[
    str,
    typer.Argument(
        metavar="ACTION",
        parser=choice("action", ACTIONS),
        autocompletion=completion(ACTIONS),
        help="schema: the JSON Schema of tokenaudit.toml; path: the file that counts.",
    ),
]


def command(action: Action, config: options.Config = None, *, no_config: options.NoConfig = False) -> None:
    """Print the JSON Schema of the configuration file, or which file counts.

    Editors check and complete the file by its schema: begin it with `#:schema tokenaudit.schema.json`.
    """
    if action == "path":
        settings = options.settings(config=config, no_config=no_config)
        print(settings.config.path or "none found: the defaults count")
        return
    import json

    from tokenaudit.reports.config_schema import config_schema

    print(json.dumps(config_schema(), indent=2))
